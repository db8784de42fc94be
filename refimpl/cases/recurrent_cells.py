"""Samples of the recurrent cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(71)

ROWS = {"rnn_tanh_cell": 1, "rnn_relu_cell": 1, "lstm_cell": 4, "gru_cell": 3}  # of a weight, in hidden sizes


def _weights(op: str, features: int, hidden: int, *biases: str) -> dict[str, Any]:
    rows = ROWS[op] * hidden
    return {
        "w_ih": draw.uniform(-1, 1, rows, features),
        "w_hh": draw.uniform(-1, 1, rows, hidden),
        **{name: draw.uniform(-1, 1, rows) for name in biases},
    }


def _state(op: str, *shape: int) -> Any:
    return (draw.normal(*shape), draw.normal(*shape)) if op == "lstm_cell" else draw.normal(*shape)


def _cases(op: str) -> tuple[Case, ...]:
    both = ("b_ih", "b_hh")
    return (
        case("unequal extents", input=draw.normal(4, 2), hx=_state(op, 4, 3), **_weights(op, 2, 3, *both)),
        case("no biases", input=draw.normal(2, 3), hx=_state(op, 2, 2), **_weights(op, 3, 2)),
        case("the input's bias alone", input=draw.normal(2, 1), hx=_state(op, 2, 2), **_weights(op, 1, 2, "b_ih")),
        case("the state's bias alone", input=draw.normal(2, 1), hx=_state(op, 2, 2), **_weights(op, 1, 2, "b_hh")),
        case("without a batch", input=draw.normal(3), hx=_state(op, 2), **_weights(op, 3, 2, *both)),
        case("one unit and one row", input=draw.normal(1, 1), hx=_state(op, 1, 1), **_weights(op, 1, 1, *both)),
        case("an empty batch", input=np.zeros((0, 3)), hx=_state(op, 0, 2), **_weights(op, 3, 2, *both)),
    )


CASES: dict[str, tuple[Case, ...]] = {op: _cases(op) for op in ROWS}
CASES["rnn_relu_cell"] += (
    case(
        "an activation of 0",
        at_kink=True,
        input=np.array([[1.0, 2.0]]),
        hx=np.array([[3.0, 1.0]]),
        w_ih=np.array([[2.0, 1.0], [1.0, -1.0]]),
        w_hh=np.array([[-1.0, -1.0], [1.0, 1.0]]),
    ),
)


def _good(op: str, **others: Any) -> dict[str, Any]:
    rows = ROWS[op] * 3
    state = np.ones((2, 3))
    hx = (state, state) if op == "lstm_cell" else state
    return {"input": np.ones((2, 4)), "hx": hx, "w_ih": np.ones((rows, 4)), "w_hh": np.ones((rows, 3)), **others}


def _without(op: str, name: str) -> dict[str, Any]:
    return {key: value for key, value in _good(op).items() if key != name}


def _refusals(op: str) -> tuple[Refusal, ...]:
    name, rows, count = f"{op}_forward", ROWS[op] * 3, "H" if ROWS[op] == 1 else f"{ROWS[op]} H"
    pair = op == "lstm_cell"
    states = {"of another batch": np.ones((3, 3)), "of another size": np.ones((2, 2)), "without a batch": np.ones(3)}
    return (
        *(refused_integers(op, argument, **_without(op, argument)) for argument in ("input", "w_ih", "w_hh")),
        refused_integers(op, "b_hh", **_good(op)),
        *(
            refused(
                f"a state {what}",
                ValueError,
                f"{name}: {'hx[1]' if pair else 'hx'} must have shape (N, H) = (2, 3), got {state.shape}",
                **_good(op, hx=(np.ones((2, 3)), state) if pair else state),
            )
            for what, state in states.items()
        ),
        refused(
            "an input of three dimensions",
            ValueError,
            f"{name}: input must have shape (N, I) or (I,), got (1, 2, 4)",
            **_good(op, input=np.ones((1, 2, 4))),
        ),
        refused(
            "a weight of the state of another size",
            ValueError,
            f"{name}: w_hh must have shape ({count}, H), got {(rows, 2)}",
            **_good(op, w_hh=np.ones((rows, 2))),
        ),
        refused(
            "a weight of the input of other features",
            ValueError,
            f"{name}: w_ih must have shape ({count}, I) = {(rows, 4)}, got {(rows, 5)}",
            **_good(op, w_ih=np.ones((rows, 5))),
        ),
        refused(
            "a bias of the wrong length",
            ValueError,
            f"{name}: b_ih must have shape ({count},) = {(rows,)}, got {(rows + 1,)}",
            **_good(op, b_ih=np.ones(rows + 1)),
        ),
        refused("no weight", TypeError, f"{name}: w_hh must be given, got None", **_good(op, w_hh=None)),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in ROWS}
REFUSALS["lstm_cell"] += (
    refused(
        "a state that is no pair",
        TypeError,
        "lstm_cell_forward: hx must be a pair (h, c), got ndarray",
        **_good("lstm_cell", hx=np.ones((2, 2, 3))),
    ),
    refused(
        "three states",
        TypeError,
        "lstm_cell_forward: hx must be a pair (h, c), got 3 entries",
        **_good("lstm_cell", hx=(np.ones((2, 3)),) * 3),
    ),
)
