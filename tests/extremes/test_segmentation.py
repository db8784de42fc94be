"""The losses of overlap where digits are lost: nearly perfect, nearly empty, large regions; values in fractions."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import binary_dice_loss_backward, binary_dice_loss_forward
from refimpl import binary_tversky_loss_backward as backward
from refimpl import binary_tversky_loss_forward as forward

# Bounds in ulps: what numerics.md asks of a row.
FORWARD, BACKWARD = 3, 8
rng = np.random.default_rng(0)


def exact(p, t, alpha, beta, smooth):
    """Loss and gradient of one region, in fractions: every step exact."""
    p, t = [Fraction(float(v)) for v in p], [Fraction(float(v)) for v in t]
    a, b, s = Fraction(alpha), Fraction(beta), Fraction(smooth)
    overlap = sum(x * y for x, y in zip(p, t, strict=True)) + s
    lacking = a * sum(x * (1 - y) for x, y in zip(p, t, strict=True)) + b * sum(
        (1 - x) * y for x, y in zip(p, t, strict=True)
    )
    size = overlap + lacking
    loss = lacking / size
    return loss, [((a * (1 - y) - b * y) * (1 - loss) - y * loss) / size for y in t]


def numbers(fractions):
    with mpmath.workdps(700):
        return [mpmath.mpf(f.numerator) / f.denominator for f in fractions]


def regions():
    yield np.array([1, 1, 1e-20]), np.array([1.0, 1, 0])  # nearly perfect
    yield np.array([1, 1 - 2.0**-53, 0]), np.array([1.0, 1, 0])
    yield np.array([1e-300, 1e-310, 1e-20]), np.array([0.0, 0, 0])  # nearly nothing, of nothing
    yield np.array([1e-200, 1e-210, 0]), np.array([1.0, 1, 1])  # nearly nothing, of everything
    yield rng.uniform(size=200), (rng.uniform(size=200) > 0.9).astype(float)
    yield 10.0 ** rng.uniform(-30, 0, 50), (rng.uniform(size=50) > 0.5).astype(float)
    yield 1 - 10.0 ** rng.uniform(-16, 0, 50), (rng.uniform(size=50) > 0.5).astype(float)


@pytest.mark.parametrize("options", [(0.5, 0.5, 1.0), (0.5, 0.5, 0.0), (0.25, 0.75, 1e-5), (1.0, 0.0, 1.0)], ids=str)
@pytest.mark.parametrize(("p", "t"), [pytest.param(*region, id=str(i)) for i, region in enumerate(regions())])
def test_a_region_keeps_its_digits(p, t, options):
    loss, cache = forward(p[None], t[None], *options)
    grad = backward(np.array(1.0), cache)["input"][0]
    true_loss, true_grad = exact(p, t, *options)
    assert ulp_distance(loss, numbers([true_loss])).max() <= FORWARD
    assert ulp_distance(grad, numbers(true_grad)).max() <= BACKWARD


def test_dice_is_the_same():
    p, t = rng.uniform(size=(4, 30)), (rng.uniform(size=(4, 30)) > 0.8).astype(float)
    loss, cache = binary_dice_loss_forward(p, t, reduction="none")
    grads = binary_dice_loss_backward(np.ones(4), cache)
    true = [exact(*row, 0.5, 0.5, 1.0) for row in zip(p, t, strict=True)]
    assert ulp_distance(loss, numbers([v[0] for v in true])).max() <= FORWARD
    assert ulp_distance(grads["input"], np.array([numbers(v[1]) for v in true])).max() <= BACKWARD


def test_soft_targets_next_to_their_prediction():
    """At t = 1/2 the two gradients of the Dice loss vanish up to the loss itself."""
    p = np.full((1, 4), 0.5)
    loss, cache = binary_dice_loss_forward(p, p, smooth=0)
    assert loss == 0.5
    np.testing.assert_array_equal(binary_dice_loss_backward(np.array(1.0), cache)["input"], np.full((1, 4), -1 / 8))


def test_nothing_of_nothing():
    nothing = np.zeros((1, 3))
    assert forward(nothing, nothing)[0] == 0
    assert np.isnan(forward(nothing, nothing, smooth=0.0)[0])
    assert forward(nothing, np.ones((1, 3)), smooth=0.0)[0] == 1
    assert np.isnan(forward(np.zeros((0, 3)), np.zeros((0, 3)))[0])


def test_float32():
    p, t = np.float32(rng.uniform(size=(1, 50))), np.float32(rng.uniform(size=(1, 50)) > 0.8)
    loss, cache = forward(p, t)
    grad = backward(np.float32(1), cache)["input"]
    true_loss, true_grad = exact(p[0], t[0], 0.5, 0.5, 1.0)
    assert loss.dtype == grad.dtype == np.float32
    assert ulp_distance(loss, numbers([true_loss])).max() <= FORWARD
    assert ulp_distance(grad[0], numbers(true_grad)).max() <= BACKWARD
