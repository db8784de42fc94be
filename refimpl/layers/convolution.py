"""Convolutions in one, two and three dimensions: one implementation in any number of them, and a thin pair for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._correlation import correlate, correlate_input, correlate_weight
from .._precision import answer, gradient, working
from .._validate import Array
from .._windows import Extents, Windows, batch, images, per_axis, place, reach, taps

__all__ = [
    "conv1d_backward",
    "conv1d_forward",
    "conv2d_backward",
    "conv2d_forward",
    "conv3d_backward",
    "conv3d_forward",
    "conv_tbc_backward",
    "conv_tbc_forward",
]


class ConvolutionCache(NamedTuple):
    input: Array  # (N, C, *spatial), or (C, *spatial)
    weight: Array  # (O, C / groups, *kernel)
    bias: Array | None  # (O,)
    windows: Windows  # the geometry of the spatial axes: a few integers
    groups: int


class Conv1dCache(ConvolutionCache):
    __slots__ = ()


class Conv2dCache(ConvolutionCache):
    __slots__ = ()


class Conv3dCache(ConvolutionCache):
    __slots__ = ()


Cache = TypeVar("Cache", bound=ConvolutionCache)
PerAxis = int | Sequence[int]


def conv1d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> tuple[Array, Conv1dCache]:
    """Kernels moved along a sequence: at each position the sum of what is met times the weights.

    y[n, o, t] = b[o] + sum over c, k of w[o, c, k] x[n, c, t stride + k dilation - padding]

    where c runs over the channels of o's group, and x is 0 outside.

    Shapes: input (N, C, L) or (C, L), weight (O, C / groups, K), bias (O,) or None, output (N, O, L') or (O, L'),
        L' = floor((L + 2 padding - dilation (K - 1) - 1) / stride) + 1; with padding "same" L' = L, "valid" is 0.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, the kernel does not fit, or padding is "same" with a stride.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv1d.
    Derived: derivations/convolution.md#conv1d.
    """
    return _forward("conv1d_forward", Conv1dCache, 1, input, weight, bias, stride, padding, dilation, groups)


def conv1d_backward(grad_output: ArrayLike, cache: Conv1dCache) -> dict[str, Array]:
    """grad_x[n, c, i] = sum over o, k of g[n, o, t] w[o, c, k] where i = t stride + k dilation - padding;
    grad_w[o, c, k] = sum over n, t of g[n, o, t] x[n, c, t stride + k dilation - padding];
    grad_b[o] = sum over n, t of g[n, o, t].
    """
    return _backward("conv1d_backward", Conv1dCache, 1, grad_output, cache)


def conv2d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> tuple[Array, Conv2dCache]:
    """Kernels moved over an image: at each position the sum of what is met times the weights.

    y[n, o, p] = b[o] + sum over c, k of w[o, c, k] x[n, c, p stride + k dilation - padding]

    where p and k are pairs, row and column, c runs over the channels of o's group, and x is 0 outside.

    Shapes: input (N, C, H, W) or (C, H, W), weight (O, C / groups, K, K'), bias (O,) or None,
        output (N, O, H', W') or (O, H', W'), on each axis
        H' = floor((H + 2 padding - dilation (K - 1) - 1) / stride) + 1; with padding "same" H' = H, "valid" is 0.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, the kernel does not fit, or padding is "same" with a stride.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv2d.
    Derived: derivations/convolution.md#conv2d.
    """
    return _forward("conv2d_forward", Conv2dCache, 2, input, weight, bias, stride, padding, dilation, groups)


def conv2d_backward(grad_output: ArrayLike, cache: Conv2dCache) -> dict[str, Array]:
    """grad_x[n, c, i] = sum over o, k of g[n, o, p] w[o, c, k] where i = p stride + k dilation - padding;
    grad_w[o, c, k] = sum over n, p of g[n, o, p] x[n, c, p stride + k dilation - padding];
    grad_b[o] = sum over n, p of g[n, o, p].
    """
    return _backward("conv2d_backward", Conv2dCache, 2, grad_output, cache)


def conv3d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis | str = 0,
    dilation: PerAxis = 1,
    groups: int = 1,
) -> tuple[Array, Conv3dCache]:
    """Kernels moved through a volume: at each position the sum of what is met times the weights.

    y[n, o, p] = b[o] + sum over c, k of w[o, c, k] x[n, c, p stride + k dilation - padding]

    where p and k are triples, c runs over the channels of o's group, and x is 0 outside.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (O, C / groups, K, K', K''), bias (O,) or None,
        output (N, O, D', H', W') or (O, D', H', W'), on each axis
        D' = floor((D + 2 padding - dilation (K - 1) - 1) / stride) + 1; with padding "same" D' = D, "valid" is 0.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, the kernel does not fit, or padding is "same" with a stride.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv3d.
    Derived: derivations/convolution.md#conv3d.
    """
    return _forward("conv3d_forward", Conv3dCache, 3, input, weight, bias, stride, padding, dilation, groups)


def conv3d_backward(grad_output: ArrayLike, cache: Conv3dCache) -> dict[str, Array]:
    """grad_x[n, c, i] = sum over o, k of g[n, o, p] w[o, c, k] where i = p stride + k dilation - padding;
    grad_w[o, c, k] = sum over n, p of g[n, o, p] x[n, c, p stride + k dilation - padding];
    grad_b[o] = sum over n, p of g[n, o, p].
    """
    return _backward("conv3d_backward", Conv3dCache, 3, grad_output, cache)


def _forward(
    op: str,
    kind: type[Cache],
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: PerAxis,
    padding: PerAxis | str,
    dilation: PerAxis,
    groups: int,
) -> tuple[Array, Cache]:
    """The convolution over the last `axes` axes."""
    input, weight, bias, groups = check_arrays(op, axes, input, weight, bias, groups, ("O", "C"))
    outputs, channels = weight.shape[0], weight.shape[1] * groups
    if outputs % groups:
        raise ValueError(f"{op}: weight must have O divisible by groups = {groups}, got {weight.shape}")
    if input.shape[-axes - 1] != channels:
        raise ValueError(
            f"{op}: input must have as many channels as weight.shape[1] * groups = {channels}, got {input.shape}"
        )
    if bias is not None:
        _validate.has_shape(op, "bias", bias, "(O,)", (outputs,))
    windows = _windows(op, input.shape[-axes:], weight.shape[2:], stride, padding, dilation)

    x, w, b = working(input, weight, bias)
    with np.errstate(all="ignore"):
        y = correlate(batch(x, axes), w, windows, groups)
        if b is not None:
            y += b.reshape(-1, *(1,) * axes)
    y = y if input.ndim == axes + 2 else y[0]
    return answer(y, input, weight, bias), kind(input, weight, bias, windows, groups)


def _backward(op: str, kind: type[Cache], axes: int, grad_output: ArrayLike, cache: Cache) -> dict[str, Array]:
    cache = _validate.is_cache(op, cache, kind)
    windows, groups = cache.windows, cache.groups
    x, w, _ = working(cache.input, cache.weight, cache.bias)
    g = _validate.output_gradient(op, grad_output, (*x.shape[: -axes - 1], len(w), *windows.output), x.dtype)
    g = batch(g, axes)

    grads = {}
    with np.errstate(all="ignore"):
        if cache.bias is not None:  # y += b
            grads["bias"] = gradient(sum_per_channel(g), cache.bias)
        # y = correlate(x, w)
        grads["weight"] = gradient(correlate_weight(batch(x, axes), g, w, windows, groups), cache.weight)
        grads["input"] = gradient(correlate_input(g, w, windows, groups).reshape(x.shape), cache.input)
    return grads


def check_arrays(
    op: str,
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    groups: int,
    order: tuple[str, str],
) -> tuple[Array, Array, Array | None, int]:
    """The arrays and the number of groups, of the right kinds; the weight's first two axes stand in this order."""
    input = _validate.floating(op, "input", input)
    weight = _validate.floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    images(op, input, axes)
    if weight.ndim != axes + 2 or 0 in weight.shape[2:]:
        kernel = ", ".join("K" + "'" * i for i in range(axes))
        raise ValueError(
            f"{op}: weight must have shape ({order[0]}, {order[1]} / groups, {kernel}) with a kernel of at least 1, "
            f"got {weight.shape}"
        )
    groups = _validate.integer(op, "groups", groups)
    if groups < 1:
        raise ValueError(f"{op}: groups must be at least 1, got {groups}")
    return input, weight, bias, groups


