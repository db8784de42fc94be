"""The poly loss and the z-loss where digits are lost; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import poly_loss_backward, poly_loss_forward, z_loss_backward, z_loss_forward

# Bounds in ulps: what is asked of a row is 3 forward and 8 backward. A squared logarithm has twice its error, and a sum
# of two terms that of both.
FORWARD, BACKWARD = 5, 8
EPSILONS = (2.0, 0.0, 50.0, -0.5, -1 + 1e-9, -1.0)


def probabilities(x):
    """p, and 1 - p as the sum of the others, at 760 digits, which hold 1 next to exp(-1700)."""
    e = [mpmath.exp(mpmath.mpf(float(v)) - float(max(x))) for v in x]
    total = mpmath.fsum(e)
    return [v / total for v in e], [mpmath.fsum(e[:k] + e[k + 1 :]) / total for k in range(len(e))]


def exact_poly(x, label, epsilon):
    """-log p_y + epsilon (1 - p_y), and (1 + epsilon p_y) (p - onehot)."""
    with mpmath.workdps(760):
        p, rest = probabilities(x)
        growth = 1 + mpmath.mpf(epsilon) * p[label]
        gradient = [growth * v for v in p]
        gradient[label] = -growth * rest[label]
        return -mpmath.log(p[label]) + epsilon * rest[label], gradient


def exact_z(x):
    """(log sum exp x)^2, and 2 p log sum exp x."""
    with mpmath.workdps(760):
        z = mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(v)) - float(max(x))) for v in x)) + float(max(x))
        return z * z, [2 * z * p for p in probabilities(x)[0]]


def rows():
    rng = np.random.default_rng(0)
    yield np.array([60.0, 0.0])
    yield np.array([320.0, 0.0, 1.0])
    yield np.array([2.0, 2.0, 2.0])
    yield np.array([1e8, 1e8 + 1, 1e8 - 3])
    yield np.array([-1e15, -1e15 + 2, -1e15 - 4])
    yield np.array([5e-324, 0.0])
    for scale in (1e-8, 0.1, 1.0, 5.0, 30.0, 100.0):
        for classes in (2, 3, 10):
            x = scale * rng.standard_normal(classes)
            yield x
            yield x + 1000


ROWS = [pytest.param(row, id=str(i)) for i, row in enumerate(rows())]


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("x", ROWS)
def test_poly_loss_keeps_its_digits(x, epsilon):
    for label in {0, int(x.argmax()), int(x.argmin())}:
        loss, cache = poly_loss_forward(x, label, epsilon)
        true_loss, true_gradient = exact_poly(x, label, epsilon)
        assert ulp_distance(loss, [true_loss]).max() <= FORWARD
        assert ulp_distance(poly_loss_backward(1.0, cache)["input"], true_gradient).max() <= BACKWARD


def test_poly_loss_of_a_confident_row_without_the_first_power():
    """With r = exp(-60): -log p - (1 - p) = log(1 + r) - r / (1 + r) = r^2 / 2 - ..., which no 1 - p can show."""
    loss, cache = poly_loss_forward([60.0, 0.0], 0, -1.0)
    with mpmath.workdps(60):
        r = mpmath.exp(-60)
        assert ulp_distance(loss, [mpmath.log1p(r) - r / (1 + r)]).max() <= 2
        assert ulp_distance(poly_loss_backward(1.0, cache)["input"][:1], [-((r / (1 + r)) ** 2)]).max() <= 4
    assert f"{float(loss):.4e}" == "3.8338e-53"


@pytest.mark.parametrize("x", ROWS)
def test_z_loss_keeps_its_digits(x):
    loss, cache = z_loss_forward(x)
    true_loss, true_gradient = exact_z(x)
    assert ulp_distance(loss, [true_loss]).max() <= FORWARD
    assert ulp_distance(z_loss_backward(1.0, cache)["input"], true_gradient).max() <= BACKWARD


def test_z_loss_where_the_logarithm_cancels():
    """Scores near -log 2: what is left of log 2 is known to a rounding of log 2, in the loss and in its gradient."""
    x = np.full(2, -np.log(2.0) + 1e-9)
    with mpmath.workdps(60):
        z = float(mpmath.mpf(float(x[0])) + mpmath.log(2))
    loss, cache = z_loss_forward(x)
    assert np.sqrt(loss) == pytest.approx(z, abs=2.3e-16)
    np.testing.assert_allclose(z_loss_backward(1.0, cache)["input"], [z, z], rtol=0, atol=2.3e-16)


def test_z_loss_to_the_largest_squares():
    assert z_loss_forward([1.3e154, 0.0])[0] == pytest.approx(1.69e308, rel=1e-15)
    loss, cache = z_loss_forward([1e300, 1e300])
    assert loss == np.inf
    np.testing.assert_array_equal(z_loss_backward(1.0, cache)["input"], [1e300, 1e300])
