"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._structure import map_leaves
from . import _check, _parts

__all__ = ["AsgdState", "asgd_init", "asgd_update"]


class AsgdState(NamedTuple):
    step: int  # updates made so far
    rate: float | None  # the learning rate of the next update; None before the first
    average: Any  # like the parameters: their mean over the updates from t0 on, which is what to evaluate


def asgd_init(parameters: Any) -> AsgdState:
    """The state before the first update."""
    checked = _check.floating_structure("asgd_init", "parameters", parameters)
    return AsgdState(0, None, map_leaves(np.copy, checked))


def asgd_update(
    parameters: Any,
    gradients: Any,
    state: AsgdState,
    lr: float = 1e-2,
    lambd: float = 1e-4,
    alpha: float = 0.75,
    t0: float = 1e6,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, AsgdState]:
    """One step against the gradient with a falling learning rate, and a mean of the parameters beside it.

    g = g + weight_decay p                       (-g instead of g to maximize)
    p = (1 - lambd rate) p - rate g              (rate = lr the first time)
    average = average + (p - average) / max(1, t - 1 - t0)
    rate = lr / (1 + lambd lr t)^alpha           for the next update

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.ASGD; Polyak and Juditsky 1992; Bottou 2010.
    Derived: derivations/asgd.md.
    """
    op = "asgd_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, lambd, alpha, t0, weight_decay = _check.not_negative(
        op, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay
    )
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, AsgdState, parameters, "average")

    step = state.step + 1
    rate = lr if state.rate is None else state.rate
    share = 1 / max(1.0, step - 1 - t0)
    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        p = _parts.each(lambda p, g: (1 - lambd * rate) * p - rate * g, parameters, g)
        average = map_leaves(np.copy, p)
        if share < 1:
            average = _parts.each(lambda a, p: a + share * (p - a), state.average, p)
        later = float(lr / np.float64(1 + lambd * lr * step) ** alpha)
    return p, AsgdState(step, later, average)
