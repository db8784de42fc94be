"""Softmax and its relatives: rows of scores to rows of probabilities, or to the logarithm of their sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _validate
from .._blocks import elementwise, row_blocks, rowwise
from .._numerics import shifted_rows
from .._precision import working_dtype
from .._validate import Array

__all__ = [
    "gumbel_softmax_backward",
    "gumbel_softmax_forward",
    "log_softmax_backward",
    "log_softmax_forward",
    "logsumexp_backward",
    "logsumexp_forward",
    "softmax_backward",
    "softmax_forward",
    "softmin_backward",
    "softmin_forward",
]


class SoftmaxCache(NamedTuple):
    input: Array  # any shape
    axis: int
    output_dtype: np.dtype[Any]


class LogSoftmaxCache(NamedTuple):
    input: Array  # any shape
    axis: int
    output_dtype: np.dtype[Any]


class SoftminCache(NamedTuple):
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


def softmin_forward(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> tuple[Array, SoftminCache]:
    """The softmax of the negated input along one axis.

    p_i = exp(-x_i) / sum_j exp(-x_j)

    Shapes: input any, output the same; dim names the axis (None: 0 for 0, 1 or 3 dimensions, else 1);
        with dtype the input is first converted to it.
    Raises: TypeError where input or dtype is not floating; ValueError where dim is out of range.
    Extremes: every probability to full relative precision, at any offset; a row of inf alone gives NaN.
    Source: torch.nn.functional.softmin.
    Derived: derivations/softmax.md#softmin.
    """
    x, axis, output_dtype = _check("softmin_forward", input, dim, dtype)
    converted = x.astype(output_dtype, copy=False)
    p = rowwise(lambda x: shifted_rows(-x).probability(), converted, axis=axis, dtype=output_dtype)
    return p, SoftminCache(x, axis, output_dtype)


def softmin_backward(grad_output: ArrayLike, cache: SoftminCache) -> dict[str, Array]:
    """grad_x_i = -p_i (g_i - sum_j g_j p_j)."""
    op = "softmin_backward"
    cache = _validate.is_cache(op, cache, SoftminCache)
    return _backward(op, grad_output, cache, lambda g, x: shifted_rows(-x).probability_vjp(-g))


def _backward(
    op: str,
    grad_output: ArrayLike,
    cache: SoftmaxCache | LogSoftmaxCache | SoftminCache,
    vjp: Callable[[Array, Array], Array],
) -> dict[str, Array]:
    x = cache.input.astype(cache.output_dtype, copy=False)
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))
    return {"input": rowwise(vjp, g, x, axis=cache.axis, dtype=cache.input.dtype)}


class LogsumexpCache(NamedTuple):
    input: Array  # any shape
    axes: tuple[int, ...]  # those summed over
    shape: tuple[int, ...]  # of output


def logsumexp_forward(
    input: ArrayLike, dim: int | Sequence[int], keepdim: bool = False
) -> tuple[Array, LogsumexpCache]:
    """The logarithm of the sum of exponentials along one or several axes.

    y = log(sum_j exp(x_j))

    Shapes: input any; output without the axes in dim, or with length 1 there (keepdim).
    Raises: TypeError where input is not floating or an option of another kind; ValueError where an axis is out of range
        or named twice, or none is named.
    Extremes: no overflow, at any offset; -inf for nothing and for -inf alone, inf where an entry is inf.
    Source: torch.logsumexp.
    Derived: derivations/softmax.md#logsumexp.
    """
    op = "logsumexp_forward"
    x = _validate.floating(op, "input", input)
    axes = _axes(op, dim, x.ndim)
    keep = _validate.boolean(op, "keepdim", keepdim)
    rows = _rows(x, axes).astype(working_dtype(x), copy=False)
    y = np.full(len(rows), -np.inf, dtype=rows.dtype)  # the logarithm of an empty sum
    if rows.size:
        for block in row_blocks(*rows.shape):
            y[block] = shifted_rows(rows[block]).log_sum(rows[block])
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes)
    return y.reshape(shape).astype(x.dtype, copy=False), LogsumexpCache(x, axes, shape)


def logsumexp_backward(grad_output: ArrayLike, cache: LogsumexpCache) -> dict[str, Array]:
    """grad_x_i = g p_i with p the softmax over the axes summed."""
    op = "logsumexp_backward"
    x, axes, shape = _validate.is_cache(op, cache, LogsumexpCache)
    g = _validate.output_gradient(op, grad_output, shape, working_dtype(x)).reshape(-1, 1)

    rows = _rows(x, axes).astype(g.dtype, copy=False)
    grad_x = np.empty(rows.shape, dtype=x.dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(*rows.shape) if rows.size else ():
            grad_x[block] = g[block] * shifted_rows(rows[block]).probability()
    order = _axes_last(x, axes)
    moved = grad_x.reshape([np.atleast_1d(x).shape[i] for i in order])
    return {"input": moved.transpose(np.argsort(order)).reshape(x.shape)}


def _axes(op: str, dim: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """The axes counted from 0, in rising order."""
    named = tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    axes = tuple(sorted(_validate.axis(op, "dim", d, ndim) for d in named))
    if not axes or len(set(axes)) != len(axes):
        raise ValueError(f"{op}: dim must name one axis or several different ones, got {dim}")
    return axes


def _axes_last(x: Array, axes: tuple[int, ...]) -> tuple[int, ...]:
    return (*(i for i in range(x.ndim) if i not in axes), *axes)


def _rows(x: Array, axes: tuple[int, ...]) -> Array:
    """x as (rows, n): the axes last, in one. A 0-d array is one row of one."""
    moved = np.atleast_1d(x).transpose(_axes_last(x, axes))
    kept = x.ndim - len(axes) if x.ndim else 0
    return moved.reshape(math.prod(moved.shape[:kept]), math.prod(moved.shape[kept:]))


class GumbelSoftmaxCache(NamedTuple):
    logits: Array  # any shape
    perturbed: Array  # the same: (logits + noise) / tau
    tau: float
    axis: int


def gumbel_softmax_forward(
    logits: ArrayLike, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1, *, rng: Any = None
) -> tuple[Array, GumbelSoftmaxCache]:
    """A random choice of one class, made differentiable: the softmax of logits with Gumbel noise.

    y = softmax(z) along the axis, z_i = (x_i + n_i) / tau with independent n_i = -log(-log(u_i)), u_i uniform in (0, 1)
    hard: 1 at the first maximum of z and 0 elsewhere, with the gradient of softmax(z) (straight-through)

    Shapes: logits any, output the same; dim names the axis; rng an integer seed or a numpy.random.Generator.
    Raises: TypeError where logits is not floating or an option of another kind; ValueError where tau is not above 0,
        dim is out of range, or rng is missing.
    Extremes: as softmax, of the z that were rounded. eps is without effect, as in PyTorch.
    Source: torch.nn.functional.gumbel_softmax, with rng added; Jang and others, Categorical Reparameterization with
        Gumbel-Softmax (2017). One number is drawn per element in C order.
    Derived: derivations/softmax.md#gumbel_softmax.
    """
    op = "gumbel_softmax_forward"
    x = _validate.floating(op, "logits", logits)
    tau = _validate.number(op, "tau", tau, above=0)
    hard = _validate.boolean(op, "hard", hard)
    _validate.number(op, "eps", eps)
    axis = _validate.axis(op, "dim", dim, x.ndim)
    generator = _validate.generator(op, rng)
    # Drawn in float64 whatever the input: the same seed gives the same noise in every dtype.
    z = elementwise(lambda x: (x + generator.gumbel(size=x.shape)) / tau, x, dtype=working_dtype(x))
    formula = _one_hot if hard else lambda z: shifted_rows(z).probability()
    return rowwise(formula, z, axis=axis, dtype=x.dtype), GumbelSoftmaxCache(x, z, tau, axis)


def gumbel_softmax_backward(grad_output: ArrayLike, cache: GumbelSoftmaxCache) -> dict[str, Array]:
    """grad_x_i = p_i (g_i - sum_j g_j p_j) / tau with p = softmax(z), also where forward answered hard."""
    op = "gumbel_softmax_backward"
    x, z, tau, axis = _validate.is_cache(op, cache, GumbelSoftmaxCache)
    g = _validate.output_gradient(op, grad_output, x.shape, z.dtype)
    return {"logits": rowwise(lambda g, z: shifted_rows(z).probability_vjp(g) / tau, g, z, axis=axis, dtype=x.dtype)}


def _one_hot(z: Array) -> Array:
    y = np.zeros_like(z)
    np.put_along_axis(y, z.argmax(axis=1)[:, None], 1, axis=1)
    return y
