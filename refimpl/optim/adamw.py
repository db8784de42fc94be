"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from . import adam
from .adam import AdamState

__all__ = ["adamw_init", "adamw_update"]


def adamw_init(parameters: Any) -> AdamState:
    """The state before the first update."""
    return adam.initial_state("adamw_init", parameters)


def adamw_update(
    parameters: Any,
    gradients: Any,
    state: AdamState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 1e-2,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
) -> tuple[Any, AdamState]:
    """A step of Adam, from parameters that have shrunk by a part of themselves.

    g                                            (-g instead of g to maximize)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) g^2
    p = p - lr weight_decay p
    p = p - lr m / (1 - beta1^t) / (sqrt(s / (1 - beta2^t)) + eps)      (amsgrad: the largest s so far)

    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.AdamW; Loshchilov and Hutter 2019.
    Derived: derivations/adamw.md.
    """
    return adam.update(
        "adamw_update", parameters, gradients, state, lr, betas, eps, weight_decay, amsgrad, maximize, True
    )
