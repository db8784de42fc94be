"""Runs of L-BFGS of which every evaluation is compared with PyTorch's, and the functions that they run on.

A function maps a vector to its loss and gradient; some of them lie, or have places where there is no number. What
PyTorch evaluates is recorded by tests/golden/record.py into tests/golden/searches.npz.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


def rosenbrock(p):
    """A curved valley."""
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def waves(p):
    """Many minima along the line."""
    return float(np.sum(np.cos(3 * p) + p * p / 10)), -3 * np.sin(3 * p) + p / 5


def barrier(p):
    """NaN where p is not positive."""
    with np.errstate(all="ignore"):
        return float(np.sum(p - np.log(p))), 1 - 1 / p


def cliff(p):
    """Infinite beyond 2, with a slope that knows nothing of it."""
    return (float(np.sum(-p)) if np.all(p < 2) else np.inf), -np.ones_like(p)


def slide(p):
    """Downhill for ever."""
    return float(-np.sum(p)), -np.ones_like(p)


def edge(p):
    """Steep to one side of 1 and almost level to the other: the cubic's minimum is near an end of the bracket."""
    d = p - 1
    return float(np.sum(np.where(d < 0, 1e-3, 100) * d * d)), np.where(d < 0, 2e-3, 200) * d


def kink(p):
    """No slope is ever small."""
    return float(np.sum(np.abs(p - 0.3))), np.where(p > 0.3, 1.0, -1.0)


def liar(p):
    """The gradient says downhill where it is uphill."""
    return float(np.sum(p * p)), -2 * p


def keeps(part):
    """A loss that falls by this part of what its slope promises."""
    return lambda p: (float(-part * np.sum(p)), -np.ones_like(p))


def stairs(p):
    """Level between jumps down and up, with a slope that says downhill everywhere."""
    return float(np.sum(np.select([p < 0.5, p < 1.1, p < 1.3], [0.0, -2.0, -1.0], -3.0))), -np.ones_like(p)


def cliffs(p):
    """So steep that the loss changes by much over steps of nothing."""
    return float(np.sum(p)) * 1e6, np.full_like(p, 1e6)


def flat(p):
    """A gradient above the tolerance whose square is below it."""
    return float(np.sum(p)) * 1e-6, np.full_like(p, 1e-6)


class Search(NamedTuple):
    function: Callable[[Any], Any]
    start: tuple[float, ...]
    options: dict[str, Any]
    updates: int = 1
    fault_at: int = 0  # the call that returns something else, counted from 1
    loss: float | None = None  # what it returns
    slope: float | None = None

    def closure(self):
        """The function as it is called in this run, and the list of the points at which it was."""
        points = []

        def evaluate(p):
            points.append(np.array(p))
            loss, gradient = self.function(p)
            if len(points) == self.fault_at:
                loss = loss if self.loss is None else self.loss
                gradient = gradient if self.slope is None else np.full_like(gradient, self.slope)
            return loss, gradient

        return evaluate, points


WOLFE = {"line_search_fn": "strong_wolfe"}
NAN, INF = float("nan"), float("inf")
VALLEY = (-1.2, 1.0)
SEARCHES = {
    "a valley, fixed steps": Search(rosenbrock, VALLEY, {"lr": 0.001}, 5),
    "a valley, fixed steps that are too long": Search(rosenbrock, VALLEY, {"lr": 0.5}, 3),
    "a valley": Search(rosenbrock, VALLEY, WOLFE, 2),
    "a valley, one iteration at a time": Search(rosenbrock, VALLEY, {**WOLFE, "max_iter": 1}, 12),
    "a valley, from afar": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 10.0}),
    "a valley, from near": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.001}, 3),
    "a valley, one pair": Search(rosenbrock, VALLEY, {**WOLFE, "history_size": 1}),
    "a valley, few evaluations": Search(rosenbrock, VALLEY, {**WOLFE, "max_eval": 4}, 6),
    "a valley, one evaluation": Search(rosenbrock, VALLEY, {**WOLFE, "max_eval": 1}, 6),
    "a valley, a coarse bracket will do": Search(rosenbrock, VALLEY, {**WOLFE, "tolerance_change": 0.3}, 6),
    "a valley, a coarse gradient will do": Search(rosenbrock, VALLEY, {**WOLFE, "tolerance_grad": 5.0}, 4),
    "waves": Search(waves, (0.7, 2.0, -4.0), WOLFE, 2),
    "waves, from afar": Search(waves, (0.7, 2.0, -4.0), {**WOLFE, "lr": 40.0}, 2),
    "a barrier": Search(barrier, (0.1, 3.0), {**WOLFE, "lr": 2.0}),
    "a barrier, jumped over": Search(barrier, (1.5, 3.0), {**WOLFE, "lr": 8.0}),
    "a barrier, fixed steps": Search(barrier, (1.5, 3.0), {"lr": 8.0, "max_iter": 4}, 2),
    "a cliff": Search(cliff, (0.0, 0.5), {**WOLFE, "lr": 0.3}),
    "a slide": Search(slide, (0.0, 0.5), {**WOLFE, "lr": 0.3, "max_iter": 4}, 2),
    "an edge": Search(edge, (-2.0,), {**WOLFE, "lr": 2000.0}),
    "an edge, from the other side": Search(edge, (3.0, 0.5), {**WOLFE, "lr": 3.0}),
    "a kink": Search(kink, (0.0, 1.0), {**WOLFE, "lr": 2.0}),
    "a liar": Search(liar, (1.0, -0.5), WOLFE),
    "just enough of what the slope promises": Search(keeps(1.1e-4), (0.0,), {**WOLFE, "max_iter": 4}),
    "not enough of what the slope promises": Search(keeps(0.9e-4), (0.0,), {**WOLFE, "max_iter": 4}),
    "stairs": Search(stairs, (0.0,), WOLFE, 2),
    "steps too short to count": Search(cliffs, (1.0,), {"lr": 1e-10}, 2),
    "a flat place": Search(flat, (1.0, 2.0), WOLFE, 3),
    "a minimum": Search(rosenbrock, (1.0, 1.0), WOLFE, 2),
    "a loss that is NaN": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01}, 1, 4, loss=NAN),
    "a loss that is NaN at the start": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01, "max_iter": 3}, 2, 1, loss=NAN),
    "a loss that is infinite": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01}, 1, 4, loss=INF),
    "a loss that is minus infinite": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01}, 1, 4, loss=-INF),
    "a loss that is infinite at the last evaluation": Search(
        rosenbrock, VALLEY, {**WOLFE, "lr": 0.001, "max_eval": 2}, 2, 3, loss=INF
    ),
    "a gradient that is NaN": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01, "max_iter": 4}, 1, 5, slope=NAN),
    "a gradient that is NaN at the start": Search(rosenbrock, VALLEY, {**WOLFE, "max_iter": 3}, 2, 1, slope=NAN),
    "a gradient that is infinite": Search(rosenbrock, VALLEY, {**WOLFE, "lr": 0.01, "max_iter": 4}, 1, 5, slope=INF),
    "a gradient that is NaN, fixed steps": Search(rosenbrock, VALLEY, {"lr": 0.001, "max_iter": 5}, 2, 3, slope=NAN),
    "a loss that is NaN, fixed steps": Search(rosenbrock, VALLEY, {"lr": 0.001, "max_iter": 5}, 2, 3, loss=NAN),
}
