"""Sparsemax: rows of scores to rows of probabilities, most of them exactly 0."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import rowwise
from .._numerics import sum_of_rows, two_prod, two_sum
from .._precision import working_dtype
from .._validate import Array

__all__ = ["sparsemax_backward", "sparsemax_forward"]


class SparsemaxCache(NamedTuple):
    input: Array  # any shape
    support: NDArray[np.bool_]  # the same: where output is above 0
    axis: int


def sparsemax_forward(input: ArrayLike, dim: int = -1) -> tuple[Array, SparsemaxCache]:
    """The point of the probability simplex nearest to the scores, along one axis.

    p_i = max(x_i - t, 0) with the t for which sum_i p_i = 1: t = (sum of x over S - 1) / |S|, S the set where x_i > t

    Shapes: input any, output the same; dim names the axis.
    Raises: TypeError where input is not floating; ValueError where dim is out of range.
    Extremes: every probability to full relative precision, at any offset; a row with NaN or inf gives NaN.
    Source: Martins and Astudillo, From Softmax to Sparsemax (2016).
    Derived: derivations/sparsemax.md#sparsemax.
    """
    op = "sparsemax_forward"
    x = _validate.floating(op, "input", input)
    axis = _validate.axis(op, "dim", dim, x.ndim)
    p = rowwise(_projection, x, axis=axis, dtype=working_dtype(x))
    return p.astype(x.dtype, copy=False), SparsemaxCache(x, p > 0, axis)


def sparsemax_backward(grad_output: ArrayLike, cache: SparsemaxCache) -> dict[str, Array]:
    """grad_x_i = g_i - (mean of g over S) in the support S, 0 outside; an entry at the threshold is outside."""

    def formula(g: Any, support: Any) -> Any:
        # Measured from one entry of the support, so that equal gradients leave exactly 0.
        c = g - np.take_along_axis(g, support.argmax(axis=1)[:, None], axis=1)
        mean = (c * support).sum(axis=1, keepdims=True) / support.sum(axis=1, keepdims=True)
        return np.where(support > 0, c - mean, 0)

    op = "sparsemax_backward"
    x, support, axis = _validate.is_cache(op, cache, SparsemaxCache)
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))
    return {"input": rowwise(formula, g, support.astype(g.dtype), axis=axis, dtype=x.dtype)}


def _projection(x: Array) -> Array:
    """Rows of scores to rows of probabilities. An entry near the threshold t is a small difference of large numbers:
    it has its digits because x and t each come with what their rounding left out."""
    maximum = x.max(axis=1, keepdims=True)
    d, d_error = two_sum(x, -maximum)
    d_error = np.where(np.isfinite(d_error), d_error, 0)

    falling = -np.sort(-d, axis=1)
    inside = 1 + np.arange(1, x.shape[1] + 1) * falling > np.cumsum(falling, axis=1, dtype=np.float64)
    least = np.take_along_axis(falling, np.maximum(inside.sum(axis=1, keepdims=True), 1) - 1, axis=1)
    support = d >= least
    size = support.sum(axis=1, keepdims=True, dtype=x.dtype)

    total, total_error = sum_of_rows(np.where(support, d, 0))
    total, rounding = two_sum(total, -1)  # the sum over the support, less 1
    total_error += rounding + np.where(support, d_error, 0).sum(axis=1, keepdims=True)
    t = total / size
    product, rounding = two_prod(t, size)
    t_error = ((total - product) - rounding + total_error) / size

    p, rounding = two_sum(d, -t)
    p = np.maximum(p + (rounding + d_error - t_error), 0)
    return np.where(support, p, 0) + (maximum - maximum)  # + 0, or + NaN where there is no maximum
