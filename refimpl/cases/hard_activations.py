"""Samples of the hard activations."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(12)


def _common(*kinks: float) -> tuple[Case, ...]:
    """Every piece, each side of the kinks, and the kinks themselves."""
    near = np.concatenate([np.array(kinks) - 0.1, np.array(kinks) + 0.1])
    return (
        case("every piece", input=np.concatenate([near, [-20.0, 20.0]]).reshape(2, -1)),
        case("within", input=draw.uniform(kinks[0] + 0.05, kinks[-1] - 0.05, 3, 4)),
        case("a single number", input=np.array(0.5 * kinks[0] + 0.3)),
        case("no elements", input=np.zeros((0, 3))),
        case("at the kinks", at_kink=True, input=np.array([kinks[0], 1.7, kinks[-1]])),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "hardshrink": (
        case("every piece", input=np.array([-2.0, -0.6, -0.4, 0.0, 0.4, 0.6, 2.0])),
        case("a wide dead zone", input=draw.away_from_zero(3, 4), lambd=0.99999),
        case("no dead zone", input=draw.away_from_zero(3, 4), lambd=0.0),
        case("a negative lambd", input=draw.normal(3, 4), lambd=-0.5),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
    "hardsigmoid": _common(-3.0, 3.0),
    "hardswish": _common(-3.0, 3.0),
    "hardtanh": (
        *_common(-1.0, 1.0),
        case("bounds that are not symmetric", input=np.array([-3.0, -1.9, 0.2, 0.6, 2.0]), min_val=-2.0, max_val=0.5),
        case("an interval of one point", input=np.array([-1.0, 2.0]), min_val=0.5, max_val=0.5),
    ),
    "relu6": _common(0.0, 6.0),
    "softshrink": (
        *_common(-0.5, 0.5),
        case("a wide dead zone", input=draw.away_from_zero(3, 4), lambd=0.99999),
        case("no dead zone", input=draw.away_from_zero(3, 4), lambd=0.0),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {op: (refused_integers(op, "input"),) for op in CASES}
REFUSALS["hardtanh"] += (
    refused(
        "bounds the wrong way round",
        ValueError,
        "hardtanh_forward: min_val must be at most 1, got 2",
        input=np.ones(3),
        min_val=2,
        max_val=1,
    ),
)
REFUSALS["hardshrink"] += (
    refused(
        "a lambd that is an array",
        TypeError,
        "hardshrink_forward: lambd must be a number, got [0.5]",
        input=np.ones(3),
        lambd=[0.5],
    ),
)
REFUSALS["softshrink"] += (
    refused(
        "a negative lambd",
        ValueError,
        "softshrink_forward: lambd must be at least 0, got -0.5",
        input=np.ones(3),
        lambd=-0.5,
    ),
)
