"""Losses of a residual: how far a prediction is from its target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._precision import gradient, working_dtype
from .._reduction import check_reduction, reduce_backward, reduced_elementwise
from .._validate import Array

__all__ = [
    "huber_loss_backward",
    "huber_loss_forward",
    "l1_loss_backward",
    "l1_loss_forward",
    "log_cosh_loss_backward",
    "log_cosh_loss_forward",
    "mse_loss_backward",
    "mse_loss_forward",
    "quantile_loss_backward",
    "quantile_loss_forward",
    "smooth_l1_loss_backward",
    "smooth_l1_loss_forward",
]


class HuberLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # the same
    reduction: str
    delta: float


def huber_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: ArrayLike | None = None,
) -> tuple[Array, HuberLossCache]:
    """The squared error for small residuals and the absolute error for large ones, joined smoothly at delta.

    l_i = w_i d_i^2 / 2 where |d_i| <= delta, else w_i delta (|d_i| - delta / 2), with d_i = x_i - t_i
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements, also with a weight

    Shapes: input any, target and weight the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, delta is not positive or the
        reduction is unknown.
    Extremes: no overflow where the loss is a number; delta = inf is half the squared error. The mean of nothing is NaN.
    Source: torch.nn.functional.huber_loss.
    Derived: derivations/regression.md#huber_loss.
    """
    op = "huber_loss_forward"
    x, t, w = _check(op, input, target, reduction, weight)
    cache = HuberLossCache(x, t, w, reduction, _validate.number(op, "delta", delta, above=0))
    return _forward(cache, _huber(cache.delta)), cache


def huber_loss_backward(grad_output: ArrayLike, cache: HuberLossCache) -> dict[str, Array]:
    """grad_x_i = g_i w_i d_i where |d_i| <= delta, else g_i w_i delta sign(d_i); grad_t = -grad_x;
    grad_w_i = g_i l_i / w_i, the loss without its weight; under mean g_i = g / N.
    """
    op = "huber_loss_backward"
    cache = _validate.is_cache(op, cache, HuberLossCache)
    delta = cache.delta
    return _backward(op, grad_output, cache, _huber(delta), lambda s, d: s * np.clip(d, -delta, delta))


def _huber(delta: float) -> Callable[[Any, Any], Any]:
    def penalty(s: Any, d: Any) -> Any:
        a = np.abs(d)
        c = np.minimum(a, min(delta, float(np.finfo(d.dtype).max)))  # so that no infinity is taken from another
        return s * c * (a - 0.5 * c)  # both formulas in one: where c is a, the difference is a / 2, exactly

    return penalty


class L1LossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # the same
    reduction: str


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
    cache = L1LossCache(*_check("l1_loss_forward", input, target, reduction, weight), reduction)
    return _forward(cache, _absolute, _sum_of_weights(cache.weight)), cache


def l1_loss_backward(grad_output: ArrayLike, cache: L1LossCache) -> dict[str, Array]:
    """grad_x_i = g_i w_i sign(x_i - t_i), 0 where they are equal; grad_t = -grad_x; grad_w_i = g_i |x_i - t_i|;
    under mean g_i = g / sum(w), and grad_w_i = g_i (|x_i - t_i| - L).
    """
    op = "l1_loss_backward"
    cache = _validate.is_cache(op, cache, L1LossCache)
    return _backward(op, grad_output, cache, _absolute, lambda s, d: s * np.sign(d), _sum_of_weights(cache.weight))


def _absolute(s: Any, d: Any) -> Any:
    return s * np.abs(d)


class LogCoshLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    reduction: str


def log_cosh_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> tuple[Array, LogCoshLossCache]:
    """The logarithm of the hyperbolic cosine of the residual: half its square near 0, its magnitude far away.

    l_i = log cosh(x_i - t_i)
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ or the reduction is unknown.
    Extremes: full relative precision for every residual: 1e-100 gives 5e-201, 1e300 gives 1e300. The mean of nothing
        is NaN.
    Source: optax.losses.log_cosh, under the name and the reductions of the other losses; PyTorch has none.
    Derived: derivations/regression.md#log_cosh_loss.
    """
    x, t, _ = _check("log_cosh_loss_forward", input, target, reduction)
    cache = LogCoshLossCache(x, t, reduction)
    return _forward(cache, _log_cosh), cache


def log_cosh_loss_backward(grad_output: ArrayLike, cache: LogCoshLossCache) -> dict[str, Array]:
    """grad_x_i = g_i tanh(x_i - t_i), grad_t = -grad_x; under mean g_i = g / N."""
    op = "log_cosh_loss_backward"
    cache = _validate.is_cache(op, cache, LogCoshLossCache)
    return _backward(op, grad_output, cache, _log_cosh, lambda s, d: s * np.tanh(d))


def _log_cosh(s: Any, d: Any) -> Any:
    """cosh d = 1 + 2 sinh(d / 2)^2 keeps the digits of a small d; from 20 on only |d| itself counts still."""
    a = np.abs(d)
    c = np.minimum(a, 20)
    sinh = np.sinh(0.5 * c)
    return s * (np.log1p(2 * sinh * sinh) + (a - c))


class MseLossCache(NamedTuple):
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
    Extremes: a residual above 1.3e154 overflows when squared, but not in a mean that is itself a number. The mean of
        nothing is NaN.
    Source: torch.nn.functional.mse_loss.
    Derived: derivations/regression.md#mse_loss.
    """
    cache = MseLossCache(*_check("mse_loss_forward", input, target, reduction, weight), reduction)
    return _forward(cache, _square, _sum_of_weights(cache.weight)), cache


