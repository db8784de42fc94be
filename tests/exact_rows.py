"""Rows of numbers over the whole range of float64, what is exactly true of them, and how far a row is from that."""

from __future__ import annotations

import mpmath
import numpy as np
from mpmath import mpf
from ulps import ulp_distance

DIGITS = 720  # the square of the smallest number, added to that of the largest


def exact(row):
    """The numbers of a row as mpmath's; those that are so already stay as they are."""
    return [v if isinstance(v, mpf) else mpf(float(v)) for v in row]


def row_ulps(computed, true, terms=()):
    """The largest error of a row, in ulps of its largest entry, or of the largest of the terms that it is a sum of."""
    largest = max(abs(v) for v in (*true, *terms))
    spacing = np.spacing(abs(float(largest)))
    if not np.all(np.isfinite(computed)):
        return np.inf
    return max(float(abs(mpf(float(c)) - t) / mpf(float(spacing))) for c, t in zip(computed, true, strict=True))


def entry_ulps(computed, true):
    """The largest error of any entry, in its own ulps."""
    return ulp_distance(np.asarray(computed), true).max()


def normalized(x, eps, g, *, centred):
    """x_hat = (x - mean) / sqrt(variance + eps), or x / sqrt(mean square + eps), the gradient of x for g, and that
    gradient's first term."""
    x, g, n = exact(x), exact(g), len(x)
    mean = mpmath.fsum(x) / n if centred else mpf(0)
    d = [v - mean for v in x]
    s = mpmath.sqrt(mpmath.fsum(v * v for v in d) / n + mpf(eps))
    x_hat = [v / s for v in d]
    mean_g = mpmath.fsum(g) / n if centred else mpf(0)
    along = mpmath.fsum(a * b for a, b in zip(g, x_hat, strict=True)) / n
    gradient = [(a - mean_g - b * along) / s for a, b in zip(g, x_hat, strict=True)]
    return x_hat, gradient, [(a - mean_g) / s for a in g]


def norm(x, p):
    x = [abs(v) for v in x]
    if p == mpmath.inf:
        return max(x)
    return mpmath.fsum(v ** mpf(p) for v in x) ** (1 / mpf(p))


def rows(widths=(1, 2, 3, 8, 100), seed=0):
    """(name, row): moderate, offset, of every magnitude, of many magnitudes at once, constant, subnormal."""
    rng = np.random.default_rng(seed)
    for n in widths:
        for k in range(2):
            z = rng.standard_normal(n)
            yield f"normal, {n}, {k}", z
            yield f"around 1e8, {n}, {k}", 1e8 + z
            yield f"around 1e15, {n}, {k}", 1e15 + z
            yield f"a variance of 2^-74, {n}, {k}", 1 + 2.0**-37 * z
            yield f"1e160, {n}, {k}", 1e160 * z
            yield f"1e307, {n}, {k}", 1e307 * z
            yield f"1e-160, {n}, {k}", 1e-160 * z
            yield f"subnormal, {n}, {k}", 1e-315 * z
            yield f"many magnitudes, {n}, {k}", z * 10 ** rng.uniform(-300, 300, n)
        yield f"constant, {n}", np.full(n, 0.1)
        yield f"constant 1e200, {n}", np.full(n, 1e200)
        yield f"zeros, {n}", np.zeros(n)
