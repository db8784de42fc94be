"""`refimpl grade`: a student's file against the reference, with points."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from ..gradcheck import Diagnosis
from ..gradcheck.report import FAIL, PASS, told
from ..grade import AGAINST, ASPECTS, FORM, POINTS, Flaw, FunctionGrade, grade_file
from ..userfile import UserFileError
from . import junit
from .machine import NUMBERS, print_json
from .screen import Piece, Screen, Table

NAME = "grade"
SUMMARY = "grade a student's file: every function that the reference has too, with points"
DESCRIPTION = """\
Grade a student's file. Every function in it that has the name of one of the reference is called on the reference's
inputs, and what it returns is judged:

  values    it equals what the reference returns, to 1e-8 of the largest entry
  form      its shapes and dtypes are the reference's, and no argument is written to
  gradient  the gradients are those of the file's own forward, by SciPy's finite differences

So a backward that is right for a wrong forward has its points for gradient, and not those for values. What is wrong
gets a diagnosis where the numbers agree with a kind of mistake. The reference is refimpl itself (NAME_forward and
NAME_backward as `refimpl show NAME` has them, with arguments of any names), or with --against cs231n the functions of
Stanford's course in its conventions.

points: values 2, form 1, gradient 2, or what --points says; the points of an aspect are shared out evenly over its
checks, one for each output or gradient in each case. A forward has values and form, a backward and a loss that returns
its gradient have all three. Of a loss of refimpl's the gradients of target, weights and margin may be left out. Where
more than one answer is right, less is asked: at a kink any gradient between the slopes, of random numbers the form.
Cases whose arguments a function does not take, and those with empty arrays, are left out, unless --strict is given.

The file runs in a process of its own. If a function loops for ever, exits or crashes, the process is stopped, the
function has no points for what was not run, and the grade goes on with the next one; a function that raises, or wants
more memory than there is for it, goes on with its next case. What it prints is kept for --json and --junit, stdin is
empty, and an import of refimpl is refused. It is not locked in: it runs with your rights, so grade the files of
strangers in a container.
"""
EPILOG = f"""\
examples:
  refimpl grade mine.py                     what the file has
  refimpl grade mine.py softmax 'relu*'     these must be there; one that is missing has no points
  refimpl grade layers.py --against cs231n
  refimpl grade mine.py --points values=1,form=1,gradient=4 --timeout 10
  refimpl grade mine.py --junit grade.xml --json > grade.json

--json prints {{"summary": {{file, against, points, possible, full, functions, seconds}}, "functions": [{{name, points,
possible, full, aspects: [{{aspect, passed, checks, points, possible}}], stopped, notes, printed, seconds, flaws:
[{{aspect, case, argument, message, diagnosis: {{argument, kind, message, evidence, also: [{{kind, message,
evidence}}]}}}}]}}]}};
stopped says why its process ended, "" where it did not; diagnosis is null where there is none; {NUMBERS}.
--junit writes a testsuite for each function, with its points and the possible ones as properties, and a testcase for
each aspect, with a failure where it has not all its points, and an error where the process was stopped.

exit status: 0 if every function has all its points, 1 if not, 2 for a file that is missing, cannot be loaded or has no
function of the reference, and for a name or an option that does not exist; nothing is written then.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE.py", help="the student's file")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="a function of the reference, an op, or a pattern, that the file must have (default: what it has)",
    )
    parser.add_argument("--against", default="refimpl", metavar="REFERENCE", help=f"{' or '.join(AGAINST)} (refimpl)")
    parser.add_argument("--points", type=_points, default=POINTS, metavar="WEIGHTS", help=f"({_shown(POINTS)})")
    parser.add_argument(
        "--timeout", type=_positive, default=60.0, metavar="SECONDS", help="for each function, and to load it (60)"
    )
    parser.add_argument(
        "--memory", type=_mebibytes, default=2048, metavar="MIB", help="for the file's process, 0 for any (2048)"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="a case whose arguments a function does not take fails, and there are cases with empty arrays",
    )
    parser.add_argument("--junit", metavar="FILE", help="write JUnit XML as well")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    if arguments.against not in AGAINST:
        raise UserFileError(f"no reference is called {arguments.against!r}; there are {', '.join(AGAINST)}")
    report = junit.ready(arguments.junit) if arguments.junit else None
    started = time.perf_counter()
    grades = _graded(arguments, None if arguments.json else screen)
    summary = _summary(arguments, grades, time.perf_counter() - started)
    if report:
        junit.write(report, arguments.file, arguments.against, grades, arguments.points)
    if arguments.json:
        print_json({"summary": summary, "functions": [_as_dict(grade, arguments.points) for grade in grades]})
    else:
        _show_summary(summary, screen)
    return 0 if summary["full"] else 1


def _graded(arguments: argparse.Namespace, screen: Screen | None) -> list[FunctionGrade]:
    """All grades; on a screen each function's lines as soon as it is judged, and nothing if nothing can be graded."""
    shown: list[tuple[Screen, Table, Callable[[str], None]]] = []
    grades = []
    with ExitStack() as stack:

        def begin(names: list[str]) -> None:
            if screen is not None:
                table = Table(("function", *ASPECTS, "points"), "<>>>>", [max(map(len, names)), 0, 0, 0, 7])
                screen.line(*table.heading())
                shown.append((screen, table, stack.enter_context(screen.progress(len(names)))))

        for grade in grade_file(
            arguments.file, arguments.against, arguments.names, timeout=arguments.timeout, memory=arguments.memory,
            strict=arguments.strict, on_start=begin,
        ):  # fmt: skip
            grades.append(grade)
            for shown_on, table, advance in shown:
                advance(grade.name)
                for pieces in _lines(grade, arguments.points, table):
                    shown_on.line(*pieces)
    return grades


