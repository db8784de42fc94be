"""Transposed convolutions over the whole range of float64: each sum against its exact value."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf

from refimpl import conv_transpose1d_backward, conv_transpose1d_forward


def wide(rng, *shape):
    """Both signs, all magnitudes whose products are numbers: the sums have terms that differ by 600 orders."""
    return rng.choice([-1, 1], shape) * 10 ** rng.uniform(-150, 150, shape)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_every_sum_is_right_to_a_rounding_per_term(groups):
    """Kernels of 3 laid down every second place, one entry dropped in front; the terms are written out by index."""
    rng = np.random.default_rng(groups)
    size = 4 // groups
    x, w, b = wide(rng, 2, 4, 3), wide(rng, 4, size, 3), wide(rng, 4)
    y, cache = conv_transpose1d_forward(x, w, b, stride=2, padding=1, output_padding=1, groups=groups)
    g = wide(rng, *y.shape)
    gradients = conv_transpose1d_backward(g, cache)
    assert y.shape == (2, 4, 6)
    terms = {}

    def add(name, index, first, second):
        terms.setdefault((name, *index), []).append(mpf(float(first)) * mpf(float(second)))

    with mpmath.workdps(700):
        for n, o, i in np.ndindex(y.shape):
            add("output", (n, o, i), b[o], 1.0)
            add("bias", (o,), g[n, o, i], 1.0)
        for n, c, t, o, k in np.ndindex(2, 4, 3, size, 3):
            i, channel = 2 * t + k - 1, c // size * size + o
            if 0 <= i < 6:
                add("output", (n, channel, i), x[n, c, t], w[c, o, k])
                add("input", (n, c, t), g[n, channel, i], w[c, o, k])
                add("weight", (c, o, k), g[n, channel, i], x[n, c, t])
        for name, computed in {"output": y, **gradients}.items():
            for index in np.ndindex(computed.shape):
                products = terms[(name, *index)]
                error = abs(mpf(float(computed[index])) - mpmath.fsum(products))
                assert error <= len(products) * mpf(2) ** -53 * mpmath.fsum(products, absolute=True), (name, index)


@pytest.mark.parametrize("scale", [5e-324, 1e-310, 1e-200, 1e200, 1.7e308])
@pytest.mark.parametrize("groups", [1, 2])
def test_kernels_that_do_not_overlap_copy_every_number(scale, groups):
    x = scale * np.array([[[1.0, 0.25, -0.5], [0.125, -1, 0.75]]])
    w = np.zeros((2, 2 // groups, 2))
    w[0, 0, 0] = w[1, -1, 1] = 1
    y, cache = conv_transpose1d_forward(x, w, stride=2, groups=groups)
    expected = np.zeros((1, 2, 6))
    expected[0, 0, ::2], expected[0, 1, 1::2] = x[0]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(conv_transpose1d_backward(expected, cache)["input"], x)


def test_infinite_and_missing_entries_reach_where_their_kernel_lies_and_no_further():
    for bad in (np.inf, -np.inf, np.nan):
        x = np.array([[[1.0, bad, 1.0]]])
        y, cache = conv_transpose1d_forward(x, np.ones((1, 1, 2)), stride=2)
        np.testing.assert_array_equal(y, [[[1, 1, bad, bad, 1, 1]]])
        gradients = conv_transpose1d_backward(np.ones(y.shape), cache)
        np.testing.assert_array_equal(gradients["weight"], [[[bad, bad]]])
        np.testing.assert_array_equal(gradients["input"], [[[2, 2, 2]]])
