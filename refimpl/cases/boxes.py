"""Samples of the losses of bounding boxes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(23)


def _pair(*shape: int) -> dict[str, Any]:
    """Boxes of sides from 1 to 2, whose corners are at most 0.8 apart and at least 0.1: they overlap, askew."""
    low = draw.normal(*shape, 2)
    sides = draw.uniform(1.5, 2, *shape, 2)
    shift = np.where(draw.normal(*shape, 4) > 0, 1, -1) * draw.uniform(0.1, 0.4, *shape, 4)
    boxes = np.concatenate([low, low + sides], axis=-1)
    return {"boxes1": boxes, "boxes2": boxes + shift}


def _boxes(first: list[Any], second: list[Any]) -> dict[str, Any]:
    return {"boxes1": np.array(first, dtype=float), "boxes2": np.array(second, dtype=float)}


def _cases(**options: Any) -> tuple[Case, ...]:
    return (
        *(case(reduction, **_pair(3), reduction=reduction, **options) for reduction in ("none", "mean", "sum")),
        case("a large eps", **_pair(2), eps=0.7, **options),
        case("no eps", **_pair(2), eps=0.0, **options),
        case("two leading axes", **_pair(2, 3), reduction="mean", **options),
        case("a single box", **_pair(), **options),
        case(
            "one inside the other",
            **_boxes([[0, 0, 4, 3], [1, 0.5, 2, 2]], [[1, 0.5, 2, 2], [0, 0, 4, 3]]),
            **options,
        ),
        case("a cross", **_boxes([[0, 1, 4, 2]], [[1, 0, 2.5, 5]]), **options),
        case(
            "apart along x, along y, along both",
            **_boxes([[0, 0, 1, 2], [0, 0, 3, 1], [5, 4, 7, 5]], [[2, 0.5, 4, 1], [1, 2, 2, 5], [0, 1, 2, 1.5]]),
            **options,
        ),
        case(
            "apart by a little",
            **_boxes([[0, 0, 2, 3], [1, 4, 3, 6]], [[2.3, 0.2, 4, 2.5], [0.7, 2, 2.8, 3.6]]),
            **options,
        ),
        case("wide against tall", **_boxes([[0, 0, 10, 0.5]], [[4, -3, 4.4, 6]]), **options),
        case("far from the origin", **_boxes([[20, -30, 22, -29]], [[20.5, -29.8, 23, -28.3]]), **options),
        case("edges that coincide", at_kink=True, **_boxes([[0, 0, 2, 3]], [[0, 1, 1, 3]]), **options),
        case("boxes that touch", at_kink=True, **_boxes([[0, 0, 2, 2]], [[2, 0.5, 3, 3]]), **options),
        case("corners that touch", at_kink=True, **_boxes([[0, 0, 2, 2]], [[2, 2, 3, 4]]), **options),
        case("no boxes, summed", boxes1=np.zeros((0, 4)), boxes2=np.zeros((0, 4)), reduction="sum", **options),
        case("the mean of no boxes", boxes1=np.zeros((0, 4)), boxes2=np.zeros((0, 4)), reduction="mean", **options),
    )


def _complete() -> tuple[Case, ...]:
    held = "alpha counts as a constant"
    return (
        *_cases(constant_alpha=False),
        case("published, sides of another ratio", departs=held, **_boxes([[0, 0, 3, 1]], [[0.5, 0.2, 2, 2.5]])),
        case("published, one inside the other", departs=held, **_boxes([[0, 0, 4, 3]], [[1, 0.5, 2, 2.8]])),
        case("published, apart", departs=held, **_boxes([[0, 0, 1, 2]], [[2, 0.5, 4, 1]]), reduction="mean"),
        case("published, a large eps", departs=held, **_boxes([[0, 0, 1, 2]], [[0.3, 0.5, 4, 1]]), eps=0.7),
    )


def _refusals(op: str) -> tuple[Refusal, ...]:
    two = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    return (
        refused_integers(op, "boxes1", boxes2=two),
        refused_integers(op, "boxes2", boxes1=two),
        refused(
            "x2 < x1",
            ValueError,
            f"{op}_forward: boxes1 must have x1 <= x2 and y1 <= y2, got (3, 0, 1.5, 2) at index (1,)",
            boxes1=np.array([[0, 0, 1, 1], [3, 0, 1.5, 2]]),
            boxes2=two,
        ),
        refused(
            "y2 < y1",
            ValueError,
            f"{op}_forward: boxes2 must have x1 <= x2 and y1 <= y2, got (0, 2, 1, 1) at index ()",
            boxes1=two[0],
            boxes2=np.array([0.0, 2, 1, 1]),
        ),
        refused(
            "five edges",
            ValueError,
            f"{op}_forward: boxes1 must have shape (..., 4), got (2, 5)",
            boxes1=np.zeros((2, 5)),
            boxes2=np.zeros((2, 5)),
        ),
        refused(
            "a number",
            ValueError,
            f"{op}_forward: boxes1 must have shape (..., 4), got ()",
            boxes1=np.array(1.0),
            boxes2=np.array(1.0),
        ),
        refused(
            "boxes that would be broadcast",
            ValueError,
            f"{op}_forward: boxes2 must have shape of boxes1 = (2, 4), got (1, 4)",
            boxes1=two,
            boxes2=two[:1],
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            boxes1=two,
            boxes2=two,
            reduction="avg",
        ),
        refused(
            "a negative eps",
            ValueError,
            f"{op}_forward: eps must be at least 0, got -1",
            boxes1=two,
            boxes2=two,
            eps=-1,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "box_iou_loss": _cases(),
    "complete_box_iou_loss": _complete(),
    "distance_box_iou_loss": _cases(),
    "generalized_box_iou_loss": _cases(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in CASES}
REFUSALS["complete_box_iou_loss"] += (
    refused(
        "a constant_alpha that is no choice",
        TypeError,
        "complete_box_iou_loss_forward: constant_alpha must be True or False, got None",
        boxes1=np.ones((1, 4)),
        boxes2=np.ones((1, 4)),
        constant_alpha=None,
    ),
)
