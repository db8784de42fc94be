"""A wrong gradient as a picture of characters: which elements are wrong, and how much."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import groupby

import numpy as np

from .._validate import Array
from ..gradcheck.report import ArgumentReport
from .screen import Piece

ROWS, COLUMNS = 12, 60  # at most; of a larger array each character is the worst of a block
SLICES = 2  # of an array with more than two axes: those that hold most wrong elements
SHADES, PLAIN_SHADES = "░▒▓█", ":+*#"
RIGHT, PLAIN_RIGHT = "·", "."
UNKNOWN = " "


def error_map(report: ArgumentReport) -> Iterator[list[Piece]]:
    """Lines; none where there is nothing to see, as in a wrong shape or a single number."""
    if report.analytic is None or report.numeric is None or report.wrong is None:
        return
    if report.analytic.shape != report.shape or report.numeric.size < 2 or not report.wrong.any():
        return
    shades, right = _characters()
    error = relative_error(report)
    largest = float(error.max(initial=0.0, where=np.isfinite(error)))
    scale = f"{right} right, {shades[0]} to {shades[-1]} wrong by up to {largest:.1g} of the largest entry"
    yield [(f"{scale}{', blank not compared' if np.isnan(error).any() else ''}", "note")]
    for index, slab in slices_of(error):
        if index:
            yield [(f"{report.name}[{', '.join(map(str, index))}, :, :]", "note")]
        for row in _coarse(slab):
            marks = [_character(value, largest, shades, right) for value in row]
            runs = groupby(marks, lambda mark: "fail" if mark in shades else "note")
            yield [("".join(run), role) for role, run in runs]


def relative_error(report: ArgumentReport) -> Array:
    """0 where an element is right, NaN where it was not compared, infinite where the gradient is not finite."""
    assert report.analytic is not None
    assert report.numeric is not None
    assert report.wrong is not None
    finite = np.abs(np.concatenate([report.analytic.reshape(-1), report.numeric.reshape(-1)]))
    size = float(np.max(finite, initial=0.0, where=np.isfinite(finite))) or 1.0
    with np.errstate(invalid="ignore"):
        error = np.abs(report.analytic - report.numeric) / size
    error = np.where(np.isnan(error) & report.wrong, np.inf, error)
    return np.where(report.wrong, error, np.where(np.isfinite(report.numeric), 0.0, np.nan))


def slices_of(error: Array) -> list[tuple[tuple[int, ...], Array]]:
    """Matrices: (index of the slice, the slice); a vector is one row, more axes give the slices that are worst."""
    if error.ndim <= 2:
        return [((), error.reshape((1, -1)) if error.ndim < 2 else error)]
    slabs = error.reshape((-1, *error.shape[-2:]))
    wrong = (np.nan_to_num(slabs, nan=0.0) > 0).sum(axis=(1, 2))
    worst = sorted(np.argsort(-wrong, kind="stable")[:SLICES])
    places = [tuple(int(i) for i in np.unravel_index(k, error.shape[:-2])) for k in worst if wrong[k]]
    return [(place, error[place]) for place in places]


def _coarse(slab: Array) -> Array:
    """At most ROWS by COLUMNS: the worst of each block."""
    for axis, most in ((0, ROWS), (1, COLUMNS)):
        if slab.shape[axis] > most:
            parts = np.array_split(np.nan_to_num(slab, nan=-1.0), most, axis)
            worst = np.stack([part.max(axis=axis) for part in parts], axis)
            slab = np.where(worst < 0, np.nan, worst)
    return slab


def _character(value: float, largest: float, shades: str, right: str) -> str:
    if np.isnan(value):
        return UNKNOWN
    if value == 0:
        return right
    if not np.isfinite(value) or not largest:
        return shades[-1]
    return shades[min(int(len(shades) * value / largest), len(shades) - 1)]


def _characters() -> tuple[str, str]:
    """Those that the terminal can show."""
    try:
        (SHADES + RIGHT).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return PLAIN_SHADES, PLAIN_RIGHT
    return SHADES, RIGHT
