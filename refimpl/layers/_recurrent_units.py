"""What a recurrent cell does element by element, with all products done, shared by the cells and the sequences.

Rows (N, ...) in the working precision. An activation a is what stands under a nonlinearity; in (N, 4 H) the parts of
the gates stand side by side, in PyTorch's order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validate
from .._numerics import sigmoid
from .._validate import Array


def part_of_gradient(op: str, name: str, value: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """One array of a grad_output that is a structure; None counts as 0."""
    if value is None:
        return np.zeros(shape, dtype=dtype)
    return _validate.output_gradient(op, value, shape, dtype, name)


def rnn_unit(a: Array, nonlinearity: str) -> Array:
    return np.tanh(a) if nonlinearity == "tanh" else np.maximum(a, 0)


def rnn_unit_vjp(g: Array, a: Array, nonlinearity: str) -> Array:
    return g * (_tanh_slope(a) if nonlinearity == "tanh" else a > 0)


def lstm_unit(a: Array, c: Array) -> tuple[Array, Array]:
    """h' and c', from the activations of the gates, (N, 4 H), and c."""
    size = c.shape[1]
    inwards = sigmoid(a[:, : 2 * size])
    i, f = inwards[:, :size], inwards[:, size:]
    c = f * c + i * np.tanh(a[:, 2 * size : 3 * size])
    return sigmoid(a[:, 3 * size :]) * np.tanh(c), c


def lstm_unit_vjp(grad_h: Array, grad_c: Array, a: Array, c: Array, c_next: Array) -> tuple[Array, Array]:
    """grad_a and the gradient of c, from those of h' and c'."""
    size = c.shape[1]
    inwards, inwards_slope = _sigmoid_and_slope(a[:, : 2 * size])
    n = a[:, 2 * size : 3 * size]
    o, o_slope = _sigmoid_and_slope(a[:, 3 * size :])
    grad_c = grad_c + grad_h * o * _tanh_slope(c_next)
    grad_a = np.empty_like(a)
    grad_a[:, :size] = grad_c * inwards_slope[:, :size] * np.tanh(n)
    grad_a[:, size : 2 * size] = grad_c * inwards_slope[:, size:] * c
    grad_a[:, 2 * size : 3 * size] = grad_c * inwards[:, :size] * _tanh_slope(n)
    grad_a[:, 3 * size :] = grad_h * o_slope * np.tanh(c_next)
    return grad_a, grad_c * inwards[:, size:]


def gru_activation(from_input: Array, bias_hh: Array | None) -> Array:
    """(N, 4 H): a_r, a_z, u and v, without the products with the state, which go to the first three; from (N, 3 H)."""
    rows, size = len(from_input), from_input.shape[1] // 3
    a = np.zeros((rows, 4 * size), dtype=from_input.dtype)
    if bias_hh is not None:
        a[:, : 3 * size] = bias_hh
    a[:, : 2 * size] += from_input[:, : 2 * size]
    a[:, 3 * size :] = from_input[:, 2 * size :]
    return a


def gru_unit(a: Array, h: Array) -> Array:
    """h', from the activations, (N, 4 H), and h."""
    size = h.shape[1]
    gates = sigmoid(a[:, : 2 * size])
    n = np.tanh(a[:, 3 * size :] + gates[:, :size] * a[:, 2 * size : 3 * size])
    return sigmoid(-a[:, size : 2 * size]) * n + gates[:, size:] * h


def gru_unit_vjp(g: Array, a: Array, h: Array) -> tuple[Array, Array, Array]:
    """The gradients of a_r, a_z and u together, (N, 3 H), of v, and of h where it does not stand in a product."""
    size = h.shape[1]
    gates, slopes = _sigmoid_and_slope(a[:, : 2 * size])
    r, z, u = gates[:, :size], gates[:, size:], a[:, 2 * size : 3 * size]
    a_n = a[:, 3 * size :] + r * u
    grad_n = g * sigmoid(-a[:, size : 2 * size]) * _tanh_slope(a_n)
    grad_u = np.empty((len(a), 3 * size), dtype=a.dtype)
    grad_u[:, :size] = grad_n * slopes[:, :size] * u
    grad_u[:, size : 2 * size] = g * slopes[:, size:] * (h - np.tanh(a_n))
    grad_u[:, 2 * size :] = grad_n * r
    return grad_u, grad_n, g * z


def _sigmoid_and_slope(a: Array) -> tuple[Array, Array]:
    """1 / (1 + exp(-a)) and its slope, by one exponential: 1 less the first would lose the digits of an open gate."""
    e = np.exp(-np.abs(a))
    u = 1 / (1 + e)
    return np.maximum(e, a >= 0) * u, e * u * u


def _tanh_slope(a: Array) -> Array:
    """1 / cosh(a)^2, without the difference 1 - tanh(a)^2 and without overflow."""
    e = np.exp(-2 * np.abs(a))
    u = 1 / (1 + e)
    return 4 * e * u * u
