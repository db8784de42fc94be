"""Samples of sampling by a grid, and of the grids of affine maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validate import Array
from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(53)


def _coordinates(positions: Any, extents: tuple[int, ...], align_corners: bool) -> Array:
    """The grid that stands for positions in pixels, (..., axes) in the order of the grid: width first."""
    n = np.array(extents[::-1])
    if align_corners:
        return np.asarray(2 * np.asarray(positions) / np.maximum(n - 1, 1) - 1)
    return np.asarray((2 * np.asarray(positions) + 1) / n - 1)


def _drawn(extents: tuple[int, ...], out: tuple[int, ...], align_corners: bool = False, batch: int = 1) -> Array:
    """Positions within, at the border and up to twice beyond, none near a pixel's middle or half way between two."""
    shape = (batch, *out, len(extents))
    whole = draw.rng.integers(-2, np.array(extents[::-1]) + 2, shape)
    part = draw.rng.choice([0.0, 0.5], shape) + draw.uniform(0.1, 0.4, *shape)
    return _coordinates(whole + part, extents, align_corners)


def _cases(mode: str, spatial: int) -> tuple[Case, ...]:
    extents, out = (3, 4, 2)[:spatial], (2, 3, 2)[:spatial]
    return tuple(
        case(
            f"{mode}, {padding}, {'aligned' if aligned else 'not aligned'}, {spatial + 2} dimensions",
            input=draw.normal(1, 2, *extents),
            grid=_drawn(extents, out, aligned),
            mode=mode,
            padding_mode=padding,
            align_corners=aligned,
        )
        for padding in ("zeros", "border", "reflection")
        for aligned in (False, True)
    )


def _at(name: str, positions: list[list[float]], align_corners: bool = False, **options: Any) -> Case:
    """One row of positions (x, y) in a picture of 3 x 4, on a kink."""
    grid = _coordinates(np.array(positions)[None, None], (3, 4), align_corners)
    return case(name, at_kink=True, input=draw.normal(1, 2, 3, 4), grid=grid, align_corners=align_corners, **options)


CASES: dict[str, tuple[Case, ...]] = {
    "grid_sample": (
        case("two samples, three channels", input=draw.normal(2, 3, 4, 3), grid=_drawn((4, 3), (2, 5), batch=2)),
        *_cases("bilinear", 2),
        *_cases("nearest", 2),
        *_cases("bicubic", 2),
        *_cases("bilinear", 3),
        *_cases("nearest", 3),
        *(
            case(
                f"one pixel, {padding}, {'aligned' if aligned else 'not aligned'}",
                input=draw.normal(1, 2, 1, 1),
                grid=draw.uniform(-0.4, 0.4, 1, 2, 2, 2) - 0.5,
                padding_mode=padding,
                align_corners=aligned,
            )
            for padding in ("zeros", "border", "reflection")
            for aligned in (False, True)
        ),
        case(
            "reflected several times",
            input=draw.normal(1, 2, 3, 4),
            grid=_coordinates([[[[-9.3, 8.2], [13.4, -7.7], [21.6, 15.3]]]], (3, 4), False),
            padding_mode="reflection",
            align_corners=False,
        ),
        case(
            "far beyond the border",
            input=draw.normal(1, 2, 3, 4),
            grid=np.array([[[[50.0, 0.1], [-0.3, -80.0], [3e4, -3e4]]]]),
            padding_mode="border",
            align_corners=True,
        ),
        case("an empty batch", input=np.zeros((0, 2, 3, 4)), grid=np.zeros((0, 2, 3, 2)), align_corners=False),
        case("no positions", input=draw.normal(1, 2, 3, 4), grid=np.zeros((1, 0, 3, 2)), align_corners=False),
        _at("at the middles of pixels", [[1, 1], [2, 0.3], [0.6, 1]]),
        _at("at the outermost middles", [[0, 1.3], [3, 0.4], [1.2, 2]]),
        _at("a pixel beyond the border", [[-1, 1.3], [4, 0.4], [1.2, 3], [1.4, 0.7]]),
        _at("held at the border", [[0, 1.3], [3, 0.4], [1.2, 2]], padding_mode="border"),
        _at("turned at the border, aligned", [[0, 1.3], [3, 0.4], [1.2, 4]], True, padding_mode="reflection"),
        _at("held and turned at the border", [[0, 1.3], [3, 0.4], [1.2, 2]], padding_mode="reflection"),
    ),
    "affine_grid": (
        case("two samples", theta=draw.normal(2, 2, 3), size=(2, 3, 4, 5), align_corners=False),
        case("two samples, aligned", theta=draw.normal(2, 2, 3), size=(2, 3, 4, 5), align_corners=True),
        case("by default", theta=draw.normal(1, 2, 3), size=(1, 1, 2, 3)),
        case("three axes", theta=draw.normal(2, 3, 4), size=(2, 1, 2, 3, 4), align_corners=False),
        case("three axes, aligned", theta=draw.normal(1, 3, 4), size=(1, 1, 4, 3, 2), align_corners=True),
        case("one pixel", theta=draw.normal(2, 2, 3), size=(2, 1, 1, 1), align_corners=False),
        case("one row, aligned", theta=draw.normal(1, 2, 3), size=(1, 1, 1, 4), align_corners=True),
        case("an empty batch", theta=np.zeros((0, 2, 3)), size=(0, 1, 2, 3), align_corners=False),
    ),
}


