"""Averages of the parameters over the steps of training, to evaluate with."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validate
from .._structure import map_leaves
from . import _check

__all__ = ["ema_average", "swa_average"]


def ema_average(average: Any, parameters: Any, decay: float = 0.999) -> Any:
    """The exponential moving average after one more step; older parameters count less and less.

    a = decay a + (1 - decay) p        (a = p for the first, where average is None)

    Raises: ValueError where the structures differ or decay lies outside 0 to 1.
    Source: torch.optim.swa_utils.AveragedModel with get_ema_avg_fn(decay); Polyak and Juditsky 1992.
    Derived: derivations/averaging.md.
    """
    op = "ema_average"
    average, parameters = _checked(op, average, parameters)
    decay = _validate.number(op, "decay", decay, at_least=0, at_most=1)
    if average is None:
        return map_leaves(np.array, parameters)
    with np.errstate(all="ignore"):
        return map_leaves(lambda a, p: np.array(decay * a + (1 - decay) * p, dtype=a.dtype), average, parameters)


def swa_average(average: Any, parameters: Any, num_averaged: int) -> Any:
    """The mean of num_averaged + 1 parameters, of which average is the mean of the first num_averaged.

    a = a + (p - a) / (num_averaged + 1)        (a = p for the first, where num_averaged is 0)

    A model with batch normalization needs running statistics of its own for these weights: derivations/averaging.md.

    Raises: ValueError where the structures differ, num_averaged is below 0, or average is None and num_averaged not 0.
    Source: torch.optim.swa_utils.AveragedModel with get_swa_avg_fn(); Izmailov et al. 2018.
    Derived: derivations/averaging.md.
    """
    op = "swa_average"
    average, parameters = _checked(op, average, parameters)
    num_averaged = _validate.integer(op, "num_averaged", num_averaged)
    if num_averaged < 0 or (average is None and num_averaged > 0):
        rule = "at least 0" if num_averaged < 0 else "0 where there is no average yet"
        raise ValueError(f"{op}: num_averaged must be {rule}, got {num_averaged}")
    if num_averaged == 0:
        return map_leaves(np.array, parameters)
    with np.errstate(all="ignore"):
        return map_leaves(lambda a, p: np.array(a + (p - a) / (num_averaged + 1), dtype=a.dtype), average, parameters)


def _checked(op: str, average: Any, parameters: Any) -> tuple[Any, Any]:
    parameters = _check.floating_structure(op, "parameters", parameters)
    if average is not None:
        average = _check.floating_structure(op, "average", average)
        _check.same_form(op, "parameters", parameters, "average", average)
    return average, parameters
