"""The gates where they are nearly shut, and maxout on what is no ordinary number; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    geglu_backward,
    geglu_forward,
    glu_backward,
    glu_forward,
    maxout_backward,
    maxout_forward,
    swiglu_backward,
    swiglu_forward,
)

FORWARD, BACKWARD = 5, 6  # an activation's bounds, and the rounding of one more product


def pairs(count=300):
    """Values of all magnitudes that a product may have, and gates from shut to open."""
    rng = np.random.default_rng(0)
    value = rng.choice([-1, 1], count) * 10 ** rng.uniform(-20, 20, count)
    return value, np.concatenate([rng.uniform(-700, 40, count // 2), rng.uniform(-4, 4, count - count // 2)])


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def test_glu():
    a, b = pairs()
    y, cache = glu_forward(np.concatenate([a, b]))
    grad_a, grad_b = np.split(glu_backward(np.ones_like(a), cache)["input"], 2)
    with mpmath.workdps(50):
        value, gate = [mpmath.mpf(v) for v in a], [mpmath.mpf(v) for v in b]
        assert ulp_distance(y, [v * sigmoid(w) for v, w in zip(value, gate, strict=True)]).max() <= FORWARD
        assert ulp_distance(grad_a, [sigmoid(w) for w in gate]).max() <= BACKWARD
        exact = [v * sigmoid(w) * sigmoid(-w) for v, w in zip(value, gate, strict=True)]
        assert ulp_distance(grad_b, exact).max() <= BACKWARD


def test_glu_beyond_the_exponential():
    """exp(-740) is a subnormal number of few digits, 1e300 times it an ordinary one."""
    y, cache = glu_forward(np.array([1e300, -740.0]))
    with mpmath.workdps(50):
        true = mpmath.mpf(1e300) * sigmoid(mpmath.mpf(-740))
    gradient = glu_backward(np.array([1.0]), cache)["input"]
    assert ulp_distance(y, [true]).max() <= FORWARD
    assert ulp_distance(gradient[1:], [true]).max() <= BACKWARD


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    return x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def silu_slope(x):
    return sigmoid(x) * (1 + x * sigmoid(-x))


def gelu_slope(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2 + x * mpmath.npdf(x)


@pytest.mark.parametrize(
    ("forward", "backward", "options", "gate", "slope", "lowest"),
    [
        (swiglu_forward, swiglu_backward, {}, silu, silu_slope, -700),
        (geglu_forward, geglu_backward, {"approximate": "none"}, gelu, gelu_slope, -37),
    ],
)
def test_gated_products(forward, backward, options, gate, slope, lowest):
    b, a = pairs()
    a = np.where(np.abs(a + 1) < 1.2, 1, np.maximum(a, lowest))  # away from the root of the slope
    y, cache = forward(a, b, **options)
    gradients = backward(np.ones_like(a), cache)
    with mpmath.workdps(50):
        x, w = [mpmath.mpf(v) for v in a], [mpmath.mpf(v) for v in b]
        assert ulp_distance(y, [gate(v) * u for v, u in zip(x, w, strict=True)]).max() <= FORWARD
        assert ulp_distance(gradients["b"], [gate(v) for v in x]).max() <= BACKWARD
        assert ulp_distance(gradients["a"], [slope(v) * u for v, u in zip(x, w, strict=True)]).max() <= BACKWARD


def test_maxout_of_infinities_and_nan():
    y, cache = maxout_forward(np.array([[-np.inf, -np.inf, np.nan, 1.0, np.inf, 2.0]]), 2)
    np.testing.assert_array_equal(y, [[-np.inf, np.nan, np.inf]])
    np.testing.assert_array_equal(maxout_backward([[1.0, 2.0, 3.0]], cache)["x"], [[1, 0, 2, 0, 3, 0]])
