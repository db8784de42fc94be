"""Positions far away and no numbers, infinite pixels, and weights right to the last digits."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import affine_grid_forward, grid_sample_backward, grid_sample_forward

INF, NAN = np.inf, np.nan
X = np.arange(1.0, 13).reshape(1, 1, 3, 4)
ALL_MODES = ["bilinear", "nearest", "bicubic"]


def row(*points):
    return np.array(points)[None, None]


@pytest.mark.parametrize("far", [50.0, 1e19, 1e300, INF])
@pytest.mark.parametrize("mode", ALL_MODES)
def test_far_beyond_there_is_nothing_or_the_border(mode, far):
    grid = row([far, 0.0], [-far, 0.0], [0.0, far], [far, -far])
    y, cache = grid_sample_forward(X, grid, mode, "zeros", False)
    np.testing.assert_array_equal(y[0, 0, 0], 0)
    grads = grid_sample_backward(np.ones_like(y), cache)
    assert not grads["input"].any()
    assert not grads["grid"].any()
    y, cache = grid_sample_forward(X, grid, mode, "border", True)
    middle = 10.5 if mode != "nearest" else 11.0  # half way between columns 1 and 2, of which 2 is even
    np.testing.assert_allclose(y[0, 0, 0], [8, 5, middle, 4], rtol=1e-15)
    grads = grid_sample_backward(np.ones_like(y), cache)
    np.testing.assert_allclose(grads["input"].sum(), 4, rtol=1e-15)
    assert not grads["grid"][0, 0, [0, 1], 0].any()
    assert not grads["grid"][0, 0, [2, 3], 1].any()


@pytest.mark.parametrize("mode", ALL_MODES)
def test_reflection_far_away_stays_within_the_picture(mode):
    grid = np.random.default_rng(0).uniform(-1e15, 1e15, (1, 20, 20, 2))
    for align_corners in (False, True):
        y, _ = grid_sample_forward(np.ones((1, 1, 3, 4)), grid, mode, "reflection", align_corners)
        np.testing.assert_allclose(y, 1, rtol=1e-14)


@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ALL_MODES)
def test_a_position_that_is_no_number_makes_its_output_nan(mode, padding_mode):
    """And no other output."""
    y, _ = grid_sample_forward(X, row([NAN, 0.0], [0.1, 0.2]), mode, padding_mode, False)
    assert np.isnan(y[0, 0, 0, 0])
    assert np.isfinite(y[0, 0, 0, 1])


@pytest.mark.parametrize("value", [INF, -INF, NAN])
@pytest.mark.parametrize("mode", ALL_MODES)
def test_an_infinite_pixel_reaches_only_what_it_has_a_weight_in(mode, value):
    """Not what stands exactly on its neighbour, nor what lies beyond the border that it is on."""
    x = X.copy()
    x[0, 0, 0, 0] = value
    grid = row([-0.75, 0.0], [-0.25, -2 / 3], [-3.0, -3.0], [-0.75, -2 / 3])
    y, cache = grid_sample_forward(x, grid, mode, "zeros", False)
    np.testing.assert_array_equal(y[0, 0, 0], [5, 2, 0, value])
    grads = grid_sample_backward(np.ones_like(y), cache)
    assert np.isfinite(grads["input"]).all()
    assert not grads["grid"][0, 0, 2].any()


@pytest.mark.parametrize("magnitude", [1e-310, 1.0, 1e307])
def test_bilinear_is_right_to_the_last_digits(magnitude):
    """Dyadic positions, of which the four weights are exact, and pixels of one sign."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1, (8, 16)) * magnitude
    rows, columns = rng.integers(0, 7 * 32, 200), rng.integers(0, 15 * 32, 200)
    grid = np.stack([(columns / 16 + 1) / 16 - 1, (rows / 16 + 1) / 8 - 1], axis=-1)[None, None]
    y, _ = grid_sample_forward(x[None, None], grid, align_corners=False)
    exact = []
    with mpmath.workdps(60):
        for i, j in zip(rows, columns, strict=True):
            (p, s), (q, t) = divmod(Fraction(int(i), 32), 1), divmod(Fraction(int(j), 32), 1)
            total = mpmath.mpf(0)
            for row_, a in ((p, 1 - s), (p + 1, s)):
                for column, b in ((q, 1 - t), (q + 1, t)):
                    if a * b:
                        total += mpmath.mpf((a * b).numerator) / (a * b).denominator * float(x[row_, column])
            exact.append(total)
        assert ulp_distance(y[0, 0, 0], exact).max() <= 3


def test_affine_coordinates_are_right_to_the_last_digit():
    """The identity's grid is the coordinates themselves."""
    n = 1001
    grid, _ = affine_grid_forward(np.eye(2, 3)[None], (1, 1, 3, n), False)
    with mpmath.workdps(40):
        assert ulp_distance(grid[0, 0, :, 0], [mpmath.mpf(2 * i + 1 - n) / n for i in range(n)]).max() <= 0.5
    grid, _ = affine_grid_forward(np.eye(2, 3)[None], (1, 1, 3, n), True)
    with mpmath.workdps(40):
        assert ulp_distance(grid[0, 0, :, 0], [mpmath.mpf(2 * i - n + 1) / (n - 1) for i in range(n)]).max() <= 0.5
