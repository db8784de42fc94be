"""The shuffles against loops over every place, and their adjoints, on random geometries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl

few = st.integers(1, 4)


def numbered(*shape):
    """Every entry another number."""
    return np.arange(float(np.prod(shape))).reshape(shape)


def check(name, x, factor, expected):
    """The output is the loop's, backward moves it back bit for bit, and the pair is adjoint."""
    y, cache = getattr(refimpl, f"{name}_forward")(x, factor)
    np.testing.assert_array_equal(y, expected)
    assert not np.shares_memory(y, x)
    backward = getattr(refimpl, f"{name}_backward")
    np.testing.assert_array_equal(backward(y, cache)["input"], x)
    g = numbered(*y.shape) ** 2
    assert np.vdot(y, g) == np.vdot(x, backward(g, cache)["input"])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(few, few, few, few, few)
def test_pixels(batch, channels, height, width, r):
    x = numbered(batch, channels * r * r, height, width)
    y = np.empty((batch, channels, height * r, width * r))
    for n, c, h, w in np.ndindex(y.shape):
        y[n, c, h, w] = x[n, c * r * r + h % r * r + w % r, h // r, w // r]
    check("pixel_shuffle", x, r, y)
    check("pixel_unshuffle", y, r, x)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(few, few, few, few)
def test_channels(batch, groups, width, length):
    x = numbered(batch, groups * width, length)
    y = np.empty_like(x)
    for channel in range(groups * width):
        y[:, channel] = x[:, channel % groups * width + channel // groups]
    check("channel_shuffle", x, groups, y)


def test_no_entries_have_the_shape_that_many_would_have():
    """PyTorch's pixel_unshuffle leaves the shape as it is here, and so does its backward of pixel_shuffle."""
    for name, shape, factor, expected in (
        ("pixel_shuffle", (0, 4, 2, 3), 2, (0, 1, 4, 6)),
        ("pixel_shuffle", (4, 0, 3), 2, (1, 0, 6)),
        ("pixel_unshuffle", (0, 4, 2, 4), 2, (0, 16, 1, 2)),
        ("channel_shuffle", (2, 0, 3), 2, (2, 0, 3)),
    ):
        output, cache = getattr(refimpl, f"{name}_forward")(np.zeros(shape), factor)
        assert output.shape == expected
        assert getattr(refimpl, f"{name}_backward")(output, cache)["input"].shape == shape
