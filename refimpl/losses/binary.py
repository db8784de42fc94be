"""Losses of yes or no: each element a probability, or a score, and the probability that it should have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._numerics import above_zero, softplus, two_prod, two_sum
from .._precision import working_dtype
from .._reduction import check_reduction, reduce_backward, reduced_elementwise
from .._validate import Array

__all__ = [
    "binary_cross_entropy_backward",
    "binary_cross_entropy_forward",
    "binary_cross_entropy_with_logits_backward",
    "binary_cross_entropy_with_logits_forward",
    "sigmoid_focal_loss_backward",
    "sigmoid_focal_loss_forward",
]

LEAST_LOG = -100.0  # below it PyTorch holds a logarithm fixed, so that the loss stays a number
_LEAST = float(np.exp(LEAST_LOG))
_LEAST_VARIANCE = float(np.float32(1e-12))  # what PyTorch then divides by in place of p (1 - p); it holds it in float32


class BinaryCrossEntropyCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # broadcastable to it
    reduction: str


def binary_cross_entropy_forward(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, reduction: str = "mean"
) -> tuple[Array, BinaryCrossEntropyCache]:
    """The cross entropy between a probability and the probability that it should be.

    l_i = -w_i (t_i log p_i + (1 - t_i) log(1 - p_i)), where a logarithm below -100 counts as -100
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements, also with a weight

    Shapes: input any, target the same, weight broadcastable to it; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, input or target holds no
        probabilities, or the reduction is unknown.
    Extremes: full relative precision next to 0 and to 1. Where a logarithm is held at -100, that is for p below
        3.7e-44 and for p = 1, its term is flat, and backward returns PyTorch's gradient, which is not: t / p becomes
        t / 1e-12. At p = 0 and p = 1 exactly it is (p - t) / 1e-12, and that of target is infinite. Next to them,
        where PyTorch divides by 1e-12 as well, backward keeps the derivative. The mean of nothing is NaN.
    Source: torch.nn.functional.binary_cross_entropy. PyTorch has no gradient of weight.
    Derived: derivations/binary.md#binary_cross_entropy.
    """
    op = "binary_cross_entropy_forward"
    p, t = _check(op, input, target, reduction)
    _validate.probabilities(op, "input", p)
    _validate.probabilities(op, "target", t)
    w = _broadcastable(op, "weight", weight, p)

    def formula(s: Any, p: Any, t: Any, w: Any) -> Any:
        return (s * w) * (t * np.minimum(-np.log(p), -LEAST_LOG) + (1 - t) * np.minimum(-np.log1p(-p), -LEAST_LOG))

    output = reduced_elementwise(formula, p, t, _spread(w, p), reduction=reduction)
    return output, BinaryCrossEntropyCache(p, t, w, reduction)


def binary_cross_entropy_backward(grad_output: ArrayLike, cache: BinaryCrossEntropyCache) -> dict[str, Array]:
    """grad_p_i = g_i w_i (p_i - t_i) / (p_i (1 - p_i)); grad_t_i = g_i w_i (log(1 - p_i) - log p_i);
    under mean g_i = g / N. Where forward holds a logarithm fixed, PyTorch's values: see there.
    """

    def of_input(g: Any, p: Any, t: Any, w: Any) -> Any:
        c = g * w * (p - t)
        slope = np.where(p < 0.5, c / p / (1 - p), c / (1 - p) / p)  # the smaller factor first, which may be tiny
        inside = (p > 0) & (p < 1)
        fixed = (p - t) / _LEAST_VARIANCE + np.where(inside, 1 - t, 0)
        return np.where(inside & (p >= _LEAST), slope, g * w * fixed)

    def of_target(g: Any, p: Any, t: Any, w: Any) -> Any:
        # Near 1/2 the two logarithms cancel; 1 - 2p is exact there.
        log_odds = np.where((p > 0.25) & (p < 0.75), np.log1p((1 - 2 * p) / p), np.log1p(-p) - np.log(p))
        c = g * w
        return np.where(c == 0, 0, c * log_odds)  # without weight even an infinite slope counts nothing

    op = "binary_cross_entropy_backward"
    cache = _validate.is_cache(op, cache, BinaryCrossEntropyCache)
    p, t, w = cache.input, cache.target, _spread(cache.weight, cache.input)
    return _backward(op, grad_output, cache.reduction, (p, t, w), {"input": of_input, "target": of_target})


class BinaryCrossEntropyWithLogitsCache(NamedTuple):
    input: Array  # any shape
    target: Array  # the same
    weight: Array | None  # broadcastable to it
    reduction: str
    pos_weight: Array | None  # broadcastable to it


def binary_cross_entropy_with_logits_forward(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    pos_weight: ArrayLike | None = None,
) -> tuple[Array, BinaryCrossEntropyWithLogitsCache]:
    """The cross entropy between the sigmoid of a raw score and the probability that it should be.

    l_i = -w_i (q_i t_i log s(x_i) + (1 - t_i) log s(-x_i)) with s(x) = 1 / (1 + exp(-x)) and q = pos_weight
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements, also with weights

    Shapes: input any, target the same, weight and pos_weight broadcastable to it; output like input (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, target holds no
        probabilities, or the reduction is unknown.
    Extremes: full relative precision in both tails: the loss of the score -528 at target 0 is 4.9e-230, not 0. A score
        of the right infinity gives NaN, as in PyTorch. The mean of nothing is NaN.
    Source: torch.nn.functional.binary_cross_entropy_with_logits, which takes targets outside [0, 1] as well. PyTorch
        has no gradients of weight and pos_weight.
    Derived: derivations/binary.md#binary_cross_entropy_with_logits.
    """
    op = "binary_cross_entropy_with_logits_forward"
    x, t = _check(op, input, target, reduction)
    _validate.probabilities(op, "target", t)
    w, q = _broadcastable(op, "weight", weight, x), _broadcastable(op, "pos_weight", pos_weight, x)

    def formula(s: Any, x: Any, t: Any, w: Any, q: Any) -> Any:
        common = np.log1p(np.exp(-np.abs(x)))
        c = s * w
        return c * q * t * (above_zero(-x) + common) + c * (1 - t) * (above_zero(x) + common)

    output = reduced_elementwise(formula, x, t, _spread(w, x), _spread(q, x), reduction=reduction)
    return output, BinaryCrossEntropyWithLogitsCache(x, t, w, reduction, q)


def binary_cross_entropy_with_logits_backward(
    grad_output: ArrayLike, cache: BinaryCrossEntropyWithLogitsCache
) -> dict[str, Array]:
    """grad_x_i = g_i w_i ((1 - t_i) s(x_i) - q_i t_i s(-x_i)); grad_t_i = g_i w_i (log s(-x_i) - q_i log s(x_i)), which
    is -g_i w_i x_i without q; under mean g_i = g / N.
    """

    def of_input(g: Any, x: Any, t: Any, w: Any, q: Any) -> Any:
        yes, no, total = _exponentials(x)
        c = g * w
        return (c * (1 - t) * yes - c * q * t * no) / total

    op = "binary_cross_entropy_with_logits_backward"
    cache = _validate.is_cache(op, cache, BinaryCrossEntropyWithLogitsCache)

    def of_target(g: Any, x: Any, t: Any, w: Any, q: Any) -> Any:
        if cache.pos_weight is None:
            return -g * w * x
        # Near q = 1 what the two logarithms differ by is x, up to a rest that is small.
        log_odds = np.where(
            np.abs(q - 1) <= 0.5, (q - 1) * softplus(-x) - x, q * softplus(-x) - softplus(x)
        )  # fmt: skip
        return g * w * log_odds

    x, t = cache.input, cache.target
    arrays = (x, t, _spread(cache.weight, x), _spread(cache.pos_weight, x))
    return _backward(op, grad_output, cache.reduction, arrays, {"input": of_input, "target": of_target})


class SigmoidFocalLossCache(NamedTuple):
    inputs: Array  # any shape
    targets: Array  # the same
    alpha: float
    gamma: float
    reduction: str


def sigmoid_focal_loss_forward(
    inputs: ArrayLike,
    targets: ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2,
    reduction: str = "none",
) -> tuple[Array, SigmoidFocalLossCache]:
    """The binary cross entropy of raw scores, with what is already right counted less.

    l_i = a_i m_i^gamma c_i with the cross entropy c = -(t log s(x) + (1 - t) log s(-x)), the probability of the wrong
    answer m = t s(-x) + (1 - t) s(x), and a = alpha t + (1 - alpha) (1 - t), or 1 for alpha = -1
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: inputs any, targets the same; output like inputs (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, targets holds no probabilities,
        alpha is neither a probability nor -1, gamma is negative, or the reduction is unknown.
    Extremes: full relative precision in both tails: no 1 - (1 - m) is taken. The mean of nothing is NaN.
    Source: torchvision.ops.sigmoid_focal_loss, with its arguments; Lin, Goyal, Girshick, He, Dollar, Focal loss for
        dense object detection, 2017. Targets between 0 and 1 follow the same formula.
    Derived: derivations/binary.md#sigmoid_focal_loss.
    """
    op = "sigmoid_focal_loss_forward"
    x, t = _check(op, inputs, targets, reduction, "inputs", "targets")
    _validate.probabilities(op, "targets", t)
    alpha = _validate.number(op, "alpha", alpha)
    if not (0 <= alpha <= 1 or alpha == -1):
        raise ValueError(f"{op}: alpha must be from 0 to 1, or -1 for no weighting, got {alpha:g}")
    gamma = _validate.number(op, "gamma", gamma, at_least=0)

    def formula(s: Any, x: Any, t: Any) -> Any:
        a, c, _, m_gamma = _focal_parts(x, t, alpha, gamma)
        return s * a * c * m_gamma

    return reduced_elementwise(formula, x, t, reduction=reduction), SigmoidFocalLossCache(x, t, alpha, gamma, reduction)


def sigmoid_focal_loss_backward(grad_output: ArrayLike, cache: SigmoidFocalLossCache) -> dict[str, Array]:
    """With z = s(x) s(-x): grad_x_i = g_i a m^gamma ((1 - t) s(x) - t s(-x) + gamma (1 - 2t) z c / m);
    grad_t_i = g_i m^gamma (a' c - a (x + gamma tanh(x / 2) c / m)) with a' = 2 alpha - 1, or 0 for alpha = -1;
    under mean g_i = g / N.
    """

    op = "sigmoid_focal_loss_backward"
    cache = _validate.is_cache(op, cache, SigmoidFocalLossCache)
    alpha, gamma = cache.alpha, cache.gamma

    def of_inputs(g: Any, x: Any, t: Any) -> Any:
        yes, no, total = _exponentials(x)
        a, c, wrong, m_gamma = _focal_parts(x, t, alpha, gamma)
        # z / m, which for a target of 0 or 1 is the probability of the right answer; 1 where both are 0.
        right = np.where(wrong > 0, yes * no / wrong, 1)
        return g * a * m_gamma * (((1 - t) * yes - t * no + gamma * (1 - 2 * t) * right * c) / total)

    def of_targets(g: Any, x: Any, t: Any) -> Any:
        total = _exponentials(x)[2]
        a, c, wrong, _ = _focal_parts(x, t, alpha, gamma)
        ratio = np.where(wrong > 0, c / wrong * total, 1)  # c / m, which tends to 1 where both vanish
        slope_of_a = 0 if alpha == -1 else 2 * alpha - 1
        slope = slope_of_a * c - a * x - a * gamma * np.tanh(x / 2) * ratio
        root = _power(wrong / total, gamma / 2, x)  # m^gamma may lie below the normal numbers and slope above 1
        return g * root * slope * root

    arrays = (cache.inputs, cache.targets)
    return _backward(op, grad_output, cache.reduction, arrays, {"inputs": of_inputs, "targets": of_targets})


def _exponentials(x: Any) -> tuple[Any, Any, Any]:
    """s(x) and s(-x) times their common denominator, and that denominator: 1 and exp(-|x|), or the other way round."""
    e = np.exp(-np.abs(x))
    return np.maximum(e, x >= 0), np.maximum(e, x <= 0), 1 + e


def _focal_parts(x: Any, t: Any, alpha: float, gamma: float) -> tuple[Any, Any, Any, Any]:
    """a, c, m times the denominator 1 + exp(-|x|), and m^gamma; no sum has a negative term, and nothing cancels."""
    yes, no, _ = _exponentials(x)
    e = np.minimum(yes, no)
    c = t * (above_zero(-x) + np.log1p(e)) + (1 - t) * (above_zero(x) + np.log1p(e))
    wrong = t * no + (1 - t) * yes
    total, error = two_sum(1, e)
    m_gamma = (wrong / total) ** gamma * (1 - gamma * error / total)  # an error of m would count gamma times
    return 1 if alpha == -1 else alpha * t + (1 - alpha) * (1 - t), c, wrong, m_gamma


def _power(m: Any, gamma: float, x: Any) -> Any:
    """m^gamma, also where m = exp(-|x|) has fewer digits than its power, or none: for gamma below 1."""
    product, error = two_prod(np.abs(x), np.full_like(x, -gamma))
    return np.where(m > np.finfo(m.dtype).tiny, m**gamma, np.exp(product) * (1 + error))


# What the three share.


def _check(
    op: str, input: ArrayLike, target: ArrayLike, reduction: str, input_name: str = "input", target_name: str = "target"
) -> tuple[Array, Array]:
    x = _validate.floating(op, input_name, input)
    t = _validate.floating(op, target_name, target)
    _validate.has_shape(op, target_name, t, f"of {input_name}", x.shape)
    check_reduction(op, reduction)
    return x, t


def _broadcastable(op: str, name: str, value: ArrayLike | None, input: Array) -> Array | None:
    weight = _validate.optional_floating(op, name, value)
    if weight is not None:
        _validate.broadcastable(op, name, weight, "of input", input.shape)
    return weight


def _spread(weight: Array | None, input: Array) -> Array:
    """The weight in the shape of the input; without one, ones of the narrowest dtype, which widens no result."""
    return np.broadcast_to(np.ones((), dtype=np.float16) if weight is None else weight, input.shape)


def _backward(
    op: str, grad_output: ArrayLike, reduction: str, arrays: tuple[Array, ...], formulas: dict[str, Callable[..., Any]]
) -> dict[str, Array]:
    """Map formula(g, *arrays) over the elements, for each of the two arguments that the first two arrays are."""
    shape, dtype = arrays[0].shape, working_dtype(*arrays)
    g = _validate.output_gradient(op, grad_output, shape if reduction == "none" else (), dtype)
    g = reduce_backward(g, shape, reduction)
    return {
        name: elementwise(formula, g, *arrays, dtype=argument.dtype)
        for (name, formula), argument in zip(formulas.items(), arrays, strict=False)
    }
