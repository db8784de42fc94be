"""Samples of power-average pooling."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(35)

EXTENTS = {1: (7,), 2: (5, 7), 3: (4, 3, 5)}  # unequal, so that no axis can stand in for another
SHAPES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}
CANCELS = "PyTorch sets the gradient to 0 where the powers of a window sum to 0"


def _cases(axes: int) -> tuple[Case, ...]:
    extents, line = EXTENTS[axes], (1,) * (axes - 1)
    last = (*line, 2) if line else 2  # a kernel along the last axis

    def positive() -> object:
        return draw.uniform(0.1, 2, 1, 2, *extents)

    return (
        case("squares of both signs", input=draw.normal(2, 3, *extents), norm_type=2, kernel_size=2),
        case(
            "without a batch",
            input=draw.normal(2, *extents),
            norm_type=2.0,
            kernel_size=(2, 3, 1)[:axes] if line else 3,
        ),
        case("cubes", input=positive(), norm_type=3, kernel_size=2, stride=(1, 3, 2)[:axes]),
        case(
            "cubes of both signs", input=np.array([2.0, -1, 0.5, 3]).reshape(1, *line, 4), norm_type=3, kernel_size=last
        ),
        case("a broken power", input=positive(), norm_type=2.5, kernel_size=(3, 2, 2)[:axes] if line else 3, stride=1),
        case("a root", input=positive(), norm_type=0.5, kernel_size=2),
        case("sums", input=draw.normal(1, 2, *extents), norm_type=1, kernel_size=2),
        case("a negative power", input=positive(), norm_type=-1, kernel_size=2),
        case("windows over the end", input=positive(), norm_type=3, kernel_size=2, stride=2, ceil_mode=True),
        case("a power that dominates", input=positive(), norm_type=80, kernel_size=2),
        case("the largest", input=draw.distinct(1, 2, *extents) + 0.01, norm_type=float("inf"), kernel_size=2),
        case(
            "the smallest, over the end",
            input=draw.distinct(1, 1, *extents) + 0.01,
            norm_type=-float("inf"),
            kernel_size=2,
            stride=2,
            ceil_mode=True,
        ),
        case(
            "a window of zeros",
            at_kink=True,
            input=np.array([1.0, -2, 0, 0]).reshape(1, *line, 4),
            norm_type=2,
            kernel_size=last,
        ),
        case(
            "a sum that cancels",
            departs=CANCELS,
            input=np.array([1.0, -1, 3, 2]).reshape(1, *line, 4),
            norm_type=1,
            kernel_size=last,
        ),
        case("one entry", input=np.full((1, 1, *line, 1), -0.7), norm_type=2, kernel_size=1),
        case("an empty batch", input=np.zeros((0, 2, *extents)), norm_type=2, kernel_size=2),
    )


def _refusals(axes: int) -> tuple[Refusal, ...]:
    op, ones = f"lp_pool{axes}d_forward", (1,) * axes
    x = np.ones((1, 2, *EXTENTS[axes]))
    return (
        refused_integers(op.removesuffix("_forward"), "input", norm_type=2, kernel_size=2),
        refused(
            "too few dimensions",
            ValueError,
            f"{op}: input must have shape {SHAPES[axes]}, got {ones}",
            input=np.ones(ones),
            norm_type=2,
            kernel_size=1,
        ),
        refused(
            "a power of 0",
            ValueError,
            f"{op}: norm_type must not be 0, got 0",
            input=x,
            norm_type=0,
            kernel_size=2,
        ),
        refused(
            "a power that is no number",
            TypeError,
            f"{op}: norm_type must be a number, got 'inf'",
            input=x,
            norm_type="inf",
            kernel_size=2,
        ),
        refused(
            "a kernel larger than the input",
            ValueError,
            f"{op}: the kernel must fit into the padded input, got a reach of {(9,) * axes} in {EXTENTS[axes]}",
            input=x,
            norm_type=2,
            kernel_size=9,
        ),
        refused(
            "ceil_mode that is no boolean",
            TypeError,
            f"{op}: ceil_mode must be True or False, got 1",
            input=x,
            norm_type=2,
            kernel_size=2,
            ceil_mode=1,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {f"lp_pool{axes}d": _cases(axes) for axes in (1, 2, 3)}
REFUSALS: dict[str, tuple[Refusal, ...]] = {f"lp_pool{axes}d": _refusals(axes) for axes in (1, 2, 3)}
