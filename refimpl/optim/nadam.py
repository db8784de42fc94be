"""Adam with Nesterov's look-ahead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._validate import Array
from . import _check, _parts

__all__ = ["NadamState", "nadam_init", "nadam_update"]


class NadamState(NamedTuple):
    step: int  # updates made so far
    momentum_product: float  # of the momenta of all of them
    mean: Any  # like the parameters: the running mean of the gradients
    square: Any  # like the parameters: the running mean of their squares


def nadam_init(parameters: Any) -> NadamState:
    """The state before the first update."""
    checked = _check.floating_structure("nadam_init", "parameters", parameters)
    return NadamState(0, 1.0, _parts.zeros(checked), _parts.zeros(checked))


def nadam_update(
    parameters: Any,
    gradients: Any,
    state: NadamState,
    lr: float = 2e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 4e-3,
    decoupled_weight_decay: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, NadamState]:
    """A step of Adam that takes the mean gradient as it will be one step on.

    g = g + weight_decay p                       (-g instead of g to maximize; decoupled: p = p - lr weight_decay p)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) g^2
    mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),    M_t = mu_1 mu_2 .. mu_t
    p = p - lr ((1 - mu_t) g / (1 - M_t) + mu_(t+1) m / (1 - M_(t+1))) / (sqrt(s / (1 - beta2^t)) + eps)

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.NAdam; Dozat 2016.
    Derived: derivations/nadam.md.
    """
    op = "nadam_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps, weight_decay, momentum_decay = _check.not_negative(
        op, lr=lr, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay
    )
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, decoupled_weight_decay=decoupled_weight_decay, maximize=maximize)
    state = _check.state_of(op, state, NadamState, parameters, "mean", "square")

    def momentum(step: int) -> float:
        return beta1 * (1 - 0.5 * 0.96 ** (step * momentum_decay))

    step = state.step + 1
    now, ahead = momentum(step), momentum(step + 1)
    product = state.momentum_product * now

    def moved(p: Array, g: Array, m: Array, s: Array) -> Array:
        scale = np.sqrt(s / (1 - beta2**step)) + eps
        return p - lr * (1 - now) / (1 - product) * (g / scale) - lr * ahead / (1 - product * ahead) * (m / scale)

    with np.errstate(all="ignore"):  # eps = 0 and no gradient yet is 0 / 0, as in PyTorch
        p, g = _parts.decayed(
            parameters, gradients, lr, weight_decay, decoupled=decoupled_weight_decay, maximize=maximize
        )
        mean = _parts.running_mean(beta1, state.mean, g)
        square = _parts.running_mean(beta2, state.square, _parts.squares(g))
        p = _parts.each(moved, p, g, mean, square)
    return p, NadamState(step, product, mean, square)
