"""Losses of boxes against the formulas of their sources, symmetry, and the two gradients of the complete one."""

import numpy as np
import pytest

import refimpl
from refimpl import assert_gradients, complete_box_iou_loss_backward, complete_box_iou_loss_forward

rng = np.random.default_rng(0)
NAMES = ("box_iou_loss", "generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss")


def boxes(count=200):
    low, sides = rng.uniform(-1, 1, (2, count, 2)), rng.uniform(0.1, 2, (2, count, 2))
    return np.concatenate([low, low + sides], axis=-1)


def pair(name):
    return getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward")


@pytest.mark.parametrize("name", NAMES)
def test_the_two_boxes_are_interchangeable(name):
    forward, backward = pair(name)
    first, second = boxes()
    one, one_cache = forward(first, second)
    other, other_cache = forward(second, first)
    np.testing.assert_allclose(one, other, rtol=1e-14)
    grads, swapped = backward(np.ones(200), one_cache), backward(np.ones(200), other_cache)
    np.testing.assert_allclose(grads["boxes1"], swapped["boxes2"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(grads["boxes2"], swapped["boxes1"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NAMES[:3])
def test_the_two_axes_are_interchangeable(name):
    forward, backward = pair(name)
    first, second = boxes()
    turned = [1, 0, 3, 2]
    one, one_cache = forward(first, second)
    other, other_cache = forward(first[:, turned], second[:, turned])
    np.testing.assert_allclose(one, other, rtol=1e-14)
    grads, swapped = backward(np.ones(200), one_cache), backward(np.ones(200), other_cache)
    np.testing.assert_allclose(grads["boxes1"], swapped["boxes1"][:, turned], rtol=1e-12, atol=1e-14)


def frozen(alpha):
    """The complete loss with alpha held at a number, as a pair: the derivative that the published gradient is."""

    def forward(boxes1, boxes2):
        distance, _ = refimpl.distance_box_iou_loss_forward(boxes1, boxes2)
        w1, h1, w2, h2 = (b[:, 2 + k] - b[:, k] for b in (boxes1, boxes2) for k in (0, 1))
        v = (2 / np.pi * (np.arctan(w2 / h2) - np.arctan(w1 / h1))) ** 2
        return distance + alpha * v, complete_box_iou_loss_forward(boxes1, boxes2)[1]

    return forward


def test_published_gradient_is_the_derivative_with_alpha_constant():
    first, second = boxes(6)
    value, _ = complete_box_iou_loss_forward(first, second)
    distance, _ = refimpl.distance_box_iou_loss_forward(first, second)
    v = frozen(1.0)(first, second)[0] - distance
    assert (v > 1e-6).all()
    assert_gradients(frozen((value - distance) / v), complete_box_iou_loss_backward, first, second)


def torchvision(torch, name, first, second, eps):
    """The formulas of torchvision.ops, in torch's own operations."""
    x1, y1, x2, y2 = first.unbind(-1)
    a1, b1, a2, b2 = second.unbind(-1)
    wide = torch.min(x2, a2) - torch.max(x1, a1)
    high = torch.min(y2, b2) - torch.max(y1, b1)
    inner = torch.where((wide > 0) & (high > 0), wide * high, torch.zeros_like(wide))
    union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - inner
    iou = inner / (union + eps)
    hull_wide, hull_high = torch.max(x2, a2) - torch.min(x1, a1), torch.max(y2, b2) - torch.min(y1, b1)
    if name == "box_iou_loss":
        return 1 - iou
    if name == "generalized_box_iou_loss":
        hull = hull_wide * hull_high
        return 1 - iou + (hull - union) / (hull + eps)
    apart = ((x1 + x2 - a1 - a2) / 2) ** 2 + ((y1 + y2 - b1 - b2) / 2) ** 2
    distance = 1 - iou + apart / (hull_wide**2 + hull_high**2 + eps)
    if name == "distance_box_iou_loss":
        return distance
    angles = torch.atan((a2 - a1) / (b2 - b1)) - torch.atan((x2 - x1) / (y2 - y1))
    v = 4 / np.pi**2 * angles**2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return distance + alpha * v


@pytest.mark.parametrize("name", NAMES)
def test_torchvisions_formulas_and_gradients(name):
    """On a grid of whole numbers most pairs have edges that coincide or touch: the conventions there count."""
    torch = pytest.importorskip("torch")
    forward, backward = pair(name)
    low, sides = rng.integers(0, 4, (2, 500, 2)), rng.integers(1, 4, (2, 500, 2))
    on_a_grid = np.concatenate([low, low + sides], axis=-1).astype(float)
    for first, second in (boxes(), on_a_grid):
        ours, cache = forward(first, second)
        a, b = (torch.tensor(x, requires_grad=True) for x in (first, second))
        theirs = torchvision(torch, name, a, b, 1e-7)
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
        g = rng.standard_normal(len(first))
        theirs.backward(torch.tensor(g))
        grads = backward(g, cache)
        np.testing.assert_allclose(grads["boxes1"], a.grad.numpy(), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(grads["boxes2"], b.grad.numpy(), rtol=1e-11, atol=1e-13)


def test_a_point_has_no_ratio_of_sides():
    assert np.isnan(complete_box_iou_loss_forward(np.ones((1, 4)), np.array([[0.0, 0, 1, 2]]))[0]).all()
