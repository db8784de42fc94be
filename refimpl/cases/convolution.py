"""Samples of the convolutions."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(17)


def sample(
    draw: Draw,
    name: str,
    samples: int,
    channels: int,
    extents: tuple[int, ...],
    outputs: int,
    kernel: tuple[int, ...],
    *,
    transposed: bool = False,
    bias: bool = False,
    groups: int = 1,
    **options: Any,
) -> Case:
    """A case with arrays of these extents; samples 0 stands for an input without a batch."""
    first, second = (channels, outputs) if transposed else (outputs, channels)
    arguments: dict[str, Any] = {
        "input": draw.normal(*((samples,) if samples else ()), channels, *extents),
        "weight": draw.normal(first, second // groups, *kernel),
    }
    if bias:
        arguments["bias"] = draw.normal(outputs)
    if groups != 1:
        arguments["groups"] = groups
    return case(name, **arguments, **options)


conv = partial(sample, draw)

CASES: dict[str, tuple[Case, ...]] = {
    "conv1d": (
        conv("unequal extents", 2, 3, (7,), 4, (3,), bias=True),
        conv("no bias", 2, 2, (5,), 3, (2,)),
        conv("no batch", 0, 2, (5,), 3, (2,), bias=True),
        conv("a stride that leaves the last entries out", 1, 2, (8,), 2, (3,), bias=True, stride=3),
        conv("padding", 2, 2, (4,), 3, (3,), bias=True, padding=2),
        conv("dilation", 1, 2, (8,), 2, (3,), bias=True, dilation=(2,)),
        conv("an even kernel under same: the larger half stands behind", 1, 2, (5,), 2, (4,), padding="same"),
        conv("valid", 1, 2, (5,), 2, (3,), bias=True, padding="valid"),
        conv("groups", 2, 4, (5,), 6, (2,), bias=True, groups=2),
        conv("depthwise", 2, 3, (5,), 3, (3,), bias=True, groups=3, padding=1),
        conv("everything at once", 2, 4, (9,), 2, (3,), bias=True, groups=2, stride=2, padding=3, dilation=2),
        conv("a kernel of one", 2, 3, (4,), 2, (1,), bias=True),
        conv("a kernel position that meets only padding", 1, 1, (2,), 1, (3,), padding=4, dilation=4, stride=2),
        case("an empty batch", input=np.zeros((0, 2, 5)), weight=draw.normal(3, 2, 3), bias=draw.normal(3)),
    ),
    "conv2d": (
        conv("unequal extents", 2, 3, (4, 5), 2, (2, 3), bias=True),
        conv("no bias", 1, 2, (4, 3), 3, (3, 2)),
        conv("no batch", 0, 2, (3, 4), 2, (2, 2), bias=True),
        conv("strides of their own", 1, 2, (6, 5), 2, (2, 3), bias=True, stride=(2, 1)),
        conv("paddings of their own", 1, 2, (3, 4), 2, (3, 2), bias=True, padding=(2, 1)),
        conv("dilations of their own", 1, 2, (5, 6), 2, (2, 3), bias=True, dilation=(3, 2)),
        conv("even kernels under same", 1, 2, (4, 5), 2, (2, 3), bias=True, padding="same", dilation=(3, 1)),
        conv("valid", 1, 2, (4, 3), 2, (2, 2), padding="valid", stride=2),
        conv("groups", 2, 4, (3, 3), 6, (2, 2), bias=True, groups=2),
        conv("depthwise", 2, 3, (4, 3), 3, (3, 2), bias=True, groups=3, padding=1, stride=(2, 1)),
        conv("two outputs to a channel", 1, 3, (3, 4), 6, (2, 2), bias=True, groups=3),
        conv(
            "everything at once",
            2,
            4,
            (6, 7),
            2,
            (2, 3),
            bias=True,
            groups=2,
            stride=(2, 3),
            padding=(1, 2),
            dilation=(2, 1),
        ),
        conv("a kernel as large as the padded image", 2, 1, (3, 4), 2, (5, 4), bias=True, padding=(1, 0)),
        conv("a kernel of one", 2, 3, (2, 3), 2, (1, 1), bias=True),
        conv("one pixel", 1, 2, (1, 1), 2, (1, 1), bias=True),
        case("an empty batch", input=np.zeros((0, 2, 3, 4)), weight=draw.normal(3, 2, 2, 2), bias=draw.normal(3)),
    ),
    "conv3d": (
        conv("unequal extents", 2, 2, (3, 4, 2), 3, (2, 3, 1), bias=True),
        conv("no bias", 1, 2, (2, 3, 3), 2, (2, 1, 2)),
        conv("no batch", 0, 2, (2, 3, 2), 2, (1, 2, 2), bias=True),
        conv(
            "options of their own",
            1,
            1,
            (5, 3, 4),
            2,
            (2, 2, 2),
            bias=True,
            stride=(2, 1, 3),
            padding=(0, 1, 2),
            dilation=(3, 1, 2),
        ),
        conv("even kernels under same", 1, 1, (2, 3, 2), 2, (2, 1, 4), bias=True, padding="same"),
        conv("valid", 1, 1, (2, 3, 2), 2, (2, 1, 2), padding="valid"),
        conv("groups", 1, 4, (2, 2, 3), 2, (2, 1, 2), bias=True, groups=2),
        conv("depthwise", 2, 2, (2, 3, 2), 2, (2, 2, 1), bias=True, groups=2, padding=(1, 0, 1)),
        case("an empty batch", input=np.zeros((0, 2, 2, 3, 2)), weight=draw.normal(3, 2, 2, 2, 1)),
    ),
    "conv_tbc": (
        case("unequal extents", input=draw.normal(5, 2, 3), weight=draw.normal(3, 3, 4), bias=draw.normal(4)),
        case("padding", input=draw.normal(4, 2, 3), weight=draw.normal(2, 3, 2), bias=draw.normal(2), pad=2),
        case("a kernel of one", input=draw.normal(3, 2, 2), weight=draw.normal(1, 2, 3), bias=draw.normal(3)),
        case(
            "a kernel that only padding makes room for",
            input=draw.normal(1, 2, 2),
            weight=draw.normal(3, 2, 3),
            bias=draw.normal(3),
            pad=1,
        ),
        case("an empty batch", input=np.zeros((4, 0, 2)), weight=draw.normal(2, 2, 3), bias=draw.normal(3)),
    ),
}

SHAPES = {1: "C, L", 2: "C, H, W", 3: "C, D, H, W"}
KERNELS = {1: "K", 2: "K, K'", 3: "K, K', K''"}


def refusals(axes: int) -> tuple[Refusal, ...]:
    """What a convolution in any number of dimensions refuses; the last axis is the one with a fault."""
    op = f"conv{axes}d"
    ones = (1,) * (axes - 1)
    image, kernel = np.ones((2, 4, *ones, 5)), np.ones((6, 4, *ones, 3))

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
            "an axis too many",
            f"input must have shape (N, {shape}) or ({shape}), got {(1, 2, 4, *ones, 5)}",
            input=image[None],
        ),
        bad(
            "a weight without channels in",
            f"weight must have shape (O, C / groups, {positions}) with a kernel of at least 1, got {(4, *ones, 3)}",
            weight=kernel[0],
        ),
        bad(
            "a kernel of nothing",
            f"weight must have shape (O, C / groups, {positions}) with a kernel of at least 1, got {(6, 4, *ones, 0)}",
            weight=kernel[..., :0],
        ),
        bad(
            "channels that do not match",
            f"input must have as many channels as weight.shape[1] * groups = 3, got {(2, 4, *ones, 5)}",
            weight=kernel[:, :3],
        ),
        bad(
            "channels that do not match the groups",
            f"input must have as many channels as weight.shape[1] * groups = 8, got {(2, 4, *ones, 5)}",
            groups=2,
        ),
        bad(
            "groups that do not divide the outputs",
            f"weight must have O divisible by groups = 4, got {(6, 1, *ones, 3)}",
            weight=kernel[:, :1],
            groups=4,
        ),
        bad("no groups", "groups must be at least 1, got 0", groups=0),
        bad("groups of a half", "groups must be an integer, got 0.5", TypeError, groups=0.5),
        bad("a bias for every input", "bias must have shape (O,) = (6,), got (4,)", bias=np.ones(4)),
        bad("a stride of 0", "stride must be at least 1, got 0", stride=0),
        bad("a stride backwards", "stride must be at least 1, got (-1,)", stride=(-1,)),
        bad("a fractional stride", "stride must be an integer, got 1.5", TypeError, stride=1.5),
        bad(
            "a stride for four axes",
            f"stride must hold {'1 integer' if axes == 1 else f'1 or {axes} integers'}, got (1, 1, 1, 1)",
            stride=(1, 1, 1, 1),
        ),
        bad("a dilation of 0", "dilation must be at least 1, got 0", dilation=0),
        bad("a negative padding", "padding must be at least 0, got -1", padding=-1),
        bad("an unknown padding", "padding must be one of 'same', 'valid', got 'full'", padding="full"),
        bad(
            "same with a stride",
            "padding must be numbers where stride is not 1, got 'same' with stride 2",
            padding="same",
            stride=2,
        ),
        bad(
            "a kernel larger than the image",
            f"the kernel must fit into the padded input, got a reach of {(*ones, 3)} in {(*ones, 2)}",
            input=image[..., :2],
        ),
        bad(
            "a dilated kernel larger than the padded image",
            f"the kernel must fit into the padded input, got a reach of {(*ones, 9)} in {(*(3 for _ in ones), 7)}",
            dilation=4,
            padding=1,
        ),
    )


def bad_tbc(name: str, rule: str, error: type[Exception] = ValueError, **options: Any) -> Refusal:
    arguments = {"input": np.ones((5, 2, 3)), "weight": np.ones((3, 3, 4)), "bias": np.ones(4), **options}
    return refused(name, error, f"conv_tbc_forward: {rule}", **arguments)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    **{f"conv{axes}d": refusals(axes) for axes in (1, 2, 3)},
    "conv_tbc": (
        refused_integers("conv_tbc", "input", weight=np.ones((3, 3, 4)), bias=np.ones(4)),
        refused_integers("conv_tbc", "weight", input=np.ones((5, 2, 3)), bias=np.ones(4)),
        refused_integers("conv_tbc", "bias", input=np.ones((5, 2, 3)), weight=np.ones((3, 3, 4))),
        bad_tbc("no bias", "bias must be given, got None", TypeError, bias=None),
        bad_tbc("an input without a batch", "input must have shape (T, N, C), got (5, 3)", input=np.ones((5, 3))),
        bad_tbc(
            "a weight without outputs",
            "weight must have shape (K, C, O) with a kernel of at least 1, got (3, 3)",
            weight=np.ones((3, 3)),
        ),
        bad_tbc(
            "channels that do not match",
            "weight must have input's channels C = 3, got (3, 2, 4)",
            weight=np.ones((3, 2, 4)),
        ),
        bad_tbc("a bias for every input", "bias must have shape (O,) = (4,), got (3,)", bias=np.ones(3)),
        bad_tbc("a negative pad", "pad must be at least 0, got -1", pad=-1),
        bad_tbc("a pad of a half", "pad must be an integer, got 0.5", TypeError, pad=0.5),
        bad_tbc(
            "a kernel longer than time",
            "the kernel must fit into the padded input, got a reach of (3,) in (2,)",
            input=np.ones((2, 2, 3)),
        ),
    ),
}
