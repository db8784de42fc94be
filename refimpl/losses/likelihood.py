"""Negative log likelihoods of a number: the parameters of its distribution are predicted, the target is observed."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._numerics import two_prod, two_sum
from .._precision import gradient, working_dtype
from .._reduction import check_reduction, reduce_backward, reduced_elementwise, unbroadcast
from .._validate import Array

__all__ = [
    "gaussian_nll_loss_backward",
    "gaussian_nll_loss_forward",
    "poisson_nll_loss_backward",
    "poisson_nll_loss_forward",
]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


class GaussianNllLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    var: Any  # the same; with an axis of extent 1; without the last axis; or a float
    full: bool
    eps: float
    reduction: str


def gaussian_nll_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    var: ArrayLike,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> tuple[Array, GaussianNllLossCache]:
    """The negative log likelihood of a normal distribution with a predicted mean and a predicted variance.

    l_i = (log v_i + (x_i - t_i)^2 / v_i) / 2, with v = max(var, eps); plus log(2 pi) / 2 where full
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; var the same, or with extent 1 on one axis, or without the last axis, or a
        number; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not fit, an entry of var or eps is
        negative, or the reduction is unknown.
    Extremes: the square is divided before it is completed, and overflows only where the loss does: a residual of 1e200
        with a variance of 1e300 gives 5e99. The two terms of the loss may cancel; it is then exact to the rounding of
        the larger one.
    Source: torch.nn.functional.gaussian_nll_loss. Where var is below eps its gradient is, as in PyTorch, that of the
        loss at eps, and not 0: the clamp is passed straight through.
    Derived: derivations/likelihood.md#gaussian_nll_loss.
    """
    op = "gaussian_nll_loss_forward"
    x = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    variance = _check_variance(op, var, x.shape)
    full = _validate.boolean(op, "full", full)
    eps = _validate.number(op, "eps", eps, at_least=0)
    check_reduction(op, reduction)

    def formula(s: Any, x: Any, t: Any, v: Any) -> Any:
        d, v = x - t, np.maximum(v, eps)
        value = 0.5 * s * np.log(v) + _squared_over(0.5 * s, d, v)
        return value + s * _HALF_LOG_TWO_PI if full else value

    cache = GaussianNllLossCache(x, t, variance, full, eps, reduction)
    return reduced_elementwise(formula, x, t, _spread(cache), reduction=reduction), cache


def gaussian_nll_loss_backward(grad_output: ArrayLike, cache: GaussianNllLossCache) -> dict[str, Array]:
    """grad_x_i = g_i d_i / v_i with d = x - t and v = max(var, eps), grad_t = -grad_x,
    grad_v_i = g_i (v_i - d_i^2) / (2 v_i^2), also where var is below eps, and summed where var was repeated;
    under mean g_i = g / N.
    """
    op = "gaussian_nll_loss_backward"
    cache = _validate.is_cache(op, cache, GaussianNllLossCache)
    x, t, var = cache.input, cache.target, _spread(cache)
    dtype = working_dtype(x, t, var)
    g = _validate.output_gradient(op, grad_output, x.shape if cache.reduction == "none" else (), dtype)
    g = reduce_backward(g, x.shape, cache.reduction)

    def grad_mean(g: Any, x: Any, t: Any, v: Any) -> Any:
        return g * ((x - t) / np.maximum(v, cache.eps))

    def grad_variance(g: Any, x: Any, t: Any, v: Any) -> Any:
        return 0.5 * g * _variance_slope(x, t, np.maximum(v, cache.eps))

    with np.errstate(all="ignore"):
        grad_x = elementwise(grad_mean, g, x, t, var, dtype=dtype)
        grads = {"input": gradient(grad_x, x), "target": gradient(-grad_x, t)}
        if isinstance(cache.var, np.ndarray):
            grad_v = elementwise(grad_variance, g, x, t, var, dtype=dtype)
            shape = cache.var.shape if cache.var.ndim == x.ndim else (*cache.var.shape, 1)
            grads["var"] = gradient(unbroadcast(grad_v, shape).reshape(cache.var.shape), cache.var)
    return grads


def _check_variance(op: str, var: ArrayLike, shape: tuple[int, ...]) -> Any:
    """A Python number is one variance for all, and a constant; else an array of a shape that fits the input's."""
    if isinstance(var, (int, float, np.floating)):
        return _validate.number(op, "var", var, at_least=0)
    v = _validate.floating(op, "var", var)
    stretched = [extent for extent, whole in zip(v.shape, shape, strict=False) if extent != whole]
    repeated = v.ndim == len(shape) and stretched == [1]
    if v.shape not in (shape, shape[:-1]) and not repeated:
        raise ValueError(
            f"{op}: var must have shape of input = {shape}, or extent 1 on one axis, or be without the last axis, "
            f"got {v.shape}"
        )
    _validate.entries_at_least(op, "var", v, 0)
    return v


def _spread(cache: GaussianNllLossCache) -> Array:
    """var repeated to the input's shape."""
    if not isinstance(cache.var, np.ndarray):
        return np.broadcast_to(cache.input.dtype.type(cache.var), cache.input.shape)
    var = cache.var if cache.var.ndim == cache.input.ndim else cache.var[..., None]
    return np.broadcast_to(var, cache.input.shape)


def _squared_over(s: Any, d: Any, v: Any) -> Any:
    """s d^2 / v without the square, which may leave the range; by a subnormal v the quotient may instead."""
    quotient = d / v
    return np.where(np.isinf(quotient), s * d * d / v, s * d * quotient)


