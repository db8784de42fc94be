"""The adaptive softmax: frequent classes in one small softmax, rare ones in clusters that are rarely entered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import rowwise
from .._numerics import shifted_rows
from .._precision import answer, gradient, working
from .._reduction import reduce_backward, reduce_forward
from .._validate import Array, IntArray

__all__ = [
    "adaptive_log_softmax_log_prob_backward",
    "adaptive_log_softmax_log_prob_forward",
    "adaptive_log_softmax_with_loss_backward",
    "adaptive_log_softmax_with_loss_forward",
]

Pairs = Sequence[Sequence[ArrayLike]]


class AdaptiveLogSoftmaxWithLossCache(NamedTuple):
    input: Array  # (N, in) or (in,)
    target: IntArray  # (N,) or ()
    head_weight: Array  # (c_1 + K, in)
    tail_weights: Any  # K pairs of (h_i, in) and (c_i+1 - c_i, h_i)
    head_bias: Array | None  # (c_1 + K,)
    bounds: tuple[int, ...]  # c_1, ..., c_K and the number of classes


class AdaptiveLogSoftmaxLogProbCache(NamedTuple):
    input: Array  # (N, in) or (in,)
    head_weight: Array  # (c_1 + K, in)
    tail_weights: Any  # K pairs of (h_i, in) and (c_i+1 - c_i, h_i)
    head_bias: Array | None  # (c_1 + K,)
    bounds: tuple[int, ...]  # c_1, ..., c_K and the number of classes


def adaptive_log_softmax_with_loss_forward(
    input: ArrayLike,
    target: ArrayLike,
    head_weight: ArrayLike,
    tail_weights: Pairs,
    n_classes: int,
    cutoffs: Sequence[int],
    head_bias: ArrayLike | None = None,
) -> tuple[tuple[Array, Array], AdaptiveLogSoftmaxWithLossCache]:
    """The log-probability of each target under an adaptive softmax, and the mean of their negatives.

    u = log_softmax(x H^T + b), of the c_1 most frequent classes and one entry for each of the K clusters; for target k:
    y = u_k for k < c_1, else y = u_(c_1 + i - 1) + log_softmax(x P_i^T O_i^T)_(k - c_i) for c_i <= k < c_i+1
    loss = -mean(y)

    Shapes: input (N, in), target (N,), or (in,) and (); cutoffs c_1, ..., c_K; head_weight H (c_1 + K, in), head_bias b
        (c_1 + K,); tail_weights a pair (P_i, O_i) for each cluster, (h_i, in) and (c_i+1 - c_i, h_i), with
        c_K+1 = n_classes; output (y, loss), y as target and loss (). grad_output is (of y, of loss), or None for one.
    Raises: TypeError where an array is of the wrong kind or tail_weights no pairs; ValueError where shapes do not
        match, cutoffs do not rise from 1 to n_classes - 1, or a target is no class.
    Extremes: as log_softmax once the scores are rounded: confident rows keep their digits.
    Source: torch.nn.AdaptiveLogSoftmaxWithLoss: its head.weight, head.bias and tail.i.0.weight, tail.i.1.weight. Grave
        and others, Efficient softmax approximation for GPUs (2017).
    Derived: derivations/adaptive_log_softmax.md#adaptive_log_softmax_with_loss.
    """
    op = "adaptive_log_softmax_with_loss_forward"
    x, head, tails, b, bounds = _check(op, input, head_weight, tail_weights, n_classes, cutoffs, head_bias)
    target = _validate.integers(op, "target", target)
    _validate.has_shape(op, "target", target, "input.shape[:-1]", x.shape[:-1])
    _validate.class_indices(op, "target", target, bounds[-1])

    cache = AdaptiveLogSoftmaxWithLossCache(x, target, head, tails, b, bounds)
    problem = _Problem(cache)
    with np.errstate(all="ignore"):
        entries, members = _route(target, bounds)
        y = _picked(_log_softmax(problem.head_scores()), entries)
        for i, (rows, k) in enumerate(members):
            y[rows] += _picked(_log_softmax(problem.tail_scores(i, rows)[1]), k)
        loss = reduce_forward(-y, "mean")
    floating = _floating_arguments(cache)
    return (answer(y.reshape(target.shape), *floating), answer(loss, *floating)), cache


def adaptive_log_softmax_with_loss_backward(grad_output: Any, cache: AdaptiveLogSoftmaxWithLossCache) -> dict[str, Any]:
    """With g_n = grad_y_n - grad_loss / N: at the scores of the head g_n (onehot - softmax) for the entry of the class
    or of its cluster, and in that cluster g_n (onehot - softmax) at its scores; from there as two linear layers.
    """
    op = "adaptive_log_softmax_with_loss_backward"
    cache = _validate.is_cache(op, cache, AdaptiveLogSoftmaxWithLossCache)
    problem, shape = _Problem(cache), cache.target.shape
    if not (isinstance(grad_output, (tuple, list)) and len(grad_output) == 2):
        raise TypeError(f"{op}: grad_output must be (of y, of loss) as output is, got {type(grad_output).__name__}")
    of_y, of_loss = (
        np.zeros(part, problem.x.dtype) if value is None else _part(op, f"grad_output[{i}]", value, part, problem)
        for i, (value, part) in enumerate(zip(grad_output, (shape, ()), strict=True))
    )
    with np.errstate(all="ignore"):
        g = (of_y - reduce_backward(of_loss, shape, "mean")).reshape(-1)
        entries, members = _route(cache.target, cache.bounds)
        of_head = _placed(g, entries, len(problem.head))
        of_tails = (
            (rows, _placed(g[rows], k, len(out))) for (rows, k), (_, out) in zip(members, problem.tails, strict=True)
        )
        return problem.gradients(cache, of_head, of_tails)


def adaptive_log_softmax_log_prob_forward(
    input: ArrayLike,
    head_weight: ArrayLike,
    tail_weights: Pairs,
    n_classes: int,
    cutoffs: Sequence[int],
    head_bias: ArrayLike | None = None,
) -> tuple[Array, AdaptiveLogSoftmaxLogProbCache]:
    """The log-probabilities of all classes under an adaptive softmax.

    u = log_softmax(x H^T + b), y_k = u_k for k < c_1, y_k = u_(c_1 + i - 1) + log_softmax(x P_i^T O_i^T)_(k - c_i) for
    the classes c_i <= k < c_i+1 of cluster i

    Shapes: input (N, in) or (in,); cutoffs c_1, ..., c_K; head_weight H (c_1 + K, in), head_bias b (c_1 + K,);
        tail_weights a pair (P_i, O_i) for each cluster, (h_i, in) and (c_i+1 - c_i, h_i), c_K+1 = n_classes; output
        (N, n_classes) or (n_classes,).
    Raises: TypeError where an array is not floating or tail_weights no pairs; ValueError where shapes do not match, or
        cutoffs do not rise from 1 to n_classes - 1.
    Extremes: as log_softmax once the scores are rounded: confident rows keep their digits.
    Source: torch.nn.AdaptiveLogSoftmaxWithLoss.log_prob, which takes no single row. Grave and others, Efficient softmax
        approximation for GPUs (2017).
    Derived: derivations/adaptive_log_softmax.md#adaptive_log_softmax_log_prob.
    """
    op = "adaptive_log_softmax_log_prob_forward"
    cache = AdaptiveLogSoftmaxLogProbCache(
        *_check(op, input, head_weight, tail_weights, n_classes, cutoffs, head_bias)
    )  # fmt: skip
    problem, bounds = _Problem(cache), cache.bounds
    y = np.empty((len(problem.x), bounds[-1]), dtype=problem.x.dtype)
    with np.errstate(all="ignore"):
        u = _log_softmax(problem.head_scores())
        y[:, : bounds[0]] = u[:, : bounds[0]]
        for i, classes in enumerate(_clusters(bounds)):
            y[:, classes] = u[:, [bounds[0] + i]] + _log_softmax(problem.tail_scores(i)[1])
    return answer(y.reshape(*cache.input.shape[:-1], bounds[-1]), *_floating_arguments(cache)), cache


def adaptive_log_softmax_log_prob_backward(
    grad_output: ArrayLike, cache: AdaptiveLogSoftmaxLogProbCache
) -> dict[str, Any]:
    """grad_u_k = g_k for the classes of the head, and the sum of g over its classes for a cluster; grad_z = g - softmax
    times the sum of g at the scores z of the head and of each cluster; from there as linear layers.
    """
    op = "adaptive_log_softmax_log_prob_backward"
    cache = _validate.is_cache(op, cache, AdaptiveLogSoftmaxLogProbCache)
    problem, bounds = _Problem(cache), cache.bounds
    g = _validate.output_gradient(op, grad_output, (*cache.input.shape[:-1], bounds[-1]), problem.x.dtype)
    g = g.reshape(len(problem.x), bounds[-1])
    with np.errstate(all="ignore"):
        sums = [g[:, classes].sum(axis=1, keepdims=True) for classes in _clusters(bounds)]
        of_head = np.concatenate([g[:, : bounds[0]], *sums], axis=1)
        return problem.gradients(cache, of_head, ((slice(None), g[:, classes]) for classes in _clusters(bounds)))


class _Problem:
    """The arguments in the working dtype, with a single row as a batch of one."""

    def __init__(self, cache: AdaptiveLogSoftmaxWithLossCache | AdaptiveLogSoftmaxLogProbCache) -> None:
        x, self.head, self.b, *tails = working(*_floating_arguments(cache))
        self.x = np.atleast_2d(x)
        self.tails = list(zip(tails[0::2], tails[1::2], strict=True))

    def head_scores(self) -> Any:
        scores = self.x @ self.head.T
        return scores if self.b is None else scores + self.b

    def tail_scores(self, i: int, rows: Any = slice(None)) -> tuple[Any, Any]:
        """The projected rows and the scores within cluster i."""
        projection, out = self.tails[i]
        h = self.x[rows] @ projection.T
        return h, h @ out.T

    def gradients(self, cache: Any, of_head: Any, of_tails: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
        """Of the arguments, given those of the log-probabilities: of the head, and for each cluster some rows and
        theirs.
        """
        grad_z = _log_softmax_vjp(of_head, self.head_scores())
        grad_x = grad_z @ self.head
        grads: dict[str, Any] = {"head_weight": gradient(grad_z.T @ self.x, cache.head_weight)}
        if cache.head_bias is not None:
            grads["head_bias"] = gradient(grad_z.sum(axis=0), cache.head_bias)
        pairs = []
        for i, (rows, g) in enumerate(of_tails):
            (h, z), (projection, out) = self.tail_scores(i, rows), self.tails[i]
            grad_z = _log_softmax_vjp(g, z)
            grad_h = grad_z @ out
            grad_x[rows] += grad_h @ projection
            of_pair = zip((grad_h.T @ self.x[rows], grad_z.T @ h), cache.tail_weights[i], strict=True)
            pairs.append(_like(cache.tail_weights[i], [gradient(grad, weight) for grad, weight in of_pair]))
        grads["tail_weights"] = _like(cache.tail_weights, pairs)
        return {"input": gradient(grad_x.reshape(cache.input.shape), cache.input), **grads}


def _like(container: Any, items: list[Any]) -> Any:
    """A list where the container is one, else a tuple."""
    return items if isinstance(container, list) else tuple(items)


def _clusters(bounds: tuple[int, ...]) -> list[slice]:
    """The classes of each cluster."""
    return [slice(low, high) for low, high in pairwise(bounds)]


def _route(target: IntArray, bounds: tuple[int, ...]) -> tuple[Any, list[tuple[Any, Any]]]:
    """The head's entry of each target, and for each cluster the rows that enter it with their class counted in it."""
    k = target.reshape(-1).astype(np.intp)
    cluster = np.searchsorted(bounds, k, side="right")  # 0 for a class of the head
    rows = [np.flatnonzero(cluster == i) for i in range(1, len(bounds))]
    entries = np.where(cluster == 0, k, bounds[0] + cluster - 1)
    return entries, [(r, k[r] - low) for r, low in zip(rows, bounds, strict=False)]


