"""Sampling a picture at given positions, and the positions of an affine map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, result_dtype, working, working_dtype
from .._sampling import channel_rows, sampling_matrix, tap_pixels, tap_weights
from .._validate import Array, IntArray
from .interpolation import CUBIC, cubic, cubic_slope

__all__ = ["affine_grid_backward", "affine_grid_forward", "grid_sample_backward", "grid_sample_forward"]

MODES = ("bilinear", "nearest", "bicubic")
PADDING_MODES = ("zeros", "border", "reflection")
MARGIN = 4  # pixels beyond the border from which on nothing changes: no kernel reaches so far


class GridSampleCache(NamedTuple):
    input: Array  # (N, C, in...)
    grid: Array  # (N, out..., axes)
    mode: str
    padding_mode: str
    align_corners: bool


class _Taps(NamedTuple):
    """Along one axis, for each position: the pixels that it is made of."""

    extent: int  # of the axis
    pixel: IntArray  # (taps, positions), within the axis
    weight: Array  # (taps, positions), float64
    slope: Array  # (taps, positions): the derivative of weight by the grid's coordinate


def grid_sample_forward(
    input: ArrayLike,
    grid: ArrayLike,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> tuple[Array, GridSampleCache]:
    """The input at the positions of a grid.

    y = sum_ij k(i - p_h) k(j - p_w) x_ij for each channel, where a coordinate u of the grid (the last axis holds them
    for width, height, depth) stands for p = ((u + 1) n - 1) / 2, or (u + 1) (n - 1) / 2 with align_corners: -1 and 1
    are the outer edges of the n pixels, or their middles.

    Shapes: input (N, C, H, W), grid (N, Ho, Wo, 2), output (N, C, Ho, Wo); or input (N, C, D, H, W),
        grid (N, Do, Ho, Wo, 3), output (N, C, Do, Ho, Wo). Each dtype is its own.
    Raises: TypeError where input or grid is not floating; ValueError where shapes do not match, the input has no
        pixels, a mode is unknown, or bicubic meets 5 dimensions.
    Extremes: positions are found in float64; a NaN or infinite pixel reaches only what it has a weight in; a position
        that is NaN, or infinite under reflection, makes its output NaN.
    Source: torch.nn.functional.grid_sample; Jaderberg et al. 2015.
    Derived: derivations/grid_sampling.md#grid_sample.
    """
    op = "grid_sample_forward"
    input = _validate.floating(op, "input", input)
    grid = _validate.floating(op, "grid", grid)
    _validate.one_of(op, "mode", mode, MODES)
    _validate.one_of(op, "padding_mode", padding_mode, PADDING_MODES)
    align_corners = align_corners is not None and _validate.boolean(op, "align_corners", align_corners)
    _check_shapes(op, input, grid, mode)
    cache = GridSampleCache(input, grid, mode, padding_mode, align_corners)

    y = np.empty(_output_shape(cache), dtype=result_dtype(input, grid))
    compute = working_dtype(input, grid)
    with np.errstate(all="ignore"):
        for y_n, x_n, taps in zip(y, input, _taps_of_samples(cache), strict=True):
            sampled = _matrix(taps, compute) @ channel_rows(x_n, compute)
            y_n[...] = sampled.T.reshape(y_n.shape)
    return y, cache


def grid_sample_backward(grad_output: ArrayLike, cache: GridSampleCache) -> dict[str, Array]:
    """grad_x_ij = sum of g k(i - p_h) k(j - p_w) over the positions, and grad_u = sum over channels of g times
    sum_ij x_ij of the same product with k' in place of the k of that axis, times dp/du; for nearest it is 0."""
    op = "grid_sample_backward"
    cache = _validate.is_cache(op, cache, GridSampleCache)
    input, grid = cache.input, cache.grid
    compute = working_dtype(input, grid)
    g = _validate.output_gradient(op, grad_output, _output_shape(cache), compute)

    grad_input = np.empty(input.shape, dtype=input.dtype)
    grad_grid = np.zeros(grid.shape, dtype=grid.dtype)
    with np.errstate(all="ignore"):
        for n, taps in enumerate(_taps_of_samples(cache)):
            g_rows = channel_rows(g[n], compute)
            spread = _matrix(taps, compute).T @ g_rows
            grad_input[n] = spread.T.reshape(input.shape[1:])
            if cache.mode != "nearest":
                grad_grid[n] = _slopes(taps, channel_rows(input[n], compute), g_rows).reshape(grid.shape[1:])
    return {"input": grad_input, "grid": grad_grid}


