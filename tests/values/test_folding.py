"""Unfolding and folding by hand, against loops over every index, and as each other's transposes."""

import numpy as np
from geometries import adjoint, drawn, integers, positions, windows
from hypothesis import given
from hypothesis import strategies as st

from refimpl import conv2d_forward, fold_backward, fold_forward, unfold_backward, unfold_forward

CHANNELS, SEEDS = st.integers(1, 3), st.integers(0, 2**16)


def options_of(geometry):
    names = {"kernel": "kernel_size", "dilation": "dilation", "padding": "padding", "stride": "stride"}
    return {option: geometry[name] for name, option in names.items()}


def columns_by_loops(shape, geometry):
    """For every entry (n, row, column) of the columns the index of the image that it is a copy of, or None."""
    kernel, stride, dilation, padding = (geometry[n] for n in ("kernel", "stride", "dilation", "padding"))
    counts = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, d, p in zip(geometry["extent"], kernel, stride, dilation, padding, strict=True)
    ]
    for n, c in positions(*shape[:2]):
        for row, k in enumerate(positions(*kernel)):
            for column, p in enumerate(positions(*counts)):
                place = [a * s + j * d - q for a, s, j, d, q in zip(p, stride, k, dilation, padding, strict=True)]
                inside = all(0 <= i < extent for i, extent in zip(place, shape[2:], strict=True))
                yield (n, c * kernel[0] * kernel[1] + row, column), (n, c, *place) if inside else None


@drawn
@given(windows(axes=2), CHANNELS, SEEDS)
def test_unfold_by_loops(geometry, channels, seed):
    x = integers(seed, 2, channels, *geometry["extent"])
    y, cache = unfold_forward(x, **options_of(geometry))
    g = integers(seed + 1, *y.shape)
    expected, gradient = np.full(y.shape, np.nan), np.zeros(x.shape)
    for column, place in columns_by_loops(x.shape, geometry):
        expected[column] = x[place] if place else 0
        if place:
            gradient[place] += g[column]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(unfold_backward(g, cache)["input"], gradient)


@drawn
@given(windows(axes=2), CHANNELS, SEEDS)
def test_fold_by_loops(geometry, channels, seed):
    shape = (2, channels, *geometry["extent"])
    pairs = list(columns_by_loops(shape, geometry))
    x = integers(seed, *(1 + n for n in pairs[-1][0]))
    y, cache = fold_forward(x, geometry["extent"], **options_of(geometry))
    g = integers(seed + 1, *shape)
    expected, gradient = np.zeros(shape), np.full(x.shape, np.nan)
    for column, place in pairs:
        gradient[column] = g[place] if place else 0
        if place:
            expected[place] += x[column]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(fold_backward(g, cache)["input"], gradient)


@drawn
@given(windows(axes=2), CHANNELS, SEEDS)
def test_fold_is_the_transpose_of_unfold(geometry, channels, seed):
    """<unfold(x), c> = <x, fold(c)>, and each one's backward is the other's forward."""
    rng = np.random.default_rng(seed)
    options = options_of(geometry)
    x = rng.standard_normal((2, channels, *geometry["extent"]))
    columns, unfolded = unfold_forward(x, **options)
    c = rng.standard_normal(columns.shape)
    image, folded = fold_forward(c, geometry["extent"], **options)
    assert adjoint((columns, c), (x, image))
    np.testing.assert_array_equal(unfold_backward(c, unfolded)["input"], image)
    np.testing.assert_array_equal(fold_backward(x, folded)["input"], columns)


def test_by_hand():
    x = np.arange(1.0, 10).reshape(1, 3, 3)
    y, _ = unfold_forward(x, 2)
    np.testing.assert_array_equal(y, [[1, 2, 4, 5], [2, 3, 5, 6], [4, 5, 7, 8], [5, 6, 8, 9]])
    image, _ = fold_forward(y, 3, 2)
    np.testing.assert_array_equal(image, x * [[1, 2, 1], [2, 4, 2], [1, 2, 1]])


def test_a_convolution_is_a_matrix_product_of_the_unfolded_image():
    x, w = integers(0, 2, 3, 5, 6), integers(1, 4, 3, 2, 3)
    options = {"dilation": (2, 1), "padding": (1, 2), "stride": (1, 2)}
    y, _ = conv2d_forward(x, w, **options)
    columns, _ = unfold_forward(x, (2, 3), **options)
    np.testing.assert_array_equal(y.reshape(2, 4, -1), w.reshape(4, -1) @ columns)


def test_windows_side_by_side_fold_back_to_the_image():
    x = integers(0, 2, 3, 4, 6)
    columns, _ = unfold_forward(x, (2, 3), stride=(2, 3))
    np.testing.assert_array_equal(fold_forward(columns, (4, 6), (2, 3), stride=(2, 3))[0], x)
