"""Convolutions by hand, against loops over every index, and their adjoints on random geometries."""

import numpy as np
import pytest
from geometries import adjoint, drawn, integers, positions, windows
from hypothesis import given
from hypothesis import strategies as st

import refimpl
from refimpl import conv2d_backward, conv2d_forward, conv_tbc_backward, conv_tbc_forward

GROUPS = st.sampled_from([(1, 1, 1), (1, 2, 3), (1, 3, 2), (2, 1, 1), (2, 2, 1), (2, 1, 2), (3, 1, 1), (3, 1, 2)])


def pair(axes):
    return getattr(refimpl, f"conv{axes}d_forward"), getattr(refimpl, f"conv{axes}d_backward")


def convolution_by_loops(x, w, b, g, stride, padding, dilation, groups):
    """y, and the gradients for g, one product of three indices at a time."""
    y = np.zeros(g.shape)
    grads = {"input": np.zeros(x.shape), "weight": np.zeros(w.shape), "bias": np.zeros(b.shape)}
    outputs_per_group = w.shape[0] // groups
    for n, o, *p in positions(*g.shape):
        y[(n, o, *p)] = b[o]
        grads["bias"][o] += g[(n, o, *p)]
        for c, *k in positions(*w.shape[1:]):
            channel = o // outputs_per_group * w.shape[1] + c
            place = [a * s + j * d - q for a, s, j, d, q in zip(p, stride, k, dilation, padding, strict=True)]
            if all(0 <= i < extent for i, extent in zip(place, x.shape[2:], strict=True)):
                met, kernel = (n, channel, *place), (o, c, *k)
                y[(n, o, *p)] += w[kernel] * x[met]
                grads["input"][met] += w[kernel] * g[(n, o, *p)]
                grads["weight"][kernel] += x[met] * g[(n, o, *p)]
    return y, grads


@drawn
@given(windows(), GROUPS, st.integers(1, 2), st.integers(0, 2**16))
def test_loops(geometry, channels, samples, seed):
    groups, inputs, outputs = channels
    forward, backward = pair(len(geometry["extent"]))
    x = integers(seed, samples, groups * inputs, *geometry["extent"])
    w = integers(seed + 1, groups * outputs, inputs, *geometry["kernel"])
    b = integers(seed + 2, groups * outputs)
    options = {name: geometry[name] for name in ("stride", "padding", "dilation")}
    y, cache = forward(x, w, b, groups=groups, **options)
    g = integers(seed + 3, *y.shape)
    expected, gradients = convolution_by_loops(x, w, b, g, groups=groups, **options)
    np.testing.assert_array_equal(y, expected)
    for name, gradient in backward(g, cache).items():
        np.testing.assert_array_equal(gradient, gradients[name], err_msg=name)


