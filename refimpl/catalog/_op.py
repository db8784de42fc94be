"""One row of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Op:
    """A pair and what is claimed of it. Every argument of forward stands in `differentiable` or in `constant`."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    differentiable: tuple[str, ...]
    constant: tuple[str, ...]
    derivation: str  # page and section below derivations/
    torch: str | None = None  # the PyTorch function that it is, by its dotted name
    kinks: str = ""  # where the forward has no derivative, in words; its cases there are marked at_kink
    departs: str = ""  # where backward is on purpose not the derivative of forward, as PyTorch has it
    elementwise: bool = False  # output has input's shape, and each of its elements depends on that element alone

    @property
    def family(self) -> str:
        """The file of mathematics, of cases and of derivation that this op stands in."""
        return self.derivation.partition(".md")[0]

    @property
    def kind(self) -> str:
        """The folder that the mathematics stands in: losses or layers."""
        return str(self.forward.__module__).split(".")[1]
