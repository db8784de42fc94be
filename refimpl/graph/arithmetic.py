"""The pairs behind the operators / and **, which are no ops of the catalog."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._reduction import unbroadcast
from .._validate import Array


class DivideCache(NamedTuple):
    input: Array  # any shape
    other: Array  # any shape that broadcasts with it


def divide_forward(input: ArrayLike, other: ArrayLike) -> tuple[Array, DivideCache]:
    """y = x / z, with x and z broadcast to one shape."""
    op = "divide_forward"
    input = _validate.floating(op, "input", input)
    other = _validate.floating(op, "other", other)
    _validate.broadcast_shape(op, "input and other", input.shape, other.shape)
    x, z = working(input, other)
    with np.errstate(all="ignore"):
        return answer(x / z, input, other), DivideCache(input, other)


def divide_backward(grad_output: ArrayLike, cache: DivideCache) -> dict[str, Array]:
    """grad_x = g / z and grad_z = -g (x / z) / z, each summed over the axes along which it was broadcast."""
    op = "divide_backward"
    cache = _validate.is_cache(op, cache, DivideCache)
    x, z = working(cache.input, cache.other)
    g = _validate.output_gradient(op, grad_output, np.broadcast_shapes(x.shape, z.shape), x.dtype)
    with np.errstate(all="ignore"):
        return {
            "input": gradient(unbroadcast(g / z, x.shape), cache.input),
            "other": gradient(unbroadcast(-g * (x / z / z), z.shape), cache.other),
        }


class PowerCache(NamedTuple):
    input: Array  # any shape
    exponent: float


def power_forward(input: ArrayLike, exponent: float) -> tuple[Array, PowerCache]:
    """y = x^p, for a number p."""
    op = "power_forward"
    input = _validate.floating(op, "input", input)
    exponent = _validate.number(op, "exponent", exponent)
    (x,) = working(input)
    with np.errstate(all="ignore"):
        return answer(x ** x.dtype.type(exponent), input), PowerCache(input, exponent)


def power_backward(grad_output: ArrayLike, cache: PowerCache) -> dict[str, Array]:
    """grad_x = g p x^(p - 1), and 0 for p = 0, also at x = 0."""
    op = "power_backward"
    cache = _validate.is_cache(op, cache, PowerCache)
    (x,) = working(cache.input)
    g = _validate.output_gradient(op, grad_output, x.shape, x.dtype)
    p: Any = x.dtype.type(cache.exponent)
    with np.errstate(all="ignore"):
        slope = p * x ** (p - 1) if p else np.zeros_like(x)
        return {"input": gradient(g * slope, cache.input)}
