"""Attention block by block, as FlashAttention computes it: no array of queries by keys is ever held."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._precision import answer, gradient, working
from .._validate import Array

__all__ = ["blockwise_attention_backward", "blockwise_attention_forward"]


class _Band(NamedTuple):
    """Which keys a query sees: query i sees key j where -ahead <= i - j <= behind."""

    behind: float
    ahead: float

    def misses(self, rows: slice, columns: slice) -> bool:
        """No query of the block sees a key of the block."""
        return rows.stop - 1 - columns.start < -self.ahead or rows.start - (columns.stop - 1) > self.behind

    def covers(self, rows: slice, columns: slice) -> bool:
        """Every query of the block sees every key of the block."""
        return rows.start - (columns.stop - 1) >= -self.ahead and rows.stop - 1 - columns.start <= self.behind

    def hide(self, scores: Any, rows: slice, columns: slice) -> Any:
        """The scores of a block, -inf where the query does not see the key."""
        if self.covers(rows, columns):
            return scores
        distance = np.arange(rows.start, rows.stop)[:, None] - np.arange(columns.start, columns.stop)
        return np.where((distance >= -self.ahead) & (distance <= self.behind), scores, -np.inf)


class BlockwiseAttentionCache(NamedTuple):
    query: Array  # (..., L, E)
    key: Array  # (..., S, E)
    value: Array  # (..., S, Ev)
    output: Array  # (..., L, Ev): the array that forward returned, before it is rounded to float16
    log_sum: Array  # (..., L): log sum_j exp(s_ij) over the keys seen, -inf where there are none
    scale: float
    band: _Band
    query_block: int
    key_block: int


def blockwise_attention_forward(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    window: int | None = None,
    query_block: int = 128,
    key_block: int = 128,
) -> tuple[Array, BlockwiseAttentionCache]:
    """Scaled dot-product attention, over blocks of queries and keys with a running maximum and a running sum.

    s_ij = scale sum_e q_ie k_je, p_i = softmax of s_i over the keys that query i sees, o_i = sum_j p_ij v_j
    is_causal: query i sees keys up to i; window: and those less than window away; scale: by default 1 / sqrt(E)
    query_block, key_block: the numbers of rows taken at once, which change the result by rounding alone

    Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev) with the same leading axes; output (..., L, Ev).
    Raises: TypeError where an array is not floating or an option of another kind; ValueError where shapes do not match,
        or window or a block is below 1.
    Extremes: any scores that can be represented; a query that sees no key gets 0 and no gradient. Memory beyond the
        arguments and the gradients is that of single blocks and of one number per query.
    Source: Dao and others, FlashAttention (2022), in the order of loops of Dao, FlashAttention-2 (2023). The function
        is torch.nn.functional.scaled_dot_product_attention's; it takes no window there, and no sizes of blocks.
    Derived: derivations/blockwise_attention.md#blockwise_attention.
    """
    op = "blockwise_attention_forward"
    query, key, value = _check_arrays(op, query, key, value)
    causal = _validate.boolean(op, "is_causal", is_causal)
    factor = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else _validate.number(op, "scale", scale)
    reach = math.inf if window is None else _validate.integer(op, "window", window, at_least=1) - 1
    band = _Band(reach, 0 if causal else reach)
    sizes = [
        _validate.integer(op, f"{k}_block", n, at_least=1) for k, n in (("query", query_block), ("key", key_block))
    ]

    q, k, v = (_heads(array) for array in working(query, key, value))
    o = np.empty((*q.shape[:2], v.shape[2]), dtype=q.dtype)
    log_sum = np.empty(q.shape[:2], dtype=q.dtype)
    with np.errstate(all="ignore"):
        for head in range(len(q)):
            for rows in row_blocks(q.shape[1], 1, sizes[0]):
                blocks = row_blocks(k.shape[1], 1, sizes[1])
                scaled = factor * q[head, rows]
                o[head, rows], log_sum[head, rows] = _attend(scaled, k[head], v[head], rows, blocks, band)
    output = o.reshape(*query.shape[:-1], value.shape[-1])
    cache = BlockwiseAttentionCache(
        query, key, value, output, log_sum.reshape(query.shape[:-1]), factor, band, *sizes
    )  # fmt: skip
    return answer(output, query, key, value), cache


def _attend(q: Any, k: Any, v: Any, rows: slice, blocks: Iterator[slice], band: _Band) -> tuple[Any, Any]:
    """The output and log_sum of one block of queries, already scaled: one pass over the keys and values.

    After any number of blocks m is the maximum of the scores so far, total the sum of exp(s - m), and o that of
    exp(s - m) v. A new maximum rescales what was summed under the old one.
    """
    m = np.full((len(q), 1), -np.inf, dtype=q.dtype)
    total = np.zeros((len(q), 1), dtype=q.dtype)
    o = np.zeros((len(q), v.shape[1]), dtype=q.dtype)
    for columns in blocks:
        if band.misses(rows, columns):
            continue
        s = band.hide(q @ k[columns].T, rows, columns)
        m_new = np.maximum(m, s.max(axis=1, keepdims=True))
        shift = np.where(np.isneginf(m_new), 0, m_new)  # a query that has seen no key yet: -inf - -inf is no number
        p = np.exp(s - shift)
        rescale = np.exp(m - shift)
        total = rescale * total + p.sum(axis=1, keepdims=True)
        o = rescale * o + p @ v[columns]
        m = m_new
    return o / np.where(total == 0, 1, total), (m + np.log(total))[:, 0]


def blockwise_attention_backward(grad_output: ArrayLike, cache: BlockwiseAttentionCache) -> dict[str, Array]:
    """With p_ij = exp(s_ij - log_sum_i), formed again block by block, grad_p_ij = sum_e g_ie v_je and
    D_i = sum_e g_ie o_ie: grad_s_ij = p_ij (grad_p_ij - D_i), grad_q_i = scale sum_j grad_s_ij k_j,
    grad_k_j = scale sum_i grad_s_ij q_i, grad_v_j = sum_i p_ij g_i.
    """
    op = "blockwise_attention_backward"
    cache = _validate.is_cache(op, cache, BlockwiseAttentionCache)
    g = _validate.output_gradient(op, grad_output, cache.output.shape, cache.output.dtype)
    g, o = _heads(g), _heads(cache.output)
    q, k, v = (_heads(array) for array in working(cache.query, cache.key, cache.value))
    log_sum = cache.log_sum.reshape(q.shape[:2])

    grads = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    with np.errstate(all="ignore"):
        for head, (grad_q, grad_k, grad_v) in enumerate(zip(*grads, strict=True)):
            d = (g[head] * o[head]).sum(axis=1, keepdims=True)
            one = _Head(cache.scale * q[head], k[head], v[head], g[head], log_sum[head, :, None], d)
            for columns in row_blocks(k.shape[1], 1, cache.key_block):
                for rows in row_blocks(q.shape[1], 1, cache.query_block):
                    if not cache.band.misses(rows, columns):
                        of_q, of_k, of_v = one.pull_back(rows, columns, cache.band)
                        grad_q[rows] += cache.scale * of_q
                        grad_k[columns] += of_k
                        grad_v[columns] += of_v
    arguments = {"query": cache.query, "key": cache.key, "value": cache.value}
    return {
        name: gradient(grad.reshape(argument.shape), argument)
        for (name, argument), grad in zip(arguments.items(), grads, strict=True)
    }


class _Head(NamedTuple):
    """What backward knows of one head."""

    q: Any  # (L, E), scaled
    k: Any  # (S, E)
    v: Any  # (S, Ev)
    g: Any  # (L, Ev)
    log_sum: Any  # (L, 1)
    d: Any  # (L, 1)

    def pull_back(self, rows: slice, columns: slice, band: _Band) -> tuple[Any, Any, Any]:
        """What one block of queries and one of keys add to the gradients: of q / scale, of k and of v."""
        q, k, v, g = self.q[rows], self.k[columns], self.v[columns], self.g[rows]
        log_sum = self.log_sum[rows]
        s = band.hide(q @ k.T, rows, columns)
        p = np.exp(s - np.where(np.isneginf(log_sum), 0, log_sum))  # a query that sees no key has s = -inf: p = 0
        grad_v = p.T @ g
        grad_p = g @ v.T
        grad_s = p * (grad_p - self.d[rows])
        return grad_s @ k, grad_s.T @ q, grad_v


def _heads(array: Any) -> Any:
    """(..., n, m) as (heads, n, m)."""
    return array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])


def _check_arrays(op: str, query: ArrayLike, key: ArrayLike, value: ArrayLike) -> tuple[Array, Array, Array]:
    query = _validate.floating(op, "query", query)
    key = _validate.floating(op, "key", key)
    value = _validate.floating(op, "value", value)
    for name, array in (("query", query), ("key", key), ("value", value)):
        _validate.at_least_dimensions(op, name, array, 2)
    expected = (*query.shape[:-2], key.shape[-2], query.shape[-1])
    _validate.has_shape(op, "key", key, "(..., S, E) with query's leading axes and features", expected)
    expected = (*key.shape[:-1], value.shape[-1])
    _validate.has_shape(op, "value", value, "(..., S, Ev) with key's leading axes and length", expected)
    return query, key, value
