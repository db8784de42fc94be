"""Distances between rows: pair by pair, and all with all."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._norms import RowNorm, check_p, row_difference, row_norm
from .._precision import answer, gradient, working
from .._validate import Array
from ._pairs import broadcast_shape, check_pair, folded_pair, pair_gradients

__all__ = [
    "cdist_backward",
    "cdist_forward",
    "pairwise_distance_backward",
    "pairwise_distance_forward",
    "pdist_backward",
    "pdist_forward",
]


class PairwiseDistanceCache(NamedTuple):
    x1: Array  # (..., D), or ()
    x2: Array  # any shape that broadcasts with it
    p: float
    eps: float
    keepdim: bool


def pairwise_distance_forward(
    x1: ArrayLike, x2: ArrayLike, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> tuple[Array, PairwiseDistanceCache]:
    """The distance between each row and its counterpart.

    y = (sum_i |d_i|^p)^(1/p) with d = x1 - x2 + eps
    p = inf: max |d_i|;  p = -inf: min |d_i|;  p = 0: the number of d_i that are not 0

    Shapes: x1 and x2 (..., D), broadcast against each other, output (...), or (..., 1) with keepdim.
    Raises: TypeError where an array is not floating or keepdim not a bool; ValueError where the shapes do not
        broadcast, p or eps is NaN, or D = 0 leaves the norm undefined (p = inf or p < 0).
    Extremes: all digits of the difference, at any magnitude; the gradient where all differences are 0 is 0.
    Source: torch.nn.functional.pairwise_distance, where eps keeps the gradient of equal rows away from that point; for
        p = 0 PyTorch gives no gradient, and here it is 0.
    Derived: derivations/distance.md#pairwise_distance.
    """
    op = "pairwise_distance_forward"
    x1, x2, shape = check_pair(op, x1, x2)
    p = check_p(op, p)
    eps = _validate.number(op, "eps", eps)
    keepdim = _validate.boolean(op, "keepdim", keepdim)
    if shape and not shape[-1] and (p < 0 or math.isinf(p)):
        raise ValueError(f"{op}: rows must have at least one entry for p = {p:g}, got shape {shape}")
    cache = PairwiseDistanceCache(x1, x2, p, eps, keepdim)
    a, b = folded_pair(cache.x1, cache.x2, -1)
    y = np.empty(len(a), dtype=a.dtype)
    for rows in row_blocks(*a.shape):
        y[rows] = row_norm(row_difference(a[rows], b[rows], eps), p).norm()[:, 0]
    return answer(y.reshape(_distance_shape(cache)), x1, x2), cache


def pairwise_distance_backward(grad_output: ArrayLike, cache: PairwiseDistanceCache) -> dict[str, Array]:
    """grad_x1_i = g sign(d_i) (|d_i| / y)^(p - 1) with d = x1 - x2 + eps, and grad_x2 = -grad_x1."""
    op = "pairwise_distance_backward"
    cache = _validate.is_cache(op, cache, PairwiseDistanceCache)
    a, b = folded_pair(cache.x1, cache.x2, -1)
    g = _validate.output_gradient(op, grad_output, _distance_shape(cache), a.dtype).reshape(-1, 1)
    grad = np.empty_like(a)
    with np.errstate(all="ignore"):
        for rows in row_blocks(*a.shape):
            grad[rows] = g[rows] * row_norm(row_difference(a[rows], b[rows], cache.eps), cache.p).direction()
        grad = grad.reshape(np.broadcast_shapes(cache.x1.shape, cache.x2.shape))
        return pair_gradients(cache.x1, cache.x2, grad, -grad)


class PdistCache(NamedTuple):
    input: Array  # (N, D)
    p: float


def pdist_forward(input: ArrayLike, p: float = 2.0) -> tuple[Array, PdistCache]:
    """The distances between all rows, each pair once.

    y_ij = (sum_k |x_ik - x_jk|^p)^(1/p) for i < j: y_01, y_02, ..., y_12, ...
    p = inf: max_k |x_ik - x_jk|;  p = 0: the number of k where the rows differ

    Shapes: input (N, D), output (N (N - 1) / 2,).
    Raises: TypeError where input is not floating; ValueError where it is not a matrix or p is negative.
    Extremes: all digits of the difference, at any magnitude; the gradient of equal rows is 0.
    Source: torch.nn.functional.pdist. For p = inf each entry that attains the maximum has the whole gradient.
    Derived: derivations/distance.md#pdist.
    """
    op = "pdist_forward"
    x = _validate.floating(op, "input", input)
    if x.ndim != 2:
        raise ValueError(f"{op}: input must have shape (N, D), got {x.shape}")
    p = _validate.number(op, "p", p, at_least=0)
    (rows,) = working(x)
    distances = _distances(rows[None], rows[None], p)[0]
    return answer(distances[np.triu_indices(len(x), 1)], x), PdistCache(x, p)


def pdist_backward(grad_output: ArrayLike, cache: PdistCache) -> dict[str, Array]:
    """grad_x_i = sum_j g_ij sign(d) (|d| / y_ij)^(p - 1) with d = x_i - x_j and g_ij = g_ji."""
    op = "pdist_backward"
    cache = _validate.is_cache(op, cache, PdistCache)
    (x,) = working(cache.input)
    count = len(x)
    g = _validate.output_gradient(op, grad_output, (count * (count - 1) // 2,), x.dtype)
    above = np.zeros((1, count, count), dtype=x.dtype)
    above[0][np.triu_indices(count, 1)] = g
    first, second = _distances_backward(above, x[None], x[None], cache.p)
    return {"input": gradient((first + second)[0], cache.input)}


class CdistCache(NamedTuple):
    x1: Array  # (..., P, D)
    x2: Array  # (..., R, D)
    p: float


def cdist_forward(x1: ArrayLike, x2: ArrayLike, p: float = 2.0) -> tuple[Array, CdistCache]:
    """The distances between all rows of one matrix and all rows of another.

    y_ij = (sum_k |x1_ik - x2_jk|^p)^(1/p)
    p = inf: max_k |x1_ik - x2_jk|;  p = 0: the number of k where the rows differ

    Shapes: x1 (..., P, D), x2 (..., R, D), output (..., P, R); what stands before the matrices is broadcast.
    Raises: TypeError where an array is not floating; ValueError where a shape does not match or p is negative.
    Extremes: all digits of the difference, at any magnitude; the gradient of equal rows is 0.
    Source: torch.cdist, without its compute_mode, which trades digits for speed. For p = inf each entry that attains
        the maximum has the whole gradient.
    Derived: derivations/distance.md#cdist.
    """
    op = "cdist_forward"
    x1 = _validate.floating(op, "x1", x1)
    x2 = _validate.floating(op, "x2", x2)
    for name, x in (("x1", x1), ("x2", x2)):
        _validate.at_least_dimensions(op, name, x, 2)
    if x1.shape[-1] != x2.shape[-1]:
        raise ValueError(f"{op}: x1 and x2 must have rows of one length, got {x1.shape} and {x2.shape}")
    broadcast_shape(op, x1, x2, x1.shape[:-2], x2.shape[:-2])
    p = _validate.number(op, "p", p, at_least=0)
    cache = CdistCache(x1, x2, p)
    a, b, batch = _matrices(cache)
    return answer(_distances(a, b, p).reshape(*batch, a.shape[1], b.shape[1]), x1, x2), cache


def cdist_backward(grad_output: ArrayLike, cache: CdistCache) -> dict[str, Array]:
    """grad_x1_i = sum_j g_ij sign(d) (|d| / y_ij)^(p - 1) with d = x1_i - x2_j, and grad_x2_j its negative summed
    over i.
    """
    op = "cdist_backward"
    cache = _validate.is_cache(op, cache, CdistCache)
    a, b, batch = _matrices(cache)
    g = _validate.output_gradient(op, grad_output, (*batch, a.shape[1], b.shape[1]), a.dtype)
    first, second = _distances_backward(g.reshape(len(a), a.shape[1], b.shape[1]), a, b, cache.p)
    return pair_gradients(cache.x1, cache.x2, first.reshape(*batch, *a.shape[1:]), second.reshape(*batch, *b.shape[1:]))


def _distance_shape(cache: PairwiseDistanceCache) -> tuple[int, ...]:
    shape = np.broadcast_shapes(cache.x1.shape, cache.x2.shape)
    return (*shape[:-1], 1) if cache.keepdim and shape else shape[:-1]


def _matrices(cache: CdistCache) -> tuple[Any, Any, tuple[int, ...]]:
    """x1 (batch, P, D) and x2 (batch, R, D), broadcast against each other, and the shape of the batch."""
    batch = np.broadcast_shapes(cache.x1.shape[:-2], cache.x2.shape[:-2])
    a, b = (np.broadcast_to(x, batch + x.shape[-2:]) for x in working(cache.x1, cache.x2))
    count = math.prod(batch)
    return a.reshape(count, *a.shape[-2:]), b.reshape(count, *b.shape[-2:]), batch


def _norms(a: Array, b: Array, p: float) -> Iterator[tuple[int, slice, RowNorm]]:
    """The norms of a_i - b_j for a (batch, P, D) and b (batch, R, D), a few rows i of one matrix at a time."""
    for k, (rows_a, rows_b) in enumerate(zip(a, b, strict=True)):
        for rows in row_blocks(len(rows_a), rows_b.size):
            yield k, rows, row_norm(rows_a[rows, None] - rows_b, p)


def _distances(a: Array, b: Array, p: float) -> Array:
    y = np.zeros((len(a), a.shape[1], b.shape[1]), dtype=a.dtype)
    if a.shape[2]:  # rows without entries are at distance 0
        with np.errstate(all="ignore"):
            for k, rows, norm in _norms(a, b, p):
                y[k, rows] = norm.norm()[..., 0]
    return y


def _distances_backward(g: Array, a: Array, b: Array, p: float) -> tuple[Array, Array]:
    grad_a, grad_b = np.zeros_like(a), np.zeros_like(b)
    with np.errstate(all="ignore"):
        for k, rows, norm in _norms(a, b, p):
            direction = norm.direction()
            if math.isinf(p):
                direction = np.sign(norm.x) * (np.abs(norm.scaled) == norm.size)
            pulled = g[k, rows, :, None] * direction
            grad_a[k, rows] = pulled.sum(axis=1)
            grad_b[k] -= pulled.sum(axis=0)
    return grad_a, grad_b
