"""Interpolation: images on a grid of another size, by one matrix along each spatial axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from .. import _validate
from .._precision import answer, working, working_dtype
from .._validate import Array, IntArray

__all__ = ["interpolate_backward", "interpolate_forward"]

# The modes, and the number of spatial axes that each is for.
SPATIAL = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "area": (1, 2, 3),
    "lanczos": (2,),
}
WITHOUT_CORNERS = ("nearest", "nearest-exact", "area")
ANTIALIASED = ("bilinear", "bicubic", "lanczos")
RESCALED = (
    "nearest",
    "nearest-exact",
    "bicubic",
)  # plain modes where a scale_factor counts although it leaves the extent as it is
CUBIC, CUBIC_ANTIALIASED = -0.75, -0.5  # the free coefficient of the cubic kernel: PyTorch has two
DENSE = 2**15  # entries up to which an axis's matrix is multiplied as a dense one: BLAS makes up for the zeros

Ratio = tuple[float, float]  # the distance of neighbouring outputs, in inputs, as numerator and denominator
Taps = tuple[IntArray, Array]  # for each output the inputs that it is made of, and their weights: (out, taps) both


class InterpolateCache(NamedTuple):
    shape: tuple[int, ...]  # of input
    dtype: np.dtype[Any]  # of input
    matrices: tuple[Any, ...]  # one sparse (out, in) per spatial axis


def interpolate_forward(
    input: ArrayLike,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> tuple[Array, InterpolateCache]:
    """The input on a grid of another size.

    y = A_h x A_w^T for each channel, with one more matrix per further axis; row i of A holds the weights
    k(j - p_i) of the inputs j around p_i = (i + 1/2) s - 1/2, or i s with align_corners, where s is 1 / scale_factor,
    or in / out where size is given or the scale recomputed, or (in - 1) / (out - 1) with align_corners.

    Shapes: input (N, C, in...) with one to three spatial axes; output (N, C, out...) with out = size or
        floor(in scale_factor), one number for all axes or one per axis. With a scale_factor that leaves an axis its
        extent, nearest, nearest-exact and plain bicubic resample it by the factor; the others leave it as it is.
    Raises: TypeError where input is not floating or an option of another kind; ValueError where not exactly one of
        size and scale_factor is given, the mode does not fit the number of axes or the other options, or a spatial
        extent is below 1.
    Extremes: the weights of an output are right to a rounding and sum to 1; an infinite or NaN entry reaches only the
        outputs that it has a weight in.
    Source: torch.nn.functional.interpolate.
    Derived: derivations/interpolation.md#interpolate.
    """
    op = "interpolate_forward"
    input = _validate.floating(op, "input", input)
    _check_mode(op, input, mode, align_corners, antialias)
    extents = input.shape[2:]
    sizes, factors = _sizes(op, extents, size, scale_factor, recompute_scale_factor)
    if min((*extents, *sizes)) < 1:
        raise ValueError(f"{op}: spatial extents must be at least 1, got {extents} in and {sizes} out")

    if mode == "area":
        factors = (None,) * len(sizes)
    matrices = tuple(
        _matrix(mode, n, m, factor, bool(align_corners), bool(antialias))
        for n, m, factor in zip(extents, sizes, factors, strict=True)
    )
    (x,) = working(input)
    return answer(_along_axes(matrices, x), input), InterpolateCache(input.shape, input.dtype, matrices)


def interpolate_backward(grad_output: ArrayLike, cache: InterpolateCache) -> dict[str, Array]:
    """grad_x = A_h^T g A_w for each channel: each output hands its gradient back by the weights that made it."""
    op = "interpolate_backward"
    cache = _validate.is_cache(op, cache, InterpolateCache)
    sizes = tuple(matrix.shape[0] for matrix in cache.matrices)
    compute = working_dtype(np.empty(0, cache.dtype))
    g = _validate.output_gradient(op, grad_output, (*cache.shape[:2], *sizes), compute)
    grad_x = _along_axes(tuple(matrix.T.tocsr() for matrix in cache.matrices), g)
    return {"input": grad_x.astype(cache.dtype, copy=False)}


def _check_mode(op: str, input: Array, mode: str, align_corners: bool | None, antialias: bool) -> None:
    """The mode is one, and goes with the number of spatial axes and with the two flags."""
    _validate.one_of(op, "mode", mode, tuple(SPATIAL))
    counts = SPATIAL[mode]
    if input.ndim - 2 not in counts:
        rule = " or ".join(str(count + 2) for count in counts)
        raise ValueError(f"{op}: input must have {rule} dimensions for mode {mode!r}, got shape {input.shape}")
    antialias = _validate.boolean(op, "antialias", antialias)
    if align_corners is not None:
        align_corners = _validate.boolean(op, "align_corners", align_corners)
        if mode in WITHOUT_CORNERS:
            raise ValueError(f"{op}: align_corners must be None for mode {mode!r}, got {align_corners}")
        if mode == "lanczos" and align_corners:
            raise ValueError(f"{op}: align_corners must be False or None for mode 'lanczos', got True")
    if antialias and mode not in ANTIALIASED:
        raise ValueError(f"{op}: antialias must be False for mode {mode!r}, got True")
    if mode == "lanczos" and not antialias:
        raise ValueError(f"{op}: antialias must be True for mode 'lanczos', got False")


def _sizes(
    op: str,
    extents: tuple[int, ...],
    size: int | Sequence[int] | None,
    scale_factor: float | Sequence[float] | None,
    recompute: bool | None,
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's spatial extents, and per axis the factor that sets its scale: None where the extents do."""
    recompute = False if recompute is None else _validate.boolean(op, "recompute_scale_factor", recompute)
    if (size is None) == (scale_factor is None):
        found = "neither" if size is None else f"size = {size} and scale_factor = {scale_factor}"
        raise ValueError(f"{op}: exactly one of size and scale_factor must be given, got {found}")
    if size is not None:
        if recompute:
            raise ValueError(f"{op}: recompute_scale_factor must be False where size is given, got True")
        sizes = tuple(_validate.integer(op, "size", n) for n in _per_axis(op, "size", size, len(extents)))
        return sizes, (None,) * len(sizes)
    factors = tuple(
        _validate.number(op, "scale_factor", factor, above=0, below=math.inf)
        for factor in _per_axis(op, "scale_factor", scale_factor, len(extents))
    )
    sizes = tuple(int(n * factor) for n, factor in zip(extents, factors, strict=True))
    return sizes, (None,) * len(sizes) if recompute else factors


