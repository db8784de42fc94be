"""Interpolation of huge, tiny and infinite entries; the true values are sums of exact fractions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import interpolate_backward, interpolate_forward
from refimpl.layers import interpolation

INF, NAN = np.inf, np.nan


def linear_row(i, n, m):
    """The two entries around (2 i + 1) n / (2 m) - 1/2 and their weights, as fractions."""
    position = max(Fraction((2 * i + 1) * n, 2 * m) - Fraction(1, 2), Fraction(0))
    low = int(position)
    return [(low, 1 - (position - low)), (min(low + 1, n - 1), position - low)]


@pytest.mark.parametrize("magnitude", [1e-310, 1e-200, 1.0, 1e200, 1e308])
@pytest.mark.parametrize(("n", "m"), [(7, 11), (1000, 1777), (5, 3)])
def test_linear_weights_are_right_to_the_last_digits(n, m, magnitude):
    """Entries of one sign, so that the sum itself is well conditioned: the error is that of the weights."""
    x = np.random.default_rng(0).uniform(0.5, 1, n) * magnitude
    y, cache = interpolate_forward(x[None, None], size=m, mode="linear")
    with mpmath.workdps(60):
        exact = [
            sum(mpmath.mpf(w.numerator) / w.denominator * mpmath.mpf(float(x[j])) for j, w in linear_row(i, n, m))
            for i in range(m)
        ]
        assert ulp_distance(y[0, 0], exact).max() <= 3
        grad = interpolate_backward(np.full((1, 1, m), magnitude), cache)["input"]
        sums = [mpmath.mpf(0)] * n
        for i in range(m):
            for j, w in linear_row(i, n, m):
                sums[j] += mpmath.mpf(w.numerator) / w.denominator * mpmath.mpf(magnitude)
        assert ulp_distance(grad[0, 0], sums).max() <= 5


@pytest.mark.parametrize("n", [6, 600])
@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_an_entry_that_is_no_number_reaches_only_its_own_outputs(value, n):
    """0 times infinity is no part of the sum, as dense and as sparse matrices."""
    x = np.ones((1, 1, 5, n))
    x[0, 0, 2, 3] = value
    y, _ = interpolate_forward(x, scale_factor=2)
    expected = np.ones((10, 2 * n))
    expected[4:6, 6:8] = value
    np.testing.assert_array_equal(y[0, 0], expected)
    y, _ = interpolate_forward(x, size=(10, 2 * n), mode="bilinear")
    touched = ~np.isfinite(y[0, 0])
    np.testing.assert_array_equal(np.argwhere(touched.any(axis=0)).ravel(), [5, 6, 7, 8])
    np.testing.assert_array_equal(np.argwhere(touched.any(axis=1)).ravel(), [3, 4, 5, 6])
    np.testing.assert_array_equal(y[0, 0][~touched], 1)


def test_an_infinite_gradient_reaches_only_its_own_inputs():
    _, cache = interpolate_forward(np.ones((1, 1, 4)), size=8, mode="linear")
    g = np.zeros((1, 1, 8))
    g[0, 0, 3] = INF
    np.testing.assert_array_equal(interpolate_backward(g, cache)["input"][0, 0], [0, INF, INF, 0])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_whole_positions_have_no_other_weights(mode):
    """Every third output of a filter at its own distance stands on an entry, and takes that alone."""
    x = np.ones((1, 1, 7, 7))
    x[0, 0, 3, 3] = INF
    y, _ = interpolate_forward(x, size=(7, 7), mode=mode, antialias=True)
    np.testing.assert_array_equal(y, x)


def test_the_largest_numbers_average_without_overflow():
    x = np.full((1, 1, 8), np.finfo(float).max)
    for mode in ("nearest", "linear"):
        y, _ = interpolate_forward(x, size=13, mode=mode)
        np.testing.assert_allclose(y, x.max(), rtol=1e-15)


def test_weights_of_a_million_entries_are_exact():
    """The distance from the entry below is a remainder: 1/4 and 3/4 to the last digit far from the origin."""
    matrix = interpolation._matrix("linear", 2**20, 2**21, None, False, False)
    assert set(matrix.data[1:-1]) == {0.25, 0.75}
    third = interpolation._matrix("linear", 3 * 10**5, 10**6, None, False, False).tocsr()
    i = 999_901
    position = Fraction((2 * i + 1) * 3, 20) - Fraction(1, 2)
    low = int(position)
    with mpmath.workdps(40):
        t = position - low
        exact = [mpmath.mpf((1 - t).numerator) / (1 - t).denominator, mpmath.mpf(t.numerator) / t.denominator]
        assert ulp_distance(third[[i], :].data, exact).max() <= 1