def _picked(log_p: Any, classes: Any) -> Any:
    return log_p[np.arange(len(classes)), classes]


def _placed(g: Any, classes: Any, width: int) -> Any:
    """Undoes _picked."""
    placed = np.zeros((len(g), width), dtype=g.dtype)
    placed[np.arange(len(g)), classes] = g
    return placed


def _log_softmax(z: Any) -> Any:
    return rowwise(lambda z: shifted_rows(z).log_probability(), z, axis=1, dtype=z.dtype)


def _log_softmax_vjp(g: Any, z: Any) -> Any:
    return rowwise(lambda g, z: shifted_rows(z).log_probability_vjp(g), g, z, axis=1, dtype=z.dtype)


def _floating_arguments(cache: Any) -> list[Array | None]:
    tails = [weight for pair in cache.tail_weights for weight in pair]
    return [cache.input, cache.head_weight, cache.head_bias, *tails]


def _part(op: str, name: str, value: ArrayLike, shape: tuple[int, ...], problem: _Problem) -> Array:
    part = _validate.floating(op, name, value)
    _validate.has_shape(op, name, part, "of output", shape)
    return part.astype(problem.x.dtype, copy=False)


def _check(
    op: str, input: Any, head_weight: Any, tail_weights: Any, n_classes: Any, cutoffs: Any, head_bias: Any
) -> tuple[Array, Array, Any, Array | None, tuple[int, ...]]:
    """The arrays as such, the pairs of the tail in the containers that they came in, and the bounds of the clusters."""
    x = _validate.floating(op, "input", input)
    if x.ndim not in (1, 2):
        raise ValueError(f"{op}: input must have shape (N, in) or (in,), got {x.shape}")
    bounds = _check_cutoffs(op, n_classes, cutoffs)
    count = len(bounds) - 1
    head = _validate.floating(op, "head_weight", head_weight)
    _validate.has_shape(op, "head_weight", head, "(cutoffs[0] + clusters, in)", (bounds[0] + count, x.shape[-1]))
    b = _validate.optional_floating(op, "head_bias", head_bias)
    if b is not None:
        _validate.has_shape(op, "head_bias", b, "(cutoffs[0] + clusters,)", (bounds[0] + count,))
    if not isinstance(tail_weights, (list, tuple)) or any(not isinstance(p, (list, tuple)) for p in tail_weights):
        raise TypeError(f"{op}: tail_weights must be a list or tuple of pairs (projection, output) of arrays")
    if len(tail_weights) != count or any(len(pair) != 2 for pair in tail_weights):
        found = [len(pair) for pair in tail_weights]
        raise ValueError(f"{op}: tail_weights must hold a pair for each of {count} clusters, got lengths {found}")
    pairs = [
        _like(pair, _check_pair(op, f"tail_weights[{i}]", pair, high - low, x.shape[-1]))
        for i, (pair, (low, high)) in enumerate(zip(tail_weights, pairwise(bounds), strict=True))
    ]
    return x, head, _like(tail_weights, pairs), b, bounds


