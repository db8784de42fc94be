"""Analytic against numeric: which elements agree, and what the disagreement of the others means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .._structure import leaves
from .._validate import Array, IntArray
from . import witness
from .pair import Pair
from .report import FAIL, INCONCLUSIVE, PASS, ArgumentReport, ElementReport, worst_verdict

EVERY_ELEMENT = 2000  # up to this many elements each is compared; above, random directions
TOLERANCE = 1e-8  # relative to the largest entry of the gradient
TIGHT = 1e-9  # what is asked where SciPy's own estimate says that it is known better
CLEAR = TIGHT / 10  # where the quick look, which is right to about 1e-12, agrees so well, a closer one adds nothing
SHOWN = 3  # elements in a report
BATCH = 8  # elements looked at more closely at a time
SURVEYED = 64  # elements of a wrong gradient looked at more closely: those where the two sides do not agree
SIDES = 1e-4  # of the largest entry: how far the slopes of the two sides may lie apart at a smooth place
SAMPLE = 128  # elements of a large array that is wrong, chosen at random
DIRECTIONS = 2
SINGLE = 2.0**29  # how much coarser float32 is than float64
KINK = "a kink"
NOISE = "within the error of the finite differences"
IN_SINGLE = "which computes in float32"  # how the note on its rounding ends
ROUNDED = 8 * float(np.finfo(np.float32).eps)  # of the largest entry: what a gradient loses in float32


def compare_argument(pair: Pair, name: str, at_kink: bool, elementwise: bool) -> Iterator[ArgumentReport]:
    """A report for each floating array in the argument."""
    gradients = dict(leaves(pair.gradients[name], name))
    first = next(iter(pair.bound.arguments))
    for path, x in leaves(pair.bound.arguments[name], name):
        if path not in gradients:  # an integer or boolean array within a structure
            continue
        analytic = np.asarray(gradients[path], dtype=np.float64)
        if analytic.shape != x.shape:
            yield _wrong_shape(pair, name, path, x, analytic)
            continue
        loss = pair.loss(name, path)
        # Below the floor the witness sees nothing. A gradient that is exactly 0 may belong to an output that is 0 as
        # well: there the size of what the step itself adds to the output sets the floor.
        floor = pair.rounding(spread=0.0 if analytic.any() else witness.STEP) / witness.STEP
        if elementwise and name == first and np.shape(pair.output) == x.shape:
            numeric = witness.elementwise(pair.elementwise_loss(name, path), x)
        elif x.size <= EVERY_ELEMENT:
            numeric = witness.coordinates(loss, x, np.arange(x.size)) if x.size else np.zeros(0)
        else:
            yield _compare_directions(pair, name, path, x, analytic, floor)
            continue
        yield _Elements(pair, name, path, x, analytic, floor, at_kink).report(np.arange(x.size), numeric)


class _Elements:
    """The comparison of single elements of one array."""

    def __init__(
        self, pair: Pair, name: str, path: str, x: Array, analytic: Array, floor: float, at_kink: bool
    ) -> None:
        self.pair, self.name, self.path, self.x, self.floor, self.at_kink = pair, name, path, x, floor, at_kink
        self.loss = pair.loss(name, path)
        self.analytic = analytic.reshape(-1)
        with np.errstate(all="ignore"):
            self.single = x.size > 1 and np.array_equal(analytic, analytic.astype(np.float32))

    def report(self, index: IntArray, numeric: Array, method: str = "every element") -> ArgumentReport:
        """The verdict on the elements `index`, given their derivatives from the quick look."""
        analytic = self.analytic[index]
        finite = np.abs(np.concatenate([analytic, numeric]))
        size = float(np.max(finite, initial=0.0, where=np.isfinite(finite)))
        if size <= self.floor and np.isfinite(analytic).all() and np.isfinite(numeric).all():
            note = "zero to the precision of the output" if size else ""
            nothing = np.zeros(self.x.shape, dtype=bool)
            return ArgumentReport(
                self.path, self.x.shape, PASS, 0.0, (), method, note,
                analytic=self.analytic.reshape(self.x.shape), numeric=self._whole(index, numeric), wrong=nothing,
            )  # fmt: skip

        difference = np.abs(analytic - numeric) / size if size else np.full(len(index), np.nan)
        order = np.argsort(np.where(np.isnan(difference), np.inf, difference))[::-1]
        suspects = int((~(difference <= TOLERANCE)).sum())
        examined: list[ElementReport] = []
        numeric = numeric.copy()
        # Where nothing is wrong the worst element must still meet the tighter bound that its estimate sets.
        looked_at = max(suspects, int(not difference[order[0]] <= CLEAR))
        for start in range(0, looked_at, BATCH):
            batch = order[start : min(start + BATCH, looked_at)]
            seen = list(self._examine(index[batch], size))
            difference[batch] = [abs(e.analytic - e.numeric) / size if size else np.nan for e in seen]
            numeric[batch] = [e.numeric for e in seen]
            examined += seen
            if any(element.verdict == FAIL for element in seen):
                break
        verdict = worst_verdict([element.verdict for element in examined])
        surveyed = list(examined)
        wrong = np.zeros(len(index), dtype=bool)
        if verdict == FAIL:
            wrong, more = self._survey(index, numeric, order[:looked_at], examined, size)
            surveyed += more
        shown = sorted(examined, key=lambda e: ((FAIL, INCONCLUSIVE, PASS).index(e.verdict), -_distance(e)))
        if self.at_kink and verdict == PASS:
            difference = difference[[i for i in range(len(index)) if difference[i] <= TOLERANCE]]
        largest = float(np.max(np.nan_to_num(difference, nan=np.inf), initial=0.0))
        unsettled = tuple(e for e in surveyed if e.verdict == INCONCLUSIVE or e.slopes)
        return ArgumentReport(
            self.path, self.x.shape, verdict, largest, tuple(shown[:SHOWN]), method,
            analytic=self.analytic.reshape(self.x.shape), numeric=self._whole(index, numeric),
            wrong=self._whole(index, wrong) == 1, unsettled=unsettled,
        )  # fmt: skip

    def _whole(self, index: IntArray, values: Any) -> Array:
        """An array of the argument's shape with the elements `index`, the others NaN."""
        whole = np.full(self.x.size, np.nan)
        whole[index] = values
        return whole.reshape(self.x.shape)

    def _survey(
        self, index: IntArray, numeric: Array, suspects: IntArray, examined: list[ElementReport], size: float
    ) -> tuple[Any, list[ElementReport]]:
        """Which of the elements `index` are wrong, and a closer look at those where the two sides do not agree.

        suspects: places in `index`, the ones examined first; `numeric` takes the values that are known better.
        """
        wrong, rest = np.zeros(len(index), dtype=bool), suspects[len(examined) :]
        left, right = (witness.coordinates(self.loss, self.x, index[rest], side) for side in (-1, 1))
        apart = np.abs(self.analytic[index[rest]] - numeric[rest])
        with np.errstate(invalid="ignore"):
            smooth = np.abs(left - right) <= SIDES * size
            wrong[rest] = smooth & ~(apart <= max(TOLERANCE * size, self.floor))
        doubtful = rest[~smooth]
        numeric[doubtful[SURVEYED:]] = np.nan
        doubtful = doubtful[:SURVEYED]
        seen = list(self._examine(index[doubtful], size)) if len(doubtful) else []
        numeric[doubtful] = [element.numeric for element in seen]
        wrong[doubtful] = [element.verdict == FAIL for element in seen]
        wrong[suspects[: len(examined)]] = [element.verdict == FAIL for element in examined]
        return wrong, seen

    def _examine(self, index: IntArray, size: float) -> Iterator[ElementReport]:
        """A second, adaptive look at some elements, with SciPy's error estimates, and their verdicts."""
        numeric, error = witness.closer(self.loss, self.x, index)
        sides = [np.full((2, len(index)), np.nan)] * 2
        if not self._agrees(index, numeric, error, size).all():
            sides = [np.stack(witness.closer(self.loss, self.x, index, direction)) for direction in (-1, 1)]
            numeric, error = self._at_the_edge(index, np.stack([numeric, error]), *sides)
        agrees = self._agrees(index, numeric, error, size)
        for k, i in enumerate(index):
            analytic = float(self.analytic[i])
            slopes = None
            if agrees[k]:
                verdict, note = PASS, ""
            else:
                verdict, note = self._disagreement(
                    analytic, float(numeric[k]), float(error[k]), sides[0][:, k], sides[1][:, k], size
                )
                if note.startswith(KINK):
                    slopes = float(sides[0][0, k]), float(sides[1][0, k])
            position = tuple(int(p) for p in np.unravel_index(int(i), self.x.shape)) if self.x.ndim else ()
            yield ElementReport(position, analytic, float(numeric[k]), float(error[k]), verdict, note, slopes)

    def _agrees(self, index: IntArray, numeric: Array, error: Array, size: float) -> Any:
        bound = np.minimum(TOLERANCE * size, TIGHT * size + witness.TRUST * error)
        return np.abs(self.analytic[index] - numeric) <= bound

    def _at_the_edge(self, index: IntArray, both: Array, left: Array, right: Array) -> Array:
        """(slope, error) from the one side that there is, where the other leaves the domain: a probability of 0 or 1.

        Not where the gradient is infinite: no finite step tells an infinite slope.
        """
        has_left, has_right = np.isfinite(left[0]), np.isfinite(right[0])
        edge = ~np.isfinite(both[0]) & (has_left != has_right) & ~np.isinf(self.analytic[index])
        return np.where(edge, np.where(has_left, left, right), both)

    def _disagreement(
        self, analytic: float, numeric: float, error: float, left: Any, right: Any, size: float
    ) -> tuple[str, str]:
        """Why an element differs: a kink, a witness that cannot tell, or a wrong gradient."""
        if not np.isfinite(analytic):
            if np.isfinite(numeric):
                return FAIL, "the analytic gradient is not finite"
            return INCONCLUSIVE, "neither is finite"
        (left_slope, left_error), (right_slope, right_error) = left, right
        slack = TOLERANCE * size + witness.TRUST * max(left_error, right_error)
        if abs(left_slope - right_slope) > 10 * slack:
            slopes = f"{KINK}: slopes {left_slope:.6g} and {right_slope:.6g}"
            between = min(left_slope, right_slope) - slack <= analytic <= max(left_slope, right_slope) + slack
            if not between:
                return FAIL, f"{slopes}, and the analytic value is not between them"
            return (PASS, slopes) if self.at_kink else (INCONCLUSIVE, f"{slopes}; move the input off it")
        difference = abs(analytic - numeric)
        if not np.isfinite(numeric):
            return INCONCLUSIVE, "the finite differences are not finite: the step leaves the domain"
        if difference <= max(witness.TRUST * error, self.floor):
            return INCONCLUSIVE, NOISE
        if difference <= SINGLE * self.floor and self.pair.computes_in_single(self.name, self.path, self.x):
            return INCONCLUSIVE, f"within the rounding of forward, {IN_SINGLE}"
        if difference <= ROUNDED * size and self.single:
            return INCONCLUSIVE, f"within the rounding of backward, {IN_SINGLE}"
        return FAIL, ""


