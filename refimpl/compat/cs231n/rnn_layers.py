"""The course's rnn_layers.py: recurrent nets, word embeddings, and what follows them at every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _validate, losses
from ... import layers as pairs
from ..._validate import Array
from ._terms import Kept, array, kept_by, parameter, refusing_as
from .layers import DOUT, affine, affine_gradients

__all__ = [
    "lstm_backward",
    "lstm_forward",
    "lstm_step_backward",
    "lstm_step_forward",
    "rnn_backward",
    "rnn_forward",
    "rnn_step_backward",
    "rnn_step_forward",
    "temporal_affine_backward",
    "temporal_affine_forward",
    "temporal_softmax_loss",
    "word_embedding_backward",
    "word_embedding_forward",
]

Gradients = tuple[Array, Array, Array, Array, Array]


def rnn_step_forward(x: Any, prev_h: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Kept]:
    """next_h = tanh(x Wx + prev_h Wh + b): rnn_tanh_cell.

    Shapes: x (N, D), prev_h and next_h (N, H), Wx (D, H), Wh (H, H), b (H,).
    """
    op = "rnn_step_forward"
    x, (h,), weights = _arguments(op, 1, array(op, "x", x, "(N, D)"), {"prev_h": prev_h}, Wx, Wh, b)
    next_h, cache = pairs.rnn_tanh_cell_forward(x, h, *weights)
    return next_h, Kept(op, cache)


def rnn_step_backward(dnext_h: Any, cache: Any) -> Gradients:
    """With da = dnext_h / cosh(a)^2: dx = da Wx^T, dprev_h = da Wh^T, dWx = x^T da, dWh = prev_h^T da, db = the sum
    of da over the samples.
    """
    op = "rnn_step_backward"
    kept = kept_by(op, cache, "rnn_step_forward")
    with refusing_as(op, {"grad_output": "dnext_h"}):
        grads = pairs.rnn_tanh_cell_backward(dnext_h, kept.pair)
    return grads["input"], grads["hx"], grads["w_ih"].T, grads["w_hh"].T, grads["b_ih"]


def rnn_forward(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Kept]:
    """rnn_step over the steps of x, from h0: rnn with batch_first.

    Shapes: x (N, T, D), h0 (N, H), Wx (D, H), Wh (H, H), b (H,), h (N, T, H).
    """
    op = "rnn_forward"
    x, (h,), weights = _arguments(op, 1, _sequence(op, x), {"h0": h0}, Wx, Wh, b)
    (h_all, _), cache = pairs.rnn_forward(x, _by_name(*weights), h[None], batch_first=True)
    return h_all, Kept(op, cache)


def rnn_backward(dh: Any, cache: Any) -> Gradients:
    """dx, dh0, dWx, dWh, db, with dh (N, T, H) what comes to every step from outside the net."""
    op = "rnn_backward"
    kept = kept_by(op, cache, "rnn_forward")
    dh = _gradient_of_steps(op, dh, kept)
    grads = pairs.rnn_backward((dh, None), kept.pair)
    return grads["input"], grads["hx"][0], *_weight_gradients(grads["weights"])


def lstm_step_forward(x: Any, prev_h: Any, prev_c: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Array, Kept]:
    """(a_i, a_f, a_o, a_g) = x Wx + prev_h Wh + b; next_c = f prev_c + i g, next_h = o tanh(next_c), with i, f and o
    the sigmoids of their a and g = tanh(a_g): lstm_cell, whose gates come in the order i, f, g, o.

    Shapes: x (N, D), prev_h, prev_c, next_h and next_c (N, H), Wx (D, 4 H), Wh (H, 4 H), b (4 H,).
    """
    op = "lstm_step_forward"
    states = {"prev_h": prev_h, "prev_c": prev_c}
    x, (h, c), weights = _arguments(op, 4, array(op, "x", x, "(N, D)"), states, Wx, Wh, b)
    (next_h, next_c), cache = pairs.lstm_cell_forward(x, (h, c), *map(_other_order, weights))
    return next_h, next_c, Kept(op, cache)


def lstm_step_backward(dnext_h: Any, dnext_c: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array, Array]:
    """dx, dprev_h, dprev_c, dWx, dWh, db: those of lstm_cell, the gates in the course's order."""
    op = "lstm_step_backward"
    kept = kept_by(op, cache, "lstm_step_forward")
    with refusing_as(op, {"grad_output[0]": "dnext_h", "grad_output[1]": "dnext_c"}):
        grads = pairs.lstm_cell_backward((dnext_h, dnext_c), kept.pair)
    dWx, dWh, db = (_other_order(grads[name]) for name in ("w_ih", "w_hh", "b_ih"))
    return grads["input"], *grads["hx"], dWx.T, dWh.T, db


