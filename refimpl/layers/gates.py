"""Gates: one array opens and shuts another; and maxout, where the largest of several passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._precision import result_dtype, working_dtype
from .._validate import Array, IntArray
from .self_gated import GELU_VALUE, GELU_VJP, silu_value, silu_vjp, times_sigmoid

__all__ = [
    "geglu_backward",
    "geglu_forward",
    "glu_backward",
    "glu_forward",
    "maxout_backward",
    "maxout_forward",
    "swiglu_backward",
    "swiglu_forward",
]


class GluCache(NamedTuple):
    input: Array  # (..., 2 n, ...)
    axis: int


def glu_forward(input: ArrayLike, dim: int = -1) -> tuple[Array, GluCache]:
    """The gated linear unit: the first half of an axis, gated by the second.

    y = a sigmoid(b), where the input is a followed by b along the axis

    Shapes: input (..., 2 n, ...), output (..., n, ...); dim names the axis.
    Raises: TypeError where input is not floating; ValueError where dim is out of range or the axis of odd length.
    Extremes: full relative precision where the gate is nearly shut, down to the subnormal numbers.
    Source: torch.nn.functional.glu; Dauphin and others, Language Modeling with Gated Convolutional Networks (2017).
    Derived: derivations/gates.md#glu.
    """
    op = "glu_forward"
    x = _validate.floating(op, "input", input)
    _validate.at_least_dimensions(op, "input", x, 1)
    axis = _validate.axis(op, "dim", dim, x.ndim)
    if x.shape[axis] % 2:
        raise ValueError(f"{op}: input must have an even length along dim = {dim}, got shape {x.shape}")
    a, b = np.split(x, 2, axis=axis)
    return elementwise(times_sigmoid, a, b, dtype=x.dtype), GluCache(x, axis)


def glu_backward(grad_output: ArrayLike, cache: GluCache) -> dict[str, Array]:
    """grad_a = g sigmoid(b), grad_b = g a sigmoid(b) sigmoid(-b)."""

    def gate(g: Any, a: Any, b: Any) -> Any:
        t = np.exp(-np.abs(b) / 2)
        u = 1 / (1 + t * t)
        return ((g * t) * (a * t)) * u * u

    op = "glu_backward"
    x, axis = _validate.is_cache(op, cache, GluCache)
    a, b = np.split(x, 2, axis=axis)
    g = _validate.output_gradient(op, grad_output, a.shape, working_dtype(x))
    grad_a = elementwise(times_sigmoid, g, b, dtype=x.dtype)
    return {"input": np.concatenate([grad_a, elementwise(gate, g, a, b, dtype=x.dtype)], axis=axis)}


class SwigluCache(NamedTuple):
    a: Array  # any shape
    b: Array  # the same


def swiglu_forward(a: ArrayLike, b: ArrayLike) -> tuple[Array, SwigluCache]:
    """The gated unit whose gate is silu.

    y = silu(a) b

    Shapes: a any, b and output the same.
    Raises: TypeError where an array is not floating; ValueError where the shapes differ.
    Extremes: full relative precision where the gate is nearly shut.
    Source: Shazeer, GLU Variants Improve Transformer (2020), after its two linear maps; the arguments are those of
        Liger's kernel.
    Derived: derivations/gates.md#swiglu.
    """
    a, b = _two("swiglu_forward", a, b)
    return _gated_forward(a, b, silu_value), SwigluCache(a, b)


def swiglu_backward(grad_output: ArrayLike, cache: SwigluCache) -> dict[str, Array]:
    """grad_a = g b silu'(a), grad_b = g silu(a)."""
    op = "swiglu_backward"
    cache = _validate.is_cache(op, cache, SwigluCache)
    return _gated_backward(op, grad_output, cache.a, cache.b, silu_value, silu_vjp)


class GegluCache(NamedTuple):
    a: Array  # any shape
    b: Array  # the same
    approximate: str


def geglu_forward(a: ArrayLike, b: ArrayLike, *, approximate: str = "tanh") -> tuple[Array, GegluCache]:
    """The gated unit whose gate is gelu.

    y = gelu(a) b

    Shapes: a any, b and output the same; approximate as in gelu.
    Raises: TypeError where an array is not floating; ValueError where the shapes differ, or approximate is neither
        "none" nor "tanh".
    Extremes: full relative precision where the gate is nearly shut.
    Source: Shazeer, GLU Variants Improve Transformer (2020), after its two linear maps; the arguments and the default
        are those of Liger's kernel, with approximate added.
    Derived: derivations/gates.md#geglu.
    """
    op = "geglu_forward"
    a, b = _two(op, a, b)
    _validate.one_of(op, "approximate", approximate, ("none", "tanh"))
    return _gated_forward(a, b, GELU_VALUE[approximate]), GegluCache(a, b, approximate)


