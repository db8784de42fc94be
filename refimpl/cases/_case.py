"""What a sample is, and how its inputs are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._validate import Array, IntArray


@dataclass(frozen=True)
class Case:
    """Inputs that an op must be right on; the name says what they would break."""

    name: str
    arguments: dict[str, Any]
    at_kink: bool = False  # the inputs lie on a declared kink: a gradient between the one-sided slopes is right
    departs: str = ""  # why backward is on purpose not the derivative here; PyTorch's value is the witness instead


@dataclass(frozen=True)
class Refusal:
    """Inputs that forward must refuse, and the whole message."""

    name: str
    error: type[Exception]
    message: str
    arguments: dict[str, Any]


def case(name: str, /, *, at_kink: bool = False, departs: str = "", **arguments: Any) -> Case:
    return Case(name, arguments, at_kink, departs)


def refused(name: str, error: type[Exception], message: str, /, **arguments: Any) -> Refusal:
    return Refusal(name, error, message, arguments)


def refused_integers(op: str, argument: str, **others: Any) -> Refusal:
    """An array of integers where a floating one is due."""
    message = f"{op}_forward: {argument} must be a floating-point array (float16, float32, float64), got dtype int64"
    return Refusal(f"integer {argument}", TypeError, message, {argument: np.arange(3, dtype=np.int64), **others})


class Draw:
    """Seeded inputs of moderate size; each family draws from a seed of its own."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def normal(self, *shape: int) -> Array:
        return np.asarray(self.rng.standard_normal(shape))

    def uniform(self, low: float, high: float, *shape: int) -> Array:
        return np.asarray(self.rng.uniform(low, high, shape))

    def away_from_zero(self, *shape: int) -> Array:
        """Both signs, magnitudes from 0.1 to 2: no element near a kink at 0."""
        return np.asarray(self.rng.choice([-1.0, 1.0], shape) * self.rng.uniform(0.1, 2, shape))

    def distinct(self, *shape: int) -> Array:
        """No two elements closer than 0.1, in random order: no ties."""
        count = int(np.prod(shape))
        steps = self.rng.permutation(count) - count / 2 + self.rng.uniform(-0.25, 0.25, count)
        return np.asarray(0.2 * steps).reshape(shape)

    def labels(self, classes: int, *shape: int) -> IntArray:
        return np.asarray(self.rng.integers(0, classes, shape))

    def probabilities(self, *shape: int, axis: int = -1) -> Array:
        """Positive numbers that sum to 1 along the axis."""
        raw = self.rng.uniform(0.1, 1, shape)
        return np.asarray(raw / raw.sum(axis=axis, keepdims=True))
