"""Losses of class scores: the negative log likelihood, from log-probabilities or from raw scores."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import fold, row_blocks, unfold
from .._numerics import shifted_rows
from .._precision import answer, gradient, working
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array, IntArray

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
    _check_scores(op, input, weight, reduction)
    _check_labels(op, input, target, ignore_index)

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
    return {"input": gradient(unfold(grad_x, cache.input.shape, _class_axis(cache.input)), cache.input)}


def _labelled(cache: NllLossCache) -> tuple[Any, Any, Any, Any]:
    """Scores (rows, C); per row the label (0 if ignored), whether it counts, and its weight (0 if ignored)."""
    x, w = working(cache.input, cache.weight)
    kept = cache.target.reshape(-1) != cache.ignore_index
    labels = np.where(kept, cache.target.reshape(-1), 0)
    label_weight = kept.astype(x.dtype) if w is None else np.where(kept, w[labels], 0)
    return fold(x, _class_axis(x)), labels, kept, label_weight


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
    _check_scores(op, input, weight, reduction)
    target = _check_target(op, input, target, ignore_index)

    cache = CrossEntropyCache(input, target, weight, ignore_index, reduction, label_smoothing)
    x, t, w = _folded(cache)
    values = np.empty(len(x), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*x.shape):
            q = w * _mixture(t[rows], cache, x.dtype)
            log_p = shifted_rows(x[rows]).log_probability()
            values[rows] = -_product(q, log_p).sum(axis=1)
        output = reduce_forward(values.reshape(_positions(input)), reduction, divisor=_divisor(t, w, cache))
    return answer(output, *_floating_arguments(cache)), cache


def cross_entropy_backward(grad_output: ArrayLike, cache: CrossEntropyCache) -> dict[str, Array]:
    """grad_x_n,c = g_n (p_n,c sum_j q_n,j - q_n,c), which for a single label y is g_n q_y p_c elsewhere and, at y,
    -g_n q_y times the sum of the other probabilities; grad_t_n,c = -g_n w_c (1 - s) log p_n,c;
    grad_w_c = -sum_n g_n m_n,c log p_n,c with q = w m, and where the divisor M holds weights (mean, classes) also
    -g L times the number of positions of class c, over M. Under mean g_n = g / M.
    """
    op = "cross_entropy_backward"
    cache = _validate.is_cache(op, cache, CrossEntropyCache)
    x, t, w = _folded(cache)
    shape = _positions(cache.input) if cache.reduction == "none" else ()
    g = _validate.output_gradient(op, grad_output, shape, x.dtype)
    divisor = _divisor(t, w, cache)
    g = reduce_backward(g, _positions(cache.input), cache.reduction, divisor).reshape(-1, 1)

    grad_x = np.empty_like(x)
    grad_t = np.empty_like(x) if t.dtype.kind == "f" else None
    grad_w = np.zeros_like(w)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*x.shape):
            row = shifted_rows(x[rows])
            m = _mixture(t[rows], cache, x.dtype)
            grad_x[rows] = row.log_probability_vjp(-g[rows] * (w * m))
            if grad_t is None and cache.weight is None:
                continue
            log_p = row.log_probability()
            grad_w -= _product(g[rows] * m, log_p).sum(axis=0)
            if grad_t is not None:
                grad_t[rows] = -g[rows] * (1 - cache.label_smoothing) * _product(w, log_p)
        if grad_t is None and cache.reduction == "mean":  # the divisor M is a sum of weights as well
            count = np.bincount(t[t != cache.ignore_index], minlength=len(w)).astype(w.dtype)
            grad_w -= (grad_w @ w) / divisor * count

    axis, shape = _class_axis(cache.input), cache.input.shape
    grads = {"input": gradient(unfold(grad_x, shape, axis), cache.input)}
    if grad_t is not None:
        grads["target"] = gradient(unfold(grad_t, shape, axis), cache.target)
    if cache.weight is not None:
        grads["weight"] = gradient(grad_w, cache.weight)
    return grads


def _folded(cache: CrossEntropyCache) -> tuple[Any, Any, Any]:
    """Scores (rows, C), target (rows,) or (rows, C), and class weights (C,), in the working dtype."""
    x, w, *probabilities = working(*_floating_arguments(cache))
    axis = _class_axis(x)
    t = fold(probabilities[0], axis) if probabilities else cache.target.reshape(-1)
    return fold(x, axis), t, np.ones(x.shape[axis], x.dtype) if w is None else w


def _floating_arguments(cache: CrossEntropyCache) -> list[Array | None]:
    return [cache.input, cache.weight, *([cache.target] if cache.target.dtype.kind == "f" else [])]


def _mixture(t: Any, cache: CrossEntropyCache, dtype: np.dtype[Any]) -> Any:
    """m = (1 - s) t + s / C as rows, with t spread out where it holds classes; 0 for an ignored position."""
    s, classes = cache.label_smoothing, cache.input.shape[_class_axis(cache.input)]
    if t.ndim == 2:
        return (1 - s) * t + s / classes
    kept = t != cache.ignore_index
    m = np.full((len(t), classes), s / classes, dtype=dtype)
    m[np.arange(len(t)), np.where(kept, t, 0)] += 1 - s
    return m * kept[:, None]


def _divisor(t: Any, w: Any, cache: CrossEntropyCache) -> Any:
    """What the mean divides by."""
    return len(t) if t.ndim == 2 else w[t[t != cache.ignore_index]].sum()


def _product(q: Any, log_p: Any) -> Any:
    """q log_p with 0 log 0 = 0: a class without weight costs nothing, however improbable."""
    return np.where(q == 0, 0, q * log_p)


# What both losses share: scores with the classes on axis 1, or on axis 0 of a single row.


def _class_axis(input: Array) -> int:
    return 0 if input.ndim == 1 else 1


def _positions(input: Array) -> tuple[int, ...]:
    """The shape of the input without its class axis."""
    axis = _class_axis(input)
    return (*input.shape[:axis], *input.shape[axis + 1 :])


def _check_scores(op: str, input: Array, weight: Array | None, reduction: str) -> None:
    _validate.at_least_dimensions(op, "input", input, 1)
    classes = input.shape[_class_axis(input)]
    if classes == 0:
        raise ValueError(f"{op}: input must have at least one class on axis {_class_axis(input)}, got {input.shape}")
    if weight is not None:
        _validate.has_shape(op, "weight", weight, "(classes,)", (classes,))
    check_reduction(op, reduction)


def _check_labels(op: str, input: Array, target: IntArray, ignore_index: int) -> None:
    _validate.has_shape(op, "target", target, "of input without its class axis", _positions(input))
    _validate.class_indices(op, "target", target, input.shape[_class_axis(input)], ignore_index)


def _check_target(op: str, input: Array, target: ArrayLike, ignore_index: int) -> Array | IntArray:
    """Integers are classes; floating numbers, in input's shape, are probabilities."""
    array = np.asarray(target)
    if array.dtype.kind == "f":
        probabilities = _validate.floating(op, "target", target)
        _validate.has_shape(op, "target", probabilities, "of input (class probabilities)", input.shape)
        return probabilities
    labels = _validate.integers(op, "target", target)
    _check_labels(op, input, labels, ignore_index)
    return labels
