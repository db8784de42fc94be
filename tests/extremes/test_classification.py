"""Cross entropy where digits are lost: confident rows, offsets, magnitudes; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import cross_entropy_backward, cross_entropy_forward, nll_loss_forward

# Bounds in ulps: what numerics.md asks of a row, 3 forward and 8 backward.
FORWARD, BACKWARD = 3, 8


def exact(x, label):
    """Loss and gradient of one row at 60 digits beyond the largest exponent: -log p_y, and p - onehot."""
    with mpmath.workdps(760):
        e = [mpmath.exp(mpmath.mpf(float(v))) for v in x]
        total = mpmath.fsum(e)
        others = mpmath.fsum(v for i, v in enumerate(e) if i != label)
        # -log(p_y) = log(1 + others / e_y), without a difference
        loss = mpmath.log1p(others / e[label])
        gradient = [v / total for v in e]
        gradient[label] = -others / total
        return loss, gradient


def rows():
    rng = np.random.default_rng(0)
    yield np.array([60.0, 0.0]), 0
    yield np.array([60.0, 0.0]), 1
    yield np.array([700.0, 0.0]), 0
    yield np.array([745.0, 0.0, 1.0]), 0
    yield np.array([0.0, -300.0, -310.0]), 0
    yield np.array([2.0, 2.0, 2.0]), 1
    yield np.array([1e8, 1e8 + 1, 1e8 - 3]), 1
    yield np.array([1e15, 1e15 + 2, 1e15 - 4]), 0
    yield np.array([-1e300, -1e300, -1e300]), 2
    yield np.array([5e-324, 0.0]), 0
    yield np.array([22.3, 0.1, -1.7]), 0
    for scale in (1e-3, 1.0, 30.0, 200.0):
        for classes in (2, 3, 10):
            x = scale * rng.standard_normal(classes)
            yield x, int(rng.integers(classes))
            yield x, int(x.argmax())
            yield x + 1e6, int(x.argmin())


@pytest.mark.parametrize(("x", "label"), [pytest.param(*row, id=str(i)) for i, row in enumerate(rows())])
def test_a_row_keeps_its_digits(x, label):
    loss, cache = cross_entropy_forward(x[None], np.array([label]))
    gradient = cross_entropy_backward(1.0, cache)["input"]
    true_loss, true_gradient = exact(x, label)
    assert ulp_distance(loss, [true_loss]).max() <= FORWARD
    assert ulp_distance(gradient, [true_gradient]).max() <= BACKWARD


def test_confident_row_to_the_last_digit():
    """log(1 + exp(-60)) = exp(-60) - exp(-120) / 2 + ..., of which the first term has all the digits of a float64."""
    loss, cache = cross_entropy_forward([[60.0, 0.0]], [0])
    assert loss == float(mpmath.log1p(mpmath.exp(-60)))
    assert f"{float(loss):.4e}" == "8.7565e-27"
    gradient = cross_entropy_backward(1.0, cache)["input"]
    np.testing.assert_array_equal(gradient, [[-gradient[0, 1], gradient[0, 1]]])
    assert gradient[0, 1] == float(mpmath.exp(-60) / (1 + mpmath.exp(-60)))


def test_float32_rows():
    x = np.array([[60.0, 0.0], [1e4, 1e4 + 1]], dtype=np.float32)
    losses, cache = cross_entropy_forward(x, np.array([0, 1]), reduction="none")
    true = [exact(row, label)[0] for row, label in zip(x, (0, 1), strict=True)]
    assert ulp_distance(losses, true).max() <= FORWARD
    gradient = cross_entropy_backward(np.ones(2, np.float32), cache)["input"]
    true = [exact(row, label)[1] for row, label in zip(x, (0, 1), strict=True)]
    assert ulp_distance(gradient, true).max() <= BACKWARD


def test_the_mean_survives_where_the_sum_overflows():
    rows = np.array([[-1.5e308, 0.0], [-1.2e308, 0.0]])
    assert nll_loss_forward(rows, np.array([0, 0]))[0] == pytest.approx(1.35e308, rel=1e-15)
    assert cross_entropy_forward(rows, np.array([0, 0]))[0] == pytest.approx(1.35e308, rel=1e-15)
