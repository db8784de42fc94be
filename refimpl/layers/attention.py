"""Attention: means of rows of values, weighted by how well a query agrees with each key."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._precision import answer, gradient, working, working_dtype
from .._reduction import unbroadcast
from .._validate import Array, IntArray
from .dropout import draw_mask, rescaling

__all__ = ["scaled_dot_product_attention_backward", "scaled_dot_product_attention_forward"]

BoolArray = NDArray[np.bool_]

CAUSAL_ROWS = 128  # queries taken together where each sees the keys up to its own position
CONFIDENT = 1.125  # a row of exponentials with this sum or less has 8/9 or more of its weight on one key


class ScaledDotProductAttentionCache(NamedTuple):
    query: Array  # (..., L, E)
    key: Array  # (..., S, E)
    value: Array  # (..., S, Ev)
    attn_mask: NDArray[Any] | None  # broadcastable to (..., L, S)
    keep: BoolArray | None  # (..., L, S), the weights that dropout keeps; None where it keeps all
    keep_scale: float  # 1 / (1 - dropout_p), and 0 where dropout_p = 1
    is_causal: bool
    scale: float
    enable_gqa: bool
    output: Array  # (..., L, Ev), in the dtype that backward computes in
    row_max: Array  # (..., L, 1), the largest score of a row; 0 where it has none
    row_sum: Array  # (..., L, 1), the sum of exp(score - row_max); 0 where it has none


def scaled_dot_product_attention_forward(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    attn_mask: ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    rng: Any = None,
) -> tuple[Array, ScaledDotProductAttentionCache]:
    """Each query's mean of the values, weighted by the softmax of its products with the keys.

    s_ij = scale sum_e q_ie k_je + mask_ij;  p_ij = exp(s_ij) / sum_n exp(s_in);  y_ie = sum_j p_ij v_je
    with scale = 1 / sqrt(E) where it is None; a boolean mask counts as 0 where True and as -inf where False, and
    is_causal as the mask that is True where j <= i; dropout leaves each p_ij out with probability dropout_p and scales
    the others by 1 / (1 - dropout_p); with enable_gqa each head of keys and values serves as many heads of queries, one
    after the other, as there are to one

    Shapes: query (..., L, E), key (..., S, E), value (..., S, Ev), attn_mask broadcastable to (..., L, S), output
        (..., L, Ev); the leading axes broadcast, and with enable_gqa the last of them counts the heads.
    Raises: TypeError where an array is not floating, attn_mask neither floating nor boolean, or an option of the wrong
        kind; ValueError where shapes do not match, attn_mask stands beside is_causal, the heads of query are no
        multiple of those of key or value, dropout_p is outside [0, 1], or rng is missing though 0 < dropout_p < 1.
    Extremes: the largest score of a row is taken out before the exponential, so scores may be of any size; a row whose
        every key is masked out gives 0, and gradients of 0; a score that overflows, or is inf or NaN, gives a row of
        NaN.
    Source: torch.nn.functional.scaled_dot_product_attention; rng, an integer seed or a numpy.random.Generator, is
        refimpl's.
    Derived: derivations/attention.md#scaled_dot_product_attention.
    """
    op = "scaled_dot_product_attention_forward"
    query = _validate.floating(op, "query", query)
    key = _validate.floating(op, "key", key)
    value = _validate.floating(op, "value", value)
    enable_gqa = _validate.boolean(op, "enable_gqa", enable_gqa)
    scores = (*_leading_axes(op, query, key, value, enable_gqa), query.shape[-2], key.shape[-2])
    is_causal = _validate.boolean(op, "is_causal", is_causal)
    mask = _checked_mask(op, attn_mask, scores, is_causal)
    # Without features every score is 0, whatever it is multiplied by.
    scale = 1 / math.sqrt(max(1, query.shape[-1])) if scale is None else _validate.number(op, "scale", scale)
    keep, dropout_p = draw_mask(op, scores, dropout_p, True, rng, name="dropout_p")

    arrays = _floating_arrays(query, key, value, mask)
    dtype = working_dtype(*arrays)
    y = np.empty((*scores[:-1], value.shape[-1]), dtype=dtype)
    row_max, row_sum = (np.empty((*scores[:-1], 1), dtype=dtype) for _ in range(2))
    cache = ScaledDotProductAttentionCache(
        query, key, value, mask, keep, rescaling(dropout_p), is_causal, scale, enable_gqa, y, row_max, row_sum
    )
    heads = _Heads(cache)
    ones = np.ones((key.shape[-2], 1), dtype=dtype)
    with np.errstate(all="ignore"):
        for h, rows, columns in heads.blocks():
            e = heads.scores(h, rows, columns)
            largest = e.max(axis=1, keepdims=True, initial=-np.inf)
            largest[largest == -np.inf] = 0  # the exponential of -inf - 0 is 0; -inf - -inf is no number
            e -= largest
            np.exp(e, out=e)
            total = e @ ones[columns]
            heads.row_max.of(h)[rows], heads.row_sum.of(h)[rows] = largest, total
            m = heads.factors(h, rows, columns)
            if m is not None:
                e *= m
            heads.output.of(h)[rows] = e @ heads.value.of(h)[columns] / _divisor(total)
    return answer(y, *arrays), cache


def scaled_dot_product_attention_backward(
    grad_output: ArrayLike, cache: ScaledDotProductAttentionCache
) -> dict[str, Array]:
    """grad_v_je = sum_i p_ij m_ij g_ie;  grad_p_ij = m_ij sum_e g_ie v_je;  D_i = sum_e g_ie y_ie;
    grad_s_ij = p_ij (grad_p_ij - D_i), which is also the gradient of a floating mask;
    grad_q_ie = scale sum_j grad_s_ij k_je;  grad_k_je = scale sum_i grad_s_ij q_ie;
    with m the factors of dropout, 0 or 1 / (1 - dropout_p), and each summed over what was broadcast or repeated.
    """
    op = "scaled_dot_product_attention_backward"
    cache = _validate.is_cache(op, cache, ScaledDotProductAttentionCache)
    g = _validate.output_gradient(op, grad_output, cache.output.shape, cache.output.dtype)
    heads = _Heads(cache)
    grad_y = heads.each(np.ascontiguousarray(g))
    grads = {"query": heads.query.zeros(), "key": heads.key.zeros(), "value": heads.value.zeros()}
    if heads.mask is not None and heads.mask.matrices.dtype != np.bool_:
        grads["attn_mask"] = heads.mask.zeros()
    with np.errstate(all="ignore"):
        for h, rows, columns in heads.blocks():
            _add_gradients(grads, heads, h, rows, columns, grad_y.of(h)[rows])
    return {name: grad.as_gradient(getattr(cache, name)) for name, grad in grads.items()}


def _add_gradients(
    grads: dict[str, _PerHead], heads: _Heads, h: int, rows: slice, columns: slice, grad_y: Any
) -> None:  # fmt: skip
    """What one block of a head's queries gives to its matrices."""
    q, k, v = heads.scaled_query(h, rows), heads.key.of(h)[columns], heads.value.of(h)[columns]
    e = heads.scores(h, rows, columns)
    e -= heads.row_max.of(h)[rows]
    np.exp(e, out=e)
    total = heads.row_sum.of(h)[rows]

    # y = (e * m) @ v / total, and total's own gradient is in grad_s
    grad_numerator = grad_y / _divisor(total)
    m = heads.factors(h, rows, columns)
    grads["value"].of(h)[columns] += (e if m is None else e * m).T @ grad_numerator
    grad_e = np.matmul(grad_numerator, v.T, out=heads.room(1, *e.shape))
    if m is not None:
        grad_e *= m
    # p = e / total, e = exp(s - largest)
    mean = (grad_numerator * heads.output.of(h)[rows]).sum(axis=1, keepdims=True)
    grad_s = _scores_gradient(grad_e, e, total, mean)
    # s = (scale * q) @ k.T + mask
    if "attn_mask" in grads:
        grad_mask = grads["attn_mask"].of(h)
        grad_mask += unbroadcast(grad_s, grad_mask.shape)
    grads["query"].of(h)[rows] += grad_s @ k * heads.scale
    grads["key"].of(h)[columns] += grad_s.T @ q


