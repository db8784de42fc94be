"""The rectifiers against loops, and each other."""

import itertools

import numpy as np
import pytest

from refimpl import (
    leaky_relu_backward,
    leaky_relu_forward,
    prelu_backward,
    prelu_forward,
    rrelu_backward,
    rrelu_forward,
)

rng = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 4, 2)])
def test_prelu_element_by_element(shape):
    x, g = rng.standard_normal((2, *shape))
    w = np.array([0.3, -0.7, 1.5])
    y, grad_x, grad_w = np.empty(shape), np.empty(shape), np.zeros(3)
    for i in itertools.product(*map(range, shape)):
        channel = i[1]
        slope = 1 if x[i] > 0 else w[channel]
        y[i], grad_x[i] = slope * x[i], slope * g[i]
        if x[i] <= 0:
            grad_w[channel] += g[i] * x[i]
    output, cache = prelu_forward(x, w)
    gradients = prelu_backward(g, cache)
    np.testing.assert_array_equal(output, y)
    np.testing.assert_array_equal(gradients["input"], grad_x)
    np.testing.assert_allclose(gradients["weight"], grad_w, rtol=1e-13)


def test_prelu_mixed_dtypes():
    output, cache = prelu_forward(np.array([[-1.0, 2.0]], dtype=np.float32), np.array([0.1, 0.2]))
    assert output.dtype == np.float64
    gradients = prelu_backward(np.ones((1, 2)), cache)
    assert (gradients["input"].dtype, gradients["weight"].dtype) == (np.float32, np.float64)


def test_one_slope_is_leaky_relu():
    x, g = rng.standard_normal((2, 3, 4))
    output, cache = leaky_relu_forward(x, 0.2)
    same, prelu_cache = prelu_forward(x, np.array(0.2))
    np.testing.assert_array_equal(output, same)
    expected = leaky_relu_backward(g, cache)["input"]
    np.testing.assert_array_equal(prelu_backward(g, prelu_cache)["input"], expected)
    drawn, rrelu_cache = rrelu_forward(x, 0.2, 0.2, training=True, rng=0)
    np.testing.assert_array_equal(drawn, output)
    np.testing.assert_array_equal(rrelu_backward(g, rrelu_cache)["input"], expected)


def test_rrelu_draws_one_number_per_element_whatever_its_sign():
    x = -np.ones(10)
    y, _ = rrelu_forward(x, training=True, rng=0)
    x[3] = 1
    changed, _ = rrelu_forward(x, training=True, rng=0)
    np.testing.assert_array_equal(np.delete(changed, 3), np.delete(y, 3))


def test_rrelu_half_precision_uses_the_slopes_of_float64():
    x = -np.ones(100)
    y, _ = rrelu_forward(x, training=True, rng=0)
    half, cache = rrelu_forward(x.astype(np.float16), training=True, rng=0)
    np.testing.assert_array_equal(half, y.astype(np.float16))
    assert rrelu_backward(np.ones(100), cache)["input"].dtype == np.float16
