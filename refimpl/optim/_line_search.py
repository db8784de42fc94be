"""The search for a step along a direction that meets the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .._validate import Array

SUFFICIENT_DECREASE = 1e-4  # c1: the loss falls by at least this part of what the slope at the start promises
CURVATURE = 0.9  # c2: the slope is at most this part of that at the start


class Point(NamedTuple):
    """A point x + t d on the line that is searched."""

    t: float
    loss: float
    gradient: Array  # (n,)
    slope: float  # of the loss along the line: the gradient times d


Evaluate = Callable[[float], Point]


def strong_wolfe(
    evaluate: Evaluate, start: Point, t: float, length: float, tolerance_change: float, max_steps: int
) -> tuple[Point, int]:
    """A point after `start` that meets the conditions, or the best found, and how often the loss was evaluated.

    t is the first step tried and `length` the largest entry of the direction. At least one point is evaluated, and
    after it at most max_steps.
    """
    bracket, done, steps = _bracketed(evaluate, start, evaluate(t), max_steps)
    stuck = False
    low, high = _ordered(bracket)
    while not done and steps < max_steps:
        if abs(bracket[1].t - bracket[0].t) * length < tolerance_change:
            break
        t, stuck = _off_the_ends(cubic_minimum(bracket[0], bracket[1]), bracket[0].t, bracket[1].t, stuck)
        point = evaluate(t)
        steps += 1
        if _too_high(point, start) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = _ordered(bracket)
        else:
            done = _flat_enough(point, start)
            if not done and point.slope * (bracket[high].t - bracket[low].t) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = point
    return bracket[low], steps + 1


def _bracketed(evaluate: Evaluate, start: Point, point: Point, max_steps: int) -> tuple[list[Point], bool, int]:
    """Two points with a step that meets the conditions in between, or one that meets them; whether it does; steps."""
    last, steps = start, 0
    while steps < max_steps:
        if _too_high(point, start) or (steps > 1 and point.loss >= last.loss):
            return [last, point], False, steps
        if _flat_enough(point, start):
            return [point], True, steps
        if point.slope >= 0:
            return [last, point], False, steps
        bounds = point.t + 0.01 * (point.t - last.t), 10 * point.t
        last, point = point, evaluate(cubic_minimum(last, point, bounds))
        steps += 1
    return [start, point], False, steps


def _too_high(point: Point, start: Point) -> bool:
    return point.loss > start.loss + SUFFICIENT_DECREASE * point.t * start.slope


def _flat_enough(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _ordered(bracket: list[Point]) -> tuple[int, int]:
    """The indices of the lower and the higher end; with a NaN the second is taken for the lower, as in PyTorch."""
    return (0, 1) if bracket[0].loss <= bracket[-1].loss or len(bracket) == 1 else (1, 0)


def _off_the_ends(t: float, first: float, second: float, stuck: bool) -> tuple[float, bool]:
    """t, moved inwards by a tenth of the bracket where it is near an end for the second time, or beyond one."""
    longest, shortest = max(first, second), min(first, second)
    margin = 0.1 * (longest - shortest)
    if not min(longest - t, t - shortest) < margin:
        return t, False
    if not (stuck or t >= longest or t <= shortest):
        return t, True
    nearer_longest = abs(t - longest) < abs(t - shortest)
    return (longest - margin if nearer_longest else shortest + margin), False


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through both losses with both slopes has its minimum, within the bounds; else their middle.

    e = a' + b' - 3 (f_a - f_b) / (a - b)
    t = b - (b - a) (b' + r - e) / (b' - a' + 2 r),    r = sqrt(e^2 - a' b'),    a the left end

    Without bounds they are a and b.
    """
    if not a.t <= b.t:
        a, b = b, a
    lowest, highest = bounds or (a.t, b.t)
    e = a.slope + b.slope - np.divide(3 * (a.loss - b.loss), a.t - b.t)
    square = e * e - a.slope * b.slope
    if not square >= 0:
        return (lowest + highest) / 2
    r = np.sqrt(square)
    t = b.t - (b.t - a.t) * np.divide(b.slope + r - e, b.slope - a.slope + 2 * r)
    return float(min(max(t, lowest), highest))
