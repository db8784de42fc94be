"""The hard activations over the whole range of float64 and float32; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from float_range import float_range, keeps_its_digits

from refimpl import hardshrink_forward, hardswish_backward, hardswish_forward, hardtanh_forward, relu6_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
DIGITS = 700  # x + 3 of the smallest numbers, exactly


@DTYPES
def test_hardsigmoid(dtype):
    keeps_its_digits(
        "hardsigmoid",
        lambda x: min(max(x + 3, mpmath.mpf(0)), mpmath.mpf(6)) / 6,
        lambda x: mpmath.mpf(1) / 6 if -3 < x < 3 else 0,
        float_range(-3, 3, dtype=dtype),
        forward=1,
        backward=1,
        digits=DIGITS,
    )


@DTYPES
def test_hardswish(dtype):
    keeps_its_digits(
        "hardswish",
        lambda x: x * min(max(x + 3, mpmath.mpf(0)), mpmath.mpf(6)) / 6,
        lambda x: (2 * x + 3) / 6 if -3 < x < 3 else int(x >= 3),
        float_range(-3, 3, -1.5, dtype=dtype),
        forward=2,
        backward=2,
        digits=DIGITS,
    )


@DTYPES
def test_softshrink(dtype):
    keeps_its_digits(
        "softshrink",
        lambda x: max(abs(x) - mpmath.mpf(0.5), mpmath.mpf(0)) * mpmath.sign(x),
        lambda x: int(abs(x) > 0.5),
        float_range(-0.5, 0.5, dtype=dtype),
        forward=1,
        backward=0,
        digits=DIGITS,
    )


def test_no_overflow_next_to_the_largest_number():
    """x * 6 / 6 overflows from 3e307 on."""
    y, cache = hardswish_forward(np.array([1.7e308, -1.7e308, np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(y, [1.7e308, 0, np.inf, 0, np.nan])
    np.testing.assert_array_equal(hardswish_backward(np.ones(5), cache)["input"][:4], [1, 0, 1, 0])


def test_exact_ones():
    x = float_range(-1, 1, 6)
    np.testing.assert_array_equal(hardtanh_forward(x)[0], np.minimum(np.maximum(x, -1), 1))
    np.testing.assert_array_equal(relu6_forward(x)[0], np.minimum(np.maximum(x, 0), 6))
    np.testing.assert_array_equal(hardshrink_forward(x, 1.0)[0], x * (np.abs(x) > 1))
    assert np.isnan(hardtanh_forward(np.array(np.nan))[0])
