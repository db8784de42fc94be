"""Samples of interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(51)

COPIED = ("nearest", "nearest-exact", "area")  # or averaged: nothing about corners


def _of_mode(mode: str, spatial: int) -> tuple[Case, ...]:
    """Larger, smaller, by factors, with the corners aligned: extents of which no two are equal."""
    small, large = (3, 4, 2)[:spatial], (5, 6, 3)[:spatial]
    x, wide = draw.normal(1, 2, *small), draw.normal(1, 1, *large)
    name = f"{mode}, {spatial} {'axis' if spatial == 1 else 'axes'}"
    factors = (0.6, 0.55, 1.7)[:spatial]
    found = [
        case(f"{name}, larger", input=x, size=large, mode=mode),
        case(f"{name}, by factors", input=wide, scale_factor=factors, mode=mode),
    ]
    if spatial < 3:
        found += [
            case(f"{name}, smaller", input=wide, size=small, mode=mode),
            case(f"{name}, by recomputed factors", input=wide, scale_factor=factors, recompute_scale_factor=True,
                 mode=mode),
        ]  # fmt: skip
    if mode not in COPIED:
        found += [
            case(f"{name}, aligned, larger", input=x, size=large, mode=mode, align_corners=True),
            case(f"{name}, aligned, by factors", input=wide, scale_factor=factors, mode=mode, align_corners=True),
            case(f"{name}, aligned, to one", input=x, size=1, mode=mode, align_corners=True),
        ]
    return tuple(found)


def _antialiased(mode: str) -> tuple[Case, ...]:
    options: dict[str, Any] = {"mode": mode, "antialias": True}
    found = [
        case(f"{mode} antialiased, smaller", input=draw.normal(2, 2, 7, 5), size=(3, 2), **options),
        case(f"{mode} antialiased, larger", input=draw.normal(1, 1, 3, 2), size=(5, 4), **options),
        case(f"{mode} antialiased, one axis each way", input=draw.normal(1, 1, 3, 7), size=(5, 3), **options),
        case(f"{mode} antialiased, by factors", input=draw.normal(1, 1, 7, 6), scale_factor=(0.55, 0.7), **options),
        case(f"{mode} antialiased, to one", input=draw.normal(1, 1, 7, 5), size=(1, 1), **options),
        case(
            f"{mode} antialiased, an extent that a factor leaves",
            input=draw.normal(1, 1, 4, 6),
            scale_factor=(1.2, 0.5),
            **options,
        ),
    ]
    if mode != "lanczos":
        found.append(
            case(f"{mode} antialiased, aligned", input=draw.normal(1, 1, 7, 3), size=(3, 4), align_corners=True,
                 **options)
        )  # fmt: skip
    return tuple(found)


CASES: dict[str, tuple[Case, ...]] = {
    "interpolate": (
        case("twice as large", input=draw.normal(2, 3, 2, 3), scale_factor=2),
        case("one number for all axes", input=draw.normal(1, 2, 3, 4), size=5, mode="bilinear"),
        *(found for mode in ("nearest", "nearest-exact", "area") for d in (1, 2, 3) for found in _of_mode(mode, d)),
        *_of_mode("linear", 1),
        *_of_mode("bilinear", 2),
        *_of_mode("bicubic", 2),
        *_of_mode("trilinear", 3),
        *(found for mode in ("bilinear", "bicubic", "lanczos") for found in _antialiased(mode)),
        *(
            case(f"{mode}, an extent that a factor leaves", input=draw.normal(1, 2, 4), scale_factor=1.2, mode=mode)
            for mode in ("nearest", "nearest-exact", "linear")
        ),
        case(
            "bicubic, an extent that a factor leaves",
            input=draw.normal(1, 2, 4, 3),
            scale_factor=(1.2, 1.3),
            mode="bicubic",
        ),
        case("nearest, doubled by a factor above 2", input=draw.normal(1, 2, 6), scale_factor=2.15),
        case("corners not aligned, said outright", input=draw.normal(1, 2, 3), size=5, mode="linear",
             align_corners=False),
        case("from one entry", input=draw.normal(2, 2, 1, 1), size=(3, 4), mode="bicubic"),
        case("one entry, aligned", input=draw.normal(2, 2, 1, 1), size=(1, 4), mode="bilinear", align_corners=True),
        case("the same size", input=draw.normal(1, 2, 4, 3), size=(4, 3), mode="bicubic"),
        case("an empty batch", input=np.zeros((0, 2, 4, 3)), size=(2, 5), mode="bilinear"),
    ),
}  # fmt: skip


def _refused(name: str, error: type[Exception], message: str, ndim: int = 4, **options: Any) -> Refusal:
    shape = (1, 2, 5, 4, 3)[:ndim]
    return refused(name, error, f"interpolate_forward: {message}", **{"input": np.ones(shape), **options})


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "interpolate": (
        refused_integers("interpolate", "input", size=2),
        _refused(
            "both size and scale_factor",
            ValueError,
            "exactly one of size and scale_factor must be given, got size = 3 and scale_factor = 2.0",
            size=3,
            scale_factor=2.0,
        ),
        _refused(
            "neither size nor scale_factor",
            ValueError,
            "exactly one of size and scale_factor must be given, got neither",
        ),
        _refused(
            "a size of 0",
            ValueError,
            "spatial extents must be at least 1, got (5, 4) in and (3, 0) out",
            size=(3, 0),
        ),
        _refused(
            "a negative size",
            ValueError,
            "spatial extents must be at least 1, got (5, 4) in and (-2, -2) out",
            size=-2,
        ),
        _refused(
            "a factor that leaves nothing",
            ValueError,
            "spatial extents must be at least 1, got (5, 4) in and (1, 0) out",
            scale_factor=0.2,
        ),
        _refused(
            "no input",
            ValueError,
            "spatial extents must be at least 1, got (5, 0) in and (3, 3) out",
            input=np.ones((1, 2, 5, 0)),
            size=3,
        ),
        _refused("a factor of 0", ValueError, "scale_factor must be above 0 and below inf, got 0", scale_factor=0),
        _refused(
            "an infinite factor",
            ValueError,
            "scale_factor must be above 0 and below inf, got inf",
            scale_factor=(1.0, float("inf")),
        ),
        _refused("a factor in words", TypeError, "scale_factor must be a number, got 'two'", scale_factor="two"),
        _refused("a broken size", TypeError, "size must be an integer, got 2.5", size=2.5),
        _refused(
            "a size for one axis of two",
            ValueError,
            "size must have one entry per spatial axis = 2, got (3,)",
            size=(3,),
        ),
        _refused(
            "factors for three axes of two",
            ValueError,
            "scale_factor must have one entry per spatial axis = 2, got (1.5, 2.0, 2.0)",
            scale_factor=(1.5, 2.0, 2.0),
        ),
        _refused(
            "a size to recompute",
            ValueError,
            "recompute_scale_factor must be False where size is given, got True",
            size=3,
            recompute_scale_factor=True,
        ),
        _refused(
            "an unknown mode",
            ValueError,
            "mode must be one of 'nearest', 'nearest-exact', 'linear', 'bilinear', 'bicubic', 'trilinear', 'area', "
            "'lanczos', got 'cubic'",
            size=3,
            mode="cubic",
        ),
        *(
            _refused(
                f"{mode} in {ndim} dimensions",
                ValueError,
                f"input must have {rule} dimensions for mode {mode!r}, got shape {(1, 2, 5, 4, 3)[:ndim]}",
                ndim,
                size=3,
                mode=mode,
            )
            for mode, ndim, rule in (
                ("nearest", 2, "3 or 4 or 5"),
                ("linear", 4, "3"),
                ("bilinear", 3, "4"),
                ("bicubic", 5, "4"),
                ("trilinear", 4, "5"),
                ("lanczos", 3, "4"),
            )
        ),
        *(
            _refused(
                f"{mode} with corners",
                ValueError,
                f"align_corners must be None for mode {mode!r}, got False",
                size=3,
                mode=mode,
                align_corners=False,
            )
            for mode in COPIED
        ),
        _refused(
            "corners that are no choice",
            TypeError,
            "align_corners must be True or False, got 1",
            size=3,
            mode="bilinear",
            align_corners=1,
        ),
        _refused(
            "lanczos with its corners aligned",
            ValueError,
            "align_corners must be False or None for mode 'lanczos', got True",
            size=3,
            mode="lanczos",
            antialias=True,
            align_corners=True,
        ),
        _refused(
            "lanczos without antialias",
            ValueError,
            "antialias must be True for mode 'lanczos', got False",
            size=3,
            mode="lanczos",
        ),
        *(
            _refused(
                f"{mode} antialiased",
                ValueError,
                f"antialias must be False for mode {mode!r}, got True",
                ndim,
                size=3,
                mode=mode,
                antialias=True,
            )
            for mode, ndim in (("nearest", 4), ("area", 4), ("linear", 3), ("trilinear", 5))
        ),
    ),
}
