"""Distillation: learning from labels and from another model's scores at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._numerics import ShiftedRow, excess, shifted_rows, two_sum
from .._precision import answer, working, working_dtype
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array, IntArray

__all__ = ["distillation_loss_backward", "distillation_loss_forward"]


class DistillationLossCache(NamedTuple):
    student_logits: Array  # (..., C)
    teacher_logits: Array  # (..., C)
    target: IntArray  # (...)
    temperature: float
    weight_hard_loss: float
    weight_soft_loss: float
    ignore_index: int
    square_temperature: bool
    reduction: str


def distillation_loss_forward(
    student_logits: ArrayLike,
    teacher_logits: ArrayLike,
    target: ArrayLike,
    temperature: float = 1.0,
    weight_hard_loss: float = 0.5,
    weight_soft_loss: float = 0.5,
    ignore_index: int = -100,
    square_temperature: bool = True,
    reduction: str = "mean",
) -> tuple[Array, DistillationLossCache]:
    """The cross entropy with the labels, and the divergence of the student from the teacher at a temperature.

    l_n = -h log s_n,y + k T^2 sum_c q_n,c (log q_n,c - log p_n,c), and 0 where the label y is ignore_index, with
    s = softmax(a), p = softmax(a / T), q = softmax(b / T) of the student's scores a and the teacher's b, h the weight
    of the hard and k of the soft loss. Without square_temperature k stands alone, in place of k T^2.
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, where N is the number of positions not ignored

    Shapes: student_logits (..., C), teacher_logits the same, target (...); output like target (none) or ().
    Raises: TypeError where scores are not floating or target not integer; ValueError where shapes do not match, a label
        is no class, temperature is not positive, a weight is negative, or the reduction is unknown.
    Extremes: the divergence is summed from terms that are not negative: full precision where student and teacher agree
        and on confident rows, at any offset. A class that both exclude (-inf) counts nothing. The mean of nothing, or
        of ignored positions alone, is NaN.
    Source: Hinton, Vinyals, Dean, Distilling the knowledge in a neural network, 2015; the weights' names and defaults
        are Liger-Kernel's, which leaves T^2 out. The gradient of the teacher's scores is the derivative too; who holds
        the teacher fixed drops it.
    Derived: derivations/distillation.md#distillation_loss.
    """
    op = "distillation_loss_forward"
    a = _validate.floating(op, "student_logits", student_logits)
    b = _validate.floating(op, "teacher_logits", teacher_logits)
    y = _validate.integers(op, "target", target)
    ignore_index = _validate.integer(op, "ignore_index", ignore_index)
    temperature = _validate.number(op, "temperature", temperature, above=0)
    weight_hard_loss = _validate.number(op, "weight_hard_loss", weight_hard_loss, at_least=0)
    weight_soft_loss = _validate.number(op, "weight_soft_loss", weight_soft_loss, at_least=0)
    square_temperature = _validate.boolean(op, "square_temperature", square_temperature)
    check_reduction(op, reduction)
    _check_rows(op, a, b, y, ignore_index)

    cache = DistillationLossCache(
        a, b, y, temperature, weight_hard_loss, weight_soft_loss, ignore_index, square_temperature, reduction
    )
    soft = weight_soft_loss * (temperature**2 if square_temperature else 1)
    kept = y.reshape(-1) != ignore_index
    values = np.zeros(y.size, dtype=working_dtype(a, b))
    with np.errstate(all="ignore"):
        for rows, hard, p, q, label in _blocks(cache):
            log_s = np.take_along_axis(hard.log_probability(), label, axis=1)[:, 0]
            divergence = _divergence(p, q).sum(axis=1)
            values[rows] = np.where(kept[rows], soft * divergence - weight_hard_loss * log_s, 0)
        output = reduce_forward(values.reshape(y.shape), reduction, divisor=np.count_nonzero(kept))
    return answer(output, a, b), cache


def distillation_loss_backward(grad_output: ArrayLike, cache: DistillationLossCache) -> dict[str, Array]:
    """grad_a = g (h (s - onehot(y)) + k T (p - q)), grad_b_c = g k T q_c (d_c - sum_j q_j d_j) with
    d = log q - log p; without square_temperature k / T in place of k T; 0 in ignored rows; under mean g_n = g / N.
    """
    op = "distillation_loss_backward"
    cache = _validate.is_cache(op, cache, DistillationLossCache)
    classes, shape = cache.student_logits.shape[-1], cache.target.shape
    dtype = working_dtype(cache.student_logits, cache.teacher_logits)
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), dtype)
    kept = cache.target != cache.ignore_index
    g = reduce_backward(g, shape, cache.reduction, divisor=np.count_nonzero(kept))
    g = np.where(kept, g, 0).reshape(-1, 1)

    soft = cache.weight_soft_loss * (cache.temperature if cache.square_temperature else 1 / cache.temperature)
    grad_a = np.empty((len(g), classes), dtype=cache.student_logits.dtype)
    grad_b = np.empty((len(g), classes), dtype=cache.teacher_logits.dtype)
    with np.errstate(all="ignore"):
        for rows, hard, p, q, label in _blocks(cache):
            d = _log_ratio(p, q)
            one = np.zeros_like(d)
            np.put_along_axis(one, label, 1, axis=1)
            of_hard = hard.log_probability_vjp(-g[rows] * cache.weight_hard_loss * one)
            # p - q, which where the two are close is q times what the ratio leaves of 1
            apart = np.where(np.abs(d) < 1, q.probability() * np.expm1(-d), p.probability() - q.probability())
            counts = g[rows] != 0
            grad_a[rows] = np.where(counts, of_hard + g[rows] * soft * apart, 0)
            grad_b[rows] = np.where(counts, g[rows] * soft * q.probability_vjp(d), 0)
    return {
        "student_logits": grad_a.reshape(cache.student_logits.shape),
        "teacher_logits": grad_b.reshape(cache.teacher_logits.shape),
    }


def _blocks(cache: DistillationLossCache) -> Iterator[tuple[slice, ShiftedRow, ShiftedRow, ShiftedRow, IntArray]]:
    """For each block of rows: s, p and q, and the labels (rows, 1), 0 where ignored."""
    a, b = working(cache.student_logits, cache.teacher_logits)
    classes = a.shape[-1]
    a, b, labels = a.reshape(-1, classes), b.reshape(-1, classes), cache.target.reshape(-1, 1)
    for rows in row_blocks(*a.shape):
        label = np.where(labels[rows] == cache.ignore_index, 0, labels[rows])
        p = shifted_rows(a[rows], cache.temperature)
        yield rows, shifted_rows(a[rows]), p, shifted_rows(b[rows], cache.temperature), label


def _log_ratio(p: ShiftedRow, q: ShiftedRow) -> Any:
    """log q - log p, and 0 where q excludes the class: it then counts nothing.

    With w the difference of the scores it is w - log(sum_j p_j exp(w_j)), which is as exact as w where the
    distributions are close; the difference of the logarithms is only as exact as they are. A constant in w cancels.
    """
    plain = q.log_probability() - p.log_probability()
    w, rest = two_sum(q.difference, -p.difference)
    w = w + (rest + (q.error - p.error))
    w = w - np.take_along_axis(w, p.top, axis=1)
    close = w - np.log1p((p.probability() * np.expm1(w)).sum(axis=1, keepdims=True))
    fits = np.abs(w).max(axis=1, keepdims=True) < 0.8 * float(np.log(np.finfo(w.dtype).max))
    return np.where(np.isneginf(q.log_probability()), 0, np.where(fits, close, plain))


def _divergence(p: ShiftedRow, q: ShiftedRow) -> Any:
    """q (log q - log p) - q + p, which sums to the divergence, and of which no term is negative."""
    d, share = _log_ratio(p, q), q.probability()
    apart = np.where(share == 0, 0, share * (d - 1)) + p.probability()
    return np.where((np.abs(d) < 1) & (share > 0), share * excess(d), apart)


def _check_rows(op: str, a: Array, b: Array, y: IntArray, ignore_index: int) -> None:
    _validate.at_least_dimensions(op, "student_logits", a, 1)
    if a.shape[-1] == 0:
        raise ValueError(f"{op}: student_logits must have at least one class on the last axis, got {a.shape}")
    _validate.has_shape(op, "teacher_logits", b, "of student_logits", a.shape)
    _validate.has_shape(op, "target", y, "of student_logits without its last axis", a.shape[:-1])
    _validate.class_indices(op, "target", y, a.shape[-1], ignore_index)
