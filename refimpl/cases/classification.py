"""Samples of the losses of class scores."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(5)
log_rows = np.log(draw.probabilities(4, 3))
labels = np.array([2, 0, 1, 2])
class_weight = np.array([0.5, 2.0, 1.25])
scores = draw.normal(4, 3)


def _nll() -> tuple[Case, ...]:
    return (
        case("mean", input=log_rows, target=labels),
        case("sum", input=log_rows, target=labels, reduction="sum"),
        case("none", input=log_rows, target=labels, reduction="none"),
        case("weighted mean", input=log_rows, target=labels, weight=class_weight),
        case("weighted sum", input=log_rows, target=labels, weight=class_weight, reduction="sum"),
        case("weighted none", input=log_rows, target=labels, weight=class_weight, reduction="none"),
        case("ignored rows", input=log_rows, target=np.array([2, -100, 1, -100]), weight=class_weight),
        case("an ignored class", input=log_rows, target=labels, ignore_index=2, reduction="none"),
        case("images", input=np.log(draw.probabilities(2, 3, 2, 4, axis=1)), target=draw.labels(3, 2, 2, 4)),
        case("a single row without a batch", input=log_rows[0], target=np.array(1)),
        case("one class", input=draw.normal(3, 1), target=np.zeros(3, dtype=int)),
        case("all ignored, summed", input=log_rows, target=np.full(4, -100), reduction="sum"),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros(0, dtype=int), reduction="sum"),
    )


def _cross_entropy() -> tuple[Case, ...]:
    """Every combination of the options that change the mathematics, and the shapes and rows that break something."""

    def options(weight: bool, smoothing: float, reduction: str) -> tuple[str, dict[str, Any]]:
        name = f"{'weighted' if weight else 'unweighted'}, smoothing {smoothing}, {reduction}"
        chosen: dict[str, Any] = {"label_smoothing": smoothing, "reduction": reduction}
        return name, chosen | ({"weight": class_weight} if weight else {})

    combined = [options(*choice) for choice in product((False, True), (0.0, 0.2), ("mean", "sum", "none"))]
    probabilities = draw.probabilities(4, 3)
    image_scores, image_labels = draw.normal(2, 3, 2, 4), draw.labels(3, 2, 2, 4)
    image_labels[0, 1, 2] = -100
    return (
        *(case(f"classes, {name}", input=scores, target=labels, **chosen) for name, chosen in combined),
        *(case(f"probabilities, {name}", input=scores, target=probabilities, **chosen) for name, chosen in combined),
        case(
            "ignored rows, weighted, smoothed",
            input=scores,
            target=np.array([2, -1, 1, -1]),
            weight=class_weight,
            ignore_index=-1,
            label_smoothing=0.1,
        ),
        case("an ignored class", input=scores, target=labels, ignore_index=2),
        case("images", input=image_scores, target=image_labels, weight=class_weight, label_smoothing=0.1),
        case("images, none", input=image_scores, target=image_labels, weight=class_weight, reduction="none"),
        case(
            "images, probabilities",
            input=draw.normal(2, 3, 2),
            target=draw.probabilities(2, 3, 2, axis=1),
            weight=class_weight,
        ),
        case("a single row without a batch", input=scores[0], target=np.array(1)),
        case("a single row of probabilities", input=scores[0], target=probabilities[0], weight=class_weight),
        case("a confident row", input=np.array([[12.0, 0.0, -1.0], [0.3, 0.2, 14.0]]), target=np.array([0, 1])),
        case("a large offset", input=1000 + draw.normal(2, 3), target=np.array([0, 1])),
        case("one class", input=draw.normal(3, 1), target=np.zeros(3, dtype=int)),
        case("a class of weight 0", input=scores, target=labels, weight=np.array([0.5, 0.0, 1.0])),
        case("all ignored, summed", input=scores, target=np.full(4, -100), reduction="sum"),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros(0, dtype=int), reduction="sum"),
    )


def _refusals(op: str) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", target=np.array(0)),
        refused_integers(op, "weight", input=scores, target=labels),
        refused(
            "a label out of range",
            ValueError,
            f"{op}_forward: target must hold classes from 0 to 2 or be ignore_index = -100, got 3 at index (1,)",
            input=scores,
            target=np.array([0, 3, 1, 2]),
        ),
        refused(
            "a negative label",
            ValueError,
            f"{op}_forward: target must hold classes from 0 to 2 or be ignore_index = -100, got -1 at index (0,)",
            input=scores,
            target=np.array([-1, 2, 1, 2]),
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
            input=scores,
            target=labels,
            weight=np.ones(4),
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got None",
            input=scores,
            target=labels,
            reduction=None,
        ),
        refused(
            "an input without classes",
            ValueError,
            f"{op}_forward: input must have at least one class on axis 1, got (4, 0)",
            input=np.zeros((4, 0)),
            target=labels,
        ),
        refused(
            "an input without an axis",
            ValueError,
            f"{op}_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
            target=np.array(0),
        ),
        refused(
            "an ignore_index that is no integer",
            TypeError,
            f"{op}_forward: ignore_index must be an integer, got 0.5",
            input=scores,
            target=labels,
            ignore_index=0.5,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {"nll_loss": _nll(), "cross_entropy": _cross_entropy()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "nll_loss": (
        *_refusals("nll_loss"),
        refused(
            "a floating target",
            TypeError,
            "nll_loss_forward: target must be an integer array, got dtype float64",
            input=scores,
            target=np.zeros(4),
        ),
    ),
    "cross_entropy": (
        *_refusals("cross_entropy"),
        refused(
            "probabilities of another shape",
            ValueError,
            "cross_entropy_forward: target must have shape of input (class probabilities) = (4, 3), got (4,)",
            input=scores,
            target=np.zeros(4),
        ),
        refused(
            "a boolean target",
            TypeError,
            "cross_entropy_forward: target must be an integer array, got dtype bool",
            input=scores,
            target=np.zeros(4, dtype=bool),
        ),
        refused(
            "a smoothing above 1",
            ValueError,
            "cross_entropy_forward: label_smoothing must be at least 0 and at most 1, got 1.5",
            input=scores,
            target=labels,
            label_smoothing=1.5,
        ),
        refused(
            "a smoothing that is no number",
            ValueError,
            "cross_entropy_forward: label_smoothing must be at least 0 and at most 1, got nan",
            input=scores,
            target=labels,
            label_smoothing=float("nan"),
        ),
    ),
}
