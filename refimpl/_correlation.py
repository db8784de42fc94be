"""Correlation of images with kernels, and its transposes: the one computation that all convolutions are made of.

With p over the positions of the output, k over those of the kernel and c over the channels of o's group,

    y[n, o, p] = sum over c, k of w[o, c, k] x[n, c, p stride + k dilation - before],    x = 0 in the padding.

It is linear in x and in w. What each window meets is copied into a column, and the sums are matrix products; only the
columns of a few samples are held at a time. Arrays are (N, C, *spatial), weights (O, C / groups, *kernel), all of one
dtype.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._blocks import row_blocks
from ._validate import Array
from ._windows import Windows, gather, scatter, taps

COLUMNS = 2**18  # elements held as columns: 2 MiB of float64


def correlate(x: Array, w: Array, windows: Windows, groups: int) -> Array:
    """y, of shape (N, O, *output)."""
    if _is_depthwise(w, groups):
        return _depthwise(x, w, windows)
    y = np.empty((len(x), len(w), *windows.output), dtype=x.dtype)
    kernels, positions = _kernels(w, groups), taps(windows)
    for samples, columns, matrix in _chunks(len(x), x.shape[1], windows, groups, x.dtype):
        gather(x[samples], positions, columns)
        _set_samples(y[samples], kernels @ matrix)
    return y


def correlate_input(g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """The gradient of x: g spread over what each window met, of shape (N, C, *input)."""
    if _is_depthwise(w, groups):
        return _depthwise_input(g, w, windows)
    x_bar = np.zeros((len(g), groups * w.shape[1], *windows.input), dtype=g.dtype)
    transposed, positions = _kernels(w, groups).swapaxes(-1, -2), taps(windows)
    for samples, columns, matrix in _chunks(len(g), x_bar.shape[1], windows, groups, g.dtype):
        np.matmul(transposed, _side_by_side(g[samples], groups), out=matrix)
        scatter(columns, positions, x_bar[samples])
    return x_bar


def correlate_weight(x: Array, g: Array, w: Array, windows: Windows, groups: int) -> Array:
    """The gradient of w: each output's g times what its window met, summed over samples and positions."""
    if _is_depthwise(w, groups):
        return _depthwise_weight(x, g, w, windows)
    positions = taps(windows)
    w_bar = np.zeros_like(_kernels(w, groups))
    for samples, columns, matrix in _chunks(len(x), x.shape[1], windows, groups, x.dtype):
        gather(x[samples], positions, columns)
        w_bar += _side_by_side(g[samples], groups) @ matrix.swapaxes(-1, -2)
    return w_bar.reshape(w.shape)


def _kernels(w: Array, groups: int) -> Array:
    """(groups, O / groups, C / groups * K)."""
    return w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))


def _chunks(
    samples: int, channels: int, windows: Windows, groups: int, dtype: np.dtype[Any]
) -> Iterator[tuple[slice, Array, Array]]:
    """Chunks of n samples with columns for them, in two views of one buffer.

    The first is (n, C, *kernel, *output), as gather and scatter take it. The second is the matrix
    (groups, C / groups * K, n * L), the samples side by side, so that one product takes all of them however small the
    output is. What gather never sets, the padding, is 0.
    """
    kernel, output = windows.kernel, windows.output
    buffer = np.zeros((channels, *kernel, 0, *output), dtype=dtype)
    axis = 1 + len(kernel)
    for chunk in row_blocks(samples, channels * math.prod(kernel) * math.prod(output), COLUMNS):
        n = chunk.stop - chunk.start
        if buffer.shape[axis] != n:
            buffer = np.zeros((channels, *kernel, n, *output), dtype=dtype)
        rows = channels // groups * math.prod(kernel)
        yield chunk, np.moveaxis(buffer, axis, 0), buffer.reshape(groups, rows, n * math.prod(output))


def _side_by_side(g: Array, groups: int) -> Array:
    """(n, O, *output) as the matrix (groups, O / groups, n * L)."""
    n, channels, positions = len(g), g.shape[1], math.prod(g.shape[2:])
    return g.swapaxes(0, 1).reshape(groups, channels // groups, n * positions)


def _set_samples(y: Array, matrix: Array) -> None:
    """Undoes _side_by_side, into y."""
    swapped = y.swapaxes(0, 1)
    swapped[...] = matrix.reshape(swapped.shape)


def _is_depthwise(w: Array, groups: int) -> bool:
    """One channel in and one out per group: a product of matrices would be one of single rows."""
    return w.shape[1] == 1 and len(w) == groups


def _per_channel(w: Array, windows: Windows) -> list[tuple[Any, Array]]:
    """Each position of the kernel with the weights of the channels there, as (C, 1, ..., 1)."""
    ones = (1,) * len(windows.kernel)
    return [(tap, w[tap.kernel].reshape(-1, *ones)) for tap in taps(windows)]


def _depthwise(x: Array, w: Array, windows: Windows) -> Array:
    y = np.zeros((len(x), len(w), *windows.output), dtype=x.dtype)
    positions = _per_channel(w, windows)
    for samples in row_blocks(len(x), math.prod(y.shape[1:])):
        for tap, w_k in positions:
            y[samples][tap.output] += x[samples][tap.input] * w_k
    return y


def _depthwise_input(g: Array, w: Array, windows: Windows) -> Array:
    x_bar = np.zeros((len(g), len(w), *windows.input), dtype=g.dtype)
    positions = _per_channel(w, windows)
    for samples in row_blocks(len(g), math.prod(g.shape[1:])):
        for tap, w_k in positions:
            x_bar[samples][tap.input] += g[samples][tap.output] * w_k
    return x_bar


def _depthwise_weight(x: Array, g: Array, w: Array, windows: Windows) -> Array:
    w_bar = np.zeros_like(w)
    positions = taps(windows)
    for samples in row_blocks(len(x), math.prod(g.shape[1:])):
        met = np.empty(g[samples].shape, dtype=g.dtype)
        n, channels, length = len(met), len(w), math.prod(met.shape[2:])
        g_columns = g[samples].reshape(n, channels, length, 1)
        for tap in positions:
            met[...] = 0
            met[tap.output] = x[samples][tap.input]
            products = met.reshape(n, channels, 1, length) @ g_columns
            w_bar[tap.kernel] += products[..., 0].sum(axis=0)
    return w_bar
