"""Adagrad."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._structure import map_leaves
from . import _check, _parts

__all__ = ["AdagradState", "adagrad_init", "adagrad_update"]


class AdagradState(NamedTuple):
    step: int  # updates made so far
    square_sum: Any  # like the parameters: the sum of the squared gradients


def adagrad_init(parameters: Any, initial_accumulator_value: float = 0.0) -> AdagradState:
    """The state before the first update, whose sums begin with the value given."""
    op = "adagrad_init"
    checked = _check.floating_structure(op, "parameters", parameters)
    (initial,) = _check.not_negative(op, initial_accumulator_value=initial_accumulator_value)
    return AdagradState(0, map_leaves(lambda p: np.full_like(p, initial), checked))


def adagrad_update(
    parameters: Any,
    gradients: Any,
    state: AdagradState,
    lr: float = 1e-2,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
    *,
    maximize: bool = False,
) -> tuple[Any, AdagradState]:
    """One step against the gradient, divided by the root of the sum of all squared gradients so far.

    g = g + weight_decay p                       (-g instead of g to maximize)
    s = s + g^2                                  (from initial_accumulator_value on)
    p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.Adagrad; Duchi et al. 2011.
    Derived: derivations/adagrad.md.
    """
    op = "adagrad_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, lr_decay, weight_decay, eps = _check.not_negative(
        op, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps
    )
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, AdagradState, parameters, "square_sum")

    rate = lr / (1 + state.step * lr_decay)
    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = _parts.descent(parameters, gradients, weight_decay, maximize=maximize)
        total = _parts.each(lambda s, g: s + g * g, state.square_sum, g)
        p = _parts.each(lambda p, g, s: p - rate * (g / (np.sqrt(s) + eps)), parameters, g, total)
    return p, AdagradState(state.step + 1, total)
