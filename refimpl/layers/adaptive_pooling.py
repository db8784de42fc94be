"""Adaptive pooling: as many windows as the output has entries, laid evenly over the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._validate import Array, IntArray
from .._windows import Extents, per_axis
from ._pooling import (
    BLOCK,
    mean_of_sums,
    outer_product,
    output_gradient,
    planes,
    region_maximum,
    rows,
    scatter_add,
    working,
)

__all__ = [
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool1d_forward",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool2d_forward",
    "adaptive_avg_pool3d_backward",
    "adaptive_avg_pool3d_forward",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool1d_forward",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool2d_forward",
    "adaptive_max_pool3d_backward",
    "adaptive_max_pool3d_forward",
]

Size = int | Sequence[int | None]
Output = Array | tuple[Array, IntArray]

DENSE = 2**15  # entries up to which windows over an axis are a matrix of 0 and 1: BLAS makes up for the zeros


class _AdaptiveAvgPoolCache(NamedTuple):
    output_size: Extents
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input


class AdaptiveAvgPool1dCache(_AdaptiveAvgPoolCache):
    pass


class AdaptiveAvgPool2dCache(_AdaptiveAvgPoolCache):
    pass


class AdaptiveAvgPool3dCache(_AdaptiveAvgPoolCache):
    pass


class _AdaptiveMaxPoolCache(NamedTuple):
    indices: IntArray  # as output, flat in a plane of input
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    return_indices: bool


class AdaptiveMaxPool1dCache(_AdaptiveMaxPoolCache):
    pass


class AdaptiveMaxPool2dCache(_AdaptiveMaxPoolCache):
    pass


class AdaptiveMaxPool3dCache(_AdaptiveMaxPoolCache):
    pass


def _output_size(op: str, x: Array, output_size: Any, axes: int) -> Extents:
    """One extent per axis; None keeps the input's."""
    if isinstance(output_size, Sequence) and len(output_size) == axes:
        output_size = tuple(n if m is None else m for m, n in zip(output_size, x.shape[-axes:], strict=True))
    return per_axis(op, "output_size", output_size, axes, 1)


def bounds(n: int, m: int) -> tuple[IntArray, IntArray]:
    """Where each of m windows over n entries begins and ends: at floor(o n / m) and at ceil((o + 1) n / m)."""
    o = np.arange(m)
    return o * n // m, -(-(o + 1) * n // m)


def _window_sums(x: Array, sizes: Extents) -> Array:
    """The sum of each of `sizes` windows of x (rows, *spatial), one axis at a time.

    Window o of m over n holds entry i where o n < (i + 1) m and i m < (o + 1) n: exchanging n and m exchanges o and i.
    So the transpose of these sums are the same sums from `sizes` back to x's extents.
    """
    for axis, m in enumerate(sizes, start=1):
        x = _sums_along(x, axis, m)
    return x


def _sums_along(x: Array, axis: int, m: int) -> Array:
    n = x.shape[axis]
    start, end = bounds(n, m)
    if n == 1:
        return np.repeat(x, m, axis)
    if n * m <= DENSE and np.isfinite(x).all():  # 0 times what is no number is no 0
        inside = (start[:, None] <= np.arange(n)) & (np.arange(n) < end[:, None])
        if axis == x.ndim - 1:
            return x @ inside.T.astype(x.dtype)
        before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
        y = np.matmul(inside.astype(x.dtype), x.reshape(before, n, after))
        return y.reshape(*x.shape[:axis], m, *x.shape[axis + 1 :])
    y = np.zeros((*x.shape[:axis], m, *x.shape[axis + 1 :]), dtype=x.dtype)
    source, target = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    for k in range(int((end - start).max())):
        within = np.flatnonzero(start + k < end)
        target[..., within] += source[..., start[within] + k]
    return y


def _counts(extents: Extents, sizes: Extents, dtype: np.dtype[Any]) -> Array:
    """How many entries each window holds."""
    pairs = [bounds(n, m) for n, m in zip(extents, sizes, strict=True)]
    return outer_product([end - start for start, end in pairs]).astype(dtype)