def geglu_backward(grad_output: ArrayLike, cache: GegluCache) -> dict[str, Array]:
    """grad_a = g b gelu'(a), grad_b = g gelu(a)."""
    op = "geglu_backward"
    cache = _validate.is_cache(op, cache, GegluCache)
    value, vjp = GELU_VALUE[cache.approximate], GELU_VJP[cache.approximate]
    return _gated_backward(op, grad_output, cache.a, cache.b, value, vjp)


def _two(op: str, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    a, b = _validate.floating(op, "a", a), _validate.floating(op, "b", b)
    _validate.has_shape(op, "b", b, "of a", a.shape)
    return a, b


def _gated_forward(a: Array, b: Array, value: Callable[[Any], Any]) -> Array:
    return elementwise(lambda a, b: value(a) * b, a, b, dtype=result_dtype(a, b))


def _gated_backward(
    op: str,
    grad_output: ArrayLike,
    a: Array,
    b: Array,
    value: Callable[[Any], Any],
    vjp: Callable[[Any, Any], Any],
) -> dict[str, Array]:
    g = _validate.output_gradient(op, grad_output, a.shape, working_dtype(a, b))
    return {
        "a": elementwise(lambda g, a, b: vjp(g * b, a), g, a, b, dtype=a.dtype),
        "b": elementwise(lambda g, a: g * value(a), g, a, dtype=b.dtype),
    }


class MaxoutCache(NamedTuple):
    shape: tuple[int, ...]  # of x
    dtype: np.dtype[Any]  # of x
    axis: int
    winner: IntArray  # output's shape: which piece of its group passed


def maxout_forward(x: ArrayLike, pool_size: int, axis: int = 1) -> tuple[Array, MaxoutCache]:
    """The largest of each group of neighbours along an axis.

    y_i = max over j < k of x_(i k + j) with k = pool_size

    Shapes: x (..., n k, ...), output (..., n, ...); axis names the axis.
    Raises: TypeError where x is not floating; ValueError where axis is out of range, or its length no multiple of
        pool_size.
    Extremes: exact; NaN passes.
    Source: Goodfellow and others, Maxout Networks (2013); the arguments are those of chainer.functions.maxout.
    Derived: derivations/gates.md#maxout.
    """
    op = "maxout_forward"
    array = _validate.floating(op, "x", x)
    _validate.at_least_dimensions(op, "x", array, 1)
    pieces = _validate.integer(op, "pool_size", pool_size)
    position = _validate.axis(op, "axis", axis, array.ndim)
    if pieces < 1:
        raise ValueError(f"{op}: pool_size must be at least 1, got {pieces}")
    if array.shape[position] % pieces:
        raise ValueError(
            f"{op}: x must have a multiple of {pieces} elements along axis {axis}, got shape {array.shape}"
        )

    n = array.shape[position] // pieces
    groups = array.reshape(*array.shape[:position], n, pieces, *array.shape[position + 1 :])
    winner = groups.argmax(axis=position + 1)
    y = np.take_along_axis(groups, np.expand_dims(winner, position + 1), axis=position + 1).squeeze(position + 1)
    return y, MaxoutCache(array.shape, array.dtype, position, winner)


def maxout_backward(grad_output: ArrayLike, cache: MaxoutCache) -> dict[str, Array]:
    """grad_x_(i k + j) = g_i where j is the first position of the maximum of group i, else 0."""
    op = "maxout_backward"
    shape, dtype, axis, winner = _validate.is_cache(op, cache, MaxoutCache)
    g = _validate.output_gradient(op, grad_output, winner.shape, dtype)

    pieces = shape[axis] // winner.shape[axis] if winner.shape[axis] else 1
    groups = np.zeros((*winner.shape[: axis + 1], pieces, *winner.shape[axis + 1 :]), dtype=dtype)
    np.put_along_axis(groups, np.expand_dims(winner, axis + 1), np.expand_dims(g, axis + 1), axis=axis + 1)
    return {"x": groups.reshape(shape)}
