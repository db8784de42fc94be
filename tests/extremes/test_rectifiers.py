"""The rectifiers over the whole range of float64 and float32: one rounding, or none."""

import mpmath
import numpy as np
import pytest
from float_range import float_range, keeps_its_digits

from refimpl import prelu_backward, prelu_forward, rrelu_forward, threshold_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@DTYPES
def test_leaky_relu(dtype):
    """float32 rounds the slope as well: 0.25 needs no rounding."""
    keeps_its_digits(
        "leaky_relu",
        lambda x: x if x > 0 else x / 4,
        lambda x: 1 if x > 0 else mpmath.mpf(0.25),
        float_range(dtype=dtype),
        forward=0.5,
        backward=0,
        negative_slope=0.25,
    )


@DTYPES
def test_squared_relu(dtype):
    keeps_its_digits(
        "squared_relu",
        lambda x: max(x, mpmath.mpf(0)) ** 2,
        lambda x: 2 * max(x, mpmath.mpf(0)),
        float_range(dtype=dtype),
        forward=0.5,
        backward=0,
        digits=60,
    )


@DTYPES
@pytest.mark.parametrize("name", ["relu", "rrelu"])
def test_evaluation(name, dtype):
    """rrelu between -1/2 and 1 has the mean slope 1/4."""
    options = {"lower": -0.5, "upper": 1.0} if name == "rrelu" else {}
    below = mpmath.mpf(0.25) if options else mpmath.mpf(0)
    keeps_its_digits(
        name,
        lambda x: x if x > 0 else below * x,
        lambda x: 1 if x > 0 else below,
        float_range(dtype=dtype),
        forward=0.5,
        backward=0,
        **options,
    )


def test_infinities_and_nan():
    x = np.array([-np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(prelu_forward(x, np.array([0.5]))[0], x)
    np.testing.assert_array_equal(threshold_forward(x, 0.0, 3.0)[0], [3, np.inf, np.nan])
    y, _ = rrelu_forward(x, training=True, rng=0)
    np.testing.assert_array_equal(y, x)


def test_prelu_weight_gradient_next_to_overflow():
    """The product of a huge gradient with a tiny input is an ordinary number."""
    _, cache = prelu_forward(np.array([-1e-300, 1e300]), np.array([0.5]))
    gradients = prelu_backward(np.array([1e300, 1e300]), cache)
    np.testing.assert_allclose(gradients["weight"], [-1.0], rtol=1e-15)
    np.testing.assert_array_equal(gradients["input"], [0.5e300, 1e300])
