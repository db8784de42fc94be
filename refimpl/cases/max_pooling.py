"""Samples of max pooling."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(31)

EXTENTS = {1: (7,), 2: (5, 7), 3: (4, 3, 5)}  # unequal, so that no axis can stand in for another
SHAPES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}


def _cases(axes: int) -> tuple[Case, ...]:
    extents, ones = EXTENTS[axes], (1,) * axes
    ties = np.array([1.0, 3.0, 3.0, 2.0, 2.0, 2.0]).reshape(1, *ones[1:], 6)
    return (
        case("unequal extents", input=draw.distinct(2, 3, *extents), kernel_size=2),
        case("without a batch", input=draw.distinct(3, *extents), kernel_size=(2, 3, 1)[:axes]),
        case("a stride of its own", input=draw.distinct(1, 2, *extents), kernel_size=2, stride=(1, 3, 2)[:axes]),
        case("overlapping, padded", input=draw.distinct(1, 2, *extents), kernel_size=3, stride=2, padding=1),
        case("all entries negative, padded", input=-abs(draw.distinct(1, 1, *extents)) - 1, kernel_size=2, padding=1),
        case(
            "dilated, padded unevenly",
            input=draw.distinct(1, 2, *extents),
            kernel_size=(3, 2, 2)[:axes],
            stride=1,
            padding=(1, 0, 1)[:axes],
            dilation=(2, 1, 3)[:axes],
        ),
        case("windows over the end", input=draw.distinct(1, 2, *extents), kernel_size=2, stride=3, ceil_mode=True),
        case("a kernel larger than the input", input=draw.distinct(1, *(2,) * axes), kernel_size=3, ceil_mode=True),
        case("with indices", input=draw.distinct(1, 2, *extents), kernel_size=2, return_indices=True),
        case(
            "with indices, padded, dilated and over the end",
            input=draw.distinct(2, 1, *extents),
            kernel_size=2,
            stride=2,
            padding=1,
            dilation=2,
            ceil_mode=True,
            return_indices=True,
        ),
        case("ties", at_kink=True, input=ties, kernel_size=(1, 1, 3)[-axes:], return_indices=True),
        case("a kernel of one", input=draw.normal(2, 1, *extents), kernel_size=1),
        case("one entry", input=draw.normal(1, 1, *ones), kernel_size=1),
        case("an empty batch", input=np.zeros((0, 2, *extents)), kernel_size=2),
    )


def _refusals(axes: int) -> tuple[Refusal, ...]:
    op, ones = f"max_pool{axes}d_forward", (1,) * axes
    x = np.ones((1, 2, *EXTENTS[axes]))
    wanted = "1 integer" if axes == 1 else f"1 or {axes} integers"
    return (
        refused_integers(op.removesuffix("_forward"), "input", kernel_size=2),
        refused(
            "too few dimensions",
            ValueError,
            f"{op}: input must have shape {SHAPES[axes]}, got {ones}",
            input=np.ones(ones),
            kernel_size=1,
        ),
        refused(
            "an axis without entries",
            ValueError,
            f"{op}: input must have spatial extents of at least 1, got shape {(2, 0, *ones[1:])}",
            input=np.ones((2, 0, *ones[1:])),
            kernel_size=1,
        ),
        refused(
            "padding above half the kernel",
            ValueError,
            f"{op}: padding must be at most half of kernel_size = {(3,) * axes}, got {(2,) * axes}",
            input=x,
            kernel_size=3,
            padding=2,
        ),
        refused(
            "a kernel larger than the padded input",
            ValueError,
            f"{op}: the kernel must fit into the padded input, got a reach of {(9,) * axes} in {EXTENTS[axes]}",
            input=x,
            kernel_size=9,
        ),
        refused(
            "a window between the entries",
            ValueError,
            f"{op}: every window must hold an entry of input, got none at output {(0,) * axes}",
            input=np.ones((1, 1, *ones)),
            kernel_size=2,
            padding=1,
            dilation=2,
        ),
        refused(
            "a stride of 0",
            ValueError,
            f"{op}: stride must be at least 1, got 0",
            input=x,
            kernel_size=2,
            stride=0,
        ),
        refused(
            "too many sizes",
            ValueError,
            f"{op}: kernel_size must hold {wanted}, got (2, 2, 2, 2)",
            input=x,
            kernel_size=(2, 2, 2, 2),
        ),
        refused(
            "a size that is no integer",
            TypeError,
            f"{op}: kernel_size must be an integer, got 2.0",
            input=x,
            kernel_size=2.0,
        ),
        refused(
            "return_indices that is no boolean",
            TypeError,
            f"{op}: return_indices must be True or False, got 1",
            input=x,
            kernel_size=2,
            return_indices=1,
        ),
        refused(
            "ceil_mode that is no boolean",
            TypeError,
            f"{op}: ceil_mode must be True or False, got None",
            input=x,
            kernel_size=2,
            ceil_mode=None,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {f"max_pool{axes}d": _cases(axes) for axes in (1, 2, 3)}
REFUSALS: dict[str, tuple[Refusal, ...]] = {f"max_pool{axes}d": _refusals(axes) for axes in (1, 2, 3)}
