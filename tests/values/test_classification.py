"""The losses of class scores by hand, row by row, and their identities."""

import numpy as np
import pytest

from refimpl import (
    cross_entropy_backward,
    cross_entropy_forward,
    log_softmax_backward,
    log_softmax_forward,
    nll_loss_backward,
    nll_loss_forward,
)

rng = np.random.default_rng(0)
SCORES = rng.standard_normal((5, 4))
LABELS = np.array([3, 0, 1, 1, 2])
WEIGHT = np.array([0.5, 2.0, 1.5, 1.0])
REDUCTIONS = ("none", "mean", "sum")


def grad_like(output):
    return rng.standard_normal(output.shape)


def test_nll_by_hand():
    rows = np.array([[-0.1, -2.0], [-1.5, -0.3], [-0.7, -0.7]])
    labels, weight = np.array([0, 0, -100]), np.array([2.0, 5.0])
    losses, _ = nll_loss_forward(rows, labels, weight, reduction="none")
    np.testing.assert_array_equal(losses, [2 * 0.1, 2 * 1.5, 0])
    mean, cache = nll_loss_forward(rows, labels, weight)
    assert mean == pytest.approx((0.2 + 3.0) / 4, rel=1e-15)
    np.testing.assert_array_equal(nll_loss_backward(1.0, cache)["input"], [[-2 / 4, 0], [-2 / 4, 0], [0, 0]])


def test_an_ignored_row_counts_nothing_even_if_it_is_infinite():
    rows = np.array([[-0.5, -1.0], [np.nan, -np.inf]])
    loss, cache = nll_loss_forward(rows, np.array([1, -100]))
    assert loss == 1.0
    np.testing.assert_array_equal(nll_loss_backward(1.0, cache)["input"], [[0, -1], [0, 0]])


@pytest.mark.parametrize("forward", [nll_loss_forward, cross_entropy_forward])
def test_the_mean_of_nothing_is_nan(forward):
    assert np.isnan(forward(SCORES, np.full(5, -100))[0])
    assert np.isnan(forward(np.zeros((0, 4)), np.zeros(0, dtype=int))[0])


def test_cross_entropy_by_hand():
    """Scores log 1, log 2, log 5: the probabilities are 1/8, 2/8, 5/8."""
    x = np.log([[1.0, 2.0, 5.0]])
    loss, cache = cross_entropy_forward(x, np.array([1]))
    assert loss == pytest.approx(np.log(4), rel=1e-15)
    np.testing.assert_allclose(cross_entropy_backward(1.0, cache)["input"], [[1 / 8, -6 / 8, 5 / 8]], rtol=1e-15)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_cross_entropy_is_nll_of_log_softmax(reduction, weight):
    log_p, softmax_cache = log_softmax_forward(SCORES, dim=1)
    expected, nll_cache = nll_loss_forward(log_p, LABELS, weight, reduction=reduction)
    output, cache = cross_entropy_forward(SCORES, LABELS, weight, reduction=reduction)
    np.testing.assert_allclose(output, expected, rtol=1e-14)
    g = grad_like(output)
    grad_log_p = nll_loss_backward(g, nll_cache)["input"]
    np.testing.assert_allclose(
        cross_entropy_backward(g, cache)["input"],
        log_softmax_backward(grad_log_p, softmax_cache)["input"],
        rtol=1e-13,
        atol=1e-16,
    )


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_classes_are_probabilities_of_one(reduction):
    """Under a weighted mean they differ: probabilities are divided by their number, classes by their weights."""
    onehot = np.eye(4)[LABELS]
    for smoothing in (0.0, 0.2):
        options = {"weight": WEIGHT, "label_smoothing": smoothing, "reduction": reduction}
        classes, class_cache = cross_entropy_forward(SCORES, LABELS, **options)
        probabilities, cache = cross_entropy_forward(SCORES, onehot, **options)
        np.testing.assert_allclose(classes, probabilities, rtol=1e-14)
        g = grad_like(classes)
        by_class, by_probability = cross_entropy_backward(g, class_cache), cross_entropy_backward(g, cache)
        for name in ("input", "weight"):
            np.testing.assert_allclose(by_class[name], by_probability[name], rtol=1e-13, atol=1e-16)


def test_gradients_of_the_scores_sum_to_zero_over_the_classes():
    for target in (LABELS, np.abs(SCORES)):
        _, cache = cross_entropy_forward(SCORES, target, WEIGHT, label_smoothing=0.1)
        np.testing.assert_allclose(cross_entropy_backward(1.0, cache)["input"].sum(axis=1), 0, atol=1e-16)


def test_weights_scaled_alike_leave_the_weighted_mean():
    """The mean is homogeneous of degree 0 in the weights, so its gradient is orthogonal to them (Euler)."""
    loss, cache = cross_entropy_forward(SCORES, LABELS, WEIGHT)
    assert cross_entropy_forward(SCORES, LABELS, 7 * WEIGHT)[0] == pytest.approx(float(loss), rel=1e-14)
    assert abs(cross_entropy_backward(1.0, cache)["weight"] @ WEIGHT) < 1e-15


def test_a_class_that_cannot_be_costs_nothing_where_it_has_no_share():
    x = np.array([[0.0, -np.inf, 1.0]])
    target = np.array([[0.5, 0.0, 0.5]])
    loss, cache = cross_entropy_forward(x, target)
    assert np.isfinite(loss)
    gradients = cross_entropy_backward(1.0, cache)
    assert np.isfinite(gradients["input"]).all()
    assert gradients["input"][0, 1] == 0
    assert cross_entropy_forward(x, np.array([1]))[0] == np.inf


def test_many_blocks_are_one():
    """More scores than one block holds: 40 rows of 5000 classes."""
    x, labels = rng.standard_normal((40, 5000)), rng.integers(0, 5000, 40)
    losses, cache = cross_entropy_forward(x, labels, reduction="none")
    expected = np.log(np.exp(x).sum(axis=1)) - x[np.arange(40), labels]
    np.testing.assert_allclose(losses, expected, rtol=1e-13)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    p[np.arange(40), labels] -= 1
    np.testing.assert_allclose(cross_entropy_backward(np.ones(40), cache)["input"], p, rtol=1e-11, atol=1e-16)
