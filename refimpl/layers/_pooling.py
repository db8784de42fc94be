"""What the families of pooling share: their planes, the checks of a geometry, and the maximum of regions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import row_blocks
from .._precision import HALF, SINGLE
from .._validate import Array, IntArray
from .._windows import Extents, Windows, per_axis, place

# Elements of planes to take at once: the strided steps run over short rows, and need many to cost more in copies than
# in calls.
BLOCK = 2**18

_AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def planes(op: str, name: str, value: ArrayLike, axes: int) -> Array:
    """`value` as a floating array whose last `axes` axes are spatial, with channels and maybe a batch before them."""
    x = _validate.floating(op, name, value)
    if x.ndim not in (axes + 1, axes + 2):
        raise ValueError(f"{op}: {name} must have shape (N, C, {_AXES[axes]}) or (C, {_AXES[axes]}), got {x.shape}")
    if 0 in x.shape[-axes:]:
        raise ValueError(f"{op}: {name} must have spatial extents of at least 1, got shape {x.shape}")
    return x


def working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that the gradient of an input of this dtype is summed in."""
    return SINGLE if dtype == HALF else dtype


def rows(array: NDArray[Any], axes: int) -> NDArray[Any]:
    """One row per plane: (rows, *spatial)."""
    return array.reshape(math.prod(array.shape[:-axes]), *array.shape[-axes:])


