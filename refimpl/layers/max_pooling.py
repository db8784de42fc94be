"""Max pooling: the largest entry of each window, in one, two and three spatial axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._validate import Array, IntArray
from .._windows import Tap, Windows, padded, reach, taps
from ._pooling import BLOCK, flat_positions, output_gradient, planes, rows, starts, windows_of, working

__all__ = [
    "max_pool1d_backward",
    "max_pool1d_forward",
    "max_pool2d_backward",
    "max_pool2d_forward",
    "max_pool3d_backward",
    "max_pool3d_forward",
]


Size = int | Sequence[int]
Output = Array | tuple[Array, IntArray]


class _MaxPoolCache(NamedTuple):
    winner: IntArray  # (rows, *windows.output), which position of the kernel holds the maximum
    windows: Windows
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    return_indices: bool


class MaxPool1dCache(_MaxPoolCache):
    pass


class MaxPool2dCache(_MaxPoolCache):
    pass


class MaxPool3dCache(_MaxPoolCache):
    pass


def _first_positions(op: str, windows: Windows) -> IntArray:
    """For each window the first position of the kernel that meets input and not padding."""
    positions = taps(windows)
    count = len(positions)
    first = np.full(windows.output, count, dtype=np.min_scalar_type(count))
    for q in reversed(range(count)):
        first[positions[q].output] = q
    if count in first:
        where = tuple(int(i) for i in np.argwhere(first == count)[0])
        raise ValueError(f"{op}: every window must hold an entry of input, got none at output {where}")
    return first


def running_maximum(op: str, x: Array, windows: Windows) -> tuple[Array, IntArray]:
    """The maximum of each window of x (rows, *spatial), and which position of the kernel it was found at.

    Of equal entries the first is taken, of several NaN the last.
    """
    first, (outer, inner) = _first_positions(op, windows), padded(windows)
    y = np.empty((len(x), *windows.output), dtype=x.dtype)
    winner = np.empty(y.shape, dtype=first.dtype)
    for block in row_blocks(len(x), math.prod(outer.input), BLOCK):
        around = x[block]
        if outer.input != windows.input:
            around = np.full((len(around), *outer.input), -np.inf, dtype=x.dtype)
            around[inner] = x[block]
        _fill_maximum(around, taps(outer), first, y[block], winner[block])
    return y, winner


def _fill_maximum(x: Array, positions: Sequence[Tap], first: IntArray, best: Array, winner: IntArray) -> None:
    """Fills best and winner, which hold one entry per window of x, with the maximum and its position."""
    value, better, latest = np.empty_like(best), np.empty(best.shape, dtype=np.bool_), np.empty_like(winner)
    padded_windows = bool(first.any())
    np.copyto(best, -np.inf if padded_windows else x[positions[0].input])
    winner[...] = first
    with np.errstate(invalid="ignore"):
        for q in range(0 if padded_windows else 1, len(positions)):
            np.copyto(value, x[positions[q].input])  # in one piece, for the two lines that read it
            np.greater(value, best, out=better)
            np.maximum(best, value, out=best)
            # The positions come in order, so that the latest is the largest.
            np.maximum(winner, np.multiply(better, winner.dtype.type(q), out=latest), out=winner)
        if np.isnan(best).any():  # a comparison with NaN is never true: such windows kept an earlier position
            for q, tap in enumerate(positions):
                np.maximum(winner, np.isnan(x[tap.input]) * winner.dtype.type(q), out=winner)


def to_winners(g: Array, winner: IntArray, windows: Windows) -> Array:
    """Each window's g added to the entry that won it: the transpose of picking the maxima."""
    outer, inner = padded(windows)
    grad_x = np.zeros((len(g), *windows.input), dtype=g.dtype)
    for block in row_blocks(len(g), math.prod(outer.input), BLOCK):
        if outer.input == windows.input:
            _add_to_winners(g[block], winner[block], outer, grad_x[block])
        else:
            around = np.zeros((len(g[block]), *outer.input), dtype=g.dtype)
            _add_to_winners(g[block], winner[block], outer, around)
            grad_x[block] = around[inner]
    return grad_x


