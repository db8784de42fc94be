"""One function after another, called on the reference's inputs and held against it, here and not in its own process."""

from __future__ import annotations

import copy
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .._structure import leaves
from ..cases import Case
from ..gradcheck import Diagnosis, GradientReport, gradcheck
from ..gradcheck.catalog_check import root
from ..gradcheck.pair import holds_floating
from ..gradcheck.report import INCONCLUSIVE, PASS
from ..gradcheck.styles import by_name
from ..userfile import fitted
from .compare import Found, compared, described
from .reference import LOSS, PAIR, Expected, Unit, is_empty, is_random, sendable
from .results import FORM, GRADIENT, VALUES, Flaw, FunctionGrade
from .student import Raised, Remote, Stopped, Student

Signatures = Mapping[str, inspect.Signature | None]
Places = dict[str, str]  # the parameters of the student's forward, and the reference's arguments that they take
FAILED = (Raised, TypeError, ValueError)  # what the checker says of a pair that cannot be judged, as well


class _Tally:
    """The checks of one function as they come in."""

    def __init__(self, name: str, aspects: tuple[str, ...]) -> None:
        self.name = name
        self.passed, self.made = dict.fromkeys(aspects, 0), dict.fromkeys(aspects, 0)
        self.flaws: list[Flaw] = []
        self.notes: list[str] = []
        self.stopped = ""
        self.broken: dict[str, str] = {}  # the cases at which it failed as a whole, and how
        self.started = time.perf_counter()

    def add(self, found: Found, case: str) -> None:
        """A check, and its flaw where it did not pass."""
        self.made[found.aspect] += 1
        self.passed[found.aspect] += not found.message
        if found.message:
            self.flaws.append(Flaw(found.aspect, case, found.argument, found.message, found.diagnosis))

    def fail(self, case: str, checks: int, message: str, *aspects: str) -> None:
        """All checks of some aspects at a case, by default of every aspect: one flaw for each."""
        for aspect in aspects or tuple(self.made):
            self.made[aspect] += checks
            self.flaws.append(Flaw(aspect, case, "", message))

    def grade(self, student: Student | None) -> FunctionGrade:
        made = {aspect: count for aspect, count in self.made.items() if count}
        return FunctionGrade(
            self.name, {aspect: self.passed[aspect] for aspect in made}, made, tuple(self.flaws), tuple(self.notes),
            self.stopped, student.printed() if student else "", time.perf_counter() - self.started,
        )  # fmt: skip


