"""The losses of several labels against loops."""

import numpy as np
import pytest

from refimpl import (
    multilabel_margin_loss_backward,
    multilabel_margin_loss_forward,
    multilabel_soft_margin_loss_backward,
    multilabel_soft_margin_loss_forward,
)

rng = np.random.default_rng(0)
TARGETS = np.array([[3, 0, -1, 1], [2, 2, 1, -1], [-1, 0, 1, 2], [0, 1, 2, 3]])


def test_margin_loop():
    x = rng.standard_normal((4, 4))
    losses, gradients = [], np.zeros_like(x)
    for n, (row, target) in enumerate(zip(x, TARGETS, strict=True)):
        listed = []
        for label in target:
            if label < 0:
                break
            listed.append(int(label))
        loss = 0.0
        for y in listed:
            for c in set(range(4)) - set(listed):
                z = 1 - row[y] + row[c]
                if z > 0:
                    loss += z / 4
                    gradients[n, c] += 1 / 4
                    gradients[n, y] -= 1 / 4
        losses.append(loss)
    found, cache = multilabel_margin_loss_forward(x, TARGETS, reduction="none")
    np.testing.assert_allclose(found, losses, rtol=1e-14)
    np.testing.assert_array_equal(multilabel_margin_loss_backward(np.ones(4), cache)["input"], gradients)


@pytest.mark.parametrize("dtype", [np.int8, np.int32])
def test_labels_of_any_integer_dtype(dtype):
    x = rng.standard_normal((4, 4))
    found, _ = multilabel_margin_loss_forward(x, TARGETS.astype(dtype))
    assert found == multilabel_margin_loss_forward(x, TARGETS)[0]


def test_many_classes_go_through_several_blocks():
    x = rng.standard_normal((3, 300))
    y = np.full((3, 300), -1)
    y[:, :2] = [[5, 299], [0, 1], [17, 4]]
    whole, cache = multilabel_margin_loss_forward(x, y, reduction="none")
    gradient = multilabel_margin_loss_backward(np.ones(3), cache)["input"]
    for n in range(3):
        alone, cache = multilabel_margin_loss_forward(x[n], y[n])
        assert alone == whole[n]
        np.testing.assert_array_equal(multilabel_margin_loss_backward(np.array(1.0), cache)["input"], gradient[n])


def test_soft_margin_weights_scale_their_class():
    x, t = rng.standard_normal((5, 3)), rng.uniform(0, 1, (5, 3))
    weight = np.array([1.0, 0.0, 3.0])
    found, cache = multilabel_soft_margin_loss_forward(x, t, weight, reduction="none")
    alone = [multilabel_soft_margin_loss_forward(x[:, [c]], t[:, [c]], reduction="none")[0] for c in range(3)]
    np.testing.assert_allclose(found, (alone[0] + 3 * alone[2]) / 3, rtol=1e-14)
    grads = multilabel_soft_margin_loss_backward(np.ones(5), cache)
    assert not grads["input"][:, 1].any()
    np.testing.assert_allclose(grads["weight"], [a.sum() / 3 for a in alone], rtol=1e-14)