@drawn
@given(windows(), GROUPS, st.integers(1, 3), st.integers(0, 2**16))
def test_adjoint(geometry, channels, samples, seed):
    """<A x, g> = <x, A* g>, of the map of the input and of that of the weight."""
    groups, inputs, outputs = channels
    forward, backward = pair(len(geometry["extent"]))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, groups * inputs, *geometry["extent"]))
    w = rng.standard_normal((groups * outputs, inputs, *geometry["kernel"]))
    options = {name: geometry[name] for name in ("stride", "padding", "dilation")}
    y, cache = forward(x, w, groups=groups, **options)
    g = rng.standard_normal(y.shape)
    gradients = backward(g, cache)
    assert adjoint((y, g), (x, gradients["input"]))
    assert adjoint((y, g), (w, gradients["weight"]))


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_is_numbers_with_the_odd_one_behind(axes, kernel, dilation):
    forward, backward = pair(axes)
    total = dilation * (kernel - 1)
    x, w = integers(0, 2, 2, *(4, 3, 2)[:axes]), integers(1, 3, 2, *(kernel,) * axes)
    padded = np.pad(x, [(0, 0), (0, 0), *[(total // 2, total - total // 2)] * axes])
    y, cache = forward(x, w, padding="same", dilation=dilation)
    expected, other = forward(padded, w, dilation=dilation)
    assert y.shape == (2, 3, *x.shape[2:])
    np.testing.assert_array_equal(y, expected)
    g = integers(2, *y.shape)
    inside = (..., *(slice(total // 2, total // 2 + n) for n in x.shape[2:]))
    np.testing.assert_array_equal(backward(g, cache)["input"], backward(g, other)["input"][inside])
    np.testing.assert_array_equal(backward(g, cache)["weight"], backward(g, other)["weight"])


def test_by_hand():
    """A 2 x 2 kernel on a 3 x 3 image: four windows, which all meet the middle."""
    y, cache = conv2d_forward([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]], [[[[1.0, 0], [0, -2]]]], [0.5])
    np.testing.assert_array_equal(y, [[[[1 - 10 + 0.5, 2 - 12 + 0.5], [4 - 16 + 0.5, 5 - 18 + 0.5]]]])
    gradients = conv2d_backward([[[[1.0, 10], [100, 1000]]]], cache)
    np.testing.assert_array_equal(gradients["input"], [[[[1, 10, 0], [100, 1000 - 2, -20], [0, -200, -2000]]]])
    np.testing.assert_array_equal(
        gradients["weight"],
        [[[[1 + 20 + 400 + 5000, 2 + 30 + 500 + 6000], [4 + 50 + 700 + 8000, 5 + 60 + 800 + 9000]]]],
    )
    np.testing.assert_array_equal(gradients["bias"], [1111])


def test_a_kernel_of_one_is_the_linear_map_of_the_channels():
    x, w, b, g = (integers(i, *shape) for i, shape in enumerate([(2, 3, 4, 5), (6, 3), (6,), (2, 6, 4, 5)]))
    y, cache = conv2d_forward(x, w[:, :, None, None], b)
    expected, other = refimpl.linear_forward(np.moveaxis(x, 1, -1), w, b)
    np.testing.assert_array_equal(y, np.moveaxis(expected, -1, 1))
    gradients = refimpl.linear_backward(np.moveaxis(g, 1, -1), other)
    found = conv2d_backward(g, cache)
    np.testing.assert_array_equal(found["input"], np.moveaxis(gradients["input"], -1, 1))
    np.testing.assert_array_equal(found["weight"][:, :, 0, 0], gradients["weight"])
    np.testing.assert_array_equal(found["bias"], gradients["bias"])


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_many_chunks_are_one(groups):
    """So many samples that their columns do not fit into one chunk, and the last chunk is a smaller one."""
    x, w = integers(0, 77, 4, 20, 21), integers(1, 4, 4 // groups, 3, 3)
    y, cache = conv2d_forward(x, w, groups=groups, padding=1)
    g = integers(2, *y.shape)
    gradients = conv2d_backward(g, cache)
    weight = np.zeros(w.shape)
    for n in range(len(x)):
        alone, cache = conv2d_forward(x[n], w, groups=groups, padding=1)
        np.testing.assert_array_equal(y[n], alone)
        found = conv2d_backward(g[n], cache)
        np.testing.assert_array_equal(gradients["input"][n], found["input"])
        weight += found["weight"]
    np.testing.assert_array_equal(gradients["weight"], weight)


def test_groups_are_convolutions_side_by_side():
    x, w, b, g = (integers(i, *s) for i, s in enumerate([(2, 4, 5, 4), (6, 2, 2, 3), (6,), (2, 6, 4, 2)]))
    y, cache = conv2d_forward(x, w, b, groups=2)
    gradients = conv2d_backward(g, cache)
    for i, o in ((slice(0, 2), slice(0, 3)), (slice(2, 4), slice(3, 6))):
        part, other = conv2d_forward(x[:, i], w[o], b[o])
        np.testing.assert_array_equal(y[:, o], part)
        found = conv2d_backward(g[:, o], other)
        np.testing.assert_array_equal(gradients["input"][:, i], found["input"])
        np.testing.assert_array_equal(gradients["weight"][o], found["weight"])


def test_no_channels_leave_the_bias():
    """A sum of nothing is 0. (PyTorch answers with no channels out.)"""
    y, cache = conv2d_forward(np.zeros((2, 0, 3, 4)), np.zeros((3, 0, 2, 2)), [1.0, 2, 3])
    np.testing.assert_array_equal(y, np.broadcast_to(np.array([1.0, 2, 3])[:, None, None], (2, 3, 2, 3)))
    gradients = conv2d_backward(np.ones(y.shape), cache)
    assert gradients["input"].shape == (2, 0, 3, 4)
    np.testing.assert_array_equal(gradients["bias"], [12, 12, 12])


@drawn
@given(windows(axes=1), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2**16))
def test_conv_tbc_is_conv1d_with_its_axes_moved(geometry, inputs, outputs, samples, seed):
    kernel, padding = geometry["kernel"][0], geometry["padding"][0]
    time = max(geometry["extent"][0], kernel)
    x, w, b = (
        integers(seed, time, samples, inputs),
        integers(seed + 1, kernel, inputs, outputs),
        integers(seed, outputs),
    )
    y, cache = conv_tbc_forward(x, w, b, padding)
    g = integers(seed + 2, *y.shape)
    gradients = conv_tbc_backward(g, cache)
    expected, other = refimpl.conv1d_forward(x.transpose(1, 2, 0), w.transpose(2, 1, 0), b, padding=padding)
    found = refimpl.conv1d_backward(g.transpose(1, 2, 0), other)
    np.testing.assert_array_equal(y, expected.transpose(2, 0, 1))
    np.testing.assert_array_equal(gradients["input"], found["input"].transpose(2, 0, 1))
    np.testing.assert_array_equal(gradients["weight"], found["weight"].transpose(2, 1, 0))
    np.testing.assert_array_equal(gradients["bias"], found["bias"])


def test_mixed_dtypes_answer_in_the_widest_and_each_gradient_in_its_own():
    image, kernel = np.ones((1, 2, 3, 3), np.float32), np.ones((2, 2, 2, 2))
    output, cache = conv2d_forward(image, kernel, np.ones(2, np.float16))
    assert output.dtype == np.float64
    gradients = conv2d_backward(np.ones(output.shape), cache)
    assert {name: g.dtype.name for name, g in gradients.items()} == {
        "input": "float32",
        "weight": "float64",
        "bias": "float16",
    }


def test_the_cache_of_another_number_of_dimensions_is_refused():
    _, cache = refimpl.conv1d_forward(np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    message = r"conv2d_backward: cache must be the Conv2dCache that conv2d_forward returned, got Conv1dCache"
    with pytest.raises(TypeError, match=message):
        conv2d_backward(np.ones((1, 1, 2)), cache)
