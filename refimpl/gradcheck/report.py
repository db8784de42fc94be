"""What a check found: verdicts, figures, and the elements behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._validate import Array
from .diagnosis import Diagnosis
from .diagnosis._facts import Mask

PASS, FAIL, INCONCLUSIVE = "pass", "fail", "inconclusive"


def says_it_all(raised: Any) -> bool:
    """Whether a failure is the checker's own word: pytest then leaves out the lines of each module of the checker that
    has this as its __tracebackhide__, and shows the test's line with the message.
    """
    return str(raised.value).startswith("gradcheck")


def worst_verdict(verdicts: list[str]) -> str:
    return next((verdict for verdict in (FAIL, INCONCLUSIVE) if verdict in verdicts), PASS)


def told(diagnosis: Diagnosis) -> list[str]:
    """A diagnosis in lines: what it is, and what the numbers agree with as well."""
    lines = [f"diagnosis: {diagnosis.kind}: {diagnosis.message}"]
    return lines + [f"also consistent with {fit.kind}: {fit.message}" for fit in diagnosis.also]


@dataclass(frozen=True)
class ElementReport:
    """One element of one gradient, as backward has it and as the finite differences have it."""

    index: tuple[int, ...]
    analytic: float
    numeric: float
    error: float  # SciPy's estimate of numeric's error; NaN where it gave none
    verdict: str
    note: str = ""
    slopes: tuple[float, float] | None = None  # to the left and to the right, where they differ: a kink

    def __str__(self) -> str:
        where = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        text = f"{where} analytic {self.analytic:.12g}, numeric {self.numeric:.12g} +- {self.error:.1g}"
        return f"{text} ({self.note})" if self.note else text


@dataclass(frozen=True)
class ArgumentReport:
    """The gradient of one argument (or of one array in an argument that is a structure)."""

    name: str
    shape: tuple[int, ...]
    verdict: str
    difference: float  # largest |analytic - numeric| over the largest entry of the gradient
    worst: tuple[ElementReport, ...]  # the elements furthest apart, worst first; none where all agree clearly
    method: str  # "every element", "directions" for a large array, or "shape" where that is wrong
    note: str = ""
    diagnosis: Diagnosis | None = None  # what is wrong with it, where anything is
    # The gradient from backward, and in the argument's shape the finite differences and the elements found wrong.
    # Of a large array only some elements are known: the others are NaN in numeric, which is None where it passed.
    analytic: Array | None = field(default=None, compare=False, repr=False)
    numeric: Array | None = field(default=None, compare=False, repr=False)
    wrong: Mask | None = field(default=None, compare=False, repr=False)
    # Every kink and every element that the finite differences cannot settle, among those looked at more closely.
    unsettled: tuple[ElementReport, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class GradientReport:
    """The verdict on a pair at one set of arguments. `str` of it is readable; it is true only if everything passed."""

    pair: str
    arguments: tuple[ArgumentReport, ...]
    problems: tuple[str, ...] = ()  # broken promises: an argument written to, a second call that differs
    unchecked: tuple[str, ...] = ()  # floating arguments that backward gives no gradient for
    seed: int = field(default=0, compare=False)
    broken: tuple[Diagnosis, ...] = ()  # the same as problems, with the figures

    @property
    def verdict(self) -> str:
        return FAIL if self.problems else worst_verdict([argument.verdict for argument in self.arguments])

    @property
    def diagnosis(self) -> tuple[Diagnosis, ...]:
        """What is wrong, first with the pair, then argument by argument; empty where nothing is."""
        return (*self.broken, *(a.diagnosis for a in self.arguments if a.diagnosis is not None))

    @property
    def passed(self) -> bool:
        return self.verdict == PASS

    @property
    def difference(self) -> float:
        """The largest relative difference over all arguments."""
        return max((argument.difference for argument in self.arguments), default=0.0)

    def __bool__(self) -> bool:
        return self.passed

    def __getitem__(self, name: str) -> ArgumentReport:
        found = next((argument for argument in self.arguments if argument.name == name), None)
        if found is None:
            raise KeyError(f"no gradient of {name} was checked; there are {', '.join(a.name for a in self.arguments)}")
        return found

    def __str__(self) -> str:
        width = max(len(name) for name in ("argument", *(argument.name for argument in self.arguments)))
        lines = [f"gradcheck of {self.pair}: {self.verdict}"]
        if self.arguments:
            lines.append(f"  {'argument':<{width}}  difference  verdict")
        for argument in self.arguments:
            note = f" ({argument.note})" if argument.note else ""
            lines.append(f"  {argument.name:<{width}}  {argument.difference:10.1e}  {argument.verdict}{note}")
            if argument.verdict != PASS:
                lines.extend(f"    {argument.name}{element}" for element in argument.worst)
            if argument.diagnosis is not None:
                lines.extend(f"    {line}" for line in told(argument.diagnosis))
        lines.extend(f"  problem: {problem}" for problem in self.problems)
        lines.extend(f"    {line}" for diagnosis in self.broken for line in told(diagnosis))
        if self.unchecked:
            lines.append(f"  not checked, backward gives no gradient: {', '.join(self.unchecked)}")
        return "\n".join(lines)
