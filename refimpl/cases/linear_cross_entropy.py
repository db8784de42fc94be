"""Samples of the cross entropy of a linear layer's scores."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(29)
features: dict[str, Any] = {"input": draw.normal(4, 5), "linear_weight": draw.normal(3, 5)}
labels = np.array([2, 0, 1, 2])
probabilities = draw.probabilities(4, 3)
bias, class_weight = draw.normal(3), np.array([0.5, 2.0, 1.25])
images: dict[str, Any] = {"input": draw.normal(2, 4), "linear_weight": draw.normal(3, 2, 5, 4)}
image_labels = draw.labels(3, 2, 2, 5)
image_labels[1, 0, 3] = -100


def _combined() -> tuple[Case, ...]:
    """Every combination of the options that change the mathematics."""

    def options(biased: bool, weighted: bool, smoothing: float, reduction: str) -> tuple[str, dict[str, Any]]:
        words = ("bias" if biased else "no bias", "weighted" if weighted else "unweighted", f"smoothing {smoothing}")
        chosen: dict[str, Any] = {"label_smoothing": smoothing, "reduction": reduction}
        chosen |= {"linear_bias": bias} if biased else {}
        return ", ".join((*words, reduction)), chosen | ({"weight": class_weight} if weighted else {})

    choices = product((False, True), (False, True), (0.0, 0.2), ("mean", "sum", "none"))
    return tuple(
        case(f"{kind}, {name}", **features, target=target, **chosen)
        for name, chosen in (options(*choice) for choice in choices)
        for kind, target in (("classes", labels), ("probabilities", probabilities))
    )


CASES: dict[str, tuple[Case, ...]] = {
    "linear_cross_entropy": (
        *_combined(),
        case(
            "ignored rows, weighted, smoothed",
            **features,
            target=np.array([2, -1, 1, -1]),
            weight=class_weight,
            ignore_index=-1,
            label_smoothing=0.1,
        ),
        case("ignored rows by default", **features, target=np.array([2, -100, 1, -100]), linear_bias=bias),
        case("an ignored class", **features, target=labels, ignore_index=2, reduction="none"),
        case("several maps", **images, target=image_labels, linear_bias=draw.normal(3, 2, 5), weight=class_weight),
        case("several maps, none", **images, target=image_labels, reduction="none", label_smoothing=0.1),
        case(
            "several maps, probabilities",
            **images,
            target=draw.probabilities(2, 3, 2, 5, axis=1),
            linear_bias=draw.normal(3, 2, 5),
            weight=class_weight,
        ),
        case("a single row", input=draw.normal(5), linear_weight=draw.normal(3, 5), target=np.array(1)),
        case(
            "a single row of probabilities, none",
            input=draw.normal(5),
            linear_weight=draw.normal(3, 5),
            target=probabilities[0],
            linear_bias=bias,
            reduction="none",
        ),
        case(
            "one feature, one class", input=draw.normal(3, 1), linear_weight=draw.normal(1, 1), target=np.zeros(3, int)
        ),
        case(
            "confident rows",
            input=np.array([[4.0, 0.0], [0.0, 3.0]]),
            linear_weight=np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]]),
            target=np.array([0, 1]),
        ),
        case("a class of weight 0", **features, target=labels, weight=np.array([0.5, 0.0, 1.0])),
        case("all ignored, summed", **features, target=np.full(4, -100), reduction="sum"),
        case(
            "an empty batch summed",
            input=np.zeros((0, 5)),
            linear_weight=draw.normal(3, 5),
            target=np.zeros(0, dtype=int),
            linear_bias=bias,
            reduction="sum",
        ),
        case("no features", input=np.zeros((4, 0)), linear_weight=np.zeros((3, 0)), target=labels, linear_bias=bias),
    ),
}


def _refused(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
    arguments = features | {"target": labels} | changes
    return refused(name, error, f"linear_cross_entropy_forward: {message}", **arguments)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "linear_cross_entropy": (
        refused_integers("linear_cross_entropy", "input", linear_weight=np.ones((3, 5)), target=labels),
        refused_integers("linear_cross_entropy", "linear_weight", input=np.ones((4, 5)), target=labels),
        refused_integers("linear_cross_entropy", "linear_bias", **features, target=labels),
        refused_integers("linear_cross_entropy", "weight", **features, target=labels),
        _refused(
            "an input of three dimensions",
            ValueError,
            "input must have shape (N, in) or (in,), got (1, 4, 5)",
            input=np.ones((1, 4, 5)),
        ),
        _refused(
            "a linear_weight of one dimension",
            ValueError,
            "linear_weight must have at least 2 dimensions, got shape (5,)",
            linear_weight=np.ones(5),
        ),
        _refused(
            "columns do not match",
            ValueError,
            "linear_weight must have as many columns as input has features, got linear_weight (5, 3) and input (4, 5)",
            linear_weight=np.ones((5, 3)),
        ),
        _refused(
            "no classes",
            ValueError,
            "linear_weight must have at least one class on axis 0, got (0, 5)",
            linear_weight=np.ones((0, 5)),
        ),
        _refused(
            "several maps of a single row",
            ValueError,
            "input must have shape (N, in) where linear_weight has more than 2 dimensions, got (5,)",
            input=np.ones(5),
            linear_weight=np.ones((3, 2, 5)),
        ),
        _refused(
            "a bias of the wrong length",
            ValueError,
            "linear_bias must have shape linear_weight.shape[:-1] = (3,), got (4,)",
            linear_bias=np.ones(4),
        ),
        _refused(
            "a weight of the wrong length",
            ValueError,
            "weight must have shape (classes,) = (3,), got (4,)",
            weight=np.ones(4),
        ),
        _refused(
            "a label out of range",
            ValueError,
            "target must hold classes from 0 to 2 or be ignore_index = -100, got 3 at index (1,)",
            target=np.array([0, 3, 1, 2]),
        ),
        _refused(
            "a target of the wrong length",
            ValueError,
            "target must have shape of the scores without its class axis = (4,), got (3,)",
            target=np.array([0, 1, 2]),
        ),
        _refused(
            "probabilities of another shape",
            ValueError,
            "target must have shape of the scores (class probabilities) = (4, 3), got (4,)",
            target=np.zeros(4),
        ),
        _refused(
            "a boolean target",
            TypeError,
            "target must be an integer array, got dtype bool",
            target=np.zeros(4, dtype=bool),
        ),
        _refused(
            "an ignored class with probabilities",
            ValueError,
            "ignore_index must be None where target holds probabilities, got -100",
            target=probabilities,
            ignore_index=-100,
        ),
        _refused(
            "an ignore_index that is no integer",
            TypeError,
            "ignore_index must be an integer, got 0.5",
            ignore_index=0.5,
        ),
        _refused(
            "a negative smoothing",
            ValueError,
            "label_smoothing must be at least 0 and at most 1, got -0.1",
            label_smoothing=-0.1,
        ),
        _refused(
            "an unknown reduction",
            ValueError,
            "reduction must be one of 'none', 'mean', 'sum', got 'batchmean'",
            reduction="batchmean",
        ),
    ),
}
