"""Unfolding copies every number as it is; folding adds as few as lie on a pixel."""

import numpy as np
import pytest

from refimpl import fold_backward, fold_forward, unfold_backward, unfold_forward

EXTREMES = np.array([5e-324, -1e-310, 1.7e308, -1.7e308, np.inf, -np.inf, np.nan, -0.0, 1.0]).reshape(1, 3, 3)


def test_copies_are_to_the_bit():
    columns, _ = unfold_forward(EXTREMES, 2)
    for i, (row, column) in enumerate(np.ndindex(2, 2)):
        window = np.ascontiguousarray(EXTREMES[0, row : row + 2, column : column + 2]).ravel()
        np.testing.assert_array_equal(columns[:, i].copy().view(np.uint64), window.view(np.uint64))
    _, cache = fold_forward(np.zeros((4, 4)), 3, 2)
    np.testing.assert_array_equal(fold_backward(EXTREMES, cache)["input"], columns)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 4e307])
def test_four_windows_on_a_pixel_add_up_without_a_rounding(scale):
    image, _ = fold_forward(np.full((4, 4), scale), 3, 2)
    np.testing.assert_array_equal(image, scale * np.array([[[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]]))
    _, cache = unfold_forward(np.zeros((1, 3, 3)), 2)
    np.testing.assert_array_equal(unfold_backward(np.full((4, 4), scale), cache)["input"], image)


def test_infinite_and_missing_entries_stay_on_their_pixel():
    for bad in (np.inf, -np.inf, np.nan):
        x = np.ones((4, 4))
        x[3, 0] = bad  # the last entry of the first window: the middle
        image, _ = fold_forward(x, 3, 2)
        np.testing.assert_array_equal(image, [[[1, 2, 1], [2, bad, 2], [1, 2, 1]]])


def test_float16_is_rounded_once():
    """64 windows meet on a pixel, each with 33 + 1/32: added up in float16, steps of 1 would lose the small parts."""
    x = np.full((64, 64), 33 + 1 / 32, np.float16)
    image, _ = fold_forward(x, 15, 8)
    assert image.dtype == np.float16
    assert image[0, 7, 7] == 2114
