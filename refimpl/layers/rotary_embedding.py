"""Rotary position embedding: pairs of features turned by an angle that grows with the position.

The two ops differ in which features make a pair. A model trained with one convention gives nonsense with the other.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import working_dtype
from .._validate import Array
from ._angles import cos_and_sin

__all__ = [
    "rotary_embedding_half_backward",
    "rotary_embedding_half_forward",
    "rotary_embedding_interleaved_backward",
    "rotary_embedding_interleaved_forward",
]


class RotaryEmbeddingHalfCache(NamedTuple):
    input: Array  # (..., T, D), of which only shape and dtype count
    positions: Any  # repeatable to (..., T)
    base: float
    rotary_dim: int


class RotaryEmbeddingInterleavedCache(NamedTuple):
    input: Array  # (..., T, D), of which only shape and dtype count
    positions: Any  # repeatable to (..., T)
    base: float
    rotary_dim: int


def rotary_embedding_half_forward(
    input: ArrayLike, positions: ArrayLike | None = None, base: float = 10000.0, *, rotary_dim: int | None = None
) -> tuple[Array, RotaryEmbeddingHalfCache]:
    """Each feature of the first half turned with its counterpart in the second, by an angle that grows with position.

    y_i = x_i cos a_i - x_i+R/2 sin a_i, y_i+R/2 = x_i+R/2 cos a_i + x_i sin a_i for i < R/2, a_i = p base^(-2i / R)
    positions: p, by default 0, 1, ...; rotary_dim: R, by default D; features from R on stay as they are

    Shapes: input (..., T, D); positions any that can be repeated to (..., T), integer or floating; output as input.
    Raises: TypeError where input is not floating or positions are no numbers; ValueError where positions do not fit,
        the number of features turned is odd or more than D, or base is not above 0 and finite.
    Extremes: cosine and sine to the last digits at any position; lengths are kept.
    Source: Su and others, RoFormer (2021), with the pairs of GPT-NeoX and Llama: x cos + rotate_half(x) sin.
    Derived: derivations/rotary_embedding.md#rotary_embedding_half.
    """
    cache = RotaryEmbeddingHalfCache(*_check("rotary_embedding_half_forward", input, positions, base, rotary_dim))
    return _rotated(cache.input, cache, _halves, 1), cache


def rotary_embedding_half_backward(grad_output: ArrayLike, cache: RotaryEmbeddingHalfCache) -> dict[str, Array]:
    """grad_x is g turned by the negative angles: grad_x_i = g_i cos a_i + g_i+R/2 sin a_i,
    grad_x_i+R/2 = g_i+R/2 cos a_i - g_i sin a_i.
    """
    op = "rotary_embedding_half_backward"
    cache = _validate.is_cache(op, cache, RotaryEmbeddingHalfCache)
    g = _validate.output_gradient(op, grad_output, cache.input.shape, working_dtype(cache.input))
    return {"input": _rotated(g, cache, _halves, -1)}


def rotary_embedding_interleaved_forward(
    input: ArrayLike, positions: ArrayLike | None = None, base: float = 10000.0, *, rotary_dim: int | None = None
) -> tuple[Array, RotaryEmbeddingInterleavedCache]:
    """Each feature of even number turned with the one after it, by an angle that grows with the position.

    y_2i = x_2i cos a_i - x_2i+1 sin a_i, y_2i+1 = x_2i+1 cos a_i + x_2i sin a_i for i < R/2, a_i = p base^(-2i / R)
    positions: p, by default 0, 1, ...; rotary_dim: R, by default D; features from R on stay as they are

    Shapes: input (..., T, D); positions any that can be repeated to (..., T), integer or floating; output as input.
    Raises: TypeError where input is not floating or positions are no numbers; ValueError where positions do not fit,
        the number of features turned is odd or more than D, or base is not above 0 and finite.
    Extremes: cosine and sine to the last digits at any position; lengths are kept.
    Source: Su and others, RoFormer (2021); the pairs of GPT-J, and of Llama's first code in complex numbers.
    Derived: derivations/rotary_embedding.md#rotary_embedding_interleaved.
    """
    op = "rotary_embedding_interleaved_forward"
    cache = RotaryEmbeddingInterleavedCache(*_check(op, input, positions, base, rotary_dim))
    return _rotated(cache.input, cache, _neighbours, 1), cache


def rotary_embedding_interleaved_backward(
    grad_output: ArrayLike, cache: RotaryEmbeddingInterleavedCache
) -> dict[str, Array]:
    """grad_x is g turned by the negative angles: grad_x_2i = g_2i cos a_i + g_2i+1 sin a_i,
    grad_x_2i+1 = g_2i+1 cos a_i - g_2i sin a_i.
    """
    op = "rotary_embedding_interleaved_backward"
    cache = _validate.is_cache(op, cache, RotaryEmbeddingInterleavedCache)
    g = _validate.output_gradient(op, grad_output, cache.input.shape, working_dtype(cache.input))
    return {"input": _rotated(g, cache, _neighbours, -1)}


def _halves(features: int) -> tuple[slice, slice]:
    """The first and the second features of the pairs."""
    return slice(0, features // 2), slice(features // 2, features)


def _neighbours(features: int) -> tuple[slice, slice]:
    """The first and the second features of the pairs."""
    return slice(0, features, 2), slice(1, features, 2)


def _rotated(x: Array, cache: Any, pairs: Any, sign: int) -> Array:
    """x with its pairs turned by the angles, or by the negative ones, in the dtype of the cache's input."""
    dtype = working_dtype(cache.input)
    cos, sin = (f.astype(dtype) for f in cos_and_sin(cache.positions, cache.rotary_dim // 2, cache.base))
    first, second = pairs(cache.rotary_dim)
    a, b = (x[..., part].astype(dtype, copy=False) for part in (first, second))
    y = x.astype(cache.input.dtype)
    with np.errstate(all="ignore"):
        y[..., first] = a * cos - sign * b * sin
        y[..., second] = b * cos + sign * a * sin
    return y


def _check(op: str, input: ArrayLike, positions: Any, base: float, rotary_dim: Any) -> tuple[Array, Any, float, int]:
    x = _validate.floating(op, "input", input)
    _validate.at_least_dimensions(op, "input", x, 2)
    if positions is None:
        p: Any = np.arange(x.shape[-2])
    else:
        p = _validate.real(op, "positions", positions)
        _validate.broadcastable(op, "positions", p, "input.shape[:-1]", x.shape[:-1])
    base = _validate.number(op, "base", base, above=0, below=math.inf)
    name, features = ("the last axis of input", x.shape[-1])
    if rotary_dim is not None:
        name, features = "rotary_dim", _validate.integer(op, "rotary_dim", rotary_dim, at_least=0)
        if features > x.shape[-1]:
            raise ValueError(f"{op}: rotary_dim must be at most D = {x.shape[-1]}, got {features}")
    if features % 2:
        raise ValueError(f"{op}: {name} must be even, got {features}")
    return x, p, base, features
