"""Layer-wise adaptive rate scaling."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["LarsState", "lars_init", "lars_update"]


class LarsState(NamedTuple):
    velocity: Any  # like the parameters


def lars_init(parameters: Any) -> LarsState:
    """The state before the first update."""
    return LarsState(_parts.zeros(_check.floating_structure("lars_init", "parameters", parameters)))


def lars_update(
    parameters: Any,
    gradients: Any,
    state: LarsState,
    lr: float = 2e-2,
    momentum: float = 0.9,
    weight_decay: float = 5e-4,
    trust_coefficient: float = 1e-3,
    *,
    maximize: bool = False,
) -> tuple[Any, LarsState]:
    """One step against the gradient with momentum, scaled array by array to the size of the parameter.

    r = trust_coefficient |p| / (|g| + weight_decay |p|)       (|.| is the norm of one array; -g to maximize)
    v = momentum v + lr r (g + weight_decay p)
    p = p - v

    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: r = 1 where |p| is 0, so that what starts at 0 leaves it, and where the denominator is 0.
    Source: You, Gitman and Ginsburg 2017.
    Derived: derivations/lars.md.
    """
    op = "lars_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, momentum, weight_decay, trust = _check.not_negative(
        op, lr=lr, momentum=momentum, weight_decay=weight_decay, trust_coefficient=trust_coefficient
    )
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, LarsState, parameters, "velocity")

    def accelerated(v: Array, d: Array, p: Array, g: Array) -> Array:
        size = _parts.norm(p)
        whole = _parts.norm(g) + weight_decay * size
        if size == 0 or whole == 0:
            return momentum * v + lr * d
        # d / whole is of length 1 at most, where size / whole may be beyond the range.
        return momentum * v + lr * trust * size * (d / np.float64(whole))

    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        d = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        v = _parts.each(accelerated, state.velocity, d, parameters, gradients)
        p = _parts.each(lambda p, v: p - v, parameters, v)
    return p, LarsState(v)
