"""Distances over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, norm
from mpmath import mpf

from refimpl import (
    cdist_backward,
    cdist_forward,
    pairwise_distance_backward,
    pairwise_distance_forward,
    pdist_backward,
    pdist_forward,
)

FORWARD, BACKWARD = 3, 8  # ulps
P = (1.0, 2.0, 3.0, 1.5, np.inf)
PAIRS = 12


def pairs(width):
    """Moderate; nearly equal; of every magnitude; of many magnitudes at once."""
    rng = np.random.default_rng(width)
    a, b = rng.standard_normal((2, PAIRS, width))
    scale = 10 ** rng.uniform(-300, 300, (PAIRS, 1))
    spread = 10 ** rng.uniform(-100, 100, (PAIRS, width))
    return np.concatenate([a, a, scale * a, spread * a]), np.concatenate([b, a + 1e-9 * b, scale * b, spread * b])


def slopes(d, p):
    """The distance, and its slope in each entry of the difference."""
    size = norm(d, mpf(p))
    if np.isinf(p):
        return size, [mpmath.sign(v) * (abs(v) == size) for v in d]
    return size, [mpmath.sign(v) * (abs(v) / size) ** (mpf(p) - 1) for v in d]


@pytest.mark.parametrize("p", [*P, -1.0])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_pairs_keep_their_digits(width, p):
    a, b = pairs(width)
    eps = 1e-6
    y, cache = pairwise_distance_forward(a, b, p=p, eps=eps)
    gradients = pairwise_distance_backward(np.ones(len(a)), cache)
    np.testing.assert_array_equal(gradients["x2"], -gradients["x1"])
    with mpmath.workdps(DIGITS):
        for i in range(len(a)):
            d = [c - e + mpf(eps) for c, e in zip(exact(a[i]), exact(b[i]), strict=True)]
            size, slope = slopes(d, p)
            if np.isinf(p):  # differences that are equal when rounded share the gradient
                attained = [float(abs(v)) == float(size) for v in d]
                slope = [mpmath.sign(v) * a / sum(attained) for v, a in zip(d, attained, strict=True)]
            assert entry_ulps(y[i], [size]) <= FORWARD
            assert entry_ulps(gradients["x1"][i], slope) <= BACKWARD


@pytest.mark.parametrize("p", P)
def test_all_pairs_keep_their_digits(p):
    """cdist of the rows of one matrix with one row of the other, and pdist of two rows."""
    a, b = pairs(3)
    with mpmath.workdps(DIGITS):
        for i in range(len(a)):
            size, slope = slopes([c - e for c, e in zip(exact(a[i]), exact(b[i]), strict=True)], p)
            y, cache = cdist_forward(a[i : i + 1], b[i : i + 1], p=p)
            gradients = cdist_backward([[1.0]], cache)
            assert entry_ulps(y[0], [size]) <= FORWARD
            assert entry_ulps(gradients["x1"][0], slope) <= BACKWARD
            np.testing.assert_array_equal(gradients["x2"], -gradients["x1"])
            y, cache = pdist_forward(np.stack([a[i], b[i]]), p=p)
            gradient = pdist_backward([1.0], cache)["input"]
            assert entry_ulps(y, [size]) <= FORWARD
            assert entry_ulps(gradient[0], slope) <= BACKWARD
            np.testing.assert_array_equal(gradient[1], -gradient[0])


def test_subnormal_differences():
    x = np.array([[3e-320, 0.0], [0.0, 4e-320]])
    three, four = x.max(axis=1)
    with mpmath.workdps(DIGITS):
        true = mpmath.sqrt(mpf(float(three)) ** 2 + mpf(float(four)) ** 2)
        y, cache = pdist_forward(x)
        assert entry_ulps(y, [true]) <= 0.51
        assert (
            entry_ulps(pdist_backward([1.0], cache)["input"][0], [mpf(float(three)) / true, -mpf(float(four)) / true])
            <= 2
        )
