"""The windows of an image as columns, and columns added up to an image: each is the transpose of the other."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import SINGLE, answer, working
from .._validate import Array
from .._windows import Extents, Windows, batch, gather, images, per_axis, place, scatter, taps
from .convolution import PerAxis

__all__ = ["fold_backward", "fold_forward", "unfold_backward", "unfold_forward"]


class FoldingCache(NamedTuple):
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    windows: Windows  # the geometry of the two spatial axes of the image


class UnfoldCache(FoldingCache):
    __slots__ = ()


class FoldCache(FoldingCache):
    __slots__ = ()


def unfold_forward(
    input: ArrayLike, kernel_size: PerAxis, dilation: PerAxis = 1, padding: PerAxis = 0, stride: PerAxis = 1
) -> tuple[Array, UnfoldCache]:
    """What a sliding window meets, as one column per position.

    y[n, (c, k), p] = x[n, c, p stride + k dilation - padding], x = 0 outside

    where (c, k) counts channels and, within each, the positions of the kernel in rows, and p the windows in rows.

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C K K', L) or (C K K', L), L the number of windows:
        on each axis floor((H + 2 padding - dilation (K - 1) - 1) / stride) + 1.
    Raises: TypeError where input is not floating or an option not an integer; ValueError where input has other
        dimensions, an option is out of range or the kernel does not fit.
    Extremes: entries are copied.
    Source: torch.nn.functional.unfold.
    Derived: derivations/folding.md#unfold.
    """
    op = "unfold_forward"
    input = _validate.floating(op, "input", input)
    images(op, input, 2)
    windows = _windows(op, input.shape[-2:], kernel_size, dilation, padding, stride)
    rows, length = input.shape[-3] * math.prod(windows.kernel), math.prod(windows.output)
    y = _columns(batch(input, 2), windows).reshape(*input.shape[:-3], rows, length)
    return y, UnfoldCache(input.shape, input.dtype, windows)


def unfold_backward(grad_output: ArrayLike, cache: UnfoldCache) -> dict[str, Array]:
    """grad_x[n, c, i] = sum of g[n, (c, k), p] over the k, p with i = p stride + k dilation - padding: g folded."""
    op = "unfold_backward"
    cache = _validate.is_cache(op, cache, UnfoldCache)
    *samples, channels, _, _ = cache.shape
    windows = cache.windows
    shape = (*samples, channels * math.prod(windows.kernel), math.prod(windows.output))
    g = _validate.output_gradient(op, grad_output, shape, np.promote_types(cache.dtype, SINGLE))
    grad = _add_up(g, channels, windows)
    return {"input": grad.reshape(cache.shape).astype(cache.dtype, copy=False)}


def fold_forward(
    input: ArrayLike,
    output_size: PerAxis,
    kernel_size: PerAxis,
    dilation: PerAxis = 1,
    padding: PerAxis = 0,
    stride: PerAxis = 1,
) -> tuple[Array, FoldCache]:
    """Columns added up to an image, each where the window of its position lies.

    y[n, c, i] = sum of x[n, (c, k), p] over the k, p with i = p stride + k dilation - padding

    where (c, k) counts channels and, within each, the positions of the kernel in rows, and p the windows in rows.

    Shapes: input (N, C K K', L) or (C K K', L), output (N, C, *output_size) or (C, *output_size), L the number of
        windows in it: on each axis floor((H + 2 padding - dilation (K - 1) - 1) / stride) + 1 for the output's H.
    Raises: TypeError where input is not floating or an option not an integer; ValueError where input's shape does not
        belong to the windows, an option is out of range or the kernel does not fit.
    Extremes: sums in the working precision.
    Source: torch.nn.functional.fold.
    Derived: derivations/folding.md#fold.
    """
    op = "fold_forward"
    input = _validate.floating(op, "input", input)
    if input.ndim not in (2, 3):
        raise ValueError(f"{op}: input must have shape (N, C K K', L) or (C K K', L), got {input.shape}")
    extents = per_axis(op, "output_size", output_size, 2, at_least=1)
    windows = _windows(op, extents, kernel_size, dilation, padding, stride)
    positions, length = math.prod(windows.kernel), math.prod(windows.output)
    if input.shape[-2] % positions:
        raise ValueError(
            f"{op}: input must have rows in a multiple of the kernel's {positions} positions, got {input.shape}"
        )
    if input.shape[-1] != length:
        raise ValueError(f"{op}: input must have a column for each of the {length} windows, got {input.shape}")
    channels = input.shape[-2] // positions
    (x,) = working(input)
    y = _add_up(x, channels, windows).reshape(*input.shape[:-2], channels, *extents)
    return answer(y, input), FoldCache(input.shape, input.dtype, windows)


def fold_backward(grad_output: ArrayLike, cache: FoldCache) -> dict[str, Array]:
    """grad_x[n, (c, k), p] = g[n, c, p stride + k dilation - padding], g = 0 outside: g unfolded."""
    op = "fold_backward"
    cache = _validate.is_cache(op, cache, FoldCache)
    *samples, rows, _ = cache.shape
    channels = rows // math.prod(cache.windows.kernel)
    g = _validate.output_gradient(op, grad_output, (*samples, channels, *cache.windows.input), cache.dtype)
    return {"input": _columns(batch(g, 2), cache.windows).reshape(cache.shape)}


def _windows(
    op: str, extents: Extents, kernel_size: PerAxis, dilation: PerAxis, padding: PerAxis, stride: PerAxis
) -> Windows:
    kernel = per_axis(op, "kernel_size", kernel_size, 2, at_least=1)
    dilations = per_axis(op, "dilation", dilation, 2, at_least=1)
    paddings = per_axis(op, "padding", padding, 2, at_least=0)
    strides = per_axis(op, "stride", stride, 2, at_least=1)
    return place(op, extents, kernel, strides, dilations, paddings, paddings)


def _columns(image: Array, windows: Windows) -> Array:
    """(N, C, H, W) as (N, C, *kernel, *output), 0 where the padding is met."""
    columns = np.zeros((*image.shape[:2], *windows.kernel, *windows.output), dtype=image.dtype)
    gather(image, taps(windows), columns)
    return columns


def _add_up(columns: Array, channels: int, windows: Windows) -> Array:
    """(..., C K K', L) as (N, C, H, W): the transpose of _columns."""
    samples = math.prod(columns.shape[:-2])
    image = np.zeros((samples, channels, *windows.input), dtype=columns.dtype)
    with np.errstate(all="ignore"):
        scatter(columns.reshape(samples, channels, *windows.kernel, *windows.output), taps(windows), image)
    return image
