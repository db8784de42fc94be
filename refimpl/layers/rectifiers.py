"""Rectifiers: the identity above one point, and something flatter below it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._numerics import above_zero, below_zero, choose
from .._precision import answer, gradient, working, working_dtype
from .._reduction import unbroadcast
from .._validate import Array
from ._elementwise import map_backward, map_forward

__all__ = [
    "leaky_relu_backward",
    "leaky_relu_forward",
    "prelu_backward",
    "prelu_forward",
    "relu_backward",
    "relu_forward",
    "rrelu_backward",
    "rrelu_forward",
    "squared_relu_backward",
    "squared_relu_forward",
    "threshold_backward",
    "threshold_forward",
]


class ReluCache(NamedTuple):
    input: Array  # any shape


def relu_forward(input: ArrayLike) -> tuple[Array, ReluCache]:
    """The rectifier.

    y = max(x, 0)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: exact; NaN stays NaN.
    Source: torch.nn.functional.relu.
    Derived: derivations/rectifiers.md#relu.
    """
    output, x = map_forward("relu_forward", input, above_zero)
    return output, ReluCache(x)


def relu_backward(grad_output: ArrayLike, cache: ReluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else 0; at the kink x = 0 it is 0."""
    op = "relu_backward"
    cache = _validate.is_cache(op, cache, ReluCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * (x > 0))


class SquaredReluCache(NamedTuple):
    input: Array  # any shape


def squared_relu_forward(input: ArrayLike) -> tuple[Array, SquaredReluCache]:
    """The square of the rectifier.

    y = max(x, 0)^2

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: one rounding; NaN stays NaN.
    Source: So and others, Primer: Searching for Efficient Transformers for Language Modeling (2021).
    Derived: derivations/rectifiers.md#squared_relu.
    """
    output, x = map_forward("squared_relu_forward", input, lambda x: np.square(above_zero(x)))
    return output, SquaredReluCache(x)


def squared_relu_backward(grad_output: ArrayLike, cache: SquaredReluCache) -> dict[str, Array]:
    """grad_x = 2 g max(x, 0)."""
    op = "squared_relu_backward"
    cache = _validate.is_cache(op, cache, SquaredReluCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: 2 * g * above_zero(x))


class LeakyReluCache(NamedTuple):
    input: Array  # any shape
    negative_slope: float


def leaky_relu_forward(input: ArrayLike, negative_slope: float = 0.01) -> tuple[Array, LeakyReluCache]:
    """The rectifier with a slope below 0.

    y = x where x > 0, else s x with s = negative_slope

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating or negative_slope no number.
    Extremes: one rounding below 0, exact above; NaN stays NaN.
    Source: torch.nn.functional.leaky_relu.
    Derived: derivations/rectifiers.md#leaky_relu.
    """
    op = "leaky_relu_forward"
    slope = _validate.number(op, "negative_slope", negative_slope)
    output, x = map_forward(op, input, lambda x: above_zero(x) + slope * below_zero(x))
    return output, LeakyReluCache(x, slope)


