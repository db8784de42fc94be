"""Samples of the transposed convolutions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers
from .convolution import KERNELS, SHAPES, sample

draw = Draw(18)


conv_transpose = partial(sample, draw, transposed=True)

CASES: dict[str, tuple[Case, ...]] = {
    "conv_transpose1d": (
        conv_transpose("unequal extents", 2, 3, (4,), 2, (3,), bias=True),
        conv_transpose("no bias", 2, 2, (3,), 3, (2,)),
        conv_transpose("no batch", 0, 2, (3,), 3, (2,), bias=True),
        conv_transpose("kernels that overlap", 1, 2, (4,), 2, (5,), bias=True, stride=2),
        conv_transpose("kernels that leave gaps", 1, 2, (3,), 2, (2,), bias=True, stride=3),
        conv_transpose("padding takes from both ends", 1, 2, (5,), 2, (3,), bias=True, padding=2),
        conv_transpose(
            "output_padding adds behind", 1, 2, (3,), 2, (3,), bias=True, stride=3, padding=1, output_padding=2
        ),
        conv_transpose(
            "output_padding below the dilation alone",
            1,
            1,
            (3,),
            2,
            (2,),
            bias=True,
            stride=1,
            dilation=3,
            output_padding=2,
        ),
        conv_transpose("groups", 2, 4, (3,), 6, (2,), bias=True, groups=2),
        conv_transpose("depthwise", 2, 3, (4,), 3, (3,), bias=True, groups=3, stride=2, padding=1),
        conv_transpose(
            "everything at once",
            2,
            4,
            (4,),
            2,
            (3,),
            bias=True,
            groups=2,
            stride=2,
            padding=1,
            output_padding=1,
            dilation=2,
        ),
        conv_transpose("a kernel of one", 2, 3, (4,), 2, (1,), bias=True),
        case("an empty batch", input=np.zeros((0, 2, 4)), weight=draw.normal(2, 3, 2), bias=draw.normal(3)),
    ),
    "conv_transpose2d": (
        conv_transpose("unequal extents", 2, 3, (3, 4), 2, (2, 3), bias=True),
        conv_transpose("no bias", 1, 2, (3, 2), 3, (3, 2)),
        conv_transpose("no batch", 0, 2, (2, 3), 2, (2, 2), bias=True),
        conv_transpose("strides of their own", 1, 2, (3, 2), 2, (2, 3), bias=True, stride=(3, 2)),
        conv_transpose("paddings of their own", 1, 2, (3, 4), 2, (3, 4), bias=True, padding=(1, 2)),
        conv_transpose(
            "output_paddings of their own", 1, 2, (2, 3), 2, (2, 2), bias=True, stride=(2, 3), output_padding=(1, 2)
        ),
        conv_transpose(
            "dilations of their own", 1, 2, (3, 2), 2, (2, 3), bias=True, dilation=(3, 2), output_padding=(2, 0)
        ),
        conv_transpose("groups", 2, 4, (2, 3), 6, (2, 2), bias=True, groups=2),
        conv_transpose("depthwise", 2, 3, (3, 2), 3, (3, 2), bias=True, groups=3, padding=1, stride=(2, 1)),
        conv_transpose("two outputs to a channel", 1, 3, (2, 2), 6, (2, 3), bias=True, groups=3),
        conv_transpose(
            "everything at once",
            2,
            4,
            (3, 3),
            2,
            (2, 3),
            bias=True,
            groups=2,
            stride=(2, 3),
            padding=(1, 2),
            output_padding=(1, 0),
            dilation=(2, 1),
        ),
        conv_transpose("one pixel", 1, 2, (1, 1), 2, (2, 3), bias=True),
        case("an empty batch", input=np.zeros((0, 2, 3, 4)), weight=draw.normal(2, 3, 2, 2), bias=draw.normal(3)),
    ),
    "conv_transpose3d": (
        conv_transpose("unequal extents", 2, 2, (2, 3, 1), 3, (2, 1, 3), bias=True),
        conv_transpose("no bias", 1, 2, (2, 2, 1), 2, (2, 1, 2)),
        conv_transpose("no batch", 0, 2, (2, 1, 2), 2, (1, 2, 2), bias=True),
        conv_transpose(
            "options of their own",
            1,
            1,
            (2, 3, 2),
            2,
            (2, 2, 2),
            bias=True,
            stride=(2, 1, 3),
            padding=(0, 1, 2),
            output_padding=(1, 0, 2),
            dilation=(3, 1, 2),
        ),
        conv_transpose("groups", 1, 4, (2, 1, 2), 2, (2, 1, 2), bias=True, groups=2),
        conv_transpose("depthwise", 2, 2, (2, 2, 1), 2, (2, 2, 1), bias=True, groups=2, padding=(1, 0, 0)),
        case("an empty batch", input=np.zeros((0, 2, 2, 3, 2)), weight=draw.normal(2, 3, 2, 2, 1)),
    ),
}


def refusals(axes: int) -> tuple[Refusal, ...]:
    """What a transposed convolution in any number of dimensions refuses; the last axis is the one with a fault."""
    op = f"conv_transpose{axes}d"
    ones = (1,) * (axes - 1)
    image, kernel = np.ones((2, 4, *ones, 5)), np.ones((4, 6, *ones, 3))

    def bad(name: str, rule: str, error: type[Exception] = ValueError, **options: Any) -> Refusal:
        return refused(name, error, f"{op}_forward: {rule}", **{"input": image, "weight": kernel, **options})

    shape, positions = SHAPES[axes], KERNELS[axes]
    return (
        refused_integers(op, "input", weight=kernel),
        refused_integers(op, "weight", input=image),
        refused_integers(op, "bias", input=image, weight=kernel),
        bad(
            "an input without channels",
            f"input must have shape (N, {shape}) or ({shape}), got {(*ones, 5)}",
            input=np.ones((*ones, 5)),
        ),
        bad(
            "a weight without channels out",
            f"weight must have shape (C, O / groups, {positions}) with a kernel of at least 1, got {(6, *ones, 3)}",
            weight=kernel[0],
        ),
        bad(
            "channels that do not match",
            f"input must have as many channels as weight.shape[0] = 3, got {(2, 4, *ones, 5)}",
            weight=kernel[:3],
        ),
        bad(
            "groups that do not divide the channels",
            f"weight must have C divisible by groups = 3, got {(4, 6, *ones, 3)}",
            groups=3,
        ),
        bad("no groups", "groups must be at least 1, got 0", groups=0),
        bad("a bias for every group", "bias must have shape (O,) = (12,), got (6,)", bias=np.ones(6), groups=2),
        bad("a stride of 0", "stride must be at least 1, got 0", stride=0),
        bad("a dilation of 0", "dilation must be at least 1, got 0", dilation=0),
        bad("a negative padding", "padding must be at least 0, got -1", padding=-1),
        bad("a padding by name", "padding must be an integer, got 'same'", TypeError, padding="same"),
        bad("a negative output_padding", "output_padding must be at least 0, got -1", output_padding=-1),
        bad(
            "output_padding of the stride and the dilation",
            "output_padding must be below stride = 2 or dilation = 1, got 2",
            stride=2,
            output_padding=2,
        ),
        bad(
            "padding that leaves no output",
            f"the output must have extents of at least 1, got {(*(1 for _ in ones), -1)} for an input of {(*ones, 5)}",
            padding=(*(0 for _ in ones), 4),
        ),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {f"conv_transpose{axes}d": refusals(axes) for axes in (1, 2, 3)}
