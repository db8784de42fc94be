"""Mistakes that are known by where they are: at one element, at kinks, outside a mask, in a part of the array."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._validate import Array
from ._facts import Facts, Fit, Mask, aligned, at

CHANCE = 10_000  # a threshold that parts the right from the wrong counts where chance would need so many arrays


def not_finite(facts: Facts) -> Fit | None:
    wrong = facts.bad & ~np.isfinite(facts.analytic)
    if not wrong.any():
        return None
    where = _places(wrong)
    message = f"not finite at {facts.counted(wrong)}, first {at(facts.name, where[0])}, where the derivative is"
    return Fit("not_finite", message, {"elements": int(wrong.sum()), "first": where[0]})


def kink(facts: Facts) -> Fit | None:
    """Every wrong element lies where the slopes to the left and to the right differ."""
    wrong = _places(facts.bad)
    if not wrong or any(place not in facts.kinks for place in wrong):
        return None
    first = wrong[0]
    tied = _tied(facts, wrong)
    what = "a tie" if tied else "a kink"
    left, right = facts.kinks[first]
    message = (
        f"wrong only at {what}, {facts.counted(facts.bad)}: at {at(facts.name, first)} the slopes are "
        f"{left:.6g} and {right:.6g}, and backward has {facts.analytic[first]:.6g}, which is not between them"
    )
    return Fit("kink", message, {"elements": len(wrong), "first": first, "slopes": (left, right), "tie": tied})


def _tied(facts: Facts, places: list[tuple[int, ...]]) -> bool:
    """Whether each of these entries of the argument equals another entry, or one at the same place elsewhere."""
    own = facts.arguments.get(facts.name)
    if not isinstance(own, np.ndarray) or own.shape != facts.shape or own.size < 2:
        return False
    elsewhere = [a for name, a in facts.arrays() if name != facts.name and a.shape == own.shape]
    return all(
        own[place] != 0 and ((own == own[place]).sum() > 1 or any(a[place] == own[place] for a in elsewhere))
        for place in places
    )


def element(facts: Facts) -> Fit | None:
    """One wrong element, among several right ones that are not just 0."""
    return _one_wrong(facts) if (facts.matters & ~facts.bad).sum() >= 2 else None


def element_among_zeros(facts: Facts) -> Fit | None:
    """The same where the others are 0 on both sides, as they would be with a wrong factor too."""
    return _one_wrong(facts) if facts.numeric.size > 2 else None


def _one_wrong(facts: Facts) -> Fit | None:
    wrong = _places(facts.bad)
    if facts.sampled or len(wrong) != 1:
        return None
    (place,) = wrong
    analytic, numeric = float(facts.analytic[place]), float(facts.numeric[place])
    message = f"right but for {at(facts.name, place)}: {analytic:.9g} in place of {numeric:.9g}"
    return Fit("element", message, {"index": place, "analytic": analytic, "numeric": numeric})


def zero(facts: Facts) -> Fit | None:
    """0 wherever it is wrong."""
    if not facts.bad.any() or (facts.analytic[facts.bad] != 0).any():
        return None
    whole = not facts.analytic[facts.known].any()
    first = _places(facts.bad)[0]
    evidence = {"elements": int(facts.bad.sum()), "whole": whole, "first": first}
    if whole:
        return Fit("zero", "zero everywhere, and the derivative is not", evidence)
    message = f"zero at {facts.counted(facts.bad)} where the derivative is not, first {at(facts.name, first)}"
    return Fit("zero", f"{message}; right elsewhere", evidence)


def masked(facts: Facts) -> Fit | None:
    """Right on a part that a mask, an index or a condition on the numbers picks out, wrong on the rest."""
    told = facts.matters
    right = told & ~facts.bad
    inverted = (np.abs(facts.analytic) > facts.tolerance) != (np.abs(facts.numeric) > facts.tolerance)
    if not right.any() and (told & (facts.analytic == 0)).any() and inverted[told].all() and facts.analytic.any():
        message = "the mask is inverted: it is 0 where the derivative is not, and not 0 where that is"
        return Fit("masked", message, {"right_where": "", "wrong": int(facts.bad.sum())})
    if not right.any() or not (told & facts.bad).any():
        return None
    for words, mask in _masks(facts):
        if (mask == right)[told].all():
            message = f"right only where {words}, wrong at {facts.counted(facts.bad)}"
            return Fit("masked", message, {"right_where": words, "wrong": int(facts.bad.sum())})
    return None


def _masks(facts: Facts) -> Iterator[tuple[str, Mask]]:
    """Conditions in words, with where they hold; the ones that mean most first."""
    yield "the derivative is not 0: backward lets through what forward stops", np.abs(facts.numeric) > facts.tolerance
    for name, given in facts.arrays("b"):
        if (mask := aligned(given, facts.shape)) is not None:
            yield f"{name} is true", mask
            yield f"{name} is false", ~mask
    for name, given in facts.arrays("iu"):
        yield from _index_masks(name, given, facts.shape)
    for words, values in _values(facts):
        yield f"{words} > 0", values > 0
        yield f"{words} < 0", values < 0
        yield f"{words} is not 0", values != 0
        for option, number in [("1", 1.0), *((f"{option} = {v:g}", v) for option, v in facts.numbers())]:
            yield f"{words} > {option}", values > number
            yield f"{words} < {option}", values < number
            yield f"|{words}| < {option}", np.abs(values) < number
            yield f"|{words}| > {option}", np.abs(values) > number
    own = facts.arguments.get(facts.name)
    for name, y in facts.outputs.items():
        if y.shape == facts.shape:
            yield f"{name} is not 0", y != 0
            if isinstance(own, np.ndarray):
                yield f"{name} equals {facts.name}", y == own
                yield f"{name} differs from {facts.name}", y != own
    yield from _thresholds(facts)


def _values(facts: Facts) -> Iterator[tuple[str, Array]]:
    """What conditions are about: arguments, and the difference of the first from each of the others."""
    own = facts.arguments.get(facts.name)
    for name, given in facts.arrays():
        if (values := aligned(given, facts.shape)) is None:
            continue
        yield name, values
        if name != facts.name and isinstance(own, np.ndarray) and own.shape == facts.shape:
            yield f"{facts.name} - {name}", own - values


def _index_masks(name: str, index: NDArray[Any], shape: tuple[int, ...]) -> Iterator[tuple[str, Mask]]:
    """Where an array of integers selects: a class per row, rows of a table, rows that are not ignored."""
    if (given := aligned(index, shape)) is not None:
        yield f"{name} is not negative", given >= 0
        yield f"{name} is not 0", given != 0
        yield f"{name} is above 0", given > 0
    for axis, extent in enumerate(shape):
        if index.shape == shape[:axis] + shape[axis + 1 :]:
            along = np.arange(extent).reshape((-1,) + (1,) * (len(shape) - axis - 1))
            selected = np.expand_dims(index, axis) == along
            yield f"{name} selects along axis {axis}", selected
            yield f"{name} does not select along axis {axis}", ~selected
            rows = np.broadcast_to(np.expand_dims(index >= 0, axis), shape)
            yield f"{name} is not negative", rows
    if shape and index.size:
        within = index[(index >= 0) & (index < shape[0])]
        times = np.bincount(within.reshape(-1), minlength=shape[0]).reshape((-1,) + (1,) * (len(shape) - 1))
        yield f"{name} selects the row once", np.broadcast_to(times == 1, shape)
        yield f"{name} selects the row", np.broadcast_to(times > 0, shape)


def _thresholds(facts: Facts) -> Iterator[tuple[str, Mask]]:
    """A number that parts the right elements from the wrong ones, where that cannot be chance."""
    told, right = facts.matters, facts.matters & ~facts.bad
    if math.comb(int(told.sum()), int(right.sum())) < CHANCE:
        return
    for words, values in _values(facts):
        for sign, form in ((values, words), (np.abs(values), f"|{words}|")):
            inside, outside = sign[right], sign[told & facts.bad]
            for low, high, side in ((outside, inside, ">"), (inside, outside, "<")):
                if low.max() < high.min():
                    limit = (float(low.max()) + float(high.min())) / 2
                    yield f"{form} {side} about {limit:.2g}", sign > limit if side == ">" else sign < limit


def region(facts: Facts) -> Fit | None:
    """All wrong elements, and almost only wrong ones, in a box smaller than the array."""
    wrong = facts.bad
    if facts.sampled or not wrong.any() or not wrong.ndim:
        return None
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(wrong))
    inside = facts.matters[box]
    outside = int(facts.matters.sum() - inside.sum())
    if not outside or not (wrong[box] | ~inside).all():
        return None
    text = [":" if s == slice(0, n) else _span(s) for s, n in zip(box, facts.shape, strict=True)]
    message = f"wrong only in {at(facts.name, text)}, {facts.counted(wrong)}"
    return Fit("region", message, {"box": [(s.start, s.stop) for s in box], "elements": int(wrong.sum())})


def _span(s: slice) -> str:
    return str(s.start) if s.stop == s.start + 1 else f"{s.start}:{s.stop}"


def unknown(facts: Facts) -> Fit:
    """No kind fits: what can be said of the two arrays all the same."""
    a, n = facts.analytic[facts.known], facts.numeric[facts.known]
    norms = float(np.linalg.norm(a)), float(np.linalg.norm(n))
    cosine = float(np.vdot(a, n)) / (norms[0] * norms[1]) if norms[0] and norms[1] else math.nan
    message = (
        f"none of the known mistakes: {facts.counted(facts.bad)} wrong, "
        f"cosine to the derivative {cosine:.4g}, norm {norms[0]:.4g} in place of {norms[1]:.4g}"
    )
    return Fit("unknown", message, {"elements": int(facts.bad.sum()), "cosine": cosine, "norms": norms})


def _places(mask: Mask) -> list[tuple[int, ...]]:
    return [tuple(map(int, place)) for place in np.argwhere(mask)]
