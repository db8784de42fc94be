"""Local response normalization over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, row_ulps
from mpmath import mpf

from refimpl import local_response_norm_backward, local_response_norm_forward

FORWARD, BACKWARD = 4, 8  # ulps: a power of D, which is an elementwise function, and a row


@pytest.mark.parametrize(
    "options", [(3, 1e-4, 0.75, 1.0), (2, 2.0, 0.3, 0.5), (4, 0.7, 0.4, 0.0), (4, 0.7, 1.5, 0.1), (5, 1.0, 0.0, 2.0)]
)
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e160, 1e300, 1e-160, 1e-290])
def test_channels_keep_their_digits(scale, options):
    size, alpha, beta, k = options
    x = scale * np.random.default_rng(0).standard_normal((1, 6, 4))
    g = np.random.default_rng(1).standard_normal((1, 6, 4))
    y, cache = local_response_norm_forward(x, size, alpha, beta, k)
    gradient = local_response_norm_backward(g, cache)["input"]
    with mpmath.workdps(DIGITS):
        a, beta, k = mpf(alpha) / size, mpf(beta), mpf(k)
        for i in range(4):
            row, slope = exact(x[0, :, i]), exact(g[0, :, i])
            near = [range(max(0, c - size // 2), min(6, c + (size - 1) // 2 + 1)) for c in range(6)]
            d = [k + a * mpmath.fsum(row[j] ** 2 for j in window) for window in near]
            assert entry_ulps(y[0, :, i], [v * e**-beta for v, e in zip(row, d, strict=True)]) <= FORWARD
            own = [v * e**-beta for v, e in zip(slope, d, strict=True)]
            shared = [
                [2 * a * beta * row[c] * own[b] * row[b] / d[b] for b in range(6) if c in near[b]] for c in range(6)
            ]
            true = [v - mpmath.fsum(s) for v, s in zip(own, shared, strict=True)]
            for c in range(6):
                assert row_ulps([gradient[0, c, i]], [true[c]], [own[c], *shared[c]]) <= BACKWARD


def test_what_the_squares_do_not_hold():
    """k = 0 and beta = 1/2 take a channel alone to a multiple of its sign, whatever its magnitude."""
    x = np.array([5e-324, 1e-200, 1e-3, 1.0, 1e200, 1.7e308])[None, None]
    y, cache = local_response_norm_forward(x, 1, alpha=4.0, beta=0.5, k=0.0)
    np.testing.assert_allclose(y, 0.5, rtol=4e-16)
    assert np.abs(local_response_norm_backward(x * 0 + 1, cache)["input"][..., 2:]).max() <= 1e-12
