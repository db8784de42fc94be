"""Average pooling: the mean of each window, in one, two and three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._validate import Array, IntArray
from .._windows import Windows, padded, taps
from ._pooling import BLOCK, mean_of_sums, outer_product, planes, rows, starts, windows_of, working

__all__ = [
    "avg_pool1d_backward",
    "avg_pool1d_forward",
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "avg_pool3d_backward",
    "avg_pool3d_forward",
]

Size = int | Sequence[int]


class _AvgPoolCache(NamedTuple):
    windows: Windows
    divisor: Array  # windows.output, or () where divisor_override gives it
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input


class AvgPool1dCache(_AvgPoolCache):
    pass


class AvgPool2dCache(_AvgPoolCache):
    pass


class AvgPool3dCache(_AvgPoolCache):
    pass


def _one_axis(windows: Windows, axis: int) -> Windows:
    return Windows(*(field[axis : axis + 1] for field in windows))


def _window_sums(x: Array, windows: Windows) -> Array:
    """The sum of each window of x (rows, *spatial), one axis at a time: a box's sum is the sum of its rows' sums."""
    outer, inner = padded(windows)
    if outer.input != windows.input:
        around = np.zeros((len(x), *outer.input), dtype=x.dtype)
        around[inner] = x
        x = around
    for axis in range(len(windows.output)):
        along = np.moveaxis(x, axis + 1, -1)
        parts = [along[tap.input] for tap in taps(_one_axis(outer, axis))]
        y = parts[0] + parts[1] if len(parts) > 1 else parts[0].copy()
        for part in parts[2:]:
            y += part
        x = np.moveaxis(y, -1, axis + 1)
    return x


def _spread(g: Array, windows: Windows, grad_x: Array) -> None:
    """grad_x = each window's g added to all its entries: the transpose of _window_sums, its axes last to first."""
    outer, inner = padded(windows)
    whole = outer.input == windows.input
    for axis in reversed(range(len(windows.output))):
        shape = (*g.shape[: axis + 1], outer.input[axis], *g.shape[axis + 2 :])
        spread = grad_x if whole and axis == 0 else np.empty(shape, dtype=g.dtype)
        _spread_along(g, spread, axis + 1, _one_axis(outer, axis))
        g = spread
    if not whole:
        grad_x[...] = g[inner]


def _spread_along(g: Array, spread: Array, axis: int, windows: Windows) -> None:
    """spread = each window's g added to its entries along one axis."""
    source, target = np.moveaxis(g, axis, -1), np.moveaxis(spread, axis, -1)
    if windows.stride == windows.kernel and windows.input[0] == windows.kernel[0] * windows.output[0]:
        for tap in taps(windows):  # every entry lies in one window
            target[tap.input] = source
    else:
        spread.fill(0)
        for tap in taps(windows):
            target[tap.input] += source


def counts(windows: Windows, count_include_pad: bool) -> IntArray:
    """How many entries each window has, with the padding or without it, but without what runs over its end."""
    factors = []
    for start, k, n, b in zip(starts(windows), windows.kernel, windows.input, windows.before, strict=True):
        pad = b if count_include_pad else 0
        factors.append(np.minimum(start + k, n + pad) - np.maximum(start, -pad))
    return outer_product(factors)


def _forward(
    op: str,
    axes: int,
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None = None,
) -> tuple[Array, tuple[Any, ...]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    count_include_pad = _validate.boolean(op, "count_include_pad", count_include_pad)
    windows = windows_of(op, x, axes, kernel_size, stride, padding, 1, ceil_mode)
    divisor: Any
    if divisor_override is None:
        divisor = counts(windows, count_include_pad)
    else:
        divisor = np.array(_validate.integer(op, "divisor_override", divisor_override))
        if divisor == 0:
            raise ValueError(f"{op}: divisor_override must not be 0, got 0")
    divisor = divisor.astype(working(x.dtype))
    planes_of_x = rows(x, axes)
    y = np.empty((len(planes_of_x), *windows.output), dtype=x.dtype)
    for block in row_blocks(len(y), planes_of_x[:1].size, BLOCK):
        part = planes_of_x[block].astype(divisor.dtype, copy=False)
        mean_of_sums(lambda x: _window_sums(x, windows), part, divisor, math.prod(windows.kernel), y[block])
    return y.reshape(x.shape[:-axes] + windows.output), (windows, divisor, x.shape, x.dtype)


def _backward(op: str, grad_output: ArrayLike, cache: _AvgPoolCache) -> dict[str, Array]:
    windows, divisor, shape, dtype = cache
    axes = len(windows.input)
    g = rows(_validate.output_gradient(op, grad_output, shape[:-axes] + windows.output, divisor.dtype), axes)
    grad_x = np.empty((len(g), *windows.input), dtype=g.dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(len(g), grad_x[:1].size, BLOCK):
            _spread(g[block] / divisor, windows, grad_x[block])
    return {"input": grad_x.reshape(shape).astype(dtype, copy=False)}


def avg_pool1d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> tuple[Array, AvgPool1dCache]:
    """The mean of each window, over one spatial axis.

    y_o = (1 / r_o) sum over k of x_i, with i = s o + k - p; r_o counts the entries

    Shapes: input (N, C, L) or (C, L), output (N, C, L') or (C, L').
        r_o counts the padding as well unless count_include_pad is False, and never what runs over it.
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.avg_pool1d.
    Derived: derivations/average_pooling.md#avg_pool1d.
    """
    op = "avg_pool1d_forward"
    output, kept = _forward(op, 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)
    return output, AvgPool1dCache(*kept)


def avg_pool1d_backward(grad_output: ArrayLike, cache: AvgPool1dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i."""
    op = "avg_pool1d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, AvgPool1dCache))


def avg_pool2d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Array, AvgPool2dCache]:
    """The mean of each window, over two spatial axes.

    y_o = (1 / r_o) sum over k of x_i, with i = s o + k - p on each axis; r_o counts the entries

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').
        r_o counts the padding as well unless count_include_pad is False, and never what runs over it;
        divisor_override, where given, is r.
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.avg_pool2d.
    Derived: derivations/average_pooling.md#avg_pool2d.
    """
    op = "avg_pool2d_forward"
    output, kept = _forward(op, 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return output, AvgPool2dCache(*kept)


def avg_pool2d_backward(grad_output: ArrayLike, cache: AvgPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i."""
    op = "avg_pool2d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, AvgPool2dCache))


def avg_pool3d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> tuple[Array, AvgPool3dCache]:
    """The mean of each window, over three spatial axes.

    y_o = (1 / r_o) sum over k of x_i, with i = s o + k - p on each axis; r_o counts the entries

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').
        r_o counts the padding as well unless count_include_pad is False, and never what runs over it;
        divisor_override, where given, is r.
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit.
    Extremes: a mean that can be represented does not overflow, however large the sum.
    Source: torch.nn.functional.avg_pool3d.
    Derived: derivations/average_pooling.md#avg_pool3d.
    """
    op = "avg_pool3d_forward"
    output, kept = _forward(op, 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return output, AvgPool3dCache(*kept)


def avg_pool3d_backward(grad_output: ArrayLike, cache: AvgPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o / r_o over the windows o that hold entry i."""
    op = "avg_pool3d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, AvgPool3dCache))
