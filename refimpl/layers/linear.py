"""Linear maps."""

from __future__ import annotations

import math
from typing import NamedTuple

from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._validate import Array

__all__ = ["linear_backward", "linear_forward"]


class LinearCache(NamedTuple):
    input: Array  # (..., in)
    weight: Array  # (out, in), or (in,)
    bias: Array | None  # (out,), or ()


def linear_forward(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> tuple[Array, LinearCache]:
    """The affine map of the last axis.

    y = x W^T + b

    Shapes: input (..., in), weight (out, in), bias (out,) or None, output (..., out);
        with weight (in,) and bias () the output is (...,).
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.linear.
    Derived: derivations/linear.md#linear.
    """
    op = "linear_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    _validate.at_least_dimensions(op, "input", input, 1)
    if weight.ndim not in (1, 2):
        raise ValueError(f"{op}: weight must have shape (out, in) or (in,), got {weight.shape}")
    if weight.shape[-1] != input.shape[-1]:
        raise ValueError(
            f"{op}: weight must have as many columns as input has features, "
            f"got weight {weight.shape} and input {input.shape}"
        )
    if bias is not None:
        _validate.has_shape(op, "bias", bias, "weight.shape[:-1]", weight.shape[:-1])

    x, w, b = working(input, weight, bias)
    y = x @ w.T
    if b is not None:
        y = y + b
    return answer(y, input, weight, bias), LinearCache(input, weight, bias)


def linear_backward(grad_output: ArrayLike, cache: LinearCache) -> dict[str, Array]:
    """grad_x = g W, grad_W = g^T x and grad_b = sum of g, each summed over all leading axes of x."""
    op = "linear_backward"
    cache = _validate.is_cache(op, cache, LinearCache)
    x, w, _ = working(*cache)
    g = _validate.output_gradient(op, grad_output, x.shape[:-1] + w.shape[:-1], x.dtype)

    rows = math.prod(x.shape[:-1])
    g_rows = g.reshape(rows, *w.shape[:-1])
    x_rows = x.reshape(rows, x.shape[-1])
    grads = {}
    if cache.bias is not None:  # y = y + b
        grads["bias"] = gradient(g_rows.sum(axis=0), cache.bias)
    # y = x @ w.T
    grads["weight"] = gradient(g_rows.T @ x_rows, cache.weight)
    grads["input"] = gradient(g @ w if w.ndim == 2 else g[..., None] * w, cache.input)
    return grads
