"""Samples of softmax and its logarithm."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(3)


def _rows() -> tuple[Case, ...]:
    return (
        case("rows", input=draw.normal(3, 4), dim=1),
        case("columns", input=draw.normal(3, 4), dim=0),
        case("a middle axis", input=draw.normal(2, 5, 3), dim=-2),
        case("dim left out, two dimensions", input=draw.normal(3, 4)),
        case("dim left out, three dimensions", input=draw.normal(3, 4, 2)),
        case("a constant row", input=np.full((2, 3), 0.7), dim=1),
        case("a confident row", input=np.array([[5.0, 0.0, -1.0], [0.3, 0.2, 6.0]]), dim=1),
        case("a large offset", input=1000 + draw.normal(2, 3), dim=1),
        case("a class that cannot be", input=np.array([[0.5, -np.inf, 1.0]]), dim=1),
        case("one class", input=draw.normal(3, 1), dim=1),
        case("a single number", input=np.array(0.7), dim=0),
        case("an empty batch", input=np.zeros((0, 3)), dim=1),
        case("no classes", input=np.zeros((2, 0)), dim=1),
        case("converted to float64", input=draw.normal(2, 3), dim=1, dtype=np.float64),
    )


def _refusals(op: str) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", dim=0),
        refused(
            "an axis out of range",
            ValueError,
            f"{op}_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
            input=np.ones((2, 3)),
            dim=2,
        ),
        refused(
            "an axis that is no integer",
            TypeError,
            f"{op}_forward: dim must be an integer, got 1.0",
            input=np.ones((2, 3)),
            dim=1.0,
        ),
        refused(
            "an integer dtype",
            TypeError,
            f"{op}_forward: dtype must be float16, float32 or float64, got int32",
            input=np.ones((2, 3)),
            dim=1,
            dtype=np.int32,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {"softmax": _rows(), "log_softmax": _rows()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in CASES}
