"""How far computed arrays are from true ones: in units of the last place, and relative to the largest entry."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Distance(NamedTuple):
    """Of an array from the expected one; both infinite where they cannot be compared."""

    ulps: float  # the largest of any entry, in units of the last place of the expected number
    difference: float  # the largest of any entry, relative to the largest expected entry, or to 1 where all are 0
    message: str  # what is furthest off, to be read after the array's name; empty where nothing is


def distance(found: NDArray[Any], expected: NDArray[Any]) -> Distance:
    """expected may be of a wider dtype: its last place is that of found's, and what overflows that is infinite."""
    if found.shape != expected.shape:
        return Distance(np.inf, np.inf, f" has shape {found.shape}, must have {expected.shape}")
    if found.dtype.kind != "f" or expected.dtype.kind != "f":
        if (found.dtype.kind == "f") != (expected.dtype.kind == "f"):
            return Distance(np.inf, np.inf, f" has dtype {found.dtype}, must have one like {expected.dtype}")
        unequal = found != expected
        return Distance(np.inf, np.inf, _at(unequal, found, expected)) if unequal.any() else Distance(0.0, 0.0, "")
    with np.errstate(all="ignore"):
        rounded = expected.astype(found.dtype)
        finite = np.isfinite(rounded)
        misplaced = ~np.where(finite, np.isfinite(found), (found == rounded) | (np.isnan(found) & np.isnan(rounded)))
        if misplaced.any():
            return Distance(np.inf, np.inf, _at(misplaced, found, expected))
        y = np.where(finite, expected, 0).astype(np.float64)
        off = np.abs(np.where(finite, found, 0).astype(np.float64) - y)
        unit = np.spacing(np.abs(np.where(finite, rounded, 0))).astype(np.float64)
        ulps = float(np.max(off / unit, initial=0.0))
        difference = float(np.max(off, initial=0.0) / (np.max(np.abs(y), initial=0.0) or 1.0))
    return Distance(ulps, difference, _at(off == np.max(off), found, expected) if difference else "")


def _at(where: NDArray[np.bool_], found: NDArray[Any], expected: NDArray[Any]) -> str:
    index = tuple(int(i) for i in np.argwhere(where)[0])
    place = f"[{', '.join(map(str, index))}]" if index else ""
    return f"{place} is {found[index]:.9g}, must be {expected[index]:.9g}"
