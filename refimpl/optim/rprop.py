"""Resilient backpropagation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["RpropState", "rprop_init", "rprop_update"]


class RpropState(NamedTuple):
    gradient: Any  # like the parameters: the last gradient; 0 where it had changed its sign
    step_size: Any  # like the parameters: how far each entry moves


def rprop_init(parameters: Any, lr: float = 1e-2) -> RpropState:
    """The state before the first update, in which every entry would move by lr."""
    op = "rprop_init"
    checked = _check.floating_structure(op, "parameters", parameters)
    (lr,) = _check.not_negative(op, lr=lr)
    return RpropState(_parts.zeros(checked), map_leaves(lambda p: np.full_like(p, lr), checked))


def rprop_update(
    parameters: Any,
    gradients: Any,
    state: RpropState,
    etas: tuple[float, float] = (0.5, 1.2),
    step_sizes: tuple[float, float] = (1e-6, 50.0),
    *,
    maximize: bool = False,
) -> tuple[Any, RpropState]:
    """One step against the sign of the gradient, longer where the sign stays and shorter where it changed.

    a = etas[1] where g has the sign of the last g, etas[0] where it has the other, else 1     (-g to maximize)
    d = a d between the two step_sizes                                     (from lr on)
    g = 0 where its sign changed
    p = p - d sign(g)

    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: the signs are compared, not the product of the gradients, which is 0 where both are tiny.
    Source: torch.optim.Rprop; Riedmiller and Braun 1993.
    Derived: derivations/rprop.md.
    """
    op = "rprop_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    shrink, grow = _check.several(op, "etas", etas, 2)
    shrink = _validate.number(op, "etas[0]", shrink, above=0, below=1)
    grow = _validate.number(op, "etas[1]", grow, above=1)
    shortest, longest = _check.several(op, "step_sizes", step_sizes, 2)
    shortest = _validate.number(op, "step_sizes[0]", shortest, at_least=0)
    longest = _validate.number(op, "step_sizes[1]", longest, at_least=shortest)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, RpropState, parameters, "gradient", "step_size")

    def scaled(d: Array, agreement: Array) -> Array:
        factor = np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
        return np.clip(np.where(np.isnan(agreement), agreement, d * factor), shortest, longest)

    with np.errstate(all="ignore"):
        g = _parts.descent(parameters, gradients, maximize=maximize)
        agreement = map_leaves(lambda g, last: np.sign(g) * np.sign(last), g, state.gradient)
        size = _parts.each(scaled, state.step_size, agreement)
        # After an overshoot the entry stays where it is, and its next gradient has nothing to disagree with.
        g = _parts.each(lambda last, g, a: np.where(a < 0, 0, g), state.gradient, g, agreement)
        p = _parts.each(lambda p, g, d: p - np.sign(g) * d, parameters, g, size)
    return p, RpropState(g, size)