def _per_axis(op: str, name: str, value: Any, count: int) -> tuple[Any, ...]:
    """One number for every axis, or one for all."""
    if np.ndim(value) == 0:
        return (value,) * count
    if np.shape(value) != (count,):
        raise ValueError(f"{op}: {name} must have one entry per spatial axis = {count}, got {value}")
    return tuple(value)


def _matrix(mode: str, n: int, m: int, factor: float | None, align_corners: bool, antialias: bool) -> Any:
    """The weights along one axis from n inputs to m outputs, as a sparse (m, n) matrix."""
    if n == m and (antialias or mode not in RESCALED):
        factor = None
    ratio: Ratio = (n, m) if factor is None else (1, factor)
    if align_corners:
        ratio = (n - 1, m - 1) if m > 1 else (0, 1)
    if mode == "area":
        index, weight = _area(n, m)
    elif antialias:
        index, weight = _filtered(KERNELS[mode], n, m, ratio)
    else:
        index, weight = _around(mode, n, m, ratio, align_corners)
    kept = weight != 0  # an infinite input with a weight of 0 must leave the output alone
    rows = np.broadcast_to(np.arange(m)[:, None], index.shape)
    # Taps beyond a border stand on the border: their weights are added up there.
    return csr_array((weight[kept], (rows[kept], np.clip(index, 0, n - 1)[kept])), shape=(m, n))


def _around(mode: str, n: int, m: int, ratio: Ratio, align_corners: bool) -> Taps:
    """The inputs next to each output's position: one, two or four."""
    numerator, denominator = ratio
    i = np.arange(m)
    if mode in ("nearest", "nearest-exact"):
        # The quotient is rounded once, not twice as i times a rounded scale: a whole number stays one.
        position = (i if mode == "nearest" else i + 0.5) * numerator / denominator
        return np.minimum(np.floor(position), n - 1).astype(np.intp)[:, None], np.ones((m, 1))
    shifted = i * numerator if align_corners else (i + 0.5) * numerator - 0.5 * denominator
    if mode != "bicubic":
        shifted = np.maximum(shifted, 0)
    whole = np.floor(shifted / denominator)
    # What is left of the division, not the difference of two positions: exact where the extents set the scale.
    rest = (shifted - whole * denominator)[:, None]
    offset = np.arange(-1, 3) if mode == "bicubic" else np.arange(2)
    index = whole.astype(np.intp)[:, None] + offset
    if mode == "bicubic":
        return index, cubic(offset - rest / denominator, CUBIC)
    return index, np.concatenate([denominator - rest, rest], axis=1) / denominator


