"""The Bradley-Terry loss in its tails and where large rewards nearly cancel; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import bradley_terry_loss_backward, bradley_terry_loss_forward

FORWARD, BACKWARD = 4, 5  # ulps of an element, as numerics.md asks


def exact(a, b, m):
    """log1p(exp(-z)) and 1 / (1 + exp(z)) of the exact z = a - b - m."""
    z = mpmath.mpf(float(a)) - mpmath.mpf(float(b)) - mpmath.mpf(float(m))
    if abs(z) > 1e6:
        return (-z, mpmath.mpf(1)) if z < 0 else (mpmath.mpf(0), mpmath.mpf(0))
    return mpmath.log1p(mpmath.exp(-z)), 1 / (1 + mpmath.exp(z))


def samples():
    rng = np.random.default_rng(0)
    a = np.concatenate([rng.uniform(-700, 700, 300), 1e6 + rng.uniform(-300, 300, 200), rng.standard_normal(100)])
    b = np.concatenate([rng.uniform(-40, 40, 300), 1e6 + rng.uniform(-300, 300, 200), rng.standard_normal(100)])
    wide = 10.0 ** rng.uniform(-323, 307, 200) * rng.choice([-1, 1], 200)
    a, b = np.concatenate([a, wide]), np.concatenate([b, rng.permutation(wide)])
    return a, b, rng.uniform(0, 30, a.shape)


def test_every_tail():
    a, b, m = samples()
    value, cache = bradley_terry_loss_forward(a, b, m, reduction="none")
    gradient = bradley_terry_loss_backward(np.ones_like(a), cache)
    with mpmath.workdps(760):
        true = [exact(*row) for row in zip(a, b, m, strict=True)]
        assert ulp_distance(value, [v for v, _ in true]).max() <= FORWARD
        assert ulp_distance(gradient["margin"], [s for _, s in true]).max() <= BACKWARD
        assert ulp_distance(gradient["rewards_chosen"], [-s for _, s in true]).max() <= BACKWARD
    np.testing.assert_array_equal(gradient["rewards_rejected"], gradient["margin"])


def test_single_precision():
    a, b, m = (x.clip(-1e38, 1e38).astype(np.float32) for x in samples())
    value, cache = bradley_terry_loss_forward(a, b, m, reduction="none")
    gradient = bradley_terry_loss_backward(np.ones_like(a), cache)
    with mpmath.workdps(100):
        true = [exact(*row) for row in zip(a, b, m, strict=True)]
        assert ulp_distance(value, [v for v, _ in true]).max() <= FORWARD
        assert ulp_distance(gradient["margin"], [s for _, s in true]).max() <= BACKWARD


def test_centred_rewards():
    """(a + b)^2 c: the sum is rounded once, and a small coefficient keeps a large square a number."""
    a, b = np.array([1e160, 3.0]), np.array([1e160, -2.5])
    value, _ = bradley_terry_loss_forward(a, b, center_rewards_coefficient=1e-20, reduction="none")
    assert value[0] == pytest.approx(4e300, rel=1e-15)
    with mpmath.workdps(60):
        assert ulp_distance(value[1:], [exact(3.0, -2.5, 0)[0]]).max() <= FORWARD
