"""`refimpl check`: gradients against finite differences, a row per op and argument, and what is wrong with them."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ..cases import CASES
from ..catalog import Op
from ..gradcheck import Diagnosis
from ..gradcheck.catalog_check import CaseCheck, Finding, OpCheck, check_catalog
from ..gradcheck.report import FAIL, INCONCLUSIVE, PASS, told, worst_verdict
from ..userfile import UserPair, check_pair
from . import plot
from .error_map import error_map
from .machine import NUMBERS, print_json
from .screen import Piece, Screen, Table, counted
from .selection import divide

NAME = "check"
SUMMARY = "check gradients against SciPy's finite differences: the ops', or those of a file of your own"
DESCRIPTION = """\
Check the gradients of the catalog's ops, or of pairs of your own. Every pair is called at all its cases, and every
element of every gradient that backward returns is compared with SciPy's finite differences of forward (large arrays
along random directions). There is a row for each pair and argument: the number of cases, the largest difference
relative to the largest entry of the gradient, the verdict.

verdicts:
  pass          analytic and numeric agree to 1e-8 or better
  fail          a gradient is wrong, or the pair could not be called; the lines below name the case, the element,
                the value from backward (analytic) and the finite difference with its error estimate (numeric), and
                give a diagnosis: what kind of mistake the numbers agree with. On a terminal a map shows where
  inconclusive  the finite differences cannot tell, or no case gives the argument

a file of your own (FILE.py, or a module by its dotted name) holds pairs:
  def NAME_forward(x, w):                  returns (output, cache)
  def NAME_backward(grad_output, cache):   returns the gradients: a dict by forward's argument names, or a tuple or a
                                           bare array in the order of forward's floating arguments
  def NAME_cases():                        returns a list of what to call forward with: tuples of arguments, dicts of
                                           them by name, (arguments, options), arrays; or a dict of such cases by name;
                                           refimpl.cases.case("name", x=..., at_kink=True) for one on a kink
Where NAME is an op of the catalog, NAME_cases may be left out: the catalog's cases are taken, by name where forward's
arguments have PyTorch's names, in their order where they have other names.
"""
EPILOG = f"""\
examples:
  refimpl check                   every op
  refimpl check softmax           one op
  refimpl check relu '*loss'      one op, and all whose names end in loss
  refimpl check mine.py           the pairs of a file
  refimpl check my.package.ops    the pairs of a module
  refimpl check mine.py --plot wrong.png
  refimpl check --json > all.json

--json prints {{"summary": {{verdict, ops, gradients, cases, passed, failed, inconclusive, departing_cases, seconds}},
"ops": [{{name, source, verdict, cases, departing_cases, seconds, notes, arguments: [{{name, cases, difference,
verdict}}], findings: [{{case, argument, verdict, message, elements: [{{index, analytic, numeric, error, verdict, note,
slopes}}], diagnosis: {{argument, kind, message, evidence, also: [{{kind, message, evidence}}]}}}}]}}]}};
source is the file of a pair of your own, diagnosis null where there is none; {NUMBERS}.

exit status: 0 if every gradient passed, 1 if not, 2 for an unknown name and for a file in which nothing can be checked.
"""

CASES_PER_WORKER = 50  # a process costs as much to start as some 20 cases to judge
FINDINGS = 3  # shown for one argument; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patterns",
        nargs="*",
        metavar="NAME",
        help="an op, a pattern with * and ?, a file FILE.py or a module's dotted name (default: every op)",
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processes to share the work (default: one for the first "
        f"{2 * CASES_PER_WORKER} cases, then one for each {CASES_PER_WORKER}, at most one per processor); "
        "pairs of your own are checked in this one",
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="draw the gradients that are wrong, as .png, .svg or .pdf; needs matplotlib"
    )


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1 on, got {text!r}")
    return number


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    picture = plot.ready(arguments.plot) if arguments.plot else None
    ops, pairs = divide(arguments.patterns)
    cases = sum(len(CASES.get(op.name, ())) for op in ops)
    jobs = arguments.jobs or max(1, min(cases // CASES_PER_WORKER, _processors()))
    started = time.perf_counter()
    if arguments.json:
        results = list(_results(ops, pairs, jobs))
        summary = _summary(results, time.perf_counter() - started)
        print_json({"summary": summary, "ops": [_as_dict(result) for result in results]})
    else:
        results = _show_rows(ops, pairs, jobs, screen)
        summary = _summary(results, time.perf_counter() - started)
        _show_summary(results, summary, screen)
    if picture:
        _plot(picture, results)
    return 0 if summary["verdict"] == PASS else 1


def _results(
    ops: Sequence[Op],
    pairs: Sequence[UserPair],
    jobs: int,
    on_case: Callable[[CaseCheck], None] | None = None,
) -> Iterator[OpCheck]:
    """The ops in the catalog's order, then the pairs in that of the files."""
    if ops:
        yield from check_catalog([op.name for op in ops], jobs, on_case)
    for pair in pairs:
        yield check_pair(pair, on_case)


