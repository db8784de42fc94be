"""Sums over segments: what is to be added where an index says, in one pass.

The transpose of picking rows by an index is adding rows at that index. As a product with a sparse matrix that has a
single entry per row it costs one pass over what is added and one over the sum; np.add.at costs five times that.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from ._validate import Array, IntArray


def segment_sum(values: Array, segment: IntArray, segments: int, factor: Array | None = None) -> Array:
    """Row s is the sum of factor_k values_k over all k with segment_k = s; 0 where there is none.

    values: (n, ...) in the working dtype, summed in it from the first k to the last; segment: (n,), from 0 to
    segments - 1 (not checked here); factor: (n,), by default 1. Returns (segments, ...), a new array.
    """
    n, width = len(values), math.prod(values.shape[1:])
    if factor is None:
        factor = np.ones(n, dtype=values.dtype)
    # Column k has its only entry, factor_k, in row segment_k.
    columns = (factor.astype(values.dtype, copy=False), segment.astype(np.intp, copy=False), np.arange(n + 1))
    spread: Any = csc_array(columns, shape=(segments, n))
    with np.errstate(all="ignore"):
        return np.asarray(spread @ values.reshape(n, width)).reshape(segments, *values.shape[1:])