class _PerHead(NamedTuple):
    """Matrices, and which of them each head has: one matrix may serve several heads."""

    matrices: Any  # (matrices, rows, columns)
    number: IntArray  # (heads,)

    def of(self, head: int) -> Any:
        """The head's matrix itself, not a copy."""
        return self.matrices[self.number[head]]

    def zeros(self) -> _PerHead:
        """To add up what the heads give to their matrices."""
        return _PerHead(np.zeros_like(self.matrices, order="C"), self.number)

    def as_gradient(self, argument: Array) -> Array:
        return gradient(self.matrices.reshape(argument.shape), argument)


class _Heads:
    """The arrays of a call, head by head along the leading axes, and room for the scores of one head."""

    def __init__(self, cache: ScaledDotProductAttentionCache) -> None:
        mask = cache.attn_mask
        q, k, v, *floating_mask = working(*_floating_arrays(cache.query, cache.key, cache.value, mask))
        q, k, v = (np.ascontiguousarray(x) for x in (q, k, v))  # NumPy's products of other layouts are slow
        self.leading = cache.output.shape[:-2]
        self.query, self.output = self.each(q), self.each(cache.output)
        self.row_max, self.row_sum = self.each(cache.row_max), self.each(cache.row_sum)
        self.key, self.value = (self.each(x, _repeats(cache.query, x) if cache.enable_gqa else 1) for x in (k, v))
        self.mask = None if mask is None else self.each(_as_matrices(floating_mask[0] if floating_mask else mask))
        self.keep = None if cache.keep is None else self.each(cache.keep)
        self.keep_scale, self.scale = q.dtype.type(cache.keep_scale), q.dtype.type(cache.scale)
        self.is_causal, self.extents = cache.is_causal, (q.shape[-2], k.shape[-2])
        block = min(CAUSAL_ROWS, self.extents[0]) if self.is_causal else self.extents[0]
        self.block = max(1, block)
        self.memory = np.empty((2, self.block * self.extents[1]), dtype=q.dtype)
        self.triangle = (
            np.triu(np.full((self.block, self.block), -np.inf, dtype=q.dtype), 1) if self.is_causal else None
        )

    def each(self, array: Any, repeats: int = 1) -> _PerHead:
        """The last two axes are the matrices; the others broadcast to the leading axes, the last of them repeated."""
        axes = array.shape[:-2]
        matrices = array.reshape(math.prod(axes), *array.shape[-2:])
        number = np.arange(len(matrices)).reshape(axes)
        if repeats != 1:
            number = np.repeat(number, repeats, axis=-1)
        return _PerHead(matrices, np.broadcast_to(number, self.leading).reshape(-1))

    def blocks(self) -> Iterator[tuple[int, slice, slice]]:
        """(head, rows, columns): queries that are taken together, and the keys that they see."""
        queries, keys = self.extents
        for h in range(math.prod(self.leading)):
            for start in range(0, queries, self.block):
                stop = min(start + self.block, queries)
                yield h, slice(start, stop), slice(0, min(stop, keys) if self.is_causal else keys)

    def room(self, number: int, rows: int, columns: int) -> Any:
        """One of two arrays that every block writes to anew."""
        return self.memory[number, : rows * columns].reshape(rows, columns)

    def scaled_query(self, h: int, rows: slice) -> Any:
        return self.query.of(h)[rows] * self.scale

    def scores(self, h: int, rows: slice, columns: slice) -> Any:
        """scale q k^T + mask."""
        q, k = self.scaled_query(h, rows), self.key.of(h)[columns]
        s = np.matmul(q, k.T, out=self.room(0, len(q), len(k)))
        if self.mask is not None:
            mask = self.mask.of(h)
            s += np.log(mask, dtype=s.dtype) if mask.dtype == np.bool_ else mask  # log 1 = 0 and log 0 = -inf
        if self.triangle is not None:
            seen = s[:, rows.start :]  # from here on a key may come after its query
            seen += self.triangle[: len(q), : seen.shape[1]]
        return s

    def factors(self, h: int, rows: slice, columns: slice) -> Any:
        """What dropout multiplies the probabilities by; None where there is no dropout."""
        return None if self.keep is None else self.keep.of(h)[rows, columns] * self.keep_scale