def _windows(
    op: str, extents: Extents, kernel: Extents, stride: PerAxis, padding: PerAxis | str, dilation: PerAxis
) -> Windows:
    axes = len(extents)
    strides = per_axis(op, "stride", stride, axes, at_least=1)
    dilations = per_axis(op, "dilation", dilation, axes, at_least=1)
    if not isinstance(padding, str):
        before = after = per_axis(op, "padding", padding, axes, at_least=0)
        return place(op, extents, kernel, strides, dilations, before, after)
    _validate.one_of(op, "padding", padding, ("same", "valid"))
    if padding == "valid":
        return place(op, extents, kernel, strides, dilations, (0,) * axes, (0,) * axes)
    if strides != (1,) * axes:
        raise ValueError(f"{op}: padding must be numbers where stride is not 1, got 'same' with stride {stride}")
    # Of an odd sum the larger part stands behind.
    sums = tuple(n - 1 for n in reach(kernel, dilations))
    before = tuple(n // 2 for n in sums)
    return place(op, extents, kernel, strides, dilations, before, tuple(n - n // 2 for n in sums))


def sum_per_channel(g: Array) -> Array:
    """The sum over samples and positions: along rows first, where NumPy adds in pairs."""
    return g.reshape(len(g), g.shape[1], math.prod(g.shape[2:])).sum(axis=-1).sum(axis=0)


class ConvTbcCache(NamedTuple):
    input: Array  # (T, B, C)
    weight: Array  # (K, C, O)
    bias: Array  # (O,)
    windows: Windows  # the geometry of the axis of time


def conv_tbc_forward(input: ArrayLike, weight: ArrayLike, bias: ArrayLike, pad: int = 0) -> tuple[Array, ConvTbcCache]:
    """The convolution of sequences that are stored with time first and channels last.

    y[t, n, o] = b[o] + sum over k, c of x[t + k - pad, n, c] w[k, c, o],    x = 0 outside

    Shapes: input (T, N, C), weight (K, C, O), bias (O,), output (T + 2 pad - K + 1, N, O).
    Raises: TypeError where an array is not floating or pad not an integer; ValueError where shapes do not match, pad
        is negative or the kernel does not fit.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv_tbc.
    Derived: derivations/convolution.md#conv_tbc.
    """
    op = "conv_tbc_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.floating(op, "weight", weight)
    bias = _validate.floating(op, "bias", bias)
    if input.ndim != 3:
        raise ValueError(f"{op}: input must have shape (T, N, C), got {input.shape}")
    if weight.ndim != 3 or not len(weight):
        raise ValueError(f"{op}: weight must have shape (K, C, O) with a kernel of at least 1, got {weight.shape}")
    if weight.shape[1] != input.shape[2]:
        raise ValueError(f"{op}: weight must have input's channels C = {input.shape[2]}, got {weight.shape}")
    _validate.has_shape(op, "bias", bias, "(O,)", weight.shape[2:])
    padding = per_axis(op, "pad", _validate.integer(op, "pad", pad), 1, at_least=0)
    windows = place(op, input.shape[:1], weight.shape[:1], (1,), (1,), padding, padding)

    x, w, b = working(input, weight, bias)
    with np.errstate(all="ignore"):
        y = np.empty((*windows.output, x.shape[1], w.shape[2]), dtype=x.dtype)
        y[...] = b
        for tap in taps(windows):  # an index without its dots: time is the first axis here
            y[tap.output[1:]] += x[tap.input[1:]] @ w[tap.kernel[1:]]
    return answer(y, input, weight, bias), ConvTbcCache(input, weight, bias, windows)


def conv_tbc_backward(grad_output: ArrayLike, cache: ConvTbcCache) -> dict[str, Array]:
    """grad_x[i, n, c] = sum over k, o of g[i - k + pad, n, o] w[k, c, o];
    grad_w[k, c, o] = sum over t, n of x[t + k - pad, n, c] g[t, n, o]; grad_b[o] = sum over t, n of g[t, n, o].
    """
    op = "conv_tbc_backward"
    cache = _validate.is_cache(op, cache, ConvTbcCache)
    x, w, _ = working(cache.input, cache.weight, cache.bias)
    shape = (*cache.windows.output, x.shape[1], w.shape[2])
    g = _validate.output_gradient(op, grad_output, shape, x.dtype)

    grad_x, grad_w = np.zeros_like(x), np.zeros_like(w)
    channels, outputs = w.shape[1:]
    with np.errstate(all="ignore"):
        for tap in taps(cache.windows):  # y += x @ w_k
            k, i, t = tap.kernel[1:], tap.input[1:], tap.output[1:]
            grad_x[i] += g[t] @ w[k].T
            rows = len(g[t]) * g.shape[1]
            grad_w[k] = x[i].reshape(rows, channels).T @ g[t].reshape(rows, outputs)
        grad_b = g.sum(axis=(0, 1))
    return {
        "input": gradient(grad_x, cache.input),
        "weight": gradient(grad_w, cache.weight),
        "bias": gradient(grad_b, cache.bias),
    }
