"""What another implementation answered, held to the vectors: op by op, array by array."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._encoding import Reference, references
from ._folder import PRECISIONS, VectorsError, expected_arrays, read_index
from ._results import Flat, read_results

PASS, FAIL, MISSING = "pass", "fail", "missing"
# How far an array may be off, relative to its largest entry. A sum in another order costs some roundings, a formula
# that cancels some thousand: float64 has room for both, and none for a constant that is wrong in its eighth digit.
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


@dataclass(frozen=True)
class ArrayFinding:
    """An array that is missing or wrong."""

    dtype: str  # "" where no array of this name is asked for
    case: str  # likewise
    array: str
    verdict: str
    message: str


@dataclass(frozen=True)
class PrecisionVerdict:
    """An op in one dtype over all its cases."""

    dtype: str
    cases: int
    missing: int  # cases of which an array is missing
    ulp: float | None  # the largest distance of an entry, in units of the last place of the expected one
    difference: float | None  # the largest, relative to the largest entry of its array
    verdict: str


@dataclass(frozen=True)
class OpVerdict:
    """An op over all its cases, in every dtype asked for."""

    name: str
    precisions: tuple[PrecisionVerdict, ...]
    findings: tuple[ArrayFinding, ...]
    answered: bool  # whether there are any results of it

    @property
    def verdict(self) -> str:
        verdicts = {row.verdict for row in self.precisions} | {finding.verdict for finding in self.findings}
        return FAIL if FAIL in verdicts else MISSING if MISSING in verdicts else PASS


class Vectors:
    """A folder of vectors; raises VectorsError where it is not whole."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        self.ops: dict[str, dict[str, Any]] = {op["name"]: op for op in read_index(self.directory)["ops"]}


def verify(
    vectors: Vectors | str | os.PathLike[str],
    names: Iterable[str] | None = None,
    dtypes: Sequence[str] = PRECISIONS,
) -> list[OpVerdict]:
    """Hold the results in a folder of vectors to the expected arrays beside them; the catalog is not asked.

    An array passes if it has the expected shape, NaN and infinities where they are expected, and every other entry
    within TOLERANCE[dtype] times the largest finite entry expected; where all expected are 0, times 1. Integers must
    be equal. An array that is missing never passes.

    names: ops of the folder, by default all.
    dtypes: the halves of the vectors to judge.

    Raises VectorsError where the folder is not whole, or a file of results cannot be read or belongs to no op.
    """
    if not isinstance(vectors, Vectors):
        vectors = Vectors(vectors)
    directory, ops = vectors.directory, vectors.ops
    chosen = list(ops if names is None else names)
    unknown = [name for name in chosen if name not in ops]
    if unknown:
        raise VectorsError(f"{directory} has no vectors of {unknown[0]}")
    results = read_results(directory, list(ops))
    return [_judge_op(ops[name], expected_arrays(directory, ops[name]), results.get(name), dtypes) for name in chosen]


def _judge_op(
    op: Mapping[str, Any],
    expected: Mapping[str, NDArray[Any]],
    results: Mapping[str, NDArray[Any]] | None,
    dtypes: Sequence[str],
) -> OpVerdict:
    found = {} if results is None else results
    asked = {r.name for case in op["cases"] for dtype in PRECISIONS for r in _answers(case[dtype])}
    findings = [
        ArrayFinding("", "", name, FAIL, f"{name} is the name of no output and no gradient in the index")
        for name in found
        if name not in asked
    ]
    rows = []
    for dtype in dtypes:
        row, of_dtype = _judge_precision(op, expected, found, dtype)
        rows.append(row)
        findings += of_dtype
    return OpVerdict(op["name"], tuple(rows), tuple(findings), results is not None)