def _distance(element: ElementReport) -> float:
    return float(np.nan_to_num(abs(element.analytic - element.numeric), nan=np.inf))


def _wrong_shape(pair: Pair, name: str, path: str, x: Array, analytic: Array) -> ArgumentReport:
    """It is wrong, whatever its numbers; the finite differences are for the diagnosis."""
    note = f"shape {analytic.shape}, and it must be {x.shape}"
    small = x.size <= EVERY_ELEMENT
    numeric = np.full(x.shape, np.nan)
    if small and x.size:
        numeric = witness.coordinates(pair.loss(name, path), x, np.arange(x.size)).reshape(x.shape)
    return ArgumentReport(
        path, x.shape, FAIL, float("inf"), (), "shape", note, analytic=analytic, numeric=numeric,
        wrong=np.ones(x.shape, dtype=bool),
    )  # fmt: skip


def _compare_directions(pair: Pair, name: str, path: str, x: Array, analytic: Array, floor: float) -> ArgumentReport:
    """A large array along random unit directions; where they fail, the search for an element that is wrong."""
    rng, loss = np.random.default_rng(0), pair.loss(name, path)
    verdicts, differences = [], []
    size = float(np.linalg.norm(analytic))
    for _ in range(DIRECTIONS):
        direction = rng.standard_normal(x.shape)
        direction /= np.linalg.norm(direction)
        numeric, error = witness.along(loss, x, direction)
        difference = abs(float(np.vdot(analytic, direction)) - numeric)
        size = max(size, abs(numeric)) if np.isfinite(numeric) else size
        if size <= floor or difference <= min(TOLERANCE * size, TIGHT * size + witness.TRUST * error):
            verdicts.append(PASS)
        elif not difference > max(witness.TRUST * error, floor):
            verdicts.append(INCONCLUSIVE)
        else:
            verdicts.append(FAIL)
        differences.append(difference / size if size else 0.0)
    verdict, largest = worst_verdict(verdicts), float(np.max(np.nan_to_num(differences, nan=np.inf)))
    if verdict == PASS:
        return ArgumentReport(path, x.shape, PASS, largest, (), "directions", analytic=analytic)
    index = _narrow(loss, x, analytic, rng)
    elements = _Elements(pair, name, path, x, analytic, floor, False)
    found = elements.report(index, witness.coordinates(loss, x, index))
    if verdict == FAIL:  # what is wrong can only be told from elements all over the array
        index = np.union1d(index, rng.choice(x.size, SAMPLE, replace=False))
        sample = elements.report(index, witness.coordinates(loss, x, index))
        found = replace(sample, worst=found.worst, note=found.note)
    return replace(found, verdict=verdict, difference=largest, method="directions")


def _narrow(loss: Callable[[Array], float], x: Array, analytic: Array, rng: np.random.Generator) -> IntArray:
    """Some 64 elements that hold a wrong one: halve the array, and keep the half that disagrees more."""
    index = np.arange(x.size)
    while len(index) > 64:
        halves = np.array_split(index, 2)
        wrong = []
        for half in halves:
            direction = np.zeros(x.size)
            direction[half] = rng.standard_normal(len(half))
            direction = (direction / np.linalg.norm(direction)).reshape(x.shape)
            numeric, _ = witness.along(loss, x, direction)
            wrong.append(np.nan_to_num(abs(float(np.vdot(analytic, direction)) - numeric), nan=np.inf))
        index = halves[int(np.argmax(wrong))]
    return index
