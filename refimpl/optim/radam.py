"""Adam with a rectified adaptive learning rate."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["RadamState", "radam_init", "radam_update"]


class RadamState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    square: Any  # like the parameters: the running mean of their squares


def radam_init(parameters: Any) -> RadamState:
    """The state before the first update."""
    checked = _check.floating_structure("radam_init", "parameters", parameters)
    return RadamState(0, _parts.zeros(checked), _parts.zeros(checked))


def radam_update(
    parameters: Any,
    gradients: Any,
    state: RadamState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, RadamState]:
    """A step of Adam, shortened while the mean square is a mean of few, and at first along the mean gradient alone.

    g = g + weight_decay p                       (-g instead of g to maximize; decoupled: p = p - lr weight_decay p)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) g^2
    R = 2 / (1 - beta2) - 1,    rho = R - 2 t beta2^t / (1 - beta2^t)
    r = sqrt((rho - 4) (rho - 2) R / ((R - 4) (R - 2) rho))
    p = p - lr m / (1 - beta1^t) r sqrt(1 - beta2^t) / (sqrt(s) + eps)      where rho > 5
    p = p - lr m / (1 - beta1^t)                                            elsewhere

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.RAdam; Liu et al. 2020.
    Derived: derivations/radam.md.
    """
    op = "radam_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, decoupled_weight_decay=decoupled_weight_decay, maximize=maximize)
    state = _check.state_of(op, state, RadamState, parameters, "mean", "square")

    step = state.step + 1
    rate = lr / (1 - beta1**step)
    rectification = _rectification(beta2, step)

    def moved(p: Array, m: Array, s: Array) -> Array:
        if rectification is None:
            return p - rate * m
        return p - rate * rectification * math.sqrt(1 - beta2**step) * (m / (np.sqrt(s) + eps))

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        p, g = _parts.decayed(
            parameters, gradients, lr, weight_decay, decoupled=decoupled_weight_decay, maximize=maximize
        )
        mean = _parts.running_mean(beta1, state.mean, g)
        square = _parts.running_mean(beta2, state.square, _parts.squares(g))
        p = _parts.each(moved, p, mean, square)
    return p, RadamState(step, mean, square)


def _rectification(beta2: float, step: int) -> float | None:
    """r of the formula; None where the mean square is a mean of too few."""
    most = 2 / (1 - beta2) - 1
    count = most - 2 * step * beta2**step / (1 - beta2**step)
    if count <= 5:
        return None
    return math.sqrt((count - 4) * (count - 2) * most / ((most - 4) * (most - 2) * count))
