"""Elementary maps: sums and products of entries, with their broadcasts, and sums over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working, working_dtype
from .._reduction import unbroadcast
from .._validate import Array

__all__ = [
    "add_backward",
    "add_forward",
    "mean_backward",
    "mean_forward",
    "multiply_backward",
    "multiply_forward",
    "sum_backward",
    "sum_forward",
]


class AddCache(NamedTuple):
    input: Array  # any shape; of both arrays only shape and dtype count
    other: Array  # any shape that broadcasts with it
    alpha: float


def add_forward(input: ArrayLike, other: ArrayLike, *, alpha: float = 1) -> tuple[Array, AddCache]:
    """The sum of two arrays, the second one scaled.

    y = x + alpha z, with x and z broadcast to one shape

    Shapes: input and other any that broadcast; output what they broadcast to.
    Raises: TypeError where an array is not floating or alpha no number; ValueError where the shapes do not broadcast.
    Extremes: one rounding for the product, one for the sum.
    Source: torch.add.
    Derived: derivations/elementary.md#add.
    """
    op = "add_forward"
    input, other = _pair(op, input, other)
    alpha = _validate.number(op, "alpha", alpha)
    x, z = working(input, other)
    with np.errstate(all="ignore"):
        return answer(x + x.dtype.type(alpha) * z, input, other), AddCache(input, other, alpha)


def add_backward(grad_output: ArrayLike, cache: AddCache) -> dict[str, Array]:
    """grad_x = g and grad_z = alpha g, each summed over the axes along which it was broadcast."""
    op = "add_backward"
    cache = _validate.is_cache(op, cache, AddCache)
    x, z, g = _pair_gradient(op, grad_output, cache.input, cache.other)
    with np.errstate(all="ignore"):
        return {
            "input": gradient(unbroadcast(g.copy(), x.shape), cache.input),
            "other": gradient(g.dtype.type(cache.alpha) * unbroadcast(g, z.shape), cache.other),
        }


class MultiplyCache(NamedTuple):
    input: Array  # any shape
    other: Array  # any shape that broadcasts with it


def multiply_forward(input: ArrayLike, other: ArrayLike) -> tuple[Array, MultiplyCache]:
    """The product of two arrays, entry by entry.

    y = x z, with x and z broadcast to one shape

    Shapes: input and other any that broadcast; output what they broadcast to.
    Raises: TypeError where an array is not floating; ValueError where the shapes do not broadcast.
    Extremes: one rounding.
    Source: torch.multiply.
    Derived: derivations/elementary.md#multiply.
    """
    op = "multiply_forward"
    input, other = _pair(op, input, other)
    x, z = working(input, other)
    with np.errstate(all="ignore"):
        return answer(x * z, input, other), MultiplyCache(input, other)


def multiply_backward(grad_output: ArrayLike, cache: MultiplyCache) -> dict[str, Array]:
    """grad_x = g z and grad_z = g x, each summed over the axes along which it was broadcast."""
    op = "multiply_backward"
    cache = _validate.is_cache(op, cache, MultiplyCache)
    x, z, g = _pair_gradient(op, grad_output, cache.input, cache.other)
    with np.errstate(all="ignore"):
        return {
            "input": gradient(unbroadcast(g * z, x.shape), cache.input),
            "other": gradient(unbroadcast(g * x, z.shape), cache.other),
        }


class SumCache(NamedTuple):
    input: Array  # any shape; only shape and dtype count
    axes: tuple[int, ...]
    keepdim: bool


def sum_forward(
    input: ArrayLike, dim: int | Sequence[int] | None = None, keepdim: bool = False
) -> tuple[Array, SumCache]:
    """The sum over some axes, or over all.

    y = sum of x over the axes dim

    Shapes: input any; output without the axes dim (None or none: all), or with extent 1 there if keepdim.
    Raises: TypeError where input is not floating, dim no integers or keepdim no boolean; ValueError where an axis is
        out of range or named twice.
    Extremes: added in pairs of pairs, whatever the axis; no overflow unless of the sum itself. The sum of nothing is 0.
    Source: torch.sum.
    Derived: derivations/elementary.md#sum.
    """
    op = "sum_forward"
    x = _validate.floating(op, "input", input)
    cache = SumCache(x, *_check_axes(op, x, dim, keepdim))
    return _totals(x, cache.axes, cache.keepdim, 1), cache


def sum_backward(grad_output: ArrayLike, cache: SumCache) -> dict[str, Array]:
    """grad_x = g, repeated along the axes that were summed."""
    op = "sum_backward"
    cache = _validate.is_cache(op, cache, SumCache)
    return _repeated(op, grad_output, cache, 1)


class MeanCache(NamedTuple):
    input: Array  # any shape; only shape and dtype count
    axes: tuple[int, ...]
    keepdim: bool


def mean_forward(
    input: ArrayLike, dim: int | Sequence[int] | None = None, keepdim: bool = False
) -> tuple[Array, MeanCache]:
    """The mean over some axes, or over all.

    y = (sum of x over the axes dim) / n, with n the product of their extents

    Shapes: input any; output without the axes dim (None or none: all), or with extent 1 there if keepdim.
    Raises: TypeError where input is not floating, dim no integers or keepdim no boolean; ValueError where an axis is
        out of range or named twice.
    Extremes: as sum, and no overflow where only the sum would; the mean of nothing is NaN.
    Source: torch.mean.
    Derived: derivations/elementary.md#mean.
    """
    op = "mean_forward"
    x = _validate.floating(op, "input", input)
    cache = MeanCache(x, *_check_axes(op, x, dim, keepdim))
    return _totals(x, cache.axes, cache.keepdim, _count(x, cache.axes)), cache


def mean_backward(grad_output: ArrayLike, cache: MeanCache) -> dict[str, Array]:
    """grad_x = g / n, repeated along the axes that were averaged."""
    op = "mean_backward"
    cache = _validate.is_cache(op, cache, MeanCache)
    return _repeated(op, grad_output, cache, _count(cache.input, cache.axes))


def _totals(x: Array, axes: tuple[int, ...], keepdim: bool, divisor: int) -> Array:
    """The sums over the axes, over the divisor, in x's dtype."""
    (x_working,) = working(x)
    number = x_working.dtype.type
    with np.errstate(all="ignore"):
        total = _sum(x_working, axes) / number(divisor)
        if not np.isfinite(total).all():  # on the way a sum may overflow that in the end does not
            room = number(2.0 ** _count(x, axes).bit_length())
            total = np.where(np.isfinite(total), total, _sum(x_working / room, axes) / (number(divisor) / room))
    return np.asarray(total, dtype=x.dtype).reshape(_reduced_shape(x, axes, keepdim))


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    """The sums over the axes, which are kept with extent 1.

    Halves are added until one entry is left: an entry then goes through log2(n) roundings, not n. NumPy does likewise,
    but only along an axis whose entries lie next to each other in memory.
    """
    for axis in axes:
        if x.strides[axis] == x.itemsize:
            x = x.sum(axis=axis, keepdims=True)
            continue
        x = np.moveaxis(x, axis, 0)
        while len(x) > 1:
            half = len(x) // 2
            halves = x[:half] + x[half : 2 * half]
            if len(x) % 2:
                halves[0] += x[-1]
            x = halves
        x = np.moveaxis(x if len(x) else np.zeros((1, *x.shape[1:]), x.dtype), 0, axis)
    return x