def _plot(picture: Path, results: Sequence[OpCheck]) -> None:
    """The first wrong case of each argument; what is said goes to stderr, apart from the results."""
    first: dict[tuple[str, str, str], tuple[str, Finding]] = {}
    for result in results:
        for finding in filter(plot.drawable, result.findings):
            first.setdefault((result.source, result.name, finding.argument), (result.name, finding))
    drawn = plot.draw(picture, list(first.values()))
    print(f"refimpl: {picture} shows {drawn}" if drawn else "refimpl: nothing to draw", file=sys.stderr)


def _processors() -> int:
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _show_rows(ops: Sequence[Op], pairs: Sequence[UserPair], jobs: int, screen: Screen) -> list[OpCheck]:
    """The table, an op's rows as soon as its last case is judged, and below them what is not a pass."""
    names = [op.name for op in ops] + [pair.name for pair in pairs]
    arguments = [name for op in ops for name in op.differentiable]
    arguments += [name for pair in pairs for name in inspect.signature(pair.forward).parameters]
    widths = [max(map(len, names)), max(map(len, arguments), default=0), 0, 0, 0]
    table = Table(("op", "argument", "cases", "largest difference", "verdict"), "<<>><", widths)
    screen.line(*table.heading())
    results = []
    cases = sum(len(CASES.get(op.name, ())) for op in ops) + sum(len(pair.cases) for pair in pairs)
    with screen.progress(cases) as advance:
        for result in _results(ops, pairs, jobs, lambda done: advance(f"{done.op}: {done.case}")):
            results.append(result)
            for argument in result.arguments:
                difference = "-" if argument.difference is None else f"{argument.difference:.1e}"
                values = (result.name, argument.name, str(argument.cases), difference, argument.verdict)
                screen.line(*table.row(values, ("name", "", "", "", argument.verdict)))
            for pieces in _explanations(result, screen.terminal):
                screen.line(*pieces)
            for note in result.notes:
                screen.line((f"    note  {note}", "note"))
    return results


def _explanations(result: OpCheck, maps: bool) -> Iterator[list[Piece]]:
    """The first findings of each argument, in the order of the rows, and how many more there are."""
    arguments = ["", *(argument.name for argument in result.arguments)]

    def concern(finding: Finding) -> tuple[int, bool]:
        return arguments.index(finding.argument), finding.verdict != FAIL

    for _, group in groupby(sorted(result.findings, key=concern), concern):
        found = list(group)
        argument, verdict = found[0].argument, found[0].verdict
        for i, finding in enumerate(found[:FINDINGS]):
            where = f"case '{finding.case}'" if finding.case else argument
            yield [("    ", ""), (verdict, verdict), (f"  {where}: {' '.join(finding.message.split())}", "")]
            kind, before = (f.diagnosis and f.diagnosis.kind for f in (finding, found[i - 1]))
            if finding.diagnosis and (i == 0 or kind != before):
                yield from ([("          ", ""), (line, "diagnosis")] for line in told(finding.diagnosis))
            if maps and finding.report and i == 0:
                yield from ([("          ", ""), *pieces] for pieces in error_map(finding.report))
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
        "source": result.source,
        "verdict": result.verdict,
        "cases": len(result.judged),
        "departing_cases": len(result.departing),
        "seconds": round(result.seconds, 3),
        "notes": result.notes,
        "arguments": [vars(argument) for argument in result.arguments],
        "findings": [
            {
                "case": finding.case,
                "argument": finding.argument,
                "verdict": finding.verdict,
                "message": finding.message,
                "elements": [vars(element) for element in finding.elements],
                "diagnosis": _diagnosis(finding.diagnosis) if finding.diagnosis else None,
            }
            for finding in result.findings
        ],
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return vars(diagnosis) | {"also": [fit._asdict() for fit in diagnosis.also]}
