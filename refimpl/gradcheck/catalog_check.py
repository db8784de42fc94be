"""The catalog's ops judged at all their cases: what `refimpl check` shows, without the showing."""

from __future__ import annotations

import multiprocessing
import re
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .._structure import leaves
from ..cases import CASES, Case
from ..catalog import OPS, Op
from . import gradcheck
from .diagnosis import Diagnosis
from .pair import is_floating
from .report import FAIL, INCONCLUSIVE, PASS, ArgumentReport, ElementReport, GradientReport, worst_verdict

MOST_WORKERS = 61  # what Windows can wait for


@dataclass(frozen=True)
class CaseCheck:
    """An op at one of its cases: the checker's report, or what kept it from one."""

    op: str
    case: str
    wrt: tuple[str, ...]  # the arguments whose gradients were asked for
    report: GradientReport | None = None
    error: str = ""  # the exception, where the pair or the checker raised one
    departs: str = ""  # why the gradient is by convention not the derivative: the case is not judged
    seconds: float = 0.0

    def verdict(self, argument: str) -> str:
        """On one argument; nothing is confirmed where the pair raised or broke a promise."""
        if self.report is None or self.report.problems:
            return FAIL
        return worst_verdict([r.verdict for r in self.report.arguments if root(r.name) == argument])

    def difference(self, argument: str) -> float | None:
        """The largest relative difference on one argument; None where there was nothing to compare."""
        found = () if self.report is None else self.report.arguments
        return max((r.difference for r in found if root(r.name) == argument), default=None)


@dataclass(frozen=True)
class Finding:
    """What is wrong, or cannot be told, at one case."""

    case: str
    argument: str  # "" where it concerns the whole pair
    verdict: str
    message: str
    elements: tuple[ElementReport, ...] = ()
    diagnosis: Diagnosis | None = None
    report: ArgumentReport | None = field(default=None, compare=False, repr=False)  # with both gradients whole


@dataclass(frozen=True)
class ArgumentCheck:
    """One gradient of an op over all its cases."""

    name: str
    cases: int
    difference: float | None  # the largest over the cases, relative to the largest entry of the gradient there
    verdict: str


@dataclass(frozen=True)
class OpCheck:
    """An op, or a pair of someone's own, over all its cases."""

    name: str
    arguments: tuple[ArgumentCheck, ...]
    cases: tuple[CaseCheck, ...]
    source: str = ""  # the file or the module that the pair is from; "" for an op of the catalog
    notes: tuple[str, ...] = ()  # what is to be known of the check itself

    @property
    def verdict(self) -> str:
        return worst_verdict([argument.verdict for argument in self.arguments])

    @property
    def judged(self) -> tuple[CaseCheck, ...]:
        return tuple(case for case in self.cases if not case.departs)

    @property
    def departing(self) -> tuple[CaseCheck, ...]:
        """The cases that finite differences do not judge."""
        return tuple(case for case in self.cases if case.departs)

    @property
    def seconds(self) -> float:
        return sum(case.seconds for case in self.cases)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is not a pass, case by case."""
        found = [finding for case in self.judged for finding in _findings(case)]
        uncovered = [argument.name for argument in self.arguments if not argument.cases]
        return (
            *found,
            *(Finding("", name, INCONCLUSIVE, "no case gives it as a floating array") for name in uncovered),
        )


def given(op: Op, case: Case) -> tuple[str, ...]:
    """The differentiable arguments that the case gives as floating arrays, or as structures that hold one."""
    return tuple(
        name for name in op.differentiable if any(is_floating(leaf) for _, leaf in leaves(case.arguments.get(name)))
    )


def check_case(op: Op, case: Case) -> CaseCheck:
    """Compare the gradients of every differentiable argument that the case gives with finite differences.

    Any exception is caught and reported: one op that breaks does not keep the others from being judged.
    """
    wrt = given(op, case)
    if case.departs:
        return CaseCheck(op.name, case.name, wrt, departs=case.departs)
    settings = {"wrt": wrt, "at_kink": case.at_kink, "elementwise": op.elementwise}
    report, error, seconds = judged(op.forward, op.backward, (), case.arguments, settings)
    return CaseCheck(op.name, case.name, wrt or op.differentiable, report, error, seconds=seconds)


def judged(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    args: Sequence[Any],
    options: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> tuple[GradientReport | None, str, float]:
    """gradcheck's report, or the exception that kept it from one, and how long it took."""
    started = time.perf_counter()
    report, error = None, ""
    try:
        report = gradcheck(forward, backward, *args, **settings, **options)
    except (Exception, SystemExit) as raised:  # a pair of someone's own may do anything
        error = f"{type(raised).__name__}: {raised}"
    return report, error, time.perf_counter() - started


