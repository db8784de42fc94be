"""Dropout at the ends of the range, and where alpha dropout's sum nearly cancels."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import alpha_dropout_backward, alpha_dropout_forward, dropout_backward, dropout_forward
from refimpl.layers.dropout import ALPHA

FORWARD, BACKWARD = 4, 5
RATES = (1e-9, 0.1, 0.25, 0.3, 0.5, 0.9, 0.999999)
N = 300


def whole_range(dtype):
    """Random points of the whole range of the dtype, with the smallest and the largest numbers; no overflow when
    scaled up a millionfold."""
    limits, rng = np.finfo(dtype), np.random.default_rng(0)
    exponents = rng.uniform(limits.minexp - limits.nmant, limits.maxexp - 21, N)
    x = rng.choice([-1, 1], N) * np.exp2(exponents)
    small, large = float(limits.smallest_subnormal), float(limits.max) / 2**21
    return np.concatenate([x, rng.uniform(-5, 5, N), [0, small, -small, 3 * small, large, -large]]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("p", RATES)
def test_dropout_keeps_the_digits(p, dtype):
    x = whole_range(dtype)
    y, cache = dropout_forward(x, p, rng=0)
    grad = dropout_backward(x, cache)["input"]
    with mpmath.workdps(60):
        exact = [mpmath.mpf(float(v)) / (1 - mpmath.mpf(p)) if m else 0 for v, m in zip(x, cache.keep, strict=True)]
    assert ulp_distance(y, exact).max() <= FORWARD
    assert ulp_distance(grad, exact).max() <= BACKWARD


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("p", RATES)
def test_alpha_dropout_keeps_the_digits(p, dtype):
    """Also within 1e-14 to 1e-2 of -ALPHA p, where a kept entry gives nearly 0."""
    zero, rng = -ALPHA * p, np.random.default_rng(1)
    near = zero * (1 + rng.choice([-1, 1], N) * 10 ** rng.uniform(-17, -2, N))
    x = np.concatenate([whole_range(dtype), near.astype(dtype), np.array([zero], dtype)])
    y, cache = alpha_dropout_forward(x, p, training=True, rng=1)
    g = whole_range(dtype)
    grad = alpha_dropout_backward(np.resize(g, x.shape), cache)["input"]
    with mpmath.workdps(60):
        A, q = mpmath.mpf(ALPHA), mpmath.mpf(p)
        a = 1 / mpmath.sqrt((1 - q) * (1 + q * A**2))
        exact = [a * ((mpmath.mpf(float(v)) if m else -A) + A * q) for v, m in zip(x, cache.keep, strict=True)]
        exact_grad = [a * mpmath.mpf(float(v)) * int(m) for v, m in zip(np.resize(g, x.shape), cache.keep, strict=True)]
    assert ulp_distance(y, exact).max() <= FORWARD
    assert ulp_distance(grad, exact_grad).max() <= BACKWARD


def test_infinite_entries():
    """Scaled where kept; NaN where left out, since 0 times infinity is."""
    y, cache = dropout_forward(np.full(100, np.inf), rng=0)
    np.testing.assert_array_equal(np.isposinf(y), cache.keep)
    np.testing.assert_array_equal(np.isnan(y), ~cache.keep)


def test_overflow_is_of_the_result_alone():
    y, cache = dropout_forward(np.full(50, 1.7e308), 0.5, rng=0)
    np.testing.assert_array_equal(y, np.where(cache.keep, np.inf, 0))
    y, cache = dropout_forward(np.full(50, 0.8e308), 0.5, rng=0)
    np.testing.assert_array_equal(y, np.where(cache.keep, 1.6e308, 0))
