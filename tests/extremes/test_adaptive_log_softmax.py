"""The adaptive softmax where digits are lost: confident heads and clusters; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    adaptive_log_softmax_log_prob_forward,
    adaptive_log_softmax_with_loss_backward,
    adaptive_log_softmax_with_loss_forward,
)

# Bounds in ulps. The scores are exact: one feature of 1, and a projection of 1.
FORWARD, BACKWARD = 4, 10
HEADS = ((0.0, 0.0, 0.0), (60.0, 0.0, -0.5), (-700.0, 1.5, 0.25), (1e6, 1e6 + 1, 1e6 - 2), (-30.0, 22.25, 745.0))
CLUSTERS = ((0.5, 0.0), (60.0, 0.0), (-700.0, 0.0), (1e15, 1e15 - 2))


def exact(scores, k):
    """log softmax at k, and softmax - onehot; 760 digits hold 1 next to exp(-1700)."""
    with mpmath.workdps(760):
        e = [mpmath.exp(mpmath.mpf(z) - mpmath.mpf(scores[k])) for z in scores]
        others = mpmath.fsum(v for i, v in enumerate(e) if i != k)
        gradient = [v / (1 + others) for v in e]
        gradient[k] = -others / (1 + others)
        return -mpmath.log1p(others), gradient


def model(head, cluster, dtype):
    """Classes 0 and 1 in the head, 2 and 3 in the cluster."""
    one = np.ones((1, 1), dtype)
    weights = np.array(head, dtype)[:, None], [(one, np.array(cluster, dtype)[:, None])]
    return {"input": one, "head_weight": weights[0], "tail_weights": weights[1], "n_classes": 4, "cutoffs": [2]}


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("head", HEADS)
def test_confident_rows_keep_their_digits(head, cluster):
    arguments = model(head, cluster, np.float64)
    every, _ = adaptive_log_softmax_log_prob_forward(**arguments)
    for k in range(4):
        (y, loss), cache = adaptive_log_softmax_with_loss_forward(target=[k], **arguments)
        true, of_head = exact(head, min(k, 2))
        of_cluster = [0, 0]
        if k >= 2:
            within, of_cluster = exact(cluster, k - 2)
            true += within
        assert ulp_distance(y, [true]).max() <= FORWARD
        assert ulp_distance(loss, [-true]).max() <= FORWARD
        assert every[0, k] == y[0]
        gradients = adaptive_log_softmax_with_loss_backward((None, 1.0), cache)
        assert ulp_distance(gradients["head_weight"][:, 0], of_head).max() <= BACKWARD
        assert ulp_distance(gradients["tail_weights"][0][1][:, 0], of_cluster).max() <= BACKWARD


@pytest.mark.parametrize("cluster", CLUSTERS[:2])
@pytest.mark.parametrize("head", HEADS[:2])
def test_float32(head, cluster):
    (y, loss), _ = adaptive_log_softmax_with_loss_forward(target=[2], **model(head, cluster, np.float32))
    assert y.dtype == loss.dtype == np.float32
    true = exact(head, 2)[0] + exact(cluster, 0)[0]
    assert ulp_distance(y, [true]).max() <= FORWARD


def test_the_mean_survives_where_the_sum_overflows():
    arguments = model((0.0, -1.5e308, -1.5e308), (0.0, 0.0), np.float64) | {"input": np.ones((2, 1))}
    (y, loss), _ = adaptive_log_softmax_with_loss_forward(target=[1, 1], **arguments)
    np.testing.assert_array_equal(y, -1.5e308)
    np.testing.assert_array_equal(loss, 1.5e308)
