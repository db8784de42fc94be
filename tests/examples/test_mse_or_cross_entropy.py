"""Behind a softmax the gradient of the squared error vanishes where the prediction is most wrong."""

import numpy as np
import pytest

from refimpl import gradcheck
from refimpl.examples import mse_or_cross_entropy as lesson


@pytest.mark.parametrize("name", lesson.LOSSES)
def test_the_gradients_are_of_the_losses(name):
    labels = np.array([0, 2, 1, 1])
    report = gradcheck(
        lambda scores: lesson.LOSSES[name](scores, labels),
        lambda g, gradient: {"scores": g * gradient},
        np.random.default_rng(0).standard_normal((4, 3)),
    )
    assert report.passed, str(report)


def test_a_confidently_wrong_prediction():
    """With p_1 near e^-m the gradient of the squared error is about 6 p_1, and that of the cross entropy near 1."""
    for margin in (8, 16, 32):
        found = lesson.confidently_wrong(margin)
        small = np.exp(-margin)
        loss, gradient = found["squared error"]
        np.testing.assert_allclose(loss, 2, rtol=20 * small)
        np.testing.assert_allclose(gradient, 6 * small, rtol=30 * small)
        loss, gradient = found["cross entropy"]
        np.testing.assert_allclose(loss, margin, rtol=3 * small)
        np.testing.assert_allclose(gradient, 1, rtol=3 * small)


@pytest.mark.parametrize("seed", range(3))
def test_one_learns_and_the_other_does_not(seed):
    curves = {name: lesson.train(loss, seed, lambda: None) for name, loss in lesson.LOSSES.items()}
    assert curves["squared error"]["accuracy"][0] == curves["cross entropy"]["accuracy"][0] < 0.02
    assert curves["squared error"]["accuracy"][-1] < 0.05
    assert curves["cross entropy"]["accuracy"][-1] > 0.95
    assert curves["squared error"]["gradient"][0] < 0.01 * curves["cross entropy"]["gradient"][0]


def test_what_is_printed_makes_the_point(printed):
    rows = [line.split() for line in printed("mse_or_cross_entropy").splitlines()]
    assert [row[0] for row in rows[2:9]] == [str(margin) for margin in lesson.MARGINS]
    assert float(rows[8][2]) < 1e-12
    assert rows[8][4] == "1.00e+00"
    assert [float(rows[-1][column]) for column in (2, 4)] == [0, 0.99]
