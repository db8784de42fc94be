"""Samples of unpooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(36)

EXTENTS = {1: (3,), 2: (2, 3), 3: (2, 3, 1)}  # unequal, so that no axis can stand in for another
SHAPES = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}
TWICE = "PyTorch gives the gradient at an index to every entry that was put there, also to those that were overwritten"


def _places(lead: tuple[int, ...], extents: tuple[int, ...], plane: int) -> dict[str, Any]:
    """An input, and for each of its planes distinct indices below `plane`."""
    count = int(np.prod(extents))
    flat = [draw.rng.permutation(plane)[:count] for _ in range(int(np.prod(lead)))]
    return {"input": draw.normal(*lead, *extents), "indices": np.array(flat, dtype=np.int64).reshape(*lead, *extents)}


def _cases(axes: int) -> tuple[Case, ...]:
    m = EXTENTS[axes]
    twice, padded = int(np.prod([2 * n for n in m])), int(np.prod([3 * n - 2 for n in m]))
    larger = tuple(2 * n + 1 for n in m)
    of_larger = int(np.prod(larger))
    return (
        case("unequal extents", **_places((2, 2), m, twice), kernel_size=2),
        case("without a batch", **_places((2,), m, twice), kernel_size=(2,) * axes),
        case("a stride of its own, padded", **_places((1, 2), m, padded), kernel_size=3, stride=3, padding=1),
        case("a larger output", **_places((1, 2), m, of_larger), kernel_size=2, output_size=larger),
        case(
            "a larger output, all its axes", **_places((1, 2), m, of_larger), kernel_size=2, output_size=(1, 2, *larger)
        ),
        case(
            "an index that comes twice",
            departs=TWICE,
            input=draw.normal(1, *(1,) * (axes - 1), 3),
            indices=np.array([2, 0, 2]).reshape(1, *(1,) * (axes - 1), 3),
            kernel_size=(*(1,) * (axes - 1), 2),
        ),
        case(
            "an empty batch",
            input=np.zeros((0, 2, *m)),
            indices=np.zeros((0, 2, *m), dtype=np.int64),
            kernel_size=2,
        ),
    )


def _refusals(axes: int) -> tuple[Refusal, ...]:
    op, m = f"max_unpool{axes}d_forward", EXTENTS[axes]
    sizes, stride = tuple(2 * n for n in m), (2,) * axes
    x, indices, where = np.ones((1, *m)), np.zeros((1, *m), dtype=np.int64), (0,) * (axes + 1)
    plane = int(np.prod(sizes))

    def outside(name: str, index: int) -> Refusal:
        wrong = indices.copy()
        wrong[where] = index
        message = f"{op}: indices must be from 0 to {plane - 1} in a plane of {sizes}, got {index} at {where}"
        return refused(name, ValueError, message, input=x, indices=wrong, kernel_size=2)

    return (
        refused_integers(op.removesuffix("_forward"), "input", indices=indices, kernel_size=2),
        refused(
            "too few dimensions",
            ValueError,
            f"{op}: input must have shape {SHAPES[axes]}, got {m}",
            input=x[0],
            indices=indices[0],
            kernel_size=2,
        ),
        refused(
            "floating indices",
            TypeError,
            f"{op}: indices must be an integer array, got dtype float64",
            input=x,
            indices=x,
            kernel_size=2,
        ),
        refused(
            "indices of another shape",
            ValueError,
            f"{op}: indices must have shape of input = {x.shape}, got {(1, *x.shape)}",
            input=x,
            indices=indices[None],
            kernel_size=2,
        ),
        outside("an index beyond the plane", plane),
        outside("a negative index", -1),
        refused(
            "an output too large",
            ValueError,
            f"{op}: output_size must be within less than stride = {stride} of {sizes}, "
            f"got {tuple(n + 2 for n in sizes)}",
            input=x,
            indices=indices,
            kernel_size=2,
            output_size=tuple(n + 2 for n in sizes),
        ),
        refused(
            "an output without entries",
            ValueError,
            f"{op}: output_size must be at least 1, got {(0,) * axes}",
            input=np.ones((1, *(1,) * axes)),
            indices=np.zeros((1, *(1,) * axes), dtype=np.int64),
            kernel_size=2,
            padding=1,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {f"max_unpool{axes}d": _cases(axes) for axes in (1, 2, 3)}
REFUSALS: dict[str, tuple[Refusal, ...]] = {f"max_unpool{axes}d": _refusals(axes) for axes in (1, 2, 3)}