def _area(n: int, m: int) -> Taps:
    """The mean of the inputs from floor(i n / m) up to ceil((i + 1) n / m)."""
    i = np.arange(m)[:, None]
    start, end = i * n // m, -(-(i + 1) * n // m)
    index = start + np.arange((end - start).max())
    return index, np.where(index < end, 1.0 / (end - start), 0.0)


def _filtered(kernel: tuple[float, Callable[[Any], Any]], n: int, m: int, ratio: Ratio) -> Taps:
    """The inputs under a kernel as wide as the distance of two outputs, where that is above 1; weights sum to 1."""
    radius, formula = kernel
    scale = ratio[0] / ratio[1]
    stretch = max(scale, 1.0)
    center = (np.arange(m) * ratio[0] + 0.5 * ratio[0])[:, None] / ratio[1]
    start = np.maximum(np.floor(center - radius * stretch + 0.5), 0).astype(np.intp)
    index = start + np.arange(math.ceil(2 * radius * stretch) + 1)
    weight = np.where(index < n, formula((index + 0.5 - center) / stretch), 0.0)
    return index, weight / weight.sum(axis=1, keepdims=True)


def _triangle(x: Any) -> Any:
    return np.maximum(1 - np.abs(x), 0)


def cubic(x: Any, a: float) -> Any:
    """Keys's cubic kernel: 1 at 0, 0 at the other whole numbers and from 2 on."""
    d = np.abs(x)
    inner = ((a + 2) * d - (a + 3)) * d * d + 1
    outer = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d < 1, inner, np.where(d < 2, outer, 0 * d))


def cubic_slope(x: Any, a: float) -> Any:
    """The derivative of the cubic kernel, which is continuous."""
    d = np.abs(x)
    inner = (3 * (a + 2) * d - 2 * (a + 3)) * d
    outer = (3 * a * d - 10 * a) * d + 8 * a
    return np.sign(x) * np.where(d < 1, inner, np.where(d < 2, outer, 0 * d))


def _lanczos(x: Any) -> Any:
    """A sine over its argument under the middle of a wider one. At whole numbers NumPy's is not quite 0."""
    window = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)
    return np.where(x == np.rint(x), x == 0, window)


# How far each kernel reaches, and the kernel.
KERNELS: dict[str, tuple[float, Callable[[Any], Any]]] = {
    "bilinear": (1.0, _triangle),
    "bicubic": (2.0, lambda x: cubic(x, CUBIC_ANTIALIASED)),
    "lanczos": (3.0, _lanczos),
}


def _along_axes(matrices: tuple[Any, ...], x: Array) -> Array:
    """x (N, C, ...) with each of its spatial axes multiplied by its matrix; what shrinks the most comes first."""
    for axis in sorted(range(len(matrices)), key=lambda axis: matrices[axis].shape[0] / matrices[axis].shape[1]):
        before, n, after = math.prod(x.shape[: axis + 2]), x.shape[axis + 2], math.prod(x.shape[axis + 3 :])
        matrix = matrices[axis].astype(x.dtype)
        y = _along_middle(matrix, x.reshape(before, n, after))
        x = y.reshape(*x.shape[: axis + 2], matrix.shape[0], *x.shape[axis + 3 :])
    return x


def _along_middle(matrix: Any, x: Array) -> Array:
    """The matrix (m, n) times each (n, after) of x (before, n, after)."""
    m, n = matrix.shape
    before, _, after = x.shape
    with np.errstate(all="ignore"):
        if m * n <= DENSE:
            dense = matrix.toarray()
            y = (x[:, :, 0] @ dense.T)[:, :, None] if after == 1 else np.matmul(dense, x)
            if np.isfinite(y).all():
                return np.asarray(y)
        # Zeros that are not stored leave infinite entries alone.
        columns = np.moveaxis(x, 1, 0).reshape(n, before * after)
        return np.moveaxis(np.asarray(matrix @ columns).reshape(m, before, after), 0, 1)
