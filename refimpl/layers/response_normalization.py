"""Normalization of a channel by the energy of its neighbours."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._validate import Array

__all__ = ["local_response_norm_backward", "local_response_norm_forward"]


class LocalResponseNormCache(NamedTuple):
    input: Array  # (N, C, L, ...)
    size: int
    alpha: float
    beta: float
    k: float


class _Response(NamedTuple):
    """y and D, from which output and gradient follow; x = y 2^e, and the true D is D 2^(2 e)."""

    y: Array  # (N, C, L)
    d: Array  # (N, C, L)
    power: Array  # (N, 1, L): 2^e, which is 1 wherever the squares need no scale
    fall: Array  # (N, 1, L): 2^(-e beta)


def local_response_norm_forward(
    input: ArrayLike, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> tuple[Array, LocalResponseNormCache]:
    """Each entry divided by a power of the mean square of its channel's neighbourhood.

    y_c = x_c D_c^(-beta) with D_c = k + alpha / size sum_j x_j^2, over the channels j from c - size // 2 to
    c + (size - 1) // 2 that there are

    Shapes: input (N, C, L, ...), output the same.
    Raises: TypeError where input is not floating or size no integer; ValueError where input has less than 3 dimensions
        or size is below 1.
    Extremes: the squares of numbers as large as 1e300 do not overflow. D = 0, which k = 0 allows, gives NaN.
    Source: torch.nn.functional.local_response_norm; Krizhevsky, Sutskever and Hinton 2012, who do not divide alpha by
        size, as PyTorch does.
    Derived: derivations/response_normalization.md#local_response_norm.
    """
    op = "local_response_norm_forward"
    x = _validate.floating(op, "input", input)
    _validate.at_least_dimensions(op, "input", x, 3)
    size = _validate.integer(op, "size", size)
    if size < 1:
        raise ValueError(f"{op}: size must be at least 1, got {size}")
    alpha, beta, k = (_validate.number(op, name, value) for name, value in (("alpha", alpha), ("beta", beta), ("k", k)))
    cache = LocalResponseNormCache(x, size, alpha, beta, k)
    with np.errstate(all="ignore"):
        response = _response(cache)
        # One factor after the other: 2^(-2 e beta) may be out of range where the output is not.
        y = response.y * response.d**-beta * (response.fall * response.power) * response.fall
    return answer(y.reshape(x.shape), x), cache


def local_response_norm_backward(grad_output: ArrayLike, cache: LocalResponseNormCache) -> dict[str, Array]:
    """grad_x_i = g_i D_i^(-beta) - 2 alpha beta / size x_i sum_c g_c x_c D_c^(-beta - 1), over the channels c whose
    neighbourhood holds i: from i - (size - 1) // 2 to i + size // 2.
    """
    op = "local_response_norm_backward"
    cache = _validate.is_cache(op, cache, LocalResponseNormCache)
    (x,) = working(cache.input)
    g = _validate.output_gradient(op, grad_output, x.shape, x.dtype)
    with np.errstate(all="ignore"):
        y, d, _, fall = _response(cache)
        own = g.reshape(y.shape) * d**-cache.beta
        shared = _window_sum(own * y / d, (cache.size - 1) // 2, cache.size // 2)
        grad_x = (own - 2 * cache.alpha * cache.beta / cache.size * y * shared) * fall * fall
    return {"input": gradient(grad_x.reshape(x.shape), cache.input)}


def _response(cache: LocalResponseNormCache) -> _Response:
    (x,) = working(cache.input)
    x = x.reshape(x.shape[0], x.shape[1], math.prod(x.shape[2:]))
    exponent = _exponent(x, cache.k)
    power = np.ldexp(x.dtype.type(1), exponent)
    y = x / power
    energy = _window_sum(y * y, cache.size // 2, (cache.size - 1) // 2)
    d = cache.k / power / power + cache.alpha / cache.size * energy
    return _Response(y, d, power, power**-cache.beta)


def _exponent(x: Array, k: float) -> Any:
    """Per position the power of two to divide by: 0 wherever squares of the entries, or of sqrt(k), are in range."""
    exponent = np.frexp(np.abs(x).max(axis=1, keepdims=True, initial=0))[1]
    if k > 0:
        exponent = np.maximum(exponent, np.frexp(x.dtype.type(math.sqrt(k)))[1])
    limits = np.finfo(x.dtype)
    exponent = np.clip(exponent, limits.minexp + 1, limits.maxexp - 2)
    return np.where(np.abs(exponent) <= limits.maxexp // 3, 0, exponent)


def _window_sum(values: Array, before: int, after: int) -> Array:
    """The sum over the channels from c - before to c + after, as far as there are any."""
    channels = values.shape[1]
    total = np.zeros_like(values)
    for step in range(-min(before, channels), min(after, channels) + 1):
        here = slice(max(0, -step), min(channels, channels - step))
        there = slice(max(0, step), min(channels, channels + step))
        total[:, here] += values[:, there]
    return total
