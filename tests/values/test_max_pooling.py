"""Max pooling against a loop over every window, and what else its pages do not say."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl


def pair(axes):
    return getattr(refimpl, f"max_pool{axes}d_forward"), getattr(refimpl, f"max_pool{axes}d_backward")


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))

    def extents(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel = extents(1, 4)
    return {
        "input": (*draw(st.sampled_from([(2,), (1, 2)])), *extents(1, 6)),
        "kernel_size": kernel,
        "stride": extents(1, 3),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "dilation": extents(1, 2),
        "ceil_mode": draw(st.booleans()),
    }


def output_extent(n, k, s, p, d, ceil_mode):
    reach = d * (k - 1) + 1
    count = (n + 2 * p - reach) // s + 1
    return count + (ceil_mode and (n + 2 * p - reach) % s > 0 and count * s < n + p)


def by_loop(x, geometry):
    """Output, indices, and the gradient for grad_output = 1, 2, 3, ...: every window, every position in it."""
    kernel, stride, padding, dilation, ceil_mode = list(geometry.values())[1:]
    axes = len(kernel)
    spatial = x.shape[-axes:]
    sizes = [
        output_extent(*numbers, ceil_mode) for numbers in zip(spatial, kernel, stride, padding, dilation, strict=True)
    ]
    output = np.zeros((*x.shape[:-axes], *sizes))
    indices, grad = np.zeros(output.shape, int), np.zeros(x.shape)
    for g, place in enumerate(np.ndindex(output.shape), start=1):
        lead, o = place[:-axes], place[-axes:]
        best, where = -np.inf, None
        for k in itertools.product(*map(range, kernel)):
            i = tuple(a * s + b * d - p for a, b, s, d, p in zip(o, k, stride, dilation, padding, strict=True))
            if all(0 <= a < n for a, n in zip(i, spatial, strict=True)) and (where is None or x[lead + i] > best):
                best, where = x[lead + i], i
        if where is None:
            return None
        output[place], indices[place] = best, np.ravel_multi_index(where, spatial)
        grad[lead + where] += g
    return output, indices, grad


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_every_window(geometry, seed):
    """Entries from few values, so that ties are common."""
    shape, *options = geometry.values()
    axes = len(options[0])
    x = np.random.default_rng(seed).integers(-3, 3, shape).astype(float)
    forward, backward = pair(axes)
    sizes = [output_extent(*numbers, options[4]) for numbers in zip(shape[-axes:], *options[:4], strict=True)]
    if min(sizes) < 1:
        with pytest.raises(ValueError, match="must fit into the padded input"):
            forward(x, *options)
        return
    expected = by_loop(x, geometry)
    if expected is None:
        with pytest.raises(ValueError, match="every window must hold an entry of input"):
            forward(x, *options)
        return
    (output, indices), cache = forward(x, *options, return_indices=True)
    np.testing.assert_array_equal(output, expected[0])
    np.testing.assert_array_equal(indices, expected[1])
    g = np.arange(1.0, output.size + 1).reshape(output.shape)
    np.testing.assert_array_equal(backward((g, None), cache)["input"], expected[2])


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_nan_wins_and_of_several_the_last(axes):
    x = np.array([1.0, np.nan, 5.0, np.nan, np.inf, 2.0]).reshape(1, *(1,) * (axes - 1), 6)
    forward, backward = pair(axes)
    (output, indices), cache = forward(x, (*(1,) * (axes - 1), 6), return_indices=True)
    assert np.isnan(output).all()
    assert indices.item() == 3
    np.testing.assert_array_equal(np.flatnonzero(backward((np.ones_like(output), None), cache)["input"]), [3])


def test_a_window_of_minus_infinity_goes_to_its_first_entry():
    x = np.full((1, 4), -np.inf)
    (output, indices), cache = refimpl.max_pool1d_forward(x, 3, 1, 1, return_indices=True)
    np.testing.assert_array_equal(output, np.full((1, 4), -np.inf))
    np.testing.assert_array_equal(indices, [[0, 0, 1, 2]])
    grad_x = refimpl.max_pool1d_backward(([[1.0, 2, 3, 4]], None), cache)["input"]
    np.testing.assert_array_equal(grad_x, [[3, 3, 4, 0]])


def test_an_infinite_gradient_stays_with_the_winner():
    _, cache = refimpl.max_pool2d_forward([[[1.0, 2], [4, 3]]], 2)
    grad_x = refimpl.max_pool2d_backward([[[np.inf]]], cache)["input"]
    np.testing.assert_array_equal(grad_x, [[[0, 0], [np.inf, 0]]])


def test_kernels_of_more_positions_than_a_byte_counts():
    x = np.random.default_rng(0).permutation(2 * 20 * 20).astype(float).reshape(2, 20, 20)
    (output, indices), cache = refimpl.max_pool2d_forward(x, 20, return_indices=True)
    np.testing.assert_array_equal(indices.ravel(), x.reshape(2, 400).argmax(axis=1))
    np.testing.assert_array_equal(output.ravel(), x.reshape(2, 400).max(axis=1))
    grad_x = refimpl.max_pool2d_backward((np.ones((2, 1, 1)), None), cache)["input"]
    np.testing.assert_array_equal(np.flatnonzero(grad_x), indices.ravel() + np.array([0, 400]))


@pytest.mark.parametrize("wrong", [np.ones((1, 3)), (np.ones((1, 3)),), (np.ones((1, 3)), np.ones((1, 3)))])
def test_grad_output_has_the_structure_of_output(wrong):
    _, cache = refimpl.max_pool1d_forward(np.ones((1, 6)), 2, return_indices=True)
    with pytest.raises(TypeError) as caught:
        refimpl.max_pool1d_backward(wrong, cache)
    assert str(caught.value) == (
        "max_pool1d_backward: grad_output must be (gradient, None) where output is (output, indices), "
        f"got {type(wrong).__name__}"
    )


def test_the_winners_of_a_small_kernel_take_a_byte_each():
    assert refimpl.max_pool2d_forward(np.ones((1, 2, 8, 8)), 3)[1].winner.dtype == np.uint8
