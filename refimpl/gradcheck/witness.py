"""The witness: SciPy's finite differences of a scalar function of one array, in the settings measured to be best.

The function is always the loss <g, forward(x) - forward(x0)>: subtracting the unperturbed output before contracting
with g keeps two to four times the digits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.differentiate import derivative

from .._validate import Array, IntArray

Loss = Callable[[Array], float]

STEP = 1e-3  # with order 4 on both sides: truncation and rounding both near 1e-12 for numbers around 1
TRUST = 100  # times SciPy's estimate: it is no bound, but the true error is within this factor of it
CLOSER_STEPS = (1e-2, 1e-3, 1e-4)  # first steps of the adaptive look: the last stays in a domain that others leave
ONE_SIDED = 3  # refinements of a one-sided difference: its weights are large, and small steps drown it in rounding


def coordinates(loss: Loss, x: Array, index: IntArray, direction: int = 0) -> Array:
    """The partial derivatives of loss at x for the elements `index` (flat), by four evaluations each.

    direction -1 or 1 takes one side only, and holds fewer digits.
    """
    with np.errstate(all="ignore"):
        result = derivative(
            _along_elements(loss, x), x.reshape(-1)[index], args=(index,), initial_step=_step(x, index, STEP),
            order=4, maxiter=1, step_direction=direction,
        )  # fmt: skip
    return _still(x, index, result.df)


def elementwise(values: Callable[[Array], Array], x: Array) -> Array:
    """The same for every element at once, where element i of values(x) depends on element i of x alone."""
    index = np.arange(x.size)

    def f(t: Array, i: Array) -> Array:
        return _columns(t, i, lambda t_i, i: values(_replaced(x, i, t_i)).reshape(-1)[i])

    with np.errstate(all="ignore"):
        result = derivative(
            f, x.reshape(-1), args=(index,), initial_step=_step(x, index, STEP), order=4, maxiter=1
        )  # fmt: skip
    return _still(x, index, result.df)


def closer(loss: Loss, x: Array, index: IntArray, direction: int = 0) -> tuple[Array, Array]:
    """Partial derivatives with SciPy's own error estimates, adaptively; direction -1 or 1 takes one side only.

    An estimate may be 0 by accident, and a first step may cross a kink or leave the domain. So three first steps are
    taken, and the two answers count that lie closest, or claim least: the larger of their distance and their estimates
    decides. Of the two it is the one with the smaller estimate, which is raised to their distance. Where only one is
    finite it counts as it is.
    """
    thrice = np.tile(index, len(CLOSER_STEPS))
    with np.errstate(all="ignore"):
        answer = derivative(
            _along_elements(loss, x), x.reshape(-1)[thrice], args=(thrice,),
            initial_step=np.concatenate([_step(x, index, step) for step in CLOSER_STEPS]),
            step_direction=direction, maxiter=10 if direction == 0 else ONE_SIDED,
        )  # fmt: skip
    numeric = np.where(np.isfinite(answer.df), answer.df, np.nan).reshape(len(CLOSER_STEPS), -1)
    error = np.where(np.isfinite(answer.df), answer.error, np.inf).reshape(len(CLOSER_STEPS), -1)
    pairs = np.array([(0, 1), (0, 2), (1, 2)])
    distance = np.nan_to_num(np.abs(numeric[pairs[:, 0]] - numeric[pairs[:, 1]]), nan=np.inf)
    closest, k = np.maximum(distance, error[pairs].max(axis=1)).argmin(axis=0), np.arange(len(index))
    apart = distance[closest, k]
    first, second = pairs[closest].T
    chosen = np.where(error[first, k] <= error[second, k], first, second)
    alone = np.isinf(apart)
    chosen = np.where(alone, error.argmin(axis=0), chosen)
    error = np.where(alone, error[chosen, k], np.maximum(error[chosen, k], apart))
    return _still(x, index, numeric[chosen, k]), _still(x, index, error)


def along(loss: Loss, x: Array, direction: Array) -> tuple[float, float]:
    """The derivative along a direction of unit length, with SciPy's own error estimate."""

    def f(t: Array) -> Array:
        return np.array([loss(x + t_i * direction) for t_i in np.ravel(t)]).reshape(np.shape(t))

    with np.errstate(all="ignore"):
        result = derivative(f, 0.0, initial_step=1e-2)
    return float(result.df), float(result.error)


def _along_elements(loss: Loss, x: Array) -> Callable[[Array, Array], Array]:
    """f(t, i): the loss with element i of x set to t, for arrays of t and i as SciPy passes them.

    SciPy asks first for every element where it stands: that is one and the same loss, and a fifth of all.
    """
    flat, at_x = x.reshape(-1), cache(lambda: loss(x))

    def one(t: Array, i: IntArray) -> Array:
        moved = t != flat[i]
        points = (_replaced(x, i_k, t_k) for t_k, i_k in zip(t[moved], i[moved], strict=True))
        together = getattr(loss, "many", None)  # of a forward that is called from afar, many times at once
        found = np.empty(len(t))
        found[moved] = list(together(points)) if together else [loss(point) for point in points]
        if not moved.all():
            found[~moved] = at_x()
        return found

    return lambda t, i: _columns(t, i, one)


def _columns(t: Array, i: Any, f: Callable[[Array, IntArray], Array]) -> Array:
    """SciPy asks for t of shape (elements,) or (elements, steps); f is given one step at a time."""
    i = np.broadcast_to(i, t.shape).astype(np.intp)  # SciPy turns the indices into floating numbers
    if t.ndim == 1:
        return f(t, i)
    return np.stack([f(t[:, k], i[:, k]) for k in range(t.shape[1])], axis=1)


def _replaced(x: Array, index: Any, value: Any) -> Array:
    changed = x.copy()
    changed.reshape(-1)[index] = value
    return changed


def _still(x: Array, index: IntArray, result: Array) -> Array:
    """No finite step moves an infinite element, and SciPy gives NaN for it: its derivative is 0, exactly."""
    return np.where(np.isinf(x.reshape(-1)[index]), 0.0, result)


def _step(x: Array, index: IntArray, step: float) -> Array:
    """Absolute near 1 and below, relative above: a fixed step would drown in the rounding of a large number."""
    magnitude = np.abs(x.reshape(-1)[index])
    return np.asarray(step * np.maximum(1, np.where(np.isfinite(magnitude), magnitude, 1)))
