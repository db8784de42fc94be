"""Schedules of the rate and, against it, of the momentum."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ... import _validate
from ._curves import between, check_step, cosine, count, function, rate

__all__ = ["RateAndMomentum", "cyclic_lr", "one_cycle_lr"]


class RateAndMomentum(NamedTuple):
    lr: float
    momentum: float | None  # Adam's betas[0], SGD's momentum; None without cycle_momentum


def cyclic_lr(
    step: int,
    base_lr: float,
    max_lr: float,
    step_size_up: float = 2000,
    step_size_down: float | None = None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn: Callable[[int], float] | None = None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum: float = 0.8,
    max_momentum: float = 0.9,
) -> RateAndMomentum:
    """Up and down in straight lines, again and again; the momentum goes down and up.

    lr = base_lr + (max_lr - base_lr) h f, momentum = max_momentum - (max_momentum - base_momentum) h f

    h rises from 0 to 1 within step_size_up steps and falls within step_size_down, which is step_size_up if None. f is
    1 ("triangular"), 2^(1 - c) in cycle c = 1, 2, ... ("triangular2"), or gamma^step ("exp_range"). If given,
    scale_fn(c), or scale_fn(step) for the scale_mode "iterations", takes the place of all three.

    Raises: ValueError where a size is not above 0, mode or scale_mode is unknown, or step, gamma, a rate or
        a momentum is below 0.
    Source: torch.optim.lr_scheduler.CyclicLR; Smith 2017.
    Derived: derivations/schedules.md.
    """
    op = "cyclic_lr"
    step, base_lr, max_lr = check_step(op, step), rate(op, "base_lr", base_lr), rate(op, "max_lr", max_lr)
    up = _validate.number(op, "step_size_up", step_size_up, above=0)
    down = up if step_size_down is None else _validate.number(op, "step_size_down", step_size_down, above=0)
    _validate.one_of(op, "mode", mode, ("triangular", "triangular2", "exp_range"))
    _validate.one_of(op, "scale_mode", scale_mode, ("cycle", "iterations"))
    gamma = rate(op, "gamma", gamma)
    momenta = _check_momenta(op, cycle_momentum, base_momentum, max_momentum)

    position = math.fmod(step, up + down)
    cycle = 1 + round((step - position) / (up + down))
    height = position / up if position <= up else (up + down - position) / down
    if scale_fn is not None:
        function(op, "scale_fn", scale_fn)
        height *= float(scale_fn(cycle if scale_mode == "cycle" else step))
    elif mode == "triangular2":
        height = math.ldexp(height, 1 - cycle)
    elif mode == "exp_range":
        height *= gamma**step
    momentum = None if momenta is None else between(momenta[1], momenta[0], height)
    return RateAndMomentum(between(base_lr, max_lr, height), momentum)


def one_cycle_lr(
    step: int,
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> RateAndMomentum:
    """Once up to max_lr and once down to almost nothing; the momentum goes down and up.

    With T = total_steps, or epochs steps_per_epoch, and s = pct_start T, lr goes

        from max_lr / div_factor at step 0 to max_lr at step s - 1,
        (three_phase: back to max_lr / div_factor at step 2 s - 2,)
        to max_lr / div_factor / final_div_factor at step T - 1, the last,

    the momentum from max_momentum to base_momentum, back, and stays, each along half a wave of the cosine ("cos") or a
    line ("linear").

    Raises: ValueError where the number of steps is not told, step is not below it, pct_start lies outside 0 to 1, a
        factor is not above 0, or anneal_strategy is unknown.
    Source: torch.optim.lr_scheduler.OneCycleLR; Smith and Topin 2019. There step T has a rate as well, past the
        lowest one; here it is refused.
    Derived: derivations/schedules.md.
    """
    op = "one_cycle_lr"
    step, max_lr = check_step(op, step), rate(op, "max_lr", max_lr)
    total = _total_steps(op, total_steps, epochs, steps_per_epoch)
    if step >= total:
        raise ValueError(f"{op}: step must be below the number of steps {total}, got {step}")
    pct_start = _validate.number(op, "pct_start", pct_start, at_least=0, at_most=1)
    _validate.one_of(op, "anneal_strategy", anneal_strategy, ("cos", "linear"))
    momenta = _check_momenta(op, cycle_momentum, base_momentum, max_momentum)
    start_lr = max_lr / _validate.number(op, "div_factor", div_factor, above=0)
    end_lr = start_lr / _validate.number(op, "final_div_factor", final_div_factor, above=0)
    three_phase = _validate.boolean(op, "three_phase", three_phase)

    # where each phase ends: (step, lr, whether the momentum is high there)
    top = (pct_start * total - 1, max_lr, False)
    middle = ((2 * pct_start * total - 2, start_lr, True),) if three_phase else ()
    phases = ((0.0, start_lr, True), top, *middle, (total - 1.0, end_lr, True))
    i = next((i for i in range(1, len(phases)) if step <= phases[i][0]), len(phases) - 1)
    (begin, from_lr, was_high), (end, to_lr, is_high) = phases[i - 1 : i + 1]
    rest = (end - step) / (end - begin) if end != begin else 0.0

    def way(start: float, end: float) -> float:
        return cosine(start, end, rest) if anneal_strategy == "cos" else between(start, end, 1 - rest)

    momentum = None if momenta is None else way(momenta[was_high], momenta[is_high])
    return RateAndMomentum(way(from_lr, to_lr), momentum)


def _total_steps(op: str, total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return count(op, "total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(f"{op}: total_steps, or epochs and steps_per_epoch, must be given, got None")
    return count(op, "epochs", epochs) * count(op, "steps_per_epoch", steps_per_epoch)


def _check_momenta(op: str, cycle_momentum: bool, base: float, top: float) -> tuple[float, float] | None:
    """The lowest and the highest momentum; None where it is left alone."""
    if not _validate.boolean(op, "cycle_momentum", cycle_momentum):
        return None
    return rate(op, "base_momentum", base), rate(op, "max_momentum", top)
