"""A row constant left out: what is missing is, along some axes, a multiple of one known direction.

The gradient of whatever is normalised along axes is a projection: softmax takes out its own direction, a mean the
constant one, a norm that of the numbers themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..._validate import Array
from ._facts import Facts, Fit, axes_of, in_words

SPARE = 2  # equations beyond the unknowns: less would fit anything


def row_constant(facts: Facts) -> Fit | None:
    if facts.sampled or not facts.known.all():
        return None
    for form, axes, along in _rows(facts.shape):
        for words, directions in _directions(facts):
            reshaped = [direction.reshape(form) for direction in directions]
            if _spans(facts, facts.difference.reshape(form), reshaped, axes):
                message = f"what is missing is, along {along}, {words}: the projection there is left out or wrong"
                return Fit("row_constant", message, {"along": along, "direction": words})
    return None


def _rows(shape: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...], str]]:
    """What a row may be, the longest rows first: (shape to bring the array to, the axes of a row there, in words).

    It lies along some axes, or is a group of channels: a part of axis 1 with all axes behind it.
    """
    found = [(shape, axes, in_words(axes)) for axes in axes_of(len(shape))]
    n, channels = shape[:2] if len(shape) > 1 else (1, 1)
    for groups in (g for g in range(2, channels) if channels % g == 0):
        form = (n, groups, math.prod(shape) // (n * groups))
        found.append((form, (2,), f"the {groups} groups of axis 1"))
    lengths = {along: math.prod(form[axis] for axis in axes) for form, axes, along in found}
    return sorted((row for row in found if lengths[row[2]] > 1), key=lambda row: -lengths[row[2]])


def _directions(facts: Facts) -> Iterator[tuple[str, list[Array]]]:
    """What may be missing a multiple of, in words; a later one may hold an earlier one."""
    ones, own = np.ones(facts.shape), facts.arguments.get(facts.name)
    yield "constant", [ones]
    for name, y in facts.outputs.items():
        if y.shape == facts.shape and np.isfinite(y).all():
            yield f"a multiple of {name}", [y]
            if y.max() < 50:
                yield f"a multiple of exp({name}), the softmax", [np.exp(y)]
    if isinstance(own, np.ndarray) and own.shape == facts.shape and np.isfinite(own).all():
        if np.ptp(own) < 100:
            yield f"a multiple of softmax({facts.name})", [np.exp(own - own.max())]
        yield f"a multiple of {facts.name}", [own]
        yield f"a constant and a multiple of {facts.name}", [ones, own]


def _spans(facts: Facts, difference: Array, directions: list[Array], axes: tuple[int, ...]) -> bool:
    """Whether the difference is, in each row, a sum of multiples of the directions."""
    rows = difference.size // math.prod(difference.shape[axis] for axis in axes)
    if difference.size - rows * len(directions) < SPARE:
        return False
    rest, used = difference, list[Array]()
    for direction in directions:
        for earlier in used:
            direction = direction - _part(direction, earlier, axes)
        rest = rest - _part(rest, direction, axes)
        used.append(direction)
    return bool(np.abs(rest).max() <= facts.tolerance)


def _part(a: Array, direction: Array, axes: tuple[int, ...]) -> Array:
    """What of `a` lies along the direction, row by row."""
    squares = (direction * direction).sum(axis=axes, keepdims=True)
    along = (a * direction).sum(axis=axes, keepdims=True)
    return np.divide(along, squares, out=np.zeros_like(along), where=squares > 0) * direction
