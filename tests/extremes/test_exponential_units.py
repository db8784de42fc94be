"""The exponential linear units over the whole range of float64 and float32; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from float_range import float_range, keeps_its_digits

from refimpl import celu_forward, elu_forward, selu_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
ALPHA = mpmath.mpf(1.6732632423543772)
SCALE = mpmath.mpf(1.0507009873554805)


@pytest.mark.parametrize("alpha", [1.0, 0.3, 7.3])
@DTYPES
def test_elu(dtype, alpha):
    keeps_its_digits(
        "elu",
        lambda x: x if x > 0 else mpmath.mpf(alpha) * mpmath.expm1(x),
        lambda x: 1 if x > 0 else mpmath.mpf(alpha) * mpmath.exp(x),
        float_range(dtype=dtype),
        alpha=alpha,
    )


@pytest.mark.parametrize("alpha", [1.0, 0.3, 7.3, 1e-3])
@DTYPES
def test_celu(dtype, alpha):
    keeps_its_digits(
        "celu",
        lambda x: x if x > 0 else mpmath.mpf(alpha) * mpmath.expm1(x / mpmath.mpf(alpha)),
        lambda x: 1 if x > 0 else mpmath.exp(x / mpmath.mpf(alpha)),
        float_range(dtype=dtype),
        alpha=alpha,
    )


@DTYPES
def test_selu(dtype):
    keeps_its_digits(
        "selu",
        lambda x: SCALE * x if x > 0 else SCALE * ALPHA * mpmath.expm1(x),
        lambda x: SCALE if x > 0 else SCALE * ALPHA * mpmath.exp(x),
        float_range(dtype=dtype),
    )


def test_limits():
    ends = np.array([-np.inf, np.inf])
    np.testing.assert_array_equal(elu_forward(ends, 2.0)[0], [-2, np.inf])
    np.testing.assert_array_equal(celu_forward(ends, 2.0)[0], [-2, np.inf])
    np.testing.assert_array_equal(selu_forward(ends)[0], [-1.7580993408473766, np.inf])
