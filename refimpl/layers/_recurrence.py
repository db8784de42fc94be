"""Recurrent nets over sequences: what the three share of layers, directions and lengths.

The rows of all time steps stand below each other, those of one step together and the longest sequences first, as in
PyTorch's packed sequences: padding is nowhere among them. The sequences of a step are then the first ones of the step
before. Each net keeps its states in arrays of one more block of rows, the initial ones, which comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._precision import answer, gradient, working
from .._validate import Array, IntArray
from ._recurrent_units import part_of_gradient
from .dropout import dropout_backward, dropout_forward


class Steps(NamedTuple):
    """Where rows and states stand: P rows, and N + P states, of which N are initial ones."""

    rows: tuple[IntArray, IntArray]  # (P,), forward and reverse: which of the T N positions each row is
    spans: list[tuple[slice, slice, slice]]  # for each step its rows, the states after it and those before it
    before: IntArray  # (P,): the state before each row
    first: IntArray  # (N,): each sequence's initial state
    last: IntArray  # (N,): its final state


class Weights(NamedTuple):
    """Of one direction of one layer, or their gradients."""

    weight_ih: Array
    weight_hh: Array
    bias_ih: Array | None
    bias_hh: Array | None
    weight_hr: Array | None = None


class Net(NamedTuple):
    """What a net does in one direction of one layer. States are a tuple of arrays, of which the initial rows are given.

    scan(x, weights, states, steps) fills in the states and returns the activations to keep. replay(activations,
    weights, states, steps) fills them in again. scan_backward(x, activations, weights, states, grad_states, steps) is
    given the gradients of the states from outside, completes them, and returns those of x and of the weights.
    """

    rows: int  # of weight_ih, in hidden sizes
    parts: tuple[str, ...]  # of the state
    scan: Callable[..., Array]
    replay: Callable[..., None]
    scan_backward: Callable[..., tuple[Array, Weights]]


class Given(NamedTuple):
    """The arguments, checked."""

    input: Array  # (T, N, I), (N, T, I) with batch_first, or (T, I)
    weights: dict[str, Array]
    hx: tuple[Array, ...] | None  # for each part of the state (L D, N, width) or (L D, width)
    lengths: IntArray | None  # (N,)
    batch_first: bool


class _Problem(NamedTuple):
    """The same in the dtype to compute in and ready to be walked through."""

    x: Array  # (T N, I)
    layers: list[list[Weights]]  # by layer and direction
    initial: tuple[Array, ...] | None  # for each part of the state (L D, N, width)
    extents: tuple[int, int]  # T, N
    widths: tuple[int, ...]  # of the parts of the state
    steps: Steps


def run_forward(net: Net, given: Given, dropout: float, rng: Any) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """The output, the activations of each layer's directions, and the caches of the dropouts between the layers."""
    problem = _prepared(net, given)
    activations: list[Array] = []
    dropouts: list[Any] = []

    def dropped(layer: int, y: Array) -> Array:
        if not dropout:
            return y
        y, cache = dropout_forward(y, dropout, rng=rng)
        dropouts.append(cache)
        return y

    def scan(k: int, x: Array, weights: Weights, states: tuple[Array, ...]) -> None:
        activations.append(net.scan(x, weights, states, problem.steps))

    with np.errstate(all="ignore"):
        *_, y, states = _walked(problem, scan, dropped)
    finals = [np.stack([parts[i][problem.steps.last] for parts in states]) for i in range(len(net.parts))]
    arrays = (given.input, *given.weights.values(), *(given.hx or ()))
    batched = given.input.ndim == 3
    h_n = tuple(answer(final if batched else final[:, 0], *arrays) for final in finals)
    output = answer(_undo_time_first(y.reshape(*problem.extents, y.shape[1]), given), *arrays)
    return (output, h_n if len(h_n) > 1 else h_n[0]), tuple(activations), tuple(dropouts)


