"""Walking an array in blocks that fit the cache.

A formula of several steps makes a temporary array per step. Over a whole large array each of them goes through main
memory; over a block of some tens of thousands of elements they stay in the cache, and peak memory falls to the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ._precision import working_dtype
from ._validate import Array

BLOCK = 2**16  # elements: 512 KiB of float64, which a core's own cache holds


def row_blocks(rows: int, width: int, block: int = BLOCK) -> Iterator[slice]:
    """Slices that cut `rows` rows of `width` elements into blocks of about `block` elements, at least one row each."""
    step = max(1, block // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def elementwise(formula: Callable[..., Any], *arrays: Array, dtype: np.dtype[Any]) -> Array:
    """formula(*arrays), element by element, block by block, as a new array of the given dtype.

    The arrays have one shape. The formula is given flat blocks in the working dtype, and may overflow, underflow and
    divide by zero on its way: what it returns is what counts.
    """
    shape, size = arrays[0].shape, arrays[0].size
    compute = working_dtype(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    output = np.empty(size, dtype=dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(size, 1):
            output[block] = formula(*(array[block].astype(compute, copy=False) for array in flat))
    return output.reshape(shape)


def fold(array: Array, axis: int) -> Array:
    """The array as (rows, n): `axis` last, all others one. A 0-d array is one row of one."""
    if array.ndim == 0:
        return array.reshape(1, 1)
    moved = np.moveaxis(array, axis, -1)
    return moved.reshape(math.prod(moved.shape[:-1]), moved.shape[-1])


def unfold(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Undoes fold for an array that had this shape."""
    if not shape:
        return rows.reshape(())
    return np.moveaxis(rows.reshape(*shape[:axis], *shape[axis + 1 :], shape[axis]), -1, axis)


def rowwise(formula: Callable[..., Any], *arrays: Array, axis: int, dtype: np.dtype[Any]) -> Array:
    """formula(*arrays), row by row along `axis`, block by block, as a new array of the given dtype.

    The arrays have one shape. The formula is given blocks of shape (rows, n) in the working dtype and returns one.
    """
    compute = working_dtype(*arrays)
    folded = [fold(array, axis) for array in arrays]
    output = np.empty(folded[0].shape, dtype=dtype)
    if output.size:
        with np.errstate(all="ignore"):
            for rows in row_blocks(*output.shape):
                output[rows] = formula(*(array[rows].astype(compute, copy=False) for array in folded))
    return unfold(output, arrays[0].shape, axis)
