"""What the samples of the recurrent nets over sequences share."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validate import IntArray
from ._case import Case, Draw, Refusal, case, refused

ROWS = {"rnn": 1, "lstm": 4, "gru": 3}  # of a weight, in hidden sizes


def lengths_of(*lengths: int) -> IntArray:
    return np.array(lengths)


def sample(
    draw: Draw,
    op: str,
    name: str,
    shape: tuple[int, ...],
    hidden: int,
    *,
    initial: bool = False,
    **options: Any,
) -> Case:
    """Random weights for the options, and with `initial` random initial states."""
    layers, directions = options.get("num_layers", 1), 2 if options.get("bidirectional") else 1
    projection = options.get("proj_size", 0)
    out, rows = projection or hidden, ROWS[op] * hidden
    weights = {}
    for layer in range(layers):
        for suffix in ("", "_reverse")[:directions]:
            end = f"l{layer}{suffix}"
            weights[f"weight_ih_{end}"] = draw.uniform(-0.6, 0.6, rows, directions * out if layer else shape[-1])
            weights[f"weight_hh_{end}"] = draw.uniform(-0.6, 0.6, rows, out)
            if options.get("bias", True):
                weights[f"bias_ih_{end}"] = draw.uniform(-0.6, 0.6, rows)
                weights[f"bias_hh_{end}"] = draw.uniform(-0.6, 0.6, rows)
            if projection:
                weights[f"weight_hr_{end}"] = draw.uniform(-0.6, 0.6, out, hidden)
    arguments: dict[str, Any] = {"input": draw.normal(*shape), "weights": weights}
    if initial:
        batch = shape[:-2] if options.get("batch_first") else shape[1:-1]
        lead = (layers * directions, *(batch if len(shape) == 3 else ()))
        h = draw.normal(*lead, out)
        arguments["hx"] = (h, draw.normal(*lead, hidden)) if op == "lstm" else h
    return case(name, **arguments, **options)


def samples(draw: Draw, op: str) -> tuple[Case, ...]:
    """One layer and one direction first, then what layers, directions and lengths do to each other."""

    def make(name: str, *shape: int, hidden: int = 2, **more: Any) -> Case:
        return sample(draw, op, name, shape, hidden, **more)

    deep = 2 if op == "rnn" else 1  # a net of gates has entries enough with one unit
    return (
        make("unequal extents", 4, 2, 3, initial=True),
        make("no initial state", 3, 2, 1),
        make("no biases, batch first", 2, 3, 2, initial=True, bias=False, batch_first=True),
        make("without a batch", 3, 2, initial=True),
        make("a single step of one unit", 1, 1, 1, hidden=1, initial=True),
        make("both directions", 2, 2, 1, initial=True, bidirectional=True),
        make(
            "two layers in both directions", 2, 1, 2, hidden=deep, initial=True, num_layers=2, bidirectional=True,
            bias=False,
        ),
        make("three layers", 2, 1, 1, num_layers=3, bias=False),
        make("lengths in any order", 3, 3, 2, initial=True, lengths=lengths_of(2, 3, 1)),
        make(
            "lengths, two layers in both directions", 3, 2, 1, hidden=deep, initial=True, num_layers=2,
            bidirectional=True, bias=False, lengths=lengths_of(1, 3),
        ),
        make("lengths, batch first, the last step in none", 2, 3, 1, batch_first=True, lengths=lengths_of(1, 2)),
        make("dropout between layers", 2, 2, 1, num_layers=2, bias=False, dropout=0.4, rng=0),
        make(
            "dropout between three layers, with lengths", 2, 3, 1, num_layers=3, dropout=0.3, rng=1,
            bias=False, lengths=lengths_of(2, 3), batch_first=True,
        ),
        make("dropout of all", 2, 2, 1, num_layers=2, bias=False, dropout=1.0),
        make("dropout in evaluation", 2, 2, 1, num_layers=2, bias=False, dropout=0.4, training=False),
        make("dropout of a single layer, which has none", 2, 2, 1, bias=False, dropout=0.4),
        make("an empty batch", 2, 0, 3, initial=True),
    )  # fmt: skip


def good(op: str, **others: Any) -> dict[str, Any]:
    """T = 4, N = 2, I = 5 and H = 3."""
    rows = ROWS[op] * 3
    weights = {
        "weight_ih_l0": np.ones((rows, 5)),
        "weight_hh_l0": np.ones((rows, 3)),
        "bias_ih_l0": np.ones(rows),
        "bias_hh_l0": np.ones(rows),
    }
    changed = {**weights, **others.pop("change", {})}
    return {
        "input": np.ones((4, 2, 5)),
        "weights": {key: value for key, value in changed.items() if value is not None},
        **others,
    }


def refusals(op: str) -> tuple[Refusal, ...]:
    name, rows, count = f"{op}_forward", ROWS[op] * 3, "H" if ROWS[op] == 1 else f"{ROWS[op]} H"
    names = f"{name}: weights must have PyTorch's names for the options given, got"
    kinds = "must be a floating-point array (float16, float32, float64), got dtype int64"

    def shape(what: str, weight: str, rule: str, expected: tuple[int, ...], *found: int, **options: Any) -> Refusal:
        message = f"{name}: weights.{weight} must have shape {rule} = {expected}, got {found}"
        return refused(what, ValueError, message, **good(op, change={weight: np.ones(found)}, **options))

    def value(what: str, message: str, **options: Any) -> Refusal:
        return refused(what, ValueError, f"{name}: {message}", **good(op, **options))

    def kind(what: str, message: str, **options: Any) -> Refusal:
        return refused(what, TypeError, f"{name}: {message}", **good(op, **options))

    two = {key.replace("l0", "l1"): np.ones(value.shape) for key, value in good(op)["weights"].items()}
    second = {**two, "weight_ih_l1": np.ones((rows, 3))}
    state = np.ones((2, 2, 3), dtype=np.int64)
    return (
        kind("integer input", f"input {kinds}", input=np.ones((4, 2, 5), dtype=np.int64)),
        kind(
            "an integer weight",
            f"weights.bias_hh_l0 {kinds}",
            change={"bias_hh_l0": np.ones(rows, dtype=np.int64)},
        ),
        kind("weights in a list", "weights must be a dict of arrays by PyTorch's names, got list", weights=[]),
        kind("floating lengths", "lengths must be an integer array, got dtype float64", lengths=np.array([4.0, 2.0])),
        kind("bias no boolean", "bias must be True or False, got 1", bias=1),
        kind("num_layers no integer", "num_layers must be an integer, got 1.0", num_layers=1.0),
        kind(
            "integer states",
            f"{'hx[0]' if op == 'lstm' else 'hx'} {kinds}",
            hx=(state, state) if op == "lstm" else state,
        ),
        value("an input of one dimension", "input must have shape (T, N, I) or (T, I), got (5,)", input=np.ones(5)),
        value(
            "an input of four dimensions, batch first", "input must have shape (N, T, I) or (T, I), got (1, 4, 2, 5)",
            input=np.ones((1, 4, 2, 5)), batch_first=True,
        ),
        value("no steps", "input must have at least one step, got shape (0, 2, 5)", input=np.ones((0, 2, 5))),
        value("no layers", "num_layers must be at least 1, got 0", num_layers=0),
        refused(
            "a missing weight", ValueError, f"{names} missing bias_ih_l0, unknown nothing",
            **good(op, change={"bias_ih_l0": None}),
        ),
        refused(
            "biases where there are none", ValueError, f"{names} missing nothing, unknown bias_ih_l0, bias_hh_l0",
            **good(op, bias=False),
        ),
        refused(
            "weights of a layer too many", ValueError, f"{names} missing nothing, unknown {', '.join(two)}",
            **good(op, change=two),
        ),
        refused(
            "no weights of the reverse direction", ValueError,
            f"{names} missing weight_ih_l0_reverse, weight_hh_l0_reverse, unknown bias_ih_l0, bias_hh_l0",
            **good(op, bidirectional=True, bias=False),
        ),
        refused(
            "a weight of no whole number of hidden sizes" if ROWS[op] > 1 else "a weight of one dimension", ValueError,
            f"{name}: weights.weight_hh_l0 must have shape ({count}, H) with H at least 1, "
            f"got {(rows + 1, 3) if ROWS[op] > 1 else (3,)}",
            **good(op, change={"weight_hh_l0": np.ones((rows + 1, 3) if ROWS[op] > 1 else 3)}),
        ),
        shape("a weight of another hidden size", "weight_hh_l0", f"({count}, H)", (rows, 3), rows, 4),
        shape("a weight of other features", "weight_ih_l0", f"({count}, I)", (rows, 5), rows, 6),
        shape("a bias of the wrong length", "bias_hh_l0", f"({count},)", (rows,), rows + 1),
        refused(
            "a second layer of the input's features", ValueError,
            f"{name}: weights.weight_ih_l1 must have shape ({count}, H) = {(rows, 3)}, got {(rows, 5)}",
            **good(op, change=two, num_layers=2),
        ),
        value("dropout above 1", "dropout must be at least 0 and at most 1, got 1.5", dropout=1.5),
        value(
            "dropout without rng", "rng must be an integer seed or a numpy.random.Generator, got None",
            change=second, num_layers=2, dropout=0.5,
        ),
        value("a length of 0", "lengths must hold numbers of steps from 1 to T = 4, got 0 at index (1,)",
              lengths=lengths_of(4, 0)),
        value("a length beyond the end", "lengths must hold numbers of steps from 1 to T = 4, got 5 at index (0,)",
              lengths=lengths_of(5, 2)),
        value("a length too few", "lengths must have shape (N,) = (2,), got (1,)", lengths=lengths_of(4)),
        value("lengths without a batch", "lengths must be None for an input without a batch, got shape (1,)",
              input=np.ones((4, 5)), lengths=lengths_of(4)),
    )  # fmt: skip


def refused_states(op: str) -> tuple[Refusal, ...]:
    """Of a net whose state is one array."""
    rule = f"{op}_forward: hx must have shape (num_layers * directions"
    return (
        refused(
            "a state of another batch", ValueError, f"{rule}, N, H) = (1, 2, 3), got (1, 1, 3)",
            **good(op, hx=np.ones((1, 1, 3))),
        ),
        refused(
            "a state without a batch", ValueError, f"{rule}, N, H) = (1, 2, 3), got (1, 3)",
            **good(op, hx=np.ones((1, 3))),
        ),
        refused(
            "a state with a batch that the input has not", ValueError,
            f"{rule}, H) = (1, 3), got (1, 1, 3)",
            **good(op, input=np.ones((4, 5)), hx=np.ones((1, 1, 3))),
        ),
    )  # fmt: skip
