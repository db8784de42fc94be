"""Exponential linear units: the identity above 0, an exponential that levels off below."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import above_zero, below_zero, choose, two_prod
from .._validate import Array
from ._elementwise import map_backward, map_forward

__all__ = [
    "celu_backward",
    "celu_forward",
    "elu_backward",
    "elu_forward",
    "selu_backward",
    "selu_forward",
]

# The fixed point of Klambauer and others at mean 0 and variance 1, to the digits that float64 holds.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


class CeluCache(NamedTuple):
    input: Array  # any shape
    alpha: float


def celu_forward(input: ArrayLike, alpha: float = 1.0) -> tuple[Array, CeluCache]:
    """The exponential linear unit whose slope is continuous for every alpha.

    y = x where x > 0, else alpha (exp(x / alpha) - 1)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or alpha no number; ValueError where alpha is 0.
    Extremes: full relative precision next to 0 and far below it; NaN stays NaN.
    Source: torch.nn.functional.celu.
    Derived: derivations/exponential_units.md#celu.
    """
    op = "celu_forward"
    alpha = _validate.number(op, "alpha", alpha)
    if alpha == 0:
        raise ValueError(f"{op}: alpha must not be 0, got 0")

    def formula(x: Any) -> Any:
        return above_zero(x) + alpha * np.expm1(below_zero(x) / alpha)

    output, x = map_forward(op, input, formula)
    return output, CeluCache(x, alpha)


def celu_backward(grad_output: ArrayLike, cache: CeluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else g exp(x / alpha); at x = 0 both are g."""

    def formula(g: Any, x: Any) -> Any:
        below = below_zero(x)
        quotient = below / cache.alpha
        # exp makes of the quotient's rounding error, which grows with it, a relative one: take it out again.
        alpha = x.dtype.type(cache.alpha)
        product, error = two_prod(quotient, alpha)
        missing = ((below - product) - error - quotient * x.dtype.type(cache.alpha - float(alpha))) / alpha
        return choose(x > 0, g, g * np.exp(quotient) * (1 + choose(np.isfinite(missing), missing, 0)))

    op = "celu_backward"
    cache = _validate.is_cache(op, cache, CeluCache)
    return map_backward(op, grad_output, cache.input, formula)


class EluCache(NamedTuple):
    input: Array  # any shape
    alpha: float


def elu_forward(input: ArrayLike, alpha: float = 1.0) -> tuple[Array, EluCache]:
    """The exponential linear unit.

    y = x where x > 0, else alpha (exp(x) - 1)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or alpha no number.
    Extremes: full relative precision next to 0 and far below it; NaN stays NaN.
    Source: torch.nn.functional.elu.
    Derived: derivations/exponential_units.md#elu.
    """
    op = "elu_forward"
    alpha = _validate.number(op, "alpha", alpha)
    output, x = map_forward(op, input, lambda x: above_zero(x) + alpha * np.expm1(below_zero(x)))
    return output, EluCache(x, alpha)


def elu_backward(grad_output: ArrayLike, cache: EluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else alpha g exp(x); at x = 0, a kink unless alpha = 1, it is alpha g."""

    def formula(g: Any, x: Any) -> Any:
        return choose(x > 0, g, cache.alpha * g * np.exp(below_zero(x)))

    op = "elu_backward"
    cache = _validate.is_cache(op, cache, EluCache)
    return map_backward(op, grad_output, cache.input, formula)


class SeluCache(NamedTuple):
    input: Array  # any shape


def selu_forward(input: ArrayLike) -> tuple[Array, SeluCache]:
    """The exponential linear unit scaled so that it drives means to 0 and variances to 1.

    y = l x where x > 0, else l a (exp(x) - 1), with l = 1.0507009873554805 and a = 1.6732632423543772

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: full relative precision next to 0 and far below it; NaN stays NaN.
    Source: torch.nn.functional.selu; Klambauer and others, Self-Normalizing Neural Networks (2017).
    Derived: derivations/exponential_units.md#selu.
    """

    def formula(x: Any) -> Any:
        return SELU_SCALE * above_zero(x) + SELU_SCALE * SELU_ALPHA * np.expm1(below_zero(x))

    output, x = map_forward("selu_forward", input, formula)
    return output, SeluCache(x)


def selu_backward(grad_output: ArrayLike, cache: SeluCache) -> dict[str, Array]:
    """grad_x = l g where x > 0, else l a g exp(x); at the kink x = 0 it is l a g."""

    def formula(g: Any, x: Any) -> Any:
        return choose(x > 0, SELU_SCALE * g, SELU_SCALE * SELU_ALPHA * g * np.exp(below_zero(x)))

    op = "selu_backward"
    cache = _validate.is_cache(op, cache, SeluCache)
    return map_backward(op, grad_output, cache.input, formula)
