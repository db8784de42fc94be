"""Samples of the shuffles."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(52)

CASES: dict[str, tuple[Case, ...]] = {
    "pixel_shuffle": (
        case("two channels left", input=draw.normal(2, 8, 3, 2), upscale_factor=2),
        case("by three", input=draw.normal(1, 9, 2, 1), upscale_factor=3),
        case("by one", input=draw.normal(2, 3, 2, 4), upscale_factor=1),
        case("no batch", input=draw.normal(8, 2, 3), upscale_factor=2),
        case("two leading axes", input=draw.normal(2, 3, 4, 1, 2), upscale_factor=2),
        case("an empty batch", input=np.zeros((0, 4, 2, 3)), upscale_factor=2),
    ),
    "pixel_unshuffle": (
        case("two channels", input=draw.normal(2, 2, 6, 4), downscale_factor=2),
        case("by three", input=draw.normal(1, 1, 6, 3), downscale_factor=3),
        case("by one", input=draw.normal(2, 3, 2, 4), downscale_factor=1),
        case("no batch", input=draw.normal(2, 4, 6), downscale_factor=2),
        case("two leading axes", input=draw.normal(2, 3, 1, 2, 4), downscale_factor=2),
    ),
    "channel_shuffle": (
        case("two groups of three", input=draw.normal(2, 6, 2, 3), groups=2),
        case("three groups of two", input=draw.normal(2, 6, 3), groups=3),
        case("one group", input=draw.normal(2, 4, 3), groups=1),
        case("a group per channel", input=draw.normal(2, 4, 3), groups=4),
        case("three spatial axes", input=draw.normal(1, 6, 2, 1, 3), groups=3),
        case("an empty batch", input=np.zeros((0, 6, 3)), groups=2),
    ),
}


def _shared(op: str, factor: str) -> tuple[Refusal, ...]:
    x = np.ones((1, 4, 4, 4))

    def _refused(name: str, error: type[Exception], message: str, **arguments: Any) -> Refusal:
        return refused(name, error, f"{op}_forward: {message}", **{"input": x, factor: 2, **arguments})

    return (
        refused_integers(op, "input", **{factor: 2}),
        _refused(
            "two dimensions",
            ValueError,
            "input must have at least 3 dimensions, got shape (4, 4)",
            input=np.ones((4, 4)),
        ),
        _refused("zero", ValueError, f"{factor} must be at least 1, got 0", **{factor: 0}),
        _refused("below zero", ValueError, f"{factor} must be at least 1, got -2", **{factor: -2}),
        _refused("a fraction", TypeError, f"{factor} must be an integer, got 2.0", **{factor: 2.0}),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "pixel_shuffle": (
        *_shared("pixel_shuffle", "upscale_factor"),
        refused(
            "a factor whose square does not divide the channels",
            ValueError,
            "pixel_shuffle_forward: the channels of input must be divisible by upscale_factor^2 = 4, got 6",
            input=np.ones((1, 6, 2, 2)),
            upscale_factor=2,
        ),
    ),
    "pixel_unshuffle": (
        *_shared("pixel_unshuffle", "downscale_factor"),
        refused(
            "an odd height",
            ValueError,
            "pixel_unshuffle_forward: the height of input must be divisible by downscale_factor = 2, got 5",
            input=np.ones((1, 2, 5, 4)),
            downscale_factor=2,
        ),
        refused(
            "an odd width",
            ValueError,
            "pixel_unshuffle_forward: the width of input must be divisible by downscale_factor = 2, got 3",
            input=np.ones((1, 2, 4, 3)),
            downscale_factor=2,
        ),
    ),
    "channel_shuffle": (
        *_shared("channel_shuffle", "groups"),
        refused(
            "groups that do not divide the channels",
            ValueError,
            "channel_shuffle_forward: the channels of input must be divisible by groups = 4, got 6",
            input=np.ones((1, 6, 2)),
            groups=4,
        ),
    ),
}
