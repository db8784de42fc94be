"""Embeddings: rows of a table picked by index, one by one or reduced over bags of indices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._norms import row_norm
from .._precision import answer, gradient, working
from .._segments import segment_sum
from .._validate import Array, IntArray

__all__ = ["embedding_backward", "embedding_bag_backward", "embedding_bag_forward", "embedding_forward"]

MODES = ("sum", "mean", "max")


class EmbeddingCache(NamedTuple):
    input: IntArray  # any shape
    weight: Array  # (V, D), of which only shape and dtype count
    padding_idx: int | None  # from 0
    scale_grad_by_freq: bool


def embedding_forward(
    input: ArrayLike,
    weight: ArrayLike,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> tuple[Array, EmbeddingCache]:
    """Rows of a table, picked by index.

    y_n = W_k with k = input_n; with max_norm, y_n = c_k W_k with c_k = max_norm / (|W_k| + 1e-7) where the norm
    |W_k| of order norm_type is above max_norm, else 1

    Shapes: input any, of integers from 0 to V - 1; weight (V, D); output (*input.shape, D).
    Raises: TypeError where input is not integer, weight not floating, or an option of the wrong kind; ValueError where
        weight has not two dimensions, an index or padding_idx is out of range, or max_norm or norm_type is.
    Extremes: exact but for max_norm; norms neither overflow nor underflow.
    Source: torch.nn.functional.embedding. PyTorch writes the rescaled rows into weight; here weight stays, and the
        output is the same. As in PyTorch the gradient is that of the table as rescaled, row padding_idx gets none,
        and with scale_grad_by_freq each index's gradient is divided by how often it occurs: none of these three is
        the derivative of the output.
    Derived: derivations/embedding.md#embedding.
    """
    op = "embedding_forward"
    index = _validate.integers(op, "input", input)
    weight, padding_idx = _check_table(op, index, weight, padding_idx, max_norm, norm_type)
    scale_grad_by_freq = _validate.boolean(op, "scale_grad_by_freq", scale_grad_by_freq)

    y = _rows(weight, index.reshape(-1), max_norm, norm_type).reshape(*index.shape, weight.shape[1])
    return answer(y, weight), EmbeddingCache(index, weight, padding_idx, scale_grad_by_freq)


def embedding_backward(grad_output: ArrayLike, cache: EmbeddingCache) -> dict[str, Array]:
    """grad_W_k = f_k sum of g_n over all n with input_n = k; f_k is 1, or with scale_grad_by_freq 1 over the number of
    these n, and 0 at k = padding_idx.
    """
    op = "embedding_backward"
    cache = _validate.is_cache(op, cache, EmbeddingCache)
    (w,) = working(cache.weight)
    index = cache.input.reshape(-1)
    g = _validate.output_gradient(op, grad_output, (*cache.input.shape, w.shape[1]), w.dtype)

    factor = _inverse_frequency(index, len(w)) if cache.scale_grad_by_freq else None
    grad_w = segment_sum(g.reshape(index.size, w.shape[1]), index, len(w), factor)
    if cache.padding_idx is not None:
        grad_w[cache.padding_idx] = 0
    return {"weight": gradient(grad_w, cache.weight)}


class EmbeddingBagCache(NamedTuple):
    input: IntArray  # (n,) or (B, L)
    weight: Array  # (V, D)
    offsets: IntArray  # (B,): where in the flat input each bag begins
    max_norm: float | None
    norm_type: float
    scale_grad_by_freq: bool
    mode: str
    per_sample_weights: Array | None  # like input
    padding_idx: int | None  # from 0
    winner: IntArray | None  # (B, D) for mode max: the row that each maximum is from, V for an empty bag


def embedding_bag_forward(
    input: ArrayLike,
    weight: ArrayLike,
    offsets: ArrayLike | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    per_sample_weights: ArrayLike | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> tuple[Array, EmbeddingBagCache]:
    """Rows of a table, picked by index and reduced over bags of indices.

    y_b = sum of s_n W_k with k = input_n, over all n in bag b with k not padding_idx (sum);
    the same over their number (mean); the largest entry of each column (max); 0 for an empty bag.
    s_n is per_sample_weights, or 1; with max_norm, W_k is first rescaled as in embedding.

    Shapes: input (B, L), each row a bag, or (n,) with offsets (B,), the position where each bag begins; with
        include_last_offset offsets has one more entry, n. weight (V, D), per_sample_weights like input, output (B, D).
    Raises: TypeError where input or offsets is not integer, weight or per_sample_weights not floating, or an option of
        the wrong kind; ValueError where shapes do not match, an index, an offset or an option is out of range, or
        options exclude each other: per_sample_weights takes mode sum, scale_grad_by_freq takes sum or mean.
    Extremes: sums in the working precision, and a mean over the sum; norms neither overflow nor underflow.
    Source: torch.nn.functional.embedding_bag. PyTorch writes rescaled rows into weight, takes decreasing offsets, and
        does not look at a last offset; here weight stays, and such offsets are refused. As in PyTorch the gradient
        with max_norm is that of the table as rescaled, and with scale_grad_by_freq each index's is divided by how
        often it occurs (PyTorch's kernel for the CPU takes the frequency of another index where some come again):
        neither is the derivative of the output.
    Derived: derivations/embedding.md#embedding_bag.
    """
    op = "embedding_bag_forward"
    index = _validate.integers(op, "input", input)
    weight, padding_idx = _check_table(op, index, weight, padding_idx, max_norm, norm_type)
    starts = _check_offsets(op, index, offsets, _validate.boolean(op, "include_last_offset", include_last_offset))
    scale_grad_by_freq = _validate.boolean(op, "scale_grad_by_freq", scale_grad_by_freq)
    _validate.one_of(op, "mode", mode, MODES)
    if mode == "max" and scale_grad_by_freq:
        raise ValueError(f"{op}: scale_grad_by_freq must be False for mode 'max', got True")
    per_sample_weights = _validate.optional_floating(op, "per_sample_weights", per_sample_weights)
    if per_sample_weights is not None:
        _validate.has_shape(op, "per_sample_weights", per_sample_weights, "of input", index.shape)
        if mode != "sum":
            raise ValueError(f"{op}: mode must be 'sum' where per_sample_weights are given, got {mode!r}")

    cache = EmbeddingBagCache(
        index, weight, starts, max_norm, norm_type, scale_grad_by_freq, mode, per_sample_weights, padding_idx, None
    )
    picked = _picked(cache)
    rows = _rows(weight, picked.row, max_norm, norm_type)
    if mode == "max":
        y, winner = _maximum(rows, picked, len(starts), len(weight))
        cache = cache._replace(winner=winner)
    else:
        y = _reduced(rows.astype(picked.factor.dtype, copy=False), picked)
    return answer(y, weight, per_sample_weights), cache


def embedding_bag_backward(grad_output: ArrayLike, cache: EmbeddingBagCache) -> dict[str, Array]:
    """grad_W_k = f_k sum of s_n g_b / M_b over all n with input_n = k, b being n's bag, M_b its number of indices
    (mean) or 1, f_k 1 or with scale_grad_by_freq 1 over the number of these n; grad_s_n = g_b . W_k. Under max g_b
    goes, column by column, to the row that the maximum is from, at a tie to the bag's first. Nothing goes to
    padding_idx or where it stands.
    """
    op = "embedding_bag_backward"
    cache = _validate.is_cache(op, cache, EmbeddingBagCache)
    w, s = working(cache.weight, cache.per_sample_weights)
    g = _validate.output_gradient(op, grad_output, (len(cache.offsets), w.shape[1]), w.dtype)
    if cache.winner is not None:
        return {"weight": gradient(_to_winners(g, cache.winner, w.shape), cache.weight)}

    picked = _picked(cache)
    with np.errstate(all="ignore"):
        g_rows = (g / picked.divisor[:, None])[picked.bag]
        factor = picked.factor
        if cache.scale_grad_by_freq:
            factor = factor * _inverse_frequency(picked.row, len(w))
        grads = {"weight": gradient(segment_sum(g_rows, picked.row, len(w), factor), cache.weight)}
        if cache.per_sample_weights is not None:
            rows = _rows(cache.weight, picked.row, cache.max_norm, cache.norm_type)
            grad_s = np.zeros(s.shape, dtype=s.dtype)
            grad_s.reshape(-1)[picked.position] = (g_rows * rows).sum(axis=1)
            grads["per_sample_weights"] = gradient(grad_s, cache.per_sample_weights)
    return grads


class _Picked(NamedTuple):
    """What is left of a flat input without the padding."""

    position: IntArray  # (m,): where in the flat input
    row: IntArray  # (m,): which of the table
    bag: IntArray  # (m,): the bag, in increasing order
    factor: Array  # (m,): the sample's weight, or 1
    divisor: Array  # (B,): the number of rows in the bag for mean, at least 1; else 1


def _picked(cache: EmbeddingBagCache) -> _Picked:
    w, s = working(cache.weight, cache.per_sample_weights)
    flat, bags = cache.input.reshape(-1), len(cache.offsets)
    bag = np.repeat(np.arange(bags), np.diff(cache.offsets, append=flat.size))
    position = np.arange(flat.size) if cache.padding_idx is None else np.flatnonzero(flat != cache.padding_idx)
    bag = bag[position]
    factor = np.ones(len(position), dtype=w.dtype) if s is None else s.reshape(-1)[position]
    divisor = np.ones(bags, dtype=w.dtype)
    if cache.mode == "mean":
        divisor = np.maximum(np.bincount(bag, minlength=bags), 1).astype(w.dtype)
    return _Picked(position, flat[position], bag, factor, divisor)


def _reduced(rows: Array, picked: _Picked) -> Array:
    """The sum per bag over its divisor."""
    bags, divisor = len(picked.divisor), picked.divisor[:, None]
    with np.errstate(all="ignore"):
        y = segment_sum(rows, picked.bag, bags, picked.factor) / divisor
        if not np.isfinite(y).all():  # the sum may overflow where the mean does not
            y = np.where(np.isfinite(y), y, segment_sum(rows / divisor[picked.bag], picked.bag, bags, picked.factor))
    return y


def _maximum(rows: Array, picked: _Picked, bags: int, table: int) -> tuple[Array, IntArray]:
    """The largest entry per bag and column, and the row of the table that the first such entry is from."""
    y = np.zeros((bags, rows.shape[1]), dtype=rows.dtype)
    winner = np.full(y.shape, table, dtype=np.intp)
    filled, starts = np.unique(picked.bag, return_index=True)
    if rows.size:
        y[filled] = np.maximum.reduceat(rows, starts, axis=0)
        largest = (rows == y[picked.bag]) | np.isnan(rows)
        position = np.where(largest, np.arange(len(rows))[:, None], len(rows))
        winner[filled] = picked.row[np.minimum.reduceat(position, starts, axis=0)]
    return y, winner


def _to_winners(g: Array, winner: IntArray, shape: tuple[int, ...]) -> Array:
    """The table's gradient, where column d of bag b goes to entry (winner_bd, d)."""
    table, width = shape
    entry = winner * width + np.arange(width)
    # Empty bags go to one row more, which is left out.
    return segment_sum(g.reshape(-1), entry.reshape(-1), (table + 1) * width)[: table * width].reshape(shape)


def _rows(weight: Array, index: IntArray, max_norm: float | None, norm_type: float) -> Array:
    """The rows of the table at a flat index, those longer than max_norm rescaled."""
    rows = weight[index]
    if max_norm is None or not rows.size:
        return rows
    (rows,) = working(rows)
    norm, limit = row_norm(rows, norm_type), rows.dtype.type(max_norm)
    with np.errstate(all="ignore"):
        # Everything over the power of two that the row is scaled by: no norm overflows or underflows.
        size, shift = np.ldexp(limit, -norm.exponent), np.ldexp(rows.dtype.type(_SHIFT), -norm.exponent)
        return np.where(norm.size > size, norm.scaled * (limit / (norm.size + shift)), rows)


_SHIFT = 1e-7  # what PyTorch adds to a norm before it divides by it


def _inverse_frequency(index: IntArray, table: int) -> NDArray[Any]:
    """Per position 1 over how often its index occurs."""
    return 1 / np.bincount(index, minlength=table)[index]


def _check_table(
    op: str, index: IntArray, weight: ArrayLike, padding_idx: Any, max_norm: Any, norm_type: Any
) -> tuple[Array, int | None]:
    """The table, and padding_idx counted from 0."""
    table = _validate.floating(op, "weight", weight)
    if table.ndim != 2:
        raise ValueError(f"{op}: weight must have shape (num_embeddings, embedding_dim), got {table.shape}")
    rows = len(table)
    outside = (index < 0) | (index >= rows)
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"{op}: input must hold indices of the {rows} rows of weight, from 0 on, "
            f"got {int(index[where])} at index {where}"
        )
    if max_norm is not None:
        _validate.number(op, "max_norm", max_norm, at_least=0)
    _validate.number(op, "norm_type", norm_type, above=0)
    if padding_idx is None:
        return table, None
    padding = _validate.integer(op, "padding_idx", padding_idx)
    if not -rows <= padding < rows:
        raise ValueError(f"{op}: padding_idx must be from {-rows} to {rows - 1}, got {padding}")
    return table, padding % rows


def _check_offsets(op: str, index: IntArray, offsets: ArrayLike | None, include_last: bool) -> IntArray:
    """Where in the flat input each bag begins."""
    if index.ndim not in (1, 2):
        raise ValueError(f"{op}: input must have shape (n,) or (bags, n), got {index.shape}")
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError(f"{op}: offsets must be None where each row of input is a bag, got input {index.shape}")
        return np.arange(index.shape[0]) * index.shape[1]
    if offsets is None:
        raise ValueError(f"{op}: offsets must be given where input has one dimension, got None")
    starts = _validate.integers(op, "offsets", offsets)
    if starts.ndim != 1:
        raise ValueError(f"{op}: offsets must have one dimension, got shape {starts.shape}")
    ends = np.append(starts, [] if include_last else len(index)).astype(np.intp)
    if not (len(ends) and ends[0] == 0 and ends[-1] == len(index) and (np.diff(ends) >= 0).all()):
        rule = f"end at the {len(index)} of input" if include_last else f"not go beyond the {len(index)} of input"
        raise ValueError(f"{op}: offsets must begin at 0, not decrease and {rule}, got {starts.tolist()}")
    return ends[:-1]
