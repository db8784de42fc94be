"""Norms of rows and distances between rows, for any p, over the whole range of the dtype.

The square of a number above 1e154 overflows and that of one below 1e-162 is 0, so each row is scaled by a power of two
first, which is exact. What a gradient needs is a quotient of scaled numbers, never of the norms themselves.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from . import _validate
from ._numerics import three_sum
from ._validate import Array, IntArray


class RowNorm(NamedTuple):
    """The norms of rows, and what their gradient needs. Every array but x and scaled has extent 1 along the axis."""

    x: Array  # any shape, as given
    scaled: Array  # the same: x / 2^exponent, the entry that weighs most (p < 0: the smallest) below 4
    size: Array  # the norm of scaled
    exponent: IntArray  # the norm of x is size 2^exponent
    p: float
    axis: int

    @np.errstate(all="ignore")
    def norm(self) -> Array:
        """(sum_i |x_i|^p)^(1/p); inf only where it cannot be represented."""
        return np.ldexp(self.size, self.exponent)

    @np.errstate(all="ignore")
    def unit(self) -> Array:
        """x / norm, also where the norm itself overflows; NaN for a row of zeros."""
        return self.scaled / self.size

    @np.errstate(all="ignore")
    def direction(self) -> Array:
        """The gradient of the norm: sign(x_i) (|x_i| / norm)^(p - 1), and 0 for an entry and for a row of zeros.

        For p of inf and -inf the entries that attain the norm share it equally; for p = 0 it is 0 everywhere.
        """
        sign = np.sign(self.x)
        if self.p == 0:
            return sign * 0
        if self.p == 1:
            return sign
        if self.p == 2:
            return np.where(self.size == 0, 0, self.unit())
        if math.isinf(self.p):
            attained = np.abs(self.scaled) == self.size
            return sign * (attained / attained.sum(axis=self.axis, keepdims=True))
        ratio = np.abs(self.unit())
        power = ratio ** (self.p - 1)
        if 0 < self.p < 2:
            # A ratio too small for its digits has a power that is not: there the power of each is taken first.
            apart = np.abs(self.x) ** (self.p - 1) * self.norm() ** (1 - self.p)
            power = np.where(ratio < np.finfo(ratio.dtype).tiny, apart, power)
        return np.where(self.x == 0, 0, sign * power)


def check_p(op: str, p: Any) -> float:
    """The degree of a norm: any number, inf and -inf included."""
    return _validate.number(op, "p", p)


def row_norm(x: Array, p: float, axis: int = -1) -> RowNorm:
    """The p-norms of x along the axis, which is kept with extent 1. p = 0 counts the entries that are not 0."""
    with np.errstate(all="ignore"):
        absolute = np.abs(x)
        _, exponent = np.frexp(_heaviest(absolute, p, axis))
        # Bounds within which 2^-exponent is a normal number: frexp's range is wider by a few bits on either side.
        limits = np.finfo(x.dtype)
        exponent = np.clip(exponent, limits.minexp, limits.maxexp - 2)
        power = np.ldexp(x.dtype.type(1), -exponent)
        if p == 0:  # a count has no scale
            exponent, power = np.zeros_like(exponent), np.ones_like(power)
        return RowNorm(x, x * power, _size(absolute * power, p, axis), exponent, p, axis)


def _heaviest(absolute: Array, p: float, axis: int) -> Array:
    """The entry of each row that weighs most in its norm: the largest, and for p < 0 the smallest."""
    if p < 0:
        return absolute.min(axis=axis, keepdims=True, initial=np.inf)
    return absolute.max(axis=axis, keepdims=True, initial=0)


def _size(y: Array, p: float, axis: int) -> Array:
    """The p-norm of y >= 0, whose entries can be squared."""

    def total(values: Array) -> Array:
        return values.sum(axis=axis, keepdims=True, dtype=y.dtype)

    if p == 0:
        return total(y != 0)
    if p == 1:
        return total(y)
    if p == 2:
        return np.sqrt(total(y * y))
    top = _heaviest(y, p, axis)
    if math.isinf(p):
        return top
    # Taking out the entry that weighs most bounds every power by 1, however large p is.
    return np.where(top == 0, top, top * total((y / top) ** p) ** (1 / p))


@np.errstate(all="ignore")
def row_difference(x1: Array, x2: Array, eps: float = 0.0) -> Array:
    """x1 - x2 + eps, rounded once."""
    return np.asarray(three_sum(x1, -x2, x1.dtype.type(eps))[0])
