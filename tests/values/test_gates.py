"""The gates against formulas written out, and loops."""

import itertools
import math

import numpy as np
import pytest

from refimpl import (
    geglu_forward,
    glu_backward,
    glu_forward,
    maxout_backward,
    maxout_forward,
    swiglu_backward,
    swiglu_forward,
)

rng = np.random.default_rng(0)


@pytest.mark.parametrize(("shape", "dim"), [((6,), 0), ((3, 4), -1), ((4, 3), 0), ((2, 4, 3), 1)])
def test_glu_element_by_element(shape, dim):
    x = rng.standard_normal(shape)
    y, cache = glu_forward(x, dim)
    g = rng.standard_normal(y.shape)
    grad = glu_backward(g, cache)["input"]
    n = shape[dim] // 2
    for i in itertools.product(*map(range, y.shape)):
        j = list(i)
        j[dim] += n
        a, s = x[i], 1 / (1 + math.exp(-x[tuple(j)]))
        np.testing.assert_allclose(y[i], a * s, rtol=1e-14)
        np.testing.assert_allclose(grad[i], g[i] * s, rtol=1e-14)
        np.testing.assert_allclose(grad[tuple(j)], g[i] * a * s * (1 - s), rtol=1e-13)


def test_products_by_the_formulas():
    a, b = rng.standard_normal((2, 3, 4))
    gate = a / (1 + np.exp(-a))
    np.testing.assert_allclose(swiglu_forward(a, b)[0], gate * b, rtol=1e-14)
    erf = np.vectorize(math.erf)
    np.testing.assert_allclose(
        geglu_forward(a, b, approximate="none")[0], a * (1 + erf(a / math.sqrt(2))) / 2 * b, rtol=1e-12
    )
    u = math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)
    np.testing.assert_allclose(geglu_forward(a, b)[0], a * (1 + np.tanh(u)) / 2 * b, rtol=1e-12)


def test_products_of_mixed_dtypes():
    a, b = np.ones(3, np.float32), np.ones(3)
    output, cache = swiglu_forward(a, b)
    assert output.dtype == np.float64
    gradients = swiglu_backward(np.ones(3), cache)
    assert (gradients["a"].dtype, gradients["b"].dtype) == (np.float32, np.float64)


@pytest.mark.parametrize(
    ("shape", "axis", "pieces"), [((6,), 0, 3), ((2, 6), 1, 2), ((6, 2), 0, 3), ((2, 4, 3), -2, 4)]
)
def test_maxout_group_by_group(shape, axis, pieces):
    x = rng.integers(-2, 3, shape).astype(float)  # with ties: the first counts
    y, cache = maxout_forward(x, pieces, axis)
    g = rng.standard_normal(y.shape)
    expected = np.zeros(shape)
    for i in itertools.product(*map(range, y.shape)):
        group = []
        for j in range(pieces):
            position = list(i)
            position[axis] = i[axis] * pieces + j
            group.append(tuple(position))
        best = max(group, key=lambda position: x[position])
        assert y[i] == x[best]
        expected[best] = g[i]
    np.testing.assert_array_equal(maxout_backward(g, cache)["x"], expected)
