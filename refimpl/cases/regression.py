"""Samples of the losses of a residual."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(4)


def _pair(*shape: int) -> dict[str, Any]:
    """An input whose residuals stay away from 0 and are at most 2."""
    target = draw.normal(*shape)
    return {"input": np.asarray(target + draw.away_from_zero(*shape)), "target": target}


def _residuals() -> tuple[Case, ...]:
    """Every reduction, and the shapes that break something."""
    return (
        case("mean", **_pair(3, 4)),
        case("sum", **_pair(3, 4), reduction="sum"),
        case("none", **_pair(3, 4), reduction="none"),
        case("a single number", **_pair()),
        case("an empty batch summed", **_pair(0, 3), reduction="sum"),
        case("an empty batch unreduced", **_pair(0, 3), reduction="none"),
    )


def _weighted(**options: Any) -> tuple[Case, ...]:
    """Every reduction with a weight per element."""
    equal = np.array([1.0, -2.0, 3.0])
    return (
        case("weighted mean", **_pair(3, 4), weight=draw.uniform(0.3, 3, 3, 4), **options),
        case("weighted sum", **_pair(2, 3), weight=draw.uniform(0.3, 3, 2, 3), reduction="sum", **options),
        case("weighted none", **_pair(2, 3), weight=draw.uniform(0.3, 3, 2, 3), reduction="none", **options),
        case("a weight of zero", **_pair(3), weight=np.array([0.5, 0.0, 2.0]), **options),
        case("a negative weight", **_pair(3), weight=np.array([0.5, -1.0, 2.0]), **options),
        case("a single number, weighted", **_pair(), weight=np.array(0.7), **options),
        case("equal residuals, weighted", input=equal + 0.5, target=equal, weight=draw.uniform(0.3, 3, 3), **options),
        case("an empty batch summed, weighted", **_pair(0, 3), weight=np.zeros((0, 3)), reduction="sum", **options),
    )


# Residuals on both sides of a threshold of 1, of 0.3, and of 4; at the thresholds themselves the slope does not jump.
_GRADED: dict[str, Any] = {
    "input": np.array([-4.5, -2.0, -1.1, -0.9, -0.2, 0.0, 0.25, 0.35, 1.2, 3.0, 5.0]),
    "target": np.zeros(11),
}


def _refusals(op: str, weight: bool = False) -> tuple[Refusal, ...]:
    three = np.ones(3)
    weights = (
        refused_integers(op, "weight", input=three, target=three),
        refused(
            "a weight of the wrong length",
            ValueError,
            f"{op}_forward: weight must have shape of input = (3,), got (1,)",
            input=three,
            target=three,
            weight=np.ones(1),
        ),
    )
    return (
        refused_integers(op, "input", target=three),
        refused_integers(op, "target", input=three),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 1), got (3,)",
            input=np.ones((3, 1)),
            target=three,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            input=three,
            target=three,
            reduction="avg",
        ),
        *(weights if weight else ()),
    )


def _refused_option(op: str, what: str, option: str, value: Any, rule: str) -> Refusal:
    error = TypeError if rule == "a number" else ValueError
    got = repr(value) if error is TypeError else f"{value:g}"
    message = f"{op}_forward: {option} must be {rule}, got {got}"
    return refused(what, error, message, input=np.ones(3), target=np.ones(3), **{option: value})


CASES: dict[str, tuple[Case, ...]] = {
    "huber_loss": (
        *_residuals(),
        *_weighted(delta=0.6),
        case("both sides of delta", **_GRADED, reduction="none"),
        case("a small delta", **_GRADED, delta=0.3),
        case("a large delta", **_GRADED, delta=4.0, reduction="sum"),
        case("an infinite delta", **_GRADED, delta=float("inf")),
    ),
    "l1_loss": (
        *_residuals(),
        *_weighted(),
        case("at the kink", at_kink=True, input=np.array([1.0, 2.0, 0.5]), target=np.array([1.0, 2.5, 0.5])),
    ),
    "log_cosh_loss": (
        *_residuals(),
        case("no residual", input=np.array([1.0, 2.0]), target=np.array([1.0, 2.0])),
        case(
            "around the change of formula",
            input=np.array([-20.1, -19.9, -3.0, 3.0, 19.9, 20.1]),
            target=np.zeros(6),
            reduction="none",
        ),
    ),
    "mse_loss": (
        *_residuals(),
        *_weighted(),
        case("no residual", input=np.array([1.0, 2.0]), target=np.array([1.0, 2.0])),
    ),
    "quantile_loss": (
        *_residuals(),
        case("a high quantile", **_pair(3, 4), quantile=0.9),
        case("a low quantile, summed", **_pair(2, 3), quantile=0.2, reduction="sum"),
        case("a low quantile, unreduced", **_pair(2, 3), quantile=0.05, reduction="none"),
        case("quantile 0", **_pair(5), quantile=0.0),
        case("quantile 1", **_pair(5), quantile=1.0),
        case(
            "at the kink",
            at_kink=True,
            input=np.array([1.0, 2.0, 0.5]),
            target=np.array([1.0, 2.5, 0.5]),
            quantile=0.8,
        ),
    ),
    "smooth_l1_loss": (
        *_residuals(),
        case("both sides of beta", **_GRADED, reduction="none"),
        case("a small beta", **_GRADED, beta=0.3),
        case("a large beta", **_GRADED, beta=4.0, reduction="sum"),
        case("beta 0", **_pair(3, 4), beta=0.0),
        case(
            "beta 0, at the kink",
            at_kink=True,
            input=np.array([1.0, 2.0, 0.5]),
            target=np.array([1.0, 2.5, 0.5]),
            beta=0.0,
        ),
    ),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "huber_loss": (
        *_refusals("huber_loss", weight=True),
        _refused_option("huber_loss", "a delta of 0", "delta", 0.0, "above 0"),
        _refused_option("huber_loss", "a delta that is NaN", "delta", float("nan"), "above 0"),
        _refused_option("huber_loss", "a delta that is no number", "delta", "1", "a number"),
    ),
    "l1_loss": _refusals("l1_loss", weight=True),
    "log_cosh_loss": _refusals("log_cosh_loss"),
    "mse_loss": _refusals("mse_loss", weight=True),
    "quantile_loss": (
        *_refusals("quantile_loss"),
        _refused_option("quantile_loss", "a quantile above 1", "quantile", 1.5, "at least 0 and at most 1"),
        _refused_option("quantile_loss", "a negative quantile", "quantile", -0.5, "at least 0 and at most 1"),
        _refused_option("quantile_loss", "a quantile that is no number", "quantile", None, "a number"),
    ),
    "smooth_l1_loss": (
        *_refusals("smooth_l1_loss"),
        _refused_option("smooth_l1_loss", "a negative beta", "beta", -1.0, "at least 0"),
        _refused_option("smooth_l1_loss", "a beta that is no number", "beta", True, "a number"),
    ),
}
