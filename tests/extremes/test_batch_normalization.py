"""Normalized channels over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, normalized, row_ulps, rows
from mpmath import mpf

from refimpl import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_running_stats,
    instance_norm_backward,
    instance_norm_forward,
    instance_norm_running_stats,
)

FORWARD, BACKWARD = 3, 8  # ulps
NEAREST = 8  # as in test_normalization.py, where the entries of a row are few ulps apart
ROWS = [pytest.param(name, row, id=name) for name, row in rows(widths=(2, 3, 8))]


@pytest.mark.parametrize("eps", [1e-5, 10.0])
@pytest.mark.parametrize(("name", "x"), ROWS)
def test_a_channel_keeps_its_digits(name, x, eps):
    """The row as one of two channels: over a batch, and over the positions of a sample."""
    g = np.random.default_rng(1).standard_normal(len(x))
    other = np.arange(len(x)) + 0.5
    by_batch, cache = batch_norm_forward(np.stack([other, x], axis=1), None, None, training=True, eps=eps)
    batch_gradient = batch_norm_backward(np.stack([other, g], axis=1), cache)["input"]
    by_position, cache = instance_norm_forward(np.stack([other, x])[None], eps=eps)
    position_gradient = instance_norm_backward(np.stack([other, g])[None], cache)["input"]
    with mpmath.workdps(DIGITS):
        true_y, true_gradient, terms = normalized(x, eps, g, centred=True)
        nearest = NEAREST if name.startswith(("around 1e15", "a variance")) else FORWARD
        for y, gradient in ((by_batch[:, 1], batch_gradient[:, 1]), (by_position[0, 1], position_gradient[0, 1])):
            assert entry_ulps(y, true_y) <= nearest
            assert row_ulps(y, true_y) <= FORWARD
            assert row_ulps(gradient, true_gradient, terms if len(x) > 2 else ()) <= BACKWARD


def running_points():
    """Moderate; of every magnitude, near the running mean and far from it; differences that overflow."""
    rng = np.random.default_rng(2)
    n = 200
    sign, size = rng.choice([-1, 1], n), 10 ** rng.uniform(-300, 300, n)
    yield rng.standard_normal(n), rng.standard_normal(n), rng.uniform(0, 3, n)
    yield sign * size, size, 10 ** rng.uniform(-300, 300, n)
    yield sign * size, sign * size * (1 + 1e-9 * rng.standard_normal(n)), 10 ** rng.uniform(-3, 300, n)
    yield 1e8 + rng.standard_normal(n), np.full(n, 1e8), np.ones(n)
    yield np.full(3, 1.5e308), np.full(3, -1.5e308), np.array([1e300, 1e302, 1e304])


@pytest.mark.parametrize("eps", [0.0, 1e-5])
@pytest.mark.parametrize(("x", "mean", "var"), [pytest.param(*p, id=str(i)) for i, p in enumerate(running_points())])
def test_running_statistics_keep_the_digits(x, mean, var, eps):
    """Elementwise: one channel per number."""
    g = np.random.default_rng(3).standard_normal(len(x))
    y, cache = batch_norm_forward(x[None], mean, var, np.ones(len(x)), eps=eps)
    gradients = batch_norm_backward(g[None], cache)
    with mpmath.workdps(DIGITS):
        s = [mpmath.sqrt(v + mpf(eps)) for v in exact(var)]
        true = [(a - b) / c for a, b, c in zip(exact(x), exact(mean), s, strict=True)]
        assert entry_ulps(y[0], true) <= FORWARD
        assert entry_ulps(gradients["input"][0], [a / c for a, c in zip(exact(g), s, strict=True)]) <= BACKWARD
        assert entry_ulps(gradients["weight"], [a * b for a, b in zip(exact(g), true, strict=True)]) <= BACKWARD


@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
def test_new_running_statistics(scale):
    """The unbiased variance of a channel around 1e8 standard deviations, to its last digits."""
    x = scale * (1e8 + np.random.default_rng(4).standard_normal((5, 2, 6)))
    zeros = np.zeros(2)
    mean, var = batch_norm_running_stats(x, zeros, zeros, momentum=1.0)
    sample_mean, sample_var = instance_norm_running_stats(x, zeros, zeros, momentum=1.0)
    with mpmath.workdps(DIGITS):

        def moments(row):
            row = exact(row)
            middle = mpmath.fsum(row) / len(row)
            return middle, mpmath.fsum((v - middle) ** 2 for v in row) / (len(row) - 1)

        true = [moments(x[:, c].ravel()) for c in range(2)]
        assert entry_ulps(mean, [m for m, _ in true]) <= FORWARD
        assert entry_ulps(var, [v for _, v in true]) <= FORWARD
        true = [[moments(x[n, c]) for n in range(5)] for c in range(2)]
        assert entry_ulps(sample_mean, [mpmath.fsum(m for m, _ in rows) / 5 for rows in true]) <= FORWARD
        assert entry_ulps(sample_var, [mpmath.fsum(v for _, v in rows) / 5 for rows in true]) <= FORWARD
