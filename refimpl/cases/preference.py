"""Samples of the losses of preferences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(25)
rewards: dict[str, Any] = {"rewards_chosen": draw.normal(2, 3), "rewards_rejected": draw.normal(2, 3)}
margin = draw.uniform(0, 2, 2, 3)


def _bradley_terry() -> tuple[Case, ...]:
    return (
        *(case(reduction, **rewards, reduction=reduction) for reduction in ("mean", "sum", "none")),
        case("a margin", **rewards, margin=margin, reduction="none"),
        case("centred", **rewards, center_rewards_coefficient=0.3, reduction="none"),
        case("a margin, centred, mean", **rewards, margin=margin, center_rewards_coefficient=0.01),
        case("a coefficient of 0", **rewards, center_rewards_coefficient=0.0),
        case(
            "tails",
            rewards_chosen=np.array([20.0, -15.0, 5.0, 0.0]),
            rewards_rejected=np.array([-10.0, 15.0, -3.0, 0.0]),
            reduction="none",
        ),
        case("a single number", rewards_chosen=np.array(0.3), rewards_rejected=np.array(0.5)),
        case(
            "an empty batch summed", rewards_chosen=np.zeros((0, 3)), rewards_rejected=np.zeros((0, 3)), reduction="sum"
        ),
    )


def _refusals() -> tuple[Refusal, ...]:
    op, three = "bradley_terry_loss", np.ones(3)
    both: dict[str, Any] = {"rewards_chosen": three, "rewards_rejected": three}
    return (
        refused_integers(op, "rewards_chosen", rewards_rejected=three),
        refused_integers(op, "rewards_rejected", rewards_chosen=three),
        refused_integers(op, "margin", **both),
        refused(
            "rejected rewards that would be broadcast",
            ValueError,
            f"{op}_forward: rewards_rejected must have shape of rewards_chosen = (3, 1), got (3,)",
            rewards_chosen=np.ones((3, 1)),
            rewards_rejected=three,
        ),
        refused(
            "one margin for all",
            ValueError,
            f"{op}_forward: margin must have shape of rewards_chosen = (3,), got ()",
            **both,
            margin=0.5,
        ),
        refused(
            "a negative coefficient",
            ValueError,
            f"{op}_forward: center_rewards_coefficient must be at least 0, got -0.1",
            **both,
            center_rewards_coefficient=-0.1,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            **both,
            reduction="avg",
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {"bradley_terry_loss": _bradley_terry()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {"bradley_terry_loss": _refusals()}
