"""Losses of overlap: how much a predicted region and the true one have in common."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working, working_dtype
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array

__all__ = [
    "binary_dice_loss_backward",
    "binary_dice_loss_forward",
    "binary_tversky_loss_backward",
    "binary_tversky_loss_forward",
    "multiclass_dice_loss_backward",
    "multiclass_dice_loss_forward",
    "multiclass_tversky_loss_backward",
    "multiclass_tversky_loss_forward",
]


class BinaryDiceLossCache(NamedTuple):
    input: Array  # (N, ...)
    target: Array  # (N, ...)
    smooth: float
    reduction: str


class BinaryTverskyLossCache(NamedTuple):
    input: Array  # (N, ...)
    target: Array  # (N, ...)
    alpha: float
    beta: float
    smooth: float
    reduction: str


class MulticlassDiceLossCache(NamedTuple):
    input: Array  # (N, C, ...)
    target: Array  # (N, C, ...)
    weight: Array | None  # (C,)
    smooth: float
    reduction: str


class MulticlassTverskyLossCache(NamedTuple):
    input: Array  # (N, C, ...)
    target: Array  # (N, C, ...)
    weight: Array | None  # (C,)
    alpha: float
    beta: float
    smooth: float
    reduction: str


def binary_dice_loss_forward(
    input: ArrayLike, target: ArrayLike, smooth: float = 1.0, reduction: str = "mean"
) -> tuple[Array, BinaryDiceLossCache]:
    """One minus the Dice coefficient of predicted probabilities and a true region, per sample.

    l_n = 1 - (I_n + s) / ((P_n + T_n) / 2 + s) with I = sum_i p_i t_i, P = sum_i p_i and T = sum_i t_i over the pixels
    of the sample, and s = smooth
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: input (N, ...) with at least one axis of pixels, target the same; output (N,) (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, input or target holds no
        probabilities, smooth is negative, or the reduction is unknown.
    Extremes: as one quotient, not as a difference from 1: an overlap that lacks 1e-20 costs 1e-20. Where nothing is
        predicted, nothing is true and smooth is 0, it is 0/0 = NaN. The mean of no samples is NaN.
    Source: optax.losses.binary_dice_loss on probabilities; Milletari, Navab, Ahmadi, V-Net, 2016, who
        square in P and T.
    Derived: derivations/segmentation.md#binary_dice_loss.
    """
    op = "binary_dice_loss_forward"
    p, t, smooth = _check(op, input, target, smooth, reduction, 2)
    cache = BinaryDiceLossCache(p, t, smooth, reduction)
    return _forward(cache, 0.5, 0.5), cache


def binary_dice_loss_backward(grad_output: ArrayLike, cache: BinaryDiceLossCache) -> dict[str, Array]:
    """With D = (P + T) / 2 + s and k = (I + s) / D: grad_p_i = g_n ((1/2 - t_i) k - t_i l) / D and
    grad_t_i = g_n ((1/2 - p_i) k - p_i l) / D; under mean g_n = g / N.
    """
    op = "binary_dice_loss_backward"
    cache = _validate.is_cache(op, cache, BinaryDiceLossCache)
    return _backward(op, grad_output, cache, 0.5, 0.5)


def binary_tversky_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> tuple[Array, BinaryTverskyLossCache]:
    """One minus the Tversky index of predicted probabilities and a true region, per sample.

    l_n = 1 - (I_n + s) / (I_n + alpha F_n + beta M_n + s) with the overlap I = sum_i p_i t_i, the false alarms
    F = sum_i p_i (1 - t_i) and the misses M = sum_i (1 - p_i) t_i over the pixels of the sample, and s = smooth
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: input (N, ...) with at least one axis of pixels, target the same; output (N,) (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, input or target holds no
        probabilities, alpha, beta or smooth is negative, or the reduction is unknown.
    Extremes: as one quotient, not as a difference from 1: an overlap that lacks 1e-20 costs 1e-20. Where nothing is
        predicted, nothing is true and smooth is 0, it is 0/0 = NaN. The mean of no samples is NaN.
    Source: optax.losses.dice_loss, which has alpha and beta, on probabilities; Salehi, Erdogmus, Gholipour, Tversky
        loss function for image segmentation, 2017.
    Derived: derivations/segmentation.md#binary_tversky_loss.
    """
    op = "binary_tversky_loss_forward"
    p, t, smooth = _check(op, input, target, smooth, reduction, 2)
    alpha, beta = _check_weights(op, alpha, beta)
    cache = BinaryTverskyLossCache(p, t, alpha, beta, smooth, reduction)
    return _forward(cache, alpha, beta), cache


def binary_tversky_loss_backward(grad_output: ArrayLike, cache: BinaryTverskyLossCache) -> dict[str, Array]:
    """With D = I + alpha F + beta M + s, k = (I + s) / D: grad_p_i = g_n ((alpha (1 - t_i) - beta t_i) k - t_i l) / D
    and grad_t_i = g_n ((beta (1 - p_i) - alpha p_i) k - p_i l) / D; under mean g_n = g / N.
    """
    op = "binary_tversky_loss_backward"
    cache = _validate.is_cache(op, cache, BinaryTverskyLossCache)
    return _backward(op, grad_output, cache, cache.alpha, cache.beta)


def multiclass_dice_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> tuple[Array, MulticlassDiceLossCache]:
    """One minus the Dice coefficient of predicted class probabilities and true regions, per sample and class.

    l_nc = w_c (1 - (I_nc + s) / ((P_nc + T_nc) / 2 + s)) with I = sum_i p_i t_i, P = sum_i p_i and T = sum_i t_i over
    the pixels of class c of the sample, and s = smooth
    none: l;  sum: sum_nc l_nc;  mean: sum_nc l_nc / (N C), also with a weight

    Shapes: input (N, C, ...) with at least one axis of pixels, target the same (1 at the true class, 0 elsewhere, or
        probabilities), weight (C,); output (N, C) (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, input or target holds no
        probabilities, smooth is negative, or the reduction is unknown.
    Extremes: as those of binary_dice_loss.
    Source: optax.losses.dice_loss on probabilities; Milletari, Navab, Ahmadi, V-Net, 2016, who square in P and T.
    Derived: derivations/segmentation.md#multiclass_dice_loss.
    """
    op = "multiclass_dice_loss_forward"
    p, t, smooth = _check(op, input, target, smooth, reduction, 3)
    cache = MulticlassDiceLossCache(p, t, _check_class_weight(op, weight, p), smooth, reduction)
    return _forward(cache, 0.5, 0.5), cache


def multiclass_dice_loss_backward(grad_output: ArrayLike, cache: MulticlassDiceLossCache) -> dict[str, Array]:
    """As for binary_dice_loss, per class, with g_nc w_c in place of g_n; grad_w_c = sum_n g_nc l_nc / w_c, the loss
    without its weight; under mean g_nc = g / (N C).
    """
    op = "multiclass_dice_loss_backward"
    cache = _validate.is_cache(op, cache, MulticlassDiceLossCache)
    return _backward(op, grad_output, cache, 0.5, 0.5)


def multiclass_tversky_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> tuple[Array, MulticlassTverskyLossCache]:
    """One minus the Tversky index of predicted class probabilities and true regions, per sample and class.

    l_nc = w_c (1 - (I_nc + s) / (I_nc + alpha F_nc + beta M_nc + s)) with I = sum_i p_i t_i, F = sum_i p_i (1 - t_i)
    and M = sum_i (1 - p_i) t_i over the pixels of class c of the sample, and s = smooth
    none: l;  sum: sum_nc l_nc;  mean: sum_nc l_nc / (N C), also with a weight

    Shapes: input (N, C, ...) with at least one axis of pixels, target the same (1 at the true class, 0 elsewhere, or
        probabilities), weight (C,); output (N, C) (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, input or target holds no
        probabilities, alpha, beta or smooth is negative, or the reduction is unknown.
    Extremes: as those of binary_tversky_loss.
    Source: optax.losses.dice_loss on probabilities; Salehi, Erdogmus, Gholipour, Tversky loss function for image
        segmentation, 2017.
    Derived: derivations/segmentation.md#multiclass_tversky_loss.
    """
    op = "multiclass_tversky_loss_forward"
    p, t, smooth = _check(op, input, target, smooth, reduction, 3)
    alpha, beta = _check_weights(op, alpha, beta)
    w = _check_class_weight(op, weight, p)
    cache = MulticlassTverskyLossCache(p, t, w, alpha, beta, smooth, reduction)
    return _forward(cache, alpha, beta), cache


def multiclass_tversky_loss_backward(grad_output: ArrayLike, cache: MulticlassTverskyLossCache) -> dict[str, Array]:
    """As for binary_tversky_loss, per class, with g_nc w_c in place of g_n; grad_w_c = sum_n g_nc l_nc / w_c, the loss
    without its weight; under mean g_nc = g / (N C).
    """
    op = "multiclass_tversky_loss_backward"
    cache = _validate.is_cache(op, cache, MulticlassTverskyLossCache)
    return _backward(op, grad_output, cache, cache.alpha, cache.beta)


# What the four share: regions (..., pixels), one number for each.


def _check(
    op: str, input: ArrayLike, target: ArrayLike, smooth: float, reduction: str, dimensions: int
) -> tuple[Array, Array, float]:
    p = _validate.floating(op, "input", input)
    t = _validate.floating(op, "target", target)
    _validate.at_least_dimensions(op, "input", p, dimensions)
    _validate.has_shape(op, "target", t, "of input", p.shape)
    _validate.probabilities(op, "input", p)
    _validate.probabilities(op, "target", t)
    check_reduction(op, reduction)
    return p, t, _validate.number(op, "smooth", smooth, at_least=0)


def _check_weights(op: str, alpha: float, beta: float) -> tuple[float, float]:
    return _validate.number(op, "alpha", alpha, at_least=0), _validate.number(op, "beta", beta, at_least=0)


def _check_class_weight(op: str, weight: ArrayLike | None, input: Array) -> Array | None:
    w = _validate.optional_floating(op, "weight", weight)
    if w is not None:
        _validate.has_shape(op, "weight", w, "(classes,)", input.shape[1:2])
    return w


class _Regions(NamedTuple):
    p: Any  # (N, pixels), or (N, C, pixels)
    t: Any  # the same
    w: Any  # (C,), or None
    size: Any  # D = I + alpha F + beta M + s, as (N, 1) or (N, C, 1)
    kept: Any  # k = (I + s) / D, the same
    loss: Any  # 1 - k, the same, from the terms that k lacks


def _regions(cache: Any, alpha: float, beta: float) -> _Regions:
    p, t, w = working(cache.input, cache.target, getattr(cache, "weight", None))
    leading = 1 if isinstance(cache, (BinaryDiceLossCache, BinaryTverskyLossCache)) else 2
    shape = (*p.shape[:leading], math.prod(p.shape[leading:]))
    p, t = p.reshape(shape), t.reshape(shape)
    overlap = (p * t).sum(axis=-1, keepdims=True) + p.dtype.type(cache.smooth)
    lacking = alpha * (p * (1 - t)).sum(axis=-1, keepdims=True) + beta * ((1 - p) * t).sum(axis=-1, keepdims=True)
    size = overlap + lacking
    return _Regions(p, t, w, size, overlap / size, lacking / size)


def _forward(cache: Any, alpha: float, beta: float) -> Array:
    with np.errstate(all="ignore"):
        regions = _regions(cache, alpha, beta)
        values = regions.loss[..., 0] if regions.w is None else regions.w * regions.loss[..., 0]
        return answer(
            reduce_forward(values, cache.reduction), cache.input, cache.target, getattr(cache, "weight", None)
        )


def _backward(op: str, grad_output: ArrayLike, cache: Any, alpha: float, beta: float) -> dict[str, Array]:
    weight = getattr(cache, "weight", None)
    with np.errstate(all="ignore"):
        p, t, w, size, kept, loss = _regions(cache, alpha, beta)
        shape = loss.shape[:-1] if cache.reduction == "none" else ()
        g = _validate.output_gradient(op, grad_output, shape, working_dtype(cache.input, cache.target, weight))
        g = reduce_backward(g, loss.shape[:-1], cache.reduction)[..., None]
        c = (g if w is None else g * w[:, None]) / size
        grads = {
            "input": gradient(c * ((alpha * (1 - t) - beta * t) * kept - t * loss), cache.input),
            "target": gradient(c * ((beta * (1 - p) - alpha * p) * kept - p * loss), cache.target),
        }
        grads = {name: grad.reshape(cache.input.shape) for name, grad in grads.items()}
        if weight is not None:
            grads["weight"] = gradient((g * loss)[..., 0].sum(axis=0), weight)
    return grads