def windows_of(
    op: str,
    x: Array,
    axes: int,
    kernel_size: Any,
    stride: Any,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Windows:
    """The windows of a pooling over x; stride None is the kernel's size."""
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    steps = kernel if stride is None else per_axis(op, "stride", stride, axes, 1)
    before = per_axis(op, "padding", padding, axes, 0)
    gaps = per_axis(op, "dilation", dilation, axes, 1)
    if any(b > k // 2 for b, k in zip(before, kernel, strict=True)):
        raise ValueError(f"{op}: padding must be at most half of kernel_size = {kernel}, got {before}")
    ceil_mode = _validate.boolean(op, "ceil_mode", ceil_mode)
    return place(op, x.shape[-axes:], kernel, steps, gaps, before, before, ceil_mode)


def starts(windows: Windows) -> Sequence[IntArray]:
    """Where each window begins, axis by axis; in the padding in front it is negative."""
    return [np.arange(m) * s - b for m, s, b in zip(windows.output, windows.stride, windows.before, strict=True)]


def outer_product(factors: Sequence[IntArray]) -> IntArray:
    """factors[0][i] factors[1][j] ... as an array with one axis per factor."""
    return functools.reduce(np.multiply.outer, factors)


def flat_positions(positions: Sequence[IntArray], extents: Extents) -> IntArray:
    """The flat index in a plane of these extents for each choice of one position per axis."""
    steps = [math.prod(extents[axis + 1 :]) for axis in range(len(extents))]
    return functools.reduce(np.add.outer, [p * step for p, step in zip(positions, steps, strict=True)])


def output_gradient(
    op: str, grad_output: Any, shape: tuple[int, ...], dtype: np.dtype[Any], with_indices: bool
) -> Array:
    """The gradient of the pooled values: grad_output itself, or the first of (gradient, None) beside indices."""
    if with_indices:
        if not (isinstance(grad_output, (tuple, list)) and len(grad_output) == 2 and grad_output[1] is None):
            facts = type(grad_output).__name__
            raise TypeError(
                f"{op}: grad_output must be (gradient, None) where output is (output, indices), got {facts}"
            )
        grad_output = grad_output[0]
    return _validate.output_gradient(op, grad_output, shape, dtype)


def mean_of_sums(sums: Callable[[Array], Array], x: Array, divisor: Array, terms: int, y: Array) -> None:
    """y = sums(x) / divisor, also where the sum of up to `terms` entries overflows and the quotient does not."""
    with np.errstate(all="ignore"):
        np.divide(sums(x), divisor, out=y, casting="same_kind")
        beyond = ~np.isfinite(y)
        if beyond.any():
            scale = 2.0 ** -math.ceil(math.log2(terms))  # a power of two: exact, but for what is far below the sum
            y[...] = np.where(beyond, sums(x * scale) / (divisor * scale), y)


def region_maximum(x: Array, regions: Sequence[tuple[IntArray, IntArray]]) -> tuple[Array, IntArray]:
    """The maximum of boxes of x (rows, *spatial), and the flat index of each in its plane.

    regions[axis] holds where the boxes begin and end on that axis, each of shape (rows or 1, output extent). Of equal
    maxima the first in the plane's order is taken, of several NaN the last. Both orders are lexicographic, so one axis
    can be taken at a time, the last one first.
    """
    spatial = x.shape[1:]
    y = np.empty((len(x), *(start.shape[1] for start, _ in regions)), dtype=x.dtype)
    index = np.empty(y.shape, dtype=np.intp)
    with np.errstate(invalid="ignore"):
        for block in row_blocks(len(x), math.prod(spatial), BLOCK):
            best, chosen = x[block], np.zeros((len(x[block]), *spatial), dtype=np.intp)
            for axis in range(len(spatial), 0, -1):
                start, end = (bound[block] if len(bound) > 1 else bound for bound in regions[axis - 1])
                best, position = _maximum_along(best, axis, start, end)
                chosen = np.take_along_axis(chosen, position, axis)
                chosen += position * math.prod(spatial[axis:])
            y[block], index[block] = best, chosen
    return y, index


def _maximum_along(x: Array, axis: int, start: IntArray, end: IntArray) -> tuple[Array, IntArray]:
    """The maximum of each stretch of one axis, and where on that axis it is."""
    shape = (len(start), *(1,) * (axis - 1), start.shape[1], *(1,) * (x.ndim - axis - 1))
    whole = start.shape[1] == 1 and np.all(end - start == x.shape[axis])
    offset = _first_maximum(x, axis) if whole else _running_offset(x, axis, start, end)
    position = np.minimum(start.reshape(shape) + offset, end.reshape(shape) - 1)
    return np.take_along_axis(x, position, axis), position


def _first_maximum(x: Array, axis: int) -> IntArray:
    """Where on the axis its maximum is."""
    at: IntArray = np.argmax(x, axis=axis, keepdims=True)
    none = np.isnan(x)
    if none.any():  # argmax finds the first of several
        last = x.shape[axis] - 1 - np.argmax(np.flip(none, axis), axis=axis, keepdims=True)
        at = np.where(none.any(axis=axis, keepdims=True), last, at)
    return at


def _running_offset(x: Array, axis: int, start: IntArray, end: IntArray) -> IntArray:
    """How far from its start each stretch of an axis has its maximum."""
    count = int(np.max(end - start, initial=1))
    best = _at(x, axis, start)
    offset = np.zeros(best.shape, dtype=np.min_scalar_type(count))
    # A shorter stretch meets its last element again, which changes no maximum and no choice.
    for k in range(1, count):
        value = _at(x, axis, np.minimum(start + k, end - 1))
        np.maximum(offset, (value > best) * offset.dtype.type(k), out=offset)
        np.maximum(best, value, out=best)
    if np.isnan(best).any():  # a comparison with NaN is never true: such stretches kept an earlier element
        for k in range(count):
            none = np.isnan(_at(x, axis, np.minimum(start + k, end - 1)))
            np.maximum(offset, none * offset.dtype.type(k), out=offset)
    return offset.astype(np.intp)


def _at(x: Array, axis: int, position: IntArray) -> Array:
    """The elements at one position per stretch, (rows or 1, stretches), of one axis."""
    if len(position) == 1:
        return np.take(x, position[0], axis)
    return np.take_along_axis(x, position.reshape(len(x), *(1,) * (axis - 1), -1, *(1,) * (x.ndim - axis - 1)), axis)


def scatter_add(g: Array, index: IntArray, size: int) -> Array:
    """out[row, index[row, j]] += g[row, j], with `size` entries per row: the transpose of picking by index."""
    out = np.empty((len(index), size), dtype=g.dtype)
    for block in row_blocks(len(index), size, BLOCK):
        first = size * np.arange(len(out[block])).reshape(-1, *(1,) * (index.ndim - 1))
        flat = (index[block] + first).reshape(-1)
        out[block] = np.bincount(flat, weights=g[block].reshape(-1), minlength=out[block].size).reshape(-1, size)
    return out