def _variance_slope(x: Any, t: Any, v: Any) -> Any:
    """(v - d^2) / v^2 with d = x - t. Near the best variance, d^2, its digits are in the roundings of d and of d^2."""
    d, d_error = two_sum(x, -t)
    square, square_error = two_prod(d, d)
    cross, cross_error = two_prod(2 * d, d_error)
    difference, first = two_sum(v - square, -square_error)
    difference, second = two_sum(difference, -cross)
    near = (difference + (first + second - cross_error - d_error * d_error)) / v / v

    r = d / v
    far = np.where(v < np.finfo(v.dtype).tiny, (1 - d * r) / v, 1 / v - r * r)  # 1 / v of a subnormal v may be infinite
    return np.where((square > v / 16) & (square < v * 16), near, far)


class PoissonNllLossCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    log_input: bool
    full: bool
    eps: float
    reduction: str


def poisson_nll_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> tuple[Array, PoissonNllLossCache]:
    """The negative log likelihood of a Poisson distribution with a predicted rate, or its logarithm, less log t!.

    l_i = exp(x_i) - t_i x_i where log_input, else x_i - t_i log(x_i + eps);
    where full, plus Stirling's t_i log t_i - t_i + log(2 pi t_i) / 2 for log t_i!, at the t_i above 1
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, a rate is below -eps, eps is
        negative, or the reduction is unknown.
    Extremes: the logarithm keeps its digits for rates near 1. A target of 0 counts 0 times the logarithm, also of an
        infinite one. The terms of the loss may cancel; it is then exact to the rounding of the largest one.
    Source: torch.nn.functional.poisson_nll_loss. The gradient of target at 0 is the derivative; under full PyTorch
        gives NaN there. The full loss jumps at t = 1, where Stirling's term sets in.
    Derived: derivations/likelihood.md#poisson_nll_loss.
    """
    op = "poisson_nll_loss_forward"
    x = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    log_input = _validate.boolean(op, "log_input", log_input)
    full = _validate.boolean(op, "full", full)
    eps = _validate.number(op, "eps", eps, at_least=0)
    check_reduction(op, reduction)
    if not log_input:
        _validate.entries_at_least(op, "input", x, -eps, f"-eps = {-eps:g}, as a rate")

    def formula(s: Any, x: Any, t: Any) -> Any:
        rate, log_rate = (np.exp(x), x) if log_input else (x, _log_rate(x, eps))
        value = s * rate - np.where(t == 0, 0, s * t * log_rate)
        return value + s * _stirling(t) if full else value

    cache = PoissonNllLossCache(x, t, log_input, full, eps, reduction)
    return reduced_elementwise(formula, x, t, reduction=reduction), cache


def poisson_nll_loss_backward(grad_output: ArrayLike, cache: PoissonNllLossCache) -> dict[str, Array]:
    """grad_x_i = g_i (exp(x_i) - t_i) where log_input, else g_i (1 - t_i / (x_i + eps));
    grad_t_i = -g_i x_i where log_input, else -g_i log(x_i + eps); where full, plus g_i (log t_i + 1 / (2 t_i)) at the
    t_i above 1; under mean g_i = g / N.
    """
    op = "poisson_nll_loss_backward"
    cache = _validate.is_cache(op, cache, PoissonNllLossCache)
    x, t, eps = cache.input, cache.target, cache.eps
    dtype = working_dtype(x, t)
    g = _validate.output_gradient(op, grad_output, x.shape if cache.reduction == "none" else (), dtype)
    g = reduce_backward(g, x.shape, cache.reduction)

    def grad_input(g: Any, x: Any, t: Any) -> Any:
        return g * (np.exp(x) - t) if cache.log_input else g * _excess(x, t, eps)

    def grad_target(g: Any, x: Any, t: Any) -> Any:
        slope = -x if cache.log_input else -_log_rate(x, eps)
        if cache.full:
            log_ratio = np.log(t) - x if cache.log_input else _log_ratio(x, t, eps)
            slope = np.where(t > 1, log_ratio + 0.5 / t, slope)
        return g * slope

    with np.errstate(all="ignore"):
        grad_x = elementwise(grad_input, g, x, t, dtype=dtype)
        grad_t = elementwise(grad_target, g, x, t, dtype=dtype)
        return {"input": gradient(grad_x, x), "target": gradient(grad_t, t)}


def _stirling(t: Any) -> Any:
    """Stirling's approximation to log t! for t above 1, else 0."""
    above = np.where(t > 1, t, 2)
    return np.where(t > 1, (above + 0.5) * np.log(above) - above + _HALF_LOG_TWO_PI, 0)


def _log_rate(x: Any, eps: float) -> Any:
    """log(x + eps); near 1 from the distance to 1, which the rounding of x + eps would lose."""
    return np.where(np.abs(x - 1) < 0.5, np.log1p((x - 1) + eps), np.log(x + eps))


def _excess(x: Any, t: Any, eps: float) -> Any:
    """1 - t / (x + eps); where both are near each other from their difference."""
    rate = x + eps
    ratio = t / rate
    return np.where((ratio > 0.5) & (ratio < 2), _difference(x, t, eps) / rate, 1 - ratio)


def _log_ratio(x: Any, t: Any, eps: float) -> Any:
    """log(t / (x + eps)), in the form that keeps the digits."""
    rate = x + eps
    ratio = t / rate
    far = np.where(np.isinf(ratio), np.log(t) - np.log(rate), np.log(ratio))
    return np.where((ratio > 0.5) & (ratio < 2), -np.log1p(_difference(x, t, eps) / t), far)


def _difference(x: Any, t: Any, eps: float) -> Any:
    """x + eps - t."""
    d, error = two_sum(x, -t)
    return (d + eps) + error
