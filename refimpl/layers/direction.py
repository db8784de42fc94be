"""Rows measured by a norm: their direction, and the angle between two of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import row_blocks, rowwise, unfold
from .._norms import RowNorm, check_p, row_norm
from .._precision import answer, working_dtype
from .._validate import Array
from ._pairs import check_pair, folded_pair, pair_gradients

__all__ = [
    "cosine_similarity_backward",
    "cosine_similarity_forward",
    "normalize_backward",
    "normalize_forward",
]


class NormalizeCache(NamedTuple):
    input: Array  # any shape
    p: float
    axis: int
    eps: float


def normalize_forward(
    input: ArrayLike, p: float = 2.0, dim: int = 1, eps: float = 1e-12
) -> tuple[Array, NormalizeCache]:
    """Each row along one axis divided by its norm.

    y_i = x_i / max(n, eps) with n = (sum_j |x_j|^p)^(1/p)
    p = inf: n = max |x_j|;  p = -inf: n = min |x_j|;  p = 0: n is the number of entries that are not 0

    Shapes: input any, output the same; dim names the axis.
    Raises: TypeError where input is not floating; ValueError where dim is out of range, p is NaN or eps is negative.
    Extremes: all digits at any magnitude. A row of zeros gives 0.
    Source: torch.nn.functional.normalize. For p = inf and -inf the entries that attain the norm share its gradient
        equally; at n = eps the gradient is that of x / n.
    Derived: derivations/direction.md#normalize.
    """
    op = "normalize_forward"
    x = _validate.floating(op, "input", input)
    p = check_p(op, p)
    axis = _validate.axis(op, "dim", dim, x.ndim)
    eps = _validate.number(op, "eps", eps, at_least=0)

    def formula(x: Array) -> Array:
        norm = row_norm(x, p)
        return norm.scaled / _clamped(norm, eps)

    return rowwise(formula, x, axis=axis, dtype=x.dtype), NormalizeCache(x, p, axis, eps)


def normalize_backward(grad_output: ArrayLike, cache: NormalizeCache) -> dict[str, Array]:
    """grad_x_i = (g_i - d_i sum_j g_j x_j / n) / n with d = dn/dx, sign(x_i) (|x_i| / n)^(p - 1); g_i / eps where
    n < eps.
    """
    op = "normalize_backward"
    cache = _validate.is_cache(op, cache, NormalizeCache)
    x = cache.input
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))

    def formula(g: Array, x: Array) -> Array:
        norm = row_norm(x, cache.p)
        free = _reaches(norm, cache.eps)
        across = np.where(free, _without(g, norm.unit(), norm.direction()), g)
        return across / _clamped(norm, cache.eps) * np.ldexp(x.dtype.type(1), -norm.exponent)

    return {"input": rowwise(formula, g, x, axis=cache.axis, dtype=x.dtype)}


class CosineSimilarityCache(NamedTuple):
    x1: Array  # any shape
    x2: Array  # any shape that broadcasts with it
    axis: int  # of the broadcast shape
    eps: float


def cosine_similarity_forward(
    x1: ArrayLike, x2: ArrayLike, dim: int = 1, eps: float = 1e-8
) -> tuple[Array, CosineSimilarityCache]:
    """The cosine of the angle between two rows.

    y = sum_i x1_i x2_i / (max(|x1|, eps) max(|x2|, eps)) with |x| = sqrt(sum_i x_i^2)

    Shapes: x1 and x2 broadcast against each other; dim names an axis of the broadcast shape, which output lacks.
    Raises: TypeError where an array is not floating; ValueError where the shapes do not broadcast, dim is out of range
        or eps is negative.
    Extremes: a few roundings of sum |x1_i x2_i| / (|x1| |x2|), at any magnitude. A row of zeros gives 0.
    Source: torch.nn.functional.cosine_similarity, whose gradient below eps is not the derivative: the clamp is passed
        straight through, d max(|x|, eps) / dx = x / |x| also where |x| < eps. A row of zeros has 0 there.
    Derived: derivations/direction.md#cosine_similarity.
    """
    op = "cosine_similarity_forward"
    x1, x2, shape = check_pair(op, x1, x2)
    axis = _validate.axis(op, "dim", dim, len(shape))
    eps = _validate.number(op, "eps", eps, at_least=0)
    cache = CosineSimilarityCache(x1, x2, axis, eps)
    a, b = folded_pair(x1, x2, axis)
    y = np.empty(len(a), dtype=a.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*a.shape):
            one, two = row_norm(a[rows], 2), row_norm(b[rows], 2)
            y[rows] = _cosine(one, two, eps)[:, 0]
    return answer(y.reshape(_without_axis(shape, axis)), x1, x2), cache


def cosine_similarity_backward(grad_output: ArrayLike, cache: CosineSimilarityCache) -> dict[str, Array]:
    """grad_x1 = g (x2 / m2 - y x1 / |x1|) / m1 with m = max(|x|, eps), and likewise grad_x2."""
    op = "cosine_similarity_backward"
    cache = _validate.is_cache(op, cache, CosineSimilarityCache)
    a, b = folded_pair(cache.x1, cache.x2, cache.axis)
    shape = np.broadcast_shapes(cache.x1.shape, cache.x2.shape)
    g = _validate.output_gradient(op, grad_output, _without_axis(shape, cache.axis), a.dtype).reshape(-1, 1)

    def pull_back(one: RowNorm, two: RowNorm) -> Array:
        v, cosine = two.scaled / _clamped(two, cache.eps), _cosine(one, two, cache.eps)
        across = np.where(
            _reaches(one, cache.eps), _without(v, one.unit(), one.direction()), v - cosine * one.direction()
        )  # fmt: skip
        return across / _clamped(one, cache.eps) * np.ldexp(a.dtype.type(1), -one.exponent)

    grad_a, grad_b = np.empty_like(a), np.empty_like(a)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*a.shape):
            one, two = row_norm(a[rows], 2), row_norm(b[rows], 2)
            grad_a[rows], grad_b[rows] = g[rows] * pull_back(one, two), g[rows] * pull_back(two, one)
        grads = (unfold(grad, shape, cache.axis) for grad in (grad_a, grad_b))
        return pair_gradients(cache.x1, cache.x2, *grads)


def _clamped(norm: RowNorm, eps: float) -> Array:
    """max(|x|, eps) in the norm's own unit."""
    return np.maximum(norm.size, _in_unit(norm, eps))


def _reaches(norm: RowNorm, eps: float) -> NDArray[np.bool_]:
    """Whether the norm itself counts, and not eps."""
    return norm.size >= _in_unit(norm, eps)


def _in_unit(norm: RowNorm, eps: float) -> Array:
    return np.ldexp(norm.size.dtype.type(eps), -norm.exponent)


def _without(g: Array, unit: Array, direction: Array) -> Array:
    """g - direction <g, unit>. What is left of a g along unit is the rounding of that product: once more takes it
    away."""
    for _ in range(2):
        g = g - direction * (g * unit).sum(axis=1, keepdims=True)
    return g


def _cosine(one: RowNorm, two: RowNorm, eps: float) -> Array:
    product = (one.scaled * two.scaled).sum(axis=1, keepdims=True)
    return np.asarray(product / _clamped(one, eps) / _clamped(two, eps))


def _without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])
