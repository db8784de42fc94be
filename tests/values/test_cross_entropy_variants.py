"""The poly loss and the z-loss by hand, and their identities."""

import numpy as np
import pytest

from refimpl import (
    cross_entropy_backward,
    cross_entropy_forward,
    poly_loss_backward,
    poly_loss_forward,
    softmax_forward,
    z_loss_backward,
    z_loss_forward,
)

rng = np.random.default_rng(0)
SCORES = rng.standard_normal((5, 4))
LABELS = np.array([3, 0, 1, 1, 2])


def test_poly_loss_by_hand():
    """Scores log 1, log 2, log 5: the probabilities are 1/8, 2/8, 5/8."""
    x = np.log([[1.0, 2.0, 5.0]])
    loss, cache = poly_loss_forward(x, [1], epsilon=4)
    assert loss == pytest.approx(np.log(4) + 3, rel=1e-15)
    # cross entropy's gradient times 1 + 4 / 4
    np.testing.assert_allclose(poly_loss_backward(1.0, cache)["input"], [[2 / 8, -12 / 8, 10 / 8]], rtol=1e-15)


def test_poly_loss_of_probabilities_by_hand():
    """t = (1/2, 0, 1/2): q = t (1 + 2 p) = (5/8, 0, 9/8), whose sum is 7/4, and the gradient is 7/4 p - q."""
    x = np.log([[1.0, 2.0, 5.0]])
    loss, cache = poly_loss_forward(x, [[0.5, 0.0, 0.5]])
    assert loss == pytest.approx((np.log(8) + 2 * 7 / 8 + np.log(8 / 5) + 2 * 3 / 8) / 2, rel=1e-15)
    gradients = poly_loss_backward(1.0, cache)
    np.testing.assert_allclose(gradients["input"], [[-13 / 32, 14 / 32, -1 / 32]], rtol=1e-14)
    np.testing.assert_allclose(
        gradients["target"], [[np.log(8) + 7 / 4, np.log(4) + 6 / 4, np.log(8 / 5) + 3 / 4]], rtol=1e-15
    )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_without_epsilon_it_is_cross_entropy(reduction):
    for target in (LABELS, np.abs(SCORES)):
        expected, expected_cache = cross_entropy_forward(SCORES, target, reduction=reduction)
        output, cache = poly_loss_forward(SCORES, target, 0.0, reduction=reduction)
        np.testing.assert_array_equal(output, expected)
        g = rng.standard_normal(output.shape)
        gradients, expected = poly_loss_backward(g, cache), cross_entropy_backward(g, expected_cache)
        np.testing.assert_array_equal(gradients["input"], expected["input"])


@pytest.mark.parametrize("epsilon", [2.0, -1.0])
def test_classes_are_probabilities_of_one(epsilon):
    onehot = np.eye(4)[LABELS]
    classes, class_cache = poly_loss_forward(SCORES, LABELS, epsilon)
    probabilities, cache = poly_loss_forward(SCORES, onehot, epsilon)
    np.testing.assert_allclose(classes, probabilities, rtol=1e-15)
    expected = poly_loss_backward(1.0, cache)["input"]
    np.testing.assert_allclose(poly_loss_backward(1.0, class_cache)["input"], expected, rtol=1e-15)


def test_ignored_rows_count_nothing():
    loss, cache = poly_loss_forward(np.array([[0.5, -1.0], [700.0, -700.0]]), [1, -100])
    alone, _ = poly_loss_forward([[0.5, -1.0]], [1])
    assert loss == alone
    np.testing.assert_array_equal(poly_loss_backward(1.0, cache)["input"][1], [0, 0])
    assert np.isnan(poly_loss_forward(SCORES, np.full(5, -100))[0])


def test_a_class_that_cannot_be_costs_nothing_where_it_has_no_share():
    loss, cache = poly_loss_forward([[0.0, -np.inf, 1.0]], [[0.5, 0.0, 0.5]])
    assert np.isfinite(loss)
    assert np.isfinite(poly_loss_backward(1.0, cache)["input"]).all()


def test_z_loss_by_hand():
    """The exponentials 1, 2, 5 have the sum 8."""
    loss, cache = z_loss_forward(np.log([[1.0, 2.0, 5.0]]))
    assert loss == pytest.approx(np.log(8) ** 2, rel=1e-15)
    gradient = z_loss_backward(1.0, cache)["input"]
    np.testing.assert_allclose(gradient, 2 * np.log(8) * np.array([[1, 2, 5]]) / 8, rtol=1e-15)


def test_z_loss_pulls_all_scores_alike():
    """A shift of a row changes its z by as much: the row's gradient sums to 2 z; and it is proportional to softmax."""
    losses, cache = z_loss_forward(SCORES, reduction="none")
    gradient = z_loss_backward(np.ones(5), cache)["input"]
    z = np.log(np.exp(SCORES).sum(axis=1))
    np.testing.assert_allclose(losses, z**2, rtol=1e-14)
    np.testing.assert_allclose(gradient.sum(axis=1), 2 * z, rtol=1e-14)
    np.testing.assert_allclose(
        gradient / gradient.sum(axis=1, keepdims=True), softmax_forward(SCORES, 1)[0], rtol=1e-14
    )


def test_z_loss_of_log_probabilities_is_nothing():
    log_p = np.log([[0.25, 0.75], [0.5, 0.5]])
    assert z_loss_forward(log_p, reduction="sum")[0] < 1e-31
    assert np.isnan(z_loss_forward(np.zeros((0, 2)))[0])


def test_many_blocks_are_one():
    """More scores than one block holds: 40 rows of 5000 classes."""
    x, labels = rng.standard_normal((40, 5000)), rng.integers(0, 5000, 40)
    z = np.log(np.exp(x).sum(axis=1))
    p = np.exp(x - z[:, None])
    np.testing.assert_allclose(z_loss_forward(x)[0], (z**2).mean(), rtol=1e-13)
    p_y = p[np.arange(40), labels]
    losses, cache = poly_loss_forward(x, labels, reduction="none")
    np.testing.assert_allclose(losses, 2 * (1 - p_y) - np.log(p_y), rtol=1e-13)
    expected = (1 + 2 * p_y[:, None]) * (p - (np.arange(5000) == labels[:, None]))
    np.testing.assert_allclose(poly_loss_backward(np.ones(40), cache)["input"], expected, rtol=1e-11, atol=1e-16)
