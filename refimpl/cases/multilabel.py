"""Samples of the losses of several labels at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(22)
REDUCTIONS = ("mean", "sum", "none")
scores = draw.distinct(3, 4)
listed = np.array([[3, 0, -1, 1], [2, -1, -1, -1], [1, 3, 0, -1]])
soft_labels = draw.uniform(0.1, 0.9, 3, 4)
class_weight = np.array([0.5, 2.0, 1.25, 0.3])


def _margin() -> tuple[Case, ...]:
    return (
        *(case(reduction, input=scores, target=listed, reduction=reduction) for reduction in REDUCTIONS),
        case("a class listed twice", input=scores, target=np.array([[3, 3, 0, -1], [2, 0, 2, 2], [1, -1, 1, 1]])),
        case("no class listed", input=scores, target=np.full((3, 4), -1), reduction="none"),
        case("every class listed", input=scores, target=np.array([[0, 1, 2, 3]] * 3), reduction="none"),
        case("a single row without a batch", input=scores[0], target=listed[0]),
        case("a single row without a batch, none", input=scores[1], target=listed[2], reduction="none"),
        case("a single number", input=np.array(0.3), target=np.array(0)),
        case("one class", input=draw.normal(3, 1), target=np.array([[0], [-1], [0]]), reduction="none"),
        case("a constant row", input=np.full((1, 4), 0.7), target=listed[:1], reduction="none"),
        case(
            "at the kink",
            at_kink=True,
            input=np.array([[0.0, 1.0, 0.5, 0.0]]),
            target=np.array([[1, -1, 0, 0]]),
            reduction="none",
        ),
        case("an empty batch unreduced", input=np.zeros((0, 3)), target=np.zeros((0, 3), dtype=int), reduction="none"),
    )


def _soft_margin() -> tuple[Case, ...]:
    hard: dict[str, Any] = {"input": scores, "target": (soft_labels > 0.5).astype(np.int64)}
    soft: dict[str, Any] = {"input": scores, "target": soft_labels}
    return (
        *(case(f"classes, {reduction}", **hard, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"probabilities, {reduction}", **soft, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"weighted, {reduction}", **soft, weight=class_weight, reduction=reduction) for reduction in REDUCTIONS),
        case("a class of weight 0", **hard, weight=np.array([0.5, 0.0, 1.0, 2.0])),
        case(
            "a middle axis of rows",
            input=draw.normal(2, 3, 4),
            target=draw.uniform(0.1, 0.9, 2, 3, 4),
            weight=class_weight,
            reduction="none",
        ),
        case("a single row without a batch", input=scores[0], target=soft_labels[0]),
        case("tails", input=np.array([[-30.0, 8.0, 0.0, 30.0]]), target=np.array([[0, 1, 1, 0]]), reduction="none"),
        case("one class", input=draw.normal(3, 1), target=draw.uniform(0.1, 0.9, 3, 1), weight=np.array([2.0])),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros((0, 3)), reduction="sum"),
    )


def _refusals(op: str, target: Any) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", target=np.ones(3, dtype=int)),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 4), got (4,)",
            input=scores,
            target=target[0],
        ),
        refused(
            "an input without classes",
            ValueError,
            f"{op}_forward: input must have at least one class on its last axis, got shape (4, 0)",
            input=np.zeros((4, 0)),
            target=np.zeros((4, 0), dtype=int),
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'batchmean'",
            input=scores,
            target=target,
            reduction="batchmean",
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "multilabel_margin_loss": _margin(),
    "multilabel_soft_margin_loss": _soft_margin(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "multilabel_margin_loss": (
        *_refusals("multilabel_margin_loss", listed),
        refused(
            "a floating target",
            TypeError,
            "multilabel_margin_loss_forward: target must be an integer array, got dtype float64",
            input=scores,
            target=np.zeros((3, 4)),
        ),
        refused(
            "a label out of range, after the end of the list",
            ValueError,
            "multilabel_margin_loss_forward: target must hold classes from 0 to 3, ended by -1, got 4 at index (0, 3)",
            input=scores[:1],
            target=np.array([[3, 0, -1, 4]]),
        ),
        refused(
            "a label below -1",
            ValueError,
            "multilabel_margin_loss_forward: target must hold classes from 0 to 3, ended by -1, got -2 at index (0, 1)",
            input=scores[:1],
            target=np.array([[3, -2, -1, -1]]),
        ),
        refused(
            "an input of three dimensions",
            ValueError,
            "multilabel_margin_loss_forward: input must have at most 2 dimensions, got shape (2, 3, 4)",
            input=np.zeros((2, 3, 4)),
            target=np.zeros((2, 3, 4), dtype=int),
        ),
    ),
    "multilabel_soft_margin_loss": (
        *_refusals("multilabel_soft_margin_loss", soft_labels),
        refused_integers("multilabel_soft_margin_loss", "weight", input=np.ones(3), target=np.ones(3)),
        refused(
            "a target that is a sign",
            ValueError,
            "multilabel_soft_margin_loss_forward: target must hold probabilities from 0 to 1, got -1 at index (0, 2)",
            input=scores[:1],
            target=np.array([[1, 1, -1, 1]]),
        ),
        refused(
            "a target that is NaN",
            ValueError,
            "multilabel_soft_margin_loss_forward: target must hold probabilities from 0 to 1, got nan at index (1,)",
            input=np.ones(2),
            target=np.array([0.5, np.nan]),
        ),
        refused(
            "a weight of the wrong length",
            ValueError,
            "multilabel_soft_margin_loss_forward: weight must have shape (classes,) = (4,), got (3,)",
            input=scores,
            target=soft_labels,
            weight=np.ones(3),
        ),
        refused(
            "an input without an axis",
            ValueError,
            "multilabel_soft_margin_loss_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
            target=np.array(1.0),
        ),
    ),
}
