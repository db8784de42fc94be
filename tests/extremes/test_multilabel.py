"""The losses of several labels where digits are lost; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    multilabel_margin_loss_backward,
    multilabel_margin_loss_forward,
    multilabel_soft_margin_loss_backward,
    multilabel_soft_margin_loss_forward,
)

FORWARD, BACKWARD = 3, 8  # ulps of a row, as numerics.md asks
MAGNITUDES = (1e-300, 1e-160, 1e-8, 1.0, 30.0, 700.0, 1e16, 1e160, 1e300)


def exact(value):
    return mpmath.mpf(float(value))


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_soft_margin_rows(magnitude):
    """Hard labels, whose two terms never cancel in a gradient; the weighted mean over classes of log1p(exp(-+x))."""
    rng = np.random.default_rng(0)
    weight = np.array([0.3, 2.0, 1.1, 0.7])
    x, t = magnitude * rng.standard_normal((20, 4)), rng.integers(0, 2, (20, 4))
    value, cache = multilabel_soft_margin_loss_forward(x, t, weight, reduction="none")
    gradient = multilabel_soft_margin_loss_backward(np.ones(20), cache)["input"]
    with mpmath.workdps(60):
        for row, labels, v, g in zip(x, t, value, gradient, strict=True):
            s = [-exact(a) if label else exact(a) for a, label in zip(row, labels, strict=True)]
            terms = [mpmath.log1p(mpmath.exp(z)) if abs(z) < 1e6 else max(z, mpmath.mpf(0)) for z in s]
            slopes = [1 / (1 + mpmath.exp(-z)) if abs(z) < 1e6 else mpmath.mpf(int(z > 0)) for z in s]
            share = [exact(w) / 4 for w in weight]
            signed = [c * d * (-1 if label else 1) for c, d, label in zip(share, slopes, labels, strict=True)]
            assert ulp_distance(v, [mpmath.fdot(share, terms)]).max() <= FORWARD
            assert ulp_distance(g, signed).max() <= BACKWARD


def test_soft_margin_probabilities():
    """The target's gradient is -w x / C exactly, though it is the difference of two logarithms."""
    x = np.array([[1e-300, 745.0, -1e200, 0.3]])
    _, cache = multilabel_soft_margin_loss_forward(x, np.full((1, 4), 0.25), reduction="sum")
    gradient = multilabel_soft_margin_loss_backward(np.array(1.0), cache)["target"]
    np.testing.assert_array_equal(gradient, -x / 4)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_margin_rows(magnitude):
    rng = np.random.default_rng(1)
    x, y = magnitude * rng.standard_normal((10, 5)), np.array([[3, 0, -1, 1, 1], [2, 2, 4, -1, -1]] * 5)
    x[5:, 1] = x[5:, 3] - 1 + 1e-17  # just beside the margin, where it is representable
    value, _ = multilabel_margin_loss_forward(x, y, reduction="none")
    with mpmath.workdps(760):
        for row, listed, v in zip(x, y, value, strict=True):
            members = list(listed[: list(listed).index(-1)])
            others = [c for c in range(5) if c not in members]
            z = [max(mpmath.mpf(0), 1 - exact(row[m]) + exact(row[c])) for m in members for c in others]
            assert ulp_distance(v, [mpmath.fsum(z) / 5]).max() <= FORWARD


def test_margin_counts_a_pair_exactly_at_the_margin_as_satisfied():
    x, y = np.array([[1e16 + 2, 1e16, 0.0]]), np.array([[0, -1, -1]])
    loss, cache = multilabel_margin_loss_forward(x, y)
    assert loss == 0
    assert not multilabel_margin_loss_backward(np.array(1.0), cache)["input"].any()
