"""Contrastive losses: one candidate among many belongs to a query, and is to be told from the others by its score."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._norms import RowNorm, row_norm
from .._numerics import shifted_rows
from .._precision import answer, gradient, working
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array, IntArray

__all__ = [
    "info_nce_loss_backward",
    "info_nce_loss_forward",
    "ntxent_loss_backward",
    "ntxent_loss_forward",
]


class InfoNceLossCache(NamedTuple):
    query: Array  # (N, D)
    positive: Array  # (N, D)
    negatives: Array | None  # (M, D)
    temperature: float
    reduction: str


def info_nce_loss_forward(
    query: ArrayLike,
    positive: ArrayLike,
    negatives: ArrayLike | None = None,
    temperature: float = 1.0,
    reduction: str = "mean",
) -> tuple[Array, InfoNceLossCache]:
    """The cross entropy of picking each query's positive by its inner product with the query.

    l_n = -log(exp(s_n,n) / sum_m exp(s_n,m)) with s_n,m = q_n . k_m / temperature over the positives k of the batch;
    with negatives the sum runs over k_n and the negatives instead
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N

    Shapes: query (N, D), positive (N, D), negatives (M, D) or None; output (N,) (none) or ().
        Rows of unit length make the scores cosines: see normalize.
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, the temperature is not
        positive, or the reduction is unknown.
    Extremes: full relative precision in the scores on confident rows, as in cross_entropy; the inner products
        themselves are not rescaled. The mean of nothing is NaN.
    Source: A. van den Oord, Y. Li, O. Vinyals, Representation learning with contrastive predictive coding, 2018; the
        temperature and the queue of negatives from K. He et al., Momentum contrast, 2019. PyTorch has none.
    Derived: derivations/contrastive.md#info_nce_loss.
    """
    op = "info_nce_loss_forward"
    q = _validate.floating(op, "query", query)
    k = _validate.floating(op, "positive", positive)
    others = _validate.optional_floating(op, "negatives", negatives)
    _validate.dimensions(op, "query", q, "(N, D)", 2)
    _validate.has_shape(op, "positive", k, "of query", q.shape)
    if others is not None:
        _validate.dimensions(op, "negatives", others, "(M, D)", 2)
        if others.shape[1] != q.shape[1]:
            raise ValueError(
                f"{op}: negatives must have as many columns as query, got negatives {others.shape} and query {q.shape}"
            )
    temperature = _validate.number(op, "temperature", temperature, above=0)
    check_reduction(op, reduction)

    cache = InfoNceLossCache(q, k, others, temperature, reduction)
    q_rows, k_rows, pool = _candidates(cache)
    values = np.empty(len(q_rows), dtype=q_rows.dtype)
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(q_rows), len(pool) + 1):
            scores, labels = _scores(q_rows, k_rows, pool, rows, cache)
            log_p = shifted_rows(scores).log_probability()
            values[rows] = -np.take_along_axis(log_p, labels, axis=1)[:, 0]
        output = reduce_forward(values, reduction)
    return answer(output, q, k, others), cache


def info_nce_loss_backward(grad_output: ArrayLike, cache: InfoNceLossCache) -> dict[str, Array]:
    """With p_n the softmax of the scores of row n and d_n,m = g_n (p_n,m - [m is the positive]) / temperature:
    grad_q_n = sum_m d_n,m k_m and grad_k_m = sum_n d_n,m q_n, where k_m is a positive or a negative;
    under mean g_n = g / N.
    """
    op = "info_nce_loss_backward"
    cache = _validate.is_cache(op, cache, InfoNceLossCache)
    q, k, pool = _candidates(cache)
    shape = (len(q),)
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), q.dtype)
    g = reduce_backward(g, shape, cache.reduction)

    grad_q, grad_k, grad_pool = np.empty_like(q), np.zeros_like(k), np.zeros_like(pool)
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(q), len(pool) + 1):
            scores, labels = _scores(q, k, pool, rows, cache)
            at_label = np.zeros_like(scores)
            np.put_along_axis(at_label, labels, -g[rows, None], axis=1)
            d = shifted_rows(scores).log_probability_vjp(at_label) / q.dtype.type(cache.temperature)
            if cache.negatives is None:
                grad_q[rows] = d @ pool
            else:  # the first column is the positive's
                own, d = d[:, :1], d[:, 1:]
                grad_q[rows] = own * k[rows] + d @ pool
                grad_k[rows] = own * q[rows]
            grad_pool += d.T @ q[rows]
    grads = {"query": gradient(grad_q, cache.query)}
    grads["positive"] = gradient(grad_pool if cache.negatives is None else grad_k, cache.positive)
    if cache.negatives is not None:
        grads["negatives"] = gradient(grad_pool, cache.negatives)
    return grads


def _candidates(cache: InfoNceLossCache) -> tuple[Any, Any, Any]:
    """Queries, positives, and what every query is compared with: the negatives, or all positives."""
    q, k, others = working(cache.query, cache.positive, cache.negatives)
    return q, k, k if others is None else others


def _scores(q: Any, k: Any, pool: Any, rows: slice, cache: InfoNceLossCache) -> tuple[Any, IntArray]:
    """Scores of some rows, and the column of each one's positive (rows, 1)."""
    scores = q[rows] @ pool.T
    if cache.negatives is None:
        labels = np.arange(len(q))[rows, None]
    else:
        scores = np.concatenate([(q[rows] * k[rows]).sum(axis=1, keepdims=True), scores], axis=1)
        labels = np.zeros((len(scores), 1), dtype=np.intp)
    return scores / scores.dtype.type(cache.temperature), labels


class NtxentLossCache(NamedTuple):
    embeddings: Array  # (N, D)
    labels: IntArray  # (N,)
    temperature: float
    reduction: str