def _slopes(taps: list[_Taps], x_rows: Array, g_rows: Array) -> Array:
    """(positions, axes): the sum over taps and channels of g x, times the derivative of the tap's weight."""
    pixel = tap_pixels([axis.pixel for axis in taps], [axis.extent for axis in taps])
    # What each tap's pixel is worth to its position: one sum over the channels serves all axes.
    worth = np.stack([np.einsum("pc,pc->p", x_rows[tap], g_rows) for tap in pixel])
    found = []
    for k in reversed(range(len(taps))):
        slope = tap_weights([axis.slope if i == k else axis.weight for i, axis in enumerate(taps)])
        found.append(np.where(slope == 0, 0, slope * worth).sum(axis=0))
    return np.stack(found, axis=1)


def _check_shapes(op: str, input: Array, grid: Array, mode: str) -> None:
    if input.ndim not in (4, 5):
        raise ValueError(f"{op}: input must have shape (N, C, H, W) or (N, C, D, H, W), got {input.shape}")
    axes = input.ndim - 2
    if mode == "bicubic" and axes != 2:
        raise ValueError(f"{op}: input must have shape (N, C, H, W) for mode 'bicubic', got {input.shape}")
    if grid.ndim != input.ndim or grid.shape[-1] != axes:
        rule = "(N, Ho, Wo, 2)" if axes == 2 else "(N, Do, Ho, Wo, 3)"
        raise ValueError(f"{op}: grid must have shape {rule}, got {grid.shape}")
    if grid.shape[0] != input.shape[0]:
        raise ValueError(
            f"{op}: grid must have as many samples as input, got grid {grid.shape} and input {input.shape}"
        )
    if 0 in input.shape[2:]:
        raise ValueError(f"{op}: input must have spatial extents of at least 1, got shape {input.shape}")


def _output_shape(cache: GridSampleCache) -> tuple[int, ...]:
    return (*cache.input.shape[:2], *cache.grid.shape[1:-1])


def _taps_of_samples(cache: GridSampleCache) -> Iterator[list[_Taps]]:
    """Sample by sample the taps along each axis. The grid's coordinates are those of the last axis first."""
    extents = cache.input.shape[2:]
    for coordinates in cache.grid:
        rows = coordinates.reshape(math.prod(coordinates.shape[:-1]), len(extents)).astype(np.float64)
        yield [_taps(u, n, cache) for u, n in zip(rows.T[::-1], extents, strict=True)]


def _taps(u: Array, n: int, cache: GridSampleCache) -> _Taps:
    """For coordinates u along an axis of n pixels."""
    p: Any = (u + 1) / 2 * (n - 1) if cache.align_corners else ((u + 1) * n - 1) / 2
    rate: Any = np.full(p.shape, (n - 1) / 2 if cache.align_corners else n / 2)  # dp/du
    if cache.padding_mode != "reflection":
        rate *= (p > -MARGIN) & (p < n - 1 + MARGIN)
        p = np.clip(p, -MARGIN, n - 1 + MARGIN)
    if cache.mode != "bicubic":  # bicubic moves its pixels instead: the position may lie beyond the border
        p, direction = _within(p, n, cache)
        rate *= direction
    whole = np.rint(p) if cache.mode == "nearest" else np.floor(p)
    rest = p - whole
    if cache.mode == "nearest":
        j, weight, slope = whole[None], (1 + 0 * rest)[None], (0 * rest)[None]  # NaN where the position is
    elif cache.mode == "bilinear":
        j = whole + np.array([[0.0], [1.0]])
        weight = np.stack([1 - rest, rest])
        slope = np.array([[-1.0], [1.0]]) + 0 * rest
    else:
        offset = np.arange(-1.0, 3)[:, None]
        j = whole + offset
        weight, slope = cubic(offset - rest, CUBIC), -cubic_slope(offset - rest, CUBIC)
        j, _ = _within(j, n, cache)
    if cache.padding_mode == "zeros":
        inside = ~((j < 0) | (j > n - 1))
        weight, slope = np.where(inside, weight, 0), np.where(inside, slope, 0)
    pixel = np.fmax(np.minimum(j, n - 1), 0).astype(np.intp)  # of what is no number pixel 0: its weight is NaN
    return _Taps(n, pixel, weight, slope * rate)


def _within(p: Any, n: int, cache: GridSampleCache) -> tuple[Any, Any]:
    """Positions brought within the axis as the padding mode says, and whether that turned (-1) or held (0) them."""
    if cache.padding_mode == "zeros":
        return p, np.ones(p.shape)
    direction = np.ones(p.shape)
    if cache.padding_mode == "reflection":
        low, span = (0.0, n - 1.0) if cache.align_corners else (-0.5, float(n))
        if span == 0:
            return 0 * p, 0 * p
        # One division for both: of two, one may round up to a turn that the other has not come to.
        turns, rest = np.divmod(np.abs(p - low), span)
        back = turns % 2 == 1
        direction = np.where((p < low) != back, -1.0, 1.0)
        p = np.where(back, span - rest, rest) + low
    return np.clip(p, 0, n - 1), direction * ((p > 0) & (p < n - 1))


