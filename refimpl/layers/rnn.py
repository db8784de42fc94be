"""The plain recurrent net over a sequence, by backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._validate import Array, IntArray
from ._recurrence import Given, Net, Steps, Weights, product_gradients, projected, run_backward, run_forward
from ._recurrent_arguments import Options, check
from ._recurrent_units import rnn_unit, rnn_unit_vjp
from .dropout import DropoutCache

__all__ = ["rnn_backward", "rnn_forward"]


class RnnCache(NamedTuple):
    input: Array  # (T, N, I), (N, T, I) or (T, I)
    weights: dict[str, Array]  # by PyTorch's names
    hx: tuple[Array, ...] | None  # of one: h (L D, N, H)
    lengths: IntArray | None  # (N,)
    batch_first: bool
    activations: tuple[Array, ...]  # for each layer and direction (sum of lengths, H): before the nonlinearity
    dropouts: tuple[DropoutCache, ...]  # between the layers; none where nothing is left out
    nonlinearity: str


def rnn_forward(
    input: ArrayLike,
    weights: Mapping[str, ArrayLike],
    hx: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    *,
    num_layers: int = 1,
    nonlinearity: str = "tanh",
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
    training: bool = True,
    rng: Any = None,
) -> tuple[tuple[Array, Array], RnnCache]:
    """Plain recurrent nets over sequences, in layers, in one direction or in both.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or max(..., 0) with nonlinearity="relu"

    Shapes: input (T, N, I), with batch_first (N, T, I), or (T, I); weights a dict by the names of torch.nn.RNN's
        parameters: weight_ih_l0 (H, I), in later layers (H, D H), weight_hh_l0 (H, H), bias_ih_l0 and bias_hh_l0 (H,);
        the same for l1 and on, and with _reverse; hx (num_layers D, N, H), 0 where None; lengths (N,). D is 2 if
        bidirectional, else 1. Output is a pair: y (T, N, D H), and h_n like hx; in grad_output None stands for 0.
    Raises: TypeError where an array is not floating, lengths not integer, weights no dict or an option of the wrong
        kind; ValueError where names or shapes do not match, lengths are not within 1 to T, nonlinearity is unknown,
        dropout is outside [0, 1], or rng is missing though training and 0 < dropout < 1 between layers.
    Extremes: as the cells. Beyond its length a sequence is not read, not even a NaN; output and gradient are 0 there.
    Source: torch.nn.RNN; lengths are those of torch.nn.utils.rnn.pack_padded_sequence, with all steps padded again,
        and in any order. rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/rnn.md#rnn.
    """
    op = "rnn_forward"
    _validate.one_of(op, "nonlinearity", nonlinearity, ("tanh", "relu"))
    options = Options(num_layers, bias, batch_first, dropout, bidirectional, training, rng)
    given, share, generator = check(op, NETS[nonlinearity], input, weights, hx, lengths, options)
    output, activations, dropouts = run_forward(NETS[nonlinearity], given, share, generator)
    return output, RnnCache(*given, activations, dropouts, nonlinearity)


def rnn_backward(grad_output: Any, cache: RnnCache) -> dict[str, Any]:
    """For t from last to first, with g_t what the output, the final state and step t + 1 give of h_t:
    grad_a_t = g_t / cosh(a_t)^2, or g_t where a_t > 0, else 0; g_(t-1) adds grad_a_t W_hh.
    Then, over all steps at once: grad_x = grad_a W_ih, grad_W_ih = grad_a^T x, grad_W_hh = grad_a^T h_(t-1), and
    grad_b_ih = grad_b_hh = sum of grad_a.
    """
    op = "rnn_backward"
    cache = _validate.is_cache(op, cache, RnnCache)
    net, given = NETS[cache.nonlinearity], Given(*cache[:5])
    grad_input, grad_weights, grad_hx = run_backward(op, net, grad_output, given, cache.activations, cache.dropouts)
    grads: dict[str, Any] = {"input": grad_input, "weights": grad_weights}
    if grad_hx is not None:
        grads["hx"] = grad_hx[0]
    return grads


def _scan(nonlinearity: str, x: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> Array:
    (h,) = states
    a = projected(x, weights)
    if weights.bias_hh is not None:
        a += weights.bias_hh
    from_state = np.ascontiguousarray(weights.weight_hh.T)
    for rows, after, before in steps.spans:
        a[rows] += h[before] @ from_state
        h[after] = rnn_unit(a[rows], nonlinearity)
    return a


def _replay(nonlinearity: str, a: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> None:
    (h,) = states
    h[len(steps.first) :] = rnn_unit(a, nonlinearity)


def _scan_backward(
    nonlinearity: str,
    x: Array,
    a: Array,
    weights: Weights,
    states: tuple[Array, ...],
    grad_states: tuple[Array, ...],
    steps: Steps,
) -> tuple[Array, Weights]:
    (h,), (g,) = states, grad_states
    grad_a = np.empty_like(a)
    for rows, after, before in reversed(steps.spans):
        grad_a[rows] = rnn_unit_vjp(g[after], a[rows], nonlinearity)
        g[before] += grad_a[rows] @ weights.weight_hh
    return product_gradients(grad_a, grad_a, x, h[steps.before], weights)


NETS = {
    name: Net(1, ("h",), partial(_scan, name), partial(_replay, name), partial(_scan_backward, name))
    for name in ("tanh", "relu")
}
