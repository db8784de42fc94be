"""The gates of recurrent cells where they are nearly shut or open; the true values are mpmath's.

One unit, and weights that hand the input's entries on as the gates' activations: every number is then that of the
nonlinearities, and the gradient of the input that of the activations.
"""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

import refimpl
from refimpl import (
    gru_cell_backward,
    gru_cell_forward,
    lstm_cell_backward,
    lstm_cell_forward,
    rnn_tanh_cell_backward,
    rnn_tanh_cell_forward,
)

# ulps: an exponential, and a product of up to five factors; c' is rounded, and 1 / cosh(c')^2 loses up to 4 times that.
FORWARD, BACKWARD = 8, 20
COUNT = 200
RANGE = {"float64": 300, "float32": 35}  # in which no product of two gates underflows


def rounded(values, dtype):
    return np.asarray(values, dtype=dtype)


def sigmoid(a):
    return 1 / (1 + mpmath.exp(-a))


def sigmoid_slope(a):
    return mpmath.exp(-abs(a)) / (1 + mpmath.exp(-abs(a))) ** 2


def tanh_slope(a):
    return 1 / mpmath.cosh(a) ** 2


@pytest.mark.parametrize("dtype", RANGE)
def test_lstm_cell(dtype):
    rng = np.random.default_rng(0)
    wide = RANGE[dtype]
    x = rounded(rng.uniform(-wide, wide, (COUNT, 4)), dtype)
    x[:, 2] = rng.uniform(0.1, 15, COUNT)  # of the sign of c, so that nothing cancels in c'
    c = rounded(rng.uniform(0.1, 1, (COUNT, 1)), dtype)
    h, w_hh = np.zeros_like(c), np.zeros((4, 1), dtype)
    (h_next, c_next), cache = lstm_cell_forward(x, (h, c), np.eye(4, dtype=dtype), w_hh)
    grads = lstm_cell_backward((np.ones_like(c), None), cache)
    with mpmath.workdps(400):
        for n in range(COUNT):
            i, f, new, o = (mpmath.mpf(float(v)) for v in x[n])
            c_n = mpmath.mpf(float(c[n, 0]))
            c_true = sigmoid(f) * c_n + sigmoid(i) * mpmath.tanh(new)
            grad_c = sigmoid(o) * tanh_slope(c_true)
            true = [
                grad_c * mpmath.tanh(new) * sigmoid_slope(i),
                grad_c * c_n * sigmoid_slope(f),
                grad_c * sigmoid(i) * tanh_slope(new),
                mpmath.tanh(c_true) * sigmoid_slope(o),
            ]
            assert ulp_distance(c_next[n], [c_true]).max() <= FORWARD
            assert ulp_distance(h_next[n], [sigmoid(o) * mpmath.tanh(c_true)]).max() <= FORWARD
            assert ulp_distance(grads["input"][n], true).max() <= BACKWARD, x[n]
            assert ulp_distance(grads["hx"][1][n], [grad_c * sigmoid(f)]).max() <= BACKWARD


@pytest.mark.parametrize("dtype", RANGE)
def test_gru_cell(dtype):
    """The state is -1 and the new one above 0: their difference does not cancel."""
    rng = np.random.default_rng(1)
    wide = RANGE[dtype]
    x = rounded(rng.uniform(-wide, wide, (COUNT, 3)), dtype)
    x[:, 2] = rng.uniform(3, 15, COUNT)
    h, w_hh, b_hh = -np.ones((COUNT, 1), dtype), np.zeros((3, 1), dtype), np.array([0, 0, 2], dtype)
    _, cache = gru_cell_forward(x, h, np.eye(3, dtype=dtype), w_hh, b_hh=b_hh)
    grads = gru_cell_backward(np.ones_like(h), cache)
    shut, _ = gru_cell_forward(x, np.zeros_like(h), np.eye(3, dtype=dtype), w_hh, b_hh=b_hh)
    with mpmath.workdps(400):
        for n in range(COUNT):
            r, z, v = (mpmath.mpf(float(a)) for a in x[n])
            a_n = v + 2 * sigmoid(r)
            new = mpmath.tanh(a_n)
            grad_n = sigmoid(-z) * tanh_slope(a_n)
            true = [grad_n * 2 * sigmoid_slope(r), (-1 - new) * sigmoid_slope(z), grad_n]
            # 1 / cosh(a)^2 turns half an ulp of a, up to 17, into 34 halves.
            assert (ulp_distance(grads["input"][n], true) <= [BACKWARD + 34, BACKWARD, BACKWARD + 34]).all(), x[n]
            assert ulp_distance(shut[n], [sigmoid(-z) * new]).max() <= FORWARD
            assert ulp_distance(grads["hx"][n], [sigmoid(z)]).max() <= FORWARD


def test_a_saturated_unit_keeps_its_slope():
    a = np.linspace(-340, 340, 101)[:, None]
    y, cache = rnn_tanh_cell_forward(a, np.zeros_like(a), np.ones((1, 1)), np.zeros((1, 1)))
    grad = rnn_tanh_cell_backward(np.ones_like(a), cache)["input"]
    with mpmath.workdps(400):
        assert ulp_distance(y, [mpmath.tanh(mpmath.mpf(v)) for v in a[:, 0]]).max() <= 2
        assert ulp_distance(grad, [tanh_slope(mpmath.mpf(v)) for v in a[:, 0]]).max() <= 6


SEQUENCES = {"rnn": 1, "gru": 3, "lstm": 4}


@pytest.mark.parametrize("size", [1e3, 1e30, 1e300])
@pytest.mark.parametrize("op", SEQUENCES)
def test_huge_activations_are_no_nan(op, size):
    """Gates at 0 and 1 exactly, also where NumPy is told to raise on what happens on the way."""
    rng = np.random.default_rng(2)
    rows = SEQUENCES[op] * 3
    x = rng.choice([-size, size], (4, 2, 3))
    weights = {
        "weight_ih_l0": np.tile(np.eye(3), (SEQUENCES[op], 1)),
        "weight_hh_l0": rng.standard_normal((rows, 3)),
        "bias_ih_l0": rng.standard_normal(rows),
        "bias_hh_l0": rng.standard_normal(rows),
    }
    with np.errstate(all="raise"):
        (y, _), cache = getattr(refimpl, f"{op}_forward")(x, weights)
        grads = getattr(refimpl, f"{op}_backward")((np.ones_like(y), None), cache)
    assert np.isfinite(y).all()
    assert np.abs(y).max() <= 1
    for array in (grads["input"], *grads["weights"].values()):
        assert np.isfinite(array).all()
        assert not array.any()  # every slope is below the smallest number


@pytest.mark.parametrize("op", SEQUENCES)
def test_an_infinite_input_saturates(op):
    rows = SEQUENCES[op]
    weights = {"weight_ih_l0": np.ones((rows, 1)), "weight_hh_l0": np.zeros((rows, 1))}
    x = np.array([[[np.inf]], [[-np.inf]]])
    (y, _), _ = getattr(refimpl, f"{op}_forward")(x, weights, bias=False)
    # Open gates and a new value of 1; then the gru's update gate takes -1, and the others are shut or at -1.
    expected = {"rnn": [1, -1], "gru": [0, -1], "lstm": [np.tanh(1), 0]}[op]
    np.testing.assert_array_equal(y[:, 0, 0], expected)
