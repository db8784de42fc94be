"""Pairs in someone's own file: found, given arguments, and judged as the catalog's are.

A file (or a module) holds functions NAME_forward and NAME_backward, and beside them NAME_cases, which says what to call
them with: a function without arguments, or a list. It gives an iterable of cases, or a dict of them by name. A case is

- a tuple of arguments;
- a dict of arguments by name;
- (arguments, options), a tuple and a dict;
- an array, the only argument;
- `refimpl.cases.case("its name", input=..., at_kink=True)`, for a case that lies on a kink on purpose.

Where NAME is an op of the catalog and there is no NAME_cases, the catalog's cases are taken: arguments by name where
forward has a parameter of that name, the others in their order for the parameters that have no default. Cases with
arguments that forward has no place for are left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .cases import CASES, Case
from .catalog import OPS
from .gradcheck.catalog_check import CaseCheck, OpCheck, judged, root, summed_up
from .gradcheck.pair import holds_floating

__all__ = ["UserCase", "UserFileError", "UserPair", "check_pair", "fitted", "is_source", "load_module", "load_pairs"]

FORWARD, BACKWARD, CASES_OF = "_forward", "_backward", "_cases"


class UserFileError(Exception):
    """What keeps a file from being judged, in one line."""


@dataclass(frozen=True)
class UserCase:
    """What to call a pair with."""

    name: str
    args: tuple[Any, ...]
    options: Mapping[str, Any]
    at_kink: bool = False
    departs: str = ""


@dataclass(frozen=True)
class UserPair:
    """A pair of a file, with its cases."""

    name: str
    source: str  # the file or the module, as it was asked for
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    cases: tuple[UserCase, ...]
    notes: tuple[str, ...] = ()


def is_source(text: str) -> bool:
    """Whether it means a file or a module, and not an op: it ends in .py, or holds a path separator or a dot."""
    return _is_path(text) or (bool(text) and all(part.isidentifier() for part in text.split(".")) and "." in text)


def _is_path(text: str) -> bool:
    return text.endswith(".py") or "/" in text or os.sep in text


def load_pairs(source: str) -> tuple[UserPair, ...]:
    """The pairs of a file or a module, in the order in which they stand there.

    Raises UserFileError where there is none, where one is not whole or has no cases, and what load_module raises.
    """
    module = load_module(source)
    names = _names(module)
    if not names:
        raise UserFileError(f"{source}: there is no pair NAME_forward, NAME_backward in it")
    for name in names:
        for this, other in ((FORWARD, BACKWARD), (BACKWARD, FORWARD)):
            if not callable(getattr(module, name + this, None)):
                raise UserFileError(f"{source}: {name}{this} is missing: there is {name}{other} without it")
    return tuple(_pair(source, module, name) for name in names)


def load_module(source: str) -> ModuleType:
    """A file or a module, imported. What it prints goes to stderr.

    A file is read anew at every call; the folder it lies in, or for a module the current one, is put on sys.path.
    Raises UserFileError where it is missing, does not compile, or raises or exits when it is imported.
    """
    if not _is_path(source):
        return _imported(source, os.getcwd(), lambda: importlib.import_module(source))
    path = Path(source)
    if not path.is_file():
        raise UserFileError(f"{source}: {'it is a folder' if path.is_dir() else 'there is no such file'}")
    if path.suffix != ".py":
        raise UserFileError(f"{source}: it must be a Python file, whose name ends in .py")
    name = path.stem if path.stem not in sys.modules else f"_refimpl_userfile_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)

    def execute() -> ModuleType:  # not by the loader: compiled files of it would stay behind, and may be out of date
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
        return module

    before = sys.modules.get(name)
    sys.modules[name] = module  # where dataclasses, pickle and the like look it up
    try:
        return _imported(source, str(path.resolve().parent), execute)
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before


def _imported(source: str, folder: str, load: Callable[[], ModuleType]) -> ModuleType:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        with _prints_to_stderr():
            return load()
    except SyntaxError as error:
        if error.filename and Path(error.filename).name != Path(source).name and _is_path(source):
            raise UserFileError(f"{source}: it imports {error.filename}, line {error.lineno}: {error.msg}") from None
        raise UserFileError(f"{source}, line {error.lineno}: {error.msg}") from None
    except ModuleNotFoundError as error:
        if not _is_path(source) and error.name and source.startswith(error.name):
            raise UserFileError(f"{source}: there is no module of this name") from None
        raise UserFileError(_raised(source, "importing it", error)) from None
    except SystemExit:
        raise UserFileError(f"{source}: it exits when it is imported") from None
    except Exception as error:
        raise UserFileError(_raised(source, "importing it", error)) from None


def _raised(source: str, what: str, error: BaseException) -> str:
    """In one line, with the last line of the file that the exception went through."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.endswith(Path(source).name)
    ]
    line = f", line {frames[-1].lineno}" if frames else ""
    return " ".join(f"{source}{line}: {what} raised {type(error).__name__}: {error}".split())


