"""The pairs behind / and **."""

import numpy as np
import pytest
from graph_values import leaf

from refimpl import gradcheck
from refimpl.graph import arithmetic

rng = np.random.default_rng(0)


@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 1)), ((), (2, 2)), ((0, 2), (2,))])
def test_divide(shapes):
    x, z = rng.standard_normal(shapes[0]), rng.uniform(0.5, 2, shapes[1])
    assert gradcheck(arithmetic.divide_forward, arithmetic.divide_backward, x, z).passed
    for dtype in (np.float16, np.float32):
        y, cache = arithmetic.divide_forward(x.astype(dtype), z.astype(dtype))
        gradients = arithmetic.divide_backward(np.ones(y.shape), cache)
        assert y.dtype == gradients["input"].dtype == gradients["other"].dtype == dtype


@pytest.mark.parametrize("exponent", [2, 3, 0.5, -1, 1, 0, -2.5])
def test_power(exponent):
    x = rng.uniform(0.5, 2, (2, 3))
    assert gradcheck(arithmetic.power_forward, arithmetic.power_backward, x, exponent).passed
    for dtype in (np.float16, np.float32):
        for x in (np.ones((2, 3), dtype), np.array(2, dtype)):
            y, cache = arithmetic.power_forward(x, exponent)
            assert y.dtype == arithmetic.power_backward(np.ones(y.shape), cache)["input"].dtype == dtype


def test_divide_and_power_at_the_limits():
    a, b = leaf([1e200, 0.0, 1.0]), leaf([1e200, 0.0, 0.0])
    with np.errstate(all="raise"):
        (a / b).backward([1.0, 1.0, 1.0])
    np.testing.assert_array_equal(a.grad, [1e-200, np.inf, np.inf])
    np.testing.assert_array_equal(b.grad, [-1e-200, np.nan, -np.inf])
    for exponent, slope in ((2, 0), (1, 1), (0, 0), (0.5, np.inf)):
        x = leaf(0)
        with np.errstate(all="raise"):
            (x**exponent).backward()
        assert x.grad == slope