def _add_to_winners(g: Array, winner: IntArray, windows: Windows, grad_x: Array) -> None:
    """Adds g to grad_x, which is 0 yet, where its window's winner lies."""
    apart = all(s >= c for s, c in zip(windows.stride, reach(windows.kernel, windows.dilation), strict=True))
    finite = bool(np.isfinite(g).all())
    won, part = np.empty(g.shape, dtype=np.bool_), np.empty_like(g)
    with np.errstate(all="ignore"):
        for q, tap in enumerate(taps(windows)):
            target = grad_x[tap.input] if apart else part
            np.multiply(g, np.equal(winner, q, out=won), out=target)  # faster than to choose
            if not finite:  # infinity times 0 is NaN
                target[~won] = 0
            if not apart:
                grad_x[tap.input] += part


def _forward(
    op: str,
    axes: int,
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
) -> tuple[Any, tuple[Any, ...]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    return_indices = _validate.boolean(op, "return_indices", return_indices)
    windows = windows_of(op, x, axes, kernel_size, stride, padding, dilation, ceil_mode)
    y, winner = running_maximum(op, rows(x, axes), windows)
    shape = x.shape[:-axes] + windows.output
    kept = (winner, windows, x.shape, x.dtype, return_indices)
    if not return_indices:
        return y.reshape(shape), kept
    within = [np.arange(k) * d for k, d in zip(windows.kernel, windows.dilation, strict=True)]
    offset = flat_positions(within, windows.input).reshape(-1)
    indices = flat_positions(starts(windows), windows.input) + offset[winner]
    return (y.reshape(shape), indices.reshape(shape)), kept


def _backward(op: str, grad_output: Any, cache: _MaxPoolCache) -> dict[str, Array]:
    winner, windows, shape, dtype, with_indices = cache
    axes = len(windows.input)
    g = output_gradient(op, grad_output, shape[:-axes] + windows.output, working(dtype), with_indices)
    grad_x = to_winners(rows(g, axes), winner, windows)
    return {"input": grad_x.reshape(shape).astype(dtype, copy=False)}


def max_pool1d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Output, MaxPool1dCache]:
    """The largest entry of each window, over one spatial axis.

    y_o = max over k of x_i, with i = s o + d k - p

    Shapes: input (N, C, L) or (C, L), output (N, C, L') or (C, L');
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit, an empty window.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.max_pool1d.
    Derived: derivations/max_pooling.md#max_pool1d.
    """
    op = "max_pool1d_forward"
    output, kept = _forward(op, 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return output, MaxPool1dCache(*kept)


def max_pool1d_backward(grad_output: Any, cache: MaxPool1dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "max_pool1d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxPool1dCache))


def max_pool2d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Output, MaxPool2dCache]:
    """The largest entry of each window, over two spatial axes.

    y_o = max over k of x_i, with i = s o + d k - p on each axis

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W');
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit, an empty window.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.max_pool2d.
    Derived: derivations/max_pooling.md#max_pool2d.
    """
    op = "max_pool2d_forward"
    output, kept = _forward(op, 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return output, MaxPool2dCache(*kept)


def max_pool2d_backward(grad_output: Any, cache: MaxPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "max_pool2d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxPool2dCache))


def max_pool3d_forward(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Output, MaxPool3dCache]:
    """The largest entry of each window, over three spatial axes.

    y_o = max over k of x_i, with i = s o + d k - p on each axis

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W');
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where the shape or the
        geometry is not one of a pooling: padding above half the kernel, a kernel that does not fit, an empty window.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.max_pool3d.
    Derived: derivations/max_pooling.md#max_pool3d.
    """
    op = "max_pool3d_forward"
    output, kept = _forward(op, 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)
    return output, MaxPool3dCache(*kept)


def max_pool3d_backward(grad_output: Any, cache: MaxPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "max_pool3d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxPool3dCache))
