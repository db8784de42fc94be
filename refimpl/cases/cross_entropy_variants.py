"""Samples of the losses that are added to cross entropy, or that bend it."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(31)
scores = draw.normal(4, 3)
labels = np.array([2, 0, 1, 2])
probabilities = draw.probabilities(4, 3)
confident = np.array([[12.0, 0.0, -1.0], [0.3, 0.2, 14.0], [0.5, 11.0, 0.0]])


def _poly() -> tuple[Case, ...]:
    combined = product((2.0, -0.5, -1.0), ("mean", "sum", "none"))
    return (
        *(
            case(
                f"{kind}, epsilon {epsilon}, {reduction}", input=scores, target=t, epsilon=epsilon, reduction=reduction
            )
            for epsilon, reduction in combined
            for kind, t in (("classes", labels), ("probabilities", probabilities))
        ),
        case("cross entropy", input=scores, target=labels, epsilon=0.0),
        case("rows that are no distribution", input=scores, target=draw.normal(4, 3), epsilon=0.75),
        case("ignored rows", input=scores, target=np.array([2, -100, 1, -100])),
        case("an ignored class", input=scores, target=labels, ignore_index=2, reduction="none"),
        case("images", input=draw.normal(2, 3, 2, 4), target=draw.labels(3, 2, 2, 4)),
        case("images, probabilities", input=draw.normal(2, 3, 2), target=draw.probabilities(2, 3, 2, axis=1)),
        case("a single row", input=scores[0], target=np.array(1)),
        case("a single row of probabilities, none", input=scores[0], target=probabilities[0], reduction="none"),
        case("confident and right", input=confident, target=np.array([0, 2, 1]), reduction="none"),
        case("confident and right, epsilon -1", input=confident, target=np.array([0, 2, 1]), epsilon=-1.0),
        case("confident and wrong", input=confident, target=np.array([1, 1, 2]), epsilon=1.0),
        case("a large offset", input=1000 + draw.normal(2, 3), target=np.array([0, 1])),
        case("tied scores", input=np.full((2, 3), 0.25), target=np.array([0, 1]), reduction="sum"),
        case("one class", input=draw.normal(3, 1), target=np.zeros(3, dtype=int)),
        case("all ignored, summed", input=scores, target=np.full(4, -100), reduction="sum"),
        case("an empty batch summed", input=np.zeros((0, 3)), target=np.zeros(0, dtype=int), reduction="sum"),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "poly_loss": _poly(),
    "z_loss": (
        *(case(f"rows, {reduction}", input=scores, reduction=reduction) for reduction in ("mean", "sum", "none")),
        case("images", input=draw.normal(2, 3, 2, 4)),
        case("images, none", input=draw.normal(2, 3, 4), reduction="none"),
        case("a single row", input=scores[0]),
        case("a single row, none", input=scores[1], reduction="none"),
        case("a negative normaliser", input=scores - 7, reduction="none"),
        case("a large offset", input=100 + scores),
        case("a normaliser near 1", input=0.125 + np.log(np.array([[0.25, 0.75], [0.5, 0.5]])), reduction="sum"),
        case("tied scores", input=np.full((2, 3), 0.25), reduction="none"),
        case("a confident row", input=confident),
        case("one class", input=draw.normal(3, 1)),
        case("an empty batch summed", input=np.zeros((0, 3)), reduction="sum"),
    ),
}


def _refusals(op: str, **others: Any) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", **others),
        refused(
            "an input without classes",
            ValueError,
            f"{op}_forward: input must have at least one class on axis 1, got (4, 0)",
            **(others | {"input": np.zeros((4, 0))}),
        ),
        refused(
            "an input without an axis",
            ValueError,
            f"{op}_forward: input must have at least 1 dimension, got shape ()",
            **(others | {"input": np.array(1.0)}),
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'max'",
            **({"input": scores} | others),
            reduction="max",
        ),
    )


def _refused(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
    arguments: dict[str, Any] = {"input": scores, "target": labels} | changes
    return refused(name, error, f"poly_loss_forward: {message}", **arguments)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "poly_loss": (
        *_refusals("poly_loss", target=labels),
        _refused(
            "a label out of range",
            ValueError,
            "target must hold classes from 0 to 2 or be ignore_index = -100, got 3 at index (1,)",
            target=np.array([0, 3, 1, 2]),
        ),
        _refused(
            "a target of the wrong length",
            ValueError,
            "target must have shape of input without its class axis = (4,), got (3,)",
            target=np.array([0, 1, 2]),
        ),
        _refused(
            "probabilities of another shape",
            ValueError,
            "target must have shape of input (class probabilities) = (4, 3), got (3, 4)",
            target=np.zeros((3, 4)),
        ),
        _refused(
            "a boolean target",
            TypeError,
            "target must be an integer array, got dtype bool",
            target=np.zeros(4, dtype=bool),
        ),
        _refused("an epsilon below -1", ValueError, "epsilon must be at least -1, got -1.5", epsilon=-1.5),
        _refused("an epsilon that is no number", TypeError, "epsilon must be a number, got 'big'", epsilon="big"),
        _refused(
            "an ignore_index that is no integer",
            TypeError,
            "ignore_index must be an integer, got 0.5",
            ignore_index=0.5,
        ),
    ),
    "z_loss": _refusals("z_loss"),
}
