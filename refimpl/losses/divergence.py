"""Divergences: how far one probability distribution is from another, element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._numerics import excess
from .._precision import working_dtype
from .._reduction import reduce_backward, reduced_elementwise
from .._validate import Array

__all__ = [
    "generalized_kl_div_backward",
    "generalized_kl_div_forward",
    "jensen_shannon_div_backward",
    "jensen_shannon_div_forward",
    "kl_div_backward",
    "kl_div_forward",
    "total_variation_distance_backward",
    "total_variation_distance_forward",
]

REDUCTIONS = ("none", "batchmean", "mean", "sum")


class KlDivCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    reduction: str
    log_target: bool


class GeneralizedKlDivCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    reduction: str
    log_target: bool


def kl_div_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", log_target: bool = False
) -> tuple[Array, KlDivCache]:
    """The Kullback-Leibler divergence of log-probabilities from the target's probabilities, term by term.

    l_i = t_i (log t_i - x_i), and 0 where t_i = 0;  with log_target l_i = exp(t_i) (t_i - x_i)
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements;
    batchmean: sum_i l_i / B, where B is the extent of the first axis, which is the divergence of whole rows

    Shapes: input any, target the same; output like input (none) or ().
    Raises: TypeError where an array is not floating or log_target not a boolean; ValueError where shapes differ,
        target holds no probabilities (without log_target), or the reduction is unknown.
    Extremes: log t - x keeps its digits where the two are close. For t = 0 the slope in the target is -inf; backward
        returns NaN there, as PyTorch does, and a log_target of -inf gives NaN throughout. The mean of nothing is NaN.
    Source: torch.nn.functional.kl_div.
    Derived: derivations/divergence.md#kl_div.
    """
    op = "kl_div_forward"
    x, t, log_target = _check_kl(op, input, target, reduction, log_target)
    if not log_target:
        _validate.probabilities(op, "target", t)

    def formula(s: Any, x: Any, t: Any) -> Any:
        if log_target:
            root = np.exp(t / 2)  # exp(t) may lie below the normal numbers, and the product with t - x above
            return root * (s * (t - x)) * root
        return _times(t)(s * _log_ratio(t, x))

    return _forward(formula, x, t, reduction), KlDivCache(x, t, reduction, log_target)


def kl_div_backward(grad_output: ArrayLike, cache: KlDivCache) -> dict[str, Array]:
    """grad_x_i = -g_i t_i, grad_t_i = g_i (log t_i + 1 - x_i); with log_target grad_x_i = -g_i exp(t_i) and
    grad_t_i = g_i exp(t_i) (t_i + 1 - x_i); under mean g_i = g / N, under batchmean g / B.
    """

    def of_input(g: Any, x: Any, t: Any) -> Any:
        return -g * (np.exp(t) if cache.log_target else t)

    def of_target(g: Any, x: Any, t: Any) -> Any:
        if cache.log_target:
            root = np.exp(t / 2)
            return root * (g * (t - x + 1)) * root
        slope = np.where(t == 0, np.nan, _log_ratio(t, x) + 1)  # PyTorch's value at 0, where the slope is -inf
        return _times(g)(slope)

    op = "kl_div_backward"
    cache = _validate.is_cache(op, cache, KlDivCache)
    return _backward(op, grad_output, cache, of_input, of_target)


def generalized_kl_div_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean", log_target: bool = False
) -> tuple[Array, GeneralizedKlDivCache]:
    """The Kullback-Leibler divergence for positive numbers that need not sum to 1, term by term; no term is negative.

    l_i = t_i (log t_i - x_i) - t_i + exp(x_i), and exp(x_i) where t_i = 0;  with log_target exp(t_i) for t_i
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements;
    batchmean: sum_i l_i / B, where B is the extent of the first axis

    Shapes: input any, target the same; output like input (none) or ().
    Raises: TypeError where an array is not floating or log_target not a boolean; ValueError where shapes differ, a
        target is negative (without log_target), or the reduction is unknown.
    Extremes: near x = log t the loss is t (log t - x)^2 / 2, and is computed as such, not as a difference. At t = 0 the
        slope in the target is -inf. The mean of nothing is NaN.
    Source: optax.losses.generalized_kl_divergence, with the arguments and reductions of kl_div; Csiszar 1975.
    Derived: derivations/divergence.md#generalized_kl_div.
    """
    op = "generalized_kl_div_forward"
    x, t, log_target = _check_kl(op, input, target, reduction, log_target)
    if not log_target:
        _validate.entries_at_least(op, "target", t, 0)

    def formula(s: Any, x: Any, t: Any) -> Any:
        d = t - x if log_target else _log_ratio(t, x)
        times = _times_exp(t) if log_target else _times(t)
        return np.where(np.abs(d) < 1, times(s * excess(d)), times(s * (d - 1)) + s * np.exp(x))

    return _forward(formula, x, t, reduction), GeneralizedKlDivCache(x, t, reduction, log_target)


def generalized_kl_div_backward(grad_output: ArrayLike, cache: GeneralizedKlDivCache) -> dict[str, Array]:
    """grad_x_i = g_i (exp(x_i) - t_i), grad_t_i = g_i (log t_i - x_i); with log_target grad_x_i = g_i (exp(x_i) -
    exp(t_i)) and grad_t_i = g_i exp(t_i) (t_i - x_i); under mean g_i = g / N, under batchmean g / B.
    """

    def of_input(g: Any, x: Any, t: Any) -> Any:
        if not cache.log_target:
            return g * (np.exp(x) - t)
        return g * np.where(np.abs(t - x) < 1, np.exp(t) * np.expm1(x - t), np.exp(x) - np.exp(t))

    def of_target(g: Any, x: Any, t: Any) -> Any:
        if cache.log_target:
            return _times_exp(t)(g * (t - x))
        return _times(g)(_log_ratio(t, x))

    op = "generalized_kl_div_backward"
    cache = _validate.is_cache(op, cache, GeneralizedKlDivCache)
    return _backward(op, grad_output, cache, of_input, of_target)


class JensenShannonDivCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    beta: float
    reduction: str


def jensen_shannon_div_forward(
    input: ArrayLike, target: ArrayLike, beta: float = 0.5, reduction: str = "batchmean"
) -> tuple[Array, JensenShannonDivCache]:
    """The Jensen-Shannon divergence of two distributions given by their log-probabilities, term by term.

    l_i = beta q_i (y_i - log m_i) + (1 - beta) p_i (x_i - log m_i) with p = exp(x), q = exp(y), y the target and
    m = (1 - beta) p + beta q;  for beta = 0 it is q_i (y_i - x_i), for beta = 1 p_i (x_i - y_i)
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements;
    batchmean: sum_i l_i / B, where B is the extent of the first axis, which is the divergence of whole rows

    Shapes: input any, target the same; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, beta is not from 0 to 1, or the
        reduction is unknown.
    Extremes: near x = y the loss is beta (1 - beta) p (x - y)^2 / 2, and is computed as such, not as a difference. A
        class that one of the two or both exclude (-inf) costs what the limit says. The mean of nothing is NaN.
    Source: Lin, Divergence measures based on the Shannon entropy, 1991; with beta and its two ends as in Agarwal et
        al., On-policy distillation of language models, 2023, and in Liger-Kernel's LigerJSD.
    Derived: derivations/divergence.md#jensen_shannon_div.
    """
    op = "jensen_shannon_div_forward"
    x, y = _check(op, input, target, reduction)
    beta = _validate.number(op, "beta", beta, at_least=0, at_most=1)

    def formula(s: Any, x: Any, y: Any) -> Any:
        if beta in (0, 1):
            return _times_exp(y)(s * (y - x)) if beta == 0 else _times_exp(x)(s * (x - y))
        x_to_m, y_to_m = _to_mixture(x, y, 1 - beta, beta)
        # Close to each other the two terms nearly cancel. p - m and q - m, which cancel exactly, leave none negative.
        close = _times_exp(x)(s * (1 - beta) * excess(x_to_m)) + _times_exp(y)(s * beta * excess(y_to_m))
        apart = _times_exp(x)(s * (1 - beta) * x_to_m) + _times_exp(y)(s * beta * y_to_m)
        return np.where(np.abs(y - x) < 1, close, apart)

    return _forward(formula, x, y, reduction), JensenShannonDivCache(x, y, beta, reduction)


def jensen_shannon_div_backward(grad_output: ArrayLike, cache: JensenShannonDivCache) -> dict[str, Array]:
    """grad_x_i = g_i (1 - beta) p_i (x_i - log m_i), grad_y_i = g_i beta q_i (y_i - log m_i); for beta = 0 grad_x_i =
    -g_i q_i and grad_y_i = g_i q_i (y_i - x_i + 1), for beta = 1 the same with x and y exchanged; under mean
    g_i = g / N, under batchmean g / B.
    """
    op = "jensen_shannon_div_backward"
    cache = _validate.is_cache(op, cache, JensenShannonDivCache)

    def slope(g: Any, x: Any, y: Any, own: float, other: float) -> Any:
        """In the first of the two, by their weights."""
        if own in (0, 1):
            return _times_exp(x)(g * (x - y + 1)) if own == 0 else -g * np.exp(y)
        return _times_exp(x)(g * own * _to_mixture(x, y, own, other)[0])

    def of_input(g: Any, x: Any, y: Any) -> Any:
        return slope(g, x, y, 1 - cache.beta, cache.beta)

    def of_target(g: Any, x: Any, y: Any) -> Any:
        return slope(g, y, x, cache.beta, 1 - cache.beta)

    return _backward(op, grad_output, cache, of_input, of_target)


def _to_mixture(x: Any, y: Any, a: float, b: float) -> tuple[Any, Any]:
    """x - log m and y - log m for m = a exp(x) + b exp(y) with a + b = 1."""
    if b > a:
        y_to_m, x_to_m = _to_mixture(y, x, b, a)
        return x_to_m, y_to_m
    d = y - x
    limit = float(np.log(np.finfo(d.dtype).max)) - 1
    # For d > 0, m / exp(y) from terms that are not negative, and its logarithm from what is nearer to it, 0 or 1.
    share = b + a * np.exp(-np.maximum(d, 0))
    y_to_m = -np.where(share < 0.5, np.log(share), np.log1p(a * np.expm1(-np.maximum(d, 0))))
    m_to_x = np.where(d < limit, np.log1p(b * np.expm1(np.minimum(d, limit))), d - y_to_m)
    return -m_to_x, np.where(d > 1, y_to_m, d - m_to_x)


class TotalVariationDistanceCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    reduction: str


def total_variation_distance_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "batchmean"
) -> tuple[Array, TotalVariationDistanceCache]:
    """The total variation distance of two distributions given by their probabilities, term by term.

    l_i = |p_i - t_i| / 2
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements;
    batchmean: sum_i l_i / B, where B is the extent of the first axis, which is the distance of whole rows

    Shapes: input any, target the same; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, input or target holds no
        probabilities, or the reduction is unknown.
    Extremes: one rounding, for the difference; the mean of nothing is NaN.
    Source: Liger-Kernel's LigerTVDLoss, with its default reduction.
    Derived: derivations/divergence.md#total_variation_distance.
    """
    op = "total_variation_distance_forward"
    p, t = _check(op, input, target, reduction)
    _validate.probabilities(op, "input", p)
    _validate.probabilities(op, "target", t)
    output = _forward(lambda s, p, t: s * 0.5 * np.abs(p - t), p, t, reduction)
    return output, TotalVariationDistanceCache(p, t, reduction)


def total_variation_distance_backward(grad_output: ArrayLike, cache: TotalVariationDistanceCache) -> dict[str, Array]:
    """grad_p_i = g_i sign(p_i - t_i) / 2, 0 where they are equal, and grad_t = -grad_p; under mean g_i = g / N, under
    batchmean g / B.
    """
    op = "total_variation_distance_backward"
    cache = _validate.is_cache(op, cache, TotalVariationDistanceCache)
    return _backward(
        op, grad_output, cache, lambda g, p, t: g * 0.5 * np.sign(p - t), lambda g, p, t: g * 0.5 * np.sign(t - p)
    )


# What the ops share.


def _check(op: str, input: ArrayLike, target: ArrayLike, reduction: str) -> tuple[Array, Array]:
    x = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    _validate.one_of(op, "reduction", reduction, REDUCTIONS)
    return x, t


def _check_kl(
    op: str, input: ArrayLike, target: ArrayLike, reduction: str, log_target: bool
) -> tuple[Array, Array, bool]:
    return *_check(op, input, target, reduction), _validate.boolean(op, "log_target", log_target)


def _reduction(reduction: str, shape: tuple[int, ...]) -> tuple[str, float | None]:
    """batchmean as a mean with a divisor of its own; a single number is a batch of one."""
    if reduction == "batchmean":
        return "mean", shape[0] if shape else 1
    return reduction, None


def _forward(formula: Callable[..., Any], x: Array, t: Array, reduction: str) -> Array:
    reduction, divisor = _reduction(reduction, x.shape)
    return reduced_elementwise(formula, x, t, reduction=reduction, divisor=divisor)


def _backward(
    op: str, grad_output: ArrayLike, cache: Any, of_input: Callable[..., Any], of_target: Callable[..., Any]
) -> dict[str, Array]:
    """Map formula(g, input, target) over the elements, for each of the two."""
    x, t = cache.input, cache.target
    reduction, divisor = _reduction(cache.reduction, x.shape)
    g = _validate.output_gradient(op, grad_output, x.shape if reduction == "none" else (), working_dtype(x, t))
    g = reduce_backward(g, x.shape, reduction, divisor)
    return {
        "input": elementwise(of_input, g, x, t, dtype=x.dtype),
        "target": elementwise(of_target, g, x, t, dtype=t.dtype),
    }


def _times(t: Any) -> Callable[[Any], Any]:
    """v -> t v with 0 times infinity = 0."""
    return lambda v: np.where(t == 0, 0, t * v)


def _times_exp(x: Any) -> Callable[[Any], Any]:
    """v -> exp(x) v with 0 times infinity = 0; exp(x) may lie below the normal numbers, and the product above."""
    root = np.exp(x / 2)
    return lambda v: np.where(root == 0, 0, root * v * root)


def _log_ratio(t: Any, x: Any) -> Any:
    """log t - x, where the two are close from t - exp(x): the logarithm is rounded to the digits of x."""
    difference, p = np.log(t) - x, np.exp(x)
    close = (np.abs(difference) < 0.5) & (p > np.finfo(p.dtype).tiny)
    return np.where(close, np.log1p((t - p) / p), difference)
