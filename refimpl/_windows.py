"""Where the positions of a strided kernel lie in an array, in any number of spatial axes.

Nothing is padded: each position of the kernel, a tap, names the part of the array that it meets and the part of the
output that it meets it for. What lies in the padding is in neither.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from . import _validate
from ._validate import Array

Extents = tuple[int, ...]  # one number per spatial axis
Index = tuple[Any, ...]


class Windows(NamedTuple):
    """A geometry: output o meets input o * stride + k * dilation - before at position k of the kernel, on each axis."""

    input: Extents  # without padding
    kernel: Extents
    stride: Extents
    dilation: Extents
    before: Extents  # the padding in front; that behind is whatever the output reaches
    output: Extents


class Tap(NamedTuple):
    """One position of the kernel: what of each array belongs together. Each is an index of the array's last axes."""

    kernel: Index  # (..., i, j) of a weight
    input: Index  # (..., slice, slice)
    output: Index  # (..., slice, slice)
    column: Index  # (..., i, j, slice, slice) of an array that holds the output once per position


AXES = {1: "L", 2: "H, W", 3: "D, H, W"}


def images(op: str, array: Array, axes: int) -> None:
    """`array`, an argument called input, is a batch of images with channels, or one of them."""
    if array.ndim not in (axes + 1, axes + 2):
        shape = f"C, {AXES[axes]}"
        raise ValueError(f"{op}: input must have shape (N, {shape}) or ({shape}), got {array.shape}")


def batch(array: Array, axes: int) -> Array:
    """The array with an axis of samples, of one sample if it had none; beside it stand channels and `axes` axes."""
    return array if array.ndim == axes + 2 else array[None]


def per_axis(op: str, name: str, value: Any, axes: int, at_least: int) -> Extents:
    """`value`, one integer for all axes or one for each, as a tuple."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        numbers = (_validate.integer(op, name, value),) * axes
    elif len(value) in (1, axes):
        numbers = tuple(_validate.integer(op, name, v) for v in value) * (axes // len(value))
    else:
        wanted = "1 integer" if axes == 1 else f"1 or {axes} integers"
        raise ValueError(f"{op}: {name} must hold {wanted}, got {tuple(value)}")
    if min(numbers) < at_least:
        raise ValueError(f"{op}: {name} must be at least {at_least}, got {value}")
    return numbers


def reach(kernel: Extents, dilation: Extents) -> Extents:
    """How much of each axis a kernel covers, its gaps included."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def place(
    op: str,
    input: Extents,
    kernel: Extents,
    stride: Extents,
    dilation: Extents,
    before: Extents,
    after: Extents,
    ceil_mode: bool = False,
) -> Windows:
    """The windows that lie in the padded input.

    Under ceil_mode one more may run over its end, if it begins before the padding behind.
    """
    covered = reach(kernel, dilation)
    padded = tuple(b + n + a for b, n, a in zip(before, input, after, strict=True))
    output = []
    for n, p, c, s, b in zip(input, padded, covered, stride, before, strict=True):
        count = (p - c) // s + 1
        runs_over = ceil_mode and (p - c) % s and count * s < b + n
        output.append(count + bool(runs_over))
    if min(output) < 1:
        raise ValueError(f"{op}: the kernel must fit into the padded input, got a reach of {covered} in {padded}")
    return Windows(input, kernel, stride, dilation, before, tuple(output))


@functools.lru_cache(maxsize=128)  # forward and backward ask for each block of rows
def taps(windows: Windows) -> tuple[Tap, ...]:
    """All positions of the kernel, the last axis fastest. One that meets nothing but padding has empty slices."""
    axes = [
        [(k, *_meeting(k * dilation - before, extent, stride, count)) for k in range(size)]
        for extent, size, stride, dilation, before, count in zip(*windows, strict=True)
    ]
    return tuple(_tap(*zip(*chosen, strict=True)) for chosen in itertools.product(*axes))


@functools.lru_cache(maxsize=128)
def padded(windows: Windows) -> tuple[Windows, Index]:
    """The same windows over an input that has its padding in it, and where in that the input lies."""
    geometry = zip(windows.input, reach(windows.kernel, windows.dilation), *windows[2:], strict=True)
    reached = [(b, n, max(b + n, s * (m - 1) + c)) for n, c, s, _, b, m in geometry]
    inner = (..., *(slice(b, b + n) for b, n, _ in reached))
    extents = tuple(extent for _, _, extent in reached)
    return windows._replace(input=extents, before=(0,) * len(extents)), inner


def _tap(kernel: Index, input: Index, output: Index) -> Tap:
    return Tap((..., *kernel), (..., *input), (..., *output), (..., *kernel, *output))


def _meeting(first: int, extent: int, stride: int, count: int) -> tuple[slice, slice]:
    """The slices of input and of output at which first + stride * o is within the extent, for o below count."""
    low = max(0, -(first // stride))
    high = min(count, (extent - 1 - first) // stride + 1)
    if high <= low:
        return slice(0, 0), slice(0, 0)
    return slice(first + stride * low, first + stride * (high - 1) + 1, stride), slice(low, high)


def gather(array: Array, taps: Iterable[Tap], columns: Array) -> None:
    """columns[..., *kernel, *output] = what they meet of array[..., *input]; nothing is set in the padding."""
    for tap in taps:
        columns[tap.column] = array[tap.input]


def scatter(columns: Array, taps: Iterable[Tap], array: Array) -> None:
    """Adds each entry of columns to the entry of the array that it meets: the transpose of gather."""
    for tap in taps:
        array[tap.input] += columns[tap.column]
