"""Samples of fractional max pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(37)

EXTENTS = {2: (7, 9), 3: (6, 5, 7)}  # unequal, so that no axis can stand in for another
SHAPES = {2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}


def _given(axes: int, batch: int, channels: int, *lead: int) -> dict[str, Any]:
    """An input with samples that differ from plane to plane and from axis to axis."""
    x = draw.distinct(*lead, channels, *EXTENTS[axes])
    return {"input": x, "_random_samples": draw.uniform(0, 1, batch, channels, axes)}


def _cases(axes: int) -> tuple[Case, ...]:
    sizes, ones = {2: (3, 4), 3: (3, 2, 4)}[axes], (1,) * axes
    ratios = (0.45, 0.6, 0.55)[:axes]
    ties = np.array([1.0, 3.0, 3.0, 2.0, 2.0, 2.0]).reshape(1, 1, *ones[1:], 6)
    return (
        case("unequal extents", **_given(axes, 2, 2, 2), kernel_size=2, output_size=sizes),
        case("without a batch", **_given(axes, 1, 3), kernel_size=(2, 1, 2)[:axes], output_size=2),
        case("windows that overlap", **_given(axes, 1, 2, 1), kernel_size=3, output_size=2),
        case("a ratio of the input", **_given(axes, 1, 2, 1), kernel_size=2, output_ratio=ratios),
        case("one window, at the end", **_given(axes, 1, 2, 1), kernel_size=2, output_size=1),
        case("with indices", **_given(axes, 2, 1, 2), kernel_size=2, output_size=sizes, return_indices=True),
        case("steps of one", **_given(axes, 1, 1, 1), kernel_size=2, output_size=tuple(n - 1 for n in EXTENTS[axes])),
        case(
            "ties",
            at_kink=True,
            input=ties,
            kernel_size=(*ones[1:], 3),
            output_size=(*ones[1:], 2),
            return_indices=True,
            _random_samples=np.full((1, 1, axes), 0.5),
        ),
        case("drawn", input=draw.distinct(2, 1, *EXTENTS[axes]), kernel_size=2, output_size=sizes, rng=5),
        case(
            "an empty batch",
            input=np.zeros((0, 2, *EXTENTS[axes])),
            kernel_size=2,
            output_size=2,
            _random_samples=np.zeros((0, 2, axes)),
        ),
    )


def _refusals(axes: int) -> tuple[Refusal, ...]:
    op, ones = f"fractional_max_pool{axes}d_forward", (1,) * axes
    extents = EXTENTS[axes]
    x, samples = np.ones((1, 2, *extents)), np.full((1, 2, axes), 0.5)
    return (
        refused_integers(op.removesuffix("_forward"), "input", kernel_size=2, output_size=2, rng=0),
        refused(
            "too few dimensions",
            ValueError,
            f"{op}: input must have shape {SHAPES[axes]}, got {ones}",
            input=np.ones(ones),
            kernel_size=1,
            output_size=1,
            rng=0,
        ),
        refused(
            "no output size",
            ValueError,
            f"{op}: one of output_size and output_ratio must be given, got neither",
            input=x,
            kernel_size=2,
            rng=0,
        ),
        refused(
            "two output sizes",
            ValueError,
            f"{op}: one of output_size and output_ratio must be given, got both",
            input=x,
            kernel_size=2,
            output_size=2,
            output_ratio=0.5,
            rng=0,
        ),
        refused(
            "an output size below 1",
            ValueError,
            f"{op}: output_size must be at least 1, got 0",
            input=x,
            kernel_size=2,
            output_size=0,
            rng=0,
        ),
        refused(
            "a ratio of 1",
            ValueError,
            f"{op}: output_ratio must be above 0 and below 1, got 1",
            input=x,
            kernel_size=1,
            output_ratio=1.0,
            rng=0,
        ),
        refused(
            "too many ratios",
            ValueError,
            f"{op}: output_ratio must hold {axes} numbers, got (0.5, 0.5, 0.5, 0.5)",
            input=x,
            kernel_size=1,
            output_ratio=(0.5, 0.5, 0.5, 0.5),
            rng=0,
        ),
        refused(
            "more windows than fit",
            ValueError,
            f"{op}: kernel_size + output_size - 1 must be at most the input's extents, "
            f"got {(2,) * axes} and {extents} for {extents}",
            input=x,
            kernel_size=2,
            output_size=extents,
            rng=0,
        ),
        refused(
            "neither samples nor rng",
            ValueError,
            f"{op}: rng must be an integer seed or a numpy.random.Generator, got None",
            input=x,
            kernel_size=2,
            output_size=2,
        ),
        refused(
            "samples and rng",
            ValueError,
            f"{op}: one of _random_samples and rng must be given, got both",
            input=x,
            kernel_size=2,
            output_size=2,
            _random_samples=samples,
            rng=0,
        ),
        refused(
            "samples of another shape",
            ValueError,
            f"{op}: _random_samples must have shape (batch, channels, axes) = {(1, 2, axes)}, got {(2, axes)}",
            input=x,
            kernel_size=2,
            output_size=2,
            _random_samples=samples[0],
        ),
        refused(
            "samples out of range",
            ValueError,
            f"{op}: _random_samples must be from 0 to 1, got 1.5 to 1.5",
            input=x,
            kernel_size=2,
            output_size=2,
            _random_samples=samples + 1,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {f"fractional_max_pool{axes}d": _cases(axes) for axes in (2, 3)}
REFUSALS: dict[str, tuple[Refusal, ...]] = {f"fractional_max_pool{axes}d": _refusals(axes) for axes in (2, 3)}