def _lines(grade: FunctionGrade, weights: dict[str, float], table: Table) -> Iterator[list[Piece]]:
    values = [f"{grade.passed[a]}/{grade.made[a]}" if a in grade.made else "-" for a in ASPECTS]
    roles = [_role(grade.passed[a] == grade.made[a]) if a in grade.made else "" for a in ASPECTS]
    points = f"{_number(grade.total(weights))}/{_number(grade.possible(weights))}"
    yield table.row((grade.name, *values, points), ("name", *roles, _role(grade.full)))
    yield from _explanations(grade)


def _role(full: bool) -> str:
    return PASS if full else FAIL


def _explanations(grade: FunctionGrade) -> Iterator[list[Piece]]:
    """Why it was stopped, what is wrong, each thing once, and the notes."""
    if grade.stopped:
        yield [("    ", ""), ("stopped", FAIL), (f"  {grade.stopped}", "")]

    told_above = f": {grade.stopped}" if grade.stopped else "\n"
    flaws = [flaw for flaw in grade.flaws if flaw.message != grade.stopped and not flaw.message.endswith(told_above)]
    for group in _alike(flaws):
        aspects = ", ".join(aspect for aspect in ASPECTS if any(flaw.aspect == aspect for flaw in group))
        cases = list(dict.fromkeys(flaw.case for flaw in group))
        where = f"case '{cases[0]}': " if cases[0] else ""
        more = f" (and at {_counted(len(cases) - 1, 'more case')})" if len(cases) > 1 else ""
        yield [("    ", ""), (aspects, FAIL), (f"  {where}{group[0].message}{more}", "")]
        diagnosis = next((flaw.diagnosis for flaw in group if flaw.diagnosis), None)
        if diagnosis:
            yield from ([("          ", ""), (line, "diagnosis")] for line in told(diagnosis))
    for note in grade.notes:
        yield [(f"    note  {note}", "note")]


def _alike(flaws: Sequence[Flaw]) -> list[list[Flaw]]:
    """Those that are one thing to mend: the same words, or the same diagnosis of the same array at other cases."""
    groups: dict[tuple[str, ...], list[Flaw]] = {}
    for flaw in flaws:
        key: tuple[str, ...] = (flaw.message,)
        if flaw.diagnosis:
            key = (flaw.argument, flaw.diagnosis.kind)
        elif flaw.argument and flaw.aspect != FORM:
            key = (flaw.argument, "")
        groups.setdefault(key, []).append(flaw)
    return list(groups.values())


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _summary(arguments: argparse.Namespace, grades: Sequence[FunctionGrade], seconds: float) -> dict[str, Any]:
    return {
        "file": arguments.file,
        "against": arguments.against,
        "points": _rounded(sum(grade.total(arguments.points) for grade in grades)),
        "possible": _rounded(sum(grade.possible(arguments.points) for grade in grades)),
        "full": all(grade.full for grade in grades),
        "functions": len(grades),
        "seconds": round(seconds, 3),
    }


def _show_summary(summary: dict[str, Any], screen: Screen) -> None:
    functions = f"{_counted(summary['functions'], 'function')}: "
    points = f"{_number(summary['points'])} of {_number(summary['possible'])} points"
    screen.line((functions, ""), (points, _role(summary["full"])), (f" in {summary['seconds']:.1f} s", ""))


def _as_dict(grade: FunctionGrade, points: dict[str, float]) -> dict[str, Any]:
    return {
        "name": grade.name,
        "points": _rounded(grade.total(points)),
        "possible": _rounded(grade.possible(points)),
        "full": grade.full,
        "aspects": [
            {
                "aspect": aspect,
                "passed": grade.passed[aspect],
                "checks": made,
                "points": _rounded(grade.points(aspect, points)),
                "possible": _rounded(points[aspect]),
            }
            for aspect, made in grade.made.items()
        ],
        "stopped": grade.stopped,
        "notes": grade.notes,
        "printed": grade.printed,
        "seconds": round(grade.seconds, 3),
        "flaws": [
            {"aspect": f.aspect, "case": f.case, "argument": f.argument, "message": f.message,
             "diagnosis": f.diagnosis and _diagnosis_as_dict(f.diagnosis)}
            for f in grade.flaws
        ],
    }  # fmt: skip


def _diagnosis_as_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    return {**vars(diagnosis), "also": [fit._asdict() for fit in diagnosis.also]}


def _rounded(points: float) -> float:
    return round(points, 6)


def _number(points: float) -> str:
    """To two digits behind the point, and not rounded up to what was not reached."""
    return f"{math.floor(points * 100 + 1e-6) / 100:g}"


def _shown(points: dict[str, float]) -> str:
    return ",".join(f"{aspect}={weight:g}" for aspect, weight in points.items())


def _points(text: str) -> dict[str, float]:
    points = dict(POINTS)
    for part in text.split(","):
        aspect, _, weight = part.partition("=")
        if aspect not in POINTS or not _is_number(weight):
            raise argparse.ArgumentTypeError(f"must be {_shown(POINTS)} or other numbers from 0 on, got {text!r}")
        points[aspect] = float(weight)
    return points


def _is_number(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


def _positive(text: str) -> float:
    if not _is_number(text) or float(text) == 0:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return float(text)


def _mebibytes(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a number from 0 on, got {text!r}")
    return int(text)