@contextmanager
def _prints_to_stderr() -> Iterator[None]:
    with redirect_stdout(sys.stderr):
        yield


def _names(module: ModuleType) -> list[str]:
    """Of every function NAME_forward or NAME_backward that is the module's own; where it has none, that it holds."""
    found = {
        key: value
        for key, value in vars(module).items()
        if key.endswith((FORWARD, BACKWARD)) and not key.startswith("_") and callable(value)
    }
    own = {key for key, value in found.items() if getattr(value, "__module__", None) == module.__name__}
    keys = own or {
        key for key, value in found.items() if not str(getattr(value, "__module__", "")).startswith(f"{__package__}.")
    }
    return list(dict.fromkeys(key.removesuffix(FORWARD).removesuffix(BACKWARD) for key in found if key in keys))


def _pair(source: str, module: ModuleType, name: str) -> UserPair:
    forward, backward = getattr(module, name + FORWARD), getattr(module, name + BACKWARD)
    given = getattr(module, name + CASES_OF, None)
    if given is not None:
        return UserPair(name, source, forward, backward, tuple(_own_cases(source, name, forward, given)))
    if name not in OPS:
        raise UserFileError(
            f"{source}: {name}{FORWARD} has no cases: there is no function {name}{CASES_OF} beside it, "
            f"and the catalog has no op {name}"
        )
    fitting = [(case, places) for case in CASES[name] if (places := fitted(forward, OPS[name].forward, case.arguments))]
    if not fitting:
        raise UserFileError(
            f"{source}: the arguments of {name}{FORWARD} fit none of the catalog's cases of {name}, "
            f"and there is no function {name}{CASES_OF} beside it"
        )
    cases = tuple(
        UserCase(case.name, (), called_by(places, case.arguments), case.at_kink, case.departs)
        for case, places in fitting
    )
    left = len(CASES[name]) - len(fitting)
    notes = (f"{left} of the catalog's {len(CASES[name])} cases have arguments that it does not take",) if left else ()
    return UserPair(name, source, forward, backward, cases, notes)


