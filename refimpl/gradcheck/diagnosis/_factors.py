"""Mistakes that are known by the ratio to the derivative: a constant, another array, twice."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..._validate import Array
from ._facts import Facts, Fit, aligned, axes_of, in_words

NAME_TO = 1e-7  # relative: how close a factor comes to the number that it is called
LONGEST = 3  # names of one factor


def constant(facts: Facts) -> float | None:
    """c where analytic is c numeric, everywhere, and c is neither 0 nor 1; one number alone must have a name."""
    a, n = facts.analytic[facts.known], facts.numeric[facts.known]
    squares = float(np.vdot(n, n))
    if not squares or not facts.bad.any() or not np.isfinite(facts.analytic).all():
        return None
    c = float(np.vdot(a, n)) / squares
    if not c or np.abs(a - c * n).max() > facts.tolerance * max(1.0, abs(c)):
        return None
    alone = int((np.abs(n) > facts.tolerance).sum()) < 2
    return None if alone and not names(facts, c) else c


def factor(facts: Facts) -> Fit | None:
    c = constant(facts)
    if c is None:
        return None
    equal = names(facts, c)
    words = ", or ".join(equal[:LONGEST])
    message = f"{c:.9g} times the derivative: {words}" if equal else f"{c:.9g} times the derivative, in every element"
    return Fit("factor", message, {"factor": c, "equals": equal})


def names(facts: Facts, c: float) -> list[str]:
    """What the factor is: each name of it once, the plainest first."""
    for sign, prefix in ((1, ""), (-1, "the sign is flipped, and ")):
        for numbers in (_plain, _derived):
            found = [prefix + name for value, name in numbers(facts) if _close(sign * c, value)]
            if found:
                return list(dict.fromkeys(found))
    return []


def _close(c: float, value: float) -> bool:
    return math.isfinite(value) and abs(c - value) <= NAME_TO * abs(value)


def _plain(facts: Facts) -> Iterator[tuple[float, str]]:
    """Numbers that gradients are off by, in words."""
    yield -1.0, "the sign is flipped"
    yield 2.0, "a factor 2 too much, or a lost 1/2"
    yield 0.5, "a lost factor 2"
    for count, what in _counts(facts):
        yield float(count), f"{count} = {what}"
        yield 1 / count, f"1/{count}, {count} = {what}"
    for name, value in facts.numbers():
        yield from _forms_of(name, value)


def _derived(facts: Facts) -> Iterator[tuple[float, str]]:
    """Numbers that are made from those."""
    for count, what in _counts(facts):
        yield math.sqrt(count), f"sqrt({count}), {count} = {what}"
        yield 1 / math.sqrt(count), f"1/sqrt({count}), {count} = {what}"
        if count > 2:
            yield count / (count - 1), f"{count}/{count - 1}, {count} = {what}"
            yield (count - 1) / count, f"{count - 1}/{count}, {count} = {what}"
    yield math.log(2), "ln 2"
    yield 1 / math.log(2), "1/ln 2"
    yield 4.0, "4"
    yield 0.25, "1/4"


def _forms_of(name: str, value: float) -> Iterator[tuple[float, str]]:
    known = f"{name} = {value:g}"
    for formed, form in (
        (value, name), (value**2, f"{name}^2"), (1 - value, f"1 - {name}"), (1 + value, f"1 + {name}"),
    ):  # fmt: skip
        if formed and abs(formed) != 1:
            yield formed, f"{form}, {known}"
            yield 1 / formed, f"1/({form}), {known}"


def _counts(facts: Facts) -> Iterator[tuple[int, str]]:
    """Numbers of things above 1: classes, extents, elements, rows, what a mask or an index selects."""
    first = next(facts.arrays(), None)
    for name, index in facts.arrays("iu"):
        for axis, extent in enumerate(first[1].shape if first else ()):
            if extent > 1 and first and index.shape == first[1].shape[:axis] + first[1].shape[axis + 1 :]:
                yield extent, f"the number of classes, the extent of axis {axis} of {first[0]}"
        for count, what in ((int((index >= 0).sum()), "not negative"), (len(np.unique(index)), "different")):
            if 1 < count < index.size:
                yield count, f"the number of {what} entries of {name}"
    for name, mask in facts.arrays("b"):
        for count, what in ((int(mask.sum()), "true"), (int((~mask).sum()), "false")):
            if count > 1:
                yield count, f"the number of {what} entries of {name}"
    arrays = [*facts.arrays("fiu"), *((name, y) for name, y in facts.outputs.items())]
    for name, array in arrays:
        for axis, extent in enumerate(array.shape):
            if extent > 1:
                yield extent, f"the extent of axis {axis} of {name}"
    for name, array in arrays:
        for axes in axes_of(array.ndim):
            count = math.prod(array.shape[axis] for axis in axes)
            if len(axes) > 1 and count > 1:
                what = "number of elements" if len(axes) == array.ndim else f"extents of {in_words(axes)}, multiplied,"
                yield count, f"the {what} of {name}"


def twice(facts: Facts) -> Fit | None:
    """Doubled while other gradients are right, doubled in a part, or with another gradient added."""
    if facts.others and not facts.sampled and facts.bad.any():
        for name, (_, other) in facts.others.items():
            if other.shape == facts.shape and facts.same(facts.analytic, facts.numeric + other):
                message = f"the gradient of {name} is added to it"
                return Fit("twice", message, {"factor": None, "added": name, "elements": int(facts.bad.sum())})
    doubled = facts.known & facts.bad
    if not doubled.any() or not facts.same(facts.analytic, 2 * facts.numeric, doubled):
        return None
    evidence = {"factor": 2.0, "added": None, "elements": int(facts.bad.sum())}
    if (facts.matters & ~facts.bad).any():
        return Fit("twice", f"2 times the derivative at {facts.counted(facts.bad)}, right at the others", evidence)
    right = [name for name, (a, n) in facts.others.items() if a.shape == n.shape and facts.same(a, n)]
    if not right:
        return None
    others = f"gradients of {', '.join(right)} are" if len(right) > 1 else f"gradient of {right[0]} is"
    message = f"2 times the derivative, while the {others} right: accumulated twice"
    return Fit("twice", message, evidence)


def grad_output(facts: Facts) -> Fit | None:
    """The upstream gradient is left out, or multiplied in twice."""
    for name, g in facts.grad_outputs.items():
        fit = _by_array(facts, "grad_output", name, g)
        if fit:
            return fit
    return None


def argument(facts: Facts) -> Fit | None:
    """The ratio is an argument, or what forward returned: a weight left out or used twice."""
    for name, given in [*facts.arrays(), *facts.outputs.items()]:
        if given.ndim or not isinstance(facts.arguments.get(name), float):
            fit = _by_array(facts, "argument", name, np.asarray(given))
            if fit:
                return fit
    return None


def _by_array(facts: Facts, kind: str, name: str, value: Array) -> Fit | None:
    repeated = aligned(value, facts.shape)
    if repeated is None or not facts.bad.any() or not np.isfinite(repeated).all():
        return None
    if facts.matters.sum() < 2 and value.ndim:  # one number is a multiple of any other
        return None
    for left, right, how in (
        (facts.analytic * repeated, facts.numeric, "left out: the derivative is this gradient times"),
        (
            facts.analytic,
            facts.numeric * repeated,
            "multiplied in once too often: this gradient is the derivative times",
        ),
    ):
        if facts.same(left, right, facts.known) and (np.abs(right[facts.known]) > facts.tolerance).any():
            evidence = {"array": name, "left_out": how.startswith("left")}
            return Fit(kind, f"{name} is {how} {name}", evidence)
    return None


def slices(facts: Facts) -> Fit | None:
    """A factor of its own for each row: constant along some axes, not along the others."""
    a, n = np.where(facts.known, facts.analytic, 0), np.where(facts.known, facts.numeric, 0)
    for axes in reversed(list(axes_of(a.ndim))):
        rows = a.size // max(1, math.prod(a.shape[axis] for axis in axes))
        if len(axes) == a.ndim or facts.matters.sum() - rows < max(3, rows):
            continue
        squares = (n * n).sum(axis=axes, keepdims=True)
        c = np.divide((a * n).sum(axis=axes, keepdims=True), squares, out=np.zeros_like(squares), where=squares > 0)
        if facts.same(a, c * n):
            factors = [float(f) for f in c.reshape(-1)]
            shown = ", ".join(f"{f:.6g}" for f in factors[:5]) + (", ..." if len(factors) > 5 else "")
            message = f"the derivative times a factor that is constant along {in_words(axes)}: {shown}"
            return Fit("slices", message, {"axes": axes, "factors": factors})
    return None
