"""Recurrent cells: one step of a recurrent net, from an input and the state before to the state after."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._validate import Array
from ._recurrent_units import (
    gru_activation,
    gru_unit,
    gru_unit_vjp,
    lstm_unit,
    lstm_unit_vjp,
    part_of_gradient,
    rnn_unit,
    rnn_unit_vjp,
)

__all__ = [
    "gru_cell_backward",
    "gru_cell_forward",
    "lstm_cell_backward",
    "lstm_cell_forward",
    "rnn_relu_cell_backward",
    "rnn_relu_cell_forward",
    "rnn_tanh_cell_backward",
    "rnn_tanh_cell_forward",
]


class RnnTanhCellCache(NamedTuple):
    input: Array  # (N, I) or (I,)
    hx: Array  # (N, H) or (H,)
    w_ih: Array  # (H, I)
    w_hh: Array  # (H, H)
    b_ih: Array | None  # (H,)
    b_hh: Array | None  # (H,)
    activation: Array  # (N, H): a, before the nonlinearity


def rnn_tanh_cell_forward(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> tuple[Array, RnnTanhCellCache]:
    """One step of a plain recurrent net.

    h' = tanh(W_ih x + b_ih + W_hh h + b_hh)

    Shapes: input (N, I), hx (N, H), w_ih (H, I), w_hh (H, H), biases (H,) or None, output (N, H); or input (I,), hx and
        output (H,).
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: sums of products in the working precision; the slope of a saturated unit keeps its digits.
    Source: torch.rnn_tanh_cell, which takes a batch alone, and torch.nn.RNNCell.
    Derived: derivations/recurrent_cells.md#rnn_tanh_cell.
    """
    arguments = _check("rnn_tanh_cell_forward", 1, input, hx, w_ih, w_hh, b_ih, b_hh)
    y, a = _rnn_forward(arguments, "tanh")
    return y, RnnTanhCellCache(*arguments, a)


def rnn_tanh_cell_backward(grad_output: ArrayLike, cache: RnnTanhCellCache) -> dict[str, Any]:
    """With grad_a = g / cosh(a)^2: grad_x = grad_a W_ih, grad_h = grad_a W_hh, grad_W_ih = grad_a^T x,
    grad_W_hh = grad_a^T h, and grad_b_ih = grad_b_hh = sum of grad_a over the batch.
    """
    op = "rnn_tanh_cell_backward"
    return _rnn_backward(op, grad_output, _validate.is_cache(op, cache, RnnTanhCellCache), "tanh")


class RnnReluCellCache(NamedTuple):
    input: Array  # (N, I) or (I,)
    hx: Array  # (N, H) or (H,)
    w_ih: Array  # (H, I)
    w_hh: Array  # (H, H)
    b_ih: Array | None  # (H,)
    b_hh: Array | None  # (H,)
    activation: Array  # (N, H): a, before the nonlinearity


def rnn_relu_cell_forward(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> tuple[Array, RnnReluCellCache]:
    """One step of a plain recurrent net of rectifiers.

    h' = max(W_ih x + b_ih + W_hh h + b_hh, 0)

    Shapes: input (N, I), hx (N, H), w_ih (H, I), w_hh (H, H), biases (H,) or None, output (N, H); or input (I,), hx and
        output (H,).
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: sums of products in the working precision; NaN stays NaN.
    Source: torch.rnn_relu_cell, which takes a batch alone, and torch.nn.RNNCell with nonlinearity="relu".
    Derived: derivations/recurrent_cells.md#rnn_relu_cell.
    """
    arguments = _check("rnn_relu_cell_forward", 1, input, hx, w_ih, w_hh, b_ih, b_hh)
    y, a = _rnn_forward(arguments, "relu")
    return y, RnnReluCellCache(*arguments, a)


def rnn_relu_cell_backward(grad_output: ArrayLike, cache: RnnReluCellCache) -> dict[str, Any]:
    """With grad_a = g where a > 0, else 0: grad_x = grad_a W_ih, grad_h = grad_a W_hh, grad_W_ih = grad_a^T x,
    grad_W_hh = grad_a^T h, and grad_b_ih = grad_b_hh = sum of grad_a over the batch.
    """
    op = "rnn_relu_cell_backward"
    return _rnn_backward(op, grad_output, _validate.is_cache(op, cache, RnnReluCellCache), "relu")


class LstmCellCache(NamedTuple):
    input: Array  # (N, I) or (I,)
    hx: tuple[Array, Array]  # h and c, each (N, H) or (H,)
    w_ih: Array  # (4 H, I)
    w_hh: Array  # (4 H, H)
    b_ih: Array | None  # (4 H,)
    b_hh: Array | None  # (4 H,)
    activation: Array  # (N, 4 H): a, before the nonlinearities


def lstm_cell_forward(
    input: ArrayLike,
    hx: tuple[ArrayLike, ArrayLike],
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> tuple[tuple[Array, Array], LstmCellCache]:
    """One step of a long short-term memory.

    (a_i, a_f, a_n, a_o) = W_ih x + b_ih + W_hh h + b_hh, i = sigmoid(a_i), f = sigmoid(a_f), n = tanh(a_n),
    o = sigmoid(a_o); c' = f c + i n, h' = o tanh(c')

    Shapes: input (N, I), hx a pair (h, c) of (N, H) each, w_ih (4 H, I), w_hh (4 H, H), biases (4 H,) or None, output
        the pair (h', c'); or input (I,), h and c (H,).
    Raises: TypeError where an array is not floating or hx no pair; ValueError where a shape does not match.
    Extremes: gates keep full relative precision where they are nearly shut, and their slopes on both sides.
    Source: torch.lstm_cell, which takes a batch alone, and torch.nn.LSTMCell; the order of the gates is theirs.
    Derived: derivations/recurrent_cells.md#lstm_cell.
    """
    arguments = _check("lstm_cell_forward", 4, input, hx, w_ih, w_hh, b_ih, b_hh, pair=True)
    rows = _rows(arguments)
    h, c = rows.hx
    with np.errstate(all="ignore"):
        a = rows.from_input() + rows.from_state()
        h, c = lstm_unit(a, c)
    return (_answer(h, arguments), _answer(c, arguments)), LstmCellCache(*arguments, a)


def lstm_cell_backward(grad_output: Any, cache: LstmCellCache) -> dict[str, Any]:
    """With g_h and g_c the gradients of h' and c' (None for none), and grad_c' = g_c + g_h o / cosh(c')^2:
    grad_a = (grad_c' n i (1 - i), grad_c' c f (1 - f), grad_c' i / cosh(a_n)^2, g_h tanh(c') o (1 - o)),
    grad_c = grad_c' f, grad_x = grad_a W_ih, grad_h = grad_a W_hh, grad_W_ih = grad_a^T x, grad_W_hh = grad_a^T h,
    and grad_b_ih = grad_b_hh = sum of grad_a over the batch.
    """
    op = "lstm_cell_backward"
    cache = _validate.is_cache(op, cache, LstmCellCache)
    x, (h, c), _, w_hh, _, _ = _rows(cache)
    g_h, g_c = _validate.pair(op, "grad_output", grad_output, "(h, c)")
    shape = cache.hx[0].shape
    g_h = part_of_gradient(op, "grad_output[0]", g_h, shape, x.dtype).reshape(h.shape)
    g_c = part_of_gradient(op, "grad_output[1]", g_c, shape, x.dtype).reshape(h.shape)
    with np.errstate(all="ignore"):
        _, c_next = lstm_unit(cache.activation, c)
        grad_a, grad_c = lstm_unit_vjp(g_h, g_c, cache.activation, c, c_next)
        grads = _gradients(cache, grad_a, grad_a)
        grad_h = grad_a @ w_hh
    grads["hx"] = (_as_given(grad_h, cache.hx[0]), _as_given(grad_c, cache.hx[1]))
    return grads


class GruCellCache(NamedTuple):
    input: Array  # (N, I) or (I,)
    hx: Array  # (N, H) or (H,)
    w_ih: Array  # (3 H, I)
    w_hh: Array  # (3 H, H)
    b_ih: Array | None  # (3 H,)
    b_hh: Array | None  # (3 H,)
    activation: Array  # (N, 4 H): a_r, a_z, u, and v = W_in x + b_in


def gru_cell_forward(
    input: ArrayLike,
    hx: ArrayLike,
    w_ih: ArrayLike,
    w_hh: ArrayLike,
    b_ih: ArrayLike | None = None,
    b_hh: ArrayLike | None = None,
) -> tuple[Array, GruCellCache]:
    """One step of a gated recurrent unit.

    r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z = sigmoid(W_iz x + b_iz + W_hz h + b_hz), u = W_hn h + b_hn,
    n = tanh(W_in x + b_in + r u); h' = (1 - z) n + z h

    Shapes: input (N, I), hx (N, H), w_ih (3 H, I), w_hh (3 H, H), biases (3 H,) or None, output (N, H); or input (I,),
        hx and output (H,). The rows of the weights are those of r, z and n.
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: z and 1 - z keep full relative precision where they are small, and so do the slopes of the gates.
    Source: torch.gru_cell, which takes a batch alone, and torch.nn.GRUCell.
    Derived: derivations/recurrent_cells.md#gru_cell.
    """
    arguments = _check("gru_cell_forward", 3, input, hx, w_ih, w_hh, b_ih, b_hh)
    rows = _rows(arguments)
    (h,) = rows.hx
    with np.errstate(all="ignore"):
        a = gru_activation(rows.from_input(), rows.b_hh)
        a[:, : len(rows.w_hh)] += h @ rows.w_hh.T
        h = gru_unit(a, h)
    return _answer(h, arguments), GruCellCache(*arguments, a)


def gru_cell_backward(grad_output: ArrayLike, cache: GruCellCache) -> dict[str, Any]:
    """With grad_n = g (1 - z) / cosh(a_n)^2, grad_r = grad_n u r (1 - r) and grad_z = g (h - n) z (1 - z), all of what
    stands under a nonlinearity: grad_i = (grad_r, grad_z, grad_n) and grad_u = (grad_r, grad_z, grad_n r);
    grad_x = grad_i W_ih, grad_h = grad_u W_hh + g z, grad_W_ih = grad_i^T x, grad_W_hh = grad_u^T h, and the biases'
    are the sums of grad_i and grad_u over the batch.
    """
    op = "gru_cell_backward"
    cache = _validate.is_cache(op, cache, GruCellCache)
    x, (h,), _, w_hh, _, _ = _rows(cache)
    g = _validate.output_gradient(op, grad_output, cache.hx.shape, x.dtype).reshape(h.shape)
    with np.errstate(all="ignore"):
        grad_u, grad_v, grad_h = gru_unit_vjp(g, cache.activation, h)
        grad_i = np.concatenate([grad_u[:, : 2 * h.shape[1]], grad_v], axis=1)
        grads = _gradients(cache, grad_i, grad_u)
        grad_h = grad_h + grad_u @ w_hh
    grads["hx"] = _as_given(grad_h, cache.hx)
    return grads


# What the pairs share.


class _Arguments(NamedTuple):
    """As a cell takes them, or, where they are made ready to compute with, as rows."""

    input: Array
    hx: Any  # an array, or a tuple of them
    w_ih: Array
    w_hh: Array
    b_ih: Array | None
    b_hh: Array | None

    def from_input(self) -> Array:
        y = self.input @ self.w_ih.T
        return y if self.b_ih is None else y + self.b_ih

    def from_state(self) -> Array:
        y = self.hx[0] @ self.w_hh.T
        return y if self.b_hh is None else y + self.b_hh


def _check(
    op: str, gates: int, input: Any, hx: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, pair: bool = False
) -> _Arguments:  # fmt: skip
    """The arguments as arrays that fit each other."""
    input = _validate.floating(op, "input", input)
    parts = _validate.pair(op, "hx", hx, "(h, c)") if pair else (hx,)
    names = ("hx[0]", "hx[1]") if pair else ("hx",)
    states = tuple(_validate.floating(op, name, part) for name, part in zip(names, parts, strict=True))
    w_ih, w_hh = _validate.floating(op, "w_ih", w_ih), _validate.floating(op, "w_hh", w_hh)
    b_ih, b_hh = _validate.optional_floating(op, "b_ih", b_ih), _validate.optional_floating(op, "b_hh", b_hh)
    if input.ndim not in (1, 2):
        raise ValueError(f"{op}: input must have shape (N, I) or (I,), got {input.shape}")
    rows = "H" if gates == 1 else f"{gates} H"
    if w_hh.ndim != 2 or w_hh.shape[0] != gates * w_hh.shape[1]:
        raise ValueError(f"{op}: w_hh must have shape ({rows}, H), got {w_hh.shape}")
    size = w_hh.shape[1]
    _validate.has_shape(op, "w_ih", w_ih, f"({rows}, I)", (gates * size, input.shape[-1]))
    for name, state in zip(names, states, strict=True):
        _validate.has_shape(op, name, state, "(N, H)" if input.ndim == 2 else "(H,)", (*input.shape[:-1], size))
    for name, bias in (("b_ih", b_ih), ("b_hh", b_hh)):
        if bias is not None:
            _validate.has_shape(op, name, bias, f"({rows},)", (gates * size,))
    return _Arguments(input, states if pair else states[0], w_ih, w_hh, b_ih, b_hh)


def _flat(arguments: Any) -> tuple[Any, ...]:
    """All arrays of the arguments, or of a cache that begins with them."""
    input, hx, *others = arguments[:6]
    return (input, *others, *(hx if isinstance(hx, tuple) else (hx,)))


def _rows(arguments: Any) -> _Arguments:
    """In the dtype to compute in, input and states as rows; the states as a tuple."""
    x, w_ih, w_hh, b_ih, b_hh, *states = working(*_flat(arguments))
    return _Arguments(np.atleast_2d(x), tuple(np.atleast_2d(part) for part in states), w_ih, w_hh, b_ih, b_hh)


def _answer(state: Array, arguments: _Arguments) -> Array:
    return answer(state if arguments.input.ndim == 2 else state[0], *_flat(arguments))


def _as_given(grad: Array, argument: Array) -> Array:
    return gradient(grad.reshape(argument.shape), argument)


def _gradients(cache: Any, grad_i: Array, grad_u: Array) -> dict[str, Any]:
    """Those of the two products x W_ih^T + b_ih and h W_hh^T + b_hh, but for the state's."""
    x, (h, *_), w_ih, _, _, _ = _rows(cache)
    grads: dict[str, Any] = {
        "input": _as_given(grad_i @ w_ih, cache.input),
        "w_ih": gradient(grad_i.T @ x, cache.w_ih),
        "w_hh": gradient(grad_u.T @ h, cache.w_hh),
    }
    for name, grad in (("b_ih", grad_i), ("b_hh", grad_u)):
        bias = getattr(cache, name)
        if bias is not None:
            grads[name] = gradient(grad.sum(axis=0), bias)
    return grads


def _rnn_forward(arguments: _Arguments, nonlinearity: str) -> tuple[Array, Array]:
    rows = _rows(arguments)
    with np.errstate(all="ignore"):
        a = rows.from_input() + rows.from_state()
        return _answer(rnn_unit(a, nonlinearity), arguments), a


def _rnn_backward(op: str, grad_output: ArrayLike, cache: Any, nonlinearity: str) -> dict[str, Any]:
    x, (h,), _, w_hh, _, _ = _rows(cache)
    g = _validate.output_gradient(op, grad_output, cache.hx.shape, x.dtype).reshape(h.shape)
    with np.errstate(all="ignore"):
        grad_a = rnn_unit_vjp(g, cache.activation, nonlinearity)
        grads = _gradients(cache, grad_a, grad_a)
        grads["hx"] = _as_given(grad_a @ w_hh, cache.hx)
    return grads
