"""Fractional max pooling: windows of one size at steps that vary at random, so that any output size can be had."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._validate import Array, IntArray
from .._windows import Extents, per_axis
from ._pooling import output_gradient, planes, region_maximum, rows, scatter_add, working

__all__ = [
    "fractional_max_pool2d_backward",
    "fractional_max_pool2d_forward",
    "fractional_max_pool3d_backward",
    "fractional_max_pool3d_forward",
]

Size = int | Sequence[int]
Output = Array | tuple[Array, IntArray]


class _FractionalMaxPoolCache(NamedTuple):
    indices: IntArray  # as output, flat in a plane of input
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    return_indices: bool


class FractionalMaxPool2dCache(_FractionalMaxPoolCache):
    pass


class FractionalMaxPool3dCache(_FractionalMaxPoolCache):
    pass


def _sizes(op: str, x: Array, axes: int, kernel: Extents, output_size: Any, output_ratio: Any) -> Extents:
    """The output's extents: given, or a ratio of the input's."""
    if (output_size is None) == (output_ratio is None):
        given = "neither" if output_size is None else "both"
        raise ValueError(f"{op}: one of output_size and output_ratio must be given, got {given}")
    extents = x.shape[-axes:]
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * axes
        if len(ratios) != axes:
            raise ValueError(f"{op}: output_ratio must hold {axes} numbers, got {tuple(ratios)}")
        numbers = [_validate.number(op, "output_ratio", ratio, above=0, below=1) for ratio in ratios]
        output_size = tuple(int(n * ratio) for n, ratio in zip(extents, numbers, strict=True))
    sizes = per_axis(op, "output_size", output_size, axes, 1)
    if any(m + k - 1 > n for m, k, n in zip(sizes, kernel, extents, strict=True)):
        facts = f"got {kernel} and {sizes} for {extents}"
        raise ValueError(f"{op}: kernel_size + output_size - 1 must be at most the input's extents, {facts}")
    return sizes


def _samples(op: str, x: Array, axes: int, samples: ArrayLike | None, rng: Any) -> Array:
    """One number from 0 to 1 per plane and axis, as (rows, axes)."""
    batch = x.shape[0] if x.ndim == axes + 2 else 1
    shape = (batch, x.shape[-axes - 1], axes)
    if samples is None:
        return _validate.generator(op, rng).random(shape).reshape(math.prod(shape[:2]), axes)
    if rng is not None:
        raise ValueError(f"{op}: one of _random_samples and rng must be given, got both")
    given = _validate.floating(op, "_random_samples", samples)
    _validate.has_shape(op, "_random_samples", given, "(batch, channels, axes)", shape)
    if not np.all((given >= 0) & (given <= 1)):
        raise ValueError(f"{op}: _random_samples must be from 0 to 1, got {given.min():g} to {given.max():g}")
    return given.reshape(math.prod(shape[:2]), axes).astype(np.float64)


def _starts(n: int, k: int, m: int, u: Array) -> IntArray:
    """Where the m windows of k entries begin on an axis of n, one row for each sample in u: the last ends at n."""
    start = np.full((len(u), m), n - k)
    if m > 1:
        step = (n - k) / (m - 1)
        start[:, :-1] = np.floor((u[:, None] + np.arange(m - 1)) * step) - np.floor(u[:, None] * step)
    return start


def _forward(
    op: str,
    axes: int,
    input: ArrayLike,
    kernel_size: Size,
    output_size: Any,
    output_ratio: Any,
    return_indices: bool,
    random_samples: ArrayLike | None,
    rng: Any,
) -> tuple[Any, tuple[Any, ...]]:
    """The output, and what the cache holds."""
    x = planes(op, "input", input, axes)
    kernel = per_axis(op, "kernel_size", kernel_size, axes, 1)
    sizes = _sizes(op, x, axes, kernel, output_size, output_ratio)
    return_indices = _validate.boolean(op, "return_indices", return_indices)
    samples = _samples(op, x, axes, random_samples, rng)
    if axes == 2:
        samples = samples[:, ::-1]  # PyTorch's order is (W, H) here and (D, H, W) in three dimensions
    regions = []
    for axis, (n, k, m) in enumerate(zip(x.shape[-axes:], kernel, sizes, strict=True)):
        start = _starts(n, k, m, samples[:, axis])
        regions.append((start, start + k))
    y, index = region_maximum(rows(x, axes), regions)
    output, indices = (array.reshape(x.shape[:-axes] + sizes) for array in (y, index))
    return (output, indices) if return_indices else output, (indices, x.shape, x.dtype, return_indices)


def _backward(op: str, axes: int, grad_output: Any, cache: _FractionalMaxPoolCache) -> dict[str, Array]:
    indices, shape, dtype, with_indices = cache
    g = output_gradient(op, grad_output, indices.shape, working(dtype), with_indices)
    grad_x = scatter_add(rows(g, axes), rows(indices, axes), math.prod(shape[-axes:]))
    return {"input": grad_x.reshape(shape).astype(dtype, copy=False)}


def fractional_max_pool2d_forward(
    input: ArrayLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    rng: int | np.random.Generator | None = None,
) -> tuple[Output, FractionalMaxPool2dCache]:
    """The largest entry of each of output_size windows at random steps, over two spatial axes.

    y_o = max over k of x_i, with i = floor((o + u) a) - floor(u a) + k and a = (n - K) / (m - 1) on each axis;
    the last window ends with the input

    Shapes: input (N, C, H, W) or (C, H, W), output (N, C, H', W') or (C, H', W');
        its extents are output_size, or the floor of output_ratio times the input's; _random_samples, u in the order
        (W, H), has shape (N, C, 2) or (1, C, 2);
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where not exactly one of
        output_size and output_ratio, or of _random_samples and rng, is given, a size is below 1, or the windows do not
        fit: kernel_size + output_size - 1 is at most the extent.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.fractional_max_pool2d; rng stands for PyTorch's own generator.
    Derived: derivations/fractional_pooling.md#fractional_max_pool2d.
    """
    op = "fractional_max_pool2d_forward"
    output, kept = _forward(op, 2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples, rng)
    return output, FractionalMaxPool2dCache(*kept)


def fractional_max_pool2d_backward(grad_output: Any, cache: FractionalMaxPool2dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "fractional_max_pool2d_backward"
    return _backward(op, 2, grad_output, _validate.is_cache(op, cache, FractionalMaxPool2dCache))


def fractional_max_pool3d_forward(
    input: ArrayLike,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: float | Sequence[float] | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    rng: int | np.random.Generator | None = None,
) -> tuple[Output, FractionalMaxPool3dCache]:
    """The largest entry of each of output_size windows at random steps, over three spatial axes.

    y_o = max over k of x_i, with i = floor((o + u) a) - floor(u a) + k and a = (n - K) / (m - 1) on each axis;
    the last window ends with the input

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output (N, C, D', H', W') or (C, D', H', W');
        its extents are output_size, or the floor of output_ratio times the input's; _random_samples, u in the order
        (D, H, W), has shape (N, C, 3) or (1, C, 3);
        with return_indices output is (output, indices), and grad_output then (gradient, None).
    Raises: TypeError where input is not floating or an option is of another kind; ValueError where not exactly one of
        output_size and output_ratio, or of _random_samples and rng, is given, a size is below 1, or the windows do not
        fit: kernel_size + output_size - 1 is at most the extent.
    Extremes: exact; of equal entries the first wins, NaN wins over all, and of several NaN the last.
    Source: torch.nn.functional.fractional_max_pool3d; rng stands for PyTorch's own generator.
    Derived: derivations/fractional_pooling.md#fractional_max_pool3d.
    """
    op = "fractional_max_pool3d_forward"
    output, kept = _forward(op, 3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples, rng)
    return output, FractionalMaxPool3dCache(*kept)


def fractional_max_pool3d_backward(grad_output: Any, cache: FractionalMaxPool3dCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the windows o that entry i won."""
    op = "fractional_max_pool3d_backward"
    return _backward(op, 3, grad_output, _validate.is_cache(op, cache, FractionalMaxPool3dCache))
