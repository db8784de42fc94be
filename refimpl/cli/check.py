"""`refimpl check`: every gradient against finite differences, a row per op and argument."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ..cases import CASES
from ..catalog import Op
from ..gradcheck.catalog_check import Finding, OpCheck, check_catalog
from ..gradcheck.report import FAIL, INCONCLUSIVE, PASS, worst_verdict
from .machine import NUMBERS, print_json
from .screen import Piece, Screen, Table, counted
from .selection import select

NAME = "check"
SUMMARY = "check gradients against SciPy's finite differences"
DESCRIPTION = """\
Check the gradients of the catalog's ops. Every op is called at all its cases, and every element of every gradient
that backward returns is compared with SciPy's finite differences of forward (large arrays along random directions).
There is a row for each op and argument: the number of cases, the largest difference relative to the largest entry
of the gradient, the verdict.

verdicts:
  pass          analytic and numeric agree to 1e-8 or better
  fail          a gradient is wrong, or the pair could not be called; the lines below name the case, the element,
                the value from backward (analytic) and the finite difference with its error estimate (numeric)
  inconclusive  the finite differences cannot tell, or no case gives the argument
"""
EPILOG = f"""\
examples:
  refimpl check                   every op
  refimpl check softmax           one op
  refimpl check relu '*loss'      one op, and all whose names end in loss
  refimpl check --json > all.json

--json prints {{"summary": {{verdict, ops, gradients, cases, passed, failed, inconclusive, departing_cases, seconds}},
"ops": [{{name, verdict, cases, departing_cases, seconds, arguments: [{{name, cases, difference, verdict}}],
findings: [{{case, argument, verdict, message, elements: [{{index, analytic, numeric, error, verdict, note}}]}}]}}]}};
{NUMBERS}.

exit status: 0 if every gradient passed, 1 if not, 2 for an unknown name.
"""

CASES_PER_WORKER = 50  # a process costs as much to start as some 20 cases to judge
FINDINGS = 3  # shown for one argument; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patterns", nargs="*", metavar="NAME", help="an op, or a pattern with * and ? (default: every op)"
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processes to share the work (default: one for the first "
        f"{2 * CASES_PER_WORKER} cases, then one for each {CASES_PER_WORKER}, at most one per processor)",
    )


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, got {text!r}")
    return number


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    ops = select(arguments.patterns)
    cases = sum(len(CASES.get(op.name, ())) for op in ops)
    jobs = arguments.jobs or max(1, min(cases // CASES_PER_WORKER, _processors()))
    started = time.perf_counter()
    if arguments.json:
        results = list(check_catalog([op.name for op in ops], jobs))
        summary = _summary(results, time.perf_counter() - started)
        print_json({"summary": summary, "ops": [_as_dict(result) for result in results]})
    else:
        results = _show_rows(ops, cases, jobs, screen)
        summary = _summary(results, time.perf_counter() - started)
        _show_summary(results, summary, screen)
    return 0 if summary["verdict"] == PASS else 1


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show_rows(ops: Sequence[Op], cases: int, jobs: int, screen: Screen) -> list[OpCheck]:
    """The table, an op's rows as soon as its last case is judged, and below them what is not a pass."""
    widths = [max(len(op.name) for op in ops), max(len(name) for op in ops for name in op.differentiable), 0, 0, 0]
    table = Table(("op", "argument", "cases", "largest difference", "verdict"), "<<>><", widths)
    screen.line(*table.heading())
    results = []
    with screen.progress(cases) as advance:
        for result in check_catalog([op.name for op in ops], jobs, lambda done: advance(f"{done.op}: {done.case}")):
            results.append(result)
            for argument in result.arguments:
                difference = "-" if argument.difference is None else f"{argument.difference:.1e}"
                values = (result.name, argument.name, str(argument.cases), difference, argument.verdict)
                screen.line(*table.row(values, ("name", "", "", "", argument.verdict)))
            for pieces in _explanations(result):
                screen.line(*pieces)
    return results


def _explanations(result: OpCheck) -> Iterator[list[Piece]]:
    """The first findings of each argument, in the order of the rows, and how many more there are."""
    arguments = ["", *(argument.name for argument in result.arguments)]

    def concern(finding: Finding) -> tuple[int, bool]:
        return arguments.index(finding.argument), finding.verdict != FAIL

    for _, group in groupby(sorted(result.findings, key=concern), concern):
        found = list(group)
        argument, verdict = found[0].argument, found[0].verdict
        for finding in found[:FINDINGS]:
            where = f"case '{finding.case}'" if finding.case else argument
            yield [("    ", ""), (verdict, verdict), (f"  {where}: {' '.join(finding.message.split())}", "")]
        if len(found) > FINDINGS:
            of = f" of {argument}" if argument else ""
            yield [(f"    {len(found) - FINDINGS} more{of}: {verdict}; --json has all", "note")]


def _summary(results: Sequence[OpCheck], seconds: float) -> dict[str, Any]:
    verdicts = [argument.verdict for result in results for argument in result.arguments]
    return {
        "verdict": worst_verdict(verdicts),
        "ops": len(results),
        "gradients": len(verdicts),
        "cases": sum(len(result.judged) for result in results),
        "passed": verdicts.count(PASS),
        "failed": verdicts.count(FAIL),
        "inconclusive": verdicts.count(INCONCLUSIVE),
        "departing_cases": sum(len(result.departing) for result in results),
        "seconds": round(seconds, 3),
    }


def _show_summary(results: Sequence[OpCheck], summary: dict[str, Any], screen: Screen) -> None:
    counts = ", ".join(counted(summary[nouns], nouns) for nouns in ("ops", "gradients", "cases"))
    verdicts = ", ".join(f"{summary[of]} {of}" for of in ("passed", "failed", "inconclusive"))
    screen.line((f"{counts}: ", ""), (verdicts, summary["verdict"]), (f" in {summary['seconds']:.1f} s", ""))
    if summary["departing_cases"]:
        names = ", ".join(result.name for result in results if result.departing)
        number = counted(summary["departing_cases"], "cases")
        screen.line(
            (f"{number} where the gradient is by convention not the derivative ({names}): see refimpl show", "")
        )


def _as_dict(result: OpCheck) -> dict[str, Any]:
    return {
        "name": result.name,
        "verdict": result.verdict,
        "cases": len(result.judged),
        "departing_cases": len(result.departing),
        "seconds": round(result.seconds, 3),
        "arguments": [vars(argument) for argument in result.arguments],
        "findings": [
            vars(finding) | {"elements": [vars(element) for element in finding.elements]} for finding in result.findings
        ],
    }
