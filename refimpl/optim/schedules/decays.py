"""Schedules that multiply the base rate by a factor."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence

from ... import _validate
from ._curves import between, check_step, count, function, rate

__all__ = [
    "constant_lr",
    "exponential_lr",
    "lambda_lr",
    "linear_lr",
    "multi_step_lr",
    "multiplicative_lr",
    "polynomial_lr",
    "step_lr",
]


def lambda_lr(step: int, base_lr: float, lr_lambda: Callable[[int], float]) -> float:
    """The base rate times any function of the step: base_lr lr_lambda(step).

    Source: torch.optim.lr_scheduler.LambdaLR.
    Derived: derivations/schedules.md.
    """
    op = "lambda_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    function(op, "lr_lambda", lr_lambda)
    return base_lr * float(lr_lambda(step))


def multiplicative_lr(step: int, base_lr: float, lr_lambda: Callable[[int], float]) -> float:
    """One more factor at every step: base_lr lr_lambda(1) lr_lambda(2) ... lr_lambda(step).

    Source: torch.optim.lr_scheduler.MultiplicativeLR.
    Derived: derivations/schedules.md.
    """
    op = "multiplicative_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    function(op, "lr_lambda", lr_lambda)
    return math.prod((float(lr_lambda(t)) for t in range(1, step + 1)), start=base_lr)


def step_lr(step: int, base_lr: float, step_size: int, gamma: float = 0.1) -> float:
    """The factor gamma every step_size steps: base_lr gamma^floor(step / step_size).

    Raises: ValueError where step_size is below 1, or step, base_lr or gamma below 0.
    Source: torch.optim.lr_scheduler.StepLR.
    Derived: derivations/schedules.md.
    """
    op = "step_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    step_size = count(op, "step_size", step_size)
    return base_lr * rate(op, "gamma", gamma) ** (step // step_size)


def multi_step_lr(step: int, base_lr: float, milestones: Sequence[int], gamma: float = 0.1) -> float:
    """The factor gamma at every milestone: base_lr gamma^(the number of milestones up to step).

    A milestone that is named twice counts twice; their order is free.

    Raises: ValueError where a milestone, step, base_lr or gamma is below 0.
    Source: torch.optim.lr_scheduler.MultiStepLR.
    Derived: derivations/schedules.md.
    """
    op = "multi_step_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    reached = sorted(count(op, f"milestones[{i}]", milestone, 0) for i, milestone in enumerate(milestones))
    return base_lr * rate(op, "gamma", gamma) ** bisect_right(reached, step)


def constant_lr(step: int, base_lr: float, factor: float = 1 / 3, total_iters: int = 5) -> float:
    """A smaller rate for the first steps: base_lr factor before step total_iters, base_lr from there on.

    Raises: ValueError where factor lies outside 0 to 1, total_iters is below 1, or step or base_lr below 0.
    Source: torch.optim.lr_scheduler.ConstantLR.
    Derived: derivations/schedules.md.
    """
    op = "constant_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    factor = _validate.number(op, "factor", factor, at_least=0, at_most=1)
    return base_lr * factor if step < count(op, "total_iters", total_iters) else base_lr


def linear_lr(
    step: int, base_lr: float, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
) -> float:
    """A factor that goes in a straight line from start_factor to end_factor, and stays there.

    base_lr ((1 - r) start_factor + r end_factor) with r = min(step / total_iters, 1)

    Raises: ValueError where start_factor is not above 0 and at most 1, end_factor lies outside 0 to 1, total_iters is
        below 1, or step or base_lr below 0.
    Source: torch.optim.lr_scheduler.LinearLR.
    Derived: derivations/schedules.md.
    """
    op = "linear_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    start_factor = _validate.number(op, "start_factor", start_factor, above=0, at_most=1)
    end_factor = _validate.number(op, "end_factor", end_factor, at_least=0, at_most=1)
    total_iters = count(op, "total_iters", total_iters)
    return base_lr * between(start_factor, end_factor, min(step, total_iters) / total_iters)


def exponential_lr(step: int, base_lr: float, gamma: float) -> float:
    """The factor gamma at every step: base_lr gamma^step.

    Source: torch.optim.lr_scheduler.ExponentialLR.
    Derived: derivations/schedules.md.
    """
    op = "exponential_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    return base_lr * rate(op, "gamma", gamma) ** step


def polynomial_lr(step: int, base_lr: float, total_iters: int = 5, power: float = 1.0) -> float:
    """A power of the steps that are left: base_lr (1 - min(step, total_iters) / total_iters)^power.

    Raises: ValueError where total_iters is below 1, or step, base_lr or power below 0.
    Source: torch.optim.lr_scheduler.PolynomialLR.
    Derived: derivations/schedules.md.
    """
    op = "polynomial_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    total_iters = count(op, "total_iters", total_iters)
    power = _validate.number(op, "power", power, at_least=0)
    return base_lr * (max(total_iters - step, 0) / total_iters) ** power
