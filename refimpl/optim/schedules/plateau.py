"""The schedule that waits until nothing gets better."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ... import _validate
from ._curves import count, rate

__all__ = ["PlateauState", "reduce_lr_on_plateau_init", "reduce_lr_on_plateau_update"]


class PlateauState(NamedTuple):
    lr: float  # the rate to train with
    best: float | None  # the best that was measured; None before the first
    num_bad_epochs: int  # how often in a row nothing better was measured
    cooldown_counter: int  # for how many measurements more a bad one does not count


def reduce_lr_on_plateau_init(lr: float) -> PlateauState:
    """The state before the first measurement."""
    return PlateauState(rate("reduce_lr_on_plateau_init", "lr", lr), None, 0, 0)


def reduce_lr_on_plateau_update(
    metrics: Any,
    state: PlateauState,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 1e-4,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr: float = 0.0,
    eps: float = 1e-8,
) -> PlateauState:
    """Multiply the rate by factor once more than `patience` measurements in a row were not better than the best.

    better, for mode "min":  metrics < best (1 - threshold)  ("rel"),  metrics < best - threshold  ("abs")
            for mode "max":  metrics > best (1 + threshold)  ("rel"),  metrics > best + threshold  ("abs")
    lr = max(lr factor, min_lr), unless that changes it by eps or less

    After that, bad measurements do not count for `cooldown` measurements. NaN is never better.

    Raises: ValueError where mode or threshold_mode is unknown, factor is not below 1, or a number below 0; TypeError
        where state is not the plateau's.
    Source: torch.optim.lr_scheduler.ReduceLROnPlateau.
    Derived: derivations/reduce_lr_on_plateau.md.
    """
    op = "reduce_lr_on_plateau_update"
    metrics = _measured(op, metrics)
    _validate.is_state(op, state, PlateauState)
    _validate.one_of(op, "mode", mode, ("min", "max"))
    factor = _validate.number(op, "factor", factor, at_least=0, below=1)
    patience, cooldown = count(op, "patience", patience, 0), count(op, "cooldown", cooldown, 0)
    threshold = _validate.number(op, "threshold", threshold, at_least=0)
    _validate.one_of(op, "threshold_mode", threshold_mode, ("rel", "abs"))
    min_lr, eps = rate(op, "min_lr", min_lr), _validate.number(op, "eps", eps, at_least=0)

    lr, best, bad, cooling = state
    if _better(metrics, best, mode, threshold, threshold_mode):
        best, bad = metrics, 0
    else:
        bad += 1
    if cooling > 0:
        cooling, bad = cooling - 1, 0
    if bad > patience:
        reduced = max(lr * factor, min_lr)
        lr = reduced if lr - reduced > eps else lr
        cooling, bad = cooldown, 0
    return PlateauState(lr, best, bad, cooling)


def _better(metrics: float, best: float | None, mode: str, threshold: float, threshold_mode: str) -> bool:
    sign = 1 if mode == "min" else -1
    if best is None:
        return sign * metrics < math.inf
    bound = best * (1 - sign * threshold) if threshold_mode == "rel" else best - sign * threshold
    return sign * metrics < sign * bound


def _measured(op: str, value: Any) -> float:
    """A number, NaN among them: a run that diverges is measured too."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{op}: metrics must be a number, got {value!r}") from None
