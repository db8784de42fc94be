"""Adam that divides by how far the gradients are from their mean."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["AdabeliefState", "adabelief_init", "adabelief_update"]


class AdabeliefState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    deviation: Any  # like the parameters: the running mean of the squared distances from it, with eps at each step


def adabelief_init(parameters: Any) -> AdabeliefState:
    """The state before the first update."""
    checked = _check.floating_structure("adabelief_init", "parameters", parameters)
    return AdabeliefState(0, _parts.zeros(checked), _parts.zeros(checked))


def adabelief_update(
    parameters: Any,
    gradients: Any,
    state: AdabeliefState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, AdabeliefState]:
    """One step along the mean gradient, scaled by the root of the mean squared distance from it.

    g = g + weight_decay p                       (-g instead of g to maximize; decoupled: p = p - lr weight_decay p)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) (g - m)^2 + eps
    p = p - lr m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)

    Raises: ValueError where the structures differ or an option is out of range.
    Source: Zhuang et al. 2020, AdaBelief optimizer. PyTorch has no such optimiser.
    Derived: derivations/adabelief.md.
    """
    op = "adabelief_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, decoupled_weight_decay=decoupled_weight_decay, maximize=maximize)
    state = _check.state_of(op, state, AdabeliefState, parameters, "mean", "deviation")

    step = state.step + 1

    def spread(s: Array, g: Array, m: Array) -> Array:
        return beta2 * s + (1 - beta2) * np.square(g - m) + eps

    def moved(p: Array, m: Array, s: Array) -> Array:
        scale = np.sqrt(s) / math.sqrt(1 - beta2**step) + eps
        return p - lr / (1 - beta1**step) * (m / scale)

    with np.errstate(all="ignore"):  # eps = 0 and gradients that agree are m / 0
        p, g = _parts.decayed(
            parameters, gradients, lr, weight_decay, decoupled=decoupled_weight_decay, maximize=maximize
        )
        mean = _parts.running_mean(beta1, state.mean, g)
        deviation = _parts.each(spread, state.deviation, g, mean)
        return _parts.each(moved, p, mean, deviation), AdabeliefState(step, mean, deviation)
