"""Pixels that are no numbers, huge ones, and boxes far away or without a side."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import roi_align_backward, roi_align_forward

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("value", [INF, -INF, NAN])
def test_a_pixel_that_is_no_number_reaches_only_its_own_bins(value):
    x = np.ones((1, 1, 6, 6))
    x[0, 0, 2, 2] = value
    y, _ = roi_align_forward(x, np.array([[0, 0, 0, 6, 6]]), 6, sampling_ratio=1, aligned=True)
    np.testing.assert_array_equal(y[0, 0], x[0, 0])
    y, _ = roi_align_forward(x, np.array([[0, 3, 3, 6, 6], [0, -9, -9, -4, -4]]), 2)
    np.testing.assert_array_equal(y[0], 1)
    np.testing.assert_array_equal(y[1], 0)


def test_boxes_far_away_and_without_a_side_are_0():
    x = np.ones((1, 1, 4, 4))
    far = np.array([[0, 1e15, 0, 1e15 + 3, 2], [0, -1e300, 0, -1e300, 2]])
    y, cache = roi_align_forward(x, far, 2)
    assert not y.any()
    assert not roi_align_backward(np.ones_like(y), cache)["input"].any()
    flat = np.array([[0, 1.0, 1.0, 1.0, 3.0]])
    assert not roi_align_forward(x, flat, 2, aligned=True)[0].any()  # no points, as in torchvision
    assert (roi_align_forward(x, flat, 2)[0] == 1).all()


@pytest.mark.parametrize("magnitude", [1e-310, 1.0, 1e307])
def test_means_are_right_to_the_last_digits(magnitude):
    """Bins of eighths, of which all weights are exact, over pixels of one sign."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1, (8, 8)) * magnitude
    box = np.array([[0, 0.75, 1.25, 4.75, 5.25]])
    y, cache = roi_align_forward(x[None, None], box, 2, sampling_ratio=2)
    exact = []
    with mpmath.workdps(60):
        for row, column in np.ndindex(2, 2):
            total = mpmath.mpf(0)
            for a, b in np.ndindex(2, 2):
                (i, s), (j, t) = (
                    divmod(Fraction(low) + 2 * k + Fraction(2 * m + 1, 2), 1)
                    for low, k, m in ((1.25, row, a), (0.75, column, b))
                )
                for di, wi in ((0, 1 - s), (1, s)):
                    for dj, wj in ((0, 1 - t), (1, t)):
                        total += mpmath.mpf((wi * wj).numerator) / (wi * wj).denominator * float(x[i + di, j + dj])
            exact.append(total / 4)
        assert ulp_distance(y.ravel(), exact).max() <= 3
    grad = roi_align_backward(np.full((1, 1, 2, 2), magnitude), cache)["input"]
    # Below the normal numbers each of the 64 terms is rounded to the smallest one.
    np.testing.assert_allclose(grad.sum(), 4 * magnitude, rtol=1e-14, atol=64 * 5e-324)
