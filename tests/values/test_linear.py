"""The linear map by hand, and its identities."""

import numpy as np

from refimpl import linear_backward, linear_forward

rng = np.random.default_rng(0)


def test_by_hand():
    output, cache = linear_forward([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0], [7.0, 8.0]], [0.5, 0.0, -1.0])
    np.testing.assert_array_equal(output, [[1 * 3 + 2 * 4 + 0.5, 1 * 5 + 2 * 6, 1 * 7 + 2 * 8 - 1.0]])
    gradients = linear_backward([[1.0, 0.0, -2.0]], cache)
    np.testing.assert_array_equal(gradients["input"], [[1 * 3 - 2 * 7, 1 * 4 - 2 * 8]])
    np.testing.assert_array_equal(gradients["weight"], [[1, 2], [0, 0], [-2, -4]])
    np.testing.assert_array_equal(gradients["bias"], [1, 0, -2])


def test_adjoint():
    """<x W^T, g> = <x, g W>: the backward is the transpose of the forward."""
    x, w, g = rng.standard_normal((2, 3, 4)), rng.standard_normal((5, 4)), rng.standard_normal((2, 3, 5))
    output, cache = linear_forward(x, w)
    gradients = linear_backward(g, cache)
    np.testing.assert_allclose(np.vdot(output, g), np.vdot(x, gradients["input"]), rtol=1e-13)
    np.testing.assert_allclose(np.vdot(output, g), np.vdot(w, gradients["weight"]), rtol=1e-13)


def test_leading_axes_are_one_batch():
    x, w, b = rng.standard_normal((2, 3, 4)), rng.standard_normal((5, 4)), rng.standard_normal(5)
    g = rng.standard_normal((2, 3, 5))
    folded = linear_backward(g.reshape(6, 5), linear_forward(x.reshape(6, 4), w, b)[1])
    gradients = linear_backward(g, linear_forward(x, w, b)[1])
    np.testing.assert_allclose(gradients["input"].reshape(6, 4), folded["input"], rtol=1e-15)
    np.testing.assert_allclose(gradients["weight"], folded["weight"], rtol=1e-14)
    np.testing.assert_allclose(gradients["bias"], folded["bias"], rtol=1e-14)


def test_mixed_dtypes_answer_in_the_widest_and_each_gradient_in_its_own():
    output, cache = linear_forward(np.ones((2, 3), np.float32), np.ones((4, 3)), np.ones(4, np.float16))
    assert output.dtype == np.float64
    gradients = linear_backward(np.ones((2, 4)), cache)
    assert {name: g.dtype.name for name, g in gradients.items()} == {
        "input": "float32",
        "weight": "float64",
        "bias": "float16",
    }
