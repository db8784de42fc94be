"""Schedules made of schedules."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

from ._curves import check_step, count, function, rate

__all__ = ["chained_scheduler", "sequential_lr"]

Rate = TypeVar("Rate")


def sequential_lr(step: int, schedules: Sequence[Callable[[int], Rate]], milestones: Sequence[int]) -> Rate:
    """One schedule after the other, each a function of the steps since it took over.

    schedules[i](step - milestones[i - 1]) for the last i whose milestones[i - 1] is at most step

        sequential_lr(step, [lambda t: linear_lr(t, 0.1), lambda t: cosine_annealing_lr(t, 0.1, 95)], [5])

    Raises: ValueError where there is not one milestone less than schedules, or they do not increase; TypeError where a
        schedule is not a function.
    Source: torch.optim.lr_scheduler.SequentialLR.
    Derived: derivations/schedules.md.
    """
    op = "sequential_lr"
    step = check_step(op, step)
    _check_schedules(op, "schedules", schedules)
    starts = [count(op, f"milestones[{i}]", milestone, 0) for i, milestone in enumerate(milestones)]
    if len(starts) != len(schedules) - 1:
        raise ValueError(
            f"{op}: milestones must be one less than the schedules, got {len(starts)} for {len(schedules)} schedules"
        )
    if any(b <= a for a, b in pairwise(starts)):
        raise ValueError(f"{op}: milestones must increase, got {starts}")
    i = bisect_right(starts, step)
    return schedules[i](step - (starts[i - 1] if i else 0))


def chained_scheduler(step: int, base_lr: float, factors: Sequence[Callable[[int], float]]) -> float:
    """All schedules at once: base_lr times the factor of each. A factor is a schedule whose base rate is 1.

        chained_scheduler(step, 0.1, [lambda t: constant_lr(t, 1.0), lambda t: exponential_lr(t, 1.0, 0.9)])

    Raises: ValueError where there is no factor, or step or base_lr is below 0; TypeError where a factor is not a
        function.
    Source: torch.optim.lr_scheduler.ChainedScheduler, of schedulers that multiply the current rate. One that sets it
        (LambdaLR, CyclicLR, OneCycleLR, CosineAnnealingWarmRestarts) undoes there all that stand before it.
    Derived: derivations/schedules.md.
    """
    op = "chained_scheduler"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    _check_schedules(op, "factors", factors)
    return math.prod((float(factor(step)) for factor in factors), start=base_lr)


def _check_schedules(op: str, name: str, schedules: Sequence[object]) -> None:
    for i, schedule in enumerate(schedules):
        function(op, f"{name}[{i}]", schedule)
    if not schedules:
        raise ValueError(f"{op}: {name} must hold at least one function of a number, got {schedules!r}")
