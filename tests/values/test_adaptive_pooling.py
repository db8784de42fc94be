"""Adaptive pooling against a loop over every window."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))
    lead = draw(st.sampled_from([(2,), (1, 2), (0, 1)]))
    return (
        (*lead, *(draw(st.integers(1, 7)) for _ in range(axes))),
        tuple(draw(st.integers(1, 9)) for _ in range(axes)),
    )


def windows(place, spatial, sizes):
    """The slices of the window at this place, from exact fractions."""
    return tuple(
        slice(floor(Fraction(o * n, m)), ceil(Fraction((o + 1) * n, m)))
        for o, n, m in zip(place, spatial, sizes, strict=True)
    )


@settings(max_examples=250, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_means_of_every_window_and_the_adjoint(geometry, seed):
    """<A x, g> = <x, A* g>, with A as the loop has it."""
    shape, sizes = geometry
    axes, rng = len(sizes), np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    output, cache = getattr(refimpl, f"adaptive_avg_pool{axes}d_forward")(x, sizes)
    assert output.shape == shape[:-axes] + sizes
    for place in np.ndindex(output.shape):
        box = x[place[:-axes]][windows(place[-axes:], shape[-axes:], sizes)]
        np.testing.assert_allclose(output[place], box.mean(), rtol=1e-13, atol=1e-14)
    g = rng.standard_normal(output.shape)
    grad_x = getattr(refimpl, f"adaptive_avg_pool{axes}d_backward")(g, cache)["input"]
    size = np.abs(g * output).sum() + np.abs(grad_x * x).sum()
    np.testing.assert_allclose(np.vdot(g, output), np.vdot(grad_x, x), rtol=0, atol=1e-14 * max(size, 1))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_maxima_of_every_window(geometry, seed):
    """Entries from few values, so that ties are common; argmax takes the first."""
    shape, sizes = geometry
    axes, rng = len(sizes), np.random.default_rng(seed)
    spatial = shape[-axes:]
    x = rng.integers(-2, 3, shape).astype(float)
    forward = getattr(refimpl, f"adaptive_max_pool{axes}d_forward")
    (output, indices), cache = forward(x, sizes, return_indices=True)
    flat, expected = np.arange(np.prod(spatial)).reshape(spatial), np.zeros(shape)
    g = rng.integers(-9, 10, output.shape).astype(float)
    for place in np.ndindex(output.shape):
        box = windows(place[-axes:], spatial, sizes)
        winner = flat[box].ravel()[x[place[:-axes]][box].argmax()]
        assert indices[place] == winner
        assert output[place] == x[place[:-axes]].ravel()[winner]
        expected[place[:-axes]][np.unravel_index(winner, spatial)] += g[place]
    grad_x = getattr(refimpl, f"adaptive_max_pool{axes}d_backward")((g, None), cache)["input"]
    np.testing.assert_array_equal(grad_x, expected)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_nan_wins_and_of_several_the_last(axes):
    x = np.array([1.0, np.nan, 5.0, np.nan, np.inf, 2.0, 7.0, 8.0]).reshape(1, *((2, 4), (2, 2, 2), (8,))[axes - 2])
    (output, indices), _ = getattr(refimpl, f"adaptive_max_pool{axes}d_forward")(x, 1, return_indices=True)
    assert np.isnan(output).all()
    assert indices.item() == 3


def test_infinity_and_nan_stay_in_their_windows():
    output, _ = refimpl.adaptive_avg_pool1d_forward([[1.0, 2, np.inf, 4, 5, np.nan]], 3)
    np.testing.assert_array_equal(output, [[1.5, np.inf, np.nan]])
