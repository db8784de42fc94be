"""Homework graded: a student's functions run in a process of their own and held against the reference's.

Nothing that the file says of itself counts: it gets arguments and gives back arrays, and what they are worth is told
here. A file is contained, and not locked in: it runs with the rights of whoever grades it, so files of strangers belong
in a container.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ..userfile import UserFileError
from .judge import Judge
from .reference import AGAINST, Unit, units
from .results import ASPECTS, FORM, GRADIENT, POINTS, VALUES, Flaw, FunctionGrade
from .student import Raised, Stopped, Student

__all__ = [
    "AGAINST",
    "ASPECTS",
    "FORM",
    "GRADIENT",
    "POINTS",
    "VALUES",
    "Flaw",
    "FunctionGrade",
    "grade_file",
]

Task = tuple[Unit, tuple[str, ...]]


def grade_file(
    path: str,
    against: str = "refimpl",
    names: Sequence[str] = (),
    *,
    timeout: float = 60.0,
    memory: int = 2048,
    strict: bool = False,
    on_start: Callable[[list[str]], None] | None = None,
) -> Iterator[FunctionGrade]:
    """The grades of the file's functions, one by one, in the reference's order.

    names: functions or units of the reference, or patterns of them, that the file must have; by default those it has.
    timeout: seconds for each function. memory: MiB that the file's process may take; 0 for no limit.
    strict: cases that a function does not take the arguments of fail, and are not left out; nor are those with
        arrays without elements.
    on_start: called with the names of the functions that will be graded.

    Raises UserFileError where nothing can be graded: no such file, one that cannot be loaded or has no function of the
    reference, an unknown name.
    """
    if not Path(path).is_file():
        raise UserFileError(f"{path}: {'it is a folder' if Path(path).is_dir() else 'there is no such file'}")
    if Path(path).suffix != ".py":
        raise UserFileError(f"{path}: it must be a Python file, whose name ends in .py")
    known = units(against)
    wanted = _wanted(known, against, names)
    with Student(Path(path), timeout, memory) as student:
        try:
            signatures = student.load()
        except (Raised, Stopped) as error:
            raise UserFileError(f"{path}: loading it: {error}") from None
        tasks = [(unit, tuple(name for name in unit.functions if name in (wanted or signatures))) for unit in known]
        tasks = [(unit, functions) for unit, functions in tasks if functions]
        if not tasks:
            raise UserFileError(f"{path}: there is no function in it that {_called(against)} has")
        if on_start:
            on_start([name for _, functions in tasks for name in functions])
        for unit, functions in tasks:
            yield from Judge(unit, student, signatures, strict).grades(functions)


def _wanted(known: Sequence[Unit], against: str, patterns: Sequence[str]) -> set[str]:
    """The functions that the patterns name: each by itself, or all of a unit by the unit's name."""
    found = set()
    for pattern in patterns:
        names = {
            name
            for unit in known
            for name in unit.functions
            if fnmatchcase(name, pattern) or fnmatchcase(unit.name, pattern)
        }
        if not names:
            raise UserFileError(f"{_called(against)} has no function {pattern!r}")
        found |= names
    return found


def _called(against: str) -> str:
    return "the reference" if against == "refimpl" else f"the reference {against}"
