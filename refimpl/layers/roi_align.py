"""Regions of a picture, each averaged over bins of its own size."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working, working_dtype
from .._sampling import channel_rows, sampling_matrix
from .._validate import Array, IntArray

__all__ = ["roi_align_backward", "roi_align_forward"]

ENTRIES = 2**20  # of the sparse matrix that is built at a time


class RoiAlignCache(NamedTuple):
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    boxes: Array  # (K, 5) in float64: which sample, x1, y1, x2, y2
    output_size: tuple[int, int]
    spatial_scale: float
    sampling_ratio: int
    aligned: bool


def roi_align_forward(
    input: ArrayLike,
    boxes: ArrayLike | Sequence[ArrayLike],
    output_size: int | Sequence[int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> tuple[Array, RoiAlignCache]:
    """Each box cut into bins, each bin the mean of the input at points spread evenly over it.

    y = 1 / (G_h G_w) sum over the bin's points of sum_ij h(i - q) h(j - p) x_ij, with h(d) = max(1 - |d|, 0) and the
    points p, q at s x1 - o + (b + (a + 1/2) / G) w / B along an axis with B bins of a box s w wide, a from 0 to G - 1.
    s is spatial_scale, o is 1/2 if aligned, else 0; G is sampling_ratio, or where that is not above 0 the width of a
    bin rounded up. A point is held between the outermost pixels; more than a pixel beyond them it counts as 0.

    Shapes: input (N, C, H, W), boxes (K, 5) with the sample in column 0, or one (K_n, 4) per sample, as x1, y1, x2,
        y2; output (K, C, B_h, B_w) with output_size a number or (B_h, B_w).
    Raises: TypeError where input is not floating, boxes are no numbers, or an option is of another kind; ValueError
        where shapes do not match, a box is not finite or of no sample, output_size is below 1 or spatial_scale not
        above 0.
    Extremes: points are found in float64; a NaN or infinite pixel reaches only the bins that it has a weight in.
    Source: torchvision.ops.roi_align; He et al. 2017. Without aligned a box is at least one pixel wide and high.
    Derived: derivations/roi_align.md#roi_align.
    """
    op = "roi_align_forward"
    input = _validate.floating(op, "input", input)
    _validate.dimensions(op, "input", input, "(N, C, H, W)", 4)
    if 0 in input.shape[2:]:
        raise ValueError(f"{op}: input must have spatial extents of at least 1, got shape {input.shape}")
    table = _boxes(op, boxes, len(input))
    bins = _output_size(op, output_size)
    scale = _validate.number(op, "spatial_scale", spatial_scale, above=0, below=math.inf)
    ratio = _validate.integer(op, "sampling_ratio", sampling_ratio)
    aligned = _validate.boolean(op, "aligned", aligned)
    cache = RoiAlignCache(input.shape, input.dtype, table, bins, scale, ratio, aligned)

    (x,) = working(input)
    y = np.empty((len(table), input.shape[1], *bins), dtype=x.dtype)
    with np.errstate(all="ignore"):
        for n in range(len(x)):
            x_rows = channel_rows(x[n], x.dtype)
            for k, matrix in _matrices(cache, n):
                y[k] = np.moveaxis((matrix @ x_rows).reshape(len(k), *bins, input.shape[1]), 3, 1)
    return answer(y, input), cache


def roi_align_backward(grad_output: ArrayLike, cache: RoiAlignCache) -> dict[str, Array]:
    """grad_x_ij = sum over boxes, bins and their points of g h(i - q) h(j - p) / (G_h G_w)."""
    op = "roi_align_backward"
    cache = _validate.is_cache(op, cache, RoiAlignCache)
    samples, channels, *extents = cache.shape
    shape = (len(cache.boxes), channels, *cache.output_size)
    g = _validate.output_gradient(op, grad_output, shape, working_dtype(np.empty(0, cache.dtype)))
    grad_x = np.zeros((samples, channels, math.prod(extents)), dtype=g.dtype)
    with np.errstate(all="ignore"):
        for n in range(samples):
            for k, matrix in _matrices(cache, n):
                g_rows = np.moveaxis(g[k], 1, 3).reshape(matrix.shape[0], channels)
                grad_x[n] += (matrix.T @ g_rows).T
    return {"input": gradient(grad_x.reshape(cache.shape), np.empty(0, cache.dtype))}


def _boxes(op: str, boxes: Any, samples: int) -> Array:
    """The boxes as one table (K, 5) in float64."""
    if isinstance(boxes, (list, tuple)) and not _is_table(boxes):
        if len(boxes) != samples:
            raise ValueError(f"{op}: boxes must have one array per sample = {samples}, got {len(boxes)}")
        parts = [_validate.real(op, f"boxes[{n}]", part) for n, part in enumerate(boxes)]
        for n, part in enumerate(parts):
            if part.ndim != 2 or part.shape[1] != 4:
                raise ValueError(f"{op}: boxes[{n}] must have shape (K, 4), got {part.shape}")
        table = np.concatenate(
            [np.zeros((0, 5)), *(np.insert(part.astype(np.float64), 0, n, axis=1) for n, part in enumerate(parts))]
        )
    else:
        table = _validate.real(op, "boxes", boxes)
        if table.ndim != 2 or table.shape[1] != 5:
            raise ValueError(f"{op}: boxes must have shape (K, 5), or be one (K, 4) per sample, got {table.shape}")
        table = table.astype(np.float64)
        known = np.isin(table[:, 0], np.arange(samples))
        _validate.holds(op, "boxes[:, 0]", table[:, 0], known, f"samples from 0 to {samples - 1}")
    _validate.holds(op, "boxes", table, np.isfinite(table), "finite numbers")
    return table


def _is_table(boxes: Sequence[Any]) -> bool:
    """Whether a sequence is one table written as nested lists: its entries are rows, not arrays of rows."""
    return bool(boxes) and all(np.ndim(row) == 1 and len(row) == 5 for row in boxes)


def _output_size(op: str, output_size: Any) -> tuple[int, int]:
    if np.ndim(output_size) == 0:
        output_size = (output_size, output_size)
    if np.shape(output_size) != (2,):
        raise ValueError(f"{op}: output_size must be a number or (height, width), got {output_size}")
    height, width = (_validate.integer(op, "output_size", bins) for bins in output_size)
    if min(height, width) < 1:
        raise ValueError(f"{op}: output_size must be at least 1, got {(height, width)}")
    return height, width


def _matrices(cache: RoiAlignCache, n: int) -> Iterator[tuple[IntArray, Any]]:
    """The boxes of sample n, those with equally many points per bin together: which, and the weights of the pixels in
    their bins as a sparse (boxes bins, pixels)."""
    of_sample = np.flatnonzero(cache.boxes[:, 0] == n)
    corners = cache.boxes[of_sample, 1:] * cache.spatial_scale - (0.5 if cache.aligned else 0.0)
    start, side = corners[:, :2], corners[:, 2:] - corners[:, :2]
    if not cache.aligned:
        side = np.maximum(side, 1)
    start, side = start[:, ::-1], side[:, ::-1]  # (y, x), as the axes are
    if cache.sampling_ratio > 0:
        points = np.full(side.shape, cache.sampling_ratio)
    else:
        points = np.maximum(np.ceil(side / cache.output_size), 0).astype(np.intp)
    kinds, kind = np.unique(points, axis=0, return_inverse=True)
    for i, (rows, columns) in enumerate(kinds.tolist()):
        k = np.flatnonzero(kind.reshape(-1) == i)
        entries = 4 * max(rows * columns, 1) * math.prod(cache.output_size)
        for part in np.array_split(k, min(len(k), -(-len(k) * entries // ENTRIES))):
            yield of_sample[part], _matrix(cache, start[part], side[part], (rows, columns))


def _matrix(cache: RoiAlignCache, start: Array, side: Array, points: tuple[int, int]) -> Any:
    extents, (bins_h, bins_w) = cache.shape[2:], cache.output_size
    (pixel_h, weight_h), (pixel_w, weight_w) = (
        _taps(start[:, axis], side[:, axis], cache.output_size[axis], points[axis], extents[axis]) for axis in (0, 1)
    )
    all_bins = (len(start), bins_h, bins_w)

    def each_row(taps: Any) -> Any:
        each = np.broadcast_to(taps[:, :, None], (*all_bins, taps.shape[2]))
        return each.reshape(math.prod(all_bins), taps.shape[2]).T

    def each_column(taps: Any) -> Any:
        each = np.broadcast_to(taps[:, None], (*all_bins, taps.shape[2]))
        return each.reshape(math.prod(all_bins), taps.shape[2]).T

    pixels, weights = [each_row(pixel_h), each_column(pixel_w)], [each_row(weight_h), each_column(weight_w)]
    return sampling_matrix(pixels, weights, extents, working_dtype(np.empty(0, cache.dtype)))


def _taps(start: Array, side: Array, bins: int, points: int, n: int) -> tuple[IntArray, Array]:
    """Along one axis of n pixels: the two pixels of each point of each bin, and their shares in its mean.

    (boxes, bins, 2 points) both; a box without points has none, and its output is 0.
    """
    steps = np.arange(bins)[:, None] + (np.arange(points) + 0.5) / max(points, 1)
    p = start[:, None, None] + side[:, None, None] / bins * steps
    share = ((p >= -1) & (p <= n)) / max(points, 1)
    p = np.clip(p, 0, n - 1)
    low = np.floor(p)
    t = p - low
    pixel = np.concatenate([low, np.minimum(low + 1, n - 1)], axis=2).astype(np.intp)
    return pixel, np.concatenate([share * (1 - t), share * t], axis=2)
