"""Samples of average pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(32)

EXTENTS = {1: (7,), 2: (5, 7), 3: (4, 3, 5)}  # unequal, so that no axis can stand in for another
SHAPES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}


def _cases(axes: int) -> tuple[Case, ...]:
    extents = EXTENTS[axes]
    padded: dict[str, Any] = {"input": draw.normal(1, 2, *extents), "kernel_size": (3, 2, 3)[:axes], "padding": 1}
    over = {**padded, "stride": 2, "ceil_mode": True}
    divided = () if axes == 1 else (
        case("a divisor given", **over, divisor_override=5),
        case("a negative divisor, padding left out", **over, divisor_override=-3, count_include_pad=False),
    )  # fmt: skip
    return (
        case("unequal extents", input=draw.normal(2, 3, *extents), kernel_size=2),
        case("without a batch", input=draw.normal(3, *extents), kernel_size=(2, 3, 1)[:axes]),
        case("a stride of its own", input=draw.normal(1, 2, *extents), kernel_size=2, stride=(1, 3, 2)[:axes]),
        case("padding counted", **padded, stride=1),
        case("padding left out", **padded, stride=1, count_include_pad=False),
        case("windows over the end, padding counted", **over),
        case("windows over the end, padding left out", **over, count_include_pad=False),
        case("a kernel larger than the input", input=draw.normal(1, *(2,) * axes), kernel_size=3, ceil_mode=True),
        case("a constant plane", input=np.full((1, 1, *extents), 0.7), kernel_size=2),
        case("one entry", input=draw.normal(1, 1, *(1,) * axes), kernel_size=1),
        case("an empty batch", input=np.zeros((0, 2, *extents)), kernel_size=2),
        *divided,
    )


def _refusals(axes: int) -> tuple[Refusal, ...]:
    op, ones = f"avg_pool{axes}d_forward", (1,) * axes
    x = np.ones((1, 2, *EXTENTS[axes]))
    divisors = () if axes == 1 else (
        refused(
            "a divisor of 0",
            ValueError,
            f"{op}: divisor_override must not be 0, got 0",
            input=x,
            kernel_size=2,
            divisor_override=0,
        ),
        refused(
            "a divisor that is no integer",
            TypeError,
            f"{op}: divisor_override must be an integer, got 1.5",
            input=x,
            kernel_size=2,
            divisor_override=1.5,
        ),
    )  # fmt: skip
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
            "padding above half the kernel",
            ValueError,
            f"{op}: padding must be at most half of kernel_size = {(2,) * axes}, got {(2,) * axes}",
            input=x,
            kernel_size=2,
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
            "count_include_pad that is no boolean",
            TypeError,
            f"{op}: count_include_pad must be True or False, got 0",
            input=x,
            kernel_size=2,
            count_include_pad=0,
        ),
        *divisors,
    )


CASES: dict[str, tuple[Case, ...]] = {f"avg_pool{axes}d": _cases(axes) for axes in (1, 2, 3)}
REFUSALS: dict[str, tuple[Refusal, ...]] = {f"avg_pool{axes}d": _refusals(axes) for axes in (1, 2, 3)}
