"""Rows taken to mean 0 and mean square 1, and their gradients: what the normalizations share.

The normalizations differ in what a row is. All of them see their input as (a, rows, b), row i being all of [:, i, :]:
(1, rows, features) for layers and groups, (batch, channels, positions) for batches. derivations/normalization.md has
the derivation, and why the mean is held in two parts and the gradient projected twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._precision import SINGLE, answer, gradient, working
from .._reduction import unbroadcast
from .._validate import Array, IntArray


class Moments(NamedTuple):
    """Of each row: mean and mean square in units of 2^exponent, in which the row's norm is somewhat above 1.

    Rows of float32 are computed in float64, whose range needs no units: their exponent is None.

    The mean square is that of the differences from the mean: the biased variance. Where mean and rest are None, the
    rows are not centred, and it is that of the entries themselves.
    """

    exponent: Any  # (rows, 1), or None
    mean: Any  # (rows, 1) or None
    rest: Any  # (rows, 1) or None: what the rounding of the mean left out
    mean_square: Array  # (rows, 1)

    def take(self, rows: slice) -> Moments:
        fields: Any = (None if field is None else field[rows] for field in self)
        return Moments(*fields)

    def put(self, rows: slice, found: Moments) -> None:
        for whole, part in zip(self, found, strict=True):
            if whole is not None:
                whole[rows] = part

    def apart(self, x: Array) -> Array:
        """The rows in units of 2^exponent, less their mean; in place where there are no units."""
        return self.centre(x if self.exponent is None else x * np.ldexp(1.0, -self.exponent))

    def centre(self, y: Array) -> Array:
        """y, in units of 2^exponent already, less its mean; in place."""
        if self.mean is not None:
            y -= self.mean
            y -= self.rest
        return y

    def unit(self, eps: float) -> IntArray:
        """The exponent in which the square is measured: where it is 0 that of sqrt(eps), which is all there is."""
        return np.where(self.mean_square == 0, _root_exponent(eps), self.exponent)

    def eps_in_units(self, eps: float) -> Any:
        if self.exponent is None:
            return eps
        unit = np.ldexp(1.0, -self.unit(eps))
        return eps * unit * unit


class Rows(NamedTuple):
    """How a normalization sees its input, and what shape its parameters have next to it."""

    view: tuple[int, int, int]  # (a, rows, b)
    parameter: tuple[int, ...]  # of weight and bias, such that they broadcast against input


def normalize(
    input: Array, weight: Array | None, bias: Array | None, rows: Rows, eps: float, *, centred: bool
) -> tuple[Array, Moments]:
    """weight x_hat + bias, with x_hat the normalized rows."""
    x, w, b = working(input, weight, bias)
    x_hat, moments = normalize_rows(x.reshape(rows.view), eps, centred=centred)
    y = x_hat.reshape(x.shape)
    with np.errstate(all="ignore"):
        if w is not None:
            y *= w.reshape(rows.parameter)
        if b is not None:
            y += b.reshape(rows.parameter)
    return answer(y, input, weight, bias), moments


def normalize_backward(
    op: str,
    grad_output: ArrayLike,
    arguments: tuple[Array, Array | None, Array | None],
    rows: Rows,
    eps: float,
    moments: Moments,
) -> dict[str, Array]:
    """The gradients of input and, where they are given, of weight and bias: `arguments`."""
    input, weight, bias = arguments
    x, w, _ = working(*arguments)
    g = _validate.output_gradient(op, grad_output, x.shape, x.dtype)
    x_hat: Any = None if weight is None else np.empty(rows.view, dtype=x.dtype)
    grads, h, exponent = {}, g, 0
    with np.errstate(all="ignore"):
        if bias is not None:  # y = w x_hat + b
            grads["bias"] = gradient(unbroadcast(g, rows.parameter).reshape(bias.shape), bias)
        if weight is not None:
            # The weights are divided by a power of two: the product of two large numbers is no infinity on the way.
            exponent = int(np.frexp(np.abs(w).max(initial=0))[1])
            h = g * np.ldexp(w, -exponent).reshape(rows.parameter)
        grad_x = normalize_rows_vjp(h.reshape(rows.view), x.reshape(rows.view), moments, eps, exponent, x_hat)
        grads["input"] = gradient(grad_x.reshape(x.shape), input)
        if weight is not None:
            x_hat = x_hat.reshape(x.shape)
            x_hat *= g
            grads["weight"] = gradient(unbroadcast(x_hat, rows.parameter).reshape(weight.shape), weight)
    return grads


def normalize_rows(x: Array, eps: float, *, centred: bool) -> tuple[Array, Moments]:
    """(x - mean) / sqrt(variance + eps), or x / sqrt(mean square + eps), for x (a, rows, b), in x's dtype."""
    output = np.empty(x.shape, dtype=x.dtype)
    single = x.dtype == SINGLE
    moments = _empty_moments(x.shape[1], centred, single)
    with np.errstate(all="ignore"):
        for block in row_blocks(x.shape[1], x.shape[0] * x.shape[2]):
            found, d = _single_moments(_rows(x, block), centred) if single else _moments(_rows(x, block), eps, centred)
            moments.put(block, found)
            d /= np.sqrt(found.mean_square + found.eps_in_units(eps))
            _put(output, block, d)
    return output, moments


