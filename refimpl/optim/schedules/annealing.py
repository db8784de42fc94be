"""Schedules that lead from one rate to another along a cosine or a line."""

from __future__ import annotations

import math

from ... import _validate
from ._curves import between, check_step, cosine, count, rate

__all__ = ["cosine_annealing_lr", "cosine_annealing_warm_restarts", "swa_lr"]


def cosine_annealing_lr(step: int, base_lr: float, T_max: int, eta_min: float = 0.0) -> float:
    """From base_lr down to eta_min at step T_max along half a wave of the cosine, and up again along the next.

    eta_min + (base_lr - eta_min) (1 + cos(pi step / T_max)) / 2

    Raises: ValueError where T_max is below 1, or step, base_lr or eta_min below 0.
    Extremes: exact at every multiple of T_max, and near the bottom as many digits as anywhere.
    Source: torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov and Hutter 2017, without the restarts.
    Derived: derivations/schedules.md.
    """
    op = "cosine_annealing_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    T_max, eta_min = count(op, "T_max", T_max), rate(op, "eta_min", eta_min)
    return cosine(base_lr, eta_min, abs(T_max - step % (2 * T_max)) / T_max)


def cosine_annealing_warm_restarts(
    step: float, base_lr: float, T_0: int, T_mult: int = 1, eta_min: float = 0.0
) -> float:
    """From base_lr towards eta_min along half a wave of the cosine, again and again from the top.

    eta_min + (base_lr - eta_min) (1 + cos(pi t / T)) / 2, with t the steps since the last restart, T the steps
    between that and the next: T_0, T_0 T_mult, T_0 T_mult^2, ...

    The step may be a fraction, an epoch and a part of it.

    Raises: ValueError where T_0 or T_mult is below 1, or step, base_lr or eta_min below 0.
    Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; Loshchilov and Hutter 2017.
    Derived: derivations/schedules.md.
    """
    op = "cosine_annealing_warm_restarts"
    step, base_lr = _validate.number(op, "step", step, at_least=0, below=math.inf), rate(op, "base_lr", base_lr)
    period, T_mult = count(op, "T_0", T_0), count(op, "T_mult", T_mult)
    eta_min = rate(op, "eta_min", eta_min)
    if T_mult == 1:
        step %= period
    while step >= period:
        step -= period
        period *= T_mult
    return cosine(base_lr, eta_min, (period - step) / period)


def swa_lr(step: int, base_lr: float, swa_lr: float, anneal_epochs: int = 10, anneal_strategy: str = "cos") -> float:
    """From base_lr to swa_lr within anneal_epochs steps, along half a wave of the cosine or a line, and there to stay.

    It is for the weights that are averaged; step 0 is the last with the rate that was used before, base_lr.

    Raises: ValueError where anneal_strategy is neither "cos" nor "linear", or a number is below 0.
    Source: torch.optim.swa_utils.SWALR; Izmailov et al. 2018.
    Derived: derivations/schedules.md.
    """
    op = "swa_lr"
    step, base_lr = check_step(op, step), rate(op, "base_lr", base_lr)
    swa_lr = rate(op, "swa_lr", swa_lr)
    anneal_epochs = count(op, "anneal_epochs", anneal_epochs, 0)
    _validate.one_of(op, "anneal_strategy", anneal_strategy, ("cos", "linear"))
    if step >= anneal_epochs:
        return swa_lr
    if anneal_strategy == "linear":
        return between(base_lr, swa_lr, step / anneal_epochs)
    return cosine(base_lr, swa_lr, (anneal_epochs - step) / anneal_epochs)
