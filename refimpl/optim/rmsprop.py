"""RMSprop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from . import _check, _parts

__all__ = ["RmspropState", "rmsprop_init", "rmsprop_update"]


class RmspropState(NamedTuple):
    square: Any  # like the parameters: the running mean of the squared gradients; centered: of their deviations
    mean: Any  # like the parameters: the running mean of the gradients; 0 unless centered
    velocity: Any  # like the parameters; 0 without momentum


def rmsprop_init(parameters: Any) -> RmspropState:
    """The state before the first update."""
    checked = _check.floating_structure("rmsprop_init", "parameters", parameters)
    return RmspropState(*(_parts.zeros(checked) for _ in range(3)))


def rmsprop_update(
    parameters: Any,
    gradients: Any,
    state: RmspropState,
    lr: float = 1e-2,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    centered: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, RmspropState]:
    """One step against the gradient, divided by the root of its mean square.

    g = g + weight_decay p                       (-g instead of g to maximize)
    s = alpha s + (1 - alpha) g^2                (centered: alpha s + alpha (1 - alpha) (g - m)^2,
                                                  and then m = alpha m + (1 - alpha) g)
    v = momentum v + g / (sqrt(s) + eps)
    p = p - lr v

    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: the centered s is the mean square less the squared mean, without the difference, which would cancel
        where gradients hardly change: s is never negative and keeps its digits.
    Source: torch.optim.RMSprop; Tieleman and Hinton 2012; Graves 2013 for centered.
    Derived: derivations/rmsprop.md.
    """
    op = "rmsprop_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay, momentum = _check.not_negative(
        op, lr=lr, eps=eps, weight_decay=weight_decay, momentum=momentum
    )
    alpha = _validate.number(op, "alpha", alpha, at_least=0, at_most=1)
    _check.flags(op, centered=centered, maximize=maximize)
    state = _check.state_of(op, state, RmspropState, parameters, "square", "mean", "velocity")

    square, mean, velocity = state
    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        if centered:
            deviation = _parts.each(lambda g, m: g - m, g, mean)
            square = _parts.each(lambda s, d: alpha * s + alpha * (1 - alpha) * d * d, square, deviation)
            mean = _parts.running_mean(alpha, mean, g)
        else:
            square = _parts.running_mean(alpha, square, _parts.squares(g))
        step = _parts.each(lambda s, g: g / (np.sqrt(s) + eps), square, g)
        if momentum:
            step = velocity = _parts.each(lambda v, d: momentum * v + d, velocity, step)
        p = _parts.each(lambda p, d: p - lr * d, parameters, step)
    return p, RmspropState(square, mean, velocity)
