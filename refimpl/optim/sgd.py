"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from .._validate import Array
from . import _check

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
    lr = _validate.number(op, "lr", lr, at_least=0)
    momentum = _validate.number(op, "momentum", momentum, at_least=0)
    dampening = _validate.number(op, "dampening", dampening)
    weight_decay = _validate.number(op, "weight_decay", weight_decay, at_least=0)
    if nesterov and (momentum == 0 or dampening != 0):
        raise ValueError(
            f"{op}: nesterov must have a momentum above 0 and a dampening of 0, "
            f"got momentum {momentum:g} and dampening {dampening:g}"
        )
    _validate.is_state(op, state, SgdState)
    if state.velocity is not None:
        _check.same_form(op, "state.velocity", state.velocity, "parameters", parameters)

    def descent(p: Array, g: Array) -> Array:
        d = -g if maximize else g
        return d + weight_decay * p if weight_decay else d

    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        d = map_leaves(descent, parameters, gradients)
        if momentum == 0:
            return map_leaves(lambda p, d: _rounded(p - lr * d, p), parameters, d), state
        if state.velocity is None:
            v = map_leaves(lambda p, d: _rounded(d, p), parameters, d)
        else:
            v = map_leaves(lambda v, d: _rounded(momentum * v + (1 - dampening) * d, v), state.velocity, d)
        step = map_leaves(lambda d, v: d + momentum * v, d, v) if nesterov else v
        return map_leaves(lambda p, s: _rounded(p - lr * s, p), parameters, step), SgdState(v)


def _rounded(result: Any, parameter: Array) -> Array:
    """A new array in the parameter's dtype."""
    return np.array(result, dtype=parameter.dtype)
