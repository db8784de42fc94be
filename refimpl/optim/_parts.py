"""The parts that optimisers are put together from, each over structures of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._norms import row_norm
from .._structure import map_leaves
from .._validate import Array


def each(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """function(leaf, *other leaves) at every leaf, rounded to the dtype of the first structure's leaf."""
    return map_leaves(lambda leaf, *rest: np.asarray(function(leaf, *rest), dtype=leaf.dtype), first, *others)


def zeros(parameters: Any) -> Any:
    """Arrays of zeros like the parameters."""
    return map_leaves(np.zeros_like, parameters)


def descent(parameters: Any, gradients: Any, weight_decay: float = 0.0, *, maximize: bool = False) -> Any:
    """What to step against: the gradient, its negative to maximize, plus that of weight_decay / 2 times the squares.

    Where neither is asked for it is the gradients themselves, not copies.
    """
    signed = map_leaves(np.negative, gradients) if maximize else gradients
    return map_leaves(lambda p, g: g + weight_decay * p, parameters, signed) if weight_decay else signed


def decayed(
    parameters: Any, gradients: Any, lr: float, weight_decay: float, *, decoupled: bool, maximize: bool
) -> tuple[Any, Any]:
    """The parameters to step from and what to step against: decay is decoupled, or a part of the gradient."""
    descending = descent(parameters, gradients, 0.0 if decoupled else weight_decay, maximize=maximize)
    return shrunk(parameters, lr * weight_decay if decoupled else 0.0), descending


def shrunk(parameters: Any, rate: float) -> Any:
    """Decoupled weight decay: every parameter less `rate` times itself."""
    return each(lambda p: p - rate * p, parameters) if rate else parameters


def running_mean(beta: float, old: Any, new: Any) -> Any:
    """beta old + (1 - beta) new: a mean whose weights fall by beta with every step into the past."""
    return each(lambda m, x: beta * m + (1 - beta) * x, old, new)


def squares(structure: Any) -> Any:
    return map_leaves(np.square, structure)


def norm(x: Array) -> float:
    """The Euclidean norm of all entries, over the whole range of the dtype."""
    return float(row_norm(x.astype(np.float64).reshape(-1), 2.0).norm()[0]) if x.size else 0.0


def root_mean_square(x: Array) -> float:
    return norm(x) / max(1, x.size) ** 0.5
