"""The parts that optimisers are put together from, each over structures of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._structure import map_leaves


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


def shrunk(parameters: Any, rate: float) -> Any:
    """Decoupled weight decay: every parameter less `rate` times itself."""
    return each(lambda p: p - rate * p, parameters) if rate else parameters


def running_mean(beta: float, old: Any, new: Any) -> Any:
    """beta old + (1 - beta) new: a mean whose weights fall by beta with every step into the past."""
    return each(lambda m, x: beta * m + (1 - beta) * x, old, new)


def squares(structure: Any) -> Any:
    return map_leaves(np.square, structure)
