"""The self-gated activations over the whole range of float64 and float32; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from float_range import float_range, keeps_its_digits

from refimpl import gelu_backward, gelu_forward, mish_backward, mish_forward, silu_backward, silu_forward

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
# In float32 the exponential is off by up to an ulp and a half, not half of one, and its root counts twice.
NARROW = {np.float64: {}, np.float32: {"forward": 6, "backward": 7}}
FAR = 1000  # beyond it the gates are 0 or 1 in every digit


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x)) if x >= 0 else mpmath.exp(x) / (1 + mpmath.exp(x))


def flat(function, limit):
    """The function within FAR; beyond it `limit` above and 0 below, without exponentials of huge numbers."""
    return lambda x: function(x) if abs(x) < FAR else limit(x) if x > 0 else mpmath.mpf(0)


def keeps(name, value, slope, dtype, root, *points, **options):
    value, slope = flat(value, lambda x: x), flat(slope, lambda x: mpmath.mpf(1))
    x = float_range(root, *points, dtype=dtype)
    keeps_its_digits(name, value, slope, x, root=root, **options, **NARROW[dtype])


@DTYPES
def test_silu(dtype):
    keeps("silu", lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), dtype, -1.2784645427610738)


@DTYPES
def test_mish(dtype):
    """tanh(log(1 + E)) = (E^2 + 2 E) / (E^2 + 2 E + 2) with E = exp(x)."""

    def gate(x):
        square = mpmath.exp(2 * x) + 2 * mpmath.exp(x)
        return square / (square + 2)

    def slope(x):
        denominator = mpmath.exp(2 * x) + 2 * mpmath.exp(x) + 2
        return gate(x) + 4 * x * mpmath.exp(x) * (1 + mpmath.exp(x)) / denominator**2

    keeps("mish", lambda x: x * gate(x), slope, dtype, -1.1924312145155604)


@DTYPES
def test_gelu(dtype):
    def distribution(x):
        return mpmath.erfc(-x / mpmath.sqrt(2)) / 2

    def slope(x):
        return distribution(x) + x * mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)

    keeps("gelu", lambda x: x * distribution(x), slope, dtype, -0.7517915246935645, -8, 8)


@DTYPES
def test_gelu_tanh(dtype):
    def argument(x):
        return mpmath.sqrt(8 / mpmath.pi) * (x + mpmath.mpf("0.044715") * x**3)

    def slope(x):
        v = argument(x)
        dv = mpmath.sqrt(8 / mpmath.pi) * (1 + 3 * mpmath.mpf("0.044715") * x**2)
        return sigmoid(v) * (1 + x * dv * sigmoid(-v))

    keeps("gelu", lambda x: x * sigmoid(argument(x)), slope, dtype, -0.7524614220710162, approximate="tanh")


@pytest.mark.parametrize(
    ("forward", "backward", "options"),
    [
        (silu_forward, silu_backward, {}),
        (mish_forward, mish_backward, {}),
        (gelu_forward, gelu_backward, {}),
        (gelu_forward, gelu_backward, {"approximate": "tanh"}),
    ],
)
def test_limits(forward, backward, options):
    """Where PyTorch has -inf times 0: the gate shuts faster than x grows."""
    y, cache = forward(np.array([-np.inf, np.inf, np.nan]), **options)
    np.testing.assert_array_equal(y, [0, np.inf, np.nan])
    np.testing.assert_array_equal(backward(np.ones(3), cache)["input"], [0, 1, np.nan])


def test_the_tails_that_others_lose():
    """gelu at -9.87 and -31.37, silu at -744, by x Phi(x) and x exp(x) at 50 digits."""
    with mpmath.workdps(50):
        for x in (-9.87, -31.37, -37.5):
            true = mpmath.mpf(x) * mpmath.ncdf(mpmath.mpf(x))
            np.testing.assert_allclose(gelu_forward(np.array(x))[0], float(true), rtol=1e-15)
        np.testing.assert_allclose(silu_forward(np.array(-744.0))[0], float(-744 * mpmath.exp(-744)), rtol=2e-3)
