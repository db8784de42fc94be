"""Samples of padding."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(34)

MODES = ("reflect", "replicate", "circular")


def _of_mode(mode: str) -> tuple[Case, ...]:
    x, y, z = draw.normal(2, 1, 5), draw.normal(1, 2, 4, 3), draw.normal(1, 1, 3, 2, 4)
    most = 4 if mode == "reflect" else 5
    return (
        case(f"{mode}, one axis", input=x, pad=(2, 1), mode=mode),
        case(f"{mode}, without a batch", input=x[0], pad=(0, 3), mode=mode),
        case(f"{mode}, two axes", input=y, pad=(1, 2, 3, 0), mode=mode),
        case(f"{mode}, three axes", input=z, pad=(2, 3, 1, 0, 1, 2), mode=mode),
        case(f"{mode}, as far as it goes", input=x, pad=(most, most), mode=mode),
        case(f"{mode}, cropped at both ends", input=x, pad=(-1, -2), mode=mode),
        case(f"{mode}, cropped in front, padded behind", input=x, pad=(-1, 2), mode=mode),
        case(f"{mode}, padded in front, cropped behind", input=y, pad=(1, -1, 2, -1), mode=mode),
        case(f"{mode}, an empty batch", input=np.zeros((0, 1, 5)), pad=(1, 1), mode=mode),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "pad": (
        case("a constant left out", input=draw.normal(3, 4), pad=(1, 2)),
        case("a constant, unequal amounts", input=draw.normal(2, 3, 4), pad=(1, 0, 2, 3, 0, 4), value=0.7),
        case("a constant, more than the input", input=draw.normal(2, 3), pad=(7, 5), value=-1.5),
        case("a constant, cropped and padded", input=draw.normal(3, 5), pad=(-2, 3, 1, -1), value=2.0),
        case("a constant, all cropped", input=draw.normal(2, 3), pad=(-1, -2)),
        case("a constant around nothing", input=np.zeros((2, 0)), pad=(1, 2), value=3.0),
        case("no axis padded", input=draw.normal(2, 3), pad=()),
        case("a single number", input=np.array(0.7), pad=()),
        *(sample for mode in MODES for sample in _of_mode(mode)),
    )
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "pad": (
        refused_integers("pad", "input", pad=(1, 1)),
        refused(
            "an unknown mode",
            ValueError,
            "pad_forward: mode must be one of 'constant', 'reflect', 'replicate', 'circular', got 'edge'",
            input=np.ones((1, 5)),
            pad=(1, 1),
            mode="edge",
        ),
        refused(
            "one amount",
            ValueError,
            "pad_forward: pad must hold two integers for each of the last axes, got 1 for (1, 5)",
            input=np.ones((1, 5)),
            pad=(1,),
        ),
        refused(
            "more amounts than axes",
            ValueError,
            "pad_forward: pad must hold two integers for each of the last axes, got 6 for (1, 5)",
            input=np.ones((1, 5)),
            pad=(1,) * 6,
        ),
        refused(
            "a number in place of amounts",
            TypeError,
            "pad_forward: pad must be a sequence of integers, got 1",
            input=np.ones((1, 5)),
            pad=1,
        ),
        refused(
            "an amount that is no integer",
            TypeError,
            "pad_forward: pad must be an integer, got 1.0",
            input=np.ones((1, 5)),
            pad=(1, 1.0),
        ),
        refused(
            "cropping more than there is",
            ValueError,
            "pad_forward: pad must not crop more than the extent 5, got (-3, -3)",
            input=np.ones((1, 5)),
            pad=(-3, -3),
        ),
        refused(
            "reflecting as much as there is",
            ValueError,
            "pad_forward: pad must be at most 4 with mode 'reflect', got (0, 5) for an extent of 5",
            input=np.ones((1, 5)),
            pad=(0, 5),
            mode="reflect",
        ),
        refused(
            "wrapping more than once",
            ValueError,
            "pad_forward: pad must be at most 5 with mode 'circular', got (6, 0) for an extent of 5",
            input=np.ones((1, 5)),
            pad=(6, 0),
            mode="circular",
        ),
        refused(
            "wrapping more than cropping leaves",
            ValueError,
            "pad_forward: pad must be at most 3 with mode 'circular', got (-2, 4) for an extent of 5",
            input=np.ones((1, 5)),
            pad=(-2, 4),
            mode="circular",
        ),
        refused(
            "nothing to repeat",
            ValueError,
            "pad_forward: pad must be at most 0 with mode 'replicate', got (1, 0) for an extent of 0",
            input=np.ones((1, 0)),
            pad=(1, 0),
            mode="replicate",
        ),
        refused(
            "a value that is not used",
            ValueError,
            "pad_forward: value must be None with mode 'reflect', got 1.0",
            input=np.ones((1, 5)),
            pad=(1, 1),
            mode="reflect",
            value=1.0,
        ),
        refused(
            "an array for a value",
            TypeError,
            "pad_forward: value must be a number, got [1.0]",
            input=np.ones((1, 5)),
            pad=(1, 1),
            value=[1.0],
        ),
    ),
}
