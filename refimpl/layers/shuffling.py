"""Shuffling: channels to pixels, pixels to channels, channels among groups. Nothing is computed, all is moved."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._validate import Array

__all__ = [
    "channel_shuffle_backward",
    "channel_shuffle_forward",
    "pixel_shuffle_backward",
    "pixel_shuffle_forward",
    "pixel_unshuffle_backward",
    "pixel_unshuffle_forward",
]


class PixelShuffleCache(NamedTuple):
    shape: tuple[int, ...]  # of output
    dtype: np.dtype[Any]  # of input
    upscale_factor: int


class PixelUnshuffleCache(NamedTuple):
    shape: tuple[int, ...]  # of output
    dtype: np.dtype[Any]  # of input
    downscale_factor: int


class ChannelShuffleCache(NamedTuple):
    shape: tuple[int, ...]  # of input and output
    dtype: np.dtype[Any]  # of input
    groups: int


def pixel_shuffle_forward(input: ArrayLike, upscale_factor: int) -> tuple[Array, PixelShuffleCache]:
    """Each r^2 channels of a pixel to a square of r x r pixels.

    y[c, h r + i, w r + j] = x[c r^2 + i r + j, h, w], with r = upscale_factor

    Shapes: input (..., C r^2, H, W), output (..., C, H r, W r).
    Raises: TypeError where input is not floating or the factor no integer; ValueError where the factor is below 1,
        its square does not divide the channels, or input has fewer than 3 dimensions.
    Extremes: exact; every entry is moved as it is.
    Source: torch.nn.functional.pixel_shuffle; Shi et al. 2016.
    Derived: derivations/shuffling.md#pixel_shuffle.
    """
    op = "pixel_shuffle_forward"
    input = _validate.floating(op, "input", input)
    r = _factor(op, "upscale_factor", upscale_factor)
    _validate.at_least_dimensions(op, "input", input, 3)
    if input.shape[-3] % r**2:
        raise ValueError(
            f"{op}: the channels of input must be divisible by upscale_factor^2 = {r**2}, got {input.shape[-3]}"
        )
    output = _to_pixels(input, r)
    return output, PixelShuffleCache(output.shape, input.dtype, r)


def pixel_shuffle_backward(grad_output: ArrayLike, cache: PixelShuffleCache) -> dict[str, Array]:
    """grad_x[c r^2 + i r + j, h, w] = g[c, h r + i, w r + j]: pixel_unshuffle."""
    op = "pixel_shuffle_backward"
    cache = _validate.is_cache(op, cache, PixelShuffleCache)
    g = _validate.output_gradient(op, grad_output, cache.shape, cache.dtype)
    return {"input": _to_channels(g, cache.upscale_factor)}


def pixel_unshuffle_forward(input: ArrayLike, downscale_factor: int) -> tuple[Array, PixelUnshuffleCache]:
    """Each square of r x r pixels to r^2 channels of one pixel.

    y[c r^2 + i r + j, h, w] = x[c, h r + i, w r + j], with r = downscale_factor

    Shapes: input (..., C, H r, W r), output (..., C r^2, H, W).
    Raises: TypeError where input is not floating or the factor no integer; ValueError where the factor is below 1 or
        does not divide height and width, or input has fewer than 3 dimensions.
    Extremes: exact; every entry is moved as it is.
    Source: torch.nn.functional.pixel_unshuffle.
    Derived: derivations/shuffling.md#pixel_unshuffle.
    """
    op = "pixel_unshuffle_forward"
    input = _validate.floating(op, "input", input)
    r = _factor(op, "downscale_factor", downscale_factor)
    _validate.at_least_dimensions(op, "input", input, 3)
    for name, extent in (("height", input.shape[-2]), ("width", input.shape[-1])):
        if extent % r:
            raise ValueError(f"{op}: the {name} of input must be divisible by downscale_factor = {r}, got {extent}")
    output = _to_channels(input, r)
    return output, PixelUnshuffleCache(output.shape, input.dtype, r)


def pixel_unshuffle_backward(grad_output: ArrayLike, cache: PixelUnshuffleCache) -> dict[str, Array]:
    """grad_x[c, h r + i, w r + j] = g[c r^2 + i r + j, h, w]: pixel_shuffle."""
    op = "pixel_unshuffle_backward"
    cache = _validate.is_cache(op, cache, PixelUnshuffleCache)
    g = _validate.output_gradient(op, grad_output, cache.shape, cache.dtype)
    return {"input": _to_pixels(g, cache.downscale_factor)}


def channel_shuffle_forward(input: ArrayLike, groups: int) -> tuple[Array, ChannelShuffleCache]:
    """The channels of several groups taken in turn: the first of each, then the second of each.

    y[n, k G + g] = x[n, g K + k], with G = groups of K = C / G channels

    Shapes: input (N, C, ...) with at least 3 dimensions, output the same.
    Raises: TypeError where input is not floating or groups no integer; ValueError where groups is below 1 or does not
        divide the channels, or input has fewer than 3 dimensions.
    Extremes: exact; every entry is moved as it is.
    Source: torch.nn.functional.channel_shuffle; Zhang et al. 2018.
    Derived: derivations/shuffling.md#channel_shuffle.
    """
    op = "channel_shuffle_forward"
    input = _validate.floating(op, "input", input)
    groups = _factor(op, "groups", groups)
    _validate.at_least_dimensions(op, "input", input, 3)
    if input.shape[1] % groups:
        raise ValueError(f"{op}: the channels of input must be divisible by groups = {groups}, got {input.shape[1]}")
    return _in_turn(input, groups), ChannelShuffleCache(input.shape, input.dtype, groups)


def channel_shuffle_backward(grad_output: ArrayLike, cache: ChannelShuffleCache) -> dict[str, Array]:
    """grad_x[n, g K + k] = g[n, k G + g]: the shuffle with K groups in place of G."""
    op = "channel_shuffle_backward"
    cache = _validate.is_cache(op, cache, ChannelShuffleCache)
    g = _validate.output_gradient(op, grad_output, cache.shape, cache.dtype)
    return {"input": _in_turn(g, max(1, cache.shape[1] // cache.groups))}


def _factor(op: str, name: str, value: Any) -> int:
    factor = _validate.integer(op, name, value)
    if factor < 1:
        raise ValueError(f"{op}: {name} must be at least 1, got {factor}")
    return factor


def _to_pixels(x: Array, r: int) -> Array:
    """(..., C r^2, H, W) to (..., C, H r, W r)."""
    *lead, channels, height, width = x.shape
    squares = x.reshape(-1, r, r, height, width) if x.size else x.reshape(0, r, r, 0, 0)
    return _moved(squares, (0, 3, 1, 4, 2), (*lead, channels // r**2, height * r, width * r))


def _to_channels(x: Array, r: int) -> Array:
    """(..., C, H r, W r) to (..., C r^2, H, W)."""
    *lead, channels, height, width = x.shape
    squares = x.reshape(-1, height // r, r, width // r, r) if x.size else x.reshape(0, 0, r, 0, r)
    return _moved(squares, (0, 2, 4, 1, 3), (*lead, channels * r**2, height // r, width // r))


def _in_turn(x: Array, groups: int) -> Array:
    """(N, G K, ...) to (N, K G, ...)."""
    batch, channels = x.shape[:2]
    return _moved(x.reshape(batch, groups, channels // groups, -1) if x.size else x, (0, 2, 1, 3), x.shape)


def _moved(x: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """x with its axes in this order, as a new array of this shape."""
    if not x.size:
        return np.empty(shape, dtype=x.dtype)
    return x.transpose(axes).copy().reshape(shape)
