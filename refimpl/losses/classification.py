"""Losses of class scores: the negative log likelihood, from log-probabilities or from raw scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import fold, row_blocks, unfold
from .._precision import answer, gradient, working
from .._reduction import reduce_backward, reduce_forward
from .._validate import Array, IntArray
from ._class_targets import ClassTargets, check_labels, check_scores, check_target, class_axis, positions

__all__ = ["cross_entropy_backward", "cross_entropy_forward", "nll_loss_backward", "nll_loss_forward"]


class NllLossCache(NamedTuple):
    input: Array  # (N, C, ...) or (C,)
    target: IntArray  # (N, ...) or ()
    weight: Array | None  # (C,)
    ignore_index: int
    reduction: str


def nll_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Array, NllLossCache]:
    """The negative log likelihood of the target classes, given log-probabilities.

    l_n = -w_y x_n,y with y = target_n, and 0 where y is ignore_index
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / sum_n w_y over the positions not ignored

    Shapes: input (N, C, ...) or (C,), target (N, ...) or (), weight (C,); output like target (none) or ().
    Raises: TypeError where input or weight is not floating or target not integer; ValueError where shapes do not
        match, a label is no class, or the reduction is unknown.
    Extremes: exact but for the sums; the mean of nothing, or of ignored positions alone, is NaN.
    Source: torch.nn.functional.nll_loss.
    Derived: derivations/classification.md#nll_loss.
    """
    op = "nll_loss_forward"
    input = _validate.floating(op, "input", input)
    target = _validate.integers(op, "target", target)
    weight = _validate.optional_floating(op, "weight", weight)
    ignore_index = _validate.integer(op, "ignore_index", ignore_index)
    check_scores(op, input, weight, reduction)
    check_labels(op, input.shape, target, ignore_index)

    cache = NllLossCache(input, target, weight, ignore_index, reduction)
    x, labels, kept, label_weight = _labelled(cache)
    x_y = x[np.arange(len(x)), labels]
    with np.errstate(all="ignore"):
        # An ignored position counts 0 even where its score is infinite.
        values = np.where(kept, -label_weight * x_y, 0).astype(x.dtype, copy=False).reshape(target.shape)
        output = reduce_forward(values, reduction, divisor=label_weight.sum())
    return answer(output, input, weight), cache


def nll_loss_backward(grad_output: ArrayLike, cache: NllLossCache) -> dict[str, Array]:
    """grad_x_n,y = -g_n w_y at the target class y and 0 elsewhere; under mean g_n = g / sum_n w_y."""
    op = "nll_loss_backward"
    cache = _validate.is_cache(op, cache, NllLossCache)
    x, labels, kept, label_weight = _labelled(cache)
    shape = cache.target.shape if cache.reduction == "none" else ()
    g = _validate.output_gradient(op, grad_output, shape, x.dtype)

    with np.errstate(all="ignore"):
        g = reduce_backward(g, cache.target.shape, cache.reduction, divisor=label_weight.sum()).reshape(-1)
        grad_x = np.zeros_like(x)
        grad_x[np.arange(len(x)), labels] = np.where(kept, -g * label_weight, 0)
    return {"input": gradient(unfold(grad_x, cache.input.shape, class_axis(cache.input.shape)), cache.input)}


def _labelled(cache: NllLossCache) -> tuple[Any, Any, Any, Any]:
    """Scores (rows, C); per row the label (0 if ignored), whether it counts, and its weight (0 if ignored)."""
    x, w = working(cache.input, cache.weight)
    kept = cache.target.reshape(-1) != cache.ignore_index
    labels = np.where(kept, cache.target.reshape(-1), 0)
    label_weight = kept.astype(x.dtype) if w is None else np.where(kept, w[labels], 0)
    return fold(x, class_axis(x.shape)), labels, kept, label_weight


class CrossEntropyCache(NamedTuple):
    input: Array  # (N, C, ...) or (C,)
    target: Any  # classes (N, ...) or (); probabilities like input
    weight: Array | None  # (C,)
    ignore_index: int
    reduction: str
    label_smoothing: float


def cross_entropy_forward(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> tuple[Array, CrossEntropyCache]:
    """The cross entropy between target classes, or class probabilities, and the softmax of raw scores.

    l_n = -sum_c q_n,c log p_n,c with p = softmax(x) over the classes and q_n,c = w_c ((1 - s) t_n,c + s / C)
    where t is the target: the given probabilities, or 1 at the given class; s is label_smoothing.
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / M, where M is the number of positions for probabilities,
    and the sum of w at the target classes, over the positions not ignored, for classes.

    Shapes: input (N, C, ...) or (C,); target of classes (N, ...) or (), of probabilities like input; weight (C,);
        output (N, ...) or () (none), else ().
    Raises: TypeError where input or weight is not floating, or target neither classes nor probabilities; ValueError
        where shapes do not match, a label is no class, or an option is out of range.
    Extremes: full relative precision on confident rows: (60, 0) with class 0 gives 8.7565e-27, not 0. The mean of
        nothing, or of ignored positions alone, is NaN.
    Source: torch.nn.functional.cross_entropy. PyTorch refuses the gradient of weight when target holds classes; here
        it is the derivative there too. ignore_index has no effect on probabilities.
    Derived: derivations/classification.md#cross_entropy.
    """
    op = "cross_entropy_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.optional_floating(op, "weight", weight)
    ignore_index = _validate.integer(op, "ignore_index", ignore_index)
    label_smoothing = _validate.number(op, "label_smoothing", label_smoothing, at_least=0, at_most=1)
    check_scores(op, input, weight, reduction)
    target = check_target(op, input.shape, target, ignore_index)

    cache = CrossEntropyCache(input, target, weight, ignore_index, reduction, label_smoothing)
    x, targets = _folded(cache)
    values = np.empty(len(x), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*x.shape):
            values[rows] = targets.losses(rows, x[rows])
        output = reduce_forward(values.reshape(positions(input.shape)), reduction, divisor=targets.divisor())
    return answer(output, *_floating_arguments(cache)), cache


def cross_entropy_backward(grad_output: ArrayLike, cache: CrossEntropyCache) -> dict[str, Array]:
    """grad_x_n,c = g_n (p_n,c sum_j q_n,j - q_n,c), which for a single label y is g_n q_y p_c elsewhere and, at y,
    -g_n q_y times the sum of the other probabilities; grad_t_n,c = -g_n w_c (1 - s) log p_n,c;
    grad_w_c = -sum_n g_n m_n,c log p_n,c with q = w m, and where the divisor M holds weights (mean, classes) also
    -g L times the number of positions of class c, over M. Under mean g_n = g / M.
    """
    op = "cross_entropy_backward"
    cache = _validate.is_cache(op, cache, CrossEntropyCache)
    x, targets = _folded(cache)
    shape, axis = cache.input.shape, class_axis(cache.input.shape)
    g = _validate.output_gradient(op, grad_output, positions(shape) if cache.reduction == "none" else (), x.dtype)

    grad_x = np.empty_like(x)
    grad_t = np.empty_like(x) if targets.holds_probabilities else None
    grad_w = np.zeros_like(targets.w)
    with np.errstate(all="ignore"):
        g = reduce_backward(g, positions(shape), cache.reduction, targets.divisor()).reshape(-1, 1)
        for rows in row_blocks(*x.shape):
            grad_x[rows], of_t, of_w = targets.pull_back(rows, x[rows], g[rows], cache.weight is not None)
            if grad_t is not None:
                grad_t[rows] = of_t
            if cache.weight is not None:
                grad_w += of_w
        if cache.reduction == "mean":
            grad_w += targets.pull_back_divisor(grad_w)

    grads = {"input": gradient(unfold(grad_x, shape, axis), cache.input)}
    if grad_t is not None:
        grads["target"] = gradient(unfold(grad_t, shape, axis), cache.target)
    if cache.weight is not None:
        grads["weight"] = gradient(grad_w, cache.weight)
    return grads


def _folded(cache: CrossEntropyCache) -> tuple[Any, ClassTargets]:
    """Scores (rows, C), and what they are compared with, in the working dtype."""
    x, w, *probabilities = working(*_floating_arguments(cache))
    axis = class_axis(x.shape)
    t = fold(probabilities[0], axis) if probabilities else cache.target.reshape(-1)
    w = np.ones(x.shape[axis], x.dtype) if w is None else w
    return fold(x, axis), ClassTargets(t, w, cache.ignore_index, cache.label_smoothing)


def _floating_arguments(cache: CrossEntropyCache) -> list[Array | None]:
    return [cache.input, cache.weight, *([cache.target] if cache.target.dtype.kind == "f" else [])]
