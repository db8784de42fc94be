"""Losses of embeddings: conventions at zeros and ties, other distances, and the losses of single rows."""

import numpy as np
import pytest

from refimpl import (
    cosine_embedding_loss_backward,
    cosine_embedding_loss_forward,
    triplet_margin_loss_backward,
    triplet_margin_loss_forward,
    triplet_margin_with_distance_loss_backward,
    triplet_margin_with_distance_loss_forward,
)

rng = np.random.default_rng(0)


def test_cosine_embedding_loop():
    a, b, t = rng.standard_normal((6, 3)), rng.standard_normal((6, 3)), np.array([1, -1, 1, -1, -1, 1])
    c = [float(x @ y) / np.sqrt(float(x @ x) * float(y @ y)) for x, y in zip(a, b, strict=True)]
    expected = [1 - v if sign == 1 else max(0, v - 0.1) for v, sign in zip(c, t, strict=True)]
    np.testing.assert_allclose(cosine_embedding_loss_forward(a, b, t, 0.1, "none")[0], expected, rtol=1e-13)


def test_cosine_embedding_opposed_rows():
    a = rng.standard_normal((4, 5))
    found, cache = cosine_embedding_loss_forward(a, -2 * a, np.ones(4), reduction="none")
    np.testing.assert_array_equal(found, 2)
    assert not cosine_embedding_loss_backward(np.ones(4), cache)["input1"].any()


def test_triplet_entries_of_difference_zero_have_no_gradient():
    a, b, c = np.array([[0.0, 0, 0]]), np.array([[0.0, 3, 4]]), np.array([[0.0, 0, 1]])
    for p in (0.5, 1, 1.5, 2, 3):
        _, cache = triplet_margin_loss_forward(a, b, c, p=p, eps=0.0)
        grads = triplet_margin_loss_backward(np.array(1.0), cache)
        assert all(grad[0, 0] == 0 for grad in grads.values())
        assert all(np.isfinite(grad).all() for grad in grads.values())


def test_triplet_largest_entries_share_the_gradient():
    a, b, c = np.zeros((1, 3)), np.array([[2.0, -2, 1]]), np.zeros((1, 3))
    _, cache = triplet_margin_loss_forward(a, b, c, p=np.inf, eps=0.0)
    np.testing.assert_array_equal(triplet_margin_loss_backward(np.array(1.0), cache)["positive"], [[0.5, -0.5, 0]])


def test_triplet_of_equal_rows_is_the_margin():
    a = rng.standard_normal((3, 4))
    found, cache = triplet_margin_loss_forward(a, a, a, margin=0.3, eps=0.0, swap=True, reduction="none")
    np.testing.assert_array_equal(found, 0.3)
    assert not any(grad.any() for grad in triplet_margin_loss_backward(np.ones(3), cache).values())


def test_triplet_with_a_distance_keyed_by_position():
    """The names of the distance's arguments are its own."""

    def forward(left, right, scale=2.0):
        return scale * np.abs(left - right), np.sign(left - right) * scale

    def backward(g, cache):
        return {"right": -g * cache, "left": g * cache}

    a, b, c = rng.standard_normal((3, 5))
    found, cache = triplet_margin_with_distance_loss_forward(
        a, b, c, distance_function=(forward, backward), margin=9.0, reduction="none"
    )
    np.testing.assert_allclose(found, 9 + 2 * np.abs(a - b) - 2 * np.abs(a - c), rtol=1e-14)
    grads = triplet_margin_with_distance_loss_backward(np.ones(5), cache)
    np.testing.assert_array_equal(grads["positive"], -2 * np.sign(a - b))
    np.testing.assert_array_equal(grads["negative"], 2 * np.sign(a - c))


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_half_precision_distances_are_not_rounded_on_the_way(reduction):
    a, b, c = rng.standard_normal((3, 4, 8)).astype(np.float16)
    found, _ = triplet_margin_with_distance_loss_forward(a, b, c, reduction=reduction)
    exact, _ = triplet_margin_with_distance_loss_forward(
        a.astype(np.float32), b.astype(np.float32), c.astype(np.float32), reduction=reduction
    )
    np.testing.assert_array_equal(found, exact.astype(np.float16))
