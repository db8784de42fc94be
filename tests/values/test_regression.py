"""The losses of a residual where their formulas meet, and at degenerate options and weights."""

import numpy as np
import pytest

import refimpl
from refimpl import (
    huber_loss_backward,
    huber_loss_forward,
    l1_loss_backward,
    l1_loss_forward,
    mse_loss_backward,
    mse_loss_forward,
    quantile_loss_backward,
    quantile_loss_forward,
    smooth_l1_loss_backward,
    smooth_l1_loss_forward,
)

rng = np.random.default_rng(0)
X, T = rng.standard_normal((2, 5, 4))
G = rng.standard_normal((5, 4))


def test_at_the_thresholds_both_formulas_agree():
    """PyTorch: the gradient of huber is +-delta there, that of smooth_l1 +-1."""
    d = np.array([-0.5, 0.5])
    values, cache = huber_loss_forward(d, np.zeros(2), "none", delta=0.5)
    np.testing.assert_array_equal(values, [0.125, 0.125])
    np.testing.assert_array_equal(huber_loss_backward(np.ones(2), cache)["input"], [-0.5, 0.5])
    values, cache = smooth_l1_loss_forward(d, np.zeros(2), "none", beta=0.5)
    np.testing.assert_array_equal(values, [0.25, 0.25])
    np.testing.assert_array_equal(smooth_l1_loss_backward(np.ones(2), cache)["input"], [-1, 1])


def test_equal_input_and_target_get_no_gradient():
    for name in ("huber_loss", "l1_loss", "log_cosh_loss", "mse_loss", "quantile_loss", "smooth_l1_loss"):
        values, cache = getattr(refimpl, f"{name}_forward")(X, X, reduction="none")
        np.testing.assert_array_equal(values, 0, err_msg=name)
        np.testing.assert_array_equal(getattr(refimpl, f"{name}_backward")(G, cache)["input"], 0, err_msg=name)


def test_beta_zero_is_l1():
    for reduction in ("none", "mean", "sum"):
        output, cache = smooth_l1_loss_forward(X, T, reduction, beta=0)
        expected, l1_cache = l1_loss_forward(X, T, reduction)
        np.testing.assert_array_equal(output, expected)
        g = G if reduction == "none" else np.array(0.7)
        gradient = smooth_l1_loss_backward(g, cache)["input"]
        np.testing.assert_array_equal(gradient, l1_loss_backward(g, l1_cache)["input"])


def test_the_median_is_half_of_l1():
    output, cache = quantile_loss_forward(X, T, 0.5, "none")
    np.testing.assert_array_equal(output, np.abs(X - T) / 2)
    np.testing.assert_array_equal(quantile_loss_backward(G, cache)["input"], G * np.sign(X - T) / 2)


def test_a_quantile_and_its_mirror():
    """Swapping input and target swaps the quantile for its complement."""
    for q in (0.0, 0.25, 1.0):
        np.testing.assert_array_equal(quantile_loss_forward(X, T, q)[0], quantile_loss_forward(T, X, 1 - q)[0])


def test_weights_of_one_change_nothing():
    ones = np.ones_like(X)
    for name in ("huber_loss", "l1_loss", "mse_loss"):
        forward, backward = getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward")
        for reduction in ("none", "mean", "sum"):
            output, cache = forward(X, T, reduction=reduction)
            weighted, weighted_cache = forward(X, T, reduction=reduction, weight=ones)
            np.testing.assert_array_equal(weighted, output)
            g = G if reduction == "none" else np.array(0.7)
            np.testing.assert_array_equal(backward(g, weighted_cache)["input"], backward(g, cache)["input"])
            assert "weight" not in backward(g, cache)


def test_what_a_weighted_mean_divides_by():
    """mse and l1: by the sum of the weights, so that a common factor cancels. huber: by the number of elements."""
    w = np.array([1.0, 3.0])
    d = np.array([0.5, 0.25])
    assert mse_loss_forward(d, np.zeros(2), weight=w)[0] == (0.25 + 3 / 16) / 4
    assert l1_loss_forward(d, np.zeros(2), weight=w)[0] == (0.5 + 0.75) / 4
    assert huber_loss_forward(d, np.zeros(2), weight=w)[0] == (0.125 + 3 / 32) / 2
    assert huber_loss_forward(d, np.zeros(2), weight=4 * w)[0] == 4 * (0.125 + 3 / 32) / 2


def test_weights_that_sum_to_zero_have_no_mean():
    """As in PyTorch: 0 / 0, and a number over 0."""
    w = np.array([1.0, -1.0])
    assert np.isnan(mse_loss_forward([1.0, 1.0], [0.0, 0.0], weight=w)[0])
    assert l1_loss_forward([2.0, 1.0], [0.0, 0.0], weight=w)[0] == np.inf
    assert np.isnan(mse_loss_forward([1.0, 1.0], [0.0, 0.0], weight=np.zeros(2))[0])


@pytest.mark.parametrize("name", ["huber_loss", "l1_loss", "mse_loss"])
def test_mixed_dtypes_answer_in_the_widest(name):
    forward, backward = getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward")
    x, w = X.astype(np.float32), np.abs(G).astype(np.float16)
    output, cache = forward(x, T, weight=w)
    expected, wide = forward(x.astype(np.float64), T, weight=w.astype(np.float64))
    assert output.dtype == np.float64
    assert output == expected
    gradients, expected = backward(1.0, cache), backward(1.0, wide)
    assert {key: g.dtype for key, g in gradients.items()} == {"input": x.dtype, "target": T.dtype, "weight": w.dtype}
    for key, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, expected[key].astype(gradient.dtype))


def test_the_gradient_of_a_mean_is_that_of_its_formula():
    """mse with weights, written out as the quotient that it is."""
    w = np.abs(G)
    loss, cache = mse_loss_forward(X, T, weight=w)
    gradients = mse_loss_backward(2.0, cache)
    np.testing.assert_allclose(gradients["input"], 2 * 2 * w * (X - T) / w.sum(), rtol=1e-14)
    np.testing.assert_allclose(gradients["weight"], 2 * ((X - T) ** 2 - loss) / w.sum(), rtol=1e-12)
