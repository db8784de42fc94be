"""The same entries in another order: joined, reshaped, transposed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import result_dtype, working_dtype
from .._validate import Array

__all__ = [
    "concatenate_backward",
    "concatenate_forward",
    "reshape_backward",
    "reshape_forward",
    "transpose_backward",
    "transpose_forward",
]


class ConcatenateCache(NamedTuple):
    tensors: tuple[Array, ...]  # (..., n_i, ...), of which only shapes and dtypes count
    axis: int
    as_list: bool


def concatenate_forward(tensors: Sequence[ArrayLike], dim: int = 0) -> tuple[Array, ConcatenateCache]:
    """Arrays put one after another along an axis.

    y = (x_1, x_2, ...) along the axis dim

    Shapes: tensors a list or tuple of arrays whose shapes differ along dim only; output has the sum of their extents
        there.
    Raises: TypeError where tensors is no list or tuple, or one of them is not floating; ValueError where there is none,
        one has no axis, shapes differ elsewhere, or dim is out of range.
    Extremes: exact.
    Source: torch.concatenate, which also skips empty vectors among arrays of more dimensions; they are refused here.
    Derived: derivations/shapes.md#concatenate.
    """
    op = "concatenate_forward"
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(f"{op}: tensors must be a list or tuple of arrays, got {type(tensors).__name__}")
    arrays = tuple(_validate.floating(op, f"tensors[{i}]", tensor) for i, tensor in enumerate(tensors))
    if not arrays:
        raise ValueError(f"{op}: tensors must hold at least one array, got none")
    for i, array in enumerate(arrays):
        _validate.at_least_dimensions(op, f"tensors[{i}]", array, 1)
    axis = _validate.axis(op, "dim", dim, arrays[0].ndim)
    for i, array in enumerate(arrays):
        if array.ndim != arrays[0].ndim or _without(array.shape, axis) != _without(arrays[0].shape, axis):
            raise ValueError(
                f"{op}: tensors must have one shape but for axis {axis}, "
                f"got {arrays[0].shape} for tensors[0] and {array.shape} for tensors[{i}]"
            )
    output = np.concatenate(arrays, axis=axis, dtype=result_dtype(*arrays))
    return output, ConcatenateCache(arrays, axis, isinstance(tensors, list))


def concatenate_backward(grad_output: ArrayLike, cache: ConcatenateCache) -> dict[str, Any]:
    """grad_x_i is the part of g where x_i stands; a list or tuple as tensors was."""
    op = "concatenate_backward"
    cache = _validate.is_cache(op, cache, ConcatenateCache)
    axis, extents = cache.axis, [array.shape[cache.axis] for array in cache.tensors]
    first = cache.tensors[0].shape
    shape = (*first[:axis], sum(extents), *first[axis + 1 :])
    g = _validate.output_gradient(op, grad_output, shape, working_dtype(*cache.tensors))
    parts = np.split(g, np.cumsum(extents)[:-1], axis=axis)
    grads = [part.astype(array.dtype) for part, array in zip(parts, cache.tensors, strict=True)]
    return {"tensors": grads if cache.as_list else tuple(grads)}


class ReshapeCache(NamedTuple):
    input: Array  # any shape; only shape and dtype count
    shape: tuple[int, ...]


def reshape_forward(input: ArrayLike, shape: Sequence[int]) -> tuple[Array, ReshapeCache]:
    """The same entries, in the same order, in another shape.

    y_flat = x_flat, where flat counts along the last axis first

    Shapes: input any; output shape, in which one extent may be -1: what the number of entries leaves.
    Raises: TypeError where input is not floating or shape no sequence of integers; ValueError where shape does not
        hold as many entries as input.
    Extremes: exact.
    Source: torch.reshape. The output is a new array, never a view.
    Derived: derivations/shapes.md#reshape.
    """
    op = "reshape_forward"
    x = _validate.floating(op, "input", input)
    new = _check_new_shape(op, x, shape)
    return x.reshape(new).copy(), ReshapeCache(x, new)


def reshape_backward(grad_output: ArrayLike, cache: ReshapeCache) -> dict[str, Array]:
    """grad_x is g in the shape of x."""
    op = "reshape_backward"
    cache = _validate.is_cache(op, cache, ReshapeCache)
    g = _validate.output_gradient(op, grad_output, cache.shape, working_dtype(cache.input))
    return {"input": g.reshape(cache.input.shape).astype(cache.input.dtype)}


class TransposeCache(NamedTuple):
    input: Array  # any shape; only shape and dtype count
    axis0: int
    axis1: int


def transpose_forward(input: ArrayLike, dim0: int, dim1: int) -> tuple[Array, TransposeCache]:
    """Two axes exchanged.

    y_..i..j.. = x_..j..i..

    Shapes: input any; output with the extents of dim0 and dim1 exchanged.
    Raises: TypeError where input is not floating or an axis no integer; ValueError where an axis is out of range.
    Extremes: exact.
    Source: torch.transpose. The output is a new array, never a view.
    Derived: derivations/shapes.md#transpose.
    """
    op = "transpose_forward"
    x = _validate.floating(op, "input", input)
    cache = TransposeCache(x, _validate.axis(op, "dim0", dim0, x.ndim), _validate.axis(op, "dim1", dim1, x.ndim))
    return _exchanged(x, cache).copy(), cache


def transpose_backward(grad_output: ArrayLike, cache: TransposeCache) -> dict[str, Array]:
    """grad_x is g with the same axes exchanged back."""
    op = "transpose_backward"
    cache = _validate.is_cache(op, cache, TransposeCache)
    g = _validate.output_gradient(op, grad_output, _exchanged(cache.input, cache).shape, working_dtype(cache.input))
    return {"input": _exchanged(g, cache).astype(cache.input.dtype)}


def _exchanged(x: Array, cache: TransposeCache) -> Array:
    return np.swapaxes(x, cache.axis0, cache.axis1) if x.ndim else x


def _check_new_shape(op: str, x: Array, shape: Any) -> tuple[int, ...]:
    """The shape with its -1 worked out."""
    if not isinstance(shape, (tuple, list)):
        raise TypeError(f"{op}: shape must be a tuple of integers, got {shape!r}")
    extents = [_validate.integer(op, "shape", extent) for extent in shape]
    known = math.prod(extent for extent in extents if extent != -1)
    if min(extents, default=0) < -1 or extents.count(-1) > 1:
        raise ValueError(f"{op}: shape must hold extents of at least 0 and at most one -1, got {tuple(extents)}")
    if -1 in extents and known and x.size % known == 0:
        extents[extents.index(-1)] = x.size // known
    if -1 in extents or math.prod(extents) != x.size:
        raise ValueError(f"{op}: shape must hold the {x.size} entries of input {x.shape}, got {tuple(extents)}")
    return tuple(extents)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
