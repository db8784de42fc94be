"""Adam's step, as long as the parameters that it changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["LambState", "lamb_init", "lamb_update"]


class LambState(NamedTuple):
    step: int  # updates made so far
    mean: Any  # like the parameters: the running mean of the gradients
    square: Any  # like the parameters: the running mean of their squares


def lamb_init(parameters: Any) -> LambState:
    """The state before the first update."""
    checked = _check.floating_structure("lamb_init", "parameters", parameters)
    return LambState(0, _parts.zeros(checked), _parts.zeros(checked))


def lamb_update(
    parameters: Any,
    gradients: Any,
    state: LambState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-6,
    weight_decay: float = 1e-2,
    *,
    maximize: bool = False,
) -> tuple[Any, LambState]:
    """A step along Adam's direction, for every array lr times as long as the array itself.

    m = beta1 m + (1 - beta1) g                  (-g instead of g to maximize)
    s = beta2 s + (1 - beta2) g^2
    r = m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps) + weight_decay p
    p = p - lr norm(p) / norm(r) r               (norm(p) / norm(r) is 1 where either is 0)

    Shapes: each array of the parameters is what the paper calls a layer.
    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: the norms are scaled by their largest entry: they overflow only where they are too large themselves.
    Source: You et al. 2020, Large batch optimization for deep learning, algorithm 2. PyTorch has no such optimiser.
    Derived: derivations/lamb.md.
    """
    op = "lamb_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay = _check.not_negative(op, lr=lr, eps=eps, weight_decay=weight_decay)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, LambState, parameters, "mean", "square")

    step = state.step + 1

    def moved(p: Array, m: Array, s: Array) -> Array:
        scale = np.sqrt(s / (1 - beta2**step)) + eps
        r = np.asarray(m / (1 - beta1**step) / scale + weight_decay * p)
        return p - lr * _trust(p, r) * r

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as for Adam
        g = _parts.descent(parameters, gradients, maximize=maximize)
        mean = _parts.running_mean(beta1, state.mean, g)
        square = _parts.running_mean(beta2, state.square, _parts.squares(g))
        return _parts.each(moved, parameters, mean, square), LambState(step, mean, square)


def _trust(parameter: Array, step: Array) -> float:
    """What makes the step as long as the parameter."""
    size, length = _parts.norm(parameter), _parts.norm(step)
    return size / length if size != 0 and length != 0 else 1.0