def normalize_rows_vjp(g: Array, x: Array, moments: Moments, eps: float, exponent: int, x_hat: Array | None) -> Array:
    """2^exponent times the gradient of x for g, in g's dtype. Where x_hat is an array, the normalized rows go into it.

    With s = sqrt(mean square + eps) and x_hat the normalized row it is (g - mean(g) - x_hat mean(g x_hat)) / s, without
    mean(g) where the rows are not centred. Each part of g along 1 and along x_hat cancels but for the share of eps.
    """
    output = np.empty(x.shape, dtype=g.dtype)
    with np.errstate(all="ignore"):
        for block in row_blocks(x.shape[1], x.shape[0] * x.shape[2]):
            found = moments.take(block)
            d = found.apart(_rows(x, block))
            if x_hat is not None:
                _put(x_hat, block, d / np.sqrt(found.mean_square + found.eps_in_units(eps)))
            projected = _projected if found.exponent is not None else _single_projected
            _put(output, block, projected(_rows(g, block), d, found, eps, exponent))
    return output


def row_statistics(x: Array) -> tuple[Array, Array]:
    """The mean and the unbiased variance of each row of x (a, rows, b), in float64."""
    rows, width = x.shape[1], x.shape[0] * x.shape[2]
    mean, variance = np.empty(rows), np.empty(rows)
    with np.errstate(all="ignore"):
        for block in row_blocks(rows, width):
            single = x.dtype == SINGLE
            found, _ = _single_moments(_rows(x, block), True) if single else _moments(_rows(x, block), 0.0, True)
            exponent = 0 if single else found.exponent
            mean[block] = np.ldexp(found.mean + found.rest, exponent)[:, 0]
            unbiased = found.mean_square * (width / (width - 1))
            variance[block] = np.ldexp(unbiased, 2 * exponent)[:, 0]
    return mean, variance


def _projected(g: Array, d: Array, found: Moments, eps: float, exponent: int) -> Array:
    """2^exponent (q - x_hat mean(q x_hat)) / s with d = s x_hat and q = g - mean(g): q less its part along d, and the
    share of eps of that part."""
    top = _top(g)
    g_exponent = _exponent(top)
    q = g * np.ldexp(1.0, -g_exponent)
    if found.mean is not None:
        mean, rest = split_mean(q, top - g_exponent)
        q -= mean
        q -= rest
    square, added = found.mean_square, found.eps_in_units(eps)

    def along(vector: Array) -> Array:
        return np.where(square == 0, 0, _row_mean(vector * d) / square)

    first = along(q)
    left = q - first * d
    # Where q is nearly a multiple of d, what is left is the rounding of that product: once more takes it away.
    if found.mean is not None:
        left -= _row_mean(left)
    second = along(left)
    left -= second * d
    if q.shape[1] <= (1 if found.mean is None else 2):  # so few entries have no other direction
        left = np.where(square > added, 0, left)
    share = added / (square + added)
    left += (first + second) * share * d
    left /= np.sqrt(square + added)
    return _times_power(left, g_exponent - found.unit(eps) + exponent)


def _single_projected(g: Array, d: Array, found: Moments, eps: float, exponent: int) -> Array:
    """The same for rows of float32, in place of g: float64 has the digits of what is left of a difference."""
    if found.mean is not None:
        mean, rest = _single_mean(g)
        g -= mean
        g -= rest
    variance = found.mean_square + eps
    g -= _row_product(g, d) / g.shape[1] / variance * d
    g *= 2.0**exponent / np.sqrt(variance)
    return g


