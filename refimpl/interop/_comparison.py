"""A function of another framework at the catalog's cases, held against the op computed in float64."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._structure import leaves, map_leaves, mismatch
from .._ulps import distance
from ..cases import CASES, Case
from ..catalog import Op
from ..gradcheck.catalog_check import given, root
from ..gradcheck.pair import is_floating
from ..gradcheck.report import FAIL, PASS
from ..userfile import called_by, fitted

CONVENTION = "convention"  # a gradient that is not the op's where none is the only right one
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
ROOM = 8.0  # a function may be this many times as far off as the op itself in the same dtype
MOST = 0.05  # but no further than this
SHOWN = 3  # failures of one array

Vjp = Callable[[Any], Mapping[str, Any]]  # of grad_output: the gradients by path, None where there is none
# (function, arguments by its parameters' names, the paths to differentiate) to the output in NumPy's arrays and a Vjp
Evaluate = Callable[[Callable[..., Any], Mapping[str, Any], Sequence[str]], tuple[Any, Vjp]]


@dataclass(frozen=True)
class ArrayComparison:
    """An output, or the gradient of an argument, at one case."""

    case: str
    array: str  # "output", or the name of the argument; with the place in it where it is a structure
    verdict: str  # "pass", "fail" or "convention"
    ulps: float  # the largest distance of an entry, in units of the last place; infinite where there is none
    difference: float  # the same, relative to the largest entry of the array
    message: str = ""


@dataclass(frozen=True)
class ComparisonReport:
    """The verdict on a function. `str` of it is readable; it is true only if nothing failed and something passed."""

    function: str
    op: str
    dtype: str
    tolerance: float
    arrays: tuple[ArrayComparison, ...]
    left_out: tuple[str, ...] = ()  # cases with arguments that the function has no place for

    @property
    def passed(self) -> bool:
        return not self.failures and any(entry.verdict == PASS for entry in self.arrays)

    @property
    def failures(self) -> tuple[ArrayComparison, ...]:
        return tuple(entry for entry in self.arrays if entry.verdict == FAIL)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        verdict = PASS if self.passed else FAIL
        lines = [f"{self.function} beside {self.op} in {self.dtype}: {verdict}, at a tolerance of {self.tolerance:.0e}"]
        names = list(dict.fromkeys(root(entry.array) for entry in self.arrays))
        width = max(map(len, ("array", *names)))
        if names:
            lines.append(f"  {'array':<{width}}  cases  worst ulp  largest difference  verdict")
        for name in names:
            lines.extend(self._told(name, width))
        if self.left_out:
            lines.append(f"  {_count(len(self.left_out), 'case')} left out, with arguments that it does not take")
        if not names:
            lines.append("  there was nothing to compare")
        return "\n".join(lines)

    def _told(self, name: str, width: int) -> Iterator[str]:
        entries = [entry for entry in self.arrays if root(entry.array) == name]
        verdicts = [entry.verdict for entry in entries]
        verdict = next((v for v in (FAIL, CONVENTION) if v in verdicts), PASS)
        ulps, difference = max(entry.ulps for entry in entries), max(entry.difference for entry in entries)
        cases = len({entry.case for entry in entries})
        yield f"  {name:<{width}}  {cases:5}  {ulps:9.2g}  {difference:18.1e}  {verdict}"
        for kind in (FAIL, CONVENTION):
            found = [entry for entry in entries if entry.verdict == kind]
            for entry in found[:SHOWN]:
                yield f"    {kind}  case '{entry.case}': {entry.message}"
            if len(found) > SHOWN:
                yield f"    and {len(found) - SHOWN} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Expected(NamedTuple):
    """An op at a case: what to call with, and what must come of it, in float64."""

    arguments: dict[str, Any]
    output: Any
    grad_output: Any
    gradients: dict[str, NDArray[Any]]  # by path
    reached: dict[str, float]  # how far the op itself is off in the dtype of the arguments, by path


def compared(
    evaluate: Evaluate,
    function: Callable[..., Any],
    op: Op,
    dtype: str,
    tolerance: float | None,
    wrt: str | Sequence[str] | None,
    cases: Sequence[str] | None,
) -> ComparisonReport:
    """What `compare` of an adapter does; evaluate is the adapter."""
    if dtype not in TOLERANCE:
        raise ValueError(f"compare: dtype must be 'float64' or 'float32', got {dtype!r}")
    wanted = op.differentiable if wrt is None else (wrt,) if isinstance(wrt, str) else tuple(wrt)
    for name in wanted:
        if name not in op.differentiable:
            raise ValueError(f"compare: wrt must name arguments that {op.name} differentiates, got {name!r}")
    known = {case.name: case for case in CASES[op.name]}
    for case_name in cases or ():
        if case_name not in known:
            raise ValueError(f"compare: cases must be names of cases of {op.name}, got {case_name!r}")
    limit = TOLERANCE[dtype] if tolerance is None else float(tolerance)
    arrays: list[ArrayComparison] = []
    left_out = []
    for case in known.values() if cases is None else [known[case_name] for case_name in cases]:
        places = _places(function, op, case)
        if places is None:
            left_out.append(case.name)
            continue
        arrays.extend(_at_case(evaluate, function, op, case, places, np.dtype(dtype), wanted, limit))
    name = getattr(function, "__name__", type(function).__name__)
    return ComparisonReport(name, op.name, dtype, limit, tuple(arrays), tuple(left_out))


def _places(function: Callable[..., Any], op: Op, case: Case) -> dict[str, str] | None:
    """The case's argument for each parameter of the function; None where one has no place."""
    try:
        inspect.signature(function)
    except ValueError:  # it is not written in Python and says nothing of its parameters
        return {name: name for name in case.arguments}
    return fitted(function, op.forward, case.arguments)