def fitted(
    forward: Callable[..., Any], reference: Callable[..., Any], arguments: Mapping[str, Any]
) -> dict[str, str] | None:
    """Which of forward's parameters takes which of the reference's arguments; None where it has no place for one.

    By name where forward has a parameter of that name, the others in their order for those without a default; then
    arrays for those whose default is None, such as a bias.
    """
    theirs, mine = (inspect.signature(function).parameters for function in (reference, forward))
    variable = {p.kind for p in mine.values()} & {inspect.Parameter.VAR_KEYWORD}
    result = {key: key for key in arguments if key in mine or variable}
    required = [
        key for key, p in mine.items() if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    places = [key for key in required if key not in arguments]
    rest = [key for key in theirs if key in arguments and key not in mine]
    if len(rest) < len(places):
        return None
    for key, place in zip(rest, places, strict=False):
        result.pop(key, None)
        result[place] = key
    optional = [key for key, p in mine.items() if p.default is None and key not in theirs]
    left = rest[len(places) :]
    for key, place in zip([k for k in left if isinstance(arguments[k], np.ndarray)], optional, strict=False):
        result.pop(key, None)
        result[place] = key
        left.remove(key)
    return result if variable or all(_is_default(arguments[key], theirs[key].default) for key in left) else None


def called_by(places: Mapping[str, str], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The reference's arguments by the names of forward's parameters."""
    return {place: arguments[key] for place, key in places.items()}


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (
        isinstance(value, (str, int, float)) and type(value) is type(default) and value == default
    )


def _own_cases(source: str, name: str, forward: Callable[..., Any], given: Any) -> Iterator[UserCase]:
    """What NAME_cases gives, each held against forward's signature."""
    where = f"{name}{CASES_OF}"
    try:
        with _prints_to_stderr():
            found = given() if callable(given) else given
            if not isinstance(found, Mapping):
                found = list(found)
    except Exception as error:
        raise UserFileError(_raised(source, f"{where}()", error)) from None
    signature = inspect.signature(forward)
    if isinstance(found, Mapping) and found and all(key in signature.parameters for key in found):
        found = [found]
    named = found.items() if isinstance(found, Mapping) else ((str(i), case) for i, case in enumerate(found, 1))
    cases = [_case(source, where, str(key), value) for key, value in named]
    if not cases:
        raise UserFileError(f"{source}: {where} gives no case")
    for case in cases:
        try:
            signature.bind(*case.args, **case.options)
        except TypeError as error:
            raise UserFileError(
                f"{source}: case {case.name} of {where} does not fit {name}{FORWARD}: {error}"
            ) from None
        yield case


def _case(source: str, where: str, name: str, given: Any) -> UserCase:
    if isinstance(given, Case):
        return UserCase(given.name, (), given.arguments, given.at_kink, given.departs)
    if isinstance(given, Mapping):
        return UserCase(name, (), dict(given))
    if isinstance(given, np.ndarray):
        return UserCase(name, (given,), {})
    if isinstance(given, (tuple, list)):
        if len(given) == 2 and isinstance(given[0], (tuple, list)) and isinstance(given[1], Mapping):
            return UserCase(name, tuple(given[0]), dict(given[1]))
        return UserCase(name, tuple(given), {})
    raise UserFileError(
        f"{source}: case {name} of {where} must be a tuple or a dict of arguments, (arguments, options) or an array, "
        f"got {type(given).__name__}"
    )


def check_pair(pair: UserPair, on_case: Callable[[CaseCheck], None] | None = None) -> OpCheck:
    """Judge every gradient that backward returns, at all cases. What the pair prints goes to stderr.

    on_case: called with each case's result as it comes, to show progress.
    """
    checks = []
    for case in pair.cases:
        check = _check_case(pair, case)
        if on_case:
            on_case(check)
        checks.append(check)
    order = list(inspect.signature(pair.forward).parameters)
    names = {root(entry.name) for check in checks if check.report for entry in check.report.arguments}
    if names:  # what raised is a failure of every gradient, but of none that backward never gives
        checks = [replace(check, wrt=tuple(name for name in check.wrt if name in names)) for check in checks]
    else:
        names = {name for check in checks for name in check.wrt}
    unchecked = {name for check in checks if check.report for name in check.report.unchecked} - names
    notes = list(pair.notes)
    if unchecked:
        notes.append(f"backward gives no gradient of {', '.join(sorted(unchecked, key=order.index))}: not checked")
    return summed_up(pair.name, sorted(names, key=order.index), checks, source=pair.source, notes=tuple(notes))


def _check_case(pair: UserPair, case: UserCase) -> CaseCheck:
    bound = inspect.signature(pair.forward).bind(*case.args, **case.options)
    given = tuple(bound.arguments)
    floating = tuple(name for name in given if holds_floating(bound.arguments[name]))
    if case.departs:
        return CaseCheck(pair.name, case.name, floating, departs=case.departs)
    bound.apply_defaults()  # by position, as far as can be: a parameter may be called as one of gradcheck's own
    with _prints_to_stderr():
        report, error, seconds = judged(
            pair.forward, pair.backward, bound.args, bound.kwargs, {"at_kink": case.at_kink}
        )
    compared = tuple(dict.fromkeys(root(entry.name) for entry in report.arguments)) if report else ()
    wrt = compared or floating or given[:1]
    return CaseCheck(pair.name, case.name, wrt, report, error, seconds=seconds)
