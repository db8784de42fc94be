"""Losses of several labels at once: which of the classes hold, each on its own or against the others."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import fold, row_blocks, unfold
from .._numerics import sigmoid, softplus, three_sum
from .._precision import answer, gradient, working
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array, IntArray

__all__ = [
    "multilabel_margin_loss_backward",
    "multilabel_margin_loss_forward",
    "multilabel_soft_margin_loss_backward",
    "multilabel_soft_margin_loss_forward",
]


class MultilabelMarginLossCache(NamedTuple):
    input: Array  # (N, C), (C,) or ()
    target: IntArray  # the same
    reduction: str


def multilabel_margin_loss_forward(
    input: ArrayLike, target: ArrayLike, reduction: str = "mean"
) -> tuple[Array, MultilabelMarginLossCache]:
    """The hinge loss of sets of classes: the score of every target class is to exceed that of every other by 1.

    l_n = 1 / C sum_{y in Y_n} sum_{c not in Y_n} max(0, 1 - x_n,y + x_n,c), where Y_n is what target_n lists before
    its first -1; a class listed twice counts twice
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: input (N, C), (C,) or (), target the same; output (N,) or () (none), else ().
    Raises: TypeError where input is not floating or target not integer; ValueError where shapes differ, an entry of
        target is neither a class nor -1, or the reduction is unknown.
    Extremes: each term rounded once, also where the margin is nearly reached; the mean of nothing is NaN.
    Source: torch.nn.functional.multilabel_margin_loss.
    Derived: derivations/multilabel.md#multilabel_margin_loss.
    """
    op = "multilabel_margin_loss_forward"
    x = _validate.floating(op, "input", input)
    y = _validate.integers(op, "target", target)
    _validate.at_most_dimensions(op, "input", x, 2)
    classes = _validate.classes_last(op, "input", x)
    _validate.has_shape(op, "target", y, "of input", x.shape)
    listed = (y >= -1) & (y < classes)
    _validate.holds(op, "target", y, listed, f"classes from 0 to {classes - 1}, ended by -1")
    check_reduction(op, reduction)

    cache = MultilabelMarginLossCache(x, y, reduction)
    scores, count = _listed(cache)
    values = np.empty(len(scores), dtype=scores.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(scores), classes**2):
            z, share = _pairs(scores[rows], count[rows])
            values[rows] = np.where(share == 0, 0, share * np.maximum(z, 0)).sum(axis=(1, 2))
    return answer(reduce_forward(values.reshape(x.shape[:-1]), reduction), x), cache


def multilabel_margin_loss_backward(grad_output: ArrayLike, cache: MultilabelMarginLossCache) -> dict[str, Array]:
    """grad_x_n,c = g_n / C times the number of y in Y_n with z_y,c > 0, for c not in Y_n, and grad_x_n,y = -g_n / C
    times the number of such c, for each time that y is listed; z_y,c = 1 - x_n,y + x_n,c. Under mean g_n = g / N.
    """
    op = "multilabel_margin_loss_backward"
    cache = _validate.is_cache(op, cache, MultilabelMarginLossCache)
    scores, count = _listed(cache)
    shape = cache.input.shape[:-1]
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), scores.dtype)
    g = reduce_backward(g, shape, cache.reduction).reshape(-1, 1)

    grad_x = np.empty_like(scores)
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(scores), scores.shape[1] ** 2):
            z, share = _pairs(scores[rows], count[rows])
            pushed = share * (z > 0)
            grad_x[rows] = g[rows] * (pushed.sum(axis=1) - pushed.sum(axis=2))
    return {"input": gradient(unfold(grad_x, cache.input.shape, max(cache.input.ndim - 1, 0)), cache.input)}


def _listed(cache: MultilabelMarginLossCache) -> tuple[Any, IntArray]:
    """Scores (N, C) in the working dtype, and how often target lists each class before its first -1 (N, C)."""
    scores = fold(working(cache.input)[0], -1)
    y = cache.target.astype(np.intp, copy=False).reshape(-1, scores.shape[1])
    row, position = np.nonzero(np.logical_and.accumulate(y >= 0, axis=1))
    listed = row * y.shape[1] + y[row, position]
    return scores, np.bincount(listed, minlength=y.size).reshape(y.shape)


def _pairs(x: Any, count: IntArray) -> tuple[Any, Any]:
    """1 - x_y + x_c for every pair (rows, y, c), and its share: how often y is listed, over C, where c is not."""
    z = three_sum(x[:, None, :], -x[:, :, None], x.dtype.type(1))[0]
    share = (count[:, :, None] * (count[:, None, :] == 0)).astype(x.dtype) / x.dtype.type(x.shape[1])
    return z, share


class MultilabelSoftMarginLossCache(NamedTuple):
    input: Array  # (..., C)
    target: NDArray[Any]  # the same
    weight: Array | None  # (C,)
    reduction: str


def multilabel_soft_margin_loss_forward(
    input: ArrayLike, target: ArrayLike, weight: ArrayLike | None = None, reduction: str = "mean"
) -> tuple[Array, MultilabelSoftMarginLossCache]:
    """The binary cross entropy of each class on its own, averaged over the classes.

    l_n = 1 / C sum_c w_c (t_n,c log(1 + exp(-x_n,c)) + (1 - t_n,c) log(1 + exp(x_n,c)))
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, also with a weight

    Shapes: input (..., C), target the same, weight (C,); output (...) (none) or ().
    Raises: TypeError where input or weight is not floating, or target no number; ValueError where shapes do not match,
        target holds anything that is no probability, or the reduction is unknown.
    Extremes: full relative precision in both tails; the mean of nothing is NaN.
    Source: torch.nn.functional.multilabel_soft_margin_loss, which broadcasts the weight and takes any target.
    Derived: derivations/multilabel.md#multilabel_soft_margin_loss.
    """
    op = "multilabel_soft_margin_loss_forward"
    x = _validate.floating(op, "input", input)
    t = _validate.real(op, "target", target)
    w = _validate.optional_floating(op, "weight", weight)
    _validate.at_least_dimensions(op, "input", x, 1)
    classes = _validate.classes_last(op, "input", x)
    _validate.has_shape(op, "target", t, "of input", x.shape)
    _validate.holds(op, "target", t, (t >= 0) & (t <= 1), "probabilities from 0 to 1")
    if w is not None:
        _validate.has_shape(op, "weight", w, "(classes,)", (classes,))
    check_reduction(op, reduction)

    cache = MultilabelSoftMarginLossCache(x, t, w, reduction)
    scores, labels, share = _shared(cache)
    values = np.empty(len(scores), dtype=scores.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*scores.shape):
            values[rows] = (share * _binary_cross_entropy(scores[rows], labels[rows])).sum(axis=1)
    return answer(reduce_forward(values.reshape(x.shape[:-1]), reduction), *_floating_arguments(cache)), cache


def multilabel_soft_margin_loss_backward(
    grad_output: ArrayLike, cache: MultilabelSoftMarginLossCache
) -> dict[str, Array]:
    """grad_x_n,c = g_n w_c / C ((1 - t_n,c) s(x_n,c) - t_n,c s(-x_n,c)) with s the sigmoid,
    grad_t_n,c = -g_n w_c / C x_n,c, and grad_w_c = sum_n g_n / C times the binary cross entropy of n and c;
    under mean g_n = g / N.
    """
    op = "multilabel_soft_margin_loss_backward"
    cache = _validate.is_cache(op, cache, MultilabelSoftMarginLossCache)
    scores, labels, share = _shared(cache)
    shape = cache.input.shape[:-1]
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), scores.dtype)
    g = reduce_backward(g, shape, cache.reduction).reshape(-1, 1)

    grad_x, grad_w = np.empty_like(scores), np.zeros_like(share)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*scores.shape):
            x, t = scores[rows], labels[rows]
            grad_x[rows] = g[rows] * share * ((1 - t) * sigmoid(x) - t * sigmoid(-x))
            if cache.weight is not None:
                grad_w += (g[rows] / x.dtype.type(x.shape[1]) * _binary_cross_entropy(x, t)).sum(axis=0)
        grads = {"input": gradient(grad_x.reshape(cache.input.shape), cache.input)}
        if cache.target.dtype.kind == "f":
            grads["target"] = gradient((-g * share * scores).reshape(cache.target.shape), cache.target)
        if cache.weight is not None:
            grads["weight"] = gradient(grad_w, cache.weight)
    return grads


def _shared(cache: MultilabelSoftMarginLossCache) -> tuple[Any, Any, Any]:
    """Scores (N, C), labels (N, C), and the share w_c / C of each class (C,), in the working dtype."""
    x, w, *_ = working(*_floating_arguments(cache))
    classes = x.shape[-1]
    share = np.ones(classes, dtype=x.dtype) if w is None else w
    return fold(x, -1), fold(cache.target.astype(x.dtype, copy=False), -1), share / x.dtype.type(classes)


def _floating_arguments(cache: MultilabelSoftMarginLossCache) -> list[Array | None]:
    return [cache.input, cache.weight, *([cache.target] if cache.target.dtype.kind == "f" else [])]


def _binary_cross_entropy(x: Any, t: Any) -> Any:
    """Both terms are positive, and neither is the difference of two that are not."""
    return t * softplus(-x) + (1 - t) * softplus(x)
