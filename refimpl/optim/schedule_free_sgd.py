"""Schedule-free stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from . import _check, _parts

__all__ = ["ScheduleFreeSgdState", "schedule_free_sgd_init", "schedule_free_sgd_update"]


class ScheduleFreeSgdState(NamedTuple):
    step: int  # updates made so far
    base: Any  # like the parameters: z, where plain descent has come to
    average: Any  # like the parameters: x, the mean of all z, which is what to evaluate
    weight_sum: float  # of the weights in that mean
    largest_lr: float  # so far, warmup included


def schedule_free_sgd_init(parameters: Any) -> ScheduleFreeSgdState:
    """The state before the first update."""
    checked = _check.floating_structure("schedule_free_sgd_init", "parameters", parameters)
    return ScheduleFreeSgdState(0, map_leaves(np.copy, checked), map_leaves(np.copy, checked), 0.0, 0.0)


def schedule_free_sgd_update(
    parameters: Any,
    gradients: Any,
    state: ScheduleFreeSgdState,
    lr: float = 1.0,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    warmup_steps: int = 0,
    r: float = 0.0,
    weight_lr_power: float = 2.0,
    *,
    maximize: bool = False,
) -> tuple[Any, ScheduleFreeSgdState]:
    """One step of plain descent, the mean of the points it comes to, and a point between the two for the next gradient.

    g = g + weight_decay y                       (-g instead of g to maximize)
    z = z - lr min(1, t / warmup_steps) g
    x = (1 - c) x + c z                          c = w_t / (w_1 + ... + w_t), w_t = t^r (largest lr)^weight_lr_power
    y = (1 - momentum) z + momentum x

    The parameters given and returned are y, where the gradient is due; state.average is x, which is evaluated and kept.

    Raises: ValueError where the structures differ or an option is out of range.
    Source: Defazio et al. 2024, and for the options its authors' package schedulefree.
    Derived: derivations/schedule_free_sgd.md.
    """
    op = "schedule_free_sgd_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, weight_decay, r, power = _check.not_negative(
        op, lr=lr, weight_decay=weight_decay, r=r, weight_lr_power=weight_lr_power
    )
    momentum = _validate.number(op, "momentum", momentum, at_least=0, at_most=1)
    warmup_steps = _check.whole(op, "warmup_steps", warmup_steps, 0)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, ScheduleFreeSgdState, parameters, "base", "average")

    step = state.step + 1
    rate = lr * min(1.0, step / warmup_steps) if warmup_steps else lr
    largest = max(rate, state.largest_lr)
    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        weight = float(np.float64(step) ** r * np.float64(largest) ** power)
        total = state.weight_sum + weight
        share = weight / total if total else 0.0  # while every lr has been 0 nothing has moved
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        z = _parts.each(lambda z, g: z - rate * g, state.base, g)
        x = _parts.each(lambda x, z: (1 - share) * x + share * z, state.average, z)
        y = _parts.each(lambda x, z: momentum * x + (1 - momentum) * z, x, z)
    return y, ScheduleFreeSgdState(step, z, x, total, largest)
