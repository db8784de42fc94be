"""Self-gated activations: the input times a gate between 0 and 1 that opens with it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import above_zero, choose, normal_tail, times_gaussian, two_prod, two_scale, two_sum
from .._validate import Array
from ._elementwise import map_backward, map_forward

__all__ = [
    "gelu_backward",
    "gelu_forward",
    "mish_backward",
    "mish_forward",
    "silu_backward",
    "silu_forward",
]


class SiluCache(NamedTuple):
    input: Array  # any shape


def silu_forward(input: ArrayLike) -> tuple[Array, SiluCache]:
    """The sigmoid linear unit, also called swish.

    y = x / (1 + exp(-x))

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision in the lower tail, down to the subnormal numbers; -0 at -inf.
    Source: torch.nn.functional.silu.
    Derived: derivations/self_gated.md#silu.
    """
    output, x = map_forward("silu_forward", input, silu_value)
    return output, SiluCache(x)


def silu_backward(grad_output: ArrayLike, cache: SiluCache) -> dict[str, Array]:
    """grad_x = g s (1 + x (1 - s)) with s = sigmoid(x)."""
    op = "silu_backward"
    cache = _validate.is_cache(op, cache, SiluCache)
    return map_backward(op, grad_output, cache.input, silu_vjp)


def silu_value(x: Any) -> Any:
    return times_sigmoid(x, x)


def silu_vjp(g: Any, x: Any) -> Any:
    x = x.clip(-_FLAT, _FLAT)
    return _times_sigmoid_vjp(g, x, x, 1)


class MishCache(NamedTuple):
    input: Array  # any shape


def mish_forward(input: ArrayLike) -> tuple[Array, MishCache]:
    """The input times the hyperbolic tangent of its softplus.

    y = x tanh(log(1 + exp(x)))

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision in the lower tail, down to the subnormal numbers; -0 at -inf.
    Source: torch.nn.functional.mish.
    Derived: derivations/self_gated.md#mish.
    """

    def formula(x: Any) -> Any:
        x = x.clip(-_FLAT, np.inf)
        t, _, n, d = _mish_gate(x)
        return (x * t) * t * (n / d)

    output, x = map_forward("mish_forward", input, formula)
    return output, MishCache(x)


def mish_backward(grad_output: ArrayLike, cache: MishCache) -> dict[str, Array]:
    """grad_x = g (w + x w') with the gate w = tanh(log(1 + exp(x))) and w' = (1 - w^2) sigmoid(x)."""

    def formula(g: Any, x: Any) -> Any:
        x = x.clip(-_FLAT, _FLAT)
        t, a, n, d = _mish_gate(x)
        slope = g * (n + 4 * x * (a * a) * (a + t * t) / d) / d  # w' = 4 a^2 b (a + b) / d^2
        return (slope * t) * t

    op = "mish_backward"
    cache = _validate.is_cache(op, cache, MishCache)
    return map_backward(op, grad_output, cache.input, formula)


def _mish_gate(x: Any) -> tuple[Any, Any, Any, Any]:
    """t, with b = t^2 = exp(min(x, 0)), a = exp(-max(x, 0)), n and d: the gate is b n / d.

    tanh(log(1 + E)) = (E^2 + 2 E) / (E^2 + 2 E + 2) with E = exp(x) = b / a, multiplied above and below by a^2.
    """
    root = np.exp(-np.abs(x) / 2)
    t = np.maximum(root, x > 0)  # 1 above 0
    a = np.maximum(root * root, x <= 0)  # 1 below
    b = t * t
    n = b + 2 * a
    return t, a, n, b * n + 2 * a * a


class GeluCache(NamedTuple):
    input: Array  # any shape
    approximate: str


def gelu_forward(input: ArrayLike, *, approximate: str = "none") -> tuple[Array, GeluCache]:
    """The Gaussian error linear unit.

    none: y = x Phi(x) with Phi the normal distribution function
    tanh: y = x (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating; ValueError where approximate is neither "none" nor "tanh".
    Extremes: full relative precision in the lower tail, down to the subnormal numbers; -0 at -inf.
    Source: torch.nn.functional.gelu; Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
    Derived: derivations/self_gated.md#gelu.
    """
    op = "gelu_forward"
    _validate.one_of(op, "approximate", approximate, ("none", "tanh"))
    output, x = map_forward(op, input, GELU_VALUE[approximate])
    return output, GeluCache(x, approximate)


def gelu_backward(grad_output: ArrayLike, cache: GeluCache) -> dict[str, Array]:
    """none: grad_x = g (Phi(x) + x phi(x)) with phi the normal density;
    tanh: grad_x = g s (1 + x v' (1 - s)) with s = (1 + tanh(u)) / 2 = sigmoid(v), v = 2 u.
    """
    op = "gelu_backward"
    cache = _validate.is_cache(op, cache, GeluCache)
    return map_backward(op, grad_output, cache.input, GELU_VJP[cache.approximate])


def _gelu(x: Any) -> Any:
    near = x.clip(-_FLAT, _FLAT)
    tail = times_gaussian(near * normal_tail(np.abs(near)), near)  # x Phi(-|x|)
    return above_zero(x) - np.abs(tail)


def _gelu_vjp(g: Any, x: Any) -> Any:
    x = x.clip(-_FLAT, _FLAT)
    a = np.abs(x)
    slope = times_gaussian(g * (normal_tail(a) - a * _DENSITY), x)  # at -|x|; the slopes at x and -x add up to 1
    return choose(x < 0, slope, g - slope)


def _gelu_tanh(x: Any) -> Any:
    v, error, _ = _gelu_tanh_argument(x)
    return times_sigmoid(x, v, error)


def _gelu_tanh_vjp(g: Any, x: Any) -> Any:
    v, error, slope = _gelu_tanh_argument(x)
    return _times_sigmoid_vjp(g, x.clip(-_FLAT, _FLAT), v, slope, error)


def _gelu_tanh_argument(x: Any) -> tuple[Any, Any, Any]:
    """v = 2 u = x (c + k x^2) as a number and what its rounding left out, and v' = c + 3 k x^2."""
    x = x.clip(-_FLAT, _FLAT)
    if x.dtype == np.float32:  # float64 holds both parts
        wide = x.astype(np.float64)
        cubic = _GELU_CUBIC[0] * wide * wide
        both = wide * (_GELU_LINEAR[0] + cubic)
        v = both.astype(x.dtype)
        return v, (both - v).astype(x.dtype), (_GELU_LINEAR[0] + 3 * cubic).astype(x.dtype)
    square, square_error = two_prod(x, x)
    cubic, error = two_scale(square, *_GELU_CUBIC)
    factor, rest = two_sum(cubic, _GELU_LINEAR[0])
    rest = rest + error + square_error * _GELU_CUBIC[0] + _GELU_LINEAR[1]
    v, error = two_prod(x, factor)
    return v, error + x * rest, factor + 2 * cubic


GELU_VALUE: dict[str, Callable[[Any], Any]] = {"none": _gelu, "tanh": _gelu_tanh}
GELU_VJP: dict[str, Callable[[Any, Any], Any]] = {"none": _gelu_vjp, "tanh": _gelu_tanh_vjp}

_DENSITY = 1 / math.sqrt(2 * math.pi)  # the normal density at 0
# sqrt(8 / pi) and 0.044715 sqrt(8 / pi), each as the sum of two numbers: v reaches 745, and its error counts in full
_GELU_LINEAR = (1.5957691216057308, -9.96930880911092e-17)
_GELU_CUBIC = (0.07135481627260025, -6.175149918155315e-19)
_FLAT = 1000.0  # beyond it every gate here is 0 or 1, in any dtype


def times_sigmoid(x: Any, v: Any, error: Any = None) -> Any:
    """x sigmoid(v + error). exp(-|v|) is multiplied on as two roots: it underflows long before x times it does."""
    x = x.clip(-np.finfo(x.dtype).max, np.inf)  # -inf times 0 is -0 here: the gate shuts faster than x grows
    e, t, corrected = _shutting(v, error)
    return (x * t) * corrected / (1 + e)


def _times_sigmoid_vjp(g: Any, x: Any, v: Any, slope: Any, error: Any = None) -> Any:
    """g times the derivative of x sigmoid(v + error), where slope is that of v: s (1 + x v' (1 - s))."""
    e, t, corrected = _shutting(v, error)
    u = 1 / (1 + e)  # s = t^2 u, and 1 - s is e u above 0 and u below
    y = g * u * (1 + x * slope * np.maximum(e, v < 0) * u)
    return (y * t) * corrected


def _shutting(v: Any, error: Any) -> tuple[Any, Any, Any]:
    """exp(-|v|), and two numbers near its root whose product is exp(v + error), for v < 0; else both are 1."""
    root = np.exp(np.abs(v) / -2)
    t = np.maximum(root, v >= 0)
    return root * root, t, t if error is None else t * (1 + error * (v < 0))