def leaky_relu_backward(grad_output: ArrayLike, cache: LeakyReluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else s g; at the kink x = 0 it is s g."""
    op = "leaky_relu_backward"
    cache = _validate.is_cache(op, cache, LeakyReluCache)
    slope = cache.negative_slope
    return map_backward(op, grad_output, cache.input, lambda g, x: choose(x > 0, g, slope * g))


class PreluCache(NamedTuple):
    input: Array  # (N, C, ...), or any shape
    weight: Array  # (C,), or (1,) or ()


def prelu_forward(input: ArrayLike, weight: ArrayLike) -> tuple[Array, PreluCache]:
    """The rectifier with a learned slope below 0, one for all or one per channel.

    y = x where x > 0, else w_c x with c the position on axis 1

    Shapes: input (N, C, ...) with weight (C,), or any with weight (1,) or (); output like input.
    Raises: TypeError where an array is not floating; ValueError where weight is neither one number nor one per channel.
    Extremes: one rounding below 0, exact above; NaN stays NaN.
    Source: torch.nn.functional.prelu.
    Derived: derivations/rectifiers.md#prelu.
    """
    op = "prelu_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.floating(op, "weight", weight)
    if weight.ndim > 1:
        raise ValueError(f"{op}: weight must have shape (channels,), (1,) or (), got {weight.shape}")
    if weight.size != 1:
        _validate.at_least_dimensions(op, "input", input, 2)
        _validate.has_shape(op, "weight", weight, "(input.shape[1],)", (input.shape[1],))

    x, w = working(input, weight)
    w = w.reshape(_slope_shape(x, w))
    with np.errstate(all="ignore"):
        y = choose(x > 0, x, w * x)
    return answer(y, input, weight), PreluCache(input, weight)


def prelu_backward(grad_output: ArrayLike, cache: PreluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else w_c g; grad_w_c = sum of g x over the elements of channel c with x <= 0."""
    op = "prelu_backward"
    cache = _validate.is_cache(op, cache, PreluCache)
    x, w = working(*cache)
    g = _validate.output_gradient(op, grad_output, x.shape, x.dtype)

    slope_shape = _slope_shape(x, w)
    with np.errstate(all="ignore"):
        grad_w = unbroadcast(choose(x > 0, 0, g * x), slope_shape).reshape(w.shape)
        grad_x = choose(x > 0, g, w.reshape(slope_shape) * g)
    return {"input": gradient(grad_x, cache.input), "weight": gradient(grad_w, cache.weight)}


def _slope_shape(x: Array, w: Array) -> tuple[int, ...]:
    """The shape in which the slopes are broadcast against x: channels on axis 1."""
    return tuple(w.size if axis == 1 else 1 for axis in range(x.ndim))


class RreluCache(NamedTuple):
    input: Array  # any shape
    slope: Array | float  # input's shape, 1 where input > 0 (training); the mean slope (evaluation)


def rrelu_forward(
    input: ArrayLike,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    rng: Any = None,
) -> tuple[Array, RreluCache]:
    """The rectifier with a random slope below 0.

    y = x where x > 0, else a x
    training: a drawn for each element uniformly from [lower, upper);  evaluation: a = (lower + upper) / 2

    Shapes: input any, output the same; rng an integer seed or a numpy.random.Generator, needed in training alone.
    Raises: TypeError where input is not floating or an option of another kind; ValueError where lower is above upper,
        or rng is missing in training.
    Extremes: one rounding below 0, exact above; NaN stays NaN.
    Source: torch.nn.functional.rrelu, with rng added. One number is drawn per element in C order, also above 0.
    Derived: derivations/rectifiers.md#rrelu.
    """
    op = "rrelu_forward"
    x = _validate.floating(op, "input", input)
    upper = _validate.number(op, "upper", upper)
    lower = _validate.number(op, "lower", lower, at_most=upper)
    if not _validate.boolean(op, "training", training):
        mean = (lower + upper) / 2
        return map_forward(op, x, lambda x: choose(x > 0, x, mean * x))[0], RreluCache(x, mean)

    generator = _validate.generator(op, rng)
    # Drawn in float64 whatever the input: the same seed gives the same slopes in every dtype.
    slope = elementwise(
        lambda x: np.where(x > 0, 1, generator.uniform(lower, upper, x.shape)), x, dtype=working_dtype(x)
    )  # fmt: skip
    return elementwise(lambda a, x: a * x, slope, x, dtype=x.dtype), RreluCache(x, slope)


def rrelu_backward(grad_output: ArrayLike, cache: RreluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else a g with the slope a that forward used; at the kink x = 0 it is a g."""
    op = "rrelu_backward"
    cache = _validate.is_cache(op, cache, RreluCache)
    x, slope = cache
    if isinstance(slope, float):
        return map_backward(op, grad_output, x, lambda g, x: choose(x > 0, g, slope * g))
    g = _validate.output_gradient(op, grad_output, x.shape, slope.dtype)
    return {"input": elementwise(lambda g, a: a * g, g, slope, dtype=x.dtype)}


class ThresholdCache(NamedTuple):
    input: Array  # any shape
    threshold: float


def threshold_forward(input: ArrayLike, threshold: float, value: float) -> tuple[Array, ThresholdCache]:
    """The input where it exceeds a threshold, and a fixed value elsewhere.

    y = x where x > threshold, else value

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating, or threshold or value no number.
    Extremes: exact. Where value differs from threshold the function jumps there; NaN stays NaN.
    Source: torch.nn.functional.threshold.
    Derived: derivations/rectifiers.md#threshold.
    """
    op = "threshold_forward"
    limit = _validate.number(op, "threshold", threshold)
    value = _validate.number(op, "value", value)
    output, x = map_forward(op, input, lambda x: choose(x <= limit, value, x))
    return output, ThresholdCache(x, limit)


def threshold_backward(grad_output: ArrayLike, cache: ThresholdCache) -> dict[str, Array]:
    """grad_x = g where x > threshold, else 0; at the threshold it is 0."""
    op = "threshold_backward"
    cache = _validate.is_cache(op, cache, ThresholdCache)
    return map_backward(op, grad_output, cache.input, lambda g, x: g * (x > cache.threshold))
