"""Adam, and AdamW as its decoupled weight decay."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from .._validate import Array
from . import _check

__all__ = ["AdamState", "adam_init", "adam_update"]


class AdamState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    square: Any  # like the parameters: the running mean of their squares
    largest_square: Any  # like the parameters: the largest of those so far, for amsgrad


def adam_init(parameters: Any) -> AdamState:
    """The state before the first update."""
    checked = _check.floating_structure("adam_init", "parameters", parameters)
    return AdamState(0, *(map_leaves(np.zeros_like, checked) for _ in range(3)))


def adam_update(
    parameters: Any,
    gradients: Any,
    state: AdamState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    decoupled_weight_decay: bool = False,
) -> tuple[Any, AdamState]:
    """One step along the mean gradient, scaled by the root of the mean square.

    g = g + weight_decay p                       (-g instead of g to maximize; decoupled: p = p - lr weight_decay p)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) g^2
    p = p - lr m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)      (amsgrad: the largest s so far)

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.Adam, and torch.optim.AdamW for decoupled_weight_decay; Kingma and Ba 2015; Loshchilov and
        Hutter 2019; Reddi et al. 2018.
    Derived: derivations/adam.md.
    """
    op = "adam_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr = _validate.number(op, "lr", lr, at_least=0)
    beta1, beta2 = _check.betas(op, betas)
    eps = _validate.number(op, "eps", eps, at_least=0)
    weight_decay = _validate.number(op, "weight_decay", weight_decay, at_least=0)
    _validate.is_state(op, state, AdamState)
    for name in ("mean", "square", "largest_square"):
        _check.same_form(op, f"state.{name}", getattr(state, name), "parameters", parameters)

    step = state.step + 1
    decay = weight_decay if decoupled_weight_decay else 0.0
    coupled = 0.0 if decoupled_weight_decay else weight_decay

    def descent(p: Array, g: Array) -> Array:
        g = -g if maximize else g
        return g + coupled * p if coupled else g

    def move(p: Array, m: Array, s: Array) -> Array:
        scale = np.sqrt(s) / math.sqrt(1 - beta2**step) + eps
        return np.asarray((p - lr * decay * p) - lr / (1 - beta1**step) * (m / scale), dtype=p.dtype)

    def blend(beta: float, old: Array, new: Array) -> Array:
        return np.asarray(beta * old + (1 - beta) * new, dtype=old.dtype)

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = map_leaves(descent, parameters, gradients)
        mean = map_leaves(lambda m, g: blend(beta1, m, g), state.mean, g)
        square = map_leaves(lambda s, g: blend(beta2, s, g * g), state.square, g)
        largest = map_leaves(np.maximum, state.largest_square, square) if amsgrad else state.largest_square
        moved = map_leaves(move, parameters, mean, largest if amsgrad else square)
    return moved, AdamState(step, mean, square, largest)
