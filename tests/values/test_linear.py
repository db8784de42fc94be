"""The linear maps by hand, and their identities."""

import numpy as np

from refimpl import (
    bilinear_backward,
    bilinear_forward,
    grouped_mm_backward,
    grouped_mm_forward,
    linear_backward,
    linear_forward,
)

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


def test_bilinear_by_hand():
    x1, x2, w = [[1.0, 2], [0, -1]], [[3.0, 0, 1], [1, 1, 1]], [[[1.0, 0, 2], [0, 5, -1]]]
    y, cache = bilinear_forward(x1, x2, w, [0.5])
    np.testing.assert_array_equal(y, [[1 * (3 + 2) + 2 * -1 + 0.5], [-1 * (5 - 1) + 0.5]])
    grads = bilinear_backward([[1.0], [10.0]], cache)
    np.testing.assert_array_equal(grads["input1"], [[5, -1], [10 * 3, 10 * 4]])
    np.testing.assert_array_equal(grads["input2"], [[1, 10, 0], [0, -50, 10]])
    np.testing.assert_array_equal(grads["weight"], [[[3, 0, 1], [6 - 10, -10, 2 - 10]]])
    np.testing.assert_array_equal(grads["bias"], [11])


def test_bilinear_of_many_features_out_is_done_in_blocks():
    """Features out one at a time give the same as all together."""
    x1, x2, w = rng.standard_normal((200, 3)), rng.standard_normal((200, 100)), rng.standard_normal((10, 3, 100))
    g = rng.standard_normal((200, 10))
    y, cache = bilinear_forward(x1, x2, w)
    grads = bilinear_backward(g, cache)
    np.testing.assert_allclose(y, np.einsum("ni,oij,nj->no", x1, w, x2), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(grads["input1"], np.einsum("no,oij,nj->ni", g, w, x2), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(grads["input2"], np.einsum("no,oij,ni->nj", g, w, x1), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(grads["weight"], np.einsum("no,ni,nj->oij", g, x1, x2), rtol=1e-12, atol=1e-11)


def test_each_group_is_a_matrix_product_of_its_own():
    a, b = rng.standard_normal((6, 3)), rng.standard_normal((2, 3, 5))
    y, cache = grouped_mm_forward(a, b, offs=[2, 6])
    np.testing.assert_array_equal(y, np.concatenate([a[:2] @ b[0], a[2:] @ b[1]]))
    g = rng.standard_normal((6, 5))
    grads = grouped_mm_backward(g, cache)
    # The gradient of the weights of the experts is the form with both matrices cut along the summed axis.
    np.testing.assert_array_equal(grads["mat_b"], grouped_mm_forward(a.T, g, offs=[2, 6])[0])
    np.testing.assert_array_equal(grads["mat_a"], grouped_mm_forward(g, b.transpose(0, 2, 1), offs=[2, 6])[0])


def test_beyond_the_last_group_is_0():
    y, cache = grouped_mm_forward(np.ones((4, 2)), np.ones((1, 2, 3)), offs=[1])
    np.testing.assert_array_equal(y, [[2, 2, 2], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    grads = grouped_mm_backward(np.full((4, 3), 5.0), cache)
    np.testing.assert_array_equal(grads["mat_a"], [[15, 15], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(grads["mat_b"], np.full((1, 2, 3), 5))


def test_grouped_mm_answers_in_the_dtype_asked_for():
    y, cache = grouped_mm_forward(np.ones((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32), out_dtype="float64")
    assert y.dtype == np.float64
    assert grouped_mm_backward(y, cache)["mat_a"].dtype == np.float32
