"""Samples of adaptive pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(33)

EXTENTS = {1: (7,), 2: (5, 7), 3: (4, 3, 5)}  # unequal, so that no axis can stand in for another
SHAPES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}


def _sizes(axes: int) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Named output sizes, each with an input."""
    extents = EXTENTS[axes]
    partly = () if axes == 1 else (
        ("one extent kept", {"input": draw.distinct(1, 2, *extents), "output_size": (None, *(2,) * (axes - 1))}),
    )  # fmt: skip
    return (
        ("windows of several sizes, overlapping", {"input": draw.distinct(2, 2, *extents), "output_size": 3}),
        ("a size for each axis", {"input": draw.distinct(1, 2, *extents), "output_size": (4, 2, 3)[:axes]}),
        ("without a batch", {"input": draw.distinct(3, *extents), "output_size": 2}),
        ("windows that divide the input", {"input": draw.distinct(1, 1, *(6,) * axes), "output_size": 3}),
        ("more windows than entries", {"input": draw.distinct(1, 2, *extents), "output_size": (9, 8, 4)[:axes]}),
        ("one window", {"input": draw.distinct(2, 2, *extents), "output_size": 1}),
        ("as many windows as entries", {"input": draw.distinct(1, 2, *extents), "output_size": extents}),
        ("an empty batch", {"input": np.zeros((0, 2, *extents)), "output_size": 2}),
        *partly,
    )


def _max_cases(axes: int) -> tuple[Case, ...]:
    ties = np.array([1.0, 3.0, 3.0, 2.0, 2.0, 2.0]).reshape(1, *(1,) * (axes - 1), 6)
    return (
        *(case(name, **arguments) for name, arguments in _sizes(axes)),
        *(case(f"{name}, with indices", **arguments, return_indices=True) for name, arguments in _sizes(axes)[:5]),
        case("ties", at_kink=True, input=ties, output_size=(1, 1, 2)[-axes:], return_indices=True),
    )


def _refusals(op: str, axes: int) -> tuple[Refusal, ...]:
    x, ones = np.ones((1, 2, *EXTENTS[axes])), (1,) * axes
    wanted = "1 integer" if axes == 1 else f"1 or {axes} integers"
    indices = () if "avg" in op else (
        refused(
            "return_indices that is no boolean",
            TypeError,
            f"{op}_forward: return_indices must be True or False, got 1",
            input=x,
            output_size=2,
            return_indices=1,
        ),
    )  # fmt: skip
    return (
        refused_integers(op, "input", output_size=2),
        refused(
            "too few dimensions",
            ValueError,
            f"{op}_forward: input must have shape {SHAPES[axes]}, got {ones}",
            input=np.ones(ones),
            output_size=1,
        ),
        refused(
            "an output size below 1",
            ValueError,
            f"{op}_forward: output_size must be at least 1, got 0",
            input=x,
            output_size=0,
        ),
        refused(
            "too many sizes",
            ValueError,
            f"{op}_forward: output_size must hold {wanted}, got (2, 2, 2, 2)",
            input=x,
            output_size=(2, 2, 2, 2),
        ),
        refused(
            "a size that is no integer",
            TypeError,
            f"{op}_forward: output_size must be an integer, got 1.5",
            input=x,
            output_size=1.5,
        ),
        *indices,
    )


CASES: dict[str, tuple[Case, ...]] = {
    **{f"adaptive_avg_pool{n}d": tuple(case(name, **given) for name, given in _sizes(n)) for n in (1, 2, 3)},
    **{f"adaptive_max_pool{n}d": _max_cases(n) for n in (1, 2, 3)},
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op, int(op[-2])) for op in CASES}
