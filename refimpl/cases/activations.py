"""Samples of the smooth activations."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(1)


def _common() -> tuple[Case, ...]:
    return (
        case("both signs", input=draw.normal(3, 4)),
        case("tails", input=np.array([-30.0, -8.0, 0.0, 8.0, 30.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "logsigmoid": _common(),
    "sigmoid": _common(),
    "softplus": (
        *_common(),
        case("a beta that stretches", input=draw.normal(3, 4), beta=0.3),
        case("a beta that sharpens", input=draw.normal(3, 4), beta=2.5),
        case("a negative beta", input=draw.normal(3, 4), beta=-1.5),
        case("either side of a low threshold", input=np.array([-2.0, 0.3, 0.45, 0.55, 3.0]), beta=2.0, threshold=1.0),
        case("no threshold in reach", input=np.array([-30.0, 19.0, 25.0]), threshold=1e4),
    ),
    "softsign": (  # no element at 0, where the second derivative jumps: finite differences are poor there
        case("both signs", input=draw.away_from_zero(3, 4)),
        case("tails", input=np.array([-30.0, -8.0, 8.0, 30.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
    "squareplus": (
        case("both signs", x=draw.normal(3, 4)),
        case("a small b", x=draw.normal(3, 4), b=0.25),
        case("tails", x=np.array([-30.0, -8.0, 0.0, 8.0, 30.0])),
        case("a single number", x=np.array(0.7)),
        case("no elements", x=np.zeros((0, 3))),
    ),
    "tanh": (
        *_common(),
        case("around the change of formula", input=np.array([-0.51, -0.5, -0.49, 0.0, 0.49, 0.5, 0.51, 3.0])),
    ),
    "tanhshrink": (
        *_common(),
        case("around the change of formula", input=np.array([-2.01, -2.0, -1.99, 1.99, 2.0, 2.01])),
        case("next to zero", input=np.array([-0.2, -0.05, 0.1, 0.3])),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    op: (refused_integers(op, "x" if op == "squareplus" else "input"),) for op in CASES
}
REFUSALS["softplus"] += (
    refused("a beta of zero", ValueError, "softplus_forward: beta must not be 0, got 0", input=np.ones(3), beta=0),
    refused(
        "a beta that is no number",
        TypeError,
        "softplus_forward: beta must be a number, got '1'",
        input=np.ones(3),
        beta="1",
    ),
    refused(
        "a threshold that is NaN",
        ValueError,
        "softplus_forward: threshold must be a number, got nan",
        input=np.ones(3),
        threshold=float("nan"),
    ),
)
REFUSALS["squareplus"] += (
    refused("a b of zero", ValueError, "squareplus_forward: b must be above 0, got 0", x=np.ones(3), b=0.0),
)
