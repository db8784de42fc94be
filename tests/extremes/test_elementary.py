"""Sums and means at the ends of the range, and of many numbers."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import add_backward, add_forward, mean_forward, multiply_backward, multiply_forward, sum_forward

rng = np.random.default_rng(0)


@pytest.mark.parametrize("dim", [0, 1])
def test_many_numbers_are_added_in_pairs_along_any_axis(dim):
    """An entry goes through log2(10^6) = 20 roundings, of half an ulp each; one after another, 3 digits are lost."""
    x = np.full((1_000_000, 2) if dim == 0 else (2, 1_000_000), 0.1, dtype=np.float32)
    exact = [mpmath.mpf(float(np.float32(0.1))) * 1_000_000] * 2
    assert ulp_distance(sum_forward(x, dim)[0], exact).max() <= 10
    assert ulp_distance(mean_forward(x, dim)[0], [v / 1_000_000 for v in exact]).max() <= 10


def test_positive_numbers_of_the_whole_range():
    x = np.exp2(rng.uniform(-1070, 1010, (200, 50)))
    exact = [float(sum(map(Fraction, row))) for row in x]
    assert ulp_distance(sum_forward(x, 1)[0], exact).max() <= 3
    assert ulp_distance(mean_forward(x, 1)[0], [mpmath.mpf(v) / 50 for v in exact]).max() <= 3


def test_no_overflow_on_the_way():
    assert sum_forward(np.array([1.7e308, 1.7e308, -1.7e308]))[0] == 1.7e308
    assert ulp_distance(mean_forward(np.full(5, 1.7e308))[0], [mpmath.mpf(1.7e308)]) <= 1
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(mean_forward(np.full((3, 4), largest), 1)[0], [largest] * 3)
    assert sum_forward(np.array([1.7e308, 1.7e308]))[0] == np.inf


def test_infinities_and_nan_stay():
    np.testing.assert_array_equal(
        sum_forward(np.array([[np.inf, 1.0], [np.inf, -np.inf], [np.nan, 2.0], [1.0, 2.0]]), 1)[0],
        [np.inf, np.nan, np.nan, 3],
    )
    assert mean_forward(np.array([-np.inf, 4.0]))[0] == -np.inf


def test_subnormal_numbers():
    assert sum_forward(np.full(3, 5e-324))[0] == 3 * 5e-324
    assert mean_forward(np.full(4, 5e-324))[0] == 5e-324


def test_entries_of_the_whole_range_are_multiplied_and_added_to_one_rounding():
    a, b = (rng.choice([-1, 1], 500) * np.exp2(rng.uniform(-1074, 1020, 500)) for _ in range(2))
    product, cache = multiply_forward(a, b)
    with mpmath.workdps(700):
        exact = [mpmath.mpf(float(x)) * mpmath.mpf(float(y)) for x, y in zip(a, b, strict=True)]
        assert ulp_distance(product, exact).max() <= 0.5
    np.testing.assert_array_equal(multiply_backward(np.ones(500), cache)["other"], a)
    total, cache = add_forward(a, b, alpha=-1)
    np.testing.assert_array_equal(total, [float(Fraction(x) - Fraction(y)) for x, y in zip(a, b, strict=True)])
    np.testing.assert_array_equal(add_backward(a, cache)["other"], -a)


def test_a_repeated_row_gets_the_sum_of_all():
    """Powers of two: every partial sum is exact."""
    g = np.exp2(np.arange(-20.0, 20)).reshape(40, 1)
    _, cache = add_forward(np.zeros((40, 1)), np.array([0.0]))
    assert add_backward(g, cache)["other"] == math.fsum(g.ravel())