def _avg_forward(op: str, axes: int, input: ArrayLike, output_size: Any) -> tuple[Array, tuple[Any, ...]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    sizes = _output_size(op, x, output_size, axes)
    divisor = _counts(x.shape[-axes:], sizes, working(x.dtype))
    terms = int(divisor.max())
    planes_of_x = rows(x, axes)
    y = np.empty((len(planes_of_x), *sizes), dtype=x.dtype)
    for block in row_blocks(len(y), planes_of_x[:1].size, BLOCK):
        part = planes_of_x[block].astype(divisor.dtype, copy=False)
        mean_of_sums(lambda x: _window_sums(x, sizes), part, divisor, terms, y[block])
    return y.reshape(x.shape[:-axes] + sizes), (sizes, x.shape, x.dtype)


def _avg_backward(op: str, grad_output: ArrayLike, cache: _AdaptiveAvgPoolCache) -> dict[str, Array]:
    sizes, shape, dtype = cache
    axes = len(sizes)
    extents = shape[-axes:]
    g = rows(_validate.output_gradient(op, grad_output, shape[:-axes] + sizes, working(dtype)), axes)
    divisor = _counts(extents, sizes, g.dtype)
    grad_x = np.empty((len(g), *extents), dtype=dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(len(g), grad_x[:1].size, BLOCK):
            grad_x[block] = _window_sums(g[block] / divisor, extents)
    return {"input": grad_x.reshape(shape)}


def _max_forward(
    op: str, axes: int, input: ArrayLike, output_size: Any, return_indices: bool
) -> tuple[Any, tuple[Any, ...]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    sizes = _output_size(op, x, output_size, axes)
    return_indices = _validate.boolean(op, "return_indices", return_indices)
    pairs = [bounds(n, m) for n, m in zip(x.shape[-axes:], sizes, strict=True)]
    y, index = region_maximum(rows(x, axes), [(start[None], end[None]) for start, end in pairs])
    output, indices = (array.reshape(x.shape[:-axes] + sizes) for array in (y, index))
    return (output, indices) if return_indices else output, (indices, x.shape, x.dtype, return_indices)


def _max_backward(op: str, axes: int, grad_output: Any, cache: _AdaptiveMaxPoolCache) -> dict[str, Array]:
    indices, shape, dtype, with_indices = cache
    g = output_gradient(op, grad_output, indices.shape, working(dtype), with_indices)
    grad_x = scatter_add(rows(g, axes), rows(indices, axes), math.prod(shape[-axes:]))
    return {"input": grad_x.reshape(shape).astype(dtype, copy=False)}


def adaptive_avg_pool1d_forward(input: ArrayLike, output_size: Size) -> tuple[Array, AdaptiveAvgPool1dCache]:
    """The means of output_size windows laid evenly over one spatial axis.

    y_o = mean of x_i over floor(o n / m) <= i < ceil((o + 1) n / m)

    Shapes: input (N, C, L) or (C, L), output (N, C, L') or (C, L');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's.
    Raises: TypeError where input is not floating or output_size no integer; ValueError where the shape is not one of
        planes, or output_size is below 1 or of another length.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.adaptive_avg_pool1d.
    Derived: derivations/adaptive_pooling.md#adaptive_avg_pool1d.
    """
    output, kept = _avg_forward("adaptive_avg_pool1d_forward", 1, input, output_size)
    return output, AdaptiveAvgPool1dCache(*kept)


def adaptive_avg_pool1d_backward(grad_output: ArrayLike, cache: AdaptiveAvgPool1dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i, r_o being the window's size."""
    op = "adaptive_avg_pool1d_backward"
    return _avg_backward(op, grad_output, _validate.is_cache(op, cache, AdaptiveAvgPool1dCache))


def adaptive_max_pool1d_forward(
    input: ArrayLike, output_size: Size, return_indices: bool = False
) -> tuple[Output, AdaptiveMaxPool1dCache]:
    """The largest entries of output_size windows laid evenly over one spatial axis.

    y_o = max of x_i over floor(o n / m) <= i < ceil((o + 1) n / m)

    Shapes: input (N, C, L) or (C, L), output (N, C, L') or (C, L');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's;
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape is not one
        of planes, or output_size is below 1 or of another length.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.adaptive_max_pool1d.
    Derived: derivations/adaptive_pooling.md#adaptive_max_pool1d.
    """
    output, kept = _max_forward("adaptive_max_pool1d_forward", 1, input, output_size, return_indices)
    return output, AdaptiveMaxPool1dCache(*kept)


def adaptive_max_pool1d_backward(grad_output: Any, cache: AdaptiveMaxPool1dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "adaptive_max_pool1d_backward"
    return _max_backward(op, 1, grad_output, _validate.is_cache(op, cache, AdaptiveMaxPool1dCache))


def adaptive_avg_pool2d_forward(input: ArrayLike, output_size: Size) -> tuple[Array, AdaptiveAvgPool2dCache]:
    """The means of output_size windows laid evenly over two spatial axes.

    y_o = mean of x_i over floor(o n / m) <= i < ceil((o + 1) n / m) on each axis

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's.
    Raises: TypeError where input is not floating or output_size no integer; ValueError where the shape is not one of
        planes, or output_size is below 1 or of another length.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.adaptive_avg_pool2d.
    Derived: derivations/adaptive_pooling.md#adaptive_avg_pool2d.
    """
    output, kept = _avg_forward("adaptive_avg_pool2d_forward", 2, input, output_size)
    return output, AdaptiveAvgPool2dCache(*kept)


def adaptive_avg_pool2d_backward(grad_output: ArrayLike, cache: AdaptiveAvgPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i, r_o being the window's size."""
    op = "adaptive_avg_pool2d_backward"
    return _avg_backward(op, grad_output, _validate.is_cache(op, cache, AdaptiveAvgPool2dCache))


def adaptive_max_pool2d_forward(
    input: ArrayLike, output_size: Size, return_indices: bool = False
) -> tuple[Output, AdaptiveMaxPool2dCache]:
    """The largest entries of output_size windows laid evenly over two spatial axes.

    y_o = max of x_i over floor(o n / m) <= i < ceil((o + 1) n / m) on each axis

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's;
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape is not one
        of planes, or output_size is below 1 or of another length.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.adaptive_max_pool2d.
    Derived: derivations/adaptive_pooling.md#adaptive_max_pool2d.
    """
    output, kept = _max_forward("adaptive_max_pool2d_forward", 2, input, output_size, return_indices)
    return output, AdaptiveMaxPool2dCache(*kept)


def adaptive_max_pool2d_backward(grad_output: Any, cache: AdaptiveMaxPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "adaptive_max_pool2d_backward"
    return _max_backward(op, 2, grad_output, _validate.is_cache(op, cache, AdaptiveMaxPool2dCache))


def adaptive_avg_pool3d_forward(input: ArrayLike, output_size: Size) -> tuple[Array, AdaptiveAvgPool3dCache]:
    """The means of output_size windows laid evenly over three spatial axes.

    y_o = mean of x_i over floor(o n / m) <= i < ceil((o + 1) n / m) on each axis

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's.
    Raises: TypeError where input is not floating or output_size no integer; ValueError where the shape is not one of
        planes, or output_size is below 1 or of another length.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.adaptive_avg_pool3d.
    Derived: derivations/adaptive_pooling.md#adaptive_avg_pool3d.
    """
    output, kept = _avg_forward("adaptive_avg_pool3d_forward", 3, input, output_size)
    return output, AdaptiveAvgPool3dCache(*kept)


def adaptive_avg_pool3d_backward(grad_output: ArrayLike, cache: AdaptiveAvgPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i, r_o being the window's size."""
    op = "adaptive_avg_pool3d_backward"
    return _avg_backward(op, grad_output, _validate.is_cache(op, cache, AdaptiveAvgPool3dCache))


def adaptive_max_pool3d_forward(
    input: ArrayLike, output_size: Size, return_indices: bool = False
) -> tuple[Output, AdaptiveMaxPool3dCache]:
    """The largest entries of output_size windows laid evenly over three spatial axes.

    y_o = max of x_i over floor(o n / m) <= i < ceil((o + 1) n / m) on each axis

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W');
        output_size holds the spatial extents, one integer for all or one for each axis, where None keeps the input's;
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape is not one
        of planes, or output_size is below 1 or of another length.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.adaptive_max_pool3d.
    Derived: derivations/adaptive_pooling.md#adaptive_max_pool3d.
    """
    output, kept = _max_forward("adaptive_max_pool3d_forward", 3, input, output_size, return_indices)
    return output, AdaptiveMaxPool3dCache(*kept)


def adaptive_max_pool3d_backward(grad_output: Any, cache: AdaptiveMaxPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "adaptive_max_pool3d_backward"
    return _max_backward(op, 3, grad_output, _validate.is_cache(op, cache, AdaptiveMaxPool3dCache))
