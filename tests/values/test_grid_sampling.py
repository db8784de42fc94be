"""Sampling by a grid against a loop over positions and pixels, its adjoint, and affine maps of known effect."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl import (
    affine_grid_backward,
    affine_grid_forward,
    grid_sample_backward,
    grid_sample_forward,
    interpolate_forward,
)


@st.composite
def geometries(draw):
    mode = draw(st.sampled_from(["bilinear", "nearest", "bicubic"]))
    spatial = 2 if mode == "bicubic" else draw(st.integers(2, 3))
    extents = tuple(draw(st.lists(st.integers(1, 5), min_size=spatial, max_size=spatial)))
    out = tuple(draw(st.lists(st.integers(1, 3), min_size=spatial, max_size=spatial)))
    options = {
        "mode": mode,
        "padding_mode": draw(st.sampled_from(["zeros", "border", "reflection"])),
        "align_corners": draw(st.booleans()),
    }
    # Sixteenths, so that pixels' middles, edges and half-way places come up often.
    sixteenths = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    grid = rng.uniform(-3, 3, (2, *out, spatial))
    return extents, np.round(16 * grid) / 16 if sixteenths else grid, options


def turned(p, low, high):
    """p reflected between two edges, turn by turn."""
    if low == high:
        return 0.0
    while not low <= p <= high:
        p = 2 * low - p if p < low else 2 * high - p
    return p


def placed(p, n, padding_mode, align_corners):
    if padding_mode == "reflection":
        p = turned(p, *((0, n - 1) if align_corners else (-0.5, n - 0.5)))
    return p if padding_mode == "zeros" else min(max(p, 0), n - 1)


def kernel(mode, d):
    d = abs(d)
    if mode == "bilinear":
        return max(1 - d, 0)
    if d < 1:
        return 1.25 * d**3 - 2.25 * d**2 + 1
    return -0.75 * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0


def parts(u, n, mode, padding_mode, align_corners):
    """(pixel, weight) for one coordinate along one axis."""
    p = (u + 1) / 2 * (n - 1) if align_corners else ((u + 1) * n - 1) / 2
    if mode == "bicubic":
        found = [(j, kernel(mode, j - p)) for j in range(math.floor(p) - 1, math.floor(p) + 3)]
        found = [(placed(j, n, padding_mode, align_corners), w) for j, w in found]
    else:
        p = placed(p, n, padding_mode, align_corners)
        if mode == "nearest":
            found = [(round(p), 1.0)]  # Python rounds halves to even
        else:
            found = [(j, kernel(mode, j - p)) for j in (math.floor(p), math.floor(p) + 1)]
    return [(int(j), w) for j, w in found if 0 <= j < n]


def loop(x, grid, **options):
    """x (in...), grid (out..., axes)."""
    y = np.zeros(grid.shape[:-1])
    for place in np.ndindex(y.shape):
        axes = [parts(u, n, **options) for u, n in zip(grid[place][::-1], x.shape, strict=True)]
        for taps in product(*axes):
            y[place] += math.prod(w for _, w in taps) * x[tuple(j for j, _ in taps)]
    return y


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries())
def test_every_output_is_the_sum_of_the_definition(geometry):
    extents, grid, options = geometry
    x = np.random.default_rng(0).standard_normal((2, 3, *extents))
    y, _ = grid_sample_forward(x, grid, **options)
    expected = [[loop(channel, u, **options) for channel in sample] for sample, u in zip(x, grid, strict=True)]
    np.testing.assert_allclose(y, np.array(expected), rtol=0, atol=1e-13)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries())
def test_backward_is_the_adjoint_in_the_input(geometry):
    extents, grid, options = geometry
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, *extents))
    y, cache = grid_sample_forward(x, grid, **options)
    g = rng.standard_normal(y.shape)
    grad = grid_sample_backward(g, cache)["input"]
    assert abs(np.vdot(y, g) - np.vdot(x, grad)) <= 1e-14 * np.linalg.norm(y) * np.linalg.norm(g) + 1e-300


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(2, 3), st.booleans(), st.data())
def test_affine_grids_are_adjoint_and_sampled_alone(axes, align_corners, data):
    extents = data.draw(st.lists(st.integers(1, 5), min_size=axes, max_size=axes))
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((2, axes, axes + 1))
    y, cache = affine_grid_forward(theta, (2, 1, *extents), align_corners)
    for place in np.ndindex(*extents):
        steps = [
            (2 * i / (n - 1) - 1 if n > 1 else 0) if align_corners else (2 * i + 1) / n - 1
            for i, n in zip(place[::-1], extents[::-1], strict=True)
        ]
        np.testing.assert_allclose(y[(slice(None), *place)], theta @ np.array([*steps, 1]), rtol=0, atol=1e-14)
    g = rng.standard_normal(y.shape)
    grad = affine_grid_backward(g, cache)["theta"]
    np.testing.assert_allclose(np.vdot(y, g), np.vdot(theta, grad), rtol=0, atol=1e-12)


def test_nearest_rounds_halves_to_even():
    x = np.arange(9.0)[None, None, None]
    positions = np.array([0.5, 1.5, 2.5, 3.5, 6.5, -0.5, 8.5])
    grid = np.stack([positions / 4 - 1, 0 * positions], axis=-1)[None, None]
    y, cache = grid_sample_forward(x, grid, "nearest", "zeros", True)
    np.testing.assert_array_equal(y[0, 0, 0], [0, 2, 2, 4, 6, 0, 8])
    grads = grid_sample_backward(np.ones_like(y), cache)
    np.testing.assert_array_equal(grads["input"][0, 0, 0], [2, 0, 2, 0, 1, 0, 1, 0, 1])
    assert not grads["grid"].any()


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_the_identity_map_resizes_like_interpolate(mode, align_corners):
    """Interpolate holds positions at the border, as the border mode does."""
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 4))
    theta = np.broadcast_to(np.eye(2, 3), (2, 2, 3))
    grid, _ = affine_grid_forward(theta, (2, 3, 7, 9), align_corners)
    y, _ = grid_sample_forward(x, grid, mode, "border", align_corners)
    expected, _ = interpolate_forward(x, size=(7, 9), mode=mode, align_corners=align_corners)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


def test_a_quarter_turn_moves_pixels():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    grid, _ = affine_grid_forward(np.array([[[0.0, 1, 0], [-1, 0, 0]]]), (1, 1, 3, 3), False)
    y, _ = grid_sample_forward(x, grid, "nearest", align_corners=False)
    np.testing.assert_array_equal(y[0, 0], np.rot90(x[0, 0], -1))


def test_one_sided_slopes_at_a_pixels_middle():
    """Bilinear takes the slope to the right, as PyTorch does; held at the border it takes none."""
    x = np.array([[[[1.0, 3.0, 10.0]]]])
    for padding_mode, expected in (("zeros", [3.0, 10.5, -15.0]), ("border", [0.0, 10.5, 0.0])):
        grid = np.array([[[[-2 / 3, 0.0], [0.0, 0.0], [2 / 3, 0.0]]]])
        y, cache = grid_sample_forward(x, grid, padding_mode=padding_mode, align_corners=False)
        slopes = grid_sample_backward(np.ones_like(y), cache)["grid"][0, 0, :, 0]
        np.testing.assert_allclose(slopes, expected, rtol=1e-14)
