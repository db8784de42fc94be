"""A grade: checks passed of checks made, aspect by aspect, and the points that they are worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..gradcheck.diagnosis import Diagnosis

VALUES, FORM, GRADIENT = "values", "form", "gradient"
ASPECTS = {
    VALUES: "what is returned equals what the reference returns",
    FORM: "shapes and dtypes are the reference's, and no argument is written to",
    GRADIENT: "the gradients are those of the file's own forward, by finite differences",
}
POINTS = {VALUES: 2.0, FORM: 1.0, GRADIENT: 2.0}


@dataclass(frozen=True)
class Flaw:
    """One check that did not pass."""

    aspect: str
    case: str
    argument: str  # the output or the argument that it concerns; "" where it concerns the whole call
    message: str
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True)
class FunctionGrade:
    """One function of the file."""

    name: str
    passed: Mapping[str, int]  # by aspect: the checks that passed
    made: Mapping[str, int]  # all of them; an aspect that does not apply has no entry
    flaws: tuple[Flaw, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: str = ""  # why its process was stopped, or how it ended
    printed: str = field(default="", compare=False)
    seconds: float = field(default=0.0, compare=False)

    @property
    def full(self) -> bool:
        return all(self.passed[aspect] == made for aspect, made in self.made.items())

    def points(self, aspect: str, weights: Mapping[str, float]) -> float:
        """An aspect's points, shared out evenly over its checks."""
        return weights[aspect] * self.passed[aspect] / self.made[aspect]

    def total(self, weights: Mapping[str, float]) -> float:
        return sum(self.points(aspect, weights) for aspect in self.made)

    def possible(self, weights: Mapping[str, float]) -> float:
        return sum(weights[aspect] for aspect in self.made)
