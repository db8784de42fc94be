"""The losses of a margin against loops, and what they return at their kinks and of nothing."""

import numpy as np
import pytest

import refimpl
from refimpl import multi_margin_loss_backward, multi_margin_loss_forward

rng = np.random.default_rng(0)


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weight", [None, np.array([0.5, 2.0, 1.5, 1.0])])
def test_multi_margin_loop(p, weight):
    x, y = rng.standard_normal((5, 4)), rng.integers(0, 4, 5)
    losses = []
    for row, label in zip(x, y, strict=True):
        terms = [max(0, 0.7 - row[label] + s) ** p for c, s in enumerate(row) if c != label]
        losses.append((1 if weight is None else weight[label]) * sum(terms) / 4)
    found, _ = multi_margin_loss_forward(x, y, p, 0.7, weight, "none")
    np.testing.assert_allclose(found, losses, rtol=1e-14)
    assert multi_margin_loss_forward(x, y, p, 0.7, weight)[0] == pytest.approx(np.mean(losses), rel=1e-14)


def test_multi_margin_is_smooth_at_the_margin_for_p_2():
    _, cache = multi_margin_loss_forward(np.array([[1.0, 0.0, 0.5]]), np.array([0]), p=2)
    gradient = multi_margin_loss_backward(np.array(3.0), cache)["input"]
    np.testing.assert_array_equal(gradient, [[-1, 0, 1]])


def test_labels_of_any_integer_dtype():
    x = rng.standard_normal((3, 4))
    for dtype in (np.uint8, np.int32, np.uint64):
        y = np.array([0, 3, 1], dtype=dtype)
        found, cache = multi_margin_loss_forward(x, y)
        assert found == multi_margin_loss_forward(x, y.astype(np.int64))[0]
        multi_margin_loss_backward(np.array(1.0), cache)


@pytest.mark.parametrize("name", ["hinge_embedding_loss", "soft_margin_loss"])
def test_the_mean_of_nothing_is_nan(name):
    assert np.isnan(getattr(refimpl, f"{name}_forward")(np.zeros(0), np.zeros(0))[0])


@pytest.mark.parametrize("name", ["multi_margin_loss", "multilabel_margin_loss"])
def test_an_empty_batch_reduced(name):
    """Where PyTorch 2.13 returns memory that it has not written."""
    forward, backward = getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward")
    target = np.zeros((0,) if name == "multi_margin_loss" else (0, 3), dtype=int)
    total, cache = forward(np.zeros((0, 3)), target, reduction="sum")
    assert total == 0
    assert backward(np.array(1.0), cache)["input"].shape == (0, 3)
    assert np.isnan(forward(np.zeros((0, 3)), target)[0])


def test_nan_stays_nan():
    for name in ("hinge_embedding_loss", "soft_margin_loss"):
        found, _ = getattr(refimpl, f"{name}_forward")(np.full(2, np.nan), np.array([1, -1]), reduction="none")
        assert np.isnan(found).all()
