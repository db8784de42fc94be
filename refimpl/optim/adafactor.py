"""Adam without the mean gradient, whose mean square of a matrix is kept as one number per row and per column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._structure import map_leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["AdafactorFactors", "AdafactorState", "adafactor_init", "adafactor_update"]


class AdafactorFactors(NamedTuple):
    rows: Array  # (..., n, 1): the running mean of the squares of each row
    columns: Array  # (..., 1, m): that of each column


class AdafactorState(NamedTuple):
    step: int  # updates made so far
    square: Any  # like the parameters: AdafactorFactors for an array with two axes or more, else the mean square


def adafactor_init(parameters: Any) -> AdafactorState:
    """The state before the first update."""
    checked = _check.floating_structure("adafactor_init", "parameters", parameters)
    return AdafactorState(0, map_leaves(_nothing_yet, checked))


def adafactor_update(
    parameters: Any,
    gradients: Any,
    state: AdafactorState,
    lr: float = 1e-2,
    beta2_decay: float = -0.8,
    eps: tuple[float | None, float] = (None, 1e-3),
    d: float = 1.0,
    weight_decay: float = 0.0,
    *,
    maximize: bool = False,
) -> tuple[Any, AdafactorState]:
    """One step along the gradient over the root of its mean square, its size a part of the parameter's.

    w = t^beta2_decay                            (-g instead of g to maximize)
    r = (1 - w) r + w mean_j g_ij^2,    c = (1 - w) c + w mean_i g_ij^2,    s_ij = r_i c_j / max(mean r, eps1)
    s = (1 - w) s + w g^2                        where the parameter is no matrix
    u = g / max(sqrt(s), eps1)
    p = (1 - lr weight_decay) p - min(lr, 1 / sqrt(t)) max(eps2, rms(p)) u / max(1, rms(u) / d)

    with rms the root of the mean square of all entries, and eps1 the dtype's own where it is None.

    Shapes: an array with more than two axes is a stack of matrices, on the last two.
    Raises: ValueError where the structures differ or an option is out of range.
    Source: torch.optim.Adafactor; Shazeer and Stern 2018.
    Derived: derivations/adafactor.md.
    """
    op = "adafactor_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    lr, weight_decay = _check.not_negative(op, lr=lr, weight_decay=weight_decay)
    beta2_decay = _validate.number(op, "beta2_decay", beta2_decay, at_most=0)
    d = _validate.number(op, "d", d, at_least=1)
    least, least_size = _check_eps(op, eps)
    _check.flags(op, maximize=maximize)
    state = _check.state_of(op, state, AdafactorState, parameters)
    _check.same_form(op, "state.square", state.square, "parameters", map_leaves(_nothing_yet, parameters))

    step = state.step + 1
    rate = min(lr, step**-0.5)

    def mixed(old: Array, new: Any) -> Array:
        return np.asarray(old + step**beta2_decay * (new - old), dtype=old.dtype)

    def squares(g: Array, old: Any) -> Any:
        if isinstance(old, AdafactorFactors):
            return AdafactorFactors(mixed(old.rows, _mean_square(g, -1)), mixed(old.columns, _mean_square(g, -2)))
        return mixed(old, g * g)

    def moved(p: Array, g: Array, square: Any) -> Array:
        floor = float(np.finfo(p.dtype).eps) if least is None else least
        u = np.asarray(g / np.sqrt(np.maximum(_whole(square, floor), floor * floor)))
        size = rate * max(least_size, _parts.root_mean_square(p))
        return p - lr * weight_decay * p - size / max(1.0, _parts.root_mean_square(u) / d) * u

    with np.errstate(all="ignore"):  # eps1 = 0 and no gradient yet is 0 / 0, as in PyTorch
        g = _parts.descent(parameters, gradients, maximize=maximize)
        square = map_leaves(squares, g, state.square)
        return _parts.each(moved, parameters, g, square), AdafactorState(step, square)


def _nothing_yet(parameter: Array) -> Any:
    if parameter.ndim < 2:
        return np.zeros_like(parameter)
    *stack, rows, columns = parameter.shape
    return AdafactorFactors(
        np.zeros((*stack, rows, 1), parameter.dtype), np.zeros((*stack, 1, columns), parameter.dtype)
    )


def _check_eps(op: str, value: Any) -> tuple[float | None, float]:
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise TypeError(f"{op}: eps must be a pair of numbers, the first of which may be None, got {value!r}")
    first = None if value[0] is None else _validate.number(op, "eps[0]", value[0], at_least=0)
    return first, _validate.number(op, "eps[1]", value[1], at_least=0)


def _mean_square(g: Array, axis: int) -> Array:
    return np.sum(g * g, axis=axis, keepdims=True) / max(1, g.shape[axis])


def _whole(square: Any, least: float) -> Array:
    """The mean square of every entry; the quotient comes first, which cannot overflow."""
    if not isinstance(square, AdafactorFactors):
        return square
    mean = np.sum(square.rows, axis=-2, keepdims=True) / max(1, square.rows.shape[-2])
    return square.rows / np.maximum(mean, least) * square.columns
