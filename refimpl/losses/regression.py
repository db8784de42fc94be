"""Losses of a residual: how far a prediction is from its target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array

__all__ = ["l1_loss_backward", "l1_loss_forward", "mse_loss_backward", "mse_loss_forward"]


class MseLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # the same
    reduction: str


class L1LossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # the same
    reduction: str


def mse_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", weight: ArrayLike | None = None
) -> tuple[Array, MseLossCache]:
    """The squared error, its mean or its sum.

    l_i = w_i (x_i - t_i)^2
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / sum_i w_i, which without a weight is the mean

    Shapes: input any, target and weight the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ or the reduction is unknown.
    Extremes: a residual above 1.3e154 overflows when squared; the mean of nothing is NaN.
    Source: torch.nn.functional.mse_loss.
    Derived: derivations/regression.md#mse_loss.
    """
    arrays = _check("mse_loss_forward", input, target, reduction, weight)
    return _weighted_forward(arrays, reduction, np.square), MseLossCache(*arrays, reduction)


def mse_loss_backward(grad_output: ArrayLike, cache: MseLossCache) -> dict[str, Array]:
    """grad_x_i = g_i 2 w_i (x_i - t_i), grad_t = -grad_x, grad_w_i = g_i (x_i - t_i)^2;
    under mean g_i = g / sum(w), and grad_w_i = g_i ((x_i - t_i)^2 - L).
    """
    op = "mse_loss_backward"
    cache = _validate.is_cache(op, cache, MseLossCache)
    return _weighted_backward(op, grad_output, cache, np.square, lambda g, d: 2 * g * d)


def l1_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", weight: ArrayLike | None = None
) -> tuple[Array, L1LossCache]:
    """The absolute error, its mean or its sum.

    l_i = w_i |x_i - t_i|
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / sum_i w_i, which without a weight is the mean

    Shapes: input any, target and weight the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ or the reduction is unknown.
    Extremes: exact but for the residual's rounding; the mean of nothing is NaN.
    Source: torch.nn.functional.l1_loss.
    Derived: derivations/regression.md#l1_loss.
    """
    arrays = _check("l1_loss_forward", input, target, reduction, weight)
    return _weighted_forward(arrays, reduction, np.abs), L1LossCache(*arrays, reduction)


def l1_loss_backward(grad_output: ArrayLike, cache: L1LossCache) -> dict[str, Array]:
    """grad_x_i = g_i w_i sign(x_i - t_i), 0 where they are equal; grad_t = -grad_x; grad_w_i = g_i |x_i - t_i|;
    under mean g_i = g / sum(w), and grad_w_i = g_i (|x_i - t_i| - L).
    """
    op = "l1_loss_backward"
    cache = _validate.is_cache(op, cache, L1LossCache)
    return _weighted_backward(op, grad_output, cache, np.abs, lambda g, d: g * np.sign(d))


def _check(
    op: str, input: ArrayLike, target: ArrayLike, reduction: str, weight: ArrayLike | None
) -> tuple[Array, Array, Array | None]:
    x = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    w = _validate.optional_floating(op, "weight", weight)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    if w is not None:
        _validate.has_shape(op, "weight", w, "of input", x.shape)
    check_reduction(op, reduction)
    return x, t, w


def _weighted_forward(
    arrays: tuple[Array, Array, Array | None], reduction: str, penalty: Callable[[Any], Any]
) -> Array:
    """The reduced w_i penalty(x_i - t_i)."""
    x, t, w = working(*arrays)
    with np.errstate(all="ignore"):
        values = penalty(x - t)
        if w is None:
            return answer(reduce_forward(values, reduction), *arrays)
        return answer(reduce_forward(w * values, reduction, divisor=w.sum()), *arrays)


def _weighted_backward(
    op: str,
    grad_output: ArrayLike,
    cache: MseLossCache | L1LossCache,
    penalty: Callable[[Any], Any],
    pull_back: Callable[[Any, Any], Any],
) -> dict[str, Array]:
    x, t, w = working(cache.input, cache.target, cache.weight)
    shape = x.shape if cache.reduction == "none" else ()
    g = _validate.output_gradient(op, grad_output, shape, x.dtype)

    with np.errstate(all="ignore"):
        d = x - t
        divisor = None if w is None else w.sum()
        g = reduce_backward(g, x.shape, cache.reduction, divisor)
        grad_d = pull_back(g if w is None else g * w, d)
        grads = {"input": gradient(grad_d, cache.input), "target": gradient(-grad_d, cache.target)}
        if cache.weight is not None:
            values = penalty(d)
            if cache.reduction == "mean":  # the divisor is the sum of the weights, and carries gradient as well
                values = values - reduce_forward(w * values, "mean", divisor)
            grads["weight"] = gradient(g * values, cache.weight)
    return grads
