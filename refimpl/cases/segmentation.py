"""Samples of the losses of overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(9)


def _pair(*shape: int) -> dict[str, Any]:
    return {"input": draw.uniform(0.05, 0.95, *shape), "target": draw.uniform(0.05, 0.95, *shape)}


def _onehot(samples: int, classes: int, *pixels: int) -> dict[str, Any]:
    """Class probabilities, and 1 at the true class."""
    labels = draw.labels(classes, samples, *pixels)
    target = np.moveaxis(np.eye(classes)[labels], -1, 1)
    return {"input": draw.probabilities(samples, classes, *pixels, axis=1), "target": target}


def _binary() -> tuple[Case, ...]:
    hard: dict[str, Any] = {
        "input": draw.uniform(0.05, 0.95, 2, 5),
        "target": np.array([[0.0, 1, 1, 0, 0], [1, 0, 1, 1, 1]]),
    }
    return (
        case("mean", **_pair(3, 4)),
        case("sum", **_pair(3, 4), reduction="sum"),
        case("none", **_pair(3, 4), reduction="none"),
        case("images of unequal sides", **_pair(2, 3, 4), reduction="none"),
        case("targets of 0 and 1", **hard),
        case("no smoothing", **hard, smooth=0.0, reduction="none"),
        case("a large smooth", **hard, smooth=30.0, reduction="sum"),
        case("an empty region", input=hard["input"], target=np.zeros((2, 5)), reduction="none"),
        case("predictions of 0 and 1", input=np.eye(3), target=draw.uniform(0.05, 0.95, 3, 3)),
        case("one pixel", **_pair(3, 1)),
        case("no pixels", **_pair(3, 0), reduction="none"),
        case("an empty batch summed", **_pair(0, 4), reduction="sum"),
    )


def _multiclass() -> tuple[Case, ...]:
    weight = np.array([0.5, 2.0, 1.25])
    fixed = _onehot(2, 3, 4)
    return (
        case("mean", **fixed),
        case("sum", **fixed, reduction="sum"),
        case("none", **fixed, reduction="none"),
        case("weighted mean", **fixed, weight=weight),
        case("weighted sum", **fixed, weight=weight, reduction="sum"),
        case("weighted none", **fixed, weight=weight, reduction="none"),
        case("a class of weight 0", **fixed, weight=np.array([1.0, 0.0, 2.0])),
        case("images of unequal sides", **_onehot(2, 3, 2, 3), weight=weight),
        case("probabilities as targets", **_pair(2, 3, 4), weight=weight),
        case("no smoothing", **_pair(2, 3, 4), smooth=0.0),
        case("one class", **_pair(3, 1, 2)),
        case("an empty batch summed", **_pair(0, 3, 4), weight=weight, reduction="sum"),
    )


def _tversky(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The same with false alarms and misses weighted apart, and each alone."""
    first = cases[0].arguments
    return (
        *(case(c.name, **c.arguments, alpha=0.3, beta=0.7) for c in cases),
        case("the default weights", **first),
        case("false alarms alone", **first, alpha=1.0, beta=0.0, smooth=0.25),
        case("misses alone", **first, alpha=0.0, beta=1.5, smooth=0.25),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "binary_dice_loss": _binary(),
    "binary_tversky_loss": _tversky(_binary()),
    "multiclass_dice_loss": _multiclass(),
    "multiclass_tversky_loss": _tversky(_multiclass()),
}


def _refusals(op: str) -> tuple[Refusal, ...]:
    classes = op.startswith("multiclass")
    shape = (2, 3, 4) if classes else (2, 4)
    p = np.full(shape, 0.5)
    one = tuple(0 for _ in shape)
    few = np.ones(shape[:-1]) if classes else np.ones(4)
    bad = p.copy()
    bad[one] = 1.5
    where = f"got 1.5 at index {one}"
    found = (
        refused_integers(op, "input", target=p),
        refused_integers(op, "target", input=p),
        refused(
            "no pixels' axis",
            ValueError,
            f"{op}_forward: input must have at least {len(shape)} dimensions, got shape {few.shape}",
            input=few,
            target=few,
        ),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = {shape}, got {(1, *shape[1:])}",
            input=p,
            target=p[:1],
        ),
        refused(
            "an input of 1.5",
            ValueError,
            f"{op}_forward: input must hold probabilities from 0 to 1, {where}",
            input=bad,
            target=p,
        ),
        refused(
            "a target of 1.5",
            ValueError,
            f"{op}_forward: target must hold probabilities from 0 to 1, {where}",
            input=p,
            target=bad,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            input=p,
            target=p,
            reduction="avg",
        ),
        *(
            refused(
                f"a negative {option}",
                ValueError,
                f"{op}_forward: {option} must be at least 0, got -1",
                input=p,
                target=p,
                **{option: -1.0},
            )
            for option in (("alpha", "beta", "smooth") if "tversky" in op else ("smooth",))
        ),
    )
    if not classes:
        return found
    message = f"{op}_forward: weight must have shape (classes,) = (3,), got (4,)"
    return (
        *found,
        refused_integers(op, "weight", input=p, target=p),
        refused("a weight of the wrong length", ValueError, message, input=p, target=p, weight=np.ones(4)),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in CASES}
