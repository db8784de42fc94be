"""Convolutions over the whole range of float64: each sum against its exact value, in roundings of its magnitude."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from refimpl import (
    conv1d_backward,
    conv1d_forward,
    conv2d_backward,
    conv2d_forward,
    conv_tbc_backward,
    conv_tbc_forward,
)

GROUPS = [pytest.param(1, id="one group"), pytest.param(2, id="two groups"), pytest.param(4, id="depthwise")]


def wide(rng, *shape):
    """Both signs, all magnitudes whose products are numbers: the sums have terms that differ by 600 orders."""
    return rng.choice([-1, 1], shape) * 10 ** rng.uniform(-150, 150, shape)


def roundings(computed, products):
    """|computed - sum| over the sum of magnitudes, in units of the rounding; `products` holds a list per entry."""
    found = []
    with mpmath.workdps(700):
        for c, terms in zip(computed.ravel(), products, strict=True):
            magnitude = mpmath.fsum(terms, absolute=True)
            error = abs(mpf(float(c)) - mpmath.fsum(terms))
            found.append(float(error / magnitude) * 2**53 if magnitude else float(error))
    return max(found)


@pytest.mark.parametrize("groups", GROUPS)
def test_every_sum_is_right_to_a_rounding_per_term(groups):
    """conv1d of 4 channels to 4, kernel 3, padding 1, length 5; the terms of each sum are written out by index."""
    rng = np.random.default_rng(groups)
    x, w, b, g = wide(rng, 2, 4, 5), wide(rng, 4, 4 // groups, 3), wide(rng, 4), wide(rng, 2, 4, 5)
    y, cache = conv1d_forward(x, w, b, padding=1, groups=groups)
    gradients = conv1d_backward(g, cache)
    size = 4 // groups
    terms = {"output": {}, "input": {}, "weight": {}, "bias": {}}

    def add(name, index, first, second):
        terms[name].setdefault(index, []).append(mpf(float(first)) * mpf(float(second)))

    with mpmath.workdps(700):
        for n, o, t in np.ndindex(y.shape):
            add("output", (n, o, t), b[o], 1.0)
            add("bias", (o,), g[n, o, t], 1.0)
            for c, k in np.ndindex(size, 3):
                i, channel = t + k - 1, o // size * size + c
                if 0 <= i < 5:
                    add("output", (n, o, t), x[n, channel, i], w[o, c, k])
                    add("input", (n, channel, i), g[n, o, t], w[o, c, k])
                    add("weight", (o, c, k), g[n, o, t], x[n, channel, i])
    for name, computed in {"output": y, **gradients}.items():
        products = [terms[name][index] for index in np.ndindex(computed.shape)]
        assert roundings(computed, products) <= max(map(len, products)), name


def test_conv_tbc_is_right_to_a_rounding_per_term():
    rng = np.random.default_rng(0)
    x, w, b = wide(rng, 4, 2, 3), wide(rng, 2, 3, 2), wide(rng, 2)
    y, cache = conv_tbc_forward(x, w, b)
    with mpmath.workdps(700):
        products = [
            [mpf(float(b[o])), *(mpf(float(x[t + k, n, c])) * mpf(float(w[k, c, o])) for k, c in np.ndindex(2, 3))]
            for t, n, o in np.ndindex(y.shape)
        ]
    assert roundings(y, products) <= 7
    g = np.zeros(y.shape)
    g[1, 0, 1] = 3.0  # one product alone is rounded once
    gradients = conv_tbc_backward(g, cache)
    np.testing.assert_array_equal(gradients["input"][1:3, 0], 3 * w[:, :, 1])
    np.testing.assert_array_equal(gradients["weight"][:, :, 1], 3 * x[1:3, 0])


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1.7e308])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_kernel_of_one_entry_copies_every_number(scale, groups):
    """The other entries of the kernel are 0: what is left is the image, moved, to the last bit."""
    image = scale * np.array([[[1.0, 0.25, -0.5], [0.125, -1, 0.75]], [[-0.25, 1, 1], [0.5, -0.75, -1]]])
    w = np.zeros((2, 2 // groups, 2, 2))
    w[0, 0, 0, 1] = w[1, -1, 1, 0] = 1
    y, cache = conv2d_forward(image, w, groups=groups)
    np.testing.assert_array_equal(y, [[image[0, 0, 1:]], [image[1, 1, :2]]])
    gradients = conv2d_backward(np.ones((2, 1, 2)), cache)["input"]
    np.testing.assert_array_equal(gradients, [[[0, 1, 1], [0, 0, 0]], [[0, 0, 0], [1, 1, 0]]])


def test_infinite_and_missing_entries_reach_the_windows_that_met_them_and_no_other():
    for bad in (np.inf, -np.inf, np.nan):
        for groups in (1, 2):
            x, w = np.ones((1, 2, 7)), np.ones((2, 2 // groups, 3))
            x[0, 0, 3] = bad
            y, cache = conv1d_forward(x, w, groups=groups)
            np.testing.assert_array_equal(y[0, 0], [6 // groups, bad, bad, bad, 6 // groups])
            np.testing.assert_array_equal(y[0, 1], y[0, 0] if groups == 1 else [3] * 5)
            gradients = conv1d_backward(np.ones(y.shape), cache)
            np.testing.assert_array_equal(gradients["weight"][0, 0], [bad, bad, bad])
            assert np.isfinite(gradients["input"]).all()


def test_float16_is_rounded_once():
    """4096 ones in float16: added up in it they would stop at 2048."""
    x, w = np.ones((1, 1, 4096), np.float16), np.ones((1, 1, 4096), np.float16)
    y, cache = conv1d_forward(x, w)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, [[[4096]]])
    x, w = np.ones((1, 1, 4096), np.float16), np.ones((1, 1, 1), np.float16)
    _, cache = conv1d_forward(x, w)
    np.testing.assert_array_equal(conv1d_backward(np.ones((1, 1, 4096), np.float16), cache)["weight"], [[[4096]]])
