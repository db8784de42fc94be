"""Samples of distillation."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(8)


def _scores(*shape: int) -> dict[str, Any]:
    return {
        "student_logits": draw.normal(*shape),
        "teacher_logits": draw.normal(*shape),
        "target": draw.labels(shape[-1], *shape[:-1]),
    }


_FIXED = _scores(4, 3)
_CLOSE = {**_FIXED, "teacher_logits": _FIXED["student_logits"] + 0.05 * draw.normal(4, 3)}

CASES: dict[str, tuple[Case, ...]] = {
    "distillation_loss": (
        case("mean", **_FIXED),
        case("sum", **_FIXED, reduction="sum"),
        case("none", **_FIXED, reduction="none"),
        case("a high temperature", **_FIXED, temperature=4.0),
        case("a high temperature, not squared", **_FIXED, temperature=4.0, square_temperature=False),
        case("a low temperature", **_FIXED, temperature=0.3, reduction="none"),
        case("a low temperature, not squared", **_FIXED, temperature=0.3, square_temperature=False, reduction="sum"),
        case("unequal weights", **_FIXED, weight_hard_loss=0.2, weight_soft_loss=3.0, temperature=2.0),
        case("the soft loss alone", **_FIXED, weight_hard_loss=0, temperature=2.0),
        case("the hard loss alone", **_FIXED, weight_soft_loss=0, temperature=2.0),
        case("ignored rows", **{**_FIXED, "target": np.array([2, -100, 1, -100])}, temperature=2.0),
        case("an ignored class", **_FIXED, ignore_index=int(_FIXED["target"][0]), reduction="none"),
        case("all ignored, summed", **{**_FIXED, "target": np.full(4, -100)}, reduction="sum"),
        case("student and teacher close", **_CLOSE, temperature=1.5),
        case(
            "confident rows",
            student_logits=np.array([[9.0, 0.0, -1.0], [0.3, 8.0, 0.1]]),
            teacher_logits=np.array([[8.0, 1.0, 0.0], [9.0, -1.0, 0.5]]),
            target=np.array([0, 1]),
            reduction="none",
        ),
        case("sequences", **_scores(2, 3, 4), temperature=2.0),
        case("a single row without a batch", **_scores(5), temperature=0.7),
        case("one class", **_scores(3, 1)),
        case("a large offset", **{**_FIXED, "student_logits": 1000 + _FIXED["student_logits"]}, temperature=0.5),
        case("an empty batch summed", **_scores(0, 3), reduction="sum"),
    ),
}


def _refused(name: str, message: str, error: type[Exception] = ValueError, /, **changed: Any) -> Refusal:
    return refused(name, error, f"distillation_loss_forward: {message}", **{**_FIXED, **changed})


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "distillation_loss": (
        refused_integers("distillation_loss", "student_logits", teacher_logits=np.ones(3), target=np.array(0)),
        refused_integers("distillation_loss", "teacher_logits", student_logits=np.ones(3), target=np.array(0)),
        _refused(
            "a floating target", "target must be an integer array, got dtype float64", TypeError, target=np.ones(4)
        ),
        _refused(
            "a teacher of other classes",
            "teacher_logits must have shape of student_logits = (4, 3), got (4, 2)",
            teacher_logits=np.ones((4, 2)),
        ),
        _refused(
            "a target of the wrong length",
            "target must have shape of student_logits without its last axis = (4,), got (3,)",
            target=np.zeros(3, dtype=int),
        ),
        _refused(
            "a label out of range",
            "target must hold classes from 0 to 2 or be ignore_index = -100, got 3 at index (1,)",
            target=np.array([0, 3, 1, 2]),
        ),
        _refused("a temperature of 0", "temperature must be above 0, got 0", temperature=0),
        _refused("a negative temperature", "temperature must be above 0, got -1", temperature=-1.0),
        _refused("a negative hard weight", "weight_hard_loss must be at least 0, got -0.5", weight_hard_loss=-0.5),
        _refused("a negative soft weight", "weight_soft_loss must be at least 0, got -0.5", weight_soft_loss=-0.5),
        _refused("an ignore_index of 0.5", "ignore_index must be an integer, got 0.5", TypeError, ignore_index=0.5),
        _refused(
            "a square_temperature of 2",
            "square_temperature must be True or False, got 2",
            TypeError,
            square_temperature=2,
        ),
        _refused("an unknown reduction", "reduction must be one of 'none', 'mean', 'sum', got 'avg'", reduction="avg"),
        _refused(
            "scores without an axis",
            "student_logits must have at least 1 dimension, got shape ()",
            student_logits=np.array(1.0),
            teacher_logits=np.array(1.0),
            target=np.array(0),
        ),
        _refused(
            "no classes",
            "student_logits must have at least one class on the last axis, got (4, 0)",
            student_logits=np.ones((4, 0)),
            teacher_logits=np.ones((4, 0)),
        ),
    ),
}