def _sample(name: str, error: type[Exception], message: str, **arguments: Any) -> Refusal:
    given = {"input": np.ones((2, 3, 4, 5)), "grid": np.zeros((2, 6, 7, 2)), **arguments}
    return refused(name, error, f"grid_sample_forward: {message}", **given)


def _affine(name: str, error: type[Exception], message: str, **arguments: Any) -> Refusal:
    given = {"theta": np.ones((2, 2, 3)), "size": (2, 1, 4, 5), **arguments}
    return refused(name, error, f"affine_grid_forward: {message}", **given)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "grid_sample": (
        refused_integers("grid_sample", "input", grid=np.zeros((2, 6, 7, 2))),
        refused_integers("grid_sample", "grid", input=np.ones((2, 3, 4, 5))),
        _sample(
            "an unknown mode",
            ValueError,
            "mode must be one of 'bilinear', 'nearest', 'bicubic', got 'linear'",
            mode="linear",
        ),
        _sample(
            "an unknown padding mode",
            ValueError,
            "padding_mode must be one of 'zeros', 'border', 'reflection', got 'reflect'",
            padding_mode="reflect",
        ),
        _sample("corners that are no choice", TypeError, "align_corners must be True or False, got 0", align_corners=0),
        _sample(
            "an input of three dimensions",
            ValueError,
            "input must have shape (N, C, H, W) or (N, C, D, H, W), got (3, 4, 5)",
            input=np.ones((3, 4, 5)),
        ),
        _sample(
            "bicubic in five dimensions",
            ValueError,
            "input must have shape (N, C, H, W) for mode 'bicubic', got (2, 3, 4, 5, 6)",
            input=np.ones((2, 3, 4, 5, 6)),
            grid=np.zeros((2, 3, 3, 3, 3)),
            mode="bicubic",
        ),
        _sample(
            "three coordinates for two axes",
            ValueError,
            "grid must have shape (N, Ho, Wo, 2), got (2, 6, 7, 3)",
            grid=np.zeros((2, 6, 7, 3)),
        ),
        _sample(
            "two coordinates for three axes",
            ValueError,
            "grid must have shape (N, Do, Ho, Wo, 3), got (2, 6, 7, 8, 2)",
            input=np.ones((2, 3, 4, 5, 6)),
            grid=np.zeros((2, 6, 7, 8, 2)),
        ),
        _sample(
            "a grid of five dimensions for an input of four",
            ValueError,
            "grid must have shape (N, Ho, Wo, 2), got (2, 6, 7, 8, 2)",
            grid=np.zeros((2, 6, 7, 8, 2)),
        ),
        _sample(
            "one grid for two samples",
            ValueError,
            "grid must have as many samples as input, got grid (1, 6, 7, 2) and input (2, 3, 4, 5)",
            grid=np.zeros((1, 6, 7, 2)),
        ),
        _sample(
            "no pixels",
            ValueError,
            "input must have spatial extents of at least 1, got shape (2, 3, 0, 5)",
            input=np.ones((2, 3, 0, 5)),
        ),
    ),
    "affine_grid": (
        refused_integers("affine_grid", "theta", size=(2, 1, 4, 5)),
        _affine(
            "a size without channels",
            ValueError,
            "size must be (N, C, H, W) or (N, C, D, H, W), got (2, 4, 5)",
            size=(2, 4, 5),
        ),
        _affine("a broken extent", TypeError, "size must be an integer, got 4.0", size=(2, 1, 4.0, 5)),
        _affine(
            "theta of another batch",
            ValueError,
            "theta must have shape (N, axes, axes + 1) = (3, 2, 3), got (2, 2, 3)",
            size=(3, 1, 4, 5),
        ),
        _affine(
            "theta of three axes for a size of two",
            ValueError,
            "theta must have shape (N, axes, axes + 1) = (2, 2, 3), got (2, 3, 4)",
            theta=np.ones((2, 3, 4)),
        ),
        _affine(
            "theta of two axes for a size of three",
            ValueError,
            "theta must have shape (N, axes, axes + 1) = (2, 3, 4), got (2, 2, 3)",
            size=(2, 1, 4, 5, 6),
        ),
        _affine(
            "an extent of 0",
            ValueError,
            "size must hold extents of at least 1, got (2, 1, 0, 5)",
            size=(2, 1, 0, 5),
        ),
        _affine("corners that are no choice", TypeError, "align_corners must be True or False, got 1", align_corners=1),
    ),
}
