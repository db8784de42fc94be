"""Rotary embedding far along a sequence; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import OF_NUMPY

from refimpl import rotary_embedding_half_forward, rotary_embedding_interleaved_forward

# Each entry is a sum of two products; the bound is in ulps of the length of the pair, as a cosine near 0 times 1 is
# known to an ulp of 1.
BOUND = 3 + 2 * OF_NUMPY
POSITIONS = (0, 1, 1000, 999_999, 1_000_000, 2**31, 2**45 + 1, 0.1, -1e6)


def exact(x, position, base):
    """Neighbouring features turned, at 60 digits."""
    turned = []
    with mpmath.workdps(60):
        for i in range(0, len(x), 2):
            angle = mpmath.mpf(position) * mpmath.mpf(base) ** (-mpmath.mpf(i) / len(x))
            a, b, c, s = mpmath.mpf(float(x[i])), mpmath.mpf(float(x[i + 1])), mpmath.cos(angle), mpmath.sin(angle)
            turned += [a * c - b * s, b * c + a * s]
        return turned


def distance(found, true, x):
    """The largest error, in ulps of the length of the pair that the entry belongs to."""
    length = np.repeat(np.hypot(x[0::2], x[1::2]), 2)
    return max(
        float(abs(mpmath.mpf(float(f)) - t)) / float(np.spacing(n)) for f, t, n in zip(found, true, length, strict=True)
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("base", [10000.0, 500000.0, 0.3])
@pytest.mark.parametrize("position", POSITIONS)
def test_any_position(position, base, dtype):
    """With angles rounded to float64, position 1e6 would be 1e5 ulps off, and 2^45 would have three right digits."""
    x = np.random.default_rng(0).standard_normal(32).astype(dtype)
    true = exact(x, position, base)
    found, _ = rotary_embedding_interleaved_forward(x[None], np.array([position]), base)
    assert distance(found[0], true, x) <= BOUND
    halves = np.concatenate([x[0::2], x[1::2]])
    found, _ = rotary_embedding_half_forward(halves[None], np.array([position]), base)
    assert distance(found[0].reshape(2, -1).T.reshape(-1), true, x) <= BOUND


@pytest.mark.parametrize("forward", [rotary_embedding_half_forward, rotary_embedding_interleaved_forward])
@pytest.mark.parametrize("size", [1e300, 1e-300, 5e-324])
def test_any_size(forward, size):
    """Only the ends of the range are felt: nothing is squared."""
    x = np.array([[0.75, -0.5, 0.25, 1.0]])
    y, _ = forward(x * size, [3])
    np.testing.assert_allclose(y, forward(x, [3])[0] * size, rtol=1e-14, atol=1.5e-323)
