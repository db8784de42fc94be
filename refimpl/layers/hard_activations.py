"""Hard activations: pieces of straight lines, and one parabola, in place of smooth curves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import choose
from .._validate import Array
from ._elementwise import map_backward, map_forward

__all__ = [
    "hardshrink_backward",
    "hardshrink_forward",
    "hardsigmoid_backward",
    "hardsigmoid_forward",
    "hardswish_backward",
    "hardswish_forward",
    "hardtanh_backward",
    "hardtanh_forward",
    "relu6_backward",
    "relu6_forward",
    "softshrink_backward",
    "softshrink_forward",
]


class HardtanhCache(NamedTuple):
    input: Array  # any shape
    min_val: float
    max_val: float


def hardtanh_forward(input: ArrayLike, min_val: float = -1.0, max_val: float = 1.0) -> tuple[Array, HardtanhCache]:
    """The identity, clamped to an interval.

    y = min(max(x, min_val), max_val)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or a bound no number; ValueError where min_val is above max_val.
    Extremes: exact; NaN stays NaN.
    Source: torch.nn.functional.hardtanh.
    Derived: derivations/hard_activations.md#hardtanh.
    """
    op = "hardtanh_forward"
    high = _validate.number(op, "max_val", max_val)
    low = _validate.number(op, "min_val", min_val, at_most=high)
    output, x = map_forward(op, input, lambda x: x.clip(low, high))
    return output, HardtanhCache(x, low, high)


def hardtanh_backward(grad_output: ArrayLike, cache: HardtanhCache) -> dict[str, Array]:
    """grad_x = g where min_val < x < max_val, else 0; at both bounds it is 0."""
    op = "hardtanh_backward"
    cache = _validate.is_cache(op, cache, HardtanhCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * ((x > cache.min_val) & (x < cache.max_val)))


class Relu6Cache(NamedTuple):
    input: Array  # any shape


def relu6_forward(input: ArrayLike) -> tuple[Array, Relu6Cache]:
    """The rectifier, capped at 6.

    y = min(max(x, 0), 6)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: exact; NaN stays NaN.
    Source: torch.nn.functional.relu6.
    Derived: derivations/hard_activations.md#relu6.
    """
    output, x = map_forward("relu6_forward", input, lambda x: x.clip(0, 6))
    return output, Relu6Cache(x)


def relu6_backward(grad_output: ArrayLike, cache: Relu6Cache) -> dict[str, Array]:
    """grad_x = g where 0 < x < 6, else 0; at both kinks it is 0."""
    op = "relu6_backward"
    cache = _validate.is_cache(op, cache, Relu6Cache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * ((x > 0) & (x < 6)))


class HardsigmoidCache(NamedTuple):
    input: Array  # any shape


def hardsigmoid_forward(input: ArrayLike) -> tuple[Array, HardsigmoidCache]:
    """A straight line from 0 to 1 in place of the logistic function.

    y = min(max(x + 3, 0), 6) / 6

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: two roundings; next to x = -3 the sum is exact. NaN stays NaN.
    Source: torch.nn.functional.hardsigmoid.
    Derived: derivations/hard_activations.md#hardsigmoid.
    """
    output, x = map_forward("hardsigmoid_forward", input, lambda x: np.clip(x + 3, 0, 6) / 6)
    return output, HardsigmoidCache(x)


def hardsigmoid_backward(grad_output: ArrayLike, cache: HardsigmoidCache) -> dict[str, Array]:
    """grad_x = g / 6 where -3 < x < 3, else 0; at both kinks it is 0."""
    op = "hardsigmoid_backward"
    cache = _validate.is_cache(op, cache, HardsigmoidCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g / 6 * ((x > -3) & (x < 3)))


class HardswishCache(NamedTuple):
    input: Array  # any shape


def hardswish_forward(input: ArrayLike) -> tuple[Array, HardswishCache]:
    """The input times its hardsigmoid.

    y = x min(max(x + 3, 0), 6) / 6

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: no overflow: y = x from 3 on, up to the largest number; y = 0 at x = -inf. NaN stays NaN.
    Source: torch.nn.functional.hardswish.
    Derived: derivations/hard_activations.md#hardswish.
    """

    def formula(x: Array) -> Array:
        gate = np.clip(x + 3, 0, 6) / 6
        return x.clip(-3, np.inf) * gate  # -inf times 0 would be NaN

    output, x = map_forward("hardswish_forward", input, formula)
    return output, HardswishCache(x)


def hardswish_backward(grad_output: ArrayLike, cache: HardswishCache) -> dict[str, Array]:
    """grad_x = g (2 x + 3) / 6 where -3 < x < 3, 0 below and g above; at x = -3 it is 0, and g at x = 3."""

    def formula(g: Array, x: Array) -> Array:
        slope = (2 * x.clip(-3, 3) + 3) / 6
        return choose(x >= 3, g, g * slope * (x > -3))

    op = "hardswish_backward"
    cache = _validate.is_cache(op, cache, HardswishCache)
    return map_backward(op, grad_output, cache.input, formula)


class HardshrinkCache(NamedTuple):
    input: Array  # any shape
    lambd: float


def hardshrink_forward(input: ArrayLike, lambd: float = 0.5) -> tuple[Array, HardshrinkCache]:
    """The identity, with a dead zone around 0 that it jumps out of.

    y = 0 where -lambd <= x <= lambd, else x

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or lambd no number.
    Extremes: exact; NaN stays NaN. A negative lambd leaves no dead zone.
    Source: torch.nn.functional.hardshrink.
    Derived: derivations/hard_activations.md#hardshrink.
    """
    op = "hardshrink_forward"
    width = _validate.number(op, "lambd", lambd)
    output, x = map_forward(op, input, lambda x: choose((x >= -width) & (x <= width), 0, x))
    return output, HardshrinkCache(x, width)


def hardshrink_backward(grad_output: ArrayLike, cache: HardshrinkCache) -> dict[str, Array]:
    """grad_x = 0 where -lambd <= x <= lambd, else g."""
    op = "hardshrink_backward"
    cache = _validate.is_cache(op, cache, HardshrinkCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * ((x < -cache.lambd) | (x > cache.lambd)))


class SoftshrinkCache(NamedTuple):
    input: Array  # any shape
    lambd: float


def softshrink_forward(input: ArrayLike, lambd: float = 0.5) -> tuple[Array, SoftshrinkCache]:
    """The identity, moved towards 0 by lambd, and 0 where it would cross it.

    y = sign(x) max(|x| - lambd, 0)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or lambd no number; ValueError where lambd is negative.
    Extremes: one rounding, none next to the kinks; NaN stays NaN.
    Source: torch.nn.functional.softshrink.
    Derived: derivations/hard_activations.md#softshrink.
    """
    op = "softshrink_forward"
    width = _validate.number(op, "lambd", lambd, at_least=0)
    output, x = map_forward(op, input, lambda x: x - x.clip(-width, width))
    return output, SoftshrinkCache(x, width)


def softshrink_backward(grad_output: ArrayLike, cache: SoftshrinkCache) -> dict[str, Array]:
    """grad_x = 0 where -lambd <= x <= lambd, else g."""
    op = "softshrink_backward"
    cache = _validate.is_cache(op, cache, SoftshrinkCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * ((x < -cache.lambd) | (x > cache.lambd)))