def run_backward(
    op: str, net: Net, grad_output: Any, given: Given, activations: tuple[Array, ...], dropouts: tuple[Any, ...]
) -> tuple[Array, dict[str, Array], tuple[Array, ...] | None]:
    """The gradients of input, weights and initial states: the layers from last to first."""
    problem = _prepared(net, given)
    steps, (_, count), width = problem.steps, problem.extents, problem.widths[0]
    g, grad_finals = _output_gradients(op, net, grad_output, given, problem)
    grad_weights: dict[int, Weights] = {}
    grad_initial = tuple(np.zeros_like(final) for final in grad_finals)

    def dropped(layer: int, y: Array) -> Array:
        """Of y as of its gradient: leaving out is a diagonal matrix, its own transpose."""
        return dropout_backward(y, dropouts[layer])["input"] if dropouts else y

    def replay(k: int, x: Array, weights: Weights, states: tuple[Array, ...]) -> None:
        net.replay(activations[k], weights, states, steps)

    with np.errstate(all="ignore"):
        inputs, _, states = _walked(problem, replay, dropped)
        for layer in reversed(range(len(inputs))):
            grad_x = np.zeros_like(inputs[layer])
            for d, weights in enumerate(problem.layers[layer]):
                k, rows = layer * len(problem.layers[layer]) + d, steps.rows[d]
                grad_states = tuple(np.zeros_like(part) for part in states[k])
                grad_states[0][count:] = g[rows, d * width : (d + 1) * width]
                for grad_state, grad_final in zip(grad_states, grad_finals, strict=True):
                    grad_state[steps.last] += grad_final[k]
                grad_rows, grad_weights[k] = net.scan_backward(
                    inputs[layer][rows], activations[k], weights, states[k], grad_states, steps
                )
                grad_x[rows] += grad_rows
                for found, grad_state in zip(grad_initial, grad_states, strict=True):
                    found[k] = grad_state[steps.first]
            g = dropped(layer - 1, grad_x) if layer else grad_x
    return _as_given(g, grad_weights, grad_initial, given, problem)


def projected(x: Array, weights: Weights) -> Array:
    """x W_ih^T + b_ih, of all steps at once."""
    y = x @ weights.weight_ih.T
    if weights.bias_ih is not None:
        y += weights.bias_ih
    return y


def product_gradients(
    grad_i: Array, grad_u: Array, x: Array, h: Array, weights: Weights, weight_hr: Array | None = None
) -> tuple[Array, Weights]:
    """The gradients of x and of the weights, from those of x W_ih^T + b_ih and of h W_hh^T + b_hh in all steps."""
    bias_ih = None if weights.bias_ih is None else grad_i.sum(axis=0)
    bias_hh = None if weights.bias_hh is None else grad_u.sum(axis=0)
    return grad_i @ weights.weight_ih, Weights(grad_i.T @ x, grad_u.T @ h, bias_ih, bias_hh, weight_hr)


def name_of(part: str, layer: int, direction: int) -> str:
    return f"{part}_l{layer}{'_reverse' if direction else ''}"


def _walked(
    problem: _Problem,
    fill: Callable[[int, Array, Weights, tuple[Array, ...]], None],
    between: Callable[[int, Array], Array],
) -> tuple[list[Array], Array, list[tuple[Array, ...]]]:
    """The inputs of the layers, the output of the last, and all states, layer by layer and direction by direction."""
    (_, count), width, steps = problem.extents, problem.widths[0], problem.steps
    inputs: list[Array] = []
    states: list[tuple[Array, ...]] = []
    y = problem.x
    for layer, directions in enumerate(problem.layers):
        x = between(layer - 1, y) if layer else y
        y = np.zeros((len(x), len(directions) * width), dtype=x.dtype)
        for d, weights in enumerate(directions):
            parts = tuple(np.empty((count + len(steps.before), extent), dtype=x.dtype) for extent in problem.widths)
            for i, part in enumerate(parts):
                part[steps.first] = 0 if problem.initial is None else problem.initial[i][len(states)]
            fill(len(states), x[steps.rows[d]], weights, parts)
            y[steps.rows[d], d * width : (d + 1) * width] = parts[0][count:]
            states.append(parts)
        inputs.append(x)
    return inputs, y, states


def _steps(lengths: IntArray, most: int) -> Steps:
    """For N sequences of these lengths, from 1 to `most`."""
    count = len(lengths)
    order = np.argsort(-lengths, kind="stable")
    step, place = np.nonzero(np.arange(most)[:, None] < lengths[order])
    sizes = np.bincount(step, minlength=most)
    after = count + np.cumsum(sizes) - sizes  # where the states after each step begin
    before = np.concatenate([[0], after[:-1]])
    first = np.argsort(order)
    return Steps(
        rows=(step * count + order[place], (lengths[order[place]] - 1 - step) * count + order[place]),
        spans=[
            (slice(a - count, a - count + n), slice(a, a + n), slice(b, b + n))
            for a, b, n in zip(after.tolist(), before.tolist(), sizes.tolist(), strict=True)
        ],
        before=before[step] + place,
        first=first,
        last=after[lengths - 1] + first,
    )


