"""Adam with the largest gradient in place of the root of the mean square."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["AdamaxState", "adamax_init", "adamax_update"]


class AdamaxState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    largest: Any  # like the parameters: the largest size of a gradient, those of the past shrinking


def adamax_init(parameters: Any) -> AdamaxState:
    """The state before the first update."""
    checked = _check.floating_structure("adamax_init", "parameters", parameters)
    return AdamaxState(0, _parts.zeros(checked), _parts.zeros(checked))


def adamax_update(
    parameters: Any,
    gradients: Any,
    state: AdamaxState,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, AdamaxState]:
    """One step along the mean gradient, scaled by the largest gradient, which the past loses slowly.

    g = g + weight_decay p                       (-g instead of g to maximize)
    m = beta1 m + (1 - beta1) g
    u = max(beta2 u, |g| + eps)
    p = p - lr m / (1 - beta1^t) / u

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.Adamax; Kingma and Ba 2015, section 7.1.
    Derived: derivations/adamax.md.
    """
    op = "adamax_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, AdamaxState, parameters, "mean", "largest")

    step = state.step + 1
    rate = lr / (1 - beta1**step)

    def move(p: Array, m: Array, u: Array) -> Array:
        return p - rate * (m / u)

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        mean = _parts.running_mean(beta1, state.mean, g)
        largest = _parts.each(lambda u, g: np.maximum(beta2 * u, np.abs(g) + eps), state.largest, g)
        return _parts.each(move, parameters, mean, largest), AdamaxState(step, mean, largest)
