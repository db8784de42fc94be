"""Samples of the activations."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused_integers

draw = Draw(1)

CASES: dict[str, tuple[Case, ...]] = {
    "relu": (
        case("both signs", input=draw.away_from_zero(3, 4)),
        case("at the kink", at_kink=True, input=np.array([-1.0, 0.0, 2.0, -0.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
    "sigmoid": (
        case("both signs", input=draw.normal(3, 4)),
        case("tails", input=np.array([-30.0, -8.0, 0.0, 8.0, 30.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
    "tanh": (
        case("both signs", input=draw.normal(3, 4)),
        case("around the change of formula", input=np.array([-0.51, -0.5, -0.49, 0.0, 0.49, 0.5, 0.51, 3.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {op: (refused_integers(op, "input"),) for op in CASES}
