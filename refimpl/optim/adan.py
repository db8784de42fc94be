"""Adam with a running mean of the gradient's change, which is Nesterov's look-ahead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._structure import map_leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["AdanState", "adan_init", "adan_update"]


class AdanState(NamedTuple):
    gradient: Any  # like the parameters, as the next three: the last gradient; all four None before the first update
    mean: Any  # the running mean of the gradients
    change: Any  # the running mean of their changes
    square: Any  # the running mean of the squares of the gradients looked ahead


def adan_init(parameters: Any) -> AdanState:
    """The state before the first update."""
    _check.floating_structure("adan_init", "parameters", parameters)
    return AdanState(None, None, None, None)


def adan_update(
    parameters: Any,
    gradients: Any,
    state: AdanState,
    lr: float = 1e-3,
    betas: tuple[float, float, float] = (0.98, 0.92, 0.99),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, AdanState]:
    """One step along the mean gradient plus its mean change, scaled by the root of the mean square of both.

    d = g - g_before                             (-g instead of g to maximize; d = 0 the first time)
    m = beta1 m + (1 - beta1) g                  (m = g the first time)
    v = beta2 v + (1 - beta2) d                  (v = 0 the first time)
    n = beta3 n + (1 - beta3) (g + beta2 d)^2    (n = g^2 the first time)
    p = (p - lr (m + beta2 v) / (sqrt(n) + eps)) / (1 + lr weight_decay)

    A beta is here what is kept of the past, as for every optimiser; in the paper it is what is taken of the new.

    Raises: ValueError where the structures differ or an option is out of range.
    Source: Xie et al. 2022, Adan, algorithm 1 without restarts. PyTorch has no such optimiser.
    Derived: derivations/adan.md.
    """
    op = "adan_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2, beta3 = _check.fractions(op, "betas", betas, 3)
    _check.flags(op, maximize=maximize)
    fields = AdanState._fields if isinstance(state, AdanState) and state.gradient is not None else ()
    state = _check.state_of(op, state, AdanState, parameters, *fields)

    def moved(p: Array, m: Array, v: Array, n: Array) -> Array:
        return (p - lr * ((m + beta2 * v) / (np.sqrt(n) + eps))) / (1 + lr * weight_decay)

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as for Adam
        descent = _parts.descent(parameters, gradients, maximize=maximize)
        g = _parts.each(lambda p, g: np.array(g), parameters, descent)
        if state.gradient is None:
            mean, change, square = g, _parts.zeros(g), _parts.each(np.square, g)
        else:
            d = map_leaves(np.subtract, g, state.gradient)
            ahead = map_leaves(lambda g, d: np.square(g + beta2 * d), g, d)
            mean = _parts.running_mean(beta1, state.mean, g)
            change = _parts.running_mean(beta2, state.change, d)
            square = _parts.running_mean(beta3, state.square, ahead)
        return _parts.each(moved, parameters, mean, change, square), AdanState(g, mean, change, square)
