"""Unpooling: values put back where a maximum was found, and zeros elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._validate import Array, IntArray
from .._windows import Extents, per_axis
from ._pooling import planes, rows

__all__ = [
    "max_unpool1d_backward",
    "max_unpool1d_forward",
    "max_unpool2d_backward",
    "max_unpool2d_forward",
    "max_unpool3d_backward",
    "max_unpool3d_forward",
]

Size = int | Sequence[int]


class _MaxUnpoolCache(NamedTuple):
    indices: IntArray  # as input, flat in a plane of output
    output_size: Extents
    dtype: np.dtype[Any]  # of input


class MaxUnpool1dCache(_MaxUnpoolCache):
    pass


class MaxUnpool2dCache(_MaxUnpoolCache):
    pass


class MaxUnpool3dCache(_MaxUnpoolCache):
    pass


def _output_size(
    op: str, x: Array, axes: int, kernel_size: Size, stride: Size | None, padding: Size, output_size: Any
) -> Extents:
    """The extents that a pooling with these options may have had, by default the least that fill its windows."""
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    steps = kernel if stride is None else per_axis(op, "stride", stride, axes, 1)
    before = per_axis(op, "padding", padding, axes, 0)
    default = tuple((m - 1) * s + k - 2 * b for m, k, s, b in zip(x.shape[-axes:], kernel, steps, before, strict=True))
    sizes = default
    if output_size is not None:
        if isinstance(output_size, Sequence) and len(output_size) == axes + 2:
            output_size = output_size[2:]
        sizes = per_axis(op, "output_size", output_size, axes, 1)
    if any(abs(m - d) >= s for m, d, s in zip(sizes, default, steps, strict=True)):
        raise ValueError(f"{op}: output_size must be within less than stride = {steps} of {default}, got {sizes}")
    if min(sizes) < 1:
        raise ValueError(f"{op}: output_size must be at least 1, got {sizes}")
    return sizes


def _forward(
    op: str,
    axes: int,
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Any,
) -> tuple[Array, tuple[IntArray, Extents, np.dtype[Any]]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    index = _validate.integers(op, "indices", indices)
    _validate.has_shape(op, "indices", index, "of input", x.shape)
    sizes = _output_size(op, x, axes, kernel_size, stride, padding, output_size)
    plane = math.prod(sizes)
    outside = (index < 0) | (index >= plane)
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"{op}: indices must be from 0 to {plane - 1} in a plane of {sizes}, got {int(index[where])} at {where}"
        )
    y = np.zeros((len(rows(x, axes)), plane), dtype=x.dtype)
    # NumPy assigns in the order of memory: only in C order is the last of several the last in x.
    flat = np.ascontiguousarray(index).reshape(len(y), math.prod(x.shape[-axes:]))
    np.put_along_axis(y, flat, np.ascontiguousarray(x).reshape(flat.shape), axis=1)
    return y.reshape(x.shape[:-axes] + sizes), (index, sizes, x.dtype)


def _backward(op: str, grad_output: ArrayLike, cache: _MaxUnpoolCache) -> dict[str, Array]:
    index, sizes, dtype = cache
    axes = len(sizes)
    g = rows(_validate.output_gradient(op, grad_output, index.shape[:-axes] + sizes, dtype), axes)
    flat = index.reshape(len(g), math.prod(index.shape[-axes:]))
    grad_x = np.take_along_axis(g.reshape(len(g), math.prod(sizes)), flat, axis=1)
    return {"input": grad_x.reshape(index.shape)}


def max_unpool1d_forward(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> tuple[Array, MaxUnpool1dCache]:
    """The entries of input put where indices say, over one spatial axis, and zeros elsewhere.

    y_j = x_i where j = indices_i, the last such i if there are several; else 0

    Shapes: input (N, C, L) or (C, L), indices the same, each flat in a plane of output;
        output (N, C, L') or (C, L'), its extents being output_size or (m - 1) s + k - 2 p.
    Raises: TypeError where input is not floating or indices no integers; ValueError where a shape does not match, an
        index lies outside the plane, or output_size is below 1 or a stride or more from the default.
    Extremes: exact.
    Source: torch.nn.functional.max_unpool1d.
    Derived: derivations/unpooling.md#max_unpool1d.
    """
    op = "max_unpool1d_forward"
    output, kept = _forward(op, 1, input, indices, kernel_size, stride, padding, output_size)
    return output, MaxUnpool1dCache(*kept)


def max_unpool1d_backward(grad_output: ArrayLike, cache: MaxUnpool1dCache) -> dict[str, Array]:
    """grad_x_i = g_j with j = indices_i; as in PyTorch, also where another entry was put at j later."""
    op = "max_unpool1d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxUnpool1dCache))


def max_unpool2d_forward(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> tuple[Array, MaxUnpool2dCache]:
    """The entries of input put where indices say, over two spatial axes, and zeros elsewhere.

    y_j = x_i where j = indices_i, the last such i if there are several; else 0

    Shapes: input (N, C, H, W) or (C, H, W), indices the same, each flat in a plane of output;
        output (N, C, H', W') or (C, H', W'), its extents being output_size or (m - 1) s + k - 2 p.
    Raises: TypeError where input is not floating or indices no integers; ValueError where a shape does not match, an
        index lies outside the plane, or output_size is below 1 or a stride or more from the default.
    Extremes: exact.
    Source: torch.nn.functional.max_unpool2d.
    Derived: derivations/unpooling.md#max_unpool2d.
    """
    op = "max_unpool2d_forward"
    output, kept = _forward(op, 2, input, indices, kernel_size, stride, padding, output_size)
    return output, MaxUnpool2dCache(*kept)


def max_unpool2d_backward(grad_output: ArrayLike, cache: MaxUnpool2dCache) -> dict[str, Array]:
    """grad_x_i = g_j with j = indices_i; as in PyTorch, also where another entry was put at j later."""
    op = "max_unpool2d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxUnpool2dCache))


def max_unpool3d_forward(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> tuple[Array, MaxUnpool3dCache]:
    """The entries of input put where indices say, over three spatial axes, and zeros elsewhere.

    y_j = x_i where j = indices_i, the last such i if there are several; else 0

    Shapes: input (N, C, D, H, W) or (C, D, H, W), indices the same, each flat in a plane of output;
        output (N, C, D', H', W') or (C, D', H', W'), its extents being output_size or (m - 1) s + k - 2 p.
    Raises: TypeError where input is not floating or indices no integers; ValueError where a shape does not match, an
        index lies outside the plane, or output_size is below 1 or a stride or more from the default.
    Extremes: exact.
    Source: torch.nn.functional.max_unpool3d.
    Derived: derivations/unpooling.md#max_unpool3d.
    """
    op = "max_unpool3d_forward"
    output, kept = _forward(op, 3, input, indices, kernel_size, stride, padding, output_size)
    return output, MaxUnpool3dCache(*kept)


def max_unpool3d_backward(grad_output: ArrayLike, cache: MaxUnpool3dCache) -> dict[str, Array]:
    """grad_x_i = g_j with j = indices_i; as in PyTorch, also where another entry was put at j later."""
    op = "max_unpool3d_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, MaxUnpool3dCache))
