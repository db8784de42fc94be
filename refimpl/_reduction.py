"""The reduction of a loss as a pair of its own, and undoing a broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _validate
from ._blocks import elementwise, row_blocks
from ._precision import answer, result_dtype, working_dtype
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


def reduced_elementwise(
    formula: Callable[..., Any], *arrays: Array, reduction: str, divisor: float | None = None
) -> Array:
    """The reduced values of formula(scale, *arrays), block by block: under sum and mean they are never all held.

    The arrays have one shape. The formula returns its values times scale, which it multiplies in before anything that
    may overflow: where the sum overflows and the mean does not, the mean is taken of values that are scaled at once.
    """
    dtype = result_dtype(*arrays)
    if reduction == "none":
        return elementwise(lambda *blocks: formula(1.0, *blocks), *arrays, dtype=dtype)
    with np.errstate(all="ignore"):
        total = _total(formula, 1.0, *arrays)
        if reduction == "mean":
            count = np.float64(arrays[0].size if divisor is None else divisor)
            total = total / count if np.isfinite(total) else _total(formula, float(1 / count), *arrays)
        return answer(total, *arrays)


def _total(formula: Callable[..., Any], scale: float, *arrays: Array) -> np.float64:
    """The sum of formula(scale, *arrays). Each block is summed pairwise, in float64, as are the sums of the blocks."""
    compute = working_dtype(*arrays)
    flat = [array.reshape(-1) for array in arrays]
    sums = [
        formula(scale, *(array[block].astype(compute, copy=False) for array in flat)).sum(dtype=np.float64)
        for block in row_blocks(arrays[0].size, 1)
    ]
    return np.sum(np.array(sums, dtype=np.float64))


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
