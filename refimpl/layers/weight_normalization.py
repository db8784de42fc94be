"""Weights measured by a norm of their own before they are used."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._norms import row_norm
from .._precision import answer, gradient, working
from .._validate import Array

__all__ = [
    "spectral_norm_backward",
    "spectral_norm_forward",
    "spectral_norm_power_iteration",
    "weight_norm_backward",
    "weight_norm_forward",
]


class WeightNormCache(NamedTuple):
    v: Array  # at least one dimension
    g: Array  # v's extent on dim, all others 1; () for dim=None
    dim: int | None


class SpectralNormCache(NamedTuple):
    weight: Array  # at least two dimensions
    u: Array  # (weight.shape[dim],)
    v: Array  # (the product of the other extents,)
    dim: int


def weight_norm_forward(v: ArrayLike, g: ArrayLike, dim: int | None = 0) -> tuple[Array, WeightNormCache]:
    """A weight given by its length and its direction.

    w = g v / |v| with |v| = sqrt(sum v^2) over all axes but dim; over all axes for dim=None

    Shapes: v at least one dimension, g v's extent on dim and 1 on all other axes, or () for dim=None; output like v.
    Raises: TypeError where an array is not floating; ValueError where g's shape does not match or dim is not an axis
        counted from 0.
    Extremes: all digits at any magnitude of v. A v of zeros gives NaN.
    Source: torch._weight_norm, which torch.nn.utils.parametrizations.weight_norm calls with g and v as original0 and
        original1; Salimans and Kingma 2016. dim=-1 means None there, and is refused here.
    Derived: derivations/weight_normalization.md#weight_norm.
    """
    op = "weight_norm_forward"
    v, g = _validate.floating(op, "v", v), _validate.floating(op, "g", g)
    _validate.at_least_dimensions(op, "v", v, 1)
    if dim is None:
        _validate.has_shape(op, "g", g, "of a single number", ())
    else:
        dim = _validate.integer(op, "dim", dim)
        if not 0 <= dim < v.ndim:
            raise ValueError(f"{op}: dim must be from 0 to {v.ndim - 1} for {v.ndim} dimensions or None, got {dim}")
        expected = tuple(extent if i == dim else 1 for i, extent in enumerate(v.shape))
        _validate.has_shape(op, "g", g, "of v with 1 on all axes but dim", expected)
    cache = WeightNormCache(v, g, dim)
    rows, length = _vectors(cache)
    with np.errstate(all="ignore"):
        return answer(_restored(length * row_norm(rows, 2).unit(), v.shape, dim), v, g), cache


def weight_norm_backward(grad_output: ArrayLike, cache: WeightNormCache) -> dict[str, Array]:
    """grad_g = sum of h u and grad_v = g (h - u sum of h u) / |v|, with h for grad_output, u = v / |v| and the sums
    over all axes but dim.
    """
    op = "weight_norm_backward"
    cache = _validate.is_cache(op, cache, WeightNormCache)
    rows, length = _vectors(cache)
    h = _validate.output_gradient(op, grad_output, cache.v.shape, rows.dtype)
    h = h.reshape(1, -1) if cache.dim is None else _as_matrix(h, cache.dim)
    with np.errstate(all="ignore"):
        norm = row_norm(rows, 2)
        u = norm.unit()
        along = (h * u).sum(axis=1, keepdims=True)
        across = h - u * along
        across -= u * (across * u).sum(axis=1, keepdims=True)  # the rounding of the product before
        grad_v = length * across / norm.size * np.ldexp(rows.dtype.type(1), -norm.exponent)
    return {
        "v": gradient(_restored(grad_v, cache.v.shape, cache.dim), cache.v),
        "g": gradient(along.reshape(cache.g.shape), cache.g),
    }


def _vectors(cache: WeightNormCache) -> tuple[Any, Any]:
    """v as (vectors, n), and g as (vectors, 1)."""
    v, g = working(cache.v, cache.g)
    return v.reshape(1, -1) if cache.dim is None else _as_matrix(v, cache.dim), g.reshape(-1, 1)


def spectral_norm_forward(
    weight: ArrayLike, u: ArrayLike, v: ArrayLike, dim: int = 0
) -> tuple[Array, SpectralNormCache]:
    """A weight divided by an estimate of its largest singular value.

    y = W / s with s = u^T M v, where M is W with axis dim first and all others flattened

    Shapes: weight at least two dimensions, u (weight.shape[dim],), v (the product of the other extents,), output like
        weight.
    Raises: TypeError where an array is not floating; ValueError where a shape does not match or dim is out of range.
    Extremes: all digits at any magnitude of the weight, as far as the sum u^T M v has them; s = 0 gives NaN or
        infinities.
    Source: torch.nn.utils.parametrizations.spectral_norm; Miyato, Kataoka, Koyama and Yoshida 2018. u and v are
        arguments, and constants: spectral_norm_power_iteration returns better ones, before this op in training and
        never in evaluation. For singular vectors s is the norm, and the gradient that of the norm.
    Derived: derivations/weight_normalization.md#spectral_norm.
    """
    op = "spectral_norm_forward"
    arrays = _check_spectral(op, weight, u, v, dim)
    cache = SpectralNormCache(*arrays)
    (w, *_), dim = working(*arrays[:3]), arrays[3]
    with np.errstate(all="ignore"):
        m, size = _scaled_matrix(cache)
        return answer(_restored(m / size, w.shape, dim), *arrays[:3]), cache


def spectral_norm_backward(grad_output: ArrayLike, cache: SpectralNormCache) -> dict[str, Array]:
    """grad_W = (g - u v^T sum of g y) / s, with u and v constants."""
    op = "spectral_norm_backward"
    cache = _validate.is_cache(op, cache, SpectralNormCache)
    w, u, v = working(cache.weight, cache.u, cache.v)
    g = _as_matrix(_validate.output_gradient(op, grad_output, w.shape, w.dtype), cache.dim)
    with np.errstate(all="ignore"):
        m, size = _scaled_matrix(cache)
        grad_m = (g - np.outer(u, v) * (g * (m / size)).sum()) / size * _unit(w)
    return {"weight": gradient(_restored(grad_m, w.shape, cache.dim), cache.weight)}


def spectral_norm_power_iteration(
    weight: ArrayLike, u: ArrayLike, v: ArrayLike, n_power_iterations: int = 1, eps: float = 1e-12, dim: int = 0
) -> tuple[Array, Array]:
    """New u and v, nearer to the singular vectors of the largest singular value; the old ones stay as they are.

    u = M v / max(|M v|, eps), then v = M^T u / max(|M^T u|, eps), n_power_iterations times

    Shapes and Raises: as spectral_norm_forward; ValueError also where n_power_iterations is below 0 or eps negative.
    Source: torch.nn.utils.parametrizations.spectral_norm, which does 15 steps from random vectors when it is made, and
        one in each call in training.
    """
    op = "spectral_norm_power_iteration"
    *arrays, dim = _check_spectral(op, weight, u, v, dim)
    steps = _validate.integer(op, "n_power_iterations", n_power_iterations)
    if steps < 0:
        raise ValueError(f"{op}: n_power_iterations must be at least 0, got {steps}")
    eps = _validate.number(op, "eps", eps, at_least=0)
    w, left, right = working(*arrays)
    with np.errstate(all="ignore"):
        m = _as_matrix(w, dim)
        for _ in range(steps):
            left = _direction(m @ right, eps)
            right = _direction(m.T @ left, eps)
    return np.array(left, dtype=arrays[1].dtype), np.array(right, dtype=arrays[2].dtype)


def _direction(vector: Array, eps: float) -> Array:
    norm = row_norm(vector, 2)
    return np.where(norm.norm() >= eps, norm.unit(), vector / vector.dtype.type(eps))


def _check_spectral(
    op: str, weight: ArrayLike, u: ArrayLike, v: ArrayLike, dim: int
) -> tuple[Array, Array, Array, int]:  # fmt: skip
    w = _validate.floating(op, "weight", weight)
    _validate.at_least_dimensions(op, "weight", w, 2)
    dim = _validate.axis(op, "dim", dim, w.ndim)
    left, right = _validate.floating(op, "u", u), _validate.floating(op, "v", v)
    _validate.has_shape(op, "u", left, "(weight.shape[dim],)", (w.shape[dim],))
    others = math.prod(extent for i, extent in enumerate(w.shape) if i != dim)
    _validate.has_shape(op, "v", right, "(the product of the other extents,)", (others,))
    return w, left, right, dim


def _scaled_matrix(cache: SpectralNormCache) -> tuple[Array, Any]:
    """M and s, both in a unit near M's largest entry: s may else be out of range on the way."""
    w, u, v = working(cache.weight, cache.u, cache.v)
    m = _as_matrix(w, cache.dim) * _unit(w)
    return m, u @ (m @ v)


def _unit(w: Array) -> Any:
    """The inverse of the power of two just above the largest entry."""
    limits = np.finfo(w.dtype)
    exponent = np.clip(np.frexp(np.abs(w).max(initial=0))[1], limits.minexp + 1, limits.maxexp - 2)
    return np.ldexp(w.dtype.type(1), -exponent)


def _as_matrix(w: Array, dim: int) -> Array:
    """Axis dim first, all others flattened."""
    moved = np.moveaxis(w, dim, 0)
    return moved.reshape(len(moved), math.prod(moved.shape[1:]))


def _restored(rows: Array, shape: tuple[int, ...], dim: int | None) -> Array:
    """Undoes _as_matrix; for dim=None rows is one vector."""
    if dim is None:
        return rows.reshape(shape)
    return np.moveaxis(rows.reshape(shape[dim], *shape[:dim], *shape[dim + 1 :]), 0, dim)
