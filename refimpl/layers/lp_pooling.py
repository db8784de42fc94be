"""Power-average pooling: the p-norm of each window, in one, two and three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._validate import Array
from .._windows import Tap, Windows, taps
from ._pooling import planes, rows, windows_of, working
from .average_pooling import counts
from .max_pooling import running_maximum, to_winners

__all__ = [
    "lp_pool1d_backward",
    "lp_pool1d_forward",
    "lp_pool2d_backward",
    "lp_pool2d_forward",
    "lp_pool3d_backward",
    "lp_pool3d_forward",
]

Size = int | Sequence[int]


class _LpPoolCache(NamedTuple):
    input: Array
    windows: Windows
    norm_type: float


class LpPool1dCache(_LpPoolCache):
    pass


class LpPool2dCache(_LpPoolCache):
    pass


class LpPool3dCache(_LpPoolCache):
    pass


class _Powers(NamedTuple):
    """The windows' sums of powers in units in which none leaves the range: y = scale * total^(1/p)."""

    scale: Array  # (rows, *windows.output), 1 where a window holds nothing but 0 or an infinity
    total: Array  # (rows, *windows.output), c sum of (x / scale)^p
    share: Array  # windows.output, c = the kernel's size over the window's


def _extreme(x: Array, positions: Sequence[Tap], shape: tuple[int, ...], largest: bool) -> Array:
    """The largest magnitude of each window, or the smallest."""
    choose, start = (np.maximum, 0.0) if largest else (np.minimum, np.inf)
    extreme = np.full(shape, start, dtype=x.dtype)
    for tap in positions:
        choose(extreme[tap.output], np.abs(x[tap.input]), out=extreme[tap.output])
    return extreme


def _powers(x: Array, windows: Windows, p: float) -> _Powers:
    positions, shape = taps(windows), (len(x), *windows.output)
    # The entry that dominates the sum is brought near 1: the largest for a positive power, the smallest for a negative.
    scale = _extreme(x, positions, shape, largest=p > 0)
    scale[~((scale > 0) & np.isfinite(scale))] = 1
    if abs(p) <= 64:
        # A power of two divides exactly, and up to this p its distance from the extreme does not matter.
        scale = np.ldexp(np.ones_like(scale), np.frexp(scale)[1] - 1)
    total = np.zeros(shape, dtype=x.dtype)
    for tap in positions:
        total[tap.output] += (x[tap.input] / scale[tap.output]) ** p
    share = (math.prod(windows.kernel) / counts(windows, count_include_pad=True)).astype(x.dtype)
    return _Powers(scale, total * share, share)