def split_mean(y: Array, top: IntArray) -> tuple[Array, Array]:
    """The means of rows whose entries are below 2^top, as sums of two numbers, right to nearly twice the digits of one.

    Adding and taking away a power of two above the sum of all |y| rounds each entry to a common grid, on which sums are
    exact in any order (the extraction of Rump, Ogita and Oishi 2008, Accurate floating-point summation I). What it
    leaves out is so small that a plain sum of it will do.
    """
    n = y.shape[1]
    grid = np.ldexp(1.0, top + n.bit_length() + 1)
    coarse = y + grid
    coarse -= grid
    total = coarse.sum(axis=1, keepdims=True)
    mean = (total / n + grid) - grid  # on the grid as well, so that n mean is exact
    fine = np.subtract(y, coarse, out=coarse)
    return mean, ((total - n * mean) + fine.sum(axis=1, keepdims=True)) / n


def _single_mean(y: Array) -> tuple[Array, Array]:
    """The means of rows of float32 numbers, held in float64, as sums of two numbers.

    The first is a number of float32, so that n times it is exact, as is the sum of numbers that are not 2^29 / n apart.
    """
    total, n = y.sum(axis=1, keepdims=True), y.shape[1]
    mean = (total / n).astype(SINGLE).astype(np.float64)
    return mean, (total - n * mean) / n


def _empty_moments(rows: int, centred: bool, single: bool) -> Moments:
    def column(dtype: type) -> Any:
        return np.empty((rows, 1), dtype=dtype)

    mean, rest = (column(float), column(float)) if centred else (None, None)
    return Moments(None if single else column(int), mean, rest, column(float))


def _single_moments(x: Array, centred: bool) -> tuple[Moments, Array]:
    """The moments of rows of float32 numbers, held in float64, and the rows less their mean, in place."""
    mean, rest = _single_mean(x) if centred else (None, None)
    found = Moments(None, mean, rest, x)
    d = found.centre(x)
    return found._replace(mean_square=_row_product(d, d) / d.shape[1]), d


def _moments(x: Array, eps: float, centred: bool) -> tuple[Moments, Array]:
    """The moments of the rows, and the rows as moments.apart gives them."""
    top = _top(x)
    # Not the largest entry's own power: what is small in the row must not fall below the range before it is divided.
    exponent = _exponent(top, x.shape[1].bit_length() // 2 + 1)
    if eps > 0:  # the unit is no smaller than sqrt(eps), so that eps / unit^2 is no infinity
        exponent = np.maximum(exponent, _root_exponent(eps))
    y = x * np.ldexp(1.0, -exponent)
    mean, rest = split_mean(y, top - exponent) if centred else (None, None)
    found = Moments(exponent, mean, rest, np.zeros(exponent.shape))
    d = found.centre(y)
    return found._replace(mean_square=_row_mean(np.square(d))), d


def _root_exponent(eps: float) -> int:
    return int(np.frexp(np.sqrt(eps))[1])


def _top(x: Array) -> IntArray:
    """The power of two just above each row's largest entry."""
    return np.frexp(np.abs(x).max(axis=1, keepdims=True, initial=0))[1]


def _exponent(top: IntArray, less: int = 0) -> IntArray:
    """The power of two just above each row's largest entry, less a few, where it and its inverse are normal."""
    return np.clip(top - less, -1021, 1022)


def _times_power(values: Array, exponent: IntArray) -> Array:
    """values 2^exponent, in place. One power of two may be out of range where the product is not: then in two steps."""
    half = exponent // 2
    for power in (exponent,) if np.abs(exponent).max() < 1022 else (half, exponent - half):
        values *= np.ldexp(1.0, np.clip(power, -1074, 1023))
    return values


def _row_product(a: Array, b: Array) -> Array:
    return np.einsum("ij,ij->i", a, b)[:, None]


def _row_mean(values: Array) -> Array:
    return values.sum(axis=1, keepdims=True) / values.shape[1]


def _rows(x: Array, block: slice) -> Array:
    """Some rows of x (a, rows, b) as (rows, a b), in float64."""
    part = x[:, block].swapaxes(0, 1).astype(np.float64, order="C", copy=False)
    return part.reshape(part.shape[0], part.shape[1] * part.shape[2])


def _put(output: Array, block: slice, rows: Array) -> None:
    a, _, b = output.shape
    output[:, block] = rows.reshape(len(rows), a, b).swapaxes(0, 1)
