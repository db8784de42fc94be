"""Adam."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._structure import map_leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["AdamState", "adam_init", "adam_update"]


class AdamState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    square: Any  # like the parameters: the running mean of their squares
    largest_square: Any  # like the parameters: the largest of those so far, for amsgrad


def adam_init(parameters: Any) -> AdamState:
    """The state before the first update."""
    return initial_state("adam_init", parameters)


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
    _check.flags(op, decoupled_weight_decay=decoupled_weight_decay)
    return update(
        op, parameters, gradients, state, lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay
    )


# What adam and adamw share; op is the name under which they refuse.


def initial_state(op: str, parameters: Any) -> AdamState:
    checked = _check.floating_structure(op, "parameters", parameters)
    return AdamState(0, *(_parts.zeros(checked) for _ in range(3)))


def update(
    op: str,
    parameters: Any,
    gradients: Any,
    state: AdamState,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> tuple[Any, AdamState]:
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, amsgrad=amsgrad, maximize=maximize)
    state = _check.state_of(op, state, AdamState, parameters, "mean", "square", "largest_square")

    step = state.step + 1

    def moved(p: Array, m: Array, s: Array) -> Array:
        scale = np.sqrt(s) / math.sqrt(1 - beta2**step) + eps
        return p - lr / (1 - beta1**step) * (m / scale)

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        p, g = _parts.decayed(parameters, gradients, lr, weight_decay, decoupled=decoupled, maximize=maximize)
        mean = _parts.running_mean(beta1, state.mean, g)
        square = _parts.running_mean(beta2, state.square, _parts.squares(g))
        largest = map_leaves(np.maximum, state.largest_square, square) if amsgrad else state.largest_square
        p = _parts.each(moved, p, mean, largest if amsgrad else square)
    return p, AdamState(step, mean, square, largest)
