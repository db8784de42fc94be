"""Mistakes of axes: a wrong shape, a missing sum, the right numbers in the wrong places, another's gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations, product

import numpy as np

from ..._validate import Array
from ._facts import Facts, Fit, aligned, axes_of, in_words

MOST_AXES = 5  # beyond, not every order of them is tried


def broadcast(facts: Facts) -> Fit | None:
    """Not summed over the axes along which the argument was repeated: summed, it is right."""
    a = facts.analytic
    if facts.right_shape or a.ndim > MOST_AXES:
        return None
    for axes in axes_of(a.ndim):
        summed = a.sum(axis=axes)
        if a.size > summed.size == facts.numeric.size and facts.same(summed.reshape(facts.shape), facts.numeric):
            message = (
                f"the sum over {in_words(axes)} is missing, along which {facts.name} is broadcast: "
                f"shape {a.shape}, and summed it is right"
            )
            return Fit("broadcast", message, {"got": a.shape, "must_be": facts.shape, "axes": axes})
    return None


def shape(facts: Facts) -> Fit | None:
    """Any other wrong shape, and what it has to do with the right one."""
    a, n = facts.analytic, facts.numeric
    if facts.right_shape:
        return None
    message = f"shape {a.shape}, and it must be {facts.shape}"
    if a.size == n.size and facts.same(a.reshape(n.shape), n):
        message += "; reshaped it is right"
    else:
        for axes in axes_of(n.ndim):
            summed = n.sum(axis=axes)
            if summed.size == a.size < n.size and facts.same(a.reshape(summed.shape), summed):
                message += f"; it is summed over {in_words(axes)} as well"
                break
    return Fit("shape", message, {"got": a.shape, "must_be": facts.shape})


def transpose(facts: Facts) -> Fit | None:
    """The last two axes exchanged, in the gradient or in one of the two matrices whose product it is."""
    a, n = facts.analytic, facts.numeric
    if facts.sampled or n.ndim < 2 or (facts.right_shape and not facts.bad.any()):
        return None
    if facts.same(a, np.swapaxes(n, -1, -2)):
        of = "" if n.ndim == 2 else f", {in_words((n.ndim - 2, n.ndim - 1))} exchanged"
        shapes = "" if facts.right_shape else f": shape {a.shape}, and it must be {n.shape}"
        message = f"it is the transpose of the derivative{of}{shapes}"
        return Fit("transpose", message, {"axes": (n.ndim - 2, n.ndim - 1), "got": a.shape, "must_be": n.shape})
    return _operand_transposed(facts)


def _operand_transposed(facts: Facts) -> Fit | None:
    matrices = [(name, m) for name, m in (*facts.grad_outputs.items(), *facts.arrays()) if m.ndim == 2]
    forms = [(name, m, f"{name}.T", m.T) for name, m in matrices]
    for (p, left, p_t, left_t), (q, right, q_t, right_t) in product(forms, repeat=2):
        found: dict[str, str] = {}
        for (x, x_m), (y, y_m) in product(((p, left), (p_t, left_t)), ((q, right), (q_t, right_t))):
            if x_m.shape[1] == y_m.shape[0] and (x_m.shape[0], y_m.shape[1]) == facts.shape:
                made = x_m @ y_m
                for which, array in (("derivative", facts.numeric), ("gradient", facts.analytic)):
                    if array.shape == made.shape and facts.same(made, array):
                        found[which] = f"{x} @ {y}"
        if len(found) == 2:
            message = f"a matrix is transposed: the derivative is {found['derivative']}, this is {found['gradient']}"
            return Fit("transpose", message, found)
    return None


def axis(facts: Facts) -> Fit | None:
    """The right numbers in another order of axes, reversed or shifted along them, or sums over another axis."""
    a, n = facts.analytic, facts.numeric
    if facts.sampled or not n.ndim or n.ndim > MOST_AXES or (facts.right_shape and not facts.bad.any()):
        return None
    alike = facts.right_shape and facts.known.any() and np.ptp(n[facts.known]) <= facts.tolerance
    if a.size != n.size or alike:
        return None
    for words, moved in _moved(n):
        if facts.same(a, moved) and (np.isfinite(moved).sum() > 1):
            shapes = "" if facts.right_shape else f": shape {a.shape}, and it must be {n.shape}"
            return Fit("axis", f"it is the derivative with {words}{shapes}", {"change": words})
    return _other_sum(facts)


def _moved(n: Array) -> Iterator[tuple[str, Array]]:
    for order in permutations(range(n.ndim)):
        if order != tuple(range(n.ndim)):
            yield f"its axes in the order {order}", n.transpose(order)
    for axes in axes_of(n.ndim):
        if all(n.shape[i] > 1 for i in axes):
            yield f"{in_words(axes)} reversed", np.flip(n, axes)
    for i, extent in enumerate(n.shape):
        for by in (by for by in (1, -1, 2, -2) if abs(by) < extent):
            yield f"axis {i} shifted by {by}", np.roll(n, by, i)
            if abs(by) < extent - 1:
                yield f"axis {i} shifted by {by}, 0 moved in", _shifted(n, by, i)
    for order in permutations(range(n.ndim)):
        if order != tuple(range(n.ndim)):
            reread = n.transpose(order).reshape(n.shape)
            yield f"its axes in the order {order} and then reshaped", reread
            yield f"its numbers read in the order of axes {order}", n.reshape(reread.transpose(order).shape)
            back = n.reshape([n.shape[i] for i in order])
            yield f"its numbers reshaped and the axes then put in the order {order}", back.transpose(np.argsort(order))


def _shifted(n: Array, by: int, axis: int) -> Array:
    moved = np.roll(n, by, axis)
    edge = [slice(None)] * n.ndim
    edge[axis] = slice(0, by) if by > 0 else slice(by, None)
    moved[tuple(edge)] = 0
    return moved


def _other_sum(facts: Facts) -> Fit | None:
    """Both are sums of one array, grad_output or its product with an argument, over different axes."""
    for name, g in facts.grad_outputs.items():
        terms = [(name, g)]
        for other, value in facts.arrays():
            repeated = aligned(value, g.shape)
            if other != facts.name and repeated is not None:
                terms.append((f"{name} * {other}", g * repeated))
        for words, term in terms:
            sums = [(axes, s) for axes in axes_of(term.ndim) if (s := term.sum(axis=axes)).size == facts.numeric.size]
            due = next((axes for axes, s in sums if facts.same(s.reshape(facts.shape), facts.numeric)), None)
            if due is None or math.prod(term.shape[i] for i in due) < 2:
                continue
            for axes, s in sums:
                if axes != due and facts.same(s.reshape(facts.analytic.shape), facts.analytic):
                    message = f"it is {words} summed over {in_words(axes)}, and the derivative over {in_words(due)}"
                    return Fit("axis", message, {"change": message, "got": axes, "must_be": due})
            first = term.take(0, axis=due[0]) if len(due) == 1 else None
            if first is not None and first.size == facts.analytic.size:
                for i in range(term.shape[due[0]]):
                    if facts.same(term.take(i, axis=due[0]).reshape(facts.analytic.shape), facts.analytic):
                        message = f"it is entry {i} of {words} along axis {due[0]}, which must be summed over"
                        return Fit("axis", message, {"change": message, "got": (), "must_be": due})
    return None


def exchanged(facts: Facts) -> Fit | None:
    """It is the gradient of another argument: two of them changed places."""
    if facts.sampled or (facts.right_shape and not facts.bad.any()):
        return None
    for name, (_, numeric) in facts.others.items():
        if facts.same(facts.analytic, numeric) and np.abs(facts.analytic).max(initial=0.0) > facts.tolerance:
            return Fit("exchanged", f"it is the gradient of {name}", {"of": name})
    return None
