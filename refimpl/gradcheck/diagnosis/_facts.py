"""What a diagnosis is made from, and what it is: numbers in, a kind with its evidence out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._validate import Array

Mask = NDArray[np.bool_]

NOTICED = 1e-8  # of the largest entry: elements that differ by no more are right
LOOSE, EXACT = 1e-7, 1e-9  # of the largest entry: how well a supposed mistake must explain what backward returns
EXPLAINED = 1e-2  # of what is to be explained: what it may leave


class Fit(NamedTuple):
    """One kind of mistake that the numbers agree with."""

    kind: str
    message: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with one gradient, or with the pair, and the figures that say so."""

    argument: str  # the path of the array; "" where it concerns the whole pair
    kind: str  # a key of KINDS
    message: str  # in words
    evidence: dict[str, Any]
    also: tuple[Fit, ...] = ()  # other kinds that the numbers agree with, less specific ones


@dataclass(frozen=True)
class Facts:
    """All that is known of one gradient. Only the first three are needed; each of the others lets more be told."""

    name: str
    analytic: Array  # as backward has it, in whatever shape
    numeric: Array  # in the argument's shape; NaN where it is not known
    wrong: Mask | None = None  # the elements found wrong; by default those that differ by more than NOTICED
    kinks: Mapping[tuple[int, ...], tuple[float, float]] = field(default_factory=dict)  # wrong elements there: slopes
    arguments: Mapping[str, Any] = field(default_factory=dict)  # forward's, by path: arrays, numbers, the one itself
    outputs: Mapping[str, Array] = field(default_factory=dict)
    grad_outputs: Mapping[str, Array] = field(default_factory=dict)
    others: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)  # analytic and numeric of other gradients
    sampled: bool = False  # only some elements of a large array are known

    @property
    def shape(self) -> tuple[int, ...]:
        return self.numeric.shape

    @cached_property
    def right_shape(self) -> bool:
        return self.analytic.shape == self.numeric.shape

    @cached_property
    def known(self) -> Mask:
        """Where a derivative exists and both values are finite."""
        known = np.isfinite(self.numeric)
        for index in self.kinks:
            known[index] = False
        return known & np.isfinite(self.analytic) if self.right_shape else known

    @cached_property
    def size(self) -> float:
        """The largest entry of either."""
        both = np.abs(np.concatenate([self.analytic.reshape(-1), self.numeric.reshape(-1)]))
        return float(np.max(both, initial=0.0, where=np.isfinite(both)))

    @cached_property
    def bad(self) -> Mask:
        """The wrong elements, of a gradient of the right shape."""
        if self.wrong is not None:
            return self.wrong
        with np.errstate(invalid="ignore"):
            return np.isfinite(self.numeric) & ~(np.abs(self.analytic - self.numeric) <= NOTICED * self.size)

    @cached_property
    def matters(self) -> Mask:
        """Known elements that are not 0 on both sides: those say something."""
        return self.known & ((np.abs(self.analytic) > EXACT * self.size) | (np.abs(self.numeric) > EXACT * self.size))

    @cached_property
    def difference(self) -> Array:
        """analytic - numeric; NaN where it is not known."""
        with np.errstate(invalid="ignore"):
            return np.where(self.known, self.analytic - self.numeric, np.nan)

    @cached_property
    def tolerance(self) -> float:
        if not self.right_shape:
            return LOOSE * self.size
        apart = float(np.max(np.abs(self.difference), initial=0.0, where=self.known))
        return min(max(EXPLAINED * apart, EXACT * self.size), LOOSE * self.size)

    def same(self, a: Array, b: Array, where: Mask | None = None) -> bool:
        """Equal to the tolerance wherever both are finite (and `where`), which is somewhere."""
        if a.shape != b.shape:
            return False
        look = np.isfinite(a) & np.isfinite(b)
        if where is not None:
            look &= where
        return bool(look.any()) and bool((np.abs(a[look] - b[look]) <= self.tolerance).all())

    def arrays(self, kinds: str = "f") -> Iterator[tuple[str, NDArray[Any]]]:
        """The arguments that are arrays of these kinds of dtype, this gradient's own first."""
        names = sorted(self.arguments, key=lambda name: name != self.name)
        for name in names:
            value = self.arguments[name]
            if isinstance(value, np.ndarray) and value.dtype.kind in kinds:
                yield name, value

    def numbers(self) -> Iterator[tuple[str, float]]:
        """The options that are numbers: a temperature, a probability, eps."""
        for name, value in self.arguments.items():
            if isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, np.bool_)):
                yield name, float(value)

    def counted(self, mask: Mask) -> str:
        """In words: 3 of 20 elements."""
        if self.sampled:
            return f"{int(mask.sum())} of {int(np.isfinite(self.numeric).sum())} sampled elements"
        return f"{int(mask.sum())} of {self.numeric.size} elements"


def axes_of(ndim: int) -> Iterator[tuple[int, ...]]:
    """Every choice of axes, fewest first."""
    for count in range(1, ndim + 1):
        yield from combinations(range(ndim), count)


def in_words(axes: Sequence[int]) -> str:
    words = ", ".join(map(str, axes))
    return f"axis {words}" if len(axes) == 1 else f"axes {words}"


def at(name: str, index: Sequence[Any]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if len(index) else name


def aligned(value: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
    """`value` repeated to the shape: as NumPy does, or with its axes as the first ones (a number per row)."""
    if value.ndim > len(shape):
        return None
    for form in (value.shape, value.shape + (1,) * (len(shape) - value.ndim)):
        try:
            return np.broadcast_to(value.reshape(form), shape)
        except ValueError:
            continue
    return None
