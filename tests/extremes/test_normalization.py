"""Normalized rows over the whole range of float64; true values by mpmath at exactly these numbers.

Forward each entry is measured in its own ulps. Backward the terms of a row cancel, and the row is measured in ulps of
the largest term; a row of so few entries that all but the share of eps cancels is measured in its own ulps.
"""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, normalized, row_ulps, rows

from refimpl import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)

FORWARD, BACKWARD = 3, 8  # ulps
# Where the entries of a row are few ulps apart, the one nearest to the mean has the rounding of the mean's second part.
NEAREST = 8
ROWS = [pytest.param(name, row, id=name) for name, row in rows()]


def layer_norm(x, eps, g):
    y, cache = layer_norm_forward(x[None], x.shape, eps=eps)
    return y[0], layer_norm_backward(g[None], cache)["input"][0]


def rms_norm(x, eps, g):
    y, cache = rms_norm_forward(x[None], x.shape, eps=eps)
    return y[0], rms_norm_backward(g[None], cache)["input"][0]


def group_norm(x, eps, g):
    """The row as the second group in the first of two samples, in two channels if it has that many entries."""
    shape = (2, 4, len(x) // 2) if len(x) % 2 == 0 else (2, 2, len(x))

    def placed(row):
        return np.stack([np.concatenate([other, row]), np.concatenate([row, other])]).reshape(shape)

    other = np.arange(len(x)) + 0.5
    y, cache = group_norm_forward(placed(x), 2, eps=eps)
    gradient = group_norm_backward(placed(g), cache)["input"]
    return y[0].ravel()[len(x) :], gradient[0].ravel()[len(x) :]


@pytest.mark.parametrize("eps", [0.0, 1e-5, 10.0])
@pytest.mark.parametrize(("op", "centred"), [(layer_norm, True), (group_norm, True), (rms_norm, False)])
@pytest.mark.parametrize(("name", "x"), ROWS)
def test_a_row_keeps_its_digits(name, x, op, centred, eps):
    g = np.random.default_rng(1).standard_normal(len(x))
    y, gradient = op(x, eps, g)
    with mpmath.workdps(DIGITS):
        if eps == 0 and not (np.ptp(x) if centred else np.abs(x).max()):
            assert np.isnan(y).all()  # 0 / 0
            return
        true_y, true_gradient, terms = normalized(x, eps, g, centred=centred)
        few = name.startswith(("around 1e15", "a variance"))
        assert entry_ulps(y, true_y) <= (NEAREST if few and centred else FORWARD)
        assert row_ulps(y, true_y) <= FORWARD
        if eps == 0 and len(x) <= (2 if centred else 1):
            np.testing.assert_array_equal(gradient, 0)  # such a row has no direction left
        elif name.startswith("subnormal") and eps == 0:
            assert np.all(np.isinf(gradient) == [abs(v) > np.finfo(float).max for v in true_gradient])
        else:
            assert row_ulps(gradient, true_gradient, terms if len(x) > 2 else ()) <= BACKWARD


def test_layer_norm_of_rows_around_1e8_has_all_digits():
    """Every entry of rows of mean 1e8 and standard deviation 1, where x - mean(x) rounded has eight digits fewer."""
    x = 1e8 + np.random.default_rng(2).standard_normal((40, 64))
    g = np.random.default_rng(3).standard_normal(x.shape)
    y, cache = layer_norm_forward(x, (64,))
    gradients = layer_norm_backward(g, cache)["input"]
    with mpmath.workdps(60):
        for row, g_row, y_row, gradient in zip(x, g, y, gradients, strict=True):
            true_y, true_gradient, _ = normalized(row, 1e-5, g_row, centred=True)
            assert entry_ulps(y_row, true_y) <= FORWARD
            assert row_ulps(gradient, true_gradient) <= BACKWARD
    mean = x.mean(axis=1, keepdims=True)
    naive = (x - mean) / np.sqrt(((x - mean) ** 2).mean(axis=1, keepdims=True) + 1e-5)
    assert np.abs(naive - y).max() > 1e-9  # what the second part of the mean is for


def test_a_gradient_along_the_row_leaves_the_share_of_eps():
    """For g a multiple of x - mean, all but eps / (v + eps) of the gradient cancels, to its last digits."""
    x = np.array([-7.0, 1.0, 2.0, -1.0, 5.0])
    with mpmath.workdps(DIGITS):
        for centred, forward, backward in (
            (True, layer_norm_forward, layer_norm_backward),
            (False, rms_norm_forward, rms_norm_backward),
        ):
            _, cache = forward(x[None], (5,), eps=1e-9)
            gradient = backward(3 * x[None], cache)["input"][0]
            assert row_ulps(gradient, normalized(x, 1e-9, 3 * x, centred=centred)[1]) <= BACKWARD
            assert 0 < np.abs(gradient).max() < 1e-9


def test_weights_and_gradients_of_every_magnitude():
    """w g is 1e320 and 1e-320 on the way, and the gradient of rows of 1e160 and 1e-160 has all its digits."""
    rng = np.random.default_rng(5)
    z, w, g = rng.standard_normal((3, 6))
    for scale in (1e160, 1e-160):
        _, cache = layer_norm_forward(scale * z[None], (6,), scale * w, eps=0.0)
        gradient = layer_norm_backward(scale * g[None], cache)["input"][0]
        with mpmath.workdps(DIGITS):
            products = [a * b for a, b in zip(exact(scale * g), exact(scale * w), strict=True)]
            true = normalized(scale * z, 0, products, centred=True)[1]
            assert row_ulps(gradient, true) <= BACKWARD


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_narrow_rows_are_right_to_their_last_place(dtype):
    """Computed in float64 and rounded once: half an ulp, and as much again for a weight or for float16."""
    x = (1000 + np.random.default_rng(6).standard_normal((5, 16))).astype(dtype)
    g = np.random.default_rng(7).standard_normal((5, 16)).astype(dtype)
    y, cache = layer_norm_forward(x, (16,))
    gradients = layer_norm_backward(g, cache)["input"]
    with mpmath.workdps(60):
        for row, g_row, y_row, gradient in zip(x, g, y, gradients, strict=True):
            true_y, true_gradient, _ = normalized(row, 1e-5, g_row, centred=True)
            assert entry_ulps(y_row, true_y) <= 0.51
            assert entry_ulps(gradient, true_gradient) <= 0.51


def test_powers_of_two_out_of_range_leave_the_gradient_in_it():
    """The gradient of an input is linear in that of the output, and a power of two rounds nothing."""
    x, near = np.array([[1.0, 2.5, 4.0, -3.0]]), 1 + np.spacing(1.0) * np.array([[0, 1, 3, 2]])
    weight = np.full(4, 2.0**30)
    _, cache = layer_norm_forward(x, (4,), weight)
    large, plain = (layer_norm_backward(near * scale, cache)["input"] for scale in (2.0**1022, 1.0))
    np.testing.assert_array_equal(large, plain * 2.0**1022)
    _, cache = layer_norm_forward(x * 1e300, (4,))
    np.testing.assert_array_equal(layer_norm_backward(x[:, ::-1] * 1e-300, cache)["input"], 0)
