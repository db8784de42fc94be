"""What is moved is moved as it is: NaN, infinities, signed zeros and subnormal numbers, bit for bit."""

import numpy as np
import pytest

import refimpl

STRANGE = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7e308, -1e-310, 0.1] * 2)


@pytest.mark.parametrize(
    ("name", "shape", "factor"),
    [("pixel_shuffle", (8, 2, 1), 2), ("pixel_unshuffle", (2, 2, 4), 2), ("channel_shuffle", (1, 8, 2), 4)],
)
def test_bits_are_kept(name, shape, factor):
    x = STRANGE.reshape(shape)
    y, cache = getattr(refimpl, f"{name}_forward")(x, factor)
    assert sorted(y.view(np.int64).ravel()) == sorted(x.view(np.int64).ravel())
    back = getattr(refimpl, f"{name}_backward")(y, cache)["input"]
    np.testing.assert_array_equal(back.view(np.int64), x.view(np.int64))
