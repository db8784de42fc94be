"""What tells a transformer where a token stands, without anything to differentiate: plain functions, no pairs.

Their arguments are counts, so there is no gradient to give. What they return is handed to scaled_dot_product_attention
as attn_mask, or added to an input.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import _validate
from .._validate import Array
from ._angles import cos_and_sin

__all__ = ["alibi_bias", "sinusoidal_positions", "sliding_window_mask"]


def alibi_bias(num_heads: int, query_length: int, key_length: int, *, dtype: DTypeLike = np.float64) -> Array:
    """What attention with linear biases adds to the scores: a penalty for distance, steeper from head to head.

    bias_hij = -slope_h |i - j|, with slope_h = 2^(-8 (h + 1) / H) for H = num_heads a power of two; else the slopes of
    the largest power of two below H, then those of even h of the next power.

    Shapes: output (num_heads, query_length, key_length), in dtype.
    Raises: TypeError where a count is no integer or dtype is not floating; ValueError where num_heads is below 1 or a
        length below 0.
    Source: Press, Smith and Lewis, Train short, test long (2022), with their code's rule for other numbers of heads.
        There the attention is causal; keys ahead are penalised here as those behind. Queries are counted from the first
        key: those that come after n keys are the rows from n on of a larger bias.
    Derived: derivations/positions.md.
    """
    op = "alibi_bias"
    heads = _validate.integer(op, "num_heads", num_heads, at_least=1)
    distance = np.abs(_distance(op, query_length, key_length))
    return np.asarray(_slopes(heads)[:, None, None] * -distance, dtype=_dtype(op, dtype))


def _slopes(heads: int) -> Array:
    power = 2 ** (heads.bit_length() - 1)  # the largest that is at most heads
    first = [math.pow(2, -8 * k / power) for k in range(1, power + 1)]
    between = [math.pow(2, -4 * k / power) for k in range(1, 2 * (heads - power), 2)]
    return np.array(first + between)


def sliding_window_mask(query_length: int, key_length: int, window: int, is_causal: bool = False) -> NDArray[np.bool_]:
    """Which keys each query sees where it sees only those near it: True where it does.

    mask_ij = |i - j| < window, and j <= i where is_causal; each query sees itself and window - 1 keys on either side,
    or window - 1 keys before it.

    Shapes: output (query_length, key_length), as attn_mask of scaled_dot_product_attention takes it.
    Raises: TypeError where a count is no integer or is_causal no flag; ValueError where window is below 1 or a length
        below 0.
    Source: Beltagy, Peters and Cohan, Longformer (2020); causal, with window counted as here: Jiang and others,
        Mistral 7B (2023).
    Derived: derivations/positions.md.
    """
    op = "sliding_window_mask"
    distance = _distance(op, query_length, key_length)
    reach = _validate.integer(op, "window", window, at_least=1) - 1
    causal = _validate.boolean(op, "is_causal", is_causal)
    return np.asarray((distance <= reach) & (distance >= (0 if causal else -reach)))


def sinusoidal_positions(length: int, dim: int, base: float = 10000.0, *, dtype: DTypeLike = np.float64) -> Array:
    """Position embeddings that are not learned: sines and cosines of falling frequencies.

    y_p,2i = sin(p base^(-2i / dim)), y_p,2i+1 = cos(p base^(-2i / dim))

    Shapes: output (length, dim), in dtype.
    Raises: TypeError where a count is no integer, base no number or dtype not floating; ValueError where length is
        below 0, dim below 0 or odd, or base not above 0 or not finite.
    Source: Vaswani and others, Attention is all you need (2017).
    Derived: derivations/positions.md.
    """
    op = "sinusoidal_positions"
    length = _validate.integer(op, "length", length, at_least=0)
    dim = _validate.integer(op, "dim", dim, at_least=0)
    if dim % 2:
        raise ValueError(f"{op}: dim must be even, got {dim}")
    base = _validate.number(op, "base", base, above=0, below=math.inf)
    output = np.empty((length, dim), dtype=_dtype(op, dtype))
    cos, sin = cos_and_sin(np.arange(length), dim // 2, base)
    output[:, 0::2], output[:, 1::2] = sin, cos
    return output


def _distance(op: str, query_length: int, key_length: int) -> NDArray[np.int64]:
    """i - j."""
    queries = _validate.integer(op, "query_length", query_length, at_least=0)
    keys = _validate.integer(op, "key_length", key_length, at_least=0)
    return np.asarray(np.arange(queries)[:, None] - np.arange(keys))


def _dtype(op: str, dtype: DTypeLike) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(dtype)
    if found not in _validate.FLOATING:
        raise TypeError(f"{op}: dtype must be float16, float32 or float64, got {found}")
    return found
