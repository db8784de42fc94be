"""Unpooling against a loop over every entry."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import refimpl


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))

    def extents(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    stride, kernel = extents(1, 3), extents(1, 3)
    m = extents(1, 4)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    sizes = []
    for n, k, s, p in zip(m, kernel, stride, padding, strict=True):
        least = (n - 1) * s + k - 2 * p
        assume(least + s > 1)
        sizes.append(draw(st.integers(max(1, least - s + 1), least + s - 1)))
    return (*draw(st.sampled_from([(2,), (1, 2), (0, 1)])), *m), kernel, stride, padding, tuple(sizes)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1), st.sampled_from([np.int64, np.int32, np.uint8]))
def test_every_entry(geometry, seed, dtype):
    """Any indices, so that some come twice: the last wins, and all of them get the gradient."""
    shape, kernel, stride, padding, sizes = geometry
    axes, rng = len(kernel), np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    indices = rng.integers(0, min(np.prod(sizes), 256), shape).astype(dtype)
    forward = getattr(refimpl, f"max_unpool{axes}d_forward")
    output, cache = forward(x, indices, kernel, stride, padding, sizes)
    expected = np.zeros((*shape[:-axes], *sizes))
    for place in np.ndindex(shape):
        expected[place[:-axes]][np.unravel_index(indices[place], sizes)] = x[place]
    np.testing.assert_array_equal(output, expected)
    g = rng.standard_normal(output.shape)
    grad_x = getattr(refimpl, f"max_unpool{axes}d_backward")(g, cache)["input"]
    for place in np.ndindex(shape):
        assert grad_x[place] == g[place[:-axes]][np.unravel_index(indices[place], sizes)]
    if all(len(np.unique(plane)) == plane.size for plane in indices.reshape(-1, int(np.prod(shape[-axes:])))):
        np.testing.assert_allclose(np.vdot(g, output), np.vdot(grad_x, x), rtol=0, atol=1e-13)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_what_was_pooled_comes_back_to_its_places(axes):
    z = np.random.default_rng(0).permutation(2 * 6**axes).astype(float).reshape(2, *(6,) * axes) + 1
    (x, indices), _ = getattr(refimpl, f"max_pool{axes}d_forward")(z, 2, return_indices=True)
    output, _ = getattr(refimpl, f"max_unpool{axes}d_forward")(x, indices, 2)
    np.testing.assert_array_equal(output[output > 0], z[output > 0])
    np.testing.assert_array_equal(np.sort(output[output > 0]), np.sort(x.ravel()))
