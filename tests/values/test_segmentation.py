"""The losses of overlap: counts of pixels, loops over regions, shapes."""

import numpy as np
import pytest

from refimpl import (
    binary_dice_loss_forward,
    binary_tversky_loss_forward,
    multiclass_dice_loss_forward,
    multiclass_tversky_loss_backward,
    multiclass_tversky_loss_forward,
)

rng = np.random.default_rng(0)
P, T = rng.uniform(size=(2, 2, 3, 4, 5))


def index(p, t, alpha, beta, smooth):
    """The Tversky index of one region as Salehi et al. write it."""
    kept = sum(x * y for x, y in zip(p, t, strict=True)) + smooth
    false_alarms = sum(x * (1 - y) for x, y in zip(p, t, strict=True))
    misses = sum((1 - x) * y for x, y in zip(p, t, strict=True))
    return kept / (kept + alpha * false_alarms + beta * misses)


def test_region_by_region():
    weight = np.array([0.5, 2, 1])
    expected = [
        [weight[c] * (1 - index(P[n, c].ravel(), T[n, c].ravel(), 0.3, 0.8, 0.5)) for c in range(3)] for n in range(2)
    ]
    for reduction, reduced in (("none", expected), ("sum", np.sum(expected)), ("mean", np.mean(expected))):
        loss, _ = multiclass_tversky_loss_forward(P, T, weight, 0.3, 0.8, 0.5, reduction)
        np.testing.assert_allclose(loss, reduced, rtol=1e-13)
    binary = [1 - index(P[n].ravel(), T[n].ravel(), 0.3, 0.8, 0.5) for n in range(2)]
    np.testing.assert_allclose(binary_tversky_loss_forward(P, T, 0.3, 0.8, 0.5, "none")[0], binary, rtol=1e-13)


def test_dice_is_twice_the_overlap_over_the_sizes():
    """Three pixels predicted, two true, one in common: 2 / 5; with smooth 1, (1 + 1) / (5 / 2 + 1)."""
    p, t = np.array([[1.0, 1, 1, 0, 0]]), np.array([[1.0, 0, 0, 1, 0]])
    assert binary_dice_loss_forward(p, t, smooth=0)[0] == pytest.approx(1 - 2 / 5, rel=1e-15)
    assert binary_dice_loss_forward(p, t)[0] == pytest.approx(1 - 2 / 3.5, rel=1e-15)


def test_pixels_may_stand_in_any_number_of_axes():
    flat = multiclass_dice_loss_forward(P.reshape(2, 3, 20), T.reshape(2, 3, 20), reduction="none")[0]
    np.testing.assert_array_equal(multiclass_dice_loss_forward(P, T, reduction="none")[0], flat)


def test_a_background_of_weight_0_gets_no_gradient():
    _, cache = multiclass_tversky_loss_forward(P, T, np.array([0.0, 1, 1]))
    grads = multiclass_tversky_loss_backward(np.array(1.0), cache)
    assert not grads["input"][:, 0].any()
    assert grads["input"][:, 1:].all()
    assert grads["weight"].all()  # what it would cost to count it


def test_the_mean_of_nothing_is_nan():
    assert np.isnan(binary_dice_loss_forward(np.zeros((0, 3)), np.zeros((0, 3)))[0])
