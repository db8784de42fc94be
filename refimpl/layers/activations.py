"""Activations: one number in, one number out, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._precision import working_dtype
from .._validate import Array

__all__ = [
    "relu_backward",
    "relu_forward",
    "sigmoid_backward",
    "sigmoid_forward",
    "tanh_backward",
    "tanh_forward",
]


def _forward(op: str, input: ArrayLike, formula: Callable[[Any], Any]) -> tuple[Array, Array]:
    """Check the input and map the formula over it; returns the output and the input as an array."""
    x = _validate.floating(op, "input", input)
    return elementwise(formula, x, dtype=x.dtype), x


def _backward(op: str, grad_output: ArrayLike, x: Array, formula: Callable[[Any, Any], Any]) -> dict[str, Array]:
    """Map formula(g, x) over grad_output and the input: each element's gradient depends on no other."""
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))
    return {"input": elementwise(formula, g, x, dtype=x.dtype)}


class ReluCache(NamedTuple):
    input: Array  # any shape


def relu_forward(input: ArrayLike) -> tuple[Array, ReluCache]:
    """The rectifier.

    y = max(x, 0)

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating.
    Extremes: exact; NaN stays NaN.
    Source: torch.nn.functional.relu.
    Derived: derivations/activations.md#relu.
    """
    output, x = _forward("relu_forward", input, lambda x: np.maximum(x, 0))
    return output, ReluCache(x)


def relu_backward(grad_output: ArrayLike, cache: ReluCache) -> dict[str, Array]:
    """grad_x = g where x > 0, else 0; at the kink x = 0 it is 0."""
    op = "relu_backward"
    cache = _validate.is_cache(op, cache, ReluCache)
    return _backward(op, grad_output, cache.input, lambda g, x: g * (x > 0))


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
    output, x = _forward("sigmoid_forward", input, _sigmoid)
    return output, SigmoidCache(x)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))  # never overflows, and keeps its digits where the quotient is small
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_backward(grad_output: ArrayLike, cache: SigmoidCache) -> dict[str, Array]:
    """grad_x = g e / (1 + e)^2 with e = exp(-|x|): y (1 - y) without the difference, which is 0 from x = 37 on."""

    def formula(g: Any, x: Any) -> Any:
        e = np.exp(-np.abs(x))
        return g * e / (1 + e) / (1 + e)

    op = "sigmoid_backward"
    cache = _validate.is_cache(op, cache, SigmoidCache)
    return _backward(op, grad_output, cache.input, formula)


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
    output, x = _forward("tanh_forward", input, np.tanh)
    return output, TanhCache(x)


def tanh_backward(grad_output: ArrayLike, cache: TanhCache) -> dict[str, Array]:
    """grad_x = g / cosh(x)^2, which is g (1 - y^2) without the difference that is 0 from x = 19 on."""

    def formula(g: Any, x: Any) -> Any:
        y = np.tanh(x)
        sech = 1 / np.cosh(np.clip(x, -_COSH_LIMIT, _COSH_LIMIT))
        return np.where(np.abs(x) < 0.5, g * (1 - y * y), g * sech * sech)

    op = "tanh_backward"
    cache = _validate.is_cache(op, cache, TanhCache)
    return _backward(op, grad_output, cache.input, formula)


_COSH_LIMIT = 400.0  # cosh(400)^-2 is 0 in float64, and cosh(400) still a number