def _matrix(taps: list[_Taps], dtype: np.dtype[Any]) -> Any:
    extents = [axis.extent for axis in taps]
    return sampling_matrix([axis.pixel for axis in taps], [axis.weight for axis in taps], extents, dtype)


class AffineGridCache(NamedTuple):
    shape: tuple[int, ...]  # of output
    dtype: np.dtype[Any]  # of theta
    align_corners: bool


def affine_grid_forward(
    theta: ArrayLike, size: Sequence[int], align_corners: bool | None = None
) -> tuple[Array, AffineGridCache]:
    """The grid of an affine map, for grid_sample.

    y[n, h, w] = theta[n] (u_w, v_h, 1) with u_w = (2 w + 1) / W - 1, or 2 w / (W - 1) - 1 with align_corners, where
    a single pixel stands at 0; v_h likewise.

    Shapes: theta (N, 2, 3) and size (N, C, H, W), output (N, H, W, 2); or theta (N, 3, 4) and size (N, C, D, H, W),
        output (N, D, H, W, 3).
    Raises: TypeError where theta is not floating or size no integers; ValueError where theta and size do not match or
        an extent is below 1.
    Extremes: the coordinates are right to the last digit; three or four products are summed.
    Source: torch.nn.functional.affine_grid; Jaderberg et al. 2015.
    Derived: derivations/grid_sampling.md#affine_grid.
    """
    op = "affine_grid_forward"
    theta = _validate.floating(op, "theta", theta)
    align_corners = align_corners is not None and _validate.boolean(op, "align_corners", align_corners)
    if np.shape(size) not in ((4,), (5,)):
        raise ValueError(f"{op}: size must be (N, C, H, W) or (N, C, D, H, W), got {size}")
    size = tuple(_validate.integer(op, "size", n) for n in size)
    axes = len(size) - 2
    _validate.has_shape(op, "theta", theta, "(N, axes, axes + 1)", (size[0], axes, axes + 1))
    if min(size[1:]) < 1:
        raise ValueError(f"{op}: size must hold extents of at least 1, got {size}")

    (matrix,) = working(theta)
    y = np.empty((size[0], *size[2:], axes), dtype=matrix.dtype)
    with np.errstate(all="ignore"):
        for i in range(axes):  # output coordinate i, of column i of the picture's axes from the last
            y[..., i] = _along(matrix[:, i, axes], 0, axes)
            for k, u in enumerate(_middles(size[2:], align_corners, matrix.dtype)):
                y[..., i] += _along(matrix[:, i, k], 0, axes) * _along(u, axes - k, axes)
    return answer(y, theta), AffineGridCache(y.shape, theta.dtype, align_corners)


def affine_grid_backward(grad_output: ArrayLike, cache: AffineGridCache) -> dict[str, Array]:
    """grad_theta[n] = sum over h, w of g[n, h, w] (u_w, v_h, 1)^T."""
    op = "affine_grid_backward"
    cache = _validate.is_cache(op, cache, AffineGridCache)
    compute = working_dtype(np.empty(0, cache.dtype))
    g = _validate.output_gradient(op, grad_output, cache.shape, compute)
    batch, *extents, axes = cache.shape
    grad = np.empty((batch, axes, axes + 1), dtype=compute)
    spatial = tuple(range(1, axes + 1))
    with np.errstate(all="ignore"):
        grad[:, :, axes] = g.sum(axis=spatial)
        for k, u in enumerate(_middles(tuple(extents), cache.align_corners, compute)):
            others = tuple(axis for axis in spatial if axis != axes - k)
            grad[:, :, k] = (g.sum(axis=others) * u[:, None]).sum(axis=1)
    return {"theta": gradient(grad, np.empty(0, cache.dtype))}


def _middles(extents: tuple[int, ...], align_corners: bool, dtype: np.dtype[Any]) -> list[Array]:
    """The coordinates of the pixels along each axis, the last axis first."""
    found = []
    for n in reversed(extents):
        middle = 2.0 * np.arange(n) - (n - 1)
        found.append((middle / (max(n - 1, 1) if align_corners else n)).astype(dtype))
    return found


def _along(values: Array, axis: int, axes: int) -> Array:
    """A vector laid along one of the axes (N, ...) of a grid."""
    return values.reshape([-1 if k == axis else 1 for k in range(axes + 1)])
