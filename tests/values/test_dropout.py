"""Dropout by hand, and its identities."""

import numpy as np
import pytest

import refimpl
from refimpl import alpha_dropout_backward, alpha_dropout_forward, dropout_backward, dropout_forward
from refimpl.layers.dropout import ALPHA

OPS = {
    "dropout": (4, 3),
    "dropout1d": (4, 3, 2),
    "dropout2d": (4, 3, 2, 5),
    "dropout3d": (4, 3, 2, 1, 2),
    "alpha_dropout": (4, 3),
    "feature_alpha_dropout": (4, 3, 2),
}
rng = np.random.default_rng(0)


def pair(op):
    return getattr(refimpl, f"{op}_forward"), getattr(refimpl, f"{op}_backward")


def test_what_is_kept_is_scaled_up():
    x = np.arange(1.0, 21.0)
    y, cache = dropout_forward(x, 0.75, rng=0)
    kept = y != 0
    assert 0 < kept.sum() < 20
    np.testing.assert_array_equal(y[kept], 4 * x[kept])
    np.testing.assert_array_equal(dropout_backward(np.full(20, 0.5), cache)["input"], np.where(kept, 2, 0))


def test_alpha_dropout_has_the_constants_of_selu():
    """selu tends to -scale alpha, and the affine map that restores mean 0 and variance 1 is a x + b."""
    p = 0.25
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
    assert scale * alpha == ALPHA
    x = rng.standard_normal(50)
    y, cache = alpha_dropout_forward(x, p, training=True, rng=0)
    grad = alpha_dropout_backward(np.ones(50), cache)["input"]
    kept = grad != 0
    a = ((1 - p) * (1 + p * ALPHA**2)) ** -0.5
    b = a * ALPHA * p
    np.testing.assert_allclose(y, np.where(kept, a * x + b, -a * ALPHA + b), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(grad[kept], a, rtol=1e-15)


@pytest.mark.parametrize("op", OPS)
def test_evaluation_is_the_identity_in_a_new_array(op):
    forward, backward = pair(op)
    x, g = rng.standard_normal((2, *OPS[op]))
    for y, cache in (forward(x, 0.5, training=False), forward(x, 0, training=True)):
        grad = backward(g, cache)["input"]
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(grad, g)
        assert not np.shares_memory(y, x)
        assert not np.shares_memory(grad, g)


@pytest.mark.parametrize("op", OPS)
def test_everything_left_out_is_zero(op):
    forward, backward = pair(op)
    y, cache = forward(rng.standard_normal(OPS[op]), 1.0, training=True)
    assert not y.any()
    assert not backward(np.ones(OPS[op]), cache)["input"].any()


@pytest.mark.parametrize("op", OPS)
def test_the_change_of_the_output_is_the_backward_of_the_change(op):
    """The map is affine, and its linear part is its own transpose: the same mask, the same scale."""
    forward, backward = pair(op)
    x, d = rng.standard_normal((2, *OPS[op]))
    y, cache = forward(x, 0.4, training=True, rng=3)
    moved, _ = forward(x + d, 0.4, training=True, rng=3)
    np.testing.assert_allclose(moved - y, backward(d, cache)["input"], rtol=0, atol=1e-14)


def test_a_rate_below_the_resolution_of_the_draws_leaves_out_next_to_nothing():
    """The draws are multiples of 2^-24."""
    y, _ = dropout_forward(np.ones(100_000), 1e-12, rng=0)
    assert (y != 0).all()
    y, _ = dropout_forward(np.ones(100_000), 1 - 1e-12, rng=0)
    assert not y.any()
