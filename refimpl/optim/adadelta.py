"""Adadelta."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from . import _check, _parts

__all__ = ["AdadeltaState", "adadelta_init", "adadelta_update"]


class AdadeltaState(NamedTuple):
    square: Any  # like the parameters: the running mean of the squared gradients
    square_delta: Any  # like the parameters: the running mean of the squared steps, each before lr


def adadelta_init(parameters: Any) -> AdadeltaState:
    """The state before the first update."""
    checked = _check.floating_structure("adadelta_init", "parameters", parameters)
    return AdadeltaState(_parts.zeros(checked), _parts.zeros(checked))


def adadelta_update(
    parameters: Any,
    gradients: Any,
    state: AdadeltaState,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, AdadeltaState]:
    """One step against the gradient, in units of the parameter: the size of recent steps over that of gradients.

    g = g + weight_decay p                       (-g instead of g to maximize)
    s = rho s + (1 - rho) g^2
    d = sqrt(u + eps) / sqrt(s + eps) g
    u = rho u + (1 - rho) d^2
    p = p - lr d

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.Adadelta; Zeiler 2012.
    Derived: derivations/adadelta.md.
    """
    op = "adadelta_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    rho = _validate.number(op, "rho", rho, at_least=0, at_most=1)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, AdadeltaState, parameters, "square", "square_delta")

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        square = _parts.running_mean(rho, state.square, _parts.squares(g))
        delta = map_leaves(lambda s, u, g: np.sqrt(u + eps) / np.sqrt(s + eps) * g, square, state.square_delta, g)
        square_delta = _parts.running_mean(rho, state.square_delta, _parts.squares(delta))
        p = _parts.each(lambda p, d: p - lr * d, parameters, delta)
    return p, AdadeltaState(square, square_delta)
