"""Samples of sparsemax."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(16)
scores = np.array([[0.5, 0.1, -0.9, 0.3], [2.0, -1.0, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]])

CASES: dict[str, tuple[Case, ...]] = {
    "sparsemax": (
        case("supports of three, one and four", input=scores),
        case("columns", input=scores.T.copy(), dim=0),
        case("a middle axis", input=draw.distinct(2, 3, 2), dim=1),
        case("a constant row", input=np.full((2, 3), 0.7)),
        case("a tie within the support", input=np.array([[0.5, 0.5, -1.0]])),
        case("a tie outside the support", input=np.array([[2.0, 0.5, 0.5]])),
        case("a class that cannot be", input=np.array([[0.5, -np.inf, 0.3]])),
        case("a large offset", input=np.array([[1000.5, 1000.25, 999.0]])),
        case("one class", input=draw.normal(3, 1)),
        case("a single number", input=np.array(0.7)),
        case("an empty batch", input=np.zeros((0, 3))),
        case("no classes", input=np.zeros((2, 0))),
        case("an entry at the threshold", at_kink=True, input=np.array([[1.0, 0.0, -2.0]])),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "sparsemax": (
        refused_integers("sparsemax", "input"),
        refused(
            "an axis out of range",
            ValueError,
            "sparsemax_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
            input=np.ones((2, 3)),
            dim=2,
        ),
    )
}
