"""Losses that are added to cross entropy, or that bend it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import fold, row_blocks, unfold
from .._numerics import shifted_rows
from .._precision import answer, gradient, working
from .._reduction import reduce_backward, reduce_forward
from .._validate import Array
from ._class_targets import ClassTargets, check_scores, check_target, class_axis, positions

__all__ = ["poly_loss_backward", "poly_loss_forward", "z_loss_backward", "z_loss_forward"]


class PolyLossCache(NamedTuple):
    input: Array  # (N, C, ...) or (C,)
    target: Any  # classes (N, ...) or (); probabilities like input
    epsilon: float
    ignore_index: int
    reduction: str


class ZLossCache(NamedTuple):
    input: Array  # (N, C, ...) or (C,)
    reduction: str


def poly_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    epsilon: float = 2.0,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Array, PolyLossCache]:
    """Cross entropy with another weight of its first power: the poly-1 loss.

    l_n = sum_c t_n,c (-log p_n,c + epsilon (1 - p_n,c)) with p = softmax(x) over the classes, and t the probabilities
    given, or 1 at the given class. -log p = (1 - p) + (1 - p)^2 / 2 + ..., so that epsilon adds to the first factor.
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / M, where M is the number of positions that are not ignored

    Shapes: input (N, C, ...) or (C,); target of classes (N, ...) or (), of probabilities like input; output (N, ...)
        or () (none), else ().
    Raises: TypeError where input is not floating, or target neither classes nor probabilities; ValueError where shapes
        do not match, a label is no class, epsilon is below -1, where the loss would fall with the error, or the
        reduction is unknown.
    Extremes: full relative precision on confident rows, also with epsilon = -1, where the first power is gone:
        (60, 0) with class 0 gives 3.8338e-53.
    Source: Leng et al., PolyLoss, ICLR 2022, whose classes it extends to probabilities as optax's
        poly_loss_cross_entropy does. ignore_index has no effect on probabilities.
    Derived: derivations/cross_entropy_variants.md#poly_loss.
    """
    op = "poly_loss_forward"
    input = _validate.floating(op, "input", input)
    epsilon = _validate.number(op, "epsilon", epsilon, at_least=-1)
    ignore_index = _validate.integer(op, "ignore_index", ignore_index)
    check_scores(op, input, None, reduction)
    target = check_target(op, input.shape, target, ignore_index)

    cache = PolyLossCache(input, target, epsilon, ignore_index, reduction)
    x, targets = _folded(cache)
    values = np.empty(len(x), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*x.shape):
            t, row = targets.mixture(rows), shifted_rows(x[rows])
            # A class that is not wanted costs nothing, however improbable.
            values[rows] = np.where(t == 0, 0, t * _penalty(row.log_probability(), row.complement(), epsilon)).sum(
                axis=1
            )
        output = reduce_forward(values.reshape(positions(input.shape)), reduction, divisor=targets.divisor())
    return answer(output, *_floating_arguments(cache)), cache


def poly_loss_backward(grad_output: ArrayLike, cache: PolyLossCache) -> dict[str, Array]:
    """grad_x_n,c = g_n (p_n,c sum_j q_n,j - q_n,c) with q_n,c = t_n,c (1 + epsilon p_n,c): cross entropy's, for targets
    that grow with their probability; grad_t_n,c = g_n (-log p_n,c + epsilon (1 - p_n,c)). Under mean g_n = g / M.
    """
    op = "poly_loss_backward"
    cache = _validate.is_cache(op, cache, PolyLossCache)
    x, targets = _folded(cache)
    shape, axis, epsilon = cache.input.shape, class_axis(cache.input.shape), cache.epsilon
    g = _validate.output_gradient(op, grad_output, positions(shape) if cache.reduction == "none" else (), x.dtype)

    grad_x = np.empty_like(x)
    grad_t = np.empty_like(x) if targets.holds_probabilities else None
    with np.errstate(all="ignore"):
        g = reduce_backward(g, positions(shape), cache.reduction, targets.divisor()).reshape(-1, 1)
        for rows in row_blocks(*x.shape):
            row = shifted_rows(x[rows])
            # 1 + epsilon p, from 1 - p where the two cancel.
            growth = 1 + epsilon * row.probability() if epsilon >= 0 else (1 + epsilon) - epsilon * row.complement()
            grad_x[rows] = row.log_probability_vjp(-g[rows] * (targets.mixture(rows) * growth))
            if grad_t is not None:
                grad_t[rows] = g[rows] * _penalty(row.log_probability(), row.complement(), epsilon)

    grads = {"input": gradient(unfold(grad_x, shape, axis), cache.input)}
    if grad_t is not None:
        grads["target"] = gradient(unfold(grad_t, shape, axis), cache.target)
    return grads


def _penalty(log_p: Any, complement: Any, epsilon: float) -> Any:
    """-log p + epsilon (1 - p). With epsilon below 0 as (1 + epsilon) (-log p) - epsilon (-log p - (1 - p)), both terms
    positive."""
    if epsilon >= 0:
        return epsilon * complement - log_p
    return -(1 + epsilon) * log_p - epsilon * _beyond_first_power(log_p, complement)


def _beyond_first_power(log_p: Any, u: Any) -> Any:
    """-log p - u with u = 1 - p. For u below 1/2 from -log(1 - u) = 2 artanh(s) with s = u / (2 - u), whose series less
    u is 2 s^2 / (1 + s) + 2 (s^3 / 3 + s^5 / 5 + ...), all terms positive and each below 1/9 of the one before."""
    s = np.minimum(u, 0.5) / (2 - np.minimum(u, 0.5))
    series = np.zeros_like(s)
    for power in range(35, 1, -2):
        series = series * (s * s) + 1 / power
    return np.where(u < 0.5, 2 * s * (s / (1 + s) + s * s * series), -log_p - u)


def z_loss_forward(input: ArrayLike, reduction: str = "mean") -> tuple[Array, ZLossCache]:
    """The squared logarithm of the softmax's normaliser, which keeps scores from drifting.

    l_n = (log sum_c exp x_n,c)^2
    none: l;  sum: sum_n l_n;  mean: their mean

    Shapes: input (N, C, ...) or (C,); output (N, ...) or () (none), else ().
    Raises: TypeError where input is not floating; ValueError where it has no class or the reduction is unknown.
    Extremes: a score above 1.3e154 overflows when squared; the mean of nothing is NaN.
    Source: Chowdhery et al., PaLM, 2022, where it counts 1e-4, and Zoph et al., ST-MoE, 2022, on a router's scores,
        where it counts 1e-3: the factor is the caller's.
    Derived: derivations/cross_entropy_variants.md#z_loss.
    """
    op = "z_loss_forward"
    input = _validate.floating(op, "input", input)
    check_scores(op, input, None, reduction)

    x = fold(working(input)[0], class_axis(input.shape))
    values = np.empty(len(x), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*x.shape):
            values[rows] = np.square(shifted_rows(x[rows]).log_sum(x[rows]))
        output = reduce_forward(values.reshape(positions(input.shape)), reduction)
    return answer(output, input), ZLossCache(input, reduction)


def z_loss_backward(grad_output: ArrayLike, cache: ZLossCache) -> dict[str, Array]:
    """grad_x_n,c = 2 g_n z_n p_n,c with z_n = log sum_c exp x_n,c; under mean g_n = g / N."""
    op = "z_loss_backward"
    cache = _validate.is_cache(op, cache, ZLossCache)
    shape, axis = cache.input.shape, class_axis(cache.input.shape)
    x = fold(working(cache.input)[0], axis)
    g = _validate.output_gradient(op, grad_output, positions(shape) if cache.reduction == "none" else (), x.dtype)

    grad_x = np.empty_like(x)
    with np.errstate(all="ignore"):
        g = reduce_backward(g, positions(shape), cache.reduction).reshape(-1, 1)
        for rows in row_blocks(*x.shape):
            row = shifted_rows(x[rows])
            grad_x[rows] = 2 * g[rows] * row.log_sum(x[rows])[:, None] * row.probability()
    return {"input": gradient(unfold(grad_x, shape, axis), cache.input)}


def _folded(cache: PolyLossCache) -> tuple[Any, ClassTargets]:
    """Scores (rows, C), and the targets with equal weights, in the working dtype."""
    x, *probabilities = working(*_floating_arguments(cache))
    axis = class_axis(x.shape)
    t = fold(probabilities[0], axis) if probabilities else cache.target.reshape(-1)
    return fold(x, axis), ClassTargets(t, np.ones(x.shape[axis], x.dtype), cache.ignore_index, 0.0)


def _floating_arguments(cache: PolyLossCache) -> list[Array]:
    return [cache.input, *([cache.target] if cache.target.dtype.kind == "f" else [])]
