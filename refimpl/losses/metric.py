"""Losses of embeddings: what is alike is to lie closer than what is not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._norms import RowNorm, check_p, row_difference, row_norm
from .._numerics import three_sum
from .._precision import answer, gradient, working, working_dtype
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array

__all__ = [
    "cosine_embedding_loss_backward",
    "cosine_embedding_loss_forward",
    "triplet_margin_loss_backward",
    "triplet_margin_loss_forward",
    "triplet_margin_with_distance_loss_backward",
    "triplet_margin_with_distance_loss_forward",
]


class CosineEmbeddingLossCache(NamedTuple):
    input1: Array  # (N, D) or (D,)
    input2: Array  # the same
    target: NDArray[Any]  # (N,) or (): 1 and -1
    margin: float
    reduction: str


def cosine_embedding_loss_forward(
    input1: ArrayLike, input2: ArrayLike, target: ArrayLike, margin: float = 0, reduction: str = "mean"
) -> tuple[Array, CosineEmbeddingLossCache]:
    """The loss of an angle: a similar pair is to point the same way, a dissimilar one at least the margin apart.

    l_n = 1 - c_n where t_n = 1, max(0, c_n - margin) where t_n = -1, with c_n = a_n . b_n / (|a_n| |b_n|),
    a = input1, b = input2, and c_n = 0 where either is a row of zeros
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: input1 (N, D) or (D,), input2 the same, target (N,) or (); output like target (none) or ().
    Raises: TypeError where an input is not floating; ValueError where shapes do not match, target holds anything but
        1 and -1, or the reduction is unknown.
    Extremes: rows of any magnitude, 1e-300 and 1e300 included; 1 - c keeps its digits for nearly parallel rows. The
        mean of nothing is NaN.
    Source: torch.nn.functional.cosine_embedding_loss, as documented. Its code adds 1e-12 to each squared norm, which
        shows below norms of about 1e-3, and takes 0 for any other target.
    Derived: derivations/metric.md#cosine_embedding_loss.
    """
    op = "cosine_embedding_loss_forward"
    a = _validate.floating(op, "input1", input1)
    b = _validate.floating(op, "input2", input2)
    t = _validate.signs(op, "target", target)
    _validate.at_least_dimensions(op, "input1", a, 1)
    _validate.at_most_dimensions(op, "input1", a, 2)
    _validate.has_shape(op, "input2", b, "of input1", a.shape)
    _validate.has_shape(op, "target", t, "of input1 without its last axis", a.shape[:-1])
    margin = _validate.number(op, "margin", margin)
    check_reduction(op, reduction)

    angle = _angle(*working(a, b))
    with np.errstate(all="ignore"):
        values = np.where(t > 0, angle.one_minus_cosine, np.maximum(angle.cosine - margin, 0))
        output = reduce_forward(values, reduction)
    return answer(output, a, b), CosineEmbeddingLossCache(a, b, t, margin, reduction)


def cosine_embedding_loss_backward(grad_output: ArrayLike, cache: CosineEmbeddingLossCache) -> dict[str, Array]:
    """grad_a_n = g_n s_n (v_n - c_n u_n) / |a_n| and grad_b_n = g_n s_n (u_n - c_n v_n) / |b_n|, with u = a / |a|,
    v = b / |b|, s_n = -1 where t_n = 1, and where t_n = -1 it is 1 for c_n >= margin, the kink included, else 0.
    0 for a row of zeros; under mean g_n = g / N.
    """
    op = "cosine_embedding_loss_backward"
    cache = _validate.is_cache(op, cache, CosineEmbeddingLossCache)
    t = cache.target
    a, b = working(cache.input1, cache.input2)
    g = _validate.output_gradient(op, grad_output, t.shape if cache.reduction == "none" else (), a.dtype)

    g = reduce_backward(g, t.shape, cache.reduction)
    angle = _angle(a, b)
    with np.errstate(all="ignore"):
        slope = np.where(t > 0, -g, g * (angle.cosine >= cache.margin))
        grad_a, grad_b = angle.vjp(slope[..., None])
    return {"input1": gradient(grad_a, cache.input1), "input2": gradient(grad_b, cache.input2)}


class _Angle(NamedTuple):
    """The cosine of the angle between rows a and b, without the loss of digits near 1 and -1."""

    a: RowNorm
    b: RowNorm
    u: Array  # (..., D): a / |a|, 0 for a row of zeros
    v: Array  # (..., D): b / |b|
    cosine: Array  # (...)
    across: Array  # (..., D): v - k u, with k the cosine rounded to -1, 0 or 1
    nearest: Array  # (...): k

    @property
    def one_minus_cosine(self) -> Array:
        """1 - c, which is |v - u|^2 / 2 near c = 1 and 2 - |v + u|^2 / 2 near c = -1."""
        k = self.nearest
        return np.where(k == 0, 1 - self.cosine, (1 - k) + k * (self.across**2).sum(axis=-1) / 2)

    def vjp(self, g: Array) -> tuple[Array, Array]:
        """g times the gradients of the cosine in a and b: (v - c u) / |a| and (u - c v) / |b|."""
        k, across = self.nearest[..., None], self.across
        # v - c u = (v - k u) + (k - c) u, where k - c is k |v - k u|^2 / 2 and not a difference.
        rest = np.where(k == 0, -self.cosine[..., None], k * (across**2).sum(axis=-1, keepdims=True) / 2)
        toward_b, toward_a = across + rest * self.u, self.u - k * self.v + rest * self.v
        return _over(g * toward_b, self.a), _over(g * toward_a, self.b)


def _angle(x1: Array, x2: Array) -> _Angle:
    a, b = row_norm(x1, 2), row_norm(x2, 2)
    u, v = (np.where(n.size == 0, 0, n.unit()) for n in (a, b))
    cosine = (u * v).sum(axis=-1)
    nearest = np.where(np.abs(cosine) > 0.5, np.sign(cosine), 0).astype(cosine.dtype)
    return _Angle(a, b, u, v, cosine, v - nearest[..., None] * u, nearest)


def _over(values: Array, norm: RowNorm) -> Array:
    """values / norm, 0 for a row of zeros."""
    return np.where(norm.size == 0, 0, np.ldexp(values / norm.size, -norm.exponent))


class TripletMarginLossCache(NamedTuple):
    anchor: Array  # (..., D)
    positive: Array  # the same
    negative: Array  # the same
    margin: float
    p: float
    eps: float
    swap: bool
    reduction: str


def triplet_margin_loss_forward(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> tuple[Array, TripletMarginLossCache]:
    """The loss of a triple: the anchor is to lie nearer to the positive than to the negative, by the margin.

    l_n = max(0, margin + d(a_n, b_n) - d(a_n, c_n)) with a = anchor, b = positive, c = negative and
    d(x, y) = (sum_i |x_i - y_i + eps|^p)^(1/p); swap takes the smaller of d(a_n, c_n) and d(b_n, c_n) in its place
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: anchor (..., D), positive and negative the same; output (...) (none) or (); a 0-d array is one feature.
    Raises: TypeError where an array is not floating; ValueError where shapes differ, the margin is not positive, or
        the reduction is unknown.
    Extremes: distances of any magnitude and any p, inf and negative p included, without overflow on the way; the mean
        of nothing is NaN.
    Source: torch.nn.functional.triplet_margin_loss.
    Derived: derivations/metric.md#triplet_margin_loss.
    """
    op = "triplet_margin_loss_forward"
    triple = _check_triple(op, anchor, positive, negative, reduction)
    margin = _validate.number(op, "margin", margin, above=0)
    p = check_p(op, p)
    eps = _validate.number(op, "eps", eps)
    swap = _validate.boolean(op, "swap", swap)

    cache = TripletMarginLossCache(*triple, margin, p, eps, swap, reduction)
    distances = [norm.norm()[..., 0] for norm in _row_norms(cache)]
    values = np.maximum(_excess(distances, margin), 0).reshape(triple[0].shape[:-1])
    return answer(reduce_forward(values, reduction), *triple), cache


def triplet_margin_loss_backward(grad_output: ArrayLike, cache: TripletMarginLossCache) -> dict[str, Array]:
    """With u(x, y) the gradient of d(x, y) in x, sign(z_i) (|z_i| / d)^(p - 1) for z = x - y + eps:
    grad_a = g (u(a, b) - u(a, c)), grad_b = -g u(a, b), grad_c = g u(a, c) where the loss is at its kink or above it,
    else 0. Where swap takes d(b, c), grad_a = g u(a, b), grad_b = -g (u(a, b) + u(b, c)), grad_c = g u(b, c), and half
    of each where both are equal. Under mean g_n = g / N.
    """
    op = "triplet_margin_loss_backward"
    cache = _validate.is_cache(op, cache, TripletMarginLossCache)
    norms = _row_norms(cache)
    distances = [norm.norm()[..., 0] for norm in norms]
    g = _pull_back(op, grad_output, cache, distances)
    with np.errstate(all="ignore"):
        along = [g_k[..., None] * norm.direction() for g_k, norm in zip(g, norms, strict=True)]
    return _gather(cache, [(grad, -grad) for grad in along])


def _row_norms(cache: TripletMarginLossCache) -> list[RowNorm]:
    """The norms behind d(a, b), d(a, c) and, with swap, d(b, c)."""
    a, b, c = (np.atleast_1d(x) for x in working(cache.anchor, cache.positive, cache.negative))
    pairs = [(a, b), (a, c), *([(b, c)] if cache.swap else [])]
    return [row_norm(row_difference(x, y, cache.eps), cache.p) for x, y in pairs]


# A distance is a pair: forward(x, y) returns (distances, cache), backward(g, cache) the gradients of x and of y in a
# dict under forward's first two argument names, as every pair here does.
Distance = tuple[Callable[..., Any], Callable[..., Any]]


class TripletMarginWithDistanceLossCache(NamedTuple):
    anchor: Array  # any shape that the distance takes
    positive: Array  # the same
    negative: Array  # the same
    distances: tuple[Array, ...]  # d(a, b), d(a, c) and, with swap, d(b, c)
    distance_caches: tuple[Any, ...]  # the distance's own, in the same order
    distance_function: Distance
    margin: float
    swap: bool
    reduction: str


def triplet_margin_with_distance_loss_forward(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> tuple[Array, TripletMarginWithDistanceLossCache]:
    """The loss of a triple under any distance that is given with its gradient.

    l_n = max(0, margin + d(a_n, b_n) - d(a_n, c_n)) with a = anchor, b = positive, c = negative;
    swap takes the smaller of d(a_n, c_n) and d(b_n, c_n) in place of d(a_n, c_n)
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: anchor any that the distance takes, positive and negative the same; output that of a distance (none) or ().
        distance_function is a pair (forward, backward) of the kind that this package is made of: forward(x, y) returns
        (distances, cache). None is the Euclidean distance of rows, |x - y + 1e-6|.
    Raises: TypeError where an array is not floating, or distance_function is no pair; ValueError where shapes differ,
        the margin is not positive, or the reduction is unknown.
    Extremes: those of the distance; the Euclidean one takes rows of any magnitude. The mean of nothing is NaN.
    Source: torch.nn.functional.triplet_margin_with_distance_loss, where the distance is one function.
    Derived: derivations/metric.md#triplet_margin_with_distance_loss.
    """
    op = "triplet_margin_with_distance_loss_forward"
    triple = _check_triple(op, anchor, positive, negative, reduction)
    distance = _check_distance(op, distance_function)
    margin = _validate.number(op, "margin", margin, above=0)
    swap = _validate.boolean(op, "swap", swap)

    a, b, c = working(*triple)
    pairs = [(a, b), (a, c), *([(b, c)] if swap else [])]
    distances, caches = zip(*(distance[0](x, y) for x, y in pairs), strict=True)
    values = np.maximum(_excess(distances, margin), 0)
    cache = TripletMarginWithDistanceLossCache(*triple, distances, caches, distance, margin, swap, reduction)
    return answer(reduce_forward(values, reduction), *triple), cache


def triplet_margin_with_distance_loss_backward(
    grad_output: ArrayLike, cache: TripletMarginWithDistanceLossCache
) -> dict[str, Array]:
    """g where the loss is at its kink or above it, else 0, goes through the distance's backward to d(a, b), -g to
    d(a, c), and with swap -g to d(b, c) where that is the smaller, half of it to each where they are equal; a, b and c
    add up what reaches them. Under mean g_n = g / N.
    """
    op = "triplet_margin_with_distance_loss_backward"
    cache = _validate.is_cache(op, cache, TripletMarginWithDistanceLossCache)
    forward, backward = cache.distance_function
    first, second = list(inspect.signature(forward).parameters)[:2]
    along = []
    for g, distance_cache in zip(
        _pull_back(op, grad_output, cache, cache.distances), cache.distance_caches, strict=True
    ):
        grads = backward(g, distance_cache)
        along.append((grads[first], grads[second]))
    return _gather(cache, along)


def _check_distance(op: str, distance_function: Any) -> Distance:
    if distance_function is None:
        return _euclidean_forward, _euclidean_backward
    pair = distance_function
    if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and all(callable(half) for half in pair)):
        raise TypeError(f"{op}: distance_function must be a pair (forward, backward) of functions, got {pair!r}")
    return pair[0], pair[1]


def _euclidean_forward(x1: Array, x2: Array) -> tuple[Array, RowNorm]:
    norm = row_norm(row_difference(np.atleast_1d(x1), np.atleast_1d(x2), 1e-6), 2)
    return norm.norm()[..., 0].reshape(x1.shape[:-1]), norm


def _euclidean_backward(grad_output: Array, cache: RowNorm) -> dict[str, Array]:
    grad = grad_output[..., None] * cache.direction()
    return {"x1": grad, "x2": -grad}


# What the two losses of triples share.


def _check_triple(
    op: str, anchor: ArrayLike, positive: ArrayLike, negative: ArrayLike, reduction: str
) -> tuple[Array, Array, Array]:
    a = _validate.floating(op, "anchor", anchor)
    b = _validate.floating(op, "positive", positive)
    c = _validate.floating(op, "negative", negative)
    _validate.has_shape(op, "positive", b, "of anchor", a.shape)
    _validate.has_shape(op, "negative", c, "of anchor", a.shape)
    check_reduction(op, reduction)
    return a, b, c


@np.errstate(all="ignore")
def _excess(distances: Any, margin: float) -> Array:
    """margin + d(a, b) - d(a, c), rounded once; a third distance competes with the second."""
    near, *far = distances
    return np.asarray(three_sum(near, -np.minimum.reduce(far), near.dtype.type(margin))[0])


@np.errstate(all="ignore")
def _pull_back(op: str, grad_output: ArrayLike, cache: Any, distances: Any) -> list[Array]:
    """The gradient of each distance."""
    near, far, *swapped = distances
    g = _validate.output_gradient(
        op,
        grad_output,
        near.shape if cache.reduction == "none" else (),
        working_dtype(cache.anchor, cache.positive, cache.negative),
    )
    g = reduce_backward(g, near.shape, cache.reduction) * (_excess(distances, cache.margin) >= 0)
    if not swapped:
        return [g, -g]
    share = np.where(far == swapped[0], 0.5, far < swapped[0]).astype(g.dtype)
    return [g, -g * share, -g * (1 - share)]


def _gather(cache: Any, along: list[tuple[Any, Any]]) -> dict[str, Array]:
    """What reaches the ends of d(a, b), d(a, c) and d(b, c), added up."""
    (a_near, b_near), (a_far, c_far), *swapped = along
    grads = {"anchor": a_near + a_far, "positive": b_near, "negative": c_far}
    for b_swapped, c_swapped in swapped:
        grads["positive"] = grads["positive"] + b_swapped
        grads["negative"] = grads["negative"] + c_swapped
    return {
        name: gradient(np.reshape(g, getattr(cache, name).shape), getattr(cache, name)) for name, g in grads.items()
    }
