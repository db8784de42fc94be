"""Losses of a margin: a score must be on the right side of a threshold, or above another score, by enough."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import elementwise, fold, row_blocks, unfold
from .._numerics import sigmoid, softplus, three_sum, two_sum
from .._precision import answer, gradient, working, working_dtype
from .._reduction import check_reduction, reduce_backward, reduce_forward, reduced_elementwise
from .._validate import Array, IntArray

__all__ = [
    "hinge_embedding_loss_backward",
    "hinge_embedding_loss_forward",
    "margin_ranking_loss_backward",
    "margin_ranking_loss_forward",
    "multi_margin_loss_backward",
    "multi_margin_loss_forward",
    "soft_margin_loss_backward",
    "soft_margin_loss_forward",
]


class HingeEmbeddingLossCache(NamedTuple):
    input: Array  # any shape
    target: NDArray[Any]  # the same: 1 and -1
    margin: float
    reduction: str


def hinge_embedding_loss_forward(
    input: ArrayLike, target: ArrayLike, margin: float = 1.0, reduction: str = "mean"
) -> tuple[Array, HingeEmbeddingLossCache]:
    """The loss of a distance: itself for a similar pair, and what it lacks of the margin for a dissimilar one.

    l_i = x_i where t_i = 1, max(0, margin - x_i) where t_i = -1
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output the same (none) or ().
    Raises: TypeError where input is not floating; ValueError where shapes differ, target holds anything but 1 and -1
        or the reduction is unknown.
    Extremes: one rounding, that of margin - x; the mean of nothing is NaN.
    Source: torch.nn.functional.hinge_embedding_loss, which takes another target for both 1 and -1.
    Derived: derivations/margin.md#hinge_embedding_loss.
    """
    op = "hinge_embedding_loss_forward"
    x, t = _check_signs(op, input, target, reduction)
    margin = _validate.number(op, "margin", margin)

    def formula(s: Any, x: Any, t: Any) -> Any:
        return s * np.where(t > 0, x, np.maximum(margin - x, 0))

    output = reduced_elementwise(formula, x, t.astype(x.dtype, copy=False), reduction=reduction)
    return output, HingeEmbeddingLossCache(x, t, margin, reduction)


def hinge_embedding_loss_backward(grad_output: ArrayLike, cache: HingeEmbeddingLossCache) -> dict[str, Array]:
    """grad_x_i = g_i where t_i = 1; where t_i = -1 it is -g_i for x_i <= margin, the kink included, else 0;
    under mean g_i = g / N.
    """
    op = "hinge_embedding_loss_backward"
    cache = _validate.is_cache(op, cache, HingeEmbeddingLossCache)
    return _backward_signs(op, grad_output, cache, lambda g, x, t: g * np.where(t > 0, 1, -1.0 * (x <= cache.margin)))


class MarginRankingLossCache(NamedTuple):
    input1: Array  # any shape
    input2: Array  # the same
    target: NDArray[Any]  # the same
    margin: float
    reduction: str


def margin_ranking_loss_forward(
    input1: ArrayLike, input2: ArrayLike, target: ArrayLike, margin: float = 0, reduction: str = "mean"
) -> tuple[Array, MarginRankingLossCache]:
    """The loss of an order: the first score is to exceed the second (target 1), or the second the first (-1).

    l_i = max(0, margin - t_i (a_i - b_i)) with a = input1, b = input2
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input1 any, input2 and target the same; output the same (none) or ().
    Raises: TypeError where an input is not floating, or target no number; ValueError where shapes differ or the
        reduction is unknown.
    Extremes: for targets of 1 and -1 rounded once, also where the margin is nearly reached; the mean of nothing is NaN.
    Source: torch.nn.functional.margin_ranking_loss, which broadcasts its arguments.
    Derived: derivations/margin.md#margin_ranking_loss.
    """
    op = "margin_ranking_loss_forward"
    a = _validate.floating(op, "input1", input1)
    b = _validate.floating(op, "input2", input2)
    t = _validate.real(op, "target", target)
    _validate.has_shape(op, "input2", b, "of input1", a.shape)
    _validate.has_shape(op, "target", t, "of input1", a.shape)
    margin = _validate.number(op, "margin", margin)
    check_reduction(op, reduction)

    cache = MarginRankingLossCache(a, b, t, margin, reduction)
    arrays = _ranked(cache)

    def formula(s: Any, a: Any, b: Any, t: Any) -> Any:
        return s * np.maximum(_shortfall(a, b, t, margin), 0)

    return reduced_elementwise(formula, *arrays, reduction=reduction), cache


def margin_ranking_loss_backward(grad_output: ArrayLike, cache: MarginRankingLossCache) -> dict[str, Array]:
    """grad_a_i = -g_i t_i, grad_b_i = g_i t_i, grad_t_i = -g_i (a_i - b_i), where margin - t_i (a_i - b_i) >= 0, the
    kink included; elsewhere 0. Under mean g_i = g / N.
    """
    op = "margin_ranking_loss_backward"
    cache = _validate.is_cache(op, cache, MarginRankingLossCache)
    a, b, t = _ranked(cache)
    dtype = working_dtype(a, b, t)
    g = _validate.output_gradient(op, grad_output, a.shape if cache.reduction == "none" else (), dtype)
    g = reduce_backward(g, a.shape, cache.reduction)

    def active(a: Any, b: Any, t: Any) -> Any:
        return _shortfall(a, b, t, cache.margin) >= 0

    grad_a = elementwise(lambda g, a, b, t: -g * t * active(a, b, t), g, a, b, t, dtype=dtype)
    grads = {"input1": gradient(grad_a, a), "input2": gradient(-grad_a, b)}
    if cache.target.dtype.kind == "f":
        grad_t = elementwise(lambda g, a, b, t: np.where(active(a, b, t), -g * (a - b), 0), g, a, b, t, dtype=dtype)
        grads["target"] = gradient(grad_t, cache.target)
    return grads


def _ranked(cache: MarginRankingLossCache) -> tuple[Array, Array, Array]:
    """The three arguments as floating arrays; an integer target takes the dtype of input1."""
    t = cache.target
    return cache.input1, cache.input2, t if t.dtype.kind == "f" else t.astype(cache.input1.dtype)


def _shortfall(a: Any, b: Any, t: Any, margin: float) -> Any:
    """margin - t (a - b), without the rounding of a - b, which is all that is left where the margin is just reached."""
    difference, error = two_sum(a, -b)
    error = np.where(np.isfinite(error), error, 0)
    return three_sum(-t * difference, -t * error, np.full_like(a, margin))[0]


class MultiMarginLossCache(NamedTuple):
    input: Array  # (N, C), (C,) or ()
    target: IntArray  # (N,) or ()
    p: int
    margin: float
    weight: Array | None  # (C,)
    reduction: str


def multi_margin_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    p: int = 1,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> tuple[Array, MultiMarginLossCache]:
    """The hinge loss of classes: the score of the target class is to exceed every other one by the margin.

    l_n = w_y / C sum_{c != y} max(0, margin - x_n,y + x_n,c)^p with y = target_n
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, also with a weight

    Shapes: input (N, C), (C,) or (), target (N,) or (), weight (C,); output like target (none) or ().
    Raises: TypeError where input or weight is not floating or target not integer; ValueError where shapes do not
        match, a label is no class, p is not 1 or 2, or the reduction is unknown.
    Extremes: each term rounded once before it is squared, also where the margin is nearly reached; a square does not
        overflow where its weighted share is a number. The mean of nothing is NaN.
    Source: torch.nn.functional.multi_margin_loss.
    Derived: derivations/margin.md#multi_margin_loss.
    """
    op = "multi_margin_loss_forward"
    x = _validate.floating(op, "input", input)
    y = _validate.integers(op, "target", target)
    w = _validate.optional_floating(op, "weight", weight)
    _validate.one_of(op, "p", p, (1, 2))
    margin = _validate.number(op, "margin", margin)
    _validate.at_most_dimensions(op, "input", x, 2)
    classes = _validate.classes_last(op, "input", x)
    _validate.has_shape(op, "target", y, "of input without its class axis", x.shape[:-1])
    _validate.class_indices(op, "target", y, classes)
    if w is not None:
        _validate.has_shape(op, "weight", w, "(classes,)", (classes,))
    check_reduction(op, reduction)

    cache = MultiMarginLossCache(x, y, p, margin, w, reduction)
    scores, labels, share = _labelled(cache)
    values = np.empty(len(scores), dtype=scores.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*scores.shape):
            z = _shortfalls(scores[rows], labels[rows], margin)
            values[rows] = (share[rows] * z if p == 1 else share[rows] * z * z).sum(axis=1)
    return answer(reduce_forward(values.reshape(y.shape), reduction), x, w), cache


def multi_margin_loss_backward(grad_output: ArrayLike, cache: MultiMarginLossCache) -> dict[str, Array]:
    """grad_x_n,c = g_n w_y / C [z_c > 0] for p = 1 and g_n w_y / C 2 z_c for p = 2 with
    z_c = max(0, margin - x_n,y + x_n,c), and grad_x_n,y minus the sum of these; under mean g_n = g / N.
    """
    op = "multi_margin_loss_backward"
    cache = _validate.is_cache(op, cache, MultiMarginLossCache)
    scores, labels, share = _labelled(cache)
    shape = cache.target.shape
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), scores.dtype)
    g = reduce_backward(g, shape, cache.reduction).reshape(-1, 1)

    grad_x = np.empty_like(scores)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*scores.shape):
            z = _shortfalls(scores[rows], labels[rows], cache.margin)
            pushed = g[rows] * share[rows] * (z > 0 if cache.p == 1 else 2 * z)
            np.put_along_axis(pushed, labels[rows], -pushed.sum(axis=1, keepdims=True), axis=1)
            grad_x[rows] = pushed
    return {"input": gradient(unfold(grad_x, cache.input.shape, max(cache.input.ndim - 1, 0)), cache.input)}


def _labelled(cache: MultiMarginLossCache) -> tuple[Any, IntArray, Any]:
    """Scores (N, C), labels (N, 1), and the share w_y / C of each term (N, 1), in the working dtype."""
    x, w = working(cache.input, cache.weight)
    scores, labels = fold(x, -1), cache.target.reshape(-1, 1)
    share = np.ones_like(labels, dtype=x.dtype) if w is None else w[labels]
    return scores, labels, share / x.dtype.type(scores.shape[1])


def _shortfalls(x: Any, labels: IntArray, margin: float) -> Any:
    """max(0, margin - x_y + x_c), 0 at c = y."""
    z = np.maximum(three_sum(x, -np.take_along_axis(x, labels, axis=1), x.dtype.type(margin))[0], 0)
    np.put_along_axis(z, labels, 0, axis=1)
    return z


class SoftMarginLossCache(NamedTuple):
    input: Array  # any shape
    target: NDArray[Any]  # the same: 1 and -1
    reduction: str


def soft_margin_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> tuple[Array, SoftMarginLossCache]:
    """The logistic loss of two classes: a score is to have the sign of its target.

    l_i = log(1 + exp(-t_i x_i))
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: input any, target the same; output the same (none) or ().
    Raises: TypeError where input is not floating; ValueError where shapes differ, target holds anything but 1 and -1
        or the reduction is unknown.
    Extremes: full relative precision in both tails; the mean of nothing is NaN.
    Source: torch.nn.functional.soft_margin_loss, which takes any target.
    Derived: derivations/margin.md#soft_margin_loss.
    """
    x, t = _check_signs("soft_margin_loss_forward", input, target, reduction)
    signs = t.astype(x.dtype, copy=False)
    output = reduced_elementwise(lambda s, x, t: s * softplus(-t * x), x, signs, reduction=reduction)
    return output, SoftMarginLossCache(x, t, reduction)


def soft_margin_loss_backward(grad_output: ArrayLike, cache: SoftMarginLossCache) -> dict[str, Array]:
    """grad_x_i = -g_i t_i s(-t_i x_i) with s the sigmoid; under mean g_i = g / N."""
    op = "soft_margin_loss_backward"
    cache = _validate.is_cache(op, cache, SoftMarginLossCache)
    return _backward_signs(op, grad_output, cache, lambda g, x, t: -g * t * sigmoid(-t * x))


# What the losses share.


def _check_signs(op: str, input: ArrayLike, target: ArrayLike, reduction: str) -> tuple[Array, NDArray[Any]]:
    x = _validate.floating(op, "input", input)
    t = _validate.signs(op, "target", target)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    check_reduction(op, reduction)
    return x, t


def _backward_signs(
    op: str,
    grad_output: ArrayLike,
    cache: HingeEmbeddingLossCache | SoftMarginLossCache,
    formula: Callable[[Any, Any, Any], Any],
) -> dict[str, Array]:
    """formula(g, x, t), element by element."""
    x, t = cache.input, cache.target.astype(cache.input.dtype, copy=False)
    g = _validate.output_gradient(op, grad_output, x.shape if cache.reduction == "none" else (), working_dtype(x))
    g = reduce_backward(g, x.shape, cache.reduction)
    return {"input": elementwise(formula, g, x, t, dtype=x.dtype)}
