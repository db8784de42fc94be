"""Adam on those entries alone that have a gradient."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .._structure import map_leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["SparseAdamState", "sparse_adam_init", "sparse_adam_update"]


class SparseAdamState(NamedTuple):
    step: int  # updates made so far, also those that left an entry alone
    mean: Any  # like the parameters: the running mean of the gradients other than 0
    square: Any  # like the parameters: the running mean of their squares


def sparse_adam_init(parameters: Any) -> SparseAdamState:
    """The state before the first update."""
    checked = _check.floating_structure("sparse_adam_init", "parameters", parameters)
    return SparseAdamState(0, _parts.zeros(checked), _parts.zeros(checked))


def sparse_adam_update(
    parameters: Any,
    gradients: Any,
    state: SparseAdamState,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    *,
    maximize: bool = False,
) -> tuple[Any, SparseAdamState]:
    """A step of Adam for the entries whose gradient is not 0; the others and their means stay as they are.

    Where g is not 0                             (-g instead of g to maximize)
    m = beta1 m + (1 - beta1) g
    s = beta2 s + (1 - beta2) g^2
    p = p - lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(s) + eps)

    The gradients are dense arrays here. PyTorch's are sparse tensors: an entry that is stored there counts as one
    with a gradient even if it is 0, as in an embedding's row that was looked up.

    Raises: ValueError where the structures differ or an option is out of range.
    Extremes: PyTorch refuses lr = 0 and eps = 0; here they are as good as anywhere.
    Source: torch.optim.SparseAdam.
    Derived: derivations/sparse_adam.md.
    """
    op = "sparse_adam_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, eps = _check.not_negative(op, lr=lr, eps=eps)
    beta1, beta2 = _check.fractions(op, "betas", betas, 2)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, SparseAdamState, parameters, "mean", "square")

    step = state.step + 1
    rate = lr * math.sqrt(1 - beta2**step) / (1 - beta1**step)

    def chosen(new: Any, old: Any) -> Any:
        return map_leaves(np.where, used, new, old)

    def moved(p: Array, m: Array, s: Array) -> Array:
        return p - rate * (m / (np.sqrt(s) + eps))

    with np.errstate(all="ignore"):  # what is not chosen may be 0 / 0
        g = _parts.descent(parameters, gradients, maximize=maximize)
        used = map_leaves(lambda g: g != 0, g)
        mean = chosen(_parts.running_mean(beta1, state.mean, g), state.mean)
        square = chosen(_parts.running_mean(beta2, state.square, _parts.squares(g)), state.square)
        p = chosen(_parts.each(moved, parameters, mean, square), parameters)
    return p, SparseAdamState(step, mean, square)
