"""Reading pictures at positions: weights of a few pixels per position, multiplied as a sparse matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ._validate import Array, IntArray


def channel_rows(x: Array, dtype: np.dtype[Any]) -> Array:
    """One sample (C, ...) as rows of channels (pixels, C)."""
    return np.ascontiguousarray(x.reshape(x.shape[0], math.prod(x.shape[1:])).T, dtype=dtype)


def tap_weights(factors: Sequence[Array]) -> Array:
    """The weights along each axis, (positions, taps) each, to those of all combinations of taps."""
    found = factors[0]
    for factor in factors[1:]:
        found = (found[:, :, None] * factor[:, None, :]).reshape(len(found), found.shape[1] * factor.shape[1])
    return found


def tap_pixels(pixels: Sequence[IntArray], extents: Sequence[int]) -> Any:
    """The pixels along each axis, (positions, taps) each, to the flat indices of all combinations of taps."""
    found: Any = pixels[0]
    for pixel, n in zip(pixels[1:], extents[1:], strict=True):
        flat = found[:, :, None] * n + pixel[:, None, :]
        found = flat.reshape(len(found), found.shape[1] * pixel.shape[1])
    return found


def sampling_matrix(
    pixels: Sequence[IntArray], weights: Sequence[Array], extents: Sequence[int], dtype: np.dtype[Any]
) -> Any:
    """The weights of all pixels in all positions, as a sparse (positions, pixels).

    A pixel may come several times for one position. Weights of 0 are left out: an infinite pixel is then no part of
    the sum.
    """
    pixel, weight = tap_pixels(pixels, extents), tap_weights(weights)
    kept = weight != 0
    starts = np.concatenate([[0], kept.sum(axis=1).cumsum()])
    return csr_array((weight[kept].astype(dtype), pixel[kept], starts), shape=(len(weight), math.prod(extents)))
