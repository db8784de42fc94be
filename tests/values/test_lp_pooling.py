"""Power-average pooling against a loop over every window, and at signs and zeros."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))

    def extents(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    return {
        "input": (*draw(st.sampled_from([(2,), (1, 2)])), *extents(1, 6)),
        "norm_type": draw(st.sampled_from([1, 2, 3, 0.5, 2.5, -1, 70, np.inf, -np.inf])),
        "kernel_size": extents(1, 4),
        "stride": extents(1, 3),
        "ceil_mode": draw(st.booleans()),
    }


def norm(entries, p, places):
    if np.isinf(p):
        return entries.max() if p > 0 else entries.min()
    return (places * np.mean(entries**p)) ** (1 / p)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_every_window(geometry, seed):
    """A window over the end counts as if its mean power stood in the missing places."""
    shape, p, kernel, stride, ceil_mode = geometry.values()
    axes = len(kernel)
    x = np.random.default_rng(seed).uniform(0.5, 2, shape)
    forward = getattr(refimpl, f"lp_pool{axes}d_forward")
    sizes = []
    for n, k, s in zip(shape[-axes:], kernel, stride, strict=True):
        count = (n - k) // s + 1
        sizes.append(count + (ceil_mode and (n - k) % s > 0 and count * s < n))
    if min(sizes) < 1:
        with pytest.raises(ValueError, match="must fit into the padded input"):
            forward(x, p, kernel, stride, ceil_mode)
        return
    output, cache = forward(x, p, kernel, stride, ceil_mode)
    assert output.shape == (*shape[:-axes], *sizes)
    for o in itertools.product(*map(range, sizes)):
        box = tuple(slice(a * s, a * s + k) for a, s, k in zip(o, stride, kernel, strict=True))
        for lead in np.ndindex(shape[:-axes]):
            expected = norm(x[lead][box], p, np.prod(kernel))
            np.testing.assert_allclose(output[(*lead, *o)], expected, rtol=1e-13)
    # The norm grows in proportion to its window, so that <grad_x, x> = <g, y>.
    g = np.random.default_rng(seed).standard_normal(output.shape)
    grad_x = getattr(refimpl, f"lp_pool{axes}d_backward")(g, cache)["input"]
    size = np.abs(g * output).sum()
    np.testing.assert_allclose((grad_x * x).sum(), (g * output).sum(), rtol=0, atol=1e-12 * size)


def test_nan_where_a_power_or_a_root_has_no_value():
    """A broken power of a negative entry, and an odd root of a negative sum."""
    for p, x in ((2.5, [[-1.0, 2]]), (0.5, [[-1.0, 2]]), (3, [[-2.0, 1]])):
        output, cache = refimpl.lp_pool1d_forward(x, p, 2)
        assert np.isnan(output).all()
        assert np.isnan(refimpl.lp_pool1d_backward(np.ones((1, 1)), cache)["input"]).all()
    output, cache = refimpl.lp_pool1d_forward([[-1.0, 2]], 3, 2)
    np.testing.assert_allclose(output, 7 ** (1 / 3), rtol=1e-15)
    grad_x = refimpl.lp_pool1d_backward([[1.0]], cache)["input"]
    np.testing.assert_allclose(grad_x, np.array([[1, 4]]) * 7 ** (-2 / 3), rtol=1e-15)


@pytest.mark.parametrize("p", [0.5, 1, 2, 2.5, 3, np.inf])
def test_a_window_of_zeros_adds_nothing(p):
    output, cache = refimpl.lp_pool1d_forward([[0.0, 0, 3, 3]], p, 2)
    assert output[0, 0] == 0
    grad_x = refimpl.lp_pool1d_backward([[5.0, 1]], cache)["input"]
    np.testing.assert_array_equal(grad_x[0, :2], [0, 0])
    assert grad_x[0, 2] > 0


def test_infinite_entries_have_an_infinite_norm():
    for p in (1, 2, 3, 70, np.inf):
        np.testing.assert_array_equal(refimpl.lp_pool1d_forward([[1.0, np.inf]], p, 2)[0], [[np.inf]])
    np.testing.assert_array_equal(refimpl.lp_pool1d_forward([[4.0, np.inf]], -1, 2)[0], [[4]])
    _, cache = refimpl.lp_pool1d_forward([[1.0, np.inf]], 2, 2)
    np.testing.assert_array_equal(refimpl.lp_pool1d_backward([[1.0]], cache)["input"], [[0, np.nan]])


def test_the_first_of_equal_magnitudes_gets_the_gradient():
    for p in (np.inf, -np.inf):
        output, cache = refimpl.lp_pool1d_forward([[-2.0, 2, -2]], p, 3)
        assert output == 2
        np.testing.assert_array_equal(refimpl.lp_pool1d_backward([[5.0]], cache)["input"], [[-5, 0, 0]])
