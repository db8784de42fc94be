"""`refimpl verify`: what a port answered, held to the vectors."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from ..vectors import FAIL, MISSING, PASS, PRECISIONS, TOLERANCE, OpVerdict, Vectors, verify
from .machine import NUMBERS, print_json
from .screen import Piece, Screen, Table, counted
from .selection import matching

NAME = "verify"
SUMMARY = "judge what a port answered to the vectors of `refimpl export`"
DESCRIPTION = f"""\
Judge the answers of an implementation in another language. DIR is a folder that `refimpl export` wrote, and into
which the implementation put a file for each op that it has:

  results/NAME.npz    the output and the gradients of every case, under the names that the expected arrays have in
                      index.json: 0/float64/output, 0/float64/gradients/input, ...
  results/NAME.json   or the same as one JSON object: {{"0/float64/output": [0.5, 1.25], ...}}, each array a list of its
                      numbers in C order, nested or flat, with "NaN", "Infinity" and "-Infinity" for what JSON has not

There is a row for each op and dtype: the number of cases, of how many of them an array is missing, the worst entry in
ulp (units of the last place of the expected number), the largest difference relative to the largest entry of its
array, the verdict. The folder alone is asked; the ops are not run.

verdicts:
  pass     every array has the expected shape, NaN and infinities where they are expected, and a difference of at most
           {TOLERANCE["float64"]:.0e} in float64, {TOLERANCE["float32"]:.0e} in float32; where zeros alone are expected,
           no entry is further from 0 than that; integers are equal
  fail     an array is wrong; the lines below name it, its case, the worst entry and the expected number
  missing  an array, or the whole file of results, is not there
"""
EPILOG = f"""\
examples:
  refimpl verify vectors                    every op of the folder
  refimpl verify vectors relu '*loss'       those that are ported so far
  refimpl verify vectors --dtype float32    for a port that has float32 alone

--json prints {{"summary": {{verdict, ops, passed, failed, missing}}, "ops": [{{name, verdict, answered,
precisions: [{{dtype, cases, missing, ulp, difference, verdict}}],
findings: [{{dtype, case, array, verdict, message}}]}}]}};
{NUMBERS}.

exit status: 0 if every op passed, 1 if not, 2 for an unknown name, and for a folder or a file that is missing, damaged
or of another version.
"""

FINDINGS = 3  # shown for one op and verdict; --json has all
NAMES = 8  # of ops without results; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="the folder of vectors with the results in it")
    parser.add_argument(
        "patterns", nargs="*", metavar="NAME", help="an op, or a pattern with * and ? (default: every op of the folder)"
    )
    parser.add_argument("--dtype", choices=PRECISIONS, help="judge one of the dtypes alone (default: both)")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    vectors = Vectors(arguments.directory)
    names = matching(arguments.patterns, list(vectors.ops), f"{arguments.directory}/index.json has all")
    verdicts = verify(vectors, names, [arguments.dtype] if arguments.dtype else PRECISIONS)
    summary = _summary(verdicts)
    if arguments.json:
        print_json({"summary": summary, "ops": [_as_dict(verdict) for verdict in verdicts]})
    else:
        _show_rows([verdict for verdict in verdicts if verdict.answered], screen)
        _show_summary(verdicts, summary, screen)
    return 0 if summary["verdict"] == PASS else 1


def _show_rows(verdicts: Sequence[OpVerdict], screen: Screen) -> None:
    widths = [max((len(verdict.name) for verdict in verdicts), default=0), len(PRECISIONS[0]), 0, 0, 0, 0, 0]
    headings = ("op", "dtype", "cases", "missing", "worst ulp", "largest difference", "verdict")
    table = Table(headings, "<<>>>><", widths)
    if verdicts:
        screen.line(*table.heading())
    for verdict in verdicts:
        for row in verdict.precisions:
            figures = (_figure(row.ulp, ".2g"), _figure(row.difference, ".1e"))
            values = (verdict.name, row.dtype, str(row.cases), str(row.missing), *figures, row.verdict)
            screen.line(*table.row(values, ("name", "", "", "", "", "", row.verdict)))
        for pieces in _explanations(verdict):
            screen.line(*pieces)


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _explanations(verdict: OpVerdict) -> Iterator[list[Piece]]:
    """The first findings of each kind, what is wrong before what is missing, and how many more there are."""
    findings = sorted(verdict.findings, key=lambda finding: finding.verdict == MISSING)
    for kind, group in groupby(findings, lambda finding: finding.verdict):
        found = list(group)
        for finding in found[:FINDINGS]:
            where = f"case '{finding.case}': " if finding.case else ""
            yield [("    ", ""), (kind, kind), (f"  {where}{finding.message}", "")]
        if len(found) > FINDINGS:
            yield [(f"    {len(found) - FINDINGS} more: {kind}; --json has all", "note")]


def _summary(verdicts: Sequence[OpVerdict]) -> dict[str, Any]:
    counts = Counter(verdict.verdict for verdict in verdicts)
    worst = next((kind for kind in (FAIL, MISSING) if counts[kind]), PASS)
    found = {"passed": counts[PASS], "failed": counts[FAIL], "missing": counts[MISSING]}
    return {"verdict": worst, "ops": len(verdicts), **found}


def _show_summary(verdicts: Sequence[OpVerdict], summary: dict[str, Any], screen: Screen) -> None:
    absent = [verdict.name for verdict in verdicts if not verdict.answered]
    if absent:
        more = f" and {len(absent) - NAMES} more" if len(absent) > NAMES else ""
        screen.line((f"without results: {', '.join(absent[:NAMES])}{more}", ""))
    counts = ", ".join(f"{summary[of]} {of}" for of in ("passed", "failed", "missing"))
    screen.line((f"{counted(summary['ops'], 'ops')}: ", ""), (counts, summary["verdict"]))


def _as_dict(verdict: OpVerdict) -> dict[str, Any]:
    return {
        "name": verdict.name,
        "verdict": verdict.verdict,
        "answered": verdict.answered,
        "precisions": [vars(row) for row in verdict.precisions],
        "findings": [vars(finding) for finding in verdict.findings],
    }
