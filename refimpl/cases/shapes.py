"""Samples of the maps that change shapes."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(9)

CASES: dict[str, tuple[Case, ...]] = {
    "concatenate": (
        case("the first axis", tensors=[draw.normal(2, 3), draw.normal(1, 3), draw.normal(4, 3)]),
        case("the last axis, in a tuple", tensors=(draw.normal(2, 3), draw.normal(2, 1)), dim=-1),
        case("a middle axis", tensors=[draw.normal(2, 1, 3), draw.normal(2, 4, 3)], dim=1),
        case("one array", tensors=[draw.normal(2, 3)], dim=1),
        case("one of no extent", tensors=[draw.normal(2, 3), np.zeros((2, 0)), draw.normal(2, 1)], dim=1),
        case("vectors", tensors=[draw.normal(2), draw.normal(3)]),
    ),
    "reshape": (
        case("rows to columns", input=draw.normal(2, 6), shape=(3, 4)),
        case("an extent left open", input=draw.normal(2, 3, 4), shape=(-1, 6)),
        case("flat, in a list", input=draw.normal(2, 3), shape=[-1]),
        case("axes of 1", input=draw.normal(4), shape=(1, 4, 1)),
        case("to a single number", input=draw.normal(1, 1), shape=()),
        case("from a single number", input=np.array(0.7), shape=(1, 1)),
        case("no elements", input=np.zeros((0, 3)), shape=(2, 0)),
        case("no elements, an extent left open", input=np.zeros((0, 3)), shape=(-1, 3)),
    ),
    "transpose": (
        case("a matrix", input=draw.normal(2, 3), dim0=0, dim1=1),
        case("outer axes", input=draw.normal(2, 3, 4), dim0=0, dim1=-1),
        case("inner axes, the later first", input=draw.normal(2, 3, 4, 1), dim0=2, dim1=1),
        case("an axis with itself", input=draw.normal(2, 3), dim0=1, dim1=-1),
        case("a single number", input=np.array(0.7), dim0=0, dim1=-1),
        case("no elements", input=np.zeros((0, 3)), dim0=0, dim1=1),
    ),
}


def _concatenate_refusals() -> tuple[Refusal, ...]:
    name = "concatenate_forward"
    rule = f"{name}: tensors must have one shape but for axis 0, got (2, 3) for tensors[0] and"
    return (
        refused(
            "integers among them",
            TypeError,
            f"{name}: tensors[1] must be a floating-point array (float16, float32, float64), got dtype int64",
            tensors=[np.ones(2), np.ones(2, dtype=np.int64)],
        ),
        refused("none", ValueError, f"{name}: tensors must hold at least one array, got none", tensors=[]),
        refused(
            "one array, not in a list",
            TypeError,
            f"{name}: tensors must be a list or tuple of arrays, got ndarray",
            tensors=np.ones((2, 3)),
        ),
        refused(
            "a number",
            ValueError,
            f"{name}: tensors[1] must have at least 1 dimension, got shape ()",
            tensors=[np.ones(2), np.array(1.0)],
        ),
        refused(
            "another extent", ValueError, f"{rule} (2, 4) for tensors[1]", tensors=[np.ones((2, 3)), np.ones((2, 4))]
        ),
        refused("another dimension", ValueError, f"{rule} (3,) for tensors[1]", tensors=[np.ones((2, 3)), np.ones(3)]),
        refused(
            "an axis out of range",
            ValueError,
            f"{name}: dim must be from -2 to 1 for 2 dimensions, got 2",
            tensors=[np.ones((2, 3))],
            dim=2,
        ),
    )


def _reshape_refusals() -> tuple[Refusal, ...]:
    name, x = "reshape_forward", np.ones((2, 3))
    rule = f"{name}: shape must hold extents of at least 0 and at most one -1, got"
    return (
        refused_integers("reshape", "input", shape=(3,)),
        refused(
            "too many entries",
            ValueError,
            f"{name}: shape must hold the 6 entries of input (2, 3), got (4, 2)",
            input=x,
            shape=(4, 2),
        ),
        refused(
            "nothing fits",
            ValueError,
            f"{name}: shape must hold the 6 entries of input (2, 3), got (4, -1)",
            input=x,
            shape=(4, -1),
        ),
        refused(
            "anything fits",
            ValueError,
            f"{name}: shape must hold the 0 entries of input (0, 3), got (-1, 0)",
            input=np.ones((0, 3)),
            shape=(-1, 0),
        ),
        refused("two left open", ValueError, f"{rule} (-1, -1)", input=x, shape=(-1, -1)),
        refused("a negative extent", ValueError, f"{rule} (-2, -3)", input=x, shape=(-2, -3)),
        refused("no sequence", TypeError, f"{name}: shape must be a tuple of integers, got 6", input=x, shape=6),
        refused("no integers", TypeError, f"{name}: shape must be an integer, got 3.0", input=x, shape=(2, 3.0)),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "concatenate": _concatenate_refusals(),
    "reshape": _reshape_refusals(),
    "transpose": (
        refused_integers("transpose", "input", dim0=0, dim1=0),
        refused(
            "dim0 out of range",
            ValueError,
            "transpose_forward: dim0 must be from -2 to 1 for 2 dimensions, got 2",
            input=np.ones((2, 3)),
            dim0=2,
            dim1=0,
        ),
        refused(
            "dim1 out of range",
            ValueError,
            "transpose_forward: dim1 must be from -2 to 1 for 2 dimensions, got -3",
            input=np.ones((2, 3)),
            dim0=1,
            dim1=-3,
        ),
    ),
}