def _prepared(net: Net, given: Given) -> _Problem:
    names = tuple(given.weights)
    x, *others = working(given.input, *given.weights.values(), *(given.hx or ()))
    arrays: dict[str, Any] = dict(zip(names, others, strict=False))
    initial = tuple(others[len(names) :])
    x = _time_first(x, given)
    count = x.shape[1]
    directions = 2 if "weight_ih_l0_reverse" in arrays else 1
    layers = sum(name.startswith("weight_ih") for name in names) // directions
    weights = [
        [Weights._make(arrays.get(name_of(part, layer, d)) for part in Weights._fields) for d in range(directions)]
        for layer in range(layers)
    ]
    size = len(weights[0][0].weight_ih) // net.rows
    widths = (weights[0][0].weight_hh.shape[1], size)[: len(net.parts)]
    lengths = np.full(count, len(x)) if given.lengths is None else given.lengths.astype(np.intp)
    return _Problem(
        x.reshape(len(x) * count, x.shape[2]),
        weights,
        tuple(part.reshape(len(part), count, part.shape[-1]) for part in initial) if given.hx else None,
        (len(x), count),
        widths,
        _steps(lengths, len(x)),
    )


def _time_first(array: Array, given: Given) -> Array:
    """(T, N, ...), from the order of axes that was asked for."""
    if array.ndim == 2:
        return array[:, None]
    return array.swapaxes(0, 1) if given.batch_first else array


def _undo_time_first(array: Array, given: Given) -> Array:
    """Undoes _time_first."""
    if given.input.ndim == 2:
        return array[:, 0]
    return array.swapaxes(0, 1) if given.batch_first else array


def _output_gradients(
    op: str, net: Net, grad_output: Any, given: Given, problem: _Problem
) -> tuple[Array, tuple[Array, ...]]:
    """(T N, D width) and for each part of the final state (L D, N, width); None in grad_output counts as 0."""
    (extent, count), dtype = problem.extents, problem.x.dtype
    directions = len(problem.layers[0])
    grad_y, grad_ends = _validate.pair(
        op, "grad_output", grad_output, "(output, h_n)" if len(net.parts) == 1 else "(output, (h_n, c_n))"
    )
    shape = (*given.input.shape[:-1], directions * problem.widths[0])
    g = _time_first(part_of_gradient(op, "grad_output[0]", grad_y, shape, dtype), given)
    names = ["grad_output[1]"]
    if len(net.parts) > 1:
        names = [f"grad_output[1][{i}]" for i in range(len(net.parts))]
        grad_ends = (None, None) if grad_ends is None else _validate.pair(op, "grad_output[1]", grad_ends, "(h_n, c_n)")
    else:
        grad_ends = (grad_ends,)
    lead = (len(problem.layers) * directions, *((count,) if given.input.ndim == 3 else ()))
    ends = tuple(
        part_of_gradient(op, name, end, (*lead, width), dtype).reshape(lead[0], count, width)
        for name, end, width in zip(names, grad_ends, problem.widths, strict=True)
    )
    return g.reshape(extent * count, shape[-1]), ends


def _as_given(
    g: Array, grad_weights: dict[int, Weights], grad_initial: tuple[Array, ...], given: Given, problem: _Problem
) -> tuple[Array, dict[str, Array], tuple[Array, ...] | None]:
    """The gradients in the form and the dtype of the arguments."""
    grad_input = gradient(_undo_time_first(g.reshape(*problem.extents, g.shape[1]), given), given.input)
    named = {
        name_of(part, *divmod(k, len(problem.layers[0]))): grad
        for k, grads in grad_weights.items()
        for part, grad in zip(Weights._fields, grads, strict=True)
        if grad is not None
    }
    weights = {name: gradient(named[name], weight) for name, weight in given.weights.items()}
    if given.hx is None:
        return grad_input, weights, None
    return (
        grad_input,
        weights,
        tuple(gradient(grad.reshape(part.shape), part) for grad, part in zip(grad_initial, given.hx, strict=True)),
    )
