"""The limited-memory BFGS method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._precision import working_dtype
from .._structure import leaves, map_leaves
from .._validate import Array
from . import _check
from ._line_search import Point, strong_wolfe

__all__ = ["LbfgsState", "lbfgs_init", "lbfgs_update"]

LEAST_CURVATURE = 1e-10  # PyTorch's: a step along which the gradient turned by less is not remembered


class LbfgsState(NamedTuple):
    iterations: int  # made so far, in all updates
    evaluations: int  # of the closure so far
    loss: float | None  # where the last update began
    direction: Any  # (n,), of the last iteration, n entries in all parameters; None before the first
    step_length: float  # in that direction
    gradient: Any  # (n,), where that direction was chosen
    scale: float  # of the inverse Hessian before its corrections
    steps: Any  # (m, n): the last changes of the parameters that are remembered, oldest first
    turns: Any  # (m, n): the changes of the gradient over those steps


def lbfgs_init(parameters: Any) -> LbfgsState:
    """The state before the first update."""
    _check.floating_structure("lbfgs_init", "parameters", parameters)
    return LbfgsState(0, 0, None, None, 0.0, None, 1.0, None, None)


def lbfgs_update(
    parameters: Any,
    closure: Callable[[Any], tuple[float, Any]],
    state: LbfgsState,
    lr: float = 1.0,
    max_iter: int = 20,
    max_eval: int | None = None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn: str | None = None,
) -> tuple[Any, LbfgsState]:
    """Up to max_iter steps along the gradient times an inverse Hessian that the last steps tell.

    H = scale I, scale = s y / y y of the last pair; then, for every remembered pair, oldest first,
    H = (I - s y^T / s y) H (I - y s^T / s y) + s s^T / s y
    d = -H g                                  (the first: -g)
    x = x + t d                               t = lr (the first: lr min(1, 1 / sum |g|)), or found from there by
                                              line_search_fn "strong_wolfe"

    s is a step and y the change of the gradient over it, remembered where s y > 1e-10, the last history_size of them.
    closure maps parameters to (loss, gradients), the gradients in the form of the parameters. It is called at the
    parameters first, and then once per step, or as often as the line search asks. An update ends after max_iter steps
    or max_eval evaluations (5/4 of max_iter, unless given), where no entry of the gradient is above tolerance_grad,
    where the slope along d is above -tolerance_change, or where neither the loss nor any parameter changed by more
    than tolerance_change; a line search at work may exceed max_eval by one.

    Raises: ValueError where the structures differ or an option is out of range, TypeError where closure returns no
        such pair.
    Extremes: a loss or a gradient that is not finite is worked with as any number is, as in PyTorch.
    Source: torch.optim.LBFGS; Nocedal 1980; Nocedal and Wright 2006, algorithms 3.5, 3.6 and 7.4.
    Derived: derivations/lbfgs.md.
    """
    op = "lbfgs_update"
    parameters = _check.floating_structure(op, "parameters", parameters)
    if not callable(closure):
        raise TypeError(f"{op}: closure must be a function of the parameters, got {type(closure).__name__}")
    lr, tolerance_grad, tolerance_change = _check.not_negative(
        op, lr=lr, tolerance_grad=tolerance_grad, tolerance_change=tolerance_change
    )
    max_iter = _check.whole(op, "max_iter", max_iter, 1)
    max_eval = max_iter * 5 // 4 if max_eval is None else _check.whole(op, "max_eval", max_eval, 1)
    history_size = _check.whole(op, "history_size", history_size, 1)
    _validate.one_of(op, "line_search_fn", line_search_fn, (None, "strong_wolfe"))
    problem = _Problem(op, parameters, closure, np.geterr())
    _check_state(op, state, problem.vector(parameters).size)
    options = _Options(lr, max_iter, max_eval, tolerance_grad, tolerance_change, history_size, line_search_fn)
    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        return _run(problem, state, options)


class _Options(NamedTuple):
    lr: float
    max_iter: int
    max_eval: int
    tolerance_grad: float
    tolerance_change: float
    history_size: int
    line_search_fn: str | None


class _Problem(NamedTuple):
    """The closure as a function of one vector."""

    op: str
    parameters: Any  # where the update begins
    closure: Callable[[Any], tuple[float, Any]]
    errors: Any  # what the caller's NumPy does about floating-point errors, which holds in the closure

    def vector(self, structure: Any) -> Array:
        """All entries of a structure that has the form of the parameters."""
        dtype = working_dtype(*(leaf for _, leaf in leaves(self.parameters)))
        in_order = map_leaves(lambda p, leaf: leaf, self.parameters, structure)
        return np.concatenate([leaf.reshape(-1).astype(dtype) for _, leaf in leaves(in_order)])

    def structure(self, vector: Array) -> Any:
        """The parameters with these entries, in their own dtypes."""
        ends = np.cumsum([leaf.size for _, leaf in leaves(self.parameters)])
        pieces = iter(np.split(vector, ends[:-1]))
        return map_leaves(lambda p: next(pieces).reshape(p.shape).astype(p.dtype), self.parameters)

    def evaluated(self, x: Array) -> tuple[float, Array]:
        """The loss and its gradient at x."""
        with np.errstate(**self.errors):
            answer = self.closure(self.structure(x))
        if not (isinstance(answer, tuple) and len(answer) == 2):
            raise TypeError(f"{self.op}: closure must return (loss, gradients), got {type(answer).__name__}")
        loss, gradients = answer
        if np.ndim(loss) != 0 or np.asarray(loss).dtype.kind not in "fiu":
            raise TypeError(f"{self.op}: closure must return a loss that is a number, got {loss!r}")
        gradients = _check.floating_structure(self.op, "gradients", gradients)
        _check.same_form(self.op, "gradients", gradients, "parameters", self.parameters)
        return float(loss), self.vector(gradients)


def _check_state(op: str, state: object, size: int) -> None:
    _validate.is_state(op, state, LbfgsState)
    for name in ("direction", "gradient", "steps", "turns"):
        value = getattr(state, name)
        if value is not None and np.shape(value)[-1:] != (size,):
            raise ValueError(
                f"{op}: state.{name} must be of as many entries as the parameters = {size}, got shape {np.shape(value)}"
            )


def _run(problem: _Problem, state: LbfgsState, options: _Options) -> tuple[Any, LbfgsState]:
    x = problem.vector(problem.parameters)
    loss, gradient = problem.evaluated(x)
    state, spent, iteration = state._replace(loss=loss), 1, 0
    done = _largest(gradient) <= options.tolerance_grad
    while not done and iteration < options.max_iter:
        iteration += 1
        state = _turned(state, gradient, options)
        d, before = state.direction, loss
        slope = float(gradient @ d)
        if slope > -options.tolerance_change:
            break
        if options.line_search_fn:
            start = Point(0.0, loss, gradient, slope)
            found, count = _searched(problem, x, d, start, state.step_length, options, options.max_eval - spent)
            loss, gradient, spent = found.loss, found.gradient, spent + count
            state = state._replace(step_length=found.t)
        x = problem.vector(problem.structure(x + state.step_length * d))
        if not options.line_search_fn and iteration < options.max_iter:  # the next update begins with an evaluation
            loss, gradient = problem.evaluated(x)
            spent += 1
        done = (
            spent >= options.max_eval
            or _largest(gradient) <= options.tolerance_grad
            or _largest(state.step_length * d) <= options.tolerance_change
            or abs(loss - before) < options.tolerance_change
        )
    return problem.structure(x), state._replace(evaluations=state.evaluations + spent)


def _turned(state: LbfgsState, gradient: Array, options: _Options) -> LbfgsState:
    """The state with the last step remembered, the next direction, and the first step length to try along it."""
    if state.iterations == 0:
        empty = np.zeros((0, gradient.size), gradient.dtype)
        length = options.lr * min(1.0, 1 / float(np.abs(gradient).sum()))
        return state._replace(
            iterations=1, direction=-gradient, step_length=length, gradient=gradient, steps=empty, turns=empty
        )
    s, y = state.step_length * state.direction, gradient - state.gradient
    scale, steps, turns = state.scale, state.steps, state.turns
    if s @ y > LEAST_CURVATURE:
        oldest = max(0, len(steps) + 1 - options.history_size)
        steps, turns = np.vstack([steps[oldest:], s]), np.vstack([turns[oldest:], y])
        scale = float(np.divide(s @ y, y @ y))
    direction = _direction(gradient, scale, steps, turns)
    return LbfgsState(
        state.iterations + 1, state.evaluations, state.loss, direction, options.lr, gradient, scale, steps, turns
    )


def _direction(gradient: Array, scale: float, steps: Array, turns: Array) -> Array:
    """-H g, without H: the factors of every pair in turn, newest first on the way in, oldest first on the way out."""
    d, shares = -gradient, []
    for s, y in zip(steps[::-1], turns[::-1], strict=True):
        shares.append((s @ d) / (s @ y))
        d = d - shares[-1] * y
    d = scale * d
    for s, y in zip(steps, turns, strict=True):
        d = d + (shares.pop() - (y @ d) / (s @ y)) * s
    return d


def _searched(
    problem: _Problem, x: Array, d: Array, start: Point, t: float, options: _Options, evaluations: int
) -> tuple[Point, int]:
    def at(t: float) -> Point:
        loss, gradient = problem.evaluated(x + t * d)
        return Point(t, loss, gradient, float(gradient @ d))

    return strong_wolfe(at, start, t, _largest(d), options.tolerance_change, evaluations)


def _largest(vector: Array) -> float:
    return float(np.max(np.abs(vector), initial=0.0))
