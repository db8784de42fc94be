"""Normalized weights over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, norm, row_ulps
from mpmath import mpf

from refimpl import (
    spectral_norm_backward,
    spectral_norm_forward,
    spectral_norm_power_iteration,
    weight_norm_backward,
    weight_norm_forward,
)

FORWARD, BACKWARD = 4, 8  # ulps: a row, and a product with g
SCALES = (1.0, 1e8, 1e160, 1e307, 1e-160, 1e-300)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n", [2, 3, 8, 60])
def test_a_weight_keeps_its_digits(n, scale):
    rng = np.random.default_rng(n)
    v, g, h = scale * rng.standard_normal(n), np.array([1.7]), rng.standard_normal(n)
    w, cache = weight_norm_forward(v[None], g[None])
    gradients = weight_norm_backward(h[None], cache)
    with mpmath.workdps(DIGITS):
        v, h, length = exact(v), exact(h), mpf(1.7)
        size = norm(v, 2)
        u = [c / size for c in v]
        assert entry_ulps(w[0], [length * c for c in u]) <= FORWARD
        products = [a * b for a, b in zip(h, u, strict=True)]
        along = mpmath.fsum(products)
        assert row_ulps(gradients["g"][0], [along], [mpmath.fsum(map(abs, products))]) <= FORWARD
        true = [length * (a - b * along) / size for a, b in zip(h, u, strict=True)]
        assert row_ulps(gradients["v"][0], true, [length * a / size for a in h]) <= BACKWARD


@pytest.mark.parametrize("scale", SCALES)
def test_a_spectral_norm_keeps_its_digits(scale):
    """With vectors near the singular ones, as they come: then u^T M v does not cancel."""
    rng = np.random.default_rng(5)
    w, g = scale * rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    u, v = spectral_norm_power_iteration(w, np.ones(3), np.ones(4), n_power_iterations=20, eps=0.0)
    y, cache = spectral_norm_forward(w, u, v)
    gradient = spectral_norm_backward(g, cache)["weight"]
    with mpmath.workdps(DIGITS):
        m, left, right, slope = (mpmath.matrix([exact(row) for row in np.atleast_2d(a)]) for a in (w, u, v, g))
        s = (left * m * right.T)[0]
        assert entry_ulps(y.ravel(), [c / s for c in m]) <= FORWARD
        along = mpmath.fsum(a * b for a, b in zip(slope, m, strict=True)) / s
        true = [(slope[i, j] - left[i] * right[j] * along) / s for i in range(3) for j in range(4)]
        assert row_ulps(gradient.ravel(), true) <= BACKWARD
    assert float(s) == pytest.approx(np.linalg.norm(w / scale, 2) * scale, rel=1e-9)
