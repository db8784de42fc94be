"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from . import _check, _parts

__all__ = ["SgdState", "sgd_init", "sgd_update"]


class SgdState(NamedTuple):
    velocity: Any  # like the parameters; None before the first update with momentum


def sgd_init(parameters: Any) -> SgdState:
    """The state before the first update."""
    _check.floating_structure("sgd_init", "parameters", parameters)
    return SgdState(None)


def sgd_update(
    parameters: Any,
    gradients: Any,
    state: SgdState,
    lr: float = 1e-3,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, SgdState]:
    """One step against the gradient, with momentum.

    d = g + weight_decay p                       (-g instead of g to maximize)
    v = momentum v + (1 - dampening) d           (v = d the first time)
    p = p - lr (d + momentum v) with nesterov, else p - lr v

    Raises: ValueError where the structures differ, an option is out of range, or nesterov has no momentum or some
        dampening.
    Source: torch.optim.SGD; Polyak 1964; Sutskever et al. 2013.
    Derived: derivations/sgd.md.
    """
    op = "sgd_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, momentum, weight_decay = _check.not_negative(op, lr=lr, momentum=momentum, weight_decay=weight_decay)
    dampening = _validate.number(op, "dampening", dampening)
    _check.flags(op, nesterov=nesterov, maximize=maximize)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"{op}: nesterov must have a momentum above 0 and a dampening of 0, "
            f"got momentum {momentum:g} and dampening {dampening:g}"
        )
    state = _check.state_of(op, state, SgdState, parameters)
    if state.velocity is not None:
        _check.same_form(op, "state.velocity", state.velocity, "parameters", parameters)

    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        d = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        if momentum == 0:
            return _parts.each(lambda p, d: p - lr * d, parameters, d), state
        if state.velocity is None:
            v = _parts.each(lambda p, d: d.copy(), parameters, d)
        else:
            v = _parts.each(lambda v, d: momentum * v + (1 - dampening) * d, state.velocity, d)
        step = map_leaves(lambda d, v: d + momentum * v, d, v) if nesterov else v
        return _parts.each(lambda p, s: p - lr * s, parameters, step), SgdState(v)