def mse_loss_backward(grad_output: ArrayLike, cache: MseLossCache) -> dict[str, Array]:
    """grad_x_i = g_i 2 w_i (x_i - t_i), grad_t = -grad_x, grad_w_i = g_i (x_i - t_i)^2;
    under mean g_i = g / sum(w), and grad_w_i = g_i ((x_i - t_i)^2 - L).
    """
    op = "mse_loss_backward"
    cache = _validate.is_cache(op, cache, MseLossCache)
    return _backward(op, grad_output, cache, _square, lambda s, d: 2 * s * d, _sum_of_weights(cache.weight))


def _square(s: Any, d: Any) -> Any:
    return s * d * d  # not s * (d * d): a small weight keeps a large square a number


class QuantileLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    quantile: float
    reduction: str


def quantile_loss_forward(
    input: ArrayLike, target: ArrayLike, quantile: float = 0.5, reduction: str = "mean"
) -> tuple[Array, QuantileLossCache]:
    """The pinball loss, whose expectation is least where the input is the given quantile of the target.

    l_i = q (t_i - x_i) where x_i < t_i, else (1 - q) (x_i - t_i), with q = quantile
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, quantile is not from 0 to 1 or
        the reduction is unknown.
    Extremes: two roundings; the mean of nothing is NaN.
    Source: R. Koenker, G. Bassett, Regression quantiles, Econometrica 46, 1978; PyTorch has none.
    Derived: derivations/regression.md#quantile_loss.
    """
    op = "quantile_loss_forward"
    x, t, _ = _check(op, input, target, reduction)
    cache = QuantileLossCache(x, t, _validate.number(op, "quantile", quantile, at_least=0, at_most=1), reduction)
    return _forward(cache, _pinball(cache.quantile)), cache


def quantile_loss_backward(grad_output: ArrayLike, cache: QuantileLossCache) -> dict[str, Array]:
    """grad_x_i = -g_i q where x_i < t_i, g_i (1 - q) where x_i > t_i, 0 where they are equal; grad_t = -grad_x;
    under mean g_i = g / N.
    """
    op = "quantile_loss_backward"
    cache = _validate.is_cache(op, cache, QuantileLossCache)
    q = cache.quantile

    def pull_back(s: Any, d: Any) -> Any:
        sign = np.sign(d)
        return s * ((1 - q) * np.maximum(sign, 0) + q * np.minimum(sign, 0))

    return _backward(op, grad_output, cache, _pinball(q), pull_back)


def _pinball(q: float) -> Callable[[Any, Any], Any]:
    return lambda s, d: s * np.maximum((1 - q) * d, -q * d)


class SmoothL1LossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    reduction: str
    beta: float


def smooth_l1_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", beta: float = 1.0
) -> tuple[Array, SmoothL1LossCache]:
    """The absolute error, less beta / 2, rounded off to a parabola for residuals smaller than beta.

    l_i = d_i^2 / (2 beta) where |d_i| < beta, else |d_i| - beta / 2, with d_i = x_i - t_i
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, beta is negative or the reduction
        is unknown.
    Extremes: beta = 0 is l1_loss. The square is not taken before it is divided by beta: no underflow on the way. The
        mean of nothing is NaN.
    Source: torch.nn.functional.smooth_l1_loss.
    Derived: derivations/regression.md#smooth_l1_loss.
    """
    op = "smooth_l1_loss_forward"
    x, t, _ = _check(op, input, target, reduction)
    cache = SmoothL1LossCache(x, t, reduction, _validate.number(op, "beta", beta, at_least=0))
    return _forward(cache, _smooth_absolute(cache.beta)), cache


