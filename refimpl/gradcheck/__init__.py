"""The checker: a pair's gradients against SciPy's finite differences.

What is compared is the vector-Jacobian product for a seeded, random grad_output, argument by argument, over every
element. The tolerance is relative to the largest entry of the gradient: an absolute one lets real mistakes pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .compare import IN_SINGLE, NOISE, compare_argument
from .diagnosis import KINDS, Diagnosis, Facts, diagnose
from .pair import Pair
from .report import FAIL, INCONCLUSIVE, PASS, ArgumentReport, ElementReport, GradientReport, says_it_all

__all__ = [
    "FAIL",
    "INCONCLUSIVE",
    "KINDS",
    "PASS",
    "ArgumentReport",
    "Diagnosis",
    "ElementReport",
    "Facts",
    "GradientReport",
    "assert_gradients",
    "diagnose",
    "gradcheck",
]

__tracebackhide__ = says_it_all


def gradcheck(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    seed: int = 0,
    at_kink: bool = False,
    elementwise: bool = False,
    **options: Any,
) -> GradientReport:
    """Compare the gradients of any pair with finite differences, and report; nothing is printed.

    forward(*args, **options) must return (output, cache), and backward(grad_output, cache) the gradients: a dict keyed
    by forward's argument names, or a tuple, a list or a bare array in the order of forward's floating arguments, with
    None for one without a gradient. Floating arrays are checked in float64, whatever their dtype. An argument may be
    a structure (dicts, lists, tuples of arrays); its gradient then has the same structure.

    The report's `diagnosis` says of each gradient that is wrong what kind of mistake it is, a key of KINDS, with the
    figures; `report[name].analytic` and `.numeric` are the two arrays.

    wrt: the arguments to check, a name or several; by default all that backward returns.
    seed: of the random grad_output.
    at_kink: the arguments lie on a kink on purpose; a gradient between the two one-sided slopes is then right.
    elementwise: element i of the output depends on element i of the first argument alone, which is then checked in a
        single vectorised call.

    Raises TypeError or ValueError where there is nothing to compare: no floating argument, unknown keys or integers
    from backward, a name in wrt that backward returns no gradient for. A wrong shape, an argument written to and a
    forward that is not deterministic are failures with a report.
    """
    pair = Pair(forward, backward, args, options, seed)
    if not pair.deterministic:
        return GradientReport(pair.name, (), tuple(pair.problems), (), seed, tuple(pair.broken))
    names = [wrt] if isinstance(wrt, str) else list(pair.gradients) if wrt is None else list(wrt)
    for name in names:
        if name not in pair.gradients:
            raise ValueError(
                f"gradcheck: backward must return a gradient of every argument in wrt, "
                f"got none of {name} (keys: {', '.join(pair.gradients) or 'none'})"
            )
    if not names:
        raise ValueError("gradcheck: backward must return at least one gradient, got an empty dict")
    reports = [report for name in names for report in compare_argument(pair, name, at_kink, elementwise)]
    unchecked = tuple(name for name in pair.floating() if name not in pair.gradients)
    told = tuple(replace(report, diagnosis=_diagnosis(pair, report, reports)) for report in reports)
    return GradientReport(pair.name, told, tuple(pair.problems), unchecked, seed, tuple(pair.broken))


def _diagnosis(pair: Pair, report: ArgumentReport, reports: list[ArgumentReport]) -> Diagnosis | None:
    """Of a gradient that is wrong, or that is inconclusive for the rounding of float32 alone."""
    if report.verdict == FAIL:
        return diagnose(pair.facts(report, reports))
    doubts = [element for element in (*report.worst, *report.unsettled) if element.verdict == INCONCLUSIVE]
    if report.verdict == PASS or not doubts or not all(element.note.endswith((IN_SINGLE, NOISE)) for element in doubts):
        return None
    note = next((element.note for element in doubts if element.note.endswith(IN_SINGLE)), "")
    if not note and pair.in_single(report.name):
        note = f"{doubts[0].note} of a forward {IN_SINGLE}"
    message = f"differs by {report.difference:.1e}, {note}: rounding, and not an error"
    return Diagnosis(report.name, "float32", message, {"difference": report.difference}) if note else None


def assert_gradients(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *args: Any,
    wrt: str | Sequence[str] | None = None,
    seed: int = 0,
    at_kink: bool = False,
    elementwise: bool = False,
    **options: Any,
) -> GradientReport:
    """gradcheck for use in a test: raises AssertionError with the report unless every gradient passed.

    The report of a check that passed is returned. Under pytest the failure is the report, at the test's own line; the
    plugin pytest_refimpl gives this function as the fixture `gradcheck`.
    """
    report = gradcheck(
        forward, backward, *args, wrt=wrt, seed=seed, at_kink=at_kink, elementwise=elementwise, **options
    )
    if not report.passed:
        raise AssertionError(str(report))
    return report
