"""What a file is graded against: units of functions that belong together, with what to call them with."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._structure import leaves
from ..cases import CASES, Case
from ..catalog import OPS, Op
from ..gradcheck.pair import is_floating, random_like
from ..gradcheck.styles import by_name

__all__ = ["AGAINST", "Expected", "Unit", "units"]

PAIR, LOSS, UPDATE = "pair", "loss", "update"  # what a unit is: a forward with its backwards, or one function
COURSES = {"cs231n": "refimpl.compat.cs231n"}
AGAINST = ("refimpl", *COURSES)
# The reference gives the gradients of a loss for these as well; of a student they are judged where they are given.
SPARED_OF_A_LOSS = ("target", "targets", "weight", "pos_weight", "margin")


@dataclass(frozen=True)
class Expected:
    """What the reference computes at one case. Gradients are by the names of the reference's arguments."""

    outputs: Any  # what it returns, without the cache
    updated: Mapping[str, Any]  # of an argument that it updates in place, the entries that changed
    grad_output: Any = None
    gradients: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Unit:
    """Functions that are graded together: each backward needs what its forward keeps."""

    name: str
    kind: str
    forward: Callable[..., Any]  # of a loss or an update the function itself
    backwards: tuple[Callable[..., Any], ...]
    cases: tuple[Case, ...]
    differentiable: tuple[str, ...]
    spared: tuple[str, ...] = ()  # arguments whose gradients may be left out
    outputs: int = 1  # that forward returns beside a cache, as entries of their own
    updated: str = ""  # the argument, a dict, that a call updates in place
    writes: bool = False  # an update rule may change its arrays in place
    elementwise: bool = False

    @property
    def functions(self) -> tuple[str, ...]:
        return (self.forward.__name__, *(backward.__name__ for backward in self.backwards))

    def has_backward(self, case: Case) -> bool:
        """Whether its backward is judged at a case: the course has none at test time where it keeps running means."""
        return not self.updated or case.arguments[self.updated].get("mode") != "test"

    def wanted(self, case: Case) -> tuple[str, ...]:
        """The arguments whose gradients the reference has at a case."""
        return tuple(
            name
            for name in self.differentiable
            if any(is_floating(leaf) for _, leaf in leaves(case.arguments.get(name)))
        )

    def expected(self, case: Case, backward: Callable[..., Any] | None = None) -> Expected:
        """The reference at a case, with the gradients that `backward` or the loss has for a random grad_output."""
        arguments = copy.deepcopy(case.arguments)
        returned = self.forward(**arguments)
        name = self.updated
        updated = {name: _changed(case.arguments[name], arguments[name])} if name and self.kind == PAIR else {}
        if self.kind != PAIR:
            return Expected(returned, updated)
        *outputs, cache = returned
        output = outputs[0] if self.outputs == 1 else tuple(outputs)
        if backward is None:
            return Expected(output, updated)
        grad_output = random_like(output, 0)
        gradients = backward(*(grad_output if self.outputs > 1 else (grad_output,)), cache)
        bound = inspect.signature(self.forward).bind(**arguments)
        named = by_name(backward.__name__, gradients, bound, self.wanted(case))
        return Expected(output, updated, grad_output, named)


def units(against: str) -> tuple[Unit, ...]:
    """All units of a reference, a key of AGAINST."""
    if against == "refimpl":
        return tuple(_of_catalog(op) for op in OPS.values())
    course = importlib.import_module(COURSES[against])
    return tuple(_of_course(course, name, course.FUNCTIONS[name]) for name in course.FUNCTIONS)


def _of_catalog(op: Op) -> Unit:
    spared = SPARED_OF_A_LOSS if op.kind == "losses" else ()
    return Unit(
        op.name, PAIR, op.forward, (op.backward,), tuple(CASES[op.name]), op.differentiable, spared,
        elementwise=op.elementwise,
    )  # fmt: skip


def _of_course(course: Any, name: str, row: Any) -> Unit:
    backwards = tuple(getattr(course, backward) for backward in row.backward)
    return Unit(
        name.removesuffix("_forward"), row.kind, getattr(course, name), backwards, row.samples, row.gradients,
        outputs=row.outputs, updated=row.updated, writes=row.kind == UPDATE,
    )  # fmt: skip


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The entries that are new, or not what they were."""
    return {key: value for key, value in after.items() if key not in before or not np.array_equal(value, before[key])}


def is_random(case: Case) -> bool:
    """Whether numbers are drawn: another function draws others, and only its form and its gradients can be judged."""
    return case.arguments.get("rng") is not None


def is_empty(case: Case) -> bool:
    """Whether an array in it has no elements."""
    return any(isinstance(leaf, np.ndarray) and not leaf.size for _, leaf in leaves(case.arguments))


def sendable(case: Case) -> bool:
    """Whether its arguments are plain data, which a function among them is not."""
    return not any(
        callable(leaf) and not (isinstance(leaf, type) and issubclass(leaf, np.generic))
        for _, leaf in leaves(case.arguments)
    )