def lstm_forward(x: Any, h0: Any, Wx: Any, Wh: Any, b: Any) -> tuple[Array, Kept]:
    """lstm_step over the steps of x, from h0 and c = 0: lstm with batch_first.

    Shapes: x (N, T, D), h0 (N, H), Wx (D, 4 H), Wh (H, 4 H), b (4 H,), h (N, T, H).
    """
    op = "lstm_forward"
    x, (h,), weights = _arguments(op, 4, _sequence(op, x), {"h0": h0}, Wx, Wh, b)
    named = _by_name(*map(_other_order, weights))
    (h_all, _), cache = pairs.lstm_forward(x, named, (h[None], np.zeros_like(h)[None]), batch_first=True)
    return h_all, Kept(op, cache)


def lstm_backward(dh: Any, cache: Any) -> Gradients:
    """dx, dh0, dWx, dWh, db, with dh (N, T, H) what comes to every step from outside the net."""
    op = "lstm_backward"
    kept = kept_by(op, cache, "lstm_forward")
    dh = _gradient_of_steps(op, dh, kept)
    grads = pairs.lstm_backward((dh, None), kept.pair)
    by_name = {name: _other_order(grad) for name, grad in grads["weights"].items()}
    return grads["input"], grads["hx"][0][0], *_weight_gradients(by_name)


def word_embedding_forward(x: Any, W: Any) -> tuple[Array, Kept]:
    """out = W[x]: embedding.

    Shapes: x (N, T) of integers from 0 to V - 1, W (V, D), out (N, T, D).
    """
    op = "word_embedding_forward"
    W = array(op, "W", W, "(V, D)")
    with refusing_as(op, {"input": "x", "weight": "W"}):
        out, cache = pairs.embedding_forward(x, W)
    return out, Kept(op, cache)


def word_embedding_backward(dout: Any, cache: Any) -> Array:
    """dW, whose row k is the sum of dout where x is k."""
    op = "word_embedding_backward"
    kept = kept_by(op, cache, "word_embedding_forward")
    with refusing_as(op, DOUT):
        return pairs.embedding_backward(dout, kept.pair)["weight"]


def temporal_affine_forward(x: Any, w: Any, b: Any) -> tuple[Array, Kept]:
    """out = x w + b at every step: linear with weight w^T.

    Shapes: x (N, T, D), w (D, M), b (M,), out (N, T, M).
    """
    op = "temporal_affine_forward"
    out, cache = affine(op, array(op, "x", x, "(N, T, D)"), w, b)
    return out, Kept(op, cache)