def _forward(
    op: str, axes: int, input: ArrayLike, norm_type: float, kernel_size: Size, stride: Size | None, ceil_mode: bool
) -> tuple[Array, tuple[Array, Windows, float]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    p = _validate.number(op, "norm_type", norm_type)
    if p == 0:
        raise ValueError(f"{op}: norm_type must not be 0, got 0")
    windows = windows_of(op, x, axes, kernel_size, stride, ceil_mode=ceil_mode)
    planes_of_x = rows(x, axes)
    y = np.empty((len(planes_of_x), *windows.output), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(len(y), planes_of_x[:1].size):
            part = planes_of_x[block].astype(working(x.dtype), copy=False)
            if math.isinf(p):
                y[block] = _extreme(part, taps(windows), y[block].shape, largest=p > 0)
            else:
                powers = _powers(part, windows, p)
                y[block] = powers.scale * powers.total ** (1 / p)
    return y.reshape(x.shape[:-axes] + windows.output), (x, windows, p)


def _backward(op: str, grad_output: ArrayLike, cache: _LpPoolCache) -> dict[str, Array]:
    input, windows, p = cache
    axes = len(windows.input)
    x = rows(input, axes)
    shape = input.shape[:-axes] + windows.output
    g = rows(_validate.output_gradient(op, grad_output, shape, working(input.dtype)), axes)
    grad_x = np.empty(x.shape, dtype=input.dtype)
    vjp = _extreme_vjp if math.isinf(p) else _norm_vjp
    with np.errstate(all="ignore"):
        for block in row_blocks(len(x), x[:1].size):
            grad_x[block] = vjp(op, g[block], x[block].astype(g.dtype, copy=False), windows, p)
    return {"input": grad_x.reshape(input.shape)}


def _norm_vjp(op: str, g: Array, x: Array, windows: Windows, p: float) -> Array:
    # (x / y)^(p-1) = (x / scale)^(p-1) relative / total: no rounded norm is raised to a power
    scale, total, share = _powers(x, windows, p)
    relative = total ** (1 / p)
    factor = np.where(np.isinf(total), total ** ((1 - p) / p), relative / total)
    weight = np.where(total == 0, 0, g * share * factor)  # 0: PyTorch's choice where the powers sum to 0
    grad_x = np.zeros(x.shape, dtype=x.dtype)
    for tap in taps(windows):
        slope = (x[tap.input] / scale[tap.output]) ** (p - 1)
        grad_x[tap.input] += np.where(total[tap.output] == 0, 0, weight[tap.output] * slope)
    return grad_x


def _extreme_vjp(op: str, g: Array, x: Array, windows: Windows, p: float) -> Array:
    magnitude = np.abs(x) if p > 0 else -np.abs(x)
    _, winner = running_maximum(op, magnitude, windows)
    return np.sign(x) * to_winners(g, winner, windows)


def lp_pool1d_forward(
    input: ArrayLike, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> tuple[Array, LpPool1dCache]:
    """The p-norm of each window, over one spatial axis.

    y_o = (c_o sum over k of x_i^p)^(1/p), with i = s o + k and p = norm_type; c_o = 1, or the kernel's
    size over the window's where it runs over the end; max or min of |x_i| for p = inf or -inf

    Shapes: input (N, C, L) or (C, L), output (N, C, L') or (C, L').
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where norm_type is 0 or
        NaN, the shape is not one of planes, or the kernel does not fit.
    Extremes: no power overflows or underflows on the way. There are no absolute values in it: NaN where x_i < 0 and p
        is no integer, or where p is odd and the sum below 0.
    Source: torch.nn.functional.lp_pool1d.
    Derived: derivations/lp_pooling.md#lp_pool1d.
    """
    op = "lp_pool1d_forward"
    output, kept = _forward(op, 1, input, norm_type, kernel_size, stride, ceil_mode)
    return output, LpPool1dCache(*kept)


def lp_pool1d_backward(grad_output: ArrayLike, cache: LpPool1dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o c_o (x_i / y_o)^(p-1) over the windows o that hold entry i; 0 where the powers sum to 0.

    For p = inf or -inf, sign(x_i) times the sum of g_o over the windows that |x_i| is the first extreme of.
    """
    op = "lp_pool1d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, LpPool1dCache))


def lp_pool2d_forward(
    input: ArrayLike, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> tuple[Array, LpPool2dCache]:
    """The p-norm of each window, over two spatial axes.

    y_o = (c_o sum over k of x_i^p)^(1/p), with i = s o + k on each axis and p = norm_type; c_o = 1, or the kernel's
    size over the window's where it runs over the end; max or min of |x_i| for p = inf or -inf

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W').
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where norm_type is 0 or
        NaN, the shape is not one of planes, or the kernel does not fit.
    Extremes: no power overflows or underflows on the way. There are no absolute values in it: NaN where x_i < 0 and p
        is no integer, or where p is odd and the sum below 0.
    Source: torch.nn.functional.lp_pool2d.
    Derived: derivations/lp_pooling.md#lp_pool2d.
    """
    op = "lp_pool2d_forward"
    output, kept = _forward(op, 2, input, norm_type, kernel_size, stride, ceil_mode)
    return output, LpPool2dCache(*kept)


def lp_pool2d_backward(grad_output: ArrayLike, cache: LpPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o c_o (x_i / y_o)^(p-1) over the windows o that hold entry i; 0 where the powers sum to 0.

    For p = inf or -inf, sign(x_i) times the sum of g_o over the windows that |x_i| is the first extreme of.
    """
    op = "lp_pool2d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, LpPool2dCache))


def lp_pool3d_forward(
    input: ArrayLike, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> tuple[Array, LpPool3dCache]:
    """The p-norm of each window, over three spatial axes.

    y_o = (c_o sum over k of x_i^p)^(1/p), with i = s o + k on each axis and p = norm_type; c_o = 1, or the kernel's
    size over the window's where it runs over the end; max or min of |x_i| for p = inf or -inf

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W').
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where norm_type is 0 or
        NaN, the shape is not one of planes, or the kernel does not fit.
    Extremes: no power overflows or underflows on the way. There are no absolute values in it: NaN where x_i < 0 and p
        is no integer, or where p is odd and the sum below 0.
    Source: torch.nn.functional.lp_pool3d.
    Derived: derivations/lp_pooling.md#lp_pool3d.
    """
    op = "lp_pool3d_forward"
    output, kept = _forward(op, 3, input, norm_type, kernel_size, stride, ceil_mode)
    return output, LpPool3dCache(*kept)


def lp_pool3d_backward(grad_output: ArrayLike, cache: LpPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o c_o (x_i / y_o)^(p-1) over the windows o that hold entry i; 0 where the powers sum to 0.

    For p = inf or -inf, sign(x_i) times the sum of g_o over the windows that |x_i| is the first extreme of.
    """
    op = "lp_pool3d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, LpPool3dCache))
