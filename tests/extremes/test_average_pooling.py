"""Means at the ends of the range: no sum may overflow where its mean does not."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

import refimpl

LARGEST = np.finfo(np.float64).max


@pytest.mark.parametrize("op", ["avg_pool", "adaptive_avg_pool"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_the_mean_of_the_largest_numbers(op, axes):
    x = np.full((1, *(4,) * axes), LARGEST)
    output, _ = getattr(refimpl, f"{op}{axes}d_forward")(x, 2)
    np.testing.assert_array_equal(output, np.full((1, *(2,) * axes), LARGEST))


def test_signs_that_cancel_beyond_the_range():
    output, _ = refimpl.avg_pool1d_forward([[LARGEST, LARGEST, -LARGEST, -LARGEST, 1.0, 3.0, 1.0, 3.0]], 4)
    np.testing.assert_array_equal(output, [[0, 2]])


def test_the_smallest_numbers_keep_their_digits_beside_the_largest():
    tiny = 5e-324
    output, _ = refimpl.avg_pool1d_forward([[LARGEST, LARGEST, 4 * tiny, 2 * tiny]], 2)
    np.testing.assert_array_equal(output, [[LARGEST, 3 * tiny]])


@pytest.mark.parametrize("op", ["avg_pool", "adaptive_avg_pool"])
def test_positive_entries_over_the_whole_range(op):
    """Nine entries of like size: at most 8 roundings of sums and one of the quotient.

    The exact value is the sum of the nine float64 numbers over nine, in mpmath with 60 digits.
    """
    rng = np.random.default_rng(0)
    scale = np.exp2(rng.integers(-1060, 1020, 300).astype(float))
    x = scale[:, None, None, None] * rng.uniform(1, 2, (300, 1, 3, 3))
    arguments = {"kernel_size": 3} if op == "avg_pool" else {"output_size": 1}
    output, cache = getattr(refimpl, f"{op}2d_forward")(x, **arguments)
    with mpmath.workdps(60):
        exact = [mpmath.fsum(plane.ravel().tolist()) / 9 for plane in x]
        assert ulp_distance(output.ravel(), exact).max() <= 4
        g = scale.reshape(output.shape) * rng.uniform(1, 2, output.shape)
        grad_x = getattr(refimpl, f"{op}2d_backward")(g, cache)["input"]
        share = [mpmath.mpf(value) / 9 for value in g.ravel().tolist()]
        assert ulp_distance(grad_x[:, 0, 1, 2], share).max() <= 0.5
