"""Formulations that keep the digits, shared by the families. derivations/notation.md says what is measured."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._validate import Array, IntArray


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b as the rounded sum and its rounding error, exactly (Knuth, The Art of Computer Programming 2, 4.2.2)."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def two_prod(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b as the rounded product and its rounding error, exactly, for arrays of one dtype (Dekker 1971).

    Where the error is no number, because a factor is too large to be halved, it counts as 0.
    """
    product = a * b
    (a_high, a_low), (b_high, b_low) = halves(a), halves(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, np.where(np.isfinite(error), error, 0)


def halves(a: Any) -> tuple[Any, Any]:
    """a as the exact sum of two numbers of half its digits (Veltkamp), so that a product of two such is exact."""
    spread = a * a.dtype.type(2.0 ** (27 if a.dtype == np.float64 else 12) + 1)
    high = spread - (spread - a)
    return high, a - high


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)) with full relative precision in both tails."""
    e = np.exp(-np.abs(x))  # never overflows, and keeps its digits where the quotient is small
    return np.where(x >= 0, 1, e) / (1 + e)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)) with full relative precision in both tails."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


class ShiftedRow(NamedTuple):
    """The exponentials of rows with their maximum taken out; the maximum itself counts as exactly 1, held apart.

    With k the first position of the maximum, exp(x - x[k]) sums to 1 + rest. What is near 1 in a softmax is then known
    by its distance from 1, which is where the digits of a confident row are.
    """

    top: IntArray  # (rows, 1): k
    difference: Array  # (rows, n): x - x[k], rounded
    error: Array  # (rows, n): what that rounding left out
    others: Array  # (rows, n): exp(x - x[k]), 0 at k
    rest: Array  # (rows, 1): the sum of others

    def probability(self) -> Array:
        """softmax."""
        probability = self.others / (1 + self.rest)
        np.put_along_axis(probability, self.top, 1 / (1 + self.rest), axis=1)
        return probability

    def complement(self) -> Array:
        """1 - softmax: at the maximum the sum of the other probabilities, not a difference."""
        complement = 1 - self.probability()
        np.put_along_axis(complement, self.top, self.rest / (1 + self.rest), axis=1)
        return complement

    def log_probability(self) -> Array:
        """log softmax."""
        return self.difference - (np.log1p(self.rest) - self.error)

    def log_normalizer(self, x: Array) -> Array:
        """(rows, 1): the log of the sum of the exponentials of the rows x that these are."""
        return np.take_along_axis(x, self.top, axis=1) + np.log1p(self.rest)

    def probability_vjp(self, g: Array) -> Array:
        """p_i (g_i - sum_j g_j p_j), with g measured from its entry at the maximum: a confident row has g there nearly
        all in the sum, and what is left of the difference would be rounding."""
        p = self.probability()
        c = g - np.take_along_axis(g, self.top, axis=1)
        return p * (c - (c * p).sum(axis=1, keepdims=True))

    def log_probability_vjp(self, g: Array) -> Array:
        """g_i - p_i sum_j g_j, as g_i (1 - p_i) - p_i (the sum of the other g)."""
        return g * self.complement() - self.probability() * (g.sum(axis=1, keepdims=True) - g)


def shifted_rows(x: Array) -> ShiftedRow:
    """x (rows, n), n >= 1. A row that holds NaN or +inf, or only -inf, comes out as NaN."""
    with np.errstate(all="ignore"):
        top = x.argmax(axis=1)[:, None]
        maximum = np.take_along_axis(x, top, axis=1)
        difference, error = two_sum(x, -maximum)
        error = np.where(np.isfinite(difference), error, 0)
        others = np.exp(difference) * (1 + error)
        np.put_along_axis(others, top, 0, axis=1)
        rest = others.sum(axis=1, keepdims=True) + (maximum - maximum)  # + 0, or + NaN where there is no maximum
    return ShiftedRow(top, difference, error, others, rest)


def three_sum(a: Any, b: Any, c: Any) -> tuple[Any, Any]:
    """a + b + c as a rounded sum and what it leaves out, itself rounded once: where a + b nearly cancels c, the
    rounding of a + b would else be all that is left. Where the rest is no number it counts as 0."""
    partial, partial_error = two_sum(a, b)
    total, error = two_sum(partial, c)
    total, error = two_sum(total, partial_error + error)
    plain = partial + c
    kept = np.isfinite(total) & np.isfinite(error)
    return np.where(kept, total, plain), np.where(kept, error, 0)
