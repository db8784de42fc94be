"""Multi-head attention where a row is confident, large, narrow or empty; the true values are mpmath's or exact."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import multi_head_attention_backward, multi_head_attention_forward

ONE = np.eye(1)


def attend(q, k, v, dtype=np.float64, **options):
    """One head of one feature, projected by 1: the scores are q k, rounded once."""
    x = (np.array(a, dtype)[:, None] for a in (q, k, v))
    weight = np.ones((3, 1), dtype)
    return multi_head_attention_forward(
        *x, 1, 1, weight, None, None, None, False, 0.0, ONE.astype(dtype), None, **options
    )  # fmt: skip


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("gap", [1.0, 40.0, 600.0])
def test_a_confident_query_learns_from_the_other_key(gap, need_weights):
    (y, w), cache = attend([gap], [1.0, 0.0], [1.1, 0.2], need_weights=need_weights)
    g = np.ones((1, 1)), np.zeros((1, 2)) if need_weights else None
    grad = multi_head_attention_backward(g, cache)["query"].item()
    with mpmath.workdps(400):
        rest = mpmath.exp(-mpmath.mpf(gap))
        a, b = mpmath.mpf(1.1), mpmath.mpf(0.2)
        assert ulp_distance(y.item(), (a + rest * b) / (1 + rest)) <= 4
        assert ulp_distance(grad, rest / (1 + rest) ** 2 * (a - b)) <= 8
        if need_weights:
            assert ulp_distance(w[0], [1 / (1 + rest), rest / (1 + rest)]).max() <= 4


@pytest.mark.parametrize("need_weights", [False, True])
def test_large_scores(need_weights):
    (y, _), _ = attend([2.0**500], [2.0**500, -(2.0**500), 2.0**500], [1.0, 7.0, 2.0], need_weights=need_weights)
    assert y.item() == 1.5


def test_float16_is_computed_in_float32_and_rounded_once():
    """The score 300 * 300 is no float16, and 2048 + 1 neither."""
    (y, w), _ = attend([300], [300, 300], [2048, 2050], np.float16)
    assert y.dtype == w.dtype == np.float16
    assert y.item() == 2048  # 2049, to even
    np.testing.assert_array_equal(w, [[0.5, 0.5]])


def test_a_row_without_keys():
    """PyTorch's values: NaN where the weights are asked for, else 0."""
    mask = np.array([[True, True], [False, True]])
    (y, w), cache = attend([1.0, 2.0], [1.0, 0.0], [5.0, 7.0], attn_mask=mask)
    np.testing.assert_array_equal(y[:, 0], [np.nan, 5])
    np.testing.assert_array_equal(w, [[np.nan, np.nan], [1, 0]])
    grads = multi_head_attention_backward((np.ones((2, 1)), np.zeros((2, 2))), cache)
    np.testing.assert_array_equal(grads["query"][:, 0], [np.nan, 0])
    (y, _), cache = attend([1.0, 2.0], [1.0, 0.0], [5.0, 7.0], attn_mask=mask, need_weights=False)
    np.testing.assert_array_equal(y[:, 0], [0, 5])
    grads = multi_head_attention_backward((np.ones((2, 1)), None), cache)
    np.testing.assert_array_equal(grads["query"][:, 0], [0, 0])
    np.testing.assert_array_equal(grads["value"][:, 0], [1, 0])