def _scores_gradient(grad_e: Any, e: Any, total: Any, mean: Any) -> Any:
    """e (grad_e - mean), written over grad_e; the mean is that of grad_e under the probabilities e / total.

    Where nearly all weight is on one key the mean is nearly grad_e there, and the difference would be rounding: such
    rows are measured from grad_e at that key, and the mean of what is left is taken again.
    """
    grad_e -= mean
    confident = np.flatnonzero((total > 0) & (total < CONFIDENT))
    if confident.size:
        c, e_rows = grad_e[confident], e[confident]
        c -= np.take_along_axis(c, e_rows.argmax(axis=1)[:, None], axis=1)
        c -= (e_rows * c).sum(axis=1, keepdims=True) / total[confident]
        grad_e[confident] = c
    grad_e *= e
    return grad_e


def _divisor(total: Any) -> Any:
    """The sums of exponentials; 1 where there is nothing to divide, every key being masked out."""
    return np.where(total == 0, total.dtype.type(1), total)


def _floating_arrays(query: Array, key: Array, value: Array, mask: NDArray[Any] | None) -> tuple[Array, ...]:
    """Those that decide in which dtype is computed."""
    return (query, key, value) if mask is None or mask.dtype == np.bool_ else (query, key, value, mask)


def _as_matrices(mask: NDArray[Any]) -> NDArray[Any]:
    return mask.reshape((1,) * (2 - mask.ndim) + mask.shape)


