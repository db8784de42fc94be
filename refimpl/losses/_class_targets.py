"""What the losses of class scores share: where the classes stand, and what rows of scores are compared with."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import shifted_rows
from .._reduction import check_reduction
from .._validate import Array, IntArray


class ClassTargets(NamedTuple):
    """The targets of rows of scores over C classes, and the cross entropy between the two.

    l_n = -sum_c q_n,c log p_n,c with p = softmax(x), q = w m and m = (1 - s) t + s / C; t is 1 at the class given, or
    the probabilities given.
    """

    t: Any  # classes (rows,), or probabilities (rows, C)
    w: Any  # (C,)
    ignore_index: int
    label_smoothing: float

    @property
    def holds_probabilities(self) -> bool:
        return bool(self.t.ndim == 2)

    def divisor(self) -> Any:
        """What the mean divides by: the number of rows of probabilities, or the weight of the classes not ignored."""
        return len(self.t) if self.holds_probabilities else self.w[self.t[self.t != self.ignore_index]].sum()

    def mixture(self, rows: slice) -> Any:
        """m, with t spread out where it holds classes; 0 for an ignored row."""
        s, classes, t = self.label_smoothing, len(self.w), self.t[rows]
        if self.holds_probabilities:
            return (1 - s) * t + s / classes
        kept = t != self.ignore_index
        m = np.full((len(t), classes), s / classes, dtype=self.w.dtype)
        m[np.arange(len(t)), np.where(kept, t, 0)] += 1 - s
        return m * kept[:, None]

    def losses(self, rows: slice, x: Any) -> Any:
        """l of some of the rows, whose scores are x."""
        return -_product(self.w * self.mixture(rows), shifted_rows(x).log_probability()).sum(axis=1)

    def pull_back(self, rows: slice, x: Any, g: Any, of_weight: bool) -> tuple[Any, Any, Any]:
        """The gradients of x, of t where it holds probabilities, and what these rows add to that of w if it is asked
        for, given the gradient g (rows, 1) of l.
        """
        row, m = shifted_rows(x), self.mixture(rows)
        grad_x = row.log_probability_vjp(-g * (self.w * m))
        if not (of_weight or self.holds_probabilities):
            return grad_x, None, None
        log_p = row.log_probability()
        grad_t = -g * (1 - self.label_smoothing) * _product(self.w, log_p) if self.holds_probabilities else None
        return grad_x, grad_t, -_product(g * m, log_p).sum(axis=0)

    def pull_back_divisor(self, grad_w: Any) -> Any:
        """What the divisor of a mean adds to the gradient of w: the divisor of classes is a sum of weights as well."""
        if self.holds_probabilities:
            return 0
        count = np.bincount(self.t[self.t != self.ignore_index], minlength=len(self.w)).astype(self.w.dtype)
        return -(grad_w @ self.w) / self.divisor() * count


def _product(q: Any, log_p: Any) -> Any:
    """q log_p with 0 log 0 = 0: a class without weight costs nothing, however improbable."""
    return np.where(q == 0, 0, q * log_p)


# Scores have the classes on axis 1, or on axis 0 of a single row.


def class_axis(shape: tuple[int, ...]) -> int:
    return 0 if len(shape) == 1 else 1


def positions(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of scores without their class axis."""
    return () if len(shape) == 1 else (shape[0], *shape[2:])


def check_scores(op: str, input: Array, weight: Array | None, reduction: str) -> None:
    _validate.at_least_dimensions(op, "input", input, 1)
    axis = class_axis(input.shape)
    classes = input.shape[axis]
    if classes == 0:
        raise ValueError(f"{op}: input must have at least one class on axis {axis}, got {input.shape}")
    if weight is not None:
        _validate.has_shape(op, "weight", weight, "(classes,)", (classes,))
    check_reduction(op, reduction)


def check_labels(op: str, shape: tuple[int, ...], target: IntArray, ignore_index: int, scores: str = "input") -> None:
    """Against scores of this shape, which the message calls by `scores`."""
    _validate.has_shape(op, "target", target, f"of {scores} without its class axis", positions(shape))
    _validate.class_indices(op, "target", target, shape[class_axis(shape)], ignore_index)


def check_target(
    op: str, shape: tuple[int, ...], target: ArrayLike, ignore_index: int, scores: str = "input"
) -> Array | IntArray:
    """Integers are classes; floating numbers, in the shape of the scores, are probabilities."""
    array = np.asarray(target)
    if array.dtype.kind == "f":
        probabilities = _validate.floating(op, "target", target)
        _validate.has_shape(op, "target", probabilities, f"of {scores} (class probabilities)", shape)
        return probabilities
    labels = _validate.integers(op, "target", target)
    check_labels(op, shape, labels, ignore_index, scores)
    return labels
