"""Samples of the losses of a margin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(21)
REDUCTIONS = ("mean", "sum", "none")
signs = np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, 1.0]])
# Beside the margins 1 and 0.4 by at least 0.1, on both sides, and on both sides of 0.
distances = np.array([[0.3, 0.25, 1.7], [0.8, -0.6, 1.2]])
scores = draw.distinct(4, 3)
labels = np.array([2, 0, 1, 2])
class_weight = np.array([0.5, 2.0, 1.25])


def _hinge_embedding() -> tuple[Case, ...]:
    return (
        *(case(reduction, input=distances, target=signs, reduction=reduction) for reduction in REDUCTIONS),
        case("another margin", input=distances, target=signs, margin=0.4, reduction="none"),
        case("a margin below 0", input=distances - 1, target=signs, margin=-0.5, reduction="none"),
        case("integer targets", input=distances, target=signs.astype(np.int64)),
        case("just beside the kink", input=np.array([0.95, 1.05]), target=np.array([-1.0, -1.0]), reduction="none"),
        case("a single number", input=np.array(0.3), target=np.array(-1.0)),
        case(
            "at the kink", at_kink=True, input=np.array([1.0, 0.5, 1.0]), target=np.array([-1, -1, 1]), reduction="none"
        ),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros((0, 3)), reduction="sum"),
    )


def _margin_ranking() -> tuple[Case, ...]:
    """Targets of 1 and -1, and others, in which the loss is differentiable as well."""
    first = draw.normal(2, 3)
    pair: dict[str, Any] = {"input1": first, "input2": np.asarray(first - signs * distances), "target": signs}
    return (
        *(case(reduction, **pair, margin=0.5, reduction=reduction) for reduction in REDUCTIONS),
        case("no margin", **pair, reduction="none"),
        case("a margin below 0", **pair, margin=-0.4, reduction="none"),
        case("targets that are no signs", **pair | {"target": signs * [0.5, 2, 3]}, margin=0.7, reduction="none"),
        case("integer targets", **pair | {"target": signs.astype(np.int64)}, margin=0.5),
        case("a single number", input1=np.array(0.3), input2=np.array(0.7), target=np.array(1.0)),
        case(
            "at the kink",
            at_kink=True,
            input1=np.array([1.5, 2.0, 0.25]),
            input2=np.array([1.0, 2.5, 0.75]),
            target=np.array([1, -1, 1]),
            margin=0.5,
            reduction="none",
        ),
        case("a tie without a margin", at_kink=True, input1=np.ones(2), input2=np.ones(2), target=np.array([1.0, -1])),
        case(
            "an empty batch summed",
            input1=np.zeros((0, 3)),
            input2=np.zeros((0, 3)),
            target=np.zeros((0, 3)),
            reduction="sum",
        ),
    )


def _multi_margin() -> tuple[Case, ...]:
    """Scores whose differences are odd multiples of some 0.1 away from each margin."""
    both: dict[str, Any] = {"input": scores, "target": labels}
    return (
        *(
            case(f"p = {p}, {reduction}", **both, p=p, margin=1.1, reduction=reduction)
            for p in (1, 2)
            for reduction in REDUCTIONS
        ),
        *(
            case(f"weighted, p = {p}, {reduction}", **both, p=p, weight=class_weight, margin=0.9, reduction=reduction)
            for p in (1, 2)
            for reduction in REDUCTIONS
        ),
        case("a margin of 0", **both, p=2, margin=0.0, reduction="none"),
        case("a single row without a batch", input=scores[0], target=np.array(1), margin=0.7),
        case("a single row without a batch, none", input=scores[0], target=np.array(2), p=2, reduction="none"),
        case("a single number", input=np.array(0.3), target=np.array(0)),
        case("one class", input=draw.normal(3, 1), target=np.zeros(3, dtype=int), reduction="none"),
        case("a constant row", input=np.full((2, 3), 0.7), target=np.array([0, 2]), reduction="none"),
        case("a class of weight 0", **both, weight=np.array([0.5, 0.0, 1.0]), reduction="none"),
        case(
            "at the kink",
            at_kink=True,
            input=np.array([[1.0, 0.0, 0.5], [0.25, 0.25, 1.25]]),
            target=np.array([0, 2]),
            reduction="none",
        ),
        case("an empty batch unreduced", input=np.zeros((0, 3)), target=np.zeros(0, dtype=int), reduction="none"),
    )


def _soft_margin() -> tuple[Case, ...]:
    return (
        *(case(reduction, input=draw.normal(2, 3), target=signs, reduction=reduction) for reduction in REDUCTIONS),
        case("integer targets", input=draw.normal(2, 3), target=signs.astype(np.int64)),
        case(
            "tails",
            input=np.array([-30.0, -8.0, 0.0, 8.0, 30.0, -8.0]),
            target=np.array([1, -1, 1, 1, -1, 1]),
            reduction="none",
        ),
        case("a single number", input=np.array(0.3), target=np.array(-1.0)),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros((0, 3)), reduction="sum"),
    )


def _refused_reduction(op: str, **arguments: Any) -> Refusal:
    message = f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'"
    return refused("an unknown reduction", ValueError, message, **arguments, reduction="avg")


def _refused_signs(op: str) -> tuple[Refusal, ...]:
    three = np.ones(3)
    return (
        refused_integers(op, "input", target=three),
        refused(
            "a target that is no sign",
            ValueError,
            f"{op}_forward: target must hold 1 and -1 alone, got 0 at index (1,)",
            input=three,
            target=np.array([1, 0, -1]),
        ),
        refused(
            "a target that is no number",
            ValueError,
            f"{op}_forward: target must hold 1 and -1 alone, got nan at index (2,)",
            input=three,
            target=np.array([1, -1, np.nan]),
        ),
        refused(
            "a boolean target",
            TypeError,
            f"{op}_forward: target must be a floating-point or an integer array, got dtype bool",
            input=three,
            target=np.ones(3, dtype=bool),
        ),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 1), got (3,)",
            input=np.ones((3, 1)),
            target=three,
        ),
        _refused_reduction(op, input=three, target=three),
    )


def _refused_margin(op: str, **arguments: Any) -> tuple[Refusal, ...]:
    return (
        refused(
            "a margin that is an array",
            TypeError,
            f"{op}_forward: margin must be a number, got [1.0, 2.0]",
            **arguments,
            margin=[1.0, 2.0],
        ),
        refused(
            "a margin that is NaN",
            ValueError,
            f"{op}_forward: margin must be a number, got nan",
            **arguments,
            margin=float("nan"),
        ),
    )


def _refused_ranking() -> tuple[Refusal, ...]:
    op, three = "margin_ranking_loss", np.ones(3)
    return (
        refused_integers(op, "input1", input2=three, target=three),
        refused_integers(op, "input2", input1=three, target=three),
        refused(
            "a second input that would be broadcast",
            ValueError,
            f"{op}_forward: input2 must have shape of input1 = (3, 1), got (1, 3)",
            input1=np.ones((3, 1)),
            input2=np.ones((1, 3)),
            target=np.ones((3, 1)),
        ),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input1 = (3,), got (1,)",
            input1=three,
            input2=three,
            target=np.ones(1),
        ),
        refused(
            "a boolean target",
            TypeError,
            f"{op}_forward: target must be a floating-point or an integer array, got dtype bool",
            input1=three,
            input2=three,
            target=np.ones(3, dtype=bool),
        ),
        *_refused_margin(op, input1=three, input2=three, target=three),
        _refused_reduction(op, input1=three, input2=three, target=three),
    )


def _refused_multi() -> tuple[Refusal, ...]:
    op = "multi_margin_loss"
    both: dict[str, Any] = {"input": scores, "target": labels}
    return (
        refused_integers(op, "input", target=np.array(0)),
        refused_integers(op, "weight", **both),
        refused(
            "a floating target",
            TypeError,
            f"{op}_forward: target must be an integer array, got dtype float64",
            input=scores,
            target=np.zeros(4),
        ),
        refused(
            "a label out of range",
            ValueError,
            f"{op}_forward: target must hold classes from 0 to 2, got 3 at index (1,)",
            input=scores,
            target=np.array([0, 3, 1, 2]),
        ),
        refused(
            "a target of the wrong length",
            ValueError,
            f"{op}_forward: target must have shape of input without its class axis = (4,), got (3,)",
            input=scores,
            target=np.array([0, 1, 2]),
        ),
        refused(
            "a weight of the wrong length",
            ValueError,
            f"{op}_forward: weight must have shape (classes,) = (3,), got (4,)",
            **both,
            weight=np.ones(4),
        ),
        refused("p = 3", ValueError, f"{op}_forward: p must be one of 1, 2, got 3", **both, p=3),
        refused(
            "an input without classes",
            ValueError,
            f"{op}_forward: input must have at least one class on its last axis, got shape (4, 0)",
            input=np.zeros((4, 0)),
            target=labels,
        ),
        refused(
            "an input of three dimensions",
            ValueError,
            f"{op}_forward: input must have at most 2 dimensions, got shape (2, 3, 4)",
            input=np.zeros((2, 3, 4)),
            target=np.zeros((2, 3), dtype=int),
        ),
        *_refused_margin(op, **both),
        _refused_reduction(op, **both),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "hinge_embedding_loss": _hinge_embedding(),
    "margin_ranking_loss": _margin_ranking(),
    "multi_margin_loss": _multi_margin(),
    "soft_margin_loss": _soft_margin(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "hinge_embedding_loss": (
        *_refused_signs("hinge_embedding_loss"),
        *_refused_margin("hinge_embedding_loss", input=np.ones(3), target=np.ones(3)),
    ),
    "margin_ranking_loss": _refused_ranking(),
    "multi_margin_loss": _refused_multi(),
    "soft_margin_loss": _refused_signs("soft_margin_loss"),
}
