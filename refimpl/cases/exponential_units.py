"""Samples of the exponential linear units."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(11)


def _common() -> tuple[Case, ...]:
    return (
        case("both signs", input=draw.away_from_zero(3, 4)),
        case("tails", input=np.array([-30.0, -8.0, 8.0, 30.0])),
        case("a single number", input=np.array(-0.7)),
        case("no elements", input=np.zeros((0, 3))),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "celu": (
        *_common(),
        case("a large alpha", input=draw.away_from_zero(3, 4), alpha=2.5),
        case("a small alpha", input=draw.away_from_zero(3, 4), alpha=0.25),
        case("a negative alpha", input=draw.away_from_zero(3, 4), alpha=-1.5),
    ),
    "elu": (
        *_common(),
        case("a large alpha", input=draw.away_from_zero(3, 4), alpha=2.5),
        case("a negative alpha", input=draw.away_from_zero(3, 4), alpha=-0.5),
        case("at the kink", at_kink=True, input=np.array([-1.0, 0.0, 2.0, -0.0]), alpha=0.4),
    ),
    "selu": (
        *_common(),
        case("at the kink", at_kink=True, input=np.array([-1.0, 0.0, 2.0, -0.0])),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {op: (refused_integers(op, "input"),) for op in CASES}
REFUSALS["celu"] += (
    refused("an alpha of zero", ValueError, "celu_forward: alpha must not be 0, got 0", input=np.ones(3), alpha=0.0),
)
REFUSALS["elu"] += (
    refused(
        "an alpha that is NaN",
        ValueError,
        "elu_forward: alpha must be a number, got nan",
        input=np.ones(3),
        alpha=float("nan"),
    ),
)
