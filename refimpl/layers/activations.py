"""Activations: one number in, one number out, element by element, on smooth curves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import above_zero, below_zero, choose, sigmoid, softplus, two_scale
from .._validate import Array
from ._elementwise import map_backward, map_forward

__all__ = [
    "logsigmoid_backward",
    "logsigmoid_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "softplus_backward",
    "softplus_forward",
    "softsign_backward",
    "softsign_forward",
    "squareplus_backward",
    "squareplus_forward",
    "tanh_backward",
    "tanh_forward",
    "tanhshrink_backward",
    "tanhshrink_forward",
]


class SigmoidCache(NamedTuple):
    input: Array  # any shape


def sigmoid_forward(input: ArrayLike) -> tuple[Array, SigmoidCache]:
    """The logistic function.

    y = 1 / (1 + exp(-x))

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision in both tails, down to the subnormal numbers at x = -745.
    Source: torch.nn.functional.sigmoid.
    Derived: derivations/activations.md#sigmoid.
    """
    output, x = map_forward("sigmoid_forward", input, sigmoid)
    return output, SigmoidCache(x)


def sigmoid_backward(grad_output: ArrayLike, cache: SigmoidCache) -> dict[str, Array]:
    """grad_x = g e / (1 + e)^2 with e = exp(-|x|): y (1 - y) without the difference, which is 0 from x = 37 on."""

    def formula(g: Any, x: Any) -> Any:
        e = np.exp(-np.abs(x))
        return g * e / (1 + e) / (1 + e)

    op = "sigmoid_backward"
    cache = _validate.is_cache(op, cache, SigmoidCache)
    return map_backward(op, grad_output, cache.input, formula)


class LogsigmoidCache(NamedTuple):
    input: Array  # any shape


def logsigmoid_forward(input: ArrayLike) -> tuple[Array, LogsigmoidCache]:
    """The logarithm of the logistic function.

    y = log(1 / (1 + exp(-x))) = -log(1 + exp(-x))

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision in both tails: y = x far below 0, and -exp(-x) far above, down to x = 745.
    Source: torch.nn.functional.logsigmoid.
    Derived: derivations/activations.md#logsigmoid.
    """
    output, x = map_forward("logsigmoid_forward", input, lambda x: -softplus(-x))
    return output, LogsigmoidCache(x)


def logsigmoid_backward(grad_output: ArrayLike, cache: LogsigmoidCache) -> dict[str, Array]:
    """grad_x = g sigmoid(-x)."""
    op = "logsigmoid_backward"
    cache = _validate.is_cache(op, cache, LogsigmoidCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * sigmoid(-x))


class SoftplusCache(NamedTuple):
    input: Array  # any shape
    beta: float
    threshold: float


def softplus_forward(input: ArrayLike, beta: float = 1, threshold: float = 20) -> tuple[Array, SoftplusCache]:
    """A smooth rectifier, continued as the identity from a threshold on.

    y = log(1 + exp(beta x)) / beta where beta x <= threshold, else x

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or an option no number; ValueError where beta is 0.
    Extremes: full relative precision in the lower tail, for any beta. The jump at the threshold is the definition's:
        with the default y falls by exp(-20) = 2.1e-9 there.
    Source: torch.nn.functional.softplus.
    Derived: derivations/activations.md#softplus.
    """
    op = "softplus_forward"
    beta = _validate.number(op, "beta", beta)
    limit = _validate.number(op, "threshold", threshold)
    if beta == 0:
        raise ValueError(f"{op}: beta must not be 0, got 0")

    def formula(x: Any) -> Any:
        z, e = _scaled_exponential(x, beta)
        linear = above_zero(x) if beta > 0 else below_zero(x)
        return choose(z > limit, x, linear + np.log1p(e) / beta)

    output, x = map_forward(op, input, formula)
    return output, SoftplusCache(x, beta, limit)


def softplus_backward(grad_output: ArrayLike, cache: SoftplusCache) -> dict[str, Array]:
    """grad_x = g sigmoid(beta x) where beta x <= threshold, else g."""

    def formula(g: Any, x: Any) -> Any:
        z, e = _scaled_exponential(x, cache.beta)
        return choose(z > cache.threshold, g, g * np.maximum(e, z >= 0) / (1 + e))

    op = "softplus_backward"
    cache = _validate.is_cache(op, cache, SoftplusCache)
    return map_backward(op, grad_output, cache.input, formula)


def _scaled_exponential(x: Any, beta: float) -> tuple[Any, Any]:
    """z = beta x, rounded, and exp(-|beta x|), for which the rounding of a large z would count."""
    z, error = two_scale(x, beta)
    e = np.exp(-np.abs(z))
    return z, e * (1 - np.sign(z) * error) if error.any() else e


class SoftsignCache(NamedTuple):
    input: Array  # any shape


def softsign_forward(input: ArrayLike) -> tuple[Array, SoftsignCache]:
    """A sigmoid curve with slow tails.

    y = x / (1 + |x|)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: two roundings everywhere; -1 and 1 at the infinities, where PyTorch gives NaN.
    Source: torch.nn.functional.softsign.
    Derived: derivations/activations.md#softsign.
    """

    def formula(x: Any) -> Any:
        x = x.clip(-np.finfo(x.dtype).max, np.finfo(x.dtype).max)
        return x / (1 + np.abs(x))

    output, x = map_forward("softsign_forward", input, formula)
    return output, SoftsignCache(x)


def softsign_backward(grad_output: ArrayLike, cache: SoftsignCache) -> dict[str, Array]:
    """grad_x = g u^2 with u = 1 / (1 + |x|)."""

    def formula(g: Any, x: Any) -> Any:
        u = 1 / (1 + np.abs(x))
        return g * u * u

    op = "softsign_backward"
    cache = _validate.is_cache(op, cache, SoftsignCache)
    return map_backward(op, grad_output, cache.input, formula)


class SquareplusCache(NamedTuple):
    x: Array  # any shape
    b: float


def squareplus_forward(x: ArrayLike, b: float = 4.0) -> tuple[Array, SquareplusCache]:
    """A smooth rectifier without an exponential.

    y = (x + sqrt(x^2 + b)) / 2

    Shapes: x any, output the same.
    Raises: TypeError where x is not floating or b no number; ValueError where b is not above 0.
    Extremes: full relative precision in the lower tail, where y = b / (4 |x|); no square overflows.
    Source: Barron, Squareplus: A Softplus-Like Algebraic Rectifier (2021); the arguments are jax.nn.squareplus's.
    Derived: derivations/activations.md#squareplus.
    """
    op = "squareplus_forward"
    array = _validate.floating(op, "x", x)
    b = _validate.number(op, "b", b, above=0)

    output, _ = map_forward(op, array, lambda x: _squareplus(x, b)[0])
    return output, SquareplusCache(array, b)


def squareplus_backward(grad_output: ArrayLike, cache: SquareplusCache) -> dict[str, Array]:
    """grad_x = g y / r with r = sqrt(x^2 + b), which is g (1 + x / r) / 2 without the difference below 0."""

    def formula(g: Any, x: Any) -> Any:
        y, r = _squareplus(x.clip(-np.finfo(x.dtype).max, np.finfo(x.dtype).max), cache.b)
        return g * (y / r)

    op = "squareplus_backward"
    cache = _validate.is_cache(op, cache, SquareplusCache)
    return {"x": map_backward(op, grad_output, cache.x, formula)["input"]}


def _squareplus(x: Any, b: float) -> tuple[Any, Any]:
    """y and sqrt(x^2 + b). Above 0 nothing is subtracted, and y(x) y(-x) = b / 4 gives the rest."""
    r = np.hypot(x, x.dtype.type(b**0.5))
    above = np.abs(x) / 2 + r / 2
    return choose(x >= 0, above, b / 4 / above), r


class TanhCache(NamedTuple):
    input: Array  # any shape


def tanh_forward(input: ArrayLike) -> tuple[Array, TanhCache]:
    """The hyperbolic tangent.

    y = tanh(x)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: NumPy's tanh, full relative precision everywhere.
    Source: torch.nn.functional.tanh.
    Derived: derivations/activations.md#tanh.
    """
    output, x = map_forward("tanh_forward", input, np.tanh)
    return output, TanhCache(x)


def tanh_backward(grad_output: ArrayLike, cache: TanhCache) -> dict[str, Array]:
    """grad_x = g / cosh(x)^2, which is g (1 - y^2) without the difference that is 0 from x = 19 on."""

    def formula(g: Any, x: Any) -> Any:
        e = np.exp(-np.abs(x))
        sech = 2 * e / (1 + e * e)
        return g * sech * sech

    op = "tanh_backward"
    cache = _validate.is_cache(op, cache, TanhCache)
    return map_backward(op, grad_output, cache.input, formula)


class TanhshrinkCache(NamedTuple):
    input: Array  # any shape


def tanhshrink_forward(input: ArrayLike) -> tuple[Array, TanhshrinkCache]:
    """What the hyperbolic tangent takes away.

    y = x - tanh(x)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision at 0 too, where y = x^3 / 3: no difference of x and tanh(x) is taken there.
    Source: torch.nn.functional.tanhshrink.
    Derived: derivations/activations.md#tanhshrink.
    """

    def formula(x: Any) -> Any:
        near = x.clip(-2, 2)
        k = _tanh_fraction(near * near)
        return choose(np.abs(x) < 2, near * (k / (1 + k)), x - np.tanh(x))

    output, x = map_forward("tanhshrink_forward", input, formula)
    return output, TanhshrinkCache(x)


def tanhshrink_backward(grad_output: ArrayLike, cache: TanhshrinkCache) -> dict[str, Array]:
    """grad_x = g tanh(x)^2."""

    def formula(g: Any, x: Any) -> Any:
        y = np.tanh(x)
        return g * y * y

    op = "tanhshrink_backward"
    cache = _validate.is_cache(op, cache, TanhshrinkCache)
    return map_backward(op, grad_output, cache.input, formula)


def _tanh_fraction(square: Any) -> Any:
    """k in Lambert's continued fraction tanh(x) = x / (1 + k): k = x^2 / (3 + x^2 / (5 + x^2 / (7 + ...))).

    Nothing in it is subtracted. Ended at 25 it is right to the last digit for |x| < 2.
    """
    k = square / 25
    for odd in range(23, 1, -2):
        k = square / (odd + k)
    return k
