"""The long short-term memory over a sequence, by backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import sigmoid
from .._validate import Array, IntArray
from ._recurrence import Given, Net, Steps, Weights, product_gradients, projected, run_backward, run_forward
from ._recurrent_arguments import Options, check
from ._recurrent_units import lstm_unit, lstm_unit_vjp
from .dropout import DropoutCache

__all__ = ["lstm_backward", "lstm_forward"]


class LstmCache(NamedTuple):
    input: Array  # (T, N, I), (N, T, I) or (T, I)
    weights: dict[str, Array]  # by PyTorch's names
    hx: tuple[Array, ...] | None  # h (L D, N, P) and c (L D, N, H)
    lengths: IntArray | None  # (N,)
    batch_first: bool
    activations: tuple[
        Array, ...
    ]  # for each layer and direction (sum of lengths, 4 H): the gates', before the sigmoids
    dropouts: tuple[DropoutCache, ...]  # between the layers; none where nothing is left out


def lstm_forward(
    input: ArrayLike,
    weights: Mapping[str, ArrayLike],
    hx: tuple[ArrayLike, ArrayLike] | None = None,
    lengths: ArrayLike | None = None,
    *,
    num_layers: int = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
    proj_size: int = 0,
    training: bool = True,
    rng: Any = None,
) -> tuple[tuple[Array, tuple[Array, Array]], LstmCache]:
    """Long short-term memories over sequences, in layers, in one direction or in both.

    (a_i, a_f, a_n, a_o)_t = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh, i = sigmoid(a_i), f = sigmoid(a_f), n = tanh(a_n),
    o = sigmoid(a_o); c_t = f c_(t-1) + i n, h_t = o tanh(c_t), or with proj_size W_hr (o tanh(c_t))

    Shapes: input (T, N, I), with batch_first (N, T, I), or (T, I); weights a dict by the names of torch.nn.LSTM's
        parameters: weight_ih_l0 (4 H, I), in later layers (4 H, D P), weight_hh_l0 (4 H, P), bias_ih_l0 and bias_hh_l0
        (4 H,), with proj_size = P weight_hr_l0 (P, H), else P = H; the same for l1 and on, and with _reverse; hx a pair
        of (num_layers D, N, P) and (num_layers D, N, H), 0 where None; lengths (N,). D is 2 if bidirectional, else 1.
        Output is a pair: y (T, N, D P), and the pair (h_n, c_n) like hx; in grad_output None stands for 0.
    Raises: TypeError where an array is not floating, lengths not integer, weights no dict, hx no pair or an option of
        the wrong kind; ValueError where names or shapes do not match, lengths are not within 1 to T, proj_size is not
        below H, dropout is outside [0, 1], or rng is missing though training and 0 < dropout < 1 between layers.
    Extremes: as lstm_cell. Beyond its length a sequence is not read, not even a NaN; output and gradient are 0 there.
    Source: torch.nn.LSTM; lengths are those of torch.nn.utils.rnn.pack_padded_sequence, with all steps padded again,
        and in any order. rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/lstm.md#lstm.
    """
    op = "lstm_forward"
    options = Options(num_layers, bias, batch_first, dropout, bidirectional, training, rng, proj_size)
    given, share, generator = check(op, NET, input, weights, hx, lengths, options)
    output, activations, dropouts = run_forward(NET, given, share, generator)
    return output, LstmCache(*given, activations, dropouts)


def lstm_backward(grad_output: Any, cache: LstmCache) -> dict[str, Any]:
    """For t from last to first, with grad_h_t and grad_c_t what the output, the final state and step t + 1 give:
    grad_m = grad_h_t, or grad_h_t W_hr; grad_c_t adds grad_m o / cosh(c_t)^2;
    grad_a_t = (grad_c_t n i (1 - i), grad_c_t c_(t-1) f (1 - f), grad_c_t i / cosh(a_n)^2, grad_m tanh(c_t) o (1 - o));
    grad_c_(t-1) = grad_c_t f, grad_h_(t-1) adds grad_a_t W_hh. Then, over all steps at once: grad_x = grad_a W_ih,
    grad_W_ih = grad_a^T x, grad_W_hh = grad_a^T h_(t-1), grad_W_hr = grad_h^T m with m = o tanh(c), and
    grad_b_ih = grad_b_hh = sum of grad_a.
    """
    op = "lstm_backward"
    cache = _validate.is_cache(op, cache, LstmCache)
    given = Given(*cache[:5])
    grad_input, grad_weights, grad_hx = run_backward(op, NET, grad_output, given, cache.activations, cache.dropouts)
    grads: dict[str, Any] = {"input": grad_input, "weights": grad_weights}
    if grad_hx is not None:
        grads["hx"] = grad_hx
    return grads


def _scan(x: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> Array:
    h, c = states
    a = projected(x, weights)
    if weights.bias_hh is not None:
        a += weights.bias_hh
    from_state = np.ascontiguousarray(weights.weight_hh.T)
    for rows, after, before in steps.spans:
        a[rows] += h[before] @ from_state
        m, c[after] = lstm_unit(a[rows], c[before])
        h[after] = m if weights.weight_hr is None else m @ weights.weight_hr.T
    return a


def _replay(a: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> None:
    h, c = states
    for rows, after, before in steps.spans:
        m, c[after] = lstm_unit(a[rows], c[before])
        h[after] = m if weights.weight_hr is None else m @ weights.weight_hr.T


def _scan_backward(
    x: Array, a: Array, weights: Weights, states: tuple[Array, ...], grad_states: tuple[Array, ...], steps: Steps
) -> tuple[Array, Weights]:
    h, c = states
    grad_h, grad_c = grad_states
    grad_a = np.empty_like(a)
    for rows, after, before in reversed(steps.spans):
        grad_m = grad_h[after] if weights.weight_hr is None else grad_h[after] @ weights.weight_hr
        grad_a[rows], grad_before = lstm_unit_vjp(grad_m, grad_c[after], a[rows], c[before], c[after])
        grad_c[before] += grad_before
        grad_h[before] += grad_a[rows] @ weights.weight_hh

    grad_hr = None
    if weights.weight_hr is not None:
        count, size = len(steps.first), c.shape[1]
        m = sigmoid(a[:, 3 * size :]) * np.tanh(c[count:])
        grad_hr = grad_h[count:].T @ m
    return product_gradients(grad_a, grad_a, x, h[steps.before], weights, grad_hr)


NET = Net(4, ("h", "c"), _scan, _replay, _scan_backward)
