"""Steps along the sign of a mean gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["LionState", "lion_init", "lion_update"]


class LionState(NamedTuple):
    mean: Any  # like the parameters: the running mean of the gradients


def lion_init(parameters: Any) -> LionState:
    """The state before the first update."""
    return LionState(_parts.zeros(_check.floating_structure("lion_init", "parameters", parameters)))


def lion_update(
    parameters: Any,
    gradients: Any,
    state: LionState,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.9, 0.99),
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, LionState]:
    """A step of one length for every entry, along the sign of the mean gradient.

    c = beta1 m + (1 - beta1) g                  (-g instead of g to maximize)
    m = beta2 m + (1 - beta2) g
    p = p - lr (sign(c) + weight_decay p)

    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: sign(0) is 0: an entry that never had a gradient moves by its decay alone.
    Source: Chen et al. 2023, Symbolic discovery of optimization algorithms. PyTorch has no such optimiser.
    Derived: derivations/lion.md.
    """
    op = "lion_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, weight_decay = _check.not_negative(op, lr=lr, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, LionState, parameters, "mean")

    def moved(p: Array, c: Array) -> Array:
        return p - lr * np.sign(c)

    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        g = _parts.descent(parameters, gradients, maximize=maximize)
        direction = _parts.running_mean(beta1, state.mean, g)
        mean = _parts.running_mean(beta2, state.mean, g)
        return _parts.each(moved, _parts.shrunk(parameters, lr * weight_decay), direction), LionState(mean)
