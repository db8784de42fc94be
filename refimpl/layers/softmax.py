"""Softmax and its logarithm: rows of scores to rows of probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _validate
from .._blocks import rowwise
from .._numerics import shifted_rows
from .._precision import working_dtype
from .._validate import Array

__all__ = ["log_softmax_backward", "log_softmax_forward", "softmax_backward", "softmax_forward"]


class SoftmaxCache(NamedTuple):
    input: Array  # any shape
    axis: int
    output_dtype: np.dtype[Any]


class LogSoftmaxCache(NamedTuple):
    input: Array  # any shape
    axis: int
    output_dtype: np.dtype[Any]


def _check(op: str, input: ArrayLike, dim: int | None, dtype: DTypeLike | None) -> tuple[Array, int, np.dtype[Any]]:
    """The input, the axis counted from 0, and the dtype to answer in."""
    x = _validate.floating(op, "input", input)
    if dim is None:
        # PyTorch's rule for dim=None, which it keeps for old code: 0, 1 and 3 dimensions mean the first axis.
        dim = 0 if x.ndim in (0, 1, 3) else 1
    axis = _validate.axis(op, "dim", dim, x.ndim)
    if dtype is None:
        return x, axis, x.dtype
    output_dtype = np.dtype(dtype)
    if output_dtype not in _validate.FLOATING:
        raise TypeError(f"{op}: dtype must be float16, float32 or float64, got {output_dtype}")
    return x, axis, output_dtype


def softmax_forward(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> tuple[Array, SoftmaxCache]:
    """The softmax along one axis.

    p_i = exp(x_i) / sum_j exp(x_j)

    Shapes: input any, output the same; dim names the axis (None: 0 for 0, 1 or 3 dimensions, else 1);
        with dtype the input is first converted to it.
    Raises: TypeError where input or dtype is not floating; ValueError where dim is out of range.
    Extremes: every probability to full relative precision, at any offset; a row of -inf alone gives NaN.
    Source: torch.nn.functional.softmax.
    Derived: derivations/softmax.md#softmax.
    """
    x, axis, output_dtype = _check("softmax_forward", input, dim, dtype)
    converted = x.astype(output_dtype, copy=False)
    p = rowwise(lambda x: shifted_rows(x).probability(), converted, axis=axis, dtype=output_dtype)
    return p, SoftmaxCache(x, axis, output_dtype)


def softmax_backward(grad_output: ArrayLike, cache: SoftmaxCache) -> dict[str, Array]:
    """grad_x_i = p_i (g_i - sum_j g_j p_j)."""
    op = "softmax_backward"
    cache = _validate.is_cache(op, cache, SoftmaxCache)
    return _backward(op, grad_output, cache, lambda g, x: shifted_rows(x).probability_vjp(g))


def log_softmax_forward(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> tuple[Array, LogSoftmaxCache]:
    """The logarithm of the softmax along one axis.

    y_i = x_i - log(sum_j exp(x_j))

    Shapes: input any, output the same; dim names the axis (None: 0 for 0, 1 or 3 dimensions, else 1);
        with dtype the input is first converted to it.
    Raises: TypeError where input or dtype is not floating; ValueError where dim is out of range.
    Extremes: full relative precision on confident rows too: (60, 0) gives -8.7565e-27, not 0.
    Source: torch.nn.functional.log_softmax.
    Derived: derivations/softmax.md#log_softmax.
    """
    x, axis, output_dtype = _check("log_softmax_forward", input, dim, dtype)
    converted = x.astype(output_dtype, copy=False)
    y = rowwise(lambda x: shifted_rows(x).log_probability(), converted, axis=axis, dtype=output_dtype)
    return y, LogSoftmaxCache(x, axis, output_dtype)


def log_softmax_backward(grad_output: ArrayLike, cache: LogSoftmaxCache) -> dict[str, Array]:
    """grad_x_i = g_i - p_i sum_j g_j, with p the softmax."""
    op = "log_softmax_backward"
    cache = _validate.is_cache(op, cache, LogSoftmaxCache)
    return _backward(op, grad_output, cache, lambda g, x: shifted_rows(x).log_probability_vjp(g))


def _backward(
    op: str, grad_output: ArrayLike, cache: SoftmaxCache | LogSoftmaxCache, vjp: Callable[[Array, Array], Array]
) -> dict[str, Array]:
    x = cache.input.astype(cache.output_dtype, copy=False)
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))
    return {"input": rowwise(vjp, g, x, axis=cache.axis, dtype=cache.input.dtype)}