def _at_case(
    evaluate: Evaluate,
    function: Callable[..., Any],
    op: Op,
    case: Case,
    places: Mapping[str, str],
    dtype: np.dtype[Any],
    wanted: Sequence[str],
    limit: float,
) -> Iterator[ArrayComparison]:
    expected = _expected(op, case, dtype)
    names = {key: place for place, key in places.items()}
    # by the paths in the op's arguments, those in the function's
    paths = {
        path: names[name] + path[len(name) :]
        for name in given(op, case)
        if name in wanted and name in names
        for path, leaf in leaves(case.arguments[name], name)
        if is_floating(leaf)
    }
    arguments = called_by(places, expected.arguments)
    output, gradients, raised = _answers(evaluate, function, arguments, expected, paths)

    def judged(array: str, found: Any, true: Any) -> ArrayComparison:
        far = distance(np.asarray(found), np.asarray(true))
        allowed = max(limit, min(ROOM * expected.reached.get(array, 0.0), MOST))
        verdict = PASS if far.difference <= allowed else FAIL
        message = "" if verdict == PASS else f"{array}{far.message}, off by {far.difference:.1e} of the largest entry"
        if verdict == FAIL and array in paths and (case.at_kink or case.departs):
            verdict, message = CONVENTION, f"{message} ({case.departs or 'at a kink'})"
        return ArrayComparison(case.name, array, verdict, far.ulps, far.difference, message)

    def refused(array: str, why: str) -> ArrayComparison:
        return ArrayComparison(case.name, array, FAIL, np.inf, np.inf, why)

    if "output" in raised:
        yield refused("output", raised["output"])
        return
    if differs := mismatch(expected.output, output, "output"):
        yield refused("output", f"another structure: {differs}")
        return
    others = dict(leaves(output, "output"))
    for path, true in leaves(expected.output, "output"):
        yield judged(path, others[path], true)
    for path in paths:
        if path in raised:
            yield refused(path, raised[path])
        elif path in expected.gradients:
            yield judged(path, gradients[path], expected.gradients[path])


def _expected(op: Op, case: Case, dtype: np.dtype[Any]) -> Expected:
    arguments = _cast(case.arguments, dtype)
    own, own_cache = op.forward(**arguments)
    true, cache = op.forward(**_cast(arguments, np.dtype(np.float64)))
    rng = np.random.default_rng(0)

    def draw(y: Any) -> Any:
        y = np.asarray(y)
        if y.dtype.kind != "f":
            return None
        return np.where(np.isfinite(y), rng.standard_normal(y.shape), 0.0).astype(y.dtype)

    grad_output = map_leaves(draw, own)
    gradients = dict(leaves(op.backward(_cast(grad_output, np.dtype(np.float64)), cache)))
    own_gradients = dict(leaves(op.backward(grad_output, own_cache)))
    reached = {path: _reached(own_gradients[path], gradients[path]) for path in gradients}
    others = dict(leaves(own, "output"))
    reached |= {path: _reached(others[path], y) for path, y in leaves(true, "output")}
    return Expected(arguments, true, grad_output, gradients, reached)


def _reached(own: Any, true: Any) -> float:
    return distance(np.asarray(own), np.asarray(true)).difference


def _cast(structure: Any, dtype: np.dtype[Any]) -> Any:
    return map_leaves(lambda leaf: leaf.astype(dtype) if is_floating(leaf) else leaf, structure)


def _answers(
    evaluate: Evaluate,
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    expected: Expected,
    paths: Mapping[str, str],
) -> tuple[Any, dict[str, Any], dict[str, str]]:
    """The output, the gradients, and what was raised in place of either, by path."""
    try:
        output, gradients = _asked(evaluate, function, arguments, expected, paths)
        return output, gradients, {}
    except Exception:  # a function of someone's own may do anything: then each thing is asked for alone
        pass
    try:
        output, _ = evaluate(function, arguments, ())
    except Exception as error:
        return None, {}, {"output": _words(error)}
    gradients, raised = {}, {}
    for path, place in paths.items():
        try:
            gradients |= _asked(evaluate, function, arguments, expected, {path: place})[1]
        except Exception as error:
            raised[path] = _words(error)
    return output, gradients, raised


def _asked(
    evaluate: Evaluate,
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    expected: Expected,
    paths: Mapping[str, str],
) -> tuple[Any, dict[str, Any]]:
    output, vjp = evaluate(function, arguments, tuple(paths.values()))
    if not paths or mismatch(expected.output, output):
        return output, {}
    found = vjp(expected.grad_output)
    return output, {path: found[place] for path, place in paths.items()}


def _words(error: Exception) -> str:
    return " ".join(f"raised {type(error).__name__}: {error}".split())[:200]