def check_catalog(
    names: Iterable[str] | None = None, jobs: int = 1, on_case: Callable[[CaseCheck], None] | None = None
) -> Iterator[OpCheck]:
    """Judge ops, by default all, at all their cases; an op's result is yielded as soon as its last case is done.

    names: keys of the catalog; the results come in their order.
    jobs: processes that share the cases. Each imports the catalog itself: a row changed in this process only is
        judged as changed with jobs = 1.
    on_case: called with each case's result as it comes, to show progress.
    """
    chosen = [OPS[name] for name in (OPS if names is None else names)]
    tasks = [(op.name, i) for op in chosen for i in range(len(CASES.get(op.name, ())))]
    with _checked(tasks, jobs) as checks:
        for op in chosen:
            done = []
            for _ in CASES.get(op.name, ()):
                check = next(checks)
                if on_case:
                    on_case(check)
                done.append(check)
            yield summed_up(op.name, op.differentiable, done)


@contextmanager
def _checked(tasks: Sequence[tuple[str, int]], jobs: int) -> Iterator[Iterator[CaseCheck]]:
    """The results of the tasks, in their order, as they come."""
    jobs = min(jobs, len(tasks), MOST_WORKERS)
    if jobs <= 1:
        yield map(_check_task, tasks)
        return
    # Not forked: a copy of a process with threads, which the linear algebra has, may hang.
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=spawning, initializer=_ignore_interrupts)
    try:
        with _interrupts_held_back():
            results = pool.map(_check_task, tasks)
        yield results
    finally:
        pool.shutdown(cancel_futures=True)


def _check_task(task: tuple[str, int]) -> CaseCheck:
    name, i = task
    return check_case(OPS[name], CASES[name][i])


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Processes started meanwhile are deaf to Ctrl-C, which is the parent's to answer, from their first moment."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def summed_up(op: str, differentiable: Sequence[str], cases: Sequence[CaseCheck], **about: Any) -> OpCheck:
    """A row for each differentiable argument, but for one that only departing cases give."""
    rows = []
    for name in differentiable:
        given = [case for case in cases if name in case.wrt]
        judged = [case for case in given if not case.departs]
        if judged:
            differences = [d for case in judged if (d := case.difference(name)) is not None]
            verdict = worst_verdict([case.verdict(name) for case in judged])
            rows.append(ArgumentCheck(name, len(judged), max(differences, default=None), verdict))
        elif not given:
            rows.append(ArgumentCheck(name, 0, None, INCONCLUSIVE))
    return OpCheck(op, tuple(rows), tuple(cases), **about)


def _findings(case: CaseCheck) -> Iterator[Finding]:
    if case.report is None:
        yield Finding(case.case, "", FAIL, case.error)
        return
    for problem, diagnosis in zip(case.report.problems, case.report.broken, strict=True):
        yield Finding(case.case, "", FAIL, problem, (), diagnosis)
    for argument in case.report.arguments:
        if argument.verdict == PASS:
            continue
        elements = tuple(element for element in argument.worst if element.verdict != PASS)
        if elements:
            message = f"{argument.name}{elements[0]}"
        elif argument.method == "shape":
            message = f"{argument.name} has a gradient of {argument.note}"
        else:  # a large array where no single element stands out
            note = f" ({argument.note})" if argument.note else ""
            message = f"{argument.name} differs by {argument.difference:.1e}, compared by {argument.method}{note}"
        yield Finding(case.case, root(argument.name), argument.verdict, message, elements, argument.diagnosis, argument)


def root(path: str) -> str:
    """The argument that a path such as ``weights.hidden[0]`` begins with."""
    return re.split(r"[.\[]", path, maxsplit=1)[0]
