"""The cross entropy of a linear map where digits are lost: confident rows, offsets; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import linear_cross_entropy_backward, linear_cross_entropy_forward

# Bounds in ulps. The scores here are exact: features and weights are such that no product or sum is rounded.
FORWARD, BACKWARD = 3, 8


def exact(scores, label):
    """-log p_y and p - onehot, from the distances to the label's score; 760 digits hold 1 next to exp(-1700)."""
    with mpmath.workdps(760):
        e = [mpmath.exp(mpmath.mpf(float(z)) - float(scores[label])) for z in scores]
        others = mpmath.fsum(v for i, v in enumerate(e) if i != label)
        gradient = [v / (1 + others) for v in e]
        gradient[label] = -others / (1 + others)
        return mpmath.log1p(others), gradient


@pytest.mark.parametrize("gap", [0.0, 1.5, 22.25, 60.0, 700.0, 745.0, -30.0, -700.0])
def test_confident_rows_keep_their_digits(gap):
    """One feature of 1: the weight's gradient is that of the scores."""
    scores = np.array([gap, 0.0, -0.5, 0.25])
    loss, cache = linear_cross_entropy_forward([[1.0]], scores[:, None], [0])
    true_loss, true_gradient = exact(scores, 0)
    assert ulp_distance(loss, [true_loss]).max() <= FORWARD
    gradient = linear_cross_entropy_backward(1.0, cache)["linear_weight"][:, 0]
    assert ulp_distance(gradient, true_gradient).max() <= BACKWARD


@pytest.mark.parametrize("offset", [1e6, -1e12, 1e300])
def test_an_offset_of_all_scores_counts_nothing(offset):
    """A bias that is the same for all classes: at 1e300 all scores are it, and the classes are tied."""
    scores = np.array([1.0, 0.0, -2.0]) if abs(offset) < 1e15 else np.zeros(3)
    loss, cache = linear_cross_entropy_forward([1.0], scores[:, None], 2, linear_bias=np.full(3, offset))
    true_loss, true_gradient = exact(scores, 2)
    assert ulp_distance(loss, [true_loss]).max() <= FORWARD
    gradient = linear_cross_entropy_backward(1.0, cache)["linear_bias"]
    assert ulp_distance(gradient, true_gradient).max() <= BACKWARD


def test_the_mean_survives_where_the_sum_overflows():
    x = np.array([[-1.5e154], [-1.2e154]])
    loss, cache = linear_cross_entropy_forward(x, [[1e154], [0.0]], [0, 0])
    assert loss == pytest.approx(1.35e308, rel=1e-15)
    np.testing.assert_array_equal(linear_cross_entropy_backward(1.0, cache)["input"], [[-5e153], [-5e153]])


def test_float32_rows():
    scores = np.array([60.0, 0.0, 7.5], dtype=np.float32)
    loss, cache = linear_cross_entropy_forward(np.ones((1, 1), np.float32), scores[:, None], [0])
    true_loss, true_gradient = exact(scores, 0)
    assert ulp_distance(loss, [true_loss]).max() <= FORWARD
    gradient = linear_cross_entropy_backward(np.float32(1), cache)["linear_weight"][:, 0]
    assert ulp_distance(gradient, true_gradient).max() <= BACKWARD
