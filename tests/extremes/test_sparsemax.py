"""Sparsemax where its small probabilities are differences of large numbers; the true values are fractions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import sparsemax_backward, sparsemax_forward

FORWARD, BACKWARD = 3, 8


def exact(x):
    """The projection in fractions, by the rule of the sorted scores."""
    numbers = [Fraction(float(v)) for v in x]
    falling = sorted(numbers, reverse=True)
    size = max(k for k in range(1, len(x) + 1) if 1 + k * falling[k - 1] > sum(falling[:k]))
    theta = (sum(falling[:size]) - 1) / size
    return [max(v - theta, Fraction(0)) for v in numbers]


def as_mpf(fractions):
    with mpmath.workdps(60):
        return [mpmath.mpf(v.numerator) / v.denominator for v in fractions]


def rows():
    rng = np.random.default_rng(0)
    yield np.array([0.1, 0.3 + 1e-9, -0.2, -0.26666666])
    yield np.array([1.0, 1e-16])
    yield np.array([1.0, -1e-17])
    yield np.array([1e8, 1e8 + 0.5, 1e8 - 0.25])
    yield np.array([1e15 + 0.125, 1e15 + 0.75, 1e15])
    yield np.array([1e300, -1e300])
    yield np.array([5e-324, 0.0, -5e-324])
    yield np.full(7, 0.1)
    yield np.array([1e-9, 0.0])
    for classes in (2, 3, 10, 257):
        for scale in (1e-6, 0.01, 0.3, 1.0, 5.0):
            yield scale * rng.standard_normal(classes)
            yield 1000 + scale * rng.standard_normal(classes)


ROWS = [pytest.param(x, id=str(i)) for i, x in enumerate(rows())]


@pytest.mark.parametrize("x", ROWS)
def test_probabilities(x):
    true = exact(x)
    p, cache = sparsemax_forward(x)
    assert ulp_distance(p, as_mpf(true)).max() <= FORWARD
    np.testing.assert_array_equal(cache.support, [v > 0 for v in true])


@pytest.mark.parametrize("x", ROWS)
def test_gradients(x):
    support = [v > 0 for v in exact(x)]
    g = np.random.default_rng(len(x)).permutation(np.linspace(-1.7, 2.3, len(x)))
    gradient = sparsemax_backward(g, sparsemax_forward(x)[1])["input"]
    mean = sum(Fraction(v) for v, kept in zip(g, support, strict=True) if kept) / sum(support)
    true = [Fraction(v) - mean if kept else Fraction(0) for v, kept in zip(g, support, strict=True)]
    # Where an entry lies next to the mean, their difference is known to an ulp of the terms.
    size = float(max(map(abs, true)))
    error = [abs(Fraction(float(a)) - b) for a, b in zip(gradient, true, strict=True)]
    assert float(max(error)) <= BACKWARD * np.spacing(size)


def test_rows_without_a_maximum():
    x = np.array([[np.nan, 1.0], [np.inf, 1.0], [-np.inf, -np.inf], [1.0, -np.inf]])
    np.testing.assert_array_equal(sparsemax_forward(x)[0], [[np.nan] * 2] * 3 + [[1, 0]])


def test_float32():
    x = np.random.default_rng(1).standard_normal((20, 6)).astype(np.float32)
    p, _ = sparsemax_forward(x)
    for row, found in zip(x, p, strict=True):
        assert ulp_distance(found, as_mpf(exact(row))).max() <= FORWARD
