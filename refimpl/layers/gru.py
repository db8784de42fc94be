"""The gated recurrent unit over a sequence, by backpropagation through time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._validate import Array, IntArray
from ._recurrence import Given, Net, Steps, Weights, product_gradients, projected, run_backward, run_forward
from ._recurrent_arguments import Options, check
from ._recurrent_units import gru_activation, gru_unit, gru_unit_vjp
from .dropout import DropoutCache

__all__ = ["gru_backward", "gru_forward"]


class GruCache(NamedTuple):
    input: Array  # (T, N, I), (N, T, I) or (T, I)
    weights: dict[str, Array]  # by PyTorch's names
    hx: tuple[Array, ...] | None  # of one: h (L D, N, H)
    lengths: IntArray | None  # (N,)
    batch_first: bool
    activations: tuple[Array, ...]  # for each layer and direction (sum of lengths, 4 H): a_r, a_z, u, v = W_in x + b_in
    dropouts: tuple[DropoutCache, ...]  # between the layers; none where nothing is left out


def gru_forward(
    input: ArrayLike,
    weights: Mapping[str, ArrayLike],
    hx: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
    *,
    num_layers: int = 1,
    bias: bool = True,
    batch_first: bool = False,
    dropout: float = 0.0,
    bidirectional: bool = False,
    training: bool = True,
    rng: Any = None,
) -> tuple[tuple[Array, Array], GruCache]:
    """Gated recurrent units over sequences, in layers, in one direction or in both.

    r = sigmoid(W_ir x_t + b_ir + W_hr h_(t-1) + b_hr), z = sigmoid(W_iz x_t + b_iz + W_hz h_(t-1) + b_hz),
    u = W_hn h_(t-1) + b_hn, n = tanh(W_in x_t + b_in + r u); h_t = (1 - z) n + z h_(t-1)

    Shapes: input (T, N, I), with batch_first (N, T, I), or (T, I); weights a dict by the names of torch.nn.GRU's
        parameters: weight_ih_l0 (3 H, I), in later layers (3 H, D H), weight_hh_l0 (3 H, H), bias_ih_l0 and bias_hh_l0
        (3 H,); the same for l1 and on, and with _reverse; hx (num_layers D, N, H), 0 where None; lengths (N,). D is 2
        if bidirectional, else 1. Output is a pair: y (T, N, D H), and h_n like hx; in grad_output None stands for 0.
    Raises: TypeError where an array is not floating, lengths not integer, weights no dict or an option of the wrong
        kind; ValueError where names or shapes do not match, lengths are not within 1 to T, dropout is outside [0, 1],
        or rng is missing though training and 0 < dropout < 1 between layers.
    Extremes: as gru_cell. Beyond its length a sequence is not read, not even a NaN; output and gradient are 0 there.
    Source: torch.nn.GRU; lengths are those of torch.nn.utils.rnn.pack_padded_sequence, with all steps padded again,
        and in any order. rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/gru.md#gru.
    """
    op = "gru_forward"
    options = Options(num_layers, bias, batch_first, dropout, bidirectional, training, rng)
    given, share, generator = check(op, NET, input, weights, hx, lengths, options)
    output, activations, dropouts = run_forward(NET, given, share, generator)
    return output, GruCache(*given, activations, dropouts)


def gru_backward(grad_output: Any, cache: GruCache) -> dict[str, Any]:
    """For t from last to first, with g_t what the output, the final state and step t + 1 give of h_t:
    grad_n = g_t (1 - z) / cosh(a_n)^2, grad_r = grad_n u r (1 - r), grad_z = g_t (h_(t-1) - n) z (1 - z),
    grad_i_t = (grad_r, grad_z, grad_n), grad_u_t = (grad_r, grad_z, grad_n r);
    g_(t-1) adds g_t z + grad_u_t W_hh. Then, over all steps at once: grad_x = grad_i W_ih, grad_W_ih = grad_i^T x,
    grad_W_hh = grad_u^T h_(t-1), and the biases' are the sums of grad_i and grad_u.
    """
    op = "gru_backward"
    cache = _validate.is_cache(op, cache, GruCache)
    given = Given(*cache[:5])
    grad_input, grad_weights, grad_hx = run_backward(op, NET, grad_output, given, cache.activations, cache.dropouts)
    grads: dict[str, Any] = {"input": grad_input, "weights": grad_weights}
    if grad_hx is not None:
        grads["hx"] = grad_hx[0]
    return grads


def _scan(x: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> Array:
    (h,) = states
    gates = 3 * h.shape[1]
    a = gru_activation(projected(x, weights), weights.bias_hh)
    from_state = np.ascontiguousarray(weights.weight_hh.T)
    for rows, after, before in steps.spans:
        a[rows, :gates] += h[before] @ from_state
        h[after] = gru_unit(a[rows], h[before])
    return a


def _replay(a: Array, weights: Weights, states: tuple[Array, ...], steps: Steps) -> None:
    (h,) = states
    for rows, after, before in steps.spans:
        h[after] = gru_unit(a[rows], h[before])


def _scan_backward(
    x: Array, a: Array, weights: Weights, states: tuple[Array, ...], grad_states: tuple[Array, ...], steps: Steps
) -> tuple[Array, Weights]:
    (h,), (g,) = states, grad_states
    size = h.shape[1]
    grad_u = np.empty((len(a), 3 * size), dtype=a.dtype)
    grad_v = np.empty((len(a), size), dtype=a.dtype)
    for rows, after, before in reversed(steps.spans):
        grad_u[rows], grad_v[rows], beside = gru_unit_vjp(g[after], a[rows], h[before])
        g[before] += beside + grad_u[rows] @ weights.weight_hh
    grad_i = np.concatenate([grad_u[:, : 2 * size], grad_v], axis=1)
    return product_gradients(grad_i, grad_u, x, h[steps.before], weights)


NET = Net(3, ("h",), _scan, _replay, _scan_backward)
