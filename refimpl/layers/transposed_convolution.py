"""Transposed convolutions in one, two and three dimensions: the gradient of a convolution's input as a forward."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._correlation import correlate, correlate_input, correlate_weight
from .._precision import answer, gradient, working
from .._validate import Array
from .._windows import Extents, Windows, batch, per_axis, reach
from .convolution import PerAxis, check_arrays, sum_per_channel

__all__ = [
    "conv_transpose1d_backward",
    "conv_transpose1d_forward",
    "conv_transpose2d_backward",
    "conv_transpose2d_forward",
    "conv_transpose3d_backward",
    "conv_transpose3d_forward",
]


class TransposedConvolutionCache(NamedTuple):
    input: Array  # (N, C, *spatial), or (C, *spatial)
    weight: Array  # (C, O / groups, *kernel)
    bias: Array | None  # (O,)
    windows: Windows  # the geometry of the convolution that goes back: its input is the output here
    groups: int


class ConvTranspose1dCache(TransposedConvolutionCache):
    __slots__ = ()


class ConvTranspose2dCache(TransposedConvolutionCache):
    __slots__ = ()


class ConvTranspose3dCache(TransposedConvolutionCache):
    __slots__ = ()


Cache = TypeVar("Cache", bound=TransposedConvolutionCache)


def conv_transpose1d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> tuple[Array, ConvTranspose1dCache]:
    """Kernels laid down along a sequence: each entry adds its multiple of the kernel around its place.

    y[n, o, i] = b[o] + sum over c, t, k of x[n, c, t] w[c, o, k] where i = t stride + k dilation - padding

    where c runs over the channels of o's group.

    Shapes: input (N, C, L) or (C, L), weight (C, O / groups, K), bias (O,) or None, output (N, O, L') or (O, L'),
        L' = (L - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, output_padding is below neither stride nor dilation, or L' is below 1.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv_transpose1d.
    Derived: derivations/transposed_convolution.md#conv_transpose1d.
    """
    op = "conv_transpose1d_forward"
    geometry = (stride, padding, output_padding, dilation)
    return _forward(op, ConvTranspose1dCache, 1, input, weight, bias, geometry, groups)


def conv_transpose1d_backward(grad_output: ArrayLike, cache: ConvTranspose1dCache) -> dict[str, Array]:
    """grad_x[n, c, t] = sum over o, k of w[c, o, k] g[n, o, t stride + k dilation - padding], g = 0 outside;
    grad_w[c, o, k] = sum over n, t of x[n, c, t] g[n, o, t stride + k dilation - padding];
    grad_b[o] = sum over n, i of g[n, o, i].
    """
    return _backward("conv_transpose1d_backward", ConvTranspose1dCache, 1, grad_output, cache)


def conv_transpose2d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> tuple[Array, ConvTranspose2dCache]:
    """Kernels laid down on an image: each pixel adds its multiple of the kernel around its place.

    y[n, o, i] = b[o] + sum over c, p, k of x[n, c, p] w[c, o, k] where i = p stride + k dilation - padding

    where i, p and k are pairs, row and column, and c runs over the channels of o's group.

    Shapes: input (N, C, H, W) or (C, H, W), weight (C, O / groups, K, K'), bias (O,) or None,
        output (N, O, H', W') or (O, H', W'), on each axis
        H' = (H - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, output_padding is below neither stride nor dilation, or H' is below 1.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv_transpose2d.
    Derived: derivations/transposed_convolution.md#conv_transpose2d.
    """
    op = "conv_transpose2d_forward"
    geometry = (stride, padding, output_padding, dilation)
    return _forward(op, ConvTranspose2dCache, 2, input, weight, bias, geometry, groups)


def conv_transpose2d_backward(grad_output: ArrayLike, cache: ConvTranspose2dCache) -> dict[str, Array]:
    """grad_x[n, c, p] = sum over o, k of w[c, o, k] g[n, o, p stride + k dilation - padding], g = 0 outside;
    grad_w[c, o, k] = sum over n, p of x[n, c, p] g[n, o, p stride + k dilation - padding];
    grad_b[o] = sum over n, i of g[n, o, i].
    """
    return _backward("conv_transpose2d_backward", ConvTranspose2dCache, 2, grad_output, cache)


def conv_transpose3d_forward(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: PerAxis = 1,
    padding: PerAxis = 0,
    output_padding: PerAxis = 0,
    groups: int = 1,
    dilation: PerAxis = 1,
) -> tuple[Array, ConvTranspose3dCache]:
    """Kernels laid down in a volume: each voxel adds its multiple of the kernel around its place.

    y[n, o, i] = b[o] + sum over c, p, k of x[n, c, p] w[c, o, k] where i = p stride + k dilation - padding

    where i, p and k are triples, and c runs over the channels of o's group.

    Shapes: input (N, C, D, H, W) or (C, D, H, W), weight (C, O / groups, K, K', K''), bias (O,) or None,
        output (N, O, D', H', W') or (O, D', H', W'), on each axis
        D' = (D - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1.
    Raises: TypeError where an array is not floating or an option not an integer; ValueError where shapes and groups do
        not match, an option is out of range, output_padding is below neither stride nor dilation, or D' is below 1.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.conv_transpose3d.
    Derived: derivations/transposed_convolution.md#conv_transpose3d.
    """
    op = "conv_transpose3d_forward"
    geometry = (stride, padding, output_padding, dilation)
    return _forward(op, ConvTranspose3dCache, 3, input, weight, bias, geometry, groups)


def conv_transpose3d_backward(grad_output: ArrayLike, cache: ConvTranspose3dCache) -> dict[str, Array]:
    """grad_x[n, c, p] = sum over o, k of w[c, o, k] g[n, o, p stride + k dilation - padding], g = 0 outside;
    grad_w[c, o, k] = sum over n, p of x[n, c, p] g[n, o, p stride + k dilation - padding];
    grad_b[o] = sum over n, i of g[n, o, i].
    """
    return _backward("conv_transpose3d_backward", ConvTranspose3dCache, 3, grad_output, cache)


def _forward(
    op: str,
    kind: type[Cache],
    axes: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    geometry: tuple[PerAxis, PerAxis, PerAxis, PerAxis],
    groups: int,
) -> tuple[Array, Cache]:
    """The transposed convolution over the last `axes` axes; geometry is stride, padding, output_padding, dilation."""
    input, weight, bias, groups = check_arrays(op, axes, input, weight, bias, groups, ("C", "O"))
    channels = weight.shape[0]
    if channels % groups:
        raise ValueError(f"{op}: weight must have C divisible by groups = {groups}, got {weight.shape}")
    if input.shape[-axes - 1] != channels:
        raise ValueError(f"{op}: input must have as many channels as weight.shape[0] = {channels}, got {input.shape}")
    if bias is not None:
        _validate.has_shape(op, "bias", bias, "(O,)", (weight.shape[1] * groups,))
    windows = _windows(op, input.shape[-axes:], weight.shape[2:], *geometry)

    x, w, b = working(input, weight, bias)
    with np.errstate(all="ignore"):
        # The weight (C, O / groups) is that of the convolution from O channels to C, whose input gradient this is.
        y = correlate_input(batch(x, axes), w, windows, groups)
        if b is not None:
            y += b.reshape(-1, *(1,) * axes)
    y = y if input.ndim == axes + 2 else y[0]
    return answer(y, input, weight, bias), kind(input, weight, bias, windows, groups)


def _backward(op: str, kind: type[Cache], axes: int, grad_output: ArrayLike, cache: Cache) -> dict[str, Array]:
    cache = _validate.is_cache(op, cache, kind)
    windows, groups = cache.windows, cache.groups
    x, w, _ = working(cache.input, cache.weight, cache.bias)
    shape = (*x.shape[: -axes - 1], w.shape[1] * groups, *windows.input)
    g = batch(_validate.output_gradient(op, grad_output, shape, x.dtype), axes)

    grads = {}
    with np.errstate(all="ignore"):
        if cache.bias is not None:  # y += b
            grads["bias"] = gradient(sum_per_channel(g), cache.bias)
        # y = correlate_input(x, w)
        grads["weight"] = gradient(correlate_weight(g, batch(x, axes), w, windows, groups), cache.weight)
        grads["input"] = gradient(correlate(g, w, windows, groups).reshape(x.shape), cache.input)
    return grads


def _windows(
    op: str,
    extents: Extents,
    kernel: Extents,
    stride: PerAxis,
    padding: PerAxis,
    output_padding: PerAxis,
    dilation: PerAxis,
) -> Windows:
    """The windows in the output, one for each entry of the input."""
    axes = len(extents)
    strides = per_axis(op, "stride", stride, axes, at_least=1)
    dilations = per_axis(op, "dilation", dilation, axes, at_least=1)
    paddings = per_axis(op, "padding", padding, axes, at_least=0)
    added = per_axis(op, "output_padding", output_padding, axes, at_least=0)
    if any(a >= s and a >= d for a, s, d in zip(added, strides, dilations, strict=True)):
        raise ValueError(
            f"{op}: output_padding must be below stride = {stride} or dilation = {dilation}, got {output_padding}"
        )
    covered = reach(kernel, dilations)
    output = tuple(
        (n - 1) * s + c - 2 * p + a for n, s, c, p, a in zip(extents, strides, covered, paddings, added, strict=True)
    )
    if min(output) < 1:
        raise ValueError(f"{op}: the output must have extents of at least 1, got {output} for an input of {extents}")
    return Windows(output, kernel, strides, dilations, paddings, extents)