def smooth_l1_loss_backward(grad_output: ArrayLike, cache: SmoothL1LossCache) -> dict[str, Array]:
    """grad_x_i = g_i d_i / beta where |d_i| < beta, else g_i sign(d_i); grad_t = -grad_x; under mean g_i = g / N.
    With beta = 0 the residual 0 is a kink, and the gradient there 0.
    """
    op = "smooth_l1_loss_backward"
    cache = _validate.is_cache(op, cache, SmoothL1LossCache)

    def pull_back(s: Any, d: Any) -> Any:
        beta = d.dtype.type(cache.beta)
        return s * (np.clip(d / beta, -1, 1) if beta else np.sign(d))

    return _backward(op, grad_output, cache, _smooth_absolute(cache.beta), pull_back)


def _smooth_absolute(beta: float) -> Callable[[Any, Any], Any]:
    def penalty(s: Any, d: Any) -> Any:
        a, b = np.abs(d), d.dtype.type(beta)
        if not b:
            return s * a
        c = np.minimum(a, b)
        return s * (c / b) * (a - 0.5 * c)  # not c * c / b: the square of a small residual is 0

    return penalty


# What the losses share. A penalty is a function of the residual d, times s, which it multiplies in first.

Penalty = Callable[[Any, Any], Any]


def _check(
    op: str, input: ArrayLike, target: ArrayLike, reduction: str, weight: ArrayLike | None = None
) -> tuple[Array, Array, Array | None]:
    x = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    w = _validate.optional_floating(op, "weight", weight)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    if w is not None:
        _validate.has_shape(op, "weight", w, "of input", x.shape)
    check_reduction(op, reduction)
    return x, t, w


def _sum_of_weights(weight: Array | None) -> float | None:
    """What a weighted mean divides by; None stands for the number of elements."""
    if weight is None:
        return None
    with np.errstate(all="ignore"):
        return float(weight.sum(dtype=np.float64))


def _forward(cache: Any, penalty: Penalty, divisor: float | None = None) -> Array:
    """The reduced w_i penalty(x_i - t_i)."""
    w = getattr(cache, "weight", None)
    arrays = (cache.input, cache.target, *([] if w is None else [w]))

    def formula(s: Any, x: Any, t: Any, w: Any = 1.0) -> Any:
        return penalty(s * w, x - t)

    return reduced_elementwise(formula, *arrays, reduction=cache.reduction, divisor=divisor)


def _backward(
    op: str,
    grad_output: ArrayLike,
    cache: Any,
    penalty: Penalty,
    pull_back: Penalty,
    divisor: float | None = None,
) -> dict[str, Array]:
    """pull_back(s, d) is s times the slope of the penalty at d; a divisor is the sum of the weights."""
    x, t, w = cache.input, cache.target, getattr(cache, "weight", None)
    dtype = working_dtype(x, t, w)
    g = _validate.output_gradient(op, grad_output, x.shape if cache.reduction == "none" else (), dtype)
    g = reduce_backward(g, x.shape, cache.reduction, divisor)
    with np.errstate(all="ignore"):
        weighted = g if w is None else g * w.astype(dtype, copy=False)
        grad_x = elementwise(lambda s, x, t: pull_back(s, x - t), weighted, x, t, dtype=dtype)
        grads = {"input": gradient(grad_x, x), "target": gradient(-grad_x, t)}
        if w is not None:
            grad_w = elementwise(lambda g, x, t: penalty(g, x - t), g, x, t, dtype=dtype)
            if cache.reduction == "mean" and divisor is not None:
                grad_w = _less_weighted_mean(grad_w, w, divisor)
            grads["weight"] = gradient(grad_w, w)
    return grads


def _less_weighted_mean(values: Array, weight: Array, divisor: float) -> Array:
    """v_i - sum_j w_j v_j / sum(w): the divisor of a weighted mean carries gradient as well.

    The values are measured from the one that weighs most. Where it is nearly all of the mean, what is left of it is
    then the sum of the others, not a difference of two roundings.
    """
    if values.size == 0:
        return values
    share = weight.astype(values.dtype, copy=False) / values.dtype.type(divisor)
    values = values - values.reshape(-1)[np.abs(share).argmax()]
    return np.asarray(values - (share * values).sum())
