"""Norms at the ends of the range: no power may leave it where the norm does not."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import lp_pool1d_backward, lp_pool1d_forward

ROWS = 150


def windows(dtype, both_signs):
    """Rows of three entries of one size, the sizes over the whole range; some entries are far smaller."""
    rng = np.random.default_rng(0)
    limits = np.finfo(dtype)
    sizes = rng.integers(limits.minexp, limits.maxexp - 2, (ROWS, 1)).astype(float)
    x = np.exp2(sizes) * rng.uniform(1, 2, (ROWS, 3)) * np.exp2(-rng.choice([0, 0, 1, 20], (ROWS, 3)))
    sign = rng.choice([-1, 1], x.shape) if both_signs else 1
    return (sign * x).astype(dtype).reshape(1, ROWS, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [2, 3, 2.5, 0.5, -1, 40, 100])
def test_norms_and_gradients_over_the_whole_range(p, dtype):
    """Exact: (sum of x^p)^(1/p) and (x / y)^(p - 1) in mpmath with 60 digits.

    Beyond |p| = 64 the ratio to the extreme is rounded before the power, and costs about p roundings in the gradient.
    """
    x = windows(dtype, both_signs=p in (2, 40, 100))
    output, cache = lp_pool1d_forward(x, p, 3)
    grad_x = lp_pool1d_backward(np.ones_like(output), cache)["input"]
    with mpmath.workdps(60):
        q = mpmath.mpf(p)
        norms, slopes = [], []
        for row in x[0].tolist():
            y = mpmath.fsum(mpmath.mpf(entry) ** p for entry in row) ** (1 / q)
            norms.append(y)
            slopes += [(mpmath.mpf(entry) / y) ** (p - 1) for entry in row]
        forward, backward = ulp_distance(output.ravel(), norms), ulp_distance(grad_x.ravel(), slopes)
    assert forward.max() <= 3
    assert backward.max() <= (8 if abs(p) <= 64 else p)


def test_subnormal_entries_have_the_gradients_of_normal_ones():
    small = np.array([[3.0, 4.0, -4.0]])
    _, cache = lp_pool1d_forward(small, 2, 3)
    _, of_tiny = lp_pool1d_forward(small * 5e-324, 2, 3)
    g = np.ones((1, 1))
    np.testing.assert_array_equal(lp_pool1d_backward(g, of_tiny)["input"], lp_pool1d_backward(g, cache)["input"])


def test_the_largest_number_alone():
    largest = np.finfo(np.float64).max
    for p in (1, 2, 3, 0.5, -1, 100, np.inf):
        np.testing.assert_allclose(lp_pool1d_forward([[largest]], p, 1)[0], [[largest]], rtol=1e-15)
    np.testing.assert_array_equal(lp_pool1d_forward([[largest, largest]], 2, 2)[0], [[np.inf]])