def _repeated(op: str, grad_output: ArrayLike, cache: SumCache | MeanCache, divisor: int) -> dict[str, Array]:
    x = cache.input
    g = _validate.output_gradient(op, grad_output, _reduced_shape(x, cache.axes, cache.keepdim), working_dtype(x))
    with np.errstate(all="ignore"):
        g = (g / g.dtype.type(divisor)).reshape(_reduced_shape(x, cache.axes, True))
    return {"input": np.broadcast_to(g, x.shape).astype(x.dtype)}


def _reduced_shape(x: Array, axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    return tuple(1 if axis in axes else extent for axis, extent in enumerate(x.shape) if keepdim or axis not in axes)


def _count(x: Array, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[axis] for axis in axes)


def _check_axes(op: str, x: Array, dim: Any, keepdim: Any) -> tuple[tuple[int, ...], bool]:
    """The axes to reduce, counted from 0, and keepdim."""
    keepdim = _validate.boolean(op, "keepdim", keepdim)
    dims = [] if dim is None else list(dim) if isinstance(dim, (tuple, list)) else [dim]
    axes = [_validate.axis(op, "dim", d, x.ndim) for d in dims]
    if len(set(axes)) < len(axes):
        raise ValueError(f"{op}: dim must name each axis once, got {dim!r} for {x.ndim} dimensions")
    return (tuple(range(x.ndim)) if not axes or not x.ndim else tuple(sorted(axes))), keepdim


def _pair(op: str, input: ArrayLike, other: ArrayLike) -> tuple[Array, Array]:
    x = _validate.floating(op, "input", input)
    z = _validate.floating(op, "other", other)
    _validate.broadcast_shape(op, "input and other", x.shape, z.shape)
    return x, z


def _pair_gradient(op: str, grad_output: ArrayLike, input: Array, other: Array) -> tuple[Array, Array, Array]:
    x, z = working(input, other)
    return x, z, _validate.output_gradient(op, grad_output, np.broadcast_shapes(x.shape, z.shape), x.dtype)
