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
    pixels = math.prod(x.shape[1:])
    # Where the channels are a power of two apart, all entries of a row would fall into one place of the cache.
    apart = np.empty((len(x), pixels + 16), dtype=dtype)[:, :pixels]
    apart[...] = x.reshape(len(x), pixels)
    return np.ascontiguousarray(apart.T)


def tap_weights(factors: Sequence[Array]) -> Array:
    """The weights along each axis, (taps, positions) each, to those of all combinations of taps."""
    found = factors[0]
    for factor in factors[1:]:
        found = (found[:, None] * factor).reshape(len(found) * len(factor), found.shape[1])
    return found


def tap_pixels(pixels: Sequence[IntArray], extents: Sequence[int]) -> Any:
    """The pixels along each axis, (taps, positions) each, to the flat indices of all combinations of taps."""
    found: Any = pixels[0]
    for pixel, n in zip(pixels[1:], extents[1:], strict=True):
        found = (found[:, None] * n + pixel).reshape(len(found) * len(pixel), found.shape[1])
    return found


def sampling_matrix(
    pixels: Sequence[IntArray], weights: Sequence[Array], extents: Sequence[int], dtype: np.dtype[Any]
) -> Any:
    """The weights of all pixels in all positions, as a sparse (positions, pixels).

    A pixel may come several times for one position. Weights of 0 are left out: an infinite pixel is then no part of
    the sum.
    """
    pixel, weight = tap_pixels(pixels, extents).T, tap_weights(weights).astype(dtype).T
    kept = weight != 0
    starts = np.concatenate([[0], np.count_nonzero(kept, axis=1).cumsum()])
    return csr_array((weight[kept], pixel[kept], starts), shape=(len(weight), math.prod(extents)))