def _check_cutoffs(op: str, n_classes: Any, cutoffs: Any) -> tuple[int, ...]:
    classes = _validate.integer(op, "n_classes", n_classes, at_least=2)
    if not isinstance(cutoffs, (list, tuple, np.ndarray)):
        raise TypeError(f"{op}: cutoffs must be a list or tuple of integers, got {type(cutoffs).__name__}")
    bounds = (*(_validate.integer(op, f"cutoffs[{i}]", cutoff) for i, cutoff in enumerate(cutoffs)), classes)
    if len(bounds) == 1 or bounds[0] < 1 or any(low >= high for low, high in pairwise(bounds)):
        raise ValueError(
            f"{op}: cutoffs must hold at least one integer, and rise from 1 to at most n_classes - 1 = {classes - 1}, "
            f"got {bounds[:-1]}"
        )
    return bounds


def _check_pair(op: str, name: str, pair: Any, size: int, features: int) -> list[Array]:
    projection = _validate.floating(op, f"{name}[0]", pair[0])
    out = _validate.floating(op, f"{name}[1]", pair[1])
    _validate.dimensions(op, f"{name}[0]", projection, "(h, in)", 2)
    _validate.has_shape(op, f"{name}[0]", projection, "(h, in)", (len(projection), features))
    _validate.has_shape(op, f"{name}[1]", out, "(classes of the cluster, h)", (size, len(projection)))
    return [projection, out]