class Judge:
    """The functions of one unit, in a file."""

    def __init__(self, unit: Unit, student: Student, signatures: Signatures, strict: bool = False) -> None:
        self.unit, self.student, self.signatures, self.strict = unit, student, signatures, strict
        self.name = unit.functions[0]
        self.course = bool(unit.updated) or unit.outputs > 1

    def grades(self, names: tuple[str, ...]) -> Iterator[FunctionGrade]:
        """The grades of some of the unit's functions, in its order."""
        first = _Tally(self.name, (VALUES, FORM, GRADIENT) if self.unit.kind == LOSS else (VALUES, FORM))
        unusable = self._unusable(self.name)
        if unusable:
            first.fail("", 1, unusable)
        else:
            self._run(first, self._forward_case)
        if self.name in names:
            yield first.grade(None if unusable else self.student)
        for backward in self.unit.backwards:
            if backward.__name__ in names:
                yield self._backward(backward, first, unusable)

    def _backward(self, backward: Callable[..., Any], first: _Tally, unusable: str) -> FunctionGrade:
        tally = _Tally(backward.__name__, (VALUES, FORM, GRADIENT))
        unusable = self._unusable(backward.__name__) or unusable
        if unusable:
            tally.fail("", 1, unusable)
            return tally.grade(None)

        def judge(tally: _Tally, case: Case, places: Places) -> None:
            self._backward_case(tally, case, places, backward, first.broken.get(case.name, ""))

        self._run(tally, judge)
        return tally.grade(self.student)

    def _unusable(self, name: str) -> str:
        """Why a function cannot be called at all; "" where it can."""
        if name not in self.signatures:
            return f"there is no function {name} in the file"
        if self.signatures[name] is None:
            return f"{name} has no signature that Python can tell"
        return ""

    def _run(self, tally: _Tally, judge: Callable[[_Tally, Case, Places], None]) -> None:
        """All cases that the file's forward can take, in the time for one function."""
        forward = self._remote(self.name)
        fitting, left = [], 0
        for case in self.unit.cases:
            if is_empty(case) and not self.strict:
                continue
            places = fitted(forward, self.unit.forward, case.arguments) if sendable(case) else None
            if places is not None:
                fitting.append((case, places))
            elif self.strict and sendable(case):
                tally.fail(case.name, 1, "it does not take the arguments of this case")
            else:
                left += 1
        if left:
            tally.notes.append(f"{left} of the {len(self.unit.cases)} cases have arguments that it does not take")
        if not fitting:
            tally.fail("", 1, "its arguments fit none of the cases")
            return
        try:
            self.student.begin()
        except (Raised, Stopped) as error:
            tally.stopped = f"loading the file anew: {error}"
        for case, places in fitting:
            if tally.stopped:
                tally.broken[case.name] = tally.stopped
            judge(tally, case, places)

    def _remote(self, name: str, keep: bool = False) -> Remote:
        signature = self.signatures[name]
        assert signature is not None
        return Remote(self.student, name, signature, keep, self.course)

    def _forward_case(self, tally: _Tally, case: Case, places: Places) -> None:
        unit = self.unit
        expected = unit.expected(case)
        right = described(unit, expected.outputs, expected.updated)
        count = len(list(leaves(right)))
        if case.name in tally.broken:
            tally.fail(case.name, count, f"not run: {tally.broken[case.name]}")
            return
        arguments = copy.deepcopy({place: case.arguments[name] for place, name in places.items()})
        function = self._remote(self.name, unit.kind == PAIR)
        function.course = False  # what it updates is wanted
        try:
            returned = function(**arguments)
            output = returned[0] if unit.kind == PAIR else returned
            updated = {name: arguments[place] for place, name in places.items() if name in expected.updated}
            found = described(unit, output, updated)
        except (*FAILED, Stopped) as error:
            self._note(tally, case, error)
            tally.fail(case.name, count, str(error))
            return
        given = {name: arguments[place] for place, name in places.items()}
        kept = () if unit.writes else [name for name in given if name != unit.updated]
        written = ", ".join(name for name in kept if _differ(given[name], case.arguments[name]))
        for check in compared(right, found, {"arguments": case.arguments}, values=not is_random(case)):
            if written and check.aspect == FORM and not check.message:
                check = replace(check, message=f"writes to its argument {written}")
            tally.add(check, case.name)
        if unit.kind == LOSS:
            self._loss_gradient(tally, case, places)

    def _loss_gradient(self, tally: _Tally, case: Case, places: Places) -> None:
        """A loss returns its gradient beside it: it is the forward of a pair whose cache is the gradient."""
        function = self._remote(self.name)
        (name,) = self.unit.differentiable
        place = next(place for place, taken in places.items() if taken == name)

        def backward(grad_output: Any, gradient: Any) -> dict[str, Any]:
            return {place: grad_output * np.asarray(gradient)}

        wrong = any(flaw.case == case.name and flaw.argument == f"d{name}" for flaw in tally.flaws)
        self._gradients(tally, case, places, function, backward, set() if wrong else {name}, {name: 1})

    def _backward_case(
        self, tally: _Tally, case: Case, places: Places, backward: Callable[..., Any], broken: str
    ) -> None:
        if not self.unit.has_backward(case):
            return
        expected = self.unit.expected(case, backward)
        wanted = expected.gradients or {}
        counts = {name: len(list(leaves(gradient))) for name, gradient in wanted.items()}
        if not counts:
            return
        total = sum(counts[name] for name in counts if name not in self.unit.spared) or 1
        why = f"forward at this case: {broken}" if broken else tally.broken.get(case.name, "")
        if why:
            tally.fail(case.name, total, why)
            return
        forward, function = self._remote(self.name, keep=True), self._remote(backward.__name__)
        arguments = copy.deepcopy({place: case.arguments[name] for place, name in places.items()})
        right: set[str] = set()
        try:
            output, cache = forward(**arguments)
            grad_output = expected.grad_output
            if not self._same_form(output, expected.outputs):
                tally.fail(case.name, total, "forward's output has another form than the reference's", VALUES, FORM)
            else:
                returned = function(copy.deepcopy(grad_output), cache)
                named = _named(backward.__name__, returned, forward, arguments, places)
                right = self._against_reference(tally, case, expected, named)
        except (*FAILED, Stopped) as error:
            self._note(tally, case, error)
            tally.fail(case.name, total, _words(error), *(() if tally.stopped else (VALUES, FORM)))
        if not case.departs and not tally.stopped:
            self._gradients(tally, case, places, forward, function, right, counts)

    def _same_form(self, output: Any, expected: Any) -> bool:
        forms = [[(path, np.shape(leaf)) for path, leaf in leaves(value)] for value in (output, expected)]
        return forms[0] == forms[1]

    def _against_reference(self, tally: _Tally, case: Case, expected: Expected, named: Mapping[str, Any]) -> set[str]:
        """Which of the gradients are the reference's."""
        right = set()
        facts = {
            "arguments": case.arguments,
            "outputs": {"output": expected.outputs},
            "grad_outputs": {"grad_output": expected.grad_output},
        }
        for name, gradient in (expected.gradients or {}).items():
            if name not in named:
                if name not in self.unit.spared:
                    message = f"gives no gradient of {name}"
                    tally.fail(case.name, len(list(leaves(gradient))), message, VALUES, FORM)
                continue
            numbers = not case.at_kink and not is_random(case)
            checks = list(compared({name: gradient}, {name: named[name]}, facts, numbers, gradient=True))
            for check in checks:
                tally.add(check, case.name)
            if numbers and not any(check.message for check in checks):
                right.add(name)
        return right

    def _gradients(
        self, tally: _Tally, case: Case, places: Places, forward: Callable[..., Any], backward: Callable[..., Any],
        right: set[str], counts: Mapping[str, int],
    ) -> None:  # fmt: skip
        """The gradients against finite differences of the file's forward.

        right: those known to be the reference's; they pass where the finite differences cannot tell.
        """
        total = sum(count for name, count in counts.items() if name not in self.unit.spared) or 1
        bound = inspect.signature(forward).bind(
            **copy.deepcopy({place: case.arguments[name] for place, name in places.items()})
        )
        elementwise = self.unit.elementwise and not any(
            flaw.case == case.name and flaw.aspect == VALUES for flaw in tally.flaws
        )
        try:
            report = gradcheck(
                forward, backward, *bound.args, at_kink=case.at_kink, elementwise=elementwise, **bound.kwargs
            )
        except (*FAILED, Stopped) as error:
            self._note(tally, case, error)
            tally.fail(case.name, total, _words(error), GRADIENT)
            return
        broken = [
            (problem, diagnosis)
            for problem, diagnosis in zip(report.problems, report.broken, strict=True)
            if not problem.startswith("forward writes")  # that is the forward's
        ]
        if broken:
            tally.made[GRADIENT] += total
            tally.flaws += [Flaw(GRADIENT, case.name, "", problem, diagnosis) for problem, diagnosis in broken]
            return
        self._reported(tally, case, places, report, right, counts)

    def _reported(
        self, tally: _Tally, case: Case, places: Places, report: GradientReport, right: set[str],
        counts: Mapping[str, int],
    ) -> None:  # fmt: skip
        seen = set()
        for entry in report.arguments:
            place = root(entry.name)
            name = places.get(place, "")
            if name not in counts:
                continue
            seen.add(name)
            path = name + entry.name[len(place) :]
            if entry.verdict == PASS or (entry.verdict == INCONCLUSIVE and name in right):
                tally.add(Found(GRADIENT, path), case.name)
                continue
            worst = next((element for element in entry.worst if element.verdict != PASS), None)
            text = f"{path}{worst}" if worst else f"{path} differs by {entry.difference:.1e}"
            message = f"{path} has a gradient of {entry.note}" if entry.method == "shape" else text
            tally.add(Found(GRADIENT, path, message, _renamed(entry.diagnosis, path)), case.name)
        for name in counts:
            if name not in seen and name not in self.unit.spared:
                tally.fail(case.name, counts[name], f"gives no gradient of {name}", GRADIENT)

    def _note(self, tally: _Tally, case: Case, error: Exception) -> None:
        tally.broken[case.name] = _words(error)
        if isinstance(error, Stopped):
            tally.stopped = str(error)


def _named(name: str, returned: Any, forward: Remote, arguments: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """The gradients by the names of the reference's arguments."""
    bound = forward.__signature__.bind(**arguments)
    floating = [place for place in bound.arguments if place in places and holds_floating(arguments[place])]
    if not floating:
        return {}
    found = by_name(name, returned, bound, floating)
    return {places.get(key, key): gradient for key, gradient in found.items()}


def _words(error: Exception) -> str:
    return " ".join(str(error).removeprefix("gradcheck: ").split())


def _renamed(diagnosis: Diagnosis | None, path: str) -> Diagnosis | None:
    return None if diagnosis is None else replace(diagnosis, argument=path)


def _differ(value: Any, original: Any) -> bool:
    """Whether an array in it is not, bit for bit, what it was."""
    others = dict(leaves(original))
    return any(
        isinstance(leaf, np.ndarray) and isinstance(others.get(path), np.ndarray)
        and leaf.tobytes() != others[path].tobytes()
        for path, leaf in leaves(value)
    )  # fmt: skip
