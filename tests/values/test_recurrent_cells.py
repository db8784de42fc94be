"""The recurrent cells, unit by unit with the formulas written out."""

import math

import numpy as np
import pytest

from refimpl import (
    gru_cell_backward,
    gru_cell_forward,
    lstm_cell_backward,
    lstm_cell_forward,
    rnn_relu_cell_backward,
    rnn_relu_cell_forward,
    rnn_tanh_cell_backward,
    rnn_tanh_cell_forward,
)

rng = np.random.default_rng(0)
N, F, H = 3, 2, 4


def drawn(rows):
    shapes = {"input": (N, F), "w_ih": (rows * H, F), "w_hh": (rows * H, H), "b_ih": (rows * H,), "b_hh": (rows * H,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}, rng.standard_normal((2, N, H))


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


def parts(a, n, j, row):
    """What row `row` of the weights makes of the input and of the state."""
    return (
        sum(a["w_ih"][row, k] * a["input"][n, k] for k in range(F)) + a["b_ih"][row],
        sum(a["w_hh"][row, k] * j[n, k] for k in range(H)) + a["b_hh"][row],
    )


@pytest.mark.parametrize(
    ("forward", "function"), [(rnn_tanh_cell_forward, math.tanh), (rnn_relu_cell_forward, lambda a: max(a, 0))]
)
def test_plain_cells(forward, function):
    arguments, (h, _) = drawn(1)
    y, _ = forward(hx=h, **arguments)
    for n, j in np.ndindex(N, H):
        np.testing.assert_allclose(y[n, j], function(sum(parts(arguments, n, h, j))), rtol=1e-13)


def test_lstm_cell():
    """The gates' rows in the order input, forget, new, output."""
    arguments, (h, c) = drawn(4)
    (h_next, c_next), _ = lstm_cell_forward(hx=(h, c), **arguments)
    for n, j in np.ndindex(N, H):
        a_i, a_f, a_n, a_o = (sum(parts(arguments, n, h, gate * H + j)) for gate in range(4))
        expected = sigmoid(a_f) * c[n, j] + sigmoid(a_i) * math.tanh(a_n)
        np.testing.assert_allclose(c_next[n, j], expected, rtol=1e-13)
        np.testing.assert_allclose(h_next[n, j], sigmoid(a_o) * math.tanh(expected), rtol=1e-13)


def test_gru_cell():
    """The gates' rows in the order reset, update, new; the reset gate opens the product with its bias."""
    arguments, (h, _) = drawn(3)
    h_next, _ = gru_cell_forward(hx=h, **arguments)
    for n, j in np.ndindex(N, H):
        r, z = (sigmoid(sum(parts(arguments, n, h, gate * H + j))) for gate in range(2))
        v, u = parts(arguments, n, h, 2 * H + j)
        np.testing.assert_allclose(h_next[n, j], (1 - z) * math.tanh(v + r * u) + z * h[n, j], rtol=1e-13)


@pytest.mark.parametrize(
    ("forward", "backward", "rows"),
    [
        (rnn_tanh_cell_forward, rnn_tanh_cell_backward, 1),
        (rnn_relu_cell_forward, rnn_relu_cell_backward, 1),
        (gru_cell_forward, gru_cell_backward, 3),
    ],
)
def test_a_batch_is_its_rows(forward, backward, rows):
    arguments, (h, g) = drawn(rows)
    y, cache = forward(hx=h, **arguments)
    grads = backward(g, cache)
    singles = []
    for n in range(N):
        y_n, cache_n = forward(hx=h[n], **{**arguments, "input": arguments["input"][n]})
        np.testing.assert_allclose(y_n, y[n], rtol=1e-13)
        singles.append(backward(g[n], cache_n))
    for name, grad in grads.items():
        found = [single[name] for single in singles]
        combined = np.stack(found) if name in ("input", "hx") else np.sum(found, axis=0)
        np.testing.assert_allclose(combined, grad, rtol=1e-12, atol=1e-14)


def test_a_part_without_a_gradient_counts_as_zero():
    arguments, (h, c) = drawn(4)
    _, cache = lstm_cell_forward(hx=(h, c), **arguments)
    g, zero = rng.standard_normal((N, H)), np.zeros((N, H))
    for given, whole in (((g, None), (g, zero)), ((None, g), (zero, g))):
        expected = lstm_cell_backward(whole, cache)
        for name, grad in lstm_cell_backward(given, cache).items():
            np.testing.assert_array_equal(grad, expected[name])


def test_lstm_cell_refuses_a_gradient_that_is_no_pair():
    arguments, (h, c) = drawn(4)
    _, cache = lstm_cell_forward(hx=(h, c), **arguments)
    with pytest.raises(TypeError, match=r"^lstm_cell_backward: grad_output must be a pair \(h, c\), got ndarray$"):
        lstm_cell_backward(h, cache)


def test_mixed_dtypes():
    arguments, (h, _) = drawn(3)
    arguments["w_ih"] = arguments["w_ih"].astype(np.float32)
    y, cache = gru_cell_forward(hx=h, **arguments)
    grads = gru_cell_backward(np.ones((N, H)), cache)
    assert y.dtype == np.float64
    assert {name: grad.dtype.name for name, grad in grads.items() if grad.dtype != np.float64} == {"w_ih": "float32"}
