"""Samples of the self-gated activations."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(14)


def _common() -> tuple[Case, ...]:
    return (
        case("both signs", input=draw.normal(3, 4)),
        case("tails", input=np.array([-30.0, -8.0, 0.0, 8.0, 30.0])),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "gelu": (
        *_common(),
        case("around the change of formula", input=np.array([-1.3, -1.01, -1.0, -0.99, -0.6])),
        case("a tail of its own", input=np.array([-6.0, -3.0, -2.5])),
        case("tanh", input=draw.normal(3, 4), approximate="tanh"),
        case("tanh, tails", input=np.array([-8.0, -4.0, 0.0, 4.0, 8.0]), approximate="tanh"),
        case("tanh, a tail of its own", input=np.array([-5.5, -3.0, -2.5]), approximate="tanh"),
    ),
    "mish": _common(),
    "silu": _common(),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {op: (refused_integers(op, "input"),) for op in CASES}
REFUSALS["gelu"] += (
    refused(
        "an unknown approximation",
        ValueError,
        "gelu_forward: approximate must be one of 'none', 'tanh', got 'erf'",
        input=np.ones(3),
        approximate="erf",
    ),
)