def _judge_precision(
    op: Mapping[str, Any], expected: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]], dtype: str
) -> tuple[PrecisionVerdict, list[ArrayFinding]]:
    findings, distances, missing = [], [], 0
    for case in op["cases"]:
        absent = 0
        for reference in _answers(case[dtype]):
            name = reference.name
            if name not in found:
                absent += 1
                findings.append(ArrayFinding(dtype, case["name"], name, MISSING, f"{name} is missing"))
                continue
            distance = compare(found[name], expected[name], TOLERANCE[dtype])
            distances.append(distance)
            if distance.message:
                findings.append(ArrayFinding(dtype, case["name"], name, FAIL, f"{name}{distance.message}"))
        missing += absent > 0
    verdicts = {finding.verdict for finding in findings}
    verdict = FAIL if FAIL in verdicts else MISSING if missing or not op["cases"] else PASS
    ulp = max((distance.ulp for distance in distances), default=None)
    difference = max((distance.difference for distance in distances), default=None)
    return PrecisionVerdict(dtype, len(op["cases"]), missing, ulp, difference, verdict), findings


def _answers(call: Mapping[str, Any]) -> list[Reference]:
    """The arrays that an implementation is to answer."""
    return [*references(call["output"]), *references(call["gradients"])]


class Distance(NamedTuple):
    """How far an array is from the expected one."""

    ulp: float
    difference: float
    message: str  # what is wrong, after the array's name; empty where nothing is


def compare(found: NDArray[Any], expected: NDArray[Any], tolerance: float) -> Distance:
    """The largest distance of an entry, in ulps of the expected and relative to the largest expected entry."""
    if isinstance(found, Flat) and found.size == expected.size:
        found = found.reshape(expected.shape).view(np.ndarray)
    wrong = _wrong_kind(found, expected)
    if wrong:
        return Distance(np.inf, np.inf, wrong)
    if expected.dtype.kind != "f":
        unequal = found != expected
        return Distance(np.inf, np.inf, _at(unequal, found, expected)) if unequal.any() else Distance(0.0, 0.0, "")
    with np.errstate(all="ignore"):
        found = found.astype(expected.dtype)
        misplaced = ~np.where(
            np.isfinite(expected), np.isfinite(found), (found == expected) | _both_nan(found, expected)
        )
        if misplaced.any():
            return Distance(np.inf, np.inf, _at(misplaced, found, expected))
        finite = np.isfinite(expected)
        y = np.where(finite, expected, 0).astype(np.float64)
        off = np.abs(np.where(finite, found, 0).astype(np.float64) - y)
        largest = float(np.max(np.abs(y), initial=0.0)) or 1.0
        ulps = off / np.spacing(np.abs(np.where(finite, expected, 0))).astype(np.float64)
        ulp, difference = float(np.max(ulps, initial=0.0)), float(np.max(off / largest, initial=0.0))
    if difference <= tolerance:
        return Distance(ulp, difference, "")
    of_what = " of the largest entry" if expected.any() else ""
    return Distance(ulp, difference, f"{_at(off == np.max(off), found, expected)}: off by {difference:.1e}{of_what}")


def _both_nan(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(a) & np.isnan(b)


def _wrong_kind(found: NDArray[Any], expected: NDArray[Any]) -> str:
    """What keeps the two from being compared, after the array's name."""
    if found.shape != expected.shape:
        flat = f"{found.size} numbers" if isinstance(found, Flat) else f"shape {found.shape}"
        return f" must have shape {expected.shape}, got {flat}"
    if found.dtype.kind not in "biuf":
        return f" must hold real numbers, got dtype {found.dtype}"
    if found.dtype.kind == "f" and expected.dtype.kind == "f" and found.dtype.itemsize < expected.dtype.itemsize:
        return f" must have dtype {expected.dtype}, got {found.dtype}"
    return ""


def _at(where: NDArray[np.bool_], found: NDArray[Any], expected: NDArray[Any]) -> str:
    """The first of these entries, after the array's name."""
    index = tuple(int(i) for i in np.argwhere(where)[0])
    place = f"[{', '.join(map(str, index))}]" if index else ""
    return f"{place} is {found[index]!s}, must be {expected[index]!s}"
