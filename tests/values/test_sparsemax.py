"""Sparsemax against a threshold found otherwise."""

import numpy as np

from refimpl import sparsemax_backward, sparsemax_forward

rng = np.random.default_rng(0)


def test_sparsemax_against_bisection():
    """The threshold at which the rest sums to 1, found without sorting."""
    for scale in (0.1, 1, 10):
        x = scale * rng.standard_normal((20, 7))
        low, high = x.max(axis=1) - 1, x.max(axis=1)
        for _ in range(60):
            middle = (low + high) / 2
            above = np.maximum(x - middle[:, None], 0).sum(axis=1) > 1
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        p, cache = sparsemax_forward(x)
        np.testing.assert_allclose(p, np.maximum(x - low[:, None], 0), rtol=0, atol=1e-13)
        g = rng.standard_normal(x.shape)
        grad = sparsemax_backward(g, cache)["input"]
        for row, weight, found in zip(p, g, grad, strict=True):
            kept = row > 0
            np.testing.assert_allclose(found[kept], weight[kept] - weight[kept].mean(), rtol=1e-12, atol=1e-14)
            np.testing.assert_array_equal(found[~kept], 0)