def temporal_affine_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx = dout w^T, dw = x^T dout, db = sum of dout, over samples and steps."""
    op = "temporal_affine_backward"
    return affine_gradients(op, dout, kept_by(op, cache, "temporal_affine_forward").pair)


def temporal_softmax_loss(x: Any, y: Any, mask: Any, verbose: bool = False) -> tuple[Any, Array]:
    """The sum over samples and steps of -mask log softmax(x)_y, divided by N alone, and dx: cross_entropy.

    Shapes: scores x (N, T, V), classes y and mask (N, T). The mask holds booleans, or numbers to weigh the steps by; a
    step of mask 0 is not read. verbose, which makes the course's own print a shape, has no effect.
    """
    op = "temporal_softmax_loss"
    x = array(op, "x", x, "(N, T, V)")
    y = _validate.integers(op, "y", y)
    _validate.has_shape(op, "y", y, "of x without its classes", x.shape[:2])
    mask = _validate.real(op, "mask", _numbers(mask))
    _validate.has_shape(op, "mask", mask, "of y", y.shape)
    _validate.class_indices(op, "y", np.where(mask != 0, y, 0), _validate.classes_last(op, "x", x))

    rows, kept = x.reshape(-1, x.shape[2]), mask.reshape(-1) != 0
    loss, cache = losses.cross_entropy_forward(rows[kept], y.reshape(-1)[kept].astype(np.int64), reduction="none")
    dx = np.zeros_like(rows)
    with np.errstate(all="ignore"):  # no sample at all is 0 / 0
        share = mask.reshape(-1)[kept].astype(x.dtype) / x.dtype.type(len(x))
        total = (share * loss).sum()
    dx[kept] = losses.cross_entropy_backward(share, cache)["input"]
    return total, dx.reshape(x.shape)


# What the recurrent nets share.


def _numbers(mask: Any) -> Any:
    """Booleans as 0 and 1; all else as it is."""
    found = np.asarray(mask)
    return found.astype(np.int8) if found.dtype == np.bool_ else mask


def _sequence(op: str, x: Any) -> Array:
    x = array(op, "x", x, "(N, T, D)")
    if not x.shape[1]:
        raise ValueError(f"{op}: x must have at least one step, got shape {x.shape}")
    return x


def _arguments(
    op: str, gates: int, x: Array, states: dict[str, Any], Wx: Any, Wh: Any, b: Any
) -> tuple[Array, list[Array], tuple[Array, Array, Array]]:
    """The states as arrays that fit, and the weights as refimpl has them: (gates H, D), (gates H, H), (gates H,)."""
    columns = "H" if gates == 1 else f"{gates} H"
    Wh = array(op, "Wh", Wh, f"(H, {columns})")
    size = len(Wh)
    if not size or Wh.shape[1] != gates * size:
        raise ValueError(f"{op}: Wh must have shape (H, {columns}) with H at least 1, got {Wh.shape}")
    Wx = parameter(op, "Wx", Wx, f"(D, {columns})", (x.shape[-1], gates * size))
    b = parameter(op, "b", b, f"({columns},)", (gates * size,))
    arrays = [parameter(op, name, state, "(N, H)", (len(x), size)) for name, state in states.items()]
    return x, arrays, (Wx.T, Wh.T, b)


def _other_order(weight: Array) -> Array:
    """Gates along the first axis in the order i, f, g, o for those in i, f, o, g, and the other way round."""
    i, f, third, fourth = np.split(weight, 4)
    return np.concatenate([i, f, fourth, third])


def _by_name(w_ih: Array, w_hh: Array, b: Array) -> dict[str, Array]:
    """The course has one bias, refimpl's nets two that are added."""
    return {"weight_ih_l0": w_ih, "weight_hh_l0": w_hh, "bias_ih_l0": b, "bias_hh_l0": np.zeros_like(b)}


def _weight_gradients(grads: dict[str, Array]) -> tuple[Array, Array, Array]:
    return grads["weight_ih_l0"].T, grads["weight_hh_l0"].T, grads["bias_ih_l0"]


def _gradient_of_steps(op: str, dh: Any, kept: Kept) -> Array:
    samples, steps, _ = kept.pair.input.shape
    size = kept.pair.weights["weight_hh_l0"].shape[1]
    return parameter(op, "dh", dh, "(N, T, H)", (samples, steps, size))
