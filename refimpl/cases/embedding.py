"""Samples of embeddings."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validate import Array, IntArray
from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(11)

PADDING = "PyTorch gives the row padding_idx no gradient, though the output has it"
RESCALED = "the gradient is that of the table as rescaled"
FREQUENCY = "each index's gradient is divided by how often it occurs"


def _table(*norms: float) -> Array:
    """Rows of three entries with these norms, not all of one sign."""
    rows = draw.away_from_zero(len(norms), 3)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True) * np.array(norms)[:, None])


def _indices(*index: int) -> IntArray:
    return np.array(index, dtype=np.int64)


_twice = np.array([[1, 3, 1], [0, 3, 3]])  # one index not at all, one once, one twice, one three times

_bags: dict[str, Any] = {
    "input": _indices(1, 3, 1, 0, 3, 3, 2),
    "offsets": _indices(0, 3, 3, 6),
}  # the second bag is empty


def _modes(mode: str) -> tuple[Case, ...]:
    """What all modes share."""
    return (
        case(f"{mode} of bags", weight=draw.distinct(4, 3), mode=mode, **_bags),
        case(f"{mode} of rows", input=_twice, weight=draw.distinct(4, 3), mode=mode),
        case(f"{mode} with padding", weight=draw.distinct(4, 3), mode=mode, padding_idx=3, **_bags),
        case(
            f"{mode} of padding alone, counted from the end",
            input=_indices(3, 3, 1),
            offsets=_indices(0, 2),
            weight=draw.distinct(4, 3),
            mode=mode,
            padding_idx=-1,
        ),
        case(
            f"{mode} with a last offset",
            input=_bags["input"],
            offsets=_indices(0, 3, 3, 7),
            include_last_offset=True,
            weight=draw.distinct(4, 3),
            mode=mode,
        ),
        case(f"{mode} within max_norm", weight=_table(1.0, 2.0, 0.5, 1.5), mode=mode, max_norm=2.5, **_bags),
        case(
            f"{mode} beyond max_norm",
            departs=RESCALED,
            weight=_table(1.0, 2.0, 0.5, 1.5),
            mode=mode,
            max_norm=0.75,
            **_bags,
        ),
        case(f"{mode} of no bags", input=_indices(), offsets=_indices(), weight=draw.normal(4, 3), mode=mode),
        case(f"{mode} of one empty bag", input=_indices(), offsets=_indices(0), weight=draw.normal(4, 3), mode=mode),
        case(f"{mode} of no rows", input=np.zeros((0, 3), dtype=np.int64), weight=draw.normal(4, 3), mode=mode),
        case(f"{mode} of rows of nothing", input=np.zeros((2, 0), dtype=np.int64), weight=draw.normal(4, 3), mode=mode),
        case(f"{mode}, one column", weight=draw.distinct(4, 1), mode=mode, **_bags),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "embedding": (
        case("indices that come again", input=_twice, weight=draw.normal(4, 5)),
        case("32-bit indices, all of one row", input=np.full(5, 2, dtype=np.int32), weight=draw.normal(3, 2)),
        case("a single index", input=np.array(2), weight=draw.normal(4, 3)),
        case("no indices", input=np.zeros((0, 2), dtype=np.int64), weight=draw.normal(4, 3)),
        case("one row, one column", input=_indices(0, 0), weight=draw.normal(1, 1)),
        case("no columns", input=_indices(0, 2), weight=np.zeros((3, 0))),
        case("a padding that does not occur", input=_twice, weight=draw.normal(4, 3), padding_idx=2),
        case("a padding that occurs", departs=PADDING, input=_twice, weight=draw.normal(4, 3), padding_idx=3),
        case("a padding counted from the end", departs=PADDING, input=_twice, weight=draw.normal(4, 3), padding_idx=-1),
        case("within max_norm", input=_twice, weight=_table(1.0, 2.0, 9.0, 1.5), max_norm=2.5),
        case("beyond max_norm", departs=RESCALED, input=_twice, weight=_table(1.0, 2.0, 0.5, 3.0), max_norm=1.5),
        case("a norm of order 1", departs=RESCALED, input=_twice, weight=draw.normal(4, 3), max_norm=0.5, norm_type=1),
        case(
            "a norm of order 3",
            departs=RESCALED,
            input=_twice,
            weight=draw.away_from_zero(4, 3),
            max_norm=0.5,
            norm_type=3.0,
        ),
        case(
            "the largest entry as norm",
            departs=RESCALED,
            input=_twice,
            weight=draw.away_from_zero(4, 3),
            max_norm=0.05,
            norm_type=float("inf"),
        ),
        case("a max_norm of 0", departs=RESCALED, input=_twice, weight=draw.normal(4, 3), max_norm=0.0),
        case("by frequency", departs=FREQUENCY, input=_twice, weight=draw.normal(4, 3), scale_grad_by_freq=True),
        case(
            "by frequency, each index once",
            input=_indices(2, 0, 1),
            weight=draw.normal(4, 3),
            scale_grad_by_freq=True,
        ),
        case(
            "by frequency, with a padding, rescaled",
            departs=FREQUENCY,
            input=_twice,
            weight=_table(1.0, 2.0, 0.5, 3.0),
            padding_idx=0,
            max_norm=1.5,
            scale_grad_by_freq=True,
        ),
    ),
    "embedding_bag": (
        *(sample for mode in ("sum", "mean", "max") for sample in _modes(mode)),
        case("a mean by default", weight=draw.normal(4, 3), **_bags),
        case("weighted", weight=draw.normal(4, 3), mode="sum", per_sample_weights=draw.normal(7), **_bags),
        case("weighted rows", input=_twice, weight=draw.normal(4, 3), mode="sum", per_sample_weights=draw.normal(2, 3)),
        case(
            "weighted, with a padding",
            weight=draw.normal(4, 3),
            mode="sum",
            padding_idx=1,
            per_sample_weights=draw.normal(7),
            **_bags,
        ),
        case(
            "weighted, beyond max_norm",
            departs=RESCALED,
            weight=_table(1.0, 2.0, 0.5, 1.5),
            mode="sum",
            max_norm=0.75,
            norm_type=1,
            per_sample_weights=draw.normal(7),
            **_bags,
        ),
        case(
            "weighted, by frequency",
            departs=FREQUENCY,
            weight=draw.normal(4, 3),
            mode="sum",
            scale_grad_by_freq=True,
            per_sample_weights=draw.normal(7),
            **_bags,
        ),
        case(
            "sum by frequency",
            departs=FREQUENCY,
            weight=draw.normal(4, 3),
            mode="sum",
            scale_grad_by_freq=True,
            **_bags,
        ),
        case(
            "sum by frequency, only the last one again",
            departs=FREQUENCY,
            input=_indices(3, 1, 0, 3, 2, 3),
            offsets=_indices(0, 2),
            weight=draw.normal(4, 3),
            mode="sum",
            scale_grad_by_freq=True,
        ),
        case("mean by frequency", departs=FREQUENCY, weight=draw.normal(4, 3), scale_grad_by_freq=True, **_bags),
        case(
            "mean by frequency, with a padding",
            departs=FREQUENCY,
            weight=draw.normal(4, 3),
            scale_grad_by_freq=True,
            padding_idx=1,
            **_bags,
        ),
        case(
            "max at a tie",
            at_kink=True,
            input=_indices(2, 1, 0),
            offsets=_indices(0),
            weight=np.array([[-1.0, 2.0, 0.5], [4.0, 5.0, -1.0], [1.0, 5.0, 2.0]]),
            mode="max",
        ),
    ),
}


def _table_refusals(op: str, **good: Any) -> tuple[Refusal, ...]:
    name, weight = f"{op}_forward", np.ones((4, 3))
    index = f"{name}: input must hold indices of the 4 rows of weight, from 0 on, got"
    return (
        refused(
            "floating indices",
            TypeError,
            f"{name}: input must be an integer array, got dtype float64",
            **{**good, "input": np.ones(2)},
            weight=weight,
        ),
        refused_integers(op, "weight", **good),
        refused(
            "an index too large",
            ValueError,
            f"{index} 4 at index (1,)",
            **{**good, "input": _indices(0, 4)},
            weight=weight,
        ),
        refused(
            "an index below 0",
            ValueError,
            f"{index} -1 at index (0,)",
            **{**good, "input": _indices(-1)},
            weight=weight,
        ),
        refused(
            "a table of one dimension",
            ValueError,
            f"{name}: weight must have shape (num_embeddings, embedding_dim), got (3,)",
            **good,
            weight=np.ones(3),
        ),
        refused(
            "a padding out of range",
            ValueError,
            f"{name}: padding_idx must be from -4 to 3, got 4",
            **good,
            weight=weight,
            padding_idx=4,
        ),
        refused(
            "a padding far below 0",
            ValueError,
            f"{name}: padding_idx must be from -4 to 3, got -5",
            **good,
            weight=weight,
            padding_idx=-5,
        ),
        refused(
            "a max_norm below 0",
            ValueError,
            f"{name}: max_norm must be at least 0, got -1",
            **good,
            weight=weight,
            max_norm=-1.0,
        ),
        refused(
            "a norm_type of 0",
            ValueError,
            f"{name}: norm_type must be above 0, got 0",
            **good,
            weight=weight,
            max_norm=1.0,
            norm_type=0,
        ),
        refused(
            "scale_grad_by_freq no boolean",
            TypeError,
            f"{name}: scale_grad_by_freq must be True or False, got 1",
            **good,
            weight=weight,
            scale_grad_by_freq=1,
        ),
    )


def _bag(name: str, message: str, error: type[Exception] = ValueError, **arguments: Any) -> Refusal:
    return refused(
        name, error, f"embedding_bag_forward: {message}", **{"weight": np.ones((4, 3)), **_bags, **arguments}
    )


_OFFSETS = "offsets must begin at 0, not decrease and"

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "embedding": _table_refusals("embedding", input=_indices(0, 1)),
    "embedding_bag": (
        *_table_refusals("embedding_bag", input=_indices(0, 1), offsets=_indices(0)),
        _bag("an unknown mode", "mode must be one of 'sum', 'mean', 'max', got 'prod'", mode="prod"),
        _bag("offsets missing", "offsets must be given where input has one dimension, got None", offsets=None),
        _bag(
            "offsets not needed",
            "offsets must be None where each row of input is a bag, got input (2, 3)",
            input=_twice,
        ),
        _bag("three dimensions", "input must have shape (n,) or (bags, n), got (1, 2, 3)", input=_twice[None]),
        _bag(
            "offsets of two dimensions",
            "offsets must have one dimension, got shape (1, 2)",
            offsets=np.zeros((1, 2), int),
        ),
        _bag("floating offsets", "offsets must be an integer array, got dtype float64", TypeError, offsets=np.zeros(1)),
        _bag("a late start", f"{_OFFSETS} not go beyond the 7 of input, got [1, 3]", offsets=_indices(1, 3)),
        _bag(
            "offsets that decrease",
            f"{_OFFSETS} not go beyond the 7 of input, got [0, 5, 3]",
            offsets=_indices(0, 5, 3),
        ),
        _bag("offsets beyond the end", f"{_OFFSETS} not go beyond the 7 of input, got [0, 9]", offsets=_indices(0, 9)),
        _bag("indices but no bag", f"{_OFFSETS} not go beyond the 7 of input, got []", offsets=_indices()),
        _bag(
            "a last offset short of the end",
            f"{_OFFSETS} end at the 7 of input, got [0, 3]",
            offsets=_indices(0, 3),
            include_last_offset=True,
        ),
        _bag(
            "include_last_offset no boolean",
            "include_last_offset must be True or False, got None",
            TypeError,
            include_last_offset=None,
        ),
        _bag(
            "a weighted mean",
            "mode must be 'sum' where per_sample_weights are given, got 'mean'",
            per_sample_weights=np.ones(7),
        ),
        _bag(
            "weights of another shape",
            "per_sample_weights must have shape of input = (7,), got (2,)",
            mode="sum",
            per_sample_weights=np.ones(2),
        ),
        _bag(
            "max by frequency",
            "scale_grad_by_freq must be False for mode 'max', got True",
            mode="max",
            scale_grad_by_freq=True,
        ),
    ),
}
