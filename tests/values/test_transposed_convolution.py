"""Transposed convolutions by hand, against loops over every index, and as the convolution's own transpose."""

import numpy as np
import pytest
from geometries import adjoint, drawn, integers, positions, windows
from hypothesis import assume, given
from hypothesis import strategies as st

import refimpl
from refimpl import conv_transpose1d_backward, conv_transpose1d_forward, conv_transpose2d_forward

GROUPS = st.sampled_from([(1, 1, 1), (1, 2, 3), (1, 3, 2), (2, 1, 1), (2, 2, 1), (2, 1, 2), (3, 1, 1), (3, 1, 2)])


@st.composite
def geometries(draw):
    """Options of a transposed convolution, and an extent of its input such that something is left of the output."""
    drawn = draw(windows())
    added = tuple(
        draw(st.integers(0, max(stride, dilation) - 1))
        for stride, dilation in zip(drawn["stride"], drawn["dilation"], strict=True)
    )
    extents = []
    axes = zip(drawn["kernel"], drawn["stride"], drawn["dilation"], drawn["padding"], strict=True)
    for kernel, stride, dilation, padding in axes:
        least = -((dilation * (kernel - 1) - 2 * padding) // stride)  # a window beyond those that the padding takes
        extents.append(draw(st.integers(max(1, least + 1), max(1, least + 1) + 2)))
    options = {name: drawn[name] for name in ("stride", "padding", "dilation")}
    return tuple(extents), drawn["kernel"], {**options, "output_padding": added}


def pair(axes):
    return getattr(refimpl, f"conv_transpose{axes}d_forward"), getattr(refimpl, f"conv_transpose{axes}d_backward")


def transposed_by_loops(x, w, b, g, stride, padding, output_padding, dilation, groups):
    """y, and the gradients for g, one product of three indices at a time."""
    y = np.zeros(g.shape) + b.reshape(-1, *(1,) * (g.ndim - 2))
    grads = {"input": np.zeros(x.shape), "weight": np.zeros(w.shape), "bias": np.zeros(b.shape)}
    for n, o, *i in positions(*g.shape):
        grads["bias"][o] += g[(n, o, *i)]
    for n, c, *p in positions(*x.shape):
        for o, *k in positions(*w.shape[1:]):
            output = c // (w.shape[0] // groups) * w.shape[1] + o
            place = [a * s + j * d - q for a, s, j, d, q in zip(p, stride, k, dilation, padding, strict=True)]
            if all(0 <= i < extent for i, extent in zip(place, y.shape[2:], strict=True)):
                met, entry, kernel = (n, output, *place), (n, c, *p), (c, o, *k)
                y[met] += x[entry] * w[kernel]
                grads["input"][entry] += g[met] * w[kernel]
                grads["weight"][kernel] += g[met] * x[entry]
    return y, grads


@drawn
@given(geometries(), GROUPS, st.integers(1, 2), st.integers(0, 2**16))
def test_loops(geometry, channels, samples, seed):
    extents, kernel, options = geometry
    groups, inputs, outputs = channels
    forward, backward = pair(len(extents))
    x = integers(seed, samples, groups * inputs, *extents)
    w = integers(seed + 1, groups * inputs, outputs, *kernel)
    b = integers(seed + 2, groups * outputs)
    y, cache = forward(x, w, b, groups=groups, **options)
    g = integers(seed + 3, *y.shape)
    expected, gradients = transposed_by_loops(x, w, b, g, groups=groups, **options)
    np.testing.assert_array_equal(y, expected)
    for name, gradient in backward(g, cache).items():
        np.testing.assert_array_equal(gradient, gradients[name], err_msg=name)


@drawn
@given(geometries(), GROUPS, st.integers(1, 3), st.integers(0, 2**16))
def test_adjoint(geometry, channels, samples, seed):
    extents, kernel, options = geometry
    groups, inputs, outputs = channels
    forward, backward = pair(len(extents))
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((samples, groups * inputs, *extents))
    w = rng.standard_normal((groups * inputs, outputs, *kernel))
    y, cache = forward(x, w, groups=groups, **options)
    g = rng.standard_normal(y.shape)
    gradients = backward(g, cache)
    assert adjoint((y, g), (x, gradients["input"]))
    assert adjoint((y, g), (w, gradients["weight"]))


@drawn
@given(windows(), GROUPS, st.integers(0, 2**16))
def test_it_is_the_transpose_of_the_convolution(geometry, channels, seed):
    """<conv(x, w), g> = <x, conv_transpose(g, w)>, with output_padding for what the stride of conv left out."""
    groups, inputs, outputs = channels
    axes = len(geometry["extent"])
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, groups * inputs, *geometry["extent"]))
    w = rng.standard_normal((groups * outputs, inputs, *geometry["kernel"]))
    options = {name: geometry[name] for name in ("stride", "padding", "dilation")}
    y, cache = getattr(refimpl, f"conv{axes}d_forward")(x, w, groups=groups, **options)
    g = rng.standard_normal(y.shape)
    per_axis = zip(y.shape[2:], geometry["kernel"], *options.values(), strict=True)
    reached = [(m - 1) * s + d * (k - 1) + 1 - 2 * p for m, k, s, p, d in per_axis]
    assume(min(reached) >= 1)
    left = tuple(n - r for n, r in zip(geometry["extent"], reached, strict=True))
    back, _ = pair(axes)[0](g, w, groups=groups, output_padding=left, **options)
    assert adjoint((y, g), (x, back))
    np.testing.assert_array_equal(back, getattr(refimpl, f"conv{axes}d_backward")(g, cache)["input"])


def test_by_hand():
    """Each entry lays its multiple of the kernel down two further on; where two kernels meet they add up."""
    y, cache = conv_transpose1d_forward([[[1.0, 10]]], [[[1.0, 2, 3]]], [0.5], stride=2)
    np.testing.assert_array_equal(y, [[[1.5, 2.5, 3 + 10 + 0.5, 20.5, 30.5]]])
    gradients = conv_transpose1d_backward([[[1.0, 2, 3, 4, 5]]], cache)
    np.testing.assert_array_equal(gradients["input"], [[[1 + 4 + 9, 3 + 8 + 15]]])
    np.testing.assert_array_equal(gradients["weight"], [[[1 + 30, 2 + 40, 3 + 50]]])
    np.testing.assert_array_equal(gradients["bias"], [15])


def test_output_padding_adds_bias_alone_where_no_kernel_reaches():
    y, cache = conv_transpose1d_forward([[[1.0, 10]]], [[[1.0, 2]]], [0.5], stride=3, output_padding=2)
    np.testing.assert_array_equal(y, [[[1.5, 2.5, 0.5, 10.5, 20.5, 0.5, 0.5]]])
    gradients = conv_transpose1d_backward(np.ones((1, 1, 7)), cache)
    np.testing.assert_array_equal(gradients["input"], [[[3, 3]]])


def test_many_chunks_are_one():
    x, w = integers(0, 77, 4, 20, 21), integers(1, 4, 4, 3, 3)
    y, _ = conv_transpose2d_forward(x, w, padding=1)
    for n in range(len(x)):
        np.testing.assert_array_equal(y[n], conv_transpose2d_forward(x[n], w, padding=1)[0])


def test_the_cache_of_a_convolution_is_refused():
    _, cache = refimpl.conv1d_forward(np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    message = (
        "conv_transpose1d_backward: cache must be the ConvTranspose1dCache that conv_transpose1d_forward returned, "
        "got Conv1dCache"
    )
    with pytest.raises(TypeError, match=message):
        conv_transpose1d_backward(np.ones((1, 1, 2)), cache)
