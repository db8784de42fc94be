"""The reduction of a loss as a pair of its own, and undoing a broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _validate
from ._validate import Array

REDUCTIONS = ("none", "mean", "sum")


def check_reduction(op: str, reduction: str) -> None:
    _validate.one_of(op, "reduction", reduction, REDUCTIONS)


def reduce_forward(values: Array, reduction: str, divisor: Any = None) -> Any:
    """none: the values; sum: their sum; mean: their sum over `divisor`, by default their number.

    The mean of nothing is 0/0 = NaN, as in PyTorch.
    """
    if reduction == "none":
        return values
    with np.errstate(all="ignore"):
        total = values.sum()
        if reduction == "sum":
            return total
        divisor = values.dtype.type(values.size if divisor is None else divisor)
        if np.isinf(total):  # the sum may overflow where the mean does not
            return (values / divisor).sum()
        return total / divisor


def reduce_backward(grad_output: Array, shape: tuple[int, ...], reduction: str, divisor: Any = None) -> Array:
    """The gradient of each value, as an array of the values' shape (a broadcast view where all are the same)."""
    if reduction == "mean":
        with np.errstate(all="ignore"):
            grad_output = grad_output / grad_output.dtype.type(np.prod(shape) if divisor is None else divisor)
    return np.broadcast_to(grad_output, shape)


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum `grad` over the axes along which an argument of `shape` was broadcast.

    Repeating is linear, and its transpose is adding up.
    """
    leading = tuple(range(grad.ndim - len(shape)))
    stretched = tuple(
        len(leading) + i for i, extent in enumerate(shape) if extent == 1 and grad.shape[len(leading) + i] != 1
    )
    if leading or stretched:
        grad = grad.sum(axis=leading + stretched, keepdims=True)
    return grad.reshape(shape)
