"""Fractional max pooling against a loop over every window."""

from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl


@st.composite
def geometries(draw):
    axes = draw(st.integers(2, 3))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    sizes = tuple(draw(st.integers(1, 4)) for _ in range(axes))
    extents = tuple(k + m - 1 + draw(st.integers(0, 3)) for k, m in zip(kernel, sizes, strict=True))
    return (*draw(st.sampled_from([(2,), (1, 2), (0, 1)])), *extents), kernel, sizes


def begins(o, n, k, m, u):
    return n - k if o == m - 1 else floor((o + u) * ((n - k) / (m - 1))) - floor(u * ((n - k) / (m - 1)))


@settings(max_examples=250, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_every_window(geometry, seed):
    """Entries from few values, so that ties are common; argmax takes the first."""
    shape, kernel, sizes = geometry
    axes, rng = len(kernel), np.random.default_rng(seed)
    spatial = shape[-axes:]
    x = rng.integers(-2, 3, shape).astype(float)
    samples = rng.random((*(shape[:1] if len(shape) == axes + 2 else (1,)), shape[-axes - 1], axes))
    forward = getattr(refimpl, f"fractional_max_pool{axes}d_forward")
    (output, indices), cache = forward(x, kernel, sizes, return_indices=True, _random_samples=samples)
    flat, expected = np.arange(np.prod(spatial)).reshape(spatial), np.zeros(shape)
    g = rng.integers(-9, 10, output.shape).astype(float)
    for place in np.ndindex(output.shape):
        lead, o = place[:-axes], place[-axes:]
        u = samples[lead if len(lead) == 2 else (0, *lead)]
        u = u[::-1] if axes == 2 else u
        start = [begins(*numbers) for numbers in zip(o, spatial, kernel, sizes, u, strict=True)]
        box = tuple(slice(a, a + k) for a, k in zip(start, kernel, strict=True))
        assert flat[box].shape == kernel
        winner = flat[box].ravel()[x[lead][box].argmax()]
        assert indices[place] == winner
        assert output[place] == x[lead].ravel()[winner]
        expected[lead][np.unravel_index(winner, spatial)] += g[place]
    grad_x = getattr(refimpl, f"fractional_max_pool{axes}d_backward")((g, None), cache)["input"]
    np.testing.assert_array_equal(grad_x, expected)


@pytest.mark.parametrize("axes", [2, 3])
def test_windows_cover_both_ends_and_never_begin_at_one_entry_twice(axes):
    """The row itself, pooled by kernels of one, says where the windows begin; also for samples at the ends."""
    for n in range(2, 12):
        for m in range(2, n + 1):
            for u in (0.0, 0.3, 0.999999, 1.0):
                x = np.arange(float(n)).reshape(*(1,) * axes, n)
                samples = np.full((1, 1, axes), u)
                forward = getattr(refimpl, f"fractional_max_pool{axes}d_forward")
                output, _ = forward(x, 1, (*(1,) * (axes - 1), m), _random_samples=samples)
                steps = np.diff(output.ravel())
                assert output.ravel()[0] == 0
                assert output.ravel()[-1] == n - 1
                assert steps.min() >= 1
                assert steps.max() - steps.min() <= 2


def test_one_seed_one_answer():
    x = np.random.default_rng(0).standard_normal((1, 2, 9, 9))
    first, _ = refimpl.fractional_max_pool2d_forward(x, 2, 5, rng=4)
    np.testing.assert_array_equal(refimpl.fractional_max_pool2d_forward(x, 2, 5, rng=4)[0], first)
    drawn = np.random.default_rng(4).random((1, 2, 2))
    np.testing.assert_array_equal(refimpl.fractional_max_pool2d_forward(x, 2, 5, _random_samples=drawn)[0], first)
    generator = np.random.default_rng(4)
    np.testing.assert_array_equal(refimpl.fractional_max_pool2d_forward(x, 2, 5, rng=generator)[0], first)
    assert not np.array_equal(refimpl.fractional_max_pool2d_forward(x, 2, 5, rng=generator)[0], first)
