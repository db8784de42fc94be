"""Samples of the losses of a residual."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(4)


def _residuals() -> tuple[Case, ...]:
    """Inputs whose residuals stay away from 0, for every reduction, with and without a weight."""

    def pair(*shape: int) -> dict[str, Any]:
        target = draw.normal(*shape)
        return {"input": np.asarray(target + draw.away_from_zero(*shape)), "target": target}

    return (
        case("mean", **pair(3, 4)),
        case("sum", **pair(3, 4), reduction="sum"),
        case("none", **pair(3, 4), reduction="none"),
        case("weighted mean", **pair(3, 4), weight=draw.uniform(0.3, 3, 3, 4)),
        case("weighted sum", **pair(2, 3), weight=draw.uniform(0.3, 3, 2, 3), reduction="sum"),
        case("weighted none", **pair(2, 3), weight=draw.uniform(0.3, 3, 2, 3), reduction="none"),
        case("a weight of zero", **pair(3), weight=np.array([0.5, 0.0, 2.0])),
        case("a single number", **pair()),
        case("an empty batch summed", **pair(0, 3), reduction="sum"),
        case("an empty batch unreduced", **pair(0, 3), reduction="none"),
    )


def _refusals(op: str) -> tuple[Refusal, ...]:
    three = np.ones(3)
    return (
        refused_integers(op, "input", target=three),
        refused_integers(op, "target", input=three),
        refused_integers(op, "weight", input=three, target=three),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 1), got (3,)",
            input=np.ones((3, 1)),
            target=three,
        ),
        refused(
            "a weight of the wrong length",
            ValueError,
            f"{op}_forward: weight must have shape of input = (3,), got (1,)",
            input=three,
            target=three,
            weight=np.ones(1),
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            input=three,
            target=three,
            reduction="avg",
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "l1_loss": (
        *_residuals(),
        case("at the kink", at_kink=True, input=np.array([1.0, 2.0, 0.5]), target=np.array([1.0, 2.5, 0.5])),
    ),
    "mse_loss": (
        *_residuals(),
        case("no residual", input=np.array([1.0, 2.0]), target=np.array([1.0, 2.0])),
    ),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in CASES}