def _repeats(query: Array, other: Array) -> int:
    """How many heads of queries a head of keys or values serves."""
    return query.shape[-3] // max(1, other.shape[-3])


def _leading_axes(op: str, query: Array, key: Array, value: Array, enable_gqa: bool) -> tuple[int, ...]:
    """What the leading axes broadcast to, the arrays having been found to fit each other."""
    arrays = {"query": query, "key": key, "value": value}
    for name, array in arrays.items():
        _validate.at_least_dimensions(op, name, array, 3 if enable_gqa else 2)
    if key.shape[-1] != query.shape[-1]:
        raise ValueError(f"{op}: key must have as many features as query, got query {query.shape} and key {key.shape}")
    if value.shape[-2] != key.shape[-2]:
        raise ValueError(f"{op}: value must have as many rows as key, got key {key.shape} and value {value.shape}")
    leading = query.shape[:-2]
    for name, array in list(arrays.items())[1:]:
        axes = array.shape[:-2]
        if enable_gqa:
            heads = query.shape[-3]
            if not axes[-1] or heads % axes[-1]:
                raise ValueError(
                    f"{op}: the heads of query must be a multiple of those of {name}, got {heads} and {axes[-1]}"
                )
            axes = (*axes[:-1], heads)
        leading = _validate.broadcast_shape(op, "the leading axes of query, key and value", leading, axes)
    return leading


def _checked_mask(op: str, attn_mask: ArrayLike | None, shape: tuple[int, ...], is_causal: bool) -> NDArray[Any] | None:
    if attn_mask is None:
        return None
    mask = _validate.mask(op, "attn_mask", attn_mask)
    _validate.broadcastable(op, "attn_mask", mask, "(..., L, S)", shape)
    if is_causal:
        raise ValueError(f"{op}: attn_mask must be None where is_causal is True, got shape {mask.shape}")
    return mask
