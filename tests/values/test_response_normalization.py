"""Local response normalization against a loop over the channels."""

import numpy as np
import pytest

from refimpl import local_response_norm_backward, local_response_norm_forward

rng = np.random.default_rng(0)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 20])
def test_the_window_of_every_channel(size):
    x = rng.standard_normal((2, 6, 3))
    y, cache = local_response_norm_forward(x, size, alpha=1.3, beta=0.75, k=0.8)
    gradient = local_response_norm_backward(np.ones_like(x), cache)["input"]
    d = np.empty_like(x)
    for c in range(6):
        window = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        d[:, c] = 0.8 + 1.3 / size * (window**2).sum(axis=1)
    np.testing.assert_allclose(y, x / d**0.75, rtol=1e-14)
    expected = d**-0.75
    for c in range(6):
        for i in range(max(0, c - size // 2), min(6, c + (size - 1) // 2 + 1)):
            expected[:, i] -= 2 * 1.3 * 0.75 / size * x[:, i] * x[:, c] * d[:, c] ** -1.75
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-14)
