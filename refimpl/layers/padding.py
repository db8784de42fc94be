"""Padding: an array made longer or shorter at both ends of its axes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import HALF, SINGLE
from .._validate import Array

__all__ = ["pad_backward", "pad_forward"]

MODES = ("constant", "reflect", "replicate", "circular")


class Part(NamedTuple):
    """A stretch of one axis: output[output] = input[input]. An input of one entry is repeated."""

    output: slice
    input: slice


class PadCache(NamedTuple):
    parts: tuple[tuple[Part, ...], ...]  # for each axis what its stretches hold; the constant is in none
    shape: tuple[int, ...]  # of input
    output_shape: tuple[int, ...]
    dtype: np.dtype[Any]  # of input


def _amounts(op: str, x: Array, pad: Any) -> list[tuple[int, int]]:
    """(before, after) for every axis; pad begins with the last one."""
    if isinstance(pad, (str, bytes)) or not isinstance(pad, Sequence):
        raise TypeError(f"{op}: pad must be a sequence of integers, got {pad!r}")
    if len(pad) % 2 or len(pad) > 2 * x.ndim:
        raise ValueError(f"{op}: pad must hold two integers for each of the last axes, got {len(pad)} for {x.shape}")
    numbers = [_validate.integer(op, "pad", amount) for amount in pad]
    pairs = list(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    return [(0, 0)] * (x.ndim - len(pairs)) + pairs


def _check_axis(op: str, mode: str, n: int, before: int, after: int) -> None:
    cropped = n + min(before, 0) + min(after, 0)
    if cropped < 0:
        raise ValueError(f"{op}: pad must not crop more than the extent {n}, got {(before, after)}")
    most = {"constant": None, "reflect": n - 1, "replicate": None if n else 0, "circular": cropped}[mode]
    if most is not None and max(before, after) > max(most, 0):
        facts = f"got {(before, after)} for an extent of {n}"
        raise ValueError(f"{op}: pad must be at most {max(most, 0)} with mode {mode!r}, {facts}")


def _axis_parts(mode: str, n: int, before: int, after: int) -> tuple[Part, ...]:
    """The stretches of one axis: what is kept, what stands before it and what stands behind it."""
    low, high = max(-before, 0), n - max(-after, 0)
    left, right = max(before, 0), max(after, 0)
    end = left + high - low
    parts = [Part(slice(left, end), slice(low, high))]
    if mode == "replicate":
        front, back = slice(0, 1), slice(n - 1, n)
    elif mode == "reflect":  # about the input's own first and last entry, which are not repeated
        front = slice(left, 0, -1)
        back = slice(n - 2, n - 2 - right if right < n - 1 else None, -1)
    elif mode == "circular":  # of what is left after cropping
        front, back = slice(high - left, high), slice(low, low + right)
    else:
        return tuple(parts)
    if left:
        parts.append(Part(slice(0, left), front))
    if right:
        parts.append(Part(slice(end, end + right), back))
    return tuple(parts)


def pad_forward(
    input: ArrayLike, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> tuple[Array, PadCache]:
    """The input with entries added at both ends of its last axes, or with a negative amount taken off.

    y_o = x_i(o), i(o) being o - before where that lies in the input; elsewhere value (constant), or with n entries
    i(o) mirrored at 0 and n - 1 (reflect), clipped to them (replicate), taken modulo n (circular)

    Shapes: input any, output the same but for the padded axes; pad holds (before, after) of the last axis, then of the
        one before it, and so on.
    Raises: TypeError where input is not floating or pad no sequence of integers; ValueError where mode is unknown, pad
        odd or too long, where it reflects n entries or more, wraps or crops more than there are, or where value comes
        with another mode than constant.
    Extremes: exact. circular wraps what is left after cropping; reflect and replicate take from the whole input.
    Source: torch.nn.functional.pad.
    Derived: derivations/padding.md#pad.
    """
    op = "pad_forward"
    x = _validate.floating(op, "input", input)
    _validate.one_of(op, "mode", mode, MODES)
    amounts = _amounts(op, x, pad)
    if value is not None and mode != "constant":
        raise ValueError(f"{op}: value must be None with mode {mode!r}, got {value!r}")
    if value is not None and np.ndim(value):
        raise TypeError(f"{op}: value must be a number, got {value!r}")
    for n, (before, after) in zip(x.shape, amounts, strict=True):
        _check_axis(op, mode, n, before, after)

    parts = tuple(_axis_parts(mode, n, *pair) for n, pair in zip(x.shape, amounts, strict=True))
    shape = tuple(n + before + after for n, (before, after) in zip(x.shape, amounts, strict=True))
    y = np.full(shape, 0 if value is None else value, dtype=x.dtype)
    for box in itertools.product(*parts):
        y[tuple(part.output for part in box)] = x[tuple(part.input for part in box)]
    return y, PadCache(parts, x.shape, shape, x.dtype)


def pad_backward(grad_output: ArrayLike, cache: PadCache) -> dict[str, Array]:
    """grad_x_i = sum of g_o over the entries o that hold a copy of entry i."""
    op = "pad_backward"
    parts, shape, output_shape, dtype = _validate.is_cache(op, cache, PadCache)
    g = _validate.output_gradient(op, grad_output, output_shape, SINGLE if dtype == HALF else dtype)
    grad_x = np.zeros(shape, dtype=g.dtype)
    with np.errstate(all="ignore"):
        for box in itertools.product(*parts):
            # y[output] = x[input]
            copies, source = g[tuple(part.output for part in box)], tuple(part.input for part in box)
            extents = grad_x[source].shape
            repeated = tuple(axis for axis, n in enumerate(extents) if copies.shape[axis] != n)
            grad_x[source] += copies.sum(axis=repeated, keepdims=True)
    return {"input": grad_x.astype(dtype, copy=False)}
