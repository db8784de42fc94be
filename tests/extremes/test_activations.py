"""The smooth activations over the whole range of float64 and float32; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from float_range import float_range, keeps_its_digits

from refimpl import (
    logsigmoid_forward,
    softplus_forward,
    softsign_forward,
    squareplus_backward,
    squareplus_forward,
    tanhshrink_forward,
)

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
# In float32 the exponential is off by up to an ulp and a half, not half of one.
NARROW = {np.float64: {}, np.float32: {"forward": 5, "backward": 6}}


def log1pexp(x):
    return max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x)))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x >= 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


@DTYPES
def test_sigmoid(dtype):
    keeps_its_digits("sigmoid", sigmoid, lambda x: sigmoid(x) * sigmoid(-x), float_range(dtype=dtype), **NARROW[dtype])


@DTYPES
def test_logsigmoid(dtype):
    x = float_range(dtype=dtype)
    keeps_its_digits("logsigmoid", lambda x: -log1pexp(-x), lambda x: sigmoid(-x), x, **NARROW[dtype])


@DTYPES
def test_tanh(dtype):
    x = float_range(-0.5, 0.5, dtype=dtype)
    options = {} if dtype == np.float64 else {"forward": 5, "backward": 8}  # NumPy's float32 cosh, twice
    keeps_its_digits("tanh", mpmath.tanh, lambda x: mpmath.sech(x) ** 2, x, **options)


@DTYPES
def test_tanhshrink(dtype):
    """x - tanh(x) of the smallest numbers is x^3 / 3: 680 digits are needed for the difference."""
    x = float_range(-2, 2, dtype=dtype, count=40)
    options = NARROW[dtype] | {"digits": 680}
    keeps_its_digits("tanhshrink", lambda x: x - mpmath.tanh(x), lambda x: mpmath.tanh(x) ** 2, x, **options)


@pytest.mark.parametrize(("beta", "threshold"), [(1, 20), (0.3, 20), (7.3, 1e4), (-2.2, 20)])
@DTYPES
def test_softplus(dtype, beta, threshold):
    # The threshold is compared with the rounded product, which may fall on the other side right next to it.
    x = float_range(dtype=dtype)
    x = x[np.abs(x.astype(np.float64) - threshold / beta) > 1e-4]
    keeps_its_digits(
        "softplus",
        lambda x: x if beta * x > threshold else log1pexp(mpmath.mpf(beta) * x) / mpmath.mpf(beta),
        lambda x: 1 if beta * x > threshold else sigmoid(mpmath.mpf(beta) * x),
        x,
        beta=beta,
        threshold=threshold,
        **NARROW[dtype],
    )


@DTYPES
def test_softsign(dtype):
    x = float_range(dtype=dtype)
    keeps_its_digits("softsign", lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, x)


@pytest.mark.parametrize("b", [4.0, 0.3, 1e-8, 1e8])
@DTYPES
def test_squareplus(dtype, b):
    """Below 0 by y = b / (2 (r - x)), and the slope as y / r, so that 50 digits do."""

    def root(x):
        return mpmath.sqrt(x * x + mpmath.mpf(b))

    def value(x):
        return (abs(x) + root(x)) / 2 if x >= 0 else mpmath.mpf(b) / 2 / (abs(x) + root(x))

    keeps_its_digits("squareplus", value, lambda x: value(x) / root(x), float_range(dtype=dtype), b=b)


def test_values_to_redo_by_hand():
    """log(1 + exp(-x)) is exp(-x) to the last digit far out, and x - tanh(x) is x^3 / 3 near 0."""
    assert logsigmoid_forward(np.array(100.0))[0] == -np.exp(-100.0)
    assert softplus_forward(np.array(-700.0))[0] == np.exp(-700.0)
    np.testing.assert_allclose(tanhshrink_forward(np.array(1e-30))[0], 1e-90 / 3, rtol=4e-16)


def test_limits():
    ends = np.array([-np.inf, np.inf])
    np.testing.assert_array_equal(softsign_forward(ends)[0], [-1, 1])
    np.testing.assert_array_equal(softplus_forward(ends)[0], [0, np.inf])
    np.testing.assert_array_equal(logsigmoid_forward(ends)[0], [-np.inf, 0])
    np.testing.assert_array_equal(tanhshrink_forward(ends)[0], ends)
    y, cache = squareplus_forward(ends)
    np.testing.assert_array_equal(y, [0, np.inf])
    np.testing.assert_array_equal(squareplus_backward(np.ones(2), cache)["x"], [0, 1])


def test_no_threshold_no_overflow():
    """PyTorch's log1p(exp(x)) overflows at 738 where the threshold does not stop it."""
    assert softplus_forward(np.array(738.0), threshold=1e4)[0] == 738
