"""A row of the table of optimisers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

SHAPES = {"weight": (3, 4), "bias": (4,), "scale": ()}


class Optimiser(NamedTuple):
    init: Callable[..., Any]
    update: Callable[..., Any]
    runs: dict[str, dict[str, Any]]  # options by the run's name
    torch: str | None = None  # the class of torch.optim; None where PyTorch has no such optimiser
    shapes: dict[str, tuple[int, ...]] = SHAPES  # of the parameters that it is run on
    at_init: tuple[str, ...] = ()  # options that init takes; update takes the others
    sparse: bool = False  # in each step some entries have no gradient
    by_closure: bool = False  # update takes a closure in the place of the gradients
    kept: tuple[tuple[str, str], ...] = ()  # fields of the state that PyTorch keeps too, each with its name for it
