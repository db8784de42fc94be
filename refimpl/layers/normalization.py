"""Normalizations over the features of one sample: by mean and variance, or by the mean square alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import working_dtype
from .._validate import Array
from ._moments import Moments, Rows, normalize, normalize_backward

__all__ = [
    "group_norm_backward",
    "group_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "rms_norm_backward",
    "rms_norm_forward",
]


class LayerNormCache(NamedTuple):
    input: Array  # (..., *normalized_shape)
    weight: Array | None  # normalized_shape
    bias: Array | None  # normalized_shape
    normalized_shape: tuple[int, ...]
    eps: float
    moments: Moments  # four numbers per row


class RmsNormCache(NamedTuple):
    input: Array  # (..., *normalized_shape)
    weight: Array | None  # normalized_shape
    normalized_shape: tuple[int, ...]
    eps: float
    moments: Moments  # two numbers per row


class GroupNormCache(NamedTuple):
    input: Array  # (N, C, ...)
    weight: Array | None  # (C,)
    bias: Array | None  # (C,)
    num_groups: int
    eps: float
    moments: Moments  # four numbers per group of each sample


def layer_norm_forward(
    input: ArrayLike,
    normalized_shape: int | Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> tuple[Array, LayerNormCache]:
    """The last axes of each sample taken to mean 0 and variance 1, then scaled and shifted feature by feature.

    y_i = w_i (x_i - m) / sqrt(v + eps) + b_i with m = mean_j x_j and v = mean_j (x_j - m)^2

    Shapes: input (..., *normalized_shape), weight and bias normalized_shape, output like input.
    Raises: TypeError where an array is not floating; ValueError where input does not end in normalized_shape, weight or
        bias does not have it, or eps is negative.
    Extremes: all digits at any offset and any magnitude: rows around 1e8, or of 1e300. A constant row gives b; with
        eps = 0 it gives NaN.
    Source: torch.nn.functional.layer_norm; Ba, Kiros and Hinton 2016.
    Derived: derivations/normalization.md#layer_norm.
    """
    op = "layer_norm_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.optional_floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    shape = _check_normalized_shape(op, input, normalized_shape)
    _check_parameters(op, weight, bias, "normalized_shape", shape)
    eps = _validate.number(op, "eps", eps, at_least=0)

    y, moments = normalize(input, weight, bias, _features(input, shape), eps, centred=True)
    return y, LayerNormCache(input, weight, bias, shape, eps, moments)


def layer_norm_backward(grad_output: ArrayLike, cache: LayerNormCache) -> dict[str, Array]:
    """grad_x = (h - mean(h) - x_hat mean(h x_hat)) / sqrt(v + eps) with h = g w and x_hat = (x - m) / sqrt(v + eps);
    grad_w = sum of g x_hat and grad_b = sum of g, over the samples.
    """
    op = "layer_norm_backward"
    cache = _validate.is_cache(op, cache, LayerNormCache)
    arguments, rows = (cache.input, cache.weight, cache.bias), _features(cache.input, cache.normalized_shape)
    return normalize_backward(op, grad_output, arguments, rows, cache.eps, cache.moments)


def rms_norm_forward(
    input: ArrayLike, normalized_shape: int | Sequence[int], weight: ArrayLike | None = None, eps: float | None = None
) -> tuple[Array, RmsNormCache]:
    """The last axes of each sample taken to mean square 1, then scaled feature by feature.

    y_i = w_i x_i / sqrt(mean_j x_j^2 + eps)

    Shapes: input (..., *normalized_shape), weight normalized_shape, output like input.
    Raises: TypeError where an array is not floating; ValueError where input does not end in normalized_shape, weight
        does not have it, or eps is negative.
    Extremes: all digits at any magnitude. A row of zeros gives 0; with eps = 0 it gives NaN.
    Source: torch.nn.functional.rms_norm; Zhang and Sennrich 2019. eps = None is the distance from 1 to the next number
        of the dtype computed in: 2.2e-16 for float64, 1.2e-7 for float32 and, as in PyTorch, for float16.
    Derived: derivations/normalization.md#rms_norm.
    """
    op = "rms_norm_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.optional_floating(op, "weight", weight)
    shape = _check_normalized_shape(op, input, normalized_shape)
    _check_parameters(op, weight, None, "normalized_shape", shape)
    if eps is None:
        eps = float(np.finfo(working_dtype(input)).eps)
    eps = _validate.number(op, "eps", eps, at_least=0)

    y, moments = normalize(input, weight, None, _features(input, shape), eps, centred=False)
    return y, RmsNormCache(input, weight, shape, eps, moments)


def rms_norm_backward(grad_output: ArrayLike, cache: RmsNormCache) -> dict[str, Array]:
    """grad_x = (h - x_hat mean(h x_hat)) / sqrt(mean(x^2) + eps) with h = g w and x_hat = x / sqrt(mean(x^2) + eps);
    grad_w = sum of g x_hat over the samples.
    """
    op = "rms_norm_backward"
    cache = _validate.is_cache(op, cache, RmsNormCache)
    arguments, rows = (cache.input, cache.weight, None), _features(cache.input, cache.normalized_shape)
    return normalize_backward(op, grad_output, arguments, rows, cache.eps, cache.moments)


def group_norm_forward(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: float = 1e-5,
) -> tuple[Array, GroupNormCache]:
    """Each group of a sample's channels taken to mean 0 and variance 1, then scaled and shifted channel by channel.

    y_i = w_c (x_i - m) / sqrt(v + eps) + b_c with m and v the mean and variance over the group of element i, and c its
    channel; group k holds the channels from k C / G to (k + 1) C / G - 1

    Shapes: input (N, C, ...), weight and bias (C,), output like input.
    Raises: TypeError where an array is not floating; ValueError where num_groups does not divide C, weight or bias is
        not (C,), eps is negative, or there is one value per group in all.
    Extremes: all digits at any offset and any magnitude. A constant group gives b; with eps = 0 it gives NaN.
    Source: torch.nn.functional.group_norm; Wu and He 2018.
    Derived: derivations/normalization.md#group_norm.
    """
    op = "group_norm_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.optional_floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    _validate.at_least_dimensions(op, "input", input, 2)
    channels = input.shape[1]
    num_groups = _validate.integer(op, "num_groups", num_groups)
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"{op}: num_groups must be at least 1 and divide the channels, got {num_groups} of {channels}")
    _check_parameters(op, weight, bias, "(channels,)", (channels,))
    eps = _validate.number(op, "eps", eps, at_least=0)
    if input.size == num_groups:  # PyTorch's rule: it looks at all samples together
        raise ValueError(f"{op}: input must have more than one value per group, got shape {input.shape}")

    y, moments = normalize(input, weight, bias, _groups(input, num_groups), eps, centred=True)
    return y, GroupNormCache(input, weight, bias, num_groups, eps, moments)


def group_norm_backward(grad_output: ArrayLike, cache: GroupNormCache) -> dict[str, Array]:
    """grad_x = (h - mean(h) - x_hat mean(h x_hat)) / sqrt(v + eps) with h = g w and x_hat = (x - m) / sqrt(v + eps),
    the means over the group; grad_w = sum of g x_hat and grad_b = sum of g, over all but the channels.
    """
    op = "group_norm_backward"
    cache = _validate.is_cache(op, cache, GroupNormCache)
    arguments, rows = (cache.input, cache.weight, cache.bias), _groups(cache.input, cache.num_groups)
    return normalize_backward(op, grad_output, arguments, rows, cache.eps, cache.moments)


def _features(input: Array, shape: tuple[int, ...]) -> Rows:
    """One row per sample: all axes that are normalized, with parameters of their shape."""
    leading = input.shape[: input.ndim - len(shape)]
    return Rows((1, math.prod(leading), math.prod(shape)), shape)


def _groups(input: Array, num_groups: int) -> Rows:
    """One row per group of a sample, with one parameter per channel."""
    samples, channels, *positions = input.shape
    width = channels // num_groups * math.prod(positions)
    return Rows((1, samples * num_groups, width), (channels, *(1 for _ in positions)))


def _check_normalized_shape(op: str, input: Array, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    extents = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    shape = tuple(_validate.integer(op, "normalized_shape", extent) for extent in extents)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ValueError(
            f"{op}: normalized_shape must be the last extents of input, at least one, got {shape} for {input.shape}"
        )
    return shape


def _check_parameters(
    op: str, weight: Array | None, bias: Array | None, rule: str, shape: tuple[int, ...]
) -> None:  # fmt: skip
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None:
            _validate.has_shape(op, name, parameter, rule, shape)