def ntxent_loss_forward(
    embeddings: ArrayLike, labels: ArrayLike, temperature: float = 0.07, reduction: str = "mean"
) -> tuple[Array, NtxentLossCache]:
    """The normalised, temperature-scaled cross entropy of finding the rows of one's own label among all others.

    l_i,j = -log(exp(s_i,j) / (exp(s_i,j) + sum_{k: y_k != y_i} exp(s_i,k))) for each ordered pair i != j of one label,
    y_i = y_j, with s_i,j the cosine of the angle between rows i and j over the temperature, 0 for a row of zeros
    none: l, pairs in the order of their rows i, then j;  sum: sum l;  mean: sum l / the number of pairs

    Shapes: embeddings (N, D), labels (N,) of integers; output (pairs,) (none) or ().
    Raises: TypeError where embeddings is not floating or labels not integer; ValueError where shapes do not match, the
        temperature is not positive, or the reduction is unknown.
    Extremes: rows of any magnitude; full relative precision in the scores on confident pairs. Without a pair the mean
        is NaN.
    Source: optax.losses.ntxent; two views per label make it the loss of T. Chen et al., A simple framework for
        contrastive learning of visual representations, 2020. PyTorch has none.
    Derived: derivations/contrastive.md#ntxent_loss.
    """
    op = "ntxent_loss_forward"
    x = _validate.floating(op, "embeddings", embeddings)
    y = _validate.integers(op, "labels", labels)
    _validate.dimensions(op, "embeddings", x, "(N, D)", 2)
    _validate.has_shape(op, "labels", y, "(N,)", x.shape[:1])
    temperature = _validate.number(op, "temperature", temperature, above=0)
    check_reduction(op, reduction)

    cache = NtxentLossCache(x, y, temperature, reduction)
    _, u = _unit_rows(cache)
    values = [np.empty(0, dtype=u.dtype)]
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(u), len(u)):
            block = _compare(u, rows, cache)
            values.append(block.loss()[block.alike])
        output = reduce_forward(np.concatenate(values), reduction)
    return answer(output, x), cache


def ntxent_loss_backward(grad_output: ArrayLike, cache: NtxentLossCache) -> dict[str, Array]:
    """With m_i,j = g_i,j times the share of the negatives in row i of pair (i, j), and r_i,k the softmax of row i over
    its negatives, the gradient of the scores is d_i,j = -m_i,j for the pairs and d_i,k = r_i,k sum_j m_i,j for the
    negatives. grad_u_i = sum_j (d_i,j + d_j,i) u_j / temperature for the unit rows u = x / |x|, and
    grad_x_i = (grad_u_i - u_i (u_i . grad_u_i)) / |x_i|, 0 for a row of zeros; under mean g_i,j = g / pairs.
    """
    op = "ntxent_loss_backward"
    cache = _validate.is_cache(op, cache, NtxentLossCache)
    norm, u = _unit_rows(cache)
    _, counts = np.unique(cache.labels, return_counts=True)
    shape = (int((counts * (counts - 1)).sum()),)
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), u.dtype)
    g = reduce_backward(g, shape, cache.reduction)

    grad_u = np.zeros_like(u)
    start = 0
    with np.errstate(all="ignore"):
        for rows in row_blocks(len(u), len(u)):
            block = _compare(u, rows, cache)
            stop = start + int(block.alike.sum())
            m = np.zeros_like(block.gap)
            m[block.alike] = g[start:stop] * block.wrong()[block.alike]
            d = (block.share * m.sum(axis=1, keepdims=True) - m) / u.dtype.type(cache.temperature)
            grad_u[rows] += d @ u
            grad_u += d.T @ u[rows]
            start = stop
        grad_x = (grad_u - u * (u * grad_u).sum(axis=1, keepdims=True)) / norm.size
        grad_x = np.where(norm.size == 0, 0, np.ldexp(grad_x, -norm.exponent))
    return {"embeddings": gradient(grad_x, cache.embeddings)}


class _Comparison(NamedTuple):
    """Scores of some rows i against all rows j. The sum over the negatives of i is exp(top_i) total_i."""

    alike: Any  # (rows, N): the pairs
    gap: Array  # (rows, N): top_i - s_i,j; -inf without negatives
    total: Array  # (rows, 1)
    share: Array  # (rows, N): the softmax over the negatives, 0 elsewhere

    def loss(self) -> Array:
        """log(1 + exp(gap) total). The gap is not rounded together with log(total): in the tail that would show."""
        e = np.exp(-np.abs(self.gap))
        return np.where(self.gap > 0, self.gap + np.log(self.total + e), np.log1p(e * self.total))

    def wrong(self) -> Array:
        """The share of the negatives, exp(gap) total / (1 + exp(gap) total)."""
        e = np.exp(-np.abs(self.gap))
        return np.where(self.gap > 0, self.total / (self.total + e), e * self.total / (1 + e * self.total))


def _compare(u: Array, rows: slice, cache: NtxentLossCache) -> _Comparison:
    scores = u[rows] @ u.T / u.dtype.type(cache.temperature)
    same = cache.labels[rows, None] == cache.labels
    alike = same & (np.arange(len(u))[rows, None] != np.arange(len(u)))
    negative = np.where(same, -np.inf, scores)
    top = negative.max(axis=1, keepdims=True)
    terms = np.exp(negative - np.where(np.isneginf(top), 0, top))
    total = terms.sum(axis=1, keepdims=True)
    return _Comparison(alike, top - scores, total, np.where(same, 0, terms / total))


def _unit_rows(cache: NtxentLossCache) -> tuple[RowNorm, Array]:
    norm = row_norm(working(cache.embeddings)[0], 2)
    return norm, np.where(norm.size == 0, 0, norm.unit())
