"""Samples of the divergences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(7)
Pair = Callable[..., dict[str, Any]]


def _log_probabilities(*shape: int) -> Any:
    return np.asarray(np.log(draw.uniform(0.05, 0.95, *shape)))


def _plain(*shape: int) -> dict[str, Any]:
    """Log-probabilities, and probabilities away from 0 and 1."""
    return {"input": _log_probabilities(*shape), "target": draw.uniform(0.05, 0.95, *shape)}


def _logs(*shape: int) -> dict[str, Any]:
    return {"input": _log_probabilities(*shape), "target": _log_probabilities(*shape)}


def _numbers(*shape: int) -> dict[str, Any]:
    """Probabilities that are no two equal."""
    gap = draw.away_from_zero(*shape) / 8
    return {"input": np.asarray(0.5 + gap + draw.uniform(0, 0.2, *shape)), "target": draw.uniform(0.5, 0.51, *shape)}


def _shapes(pair: Pair, **options: Any) -> tuple[Case, ...]:
    return (
        case("mean", **pair(3, 4), reduction="mean", **options),
        case("sum", **pair(3, 4), reduction="sum", **options),
        case("none", **pair(3, 4), reduction="none", **options),
        case("batchmean", **pair(3, 4), reduction="batchmean", **options),
        case("batchmean of three axes", **pair(2, 3, 4), reduction="batchmean", **options),
        case("batchmean of one axis", **pair(3), reduction="batchmean", **options),
        case("batchmean of a single number", **pair(), reduction="batchmean", **options),
        case("a single number", **pair(), reduction="none", **options),
        case("an empty batch summed", **pair(0, 3), reduction="sum", **options),
        case("an empty batch unreduced", **pair(0, 3), reduction="none", **options),
        case("no classes", **pair(2, 0), reduction="batchmean", **options),
    )


def _named(suffix: str, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    return tuple(case(f"{c.name}, {suffix}", at_kink=c.at_kink, departs=c.departs, **c.arguments) for c in cases)


x = _log_probabilities(6) - 0.5
_CLOSE: dict[str, Any] = {"input": x, "target": np.exp(x) * [0.55, 0.65, 0.999, 1.0, 1.5, 1.02]}
_CLOSE_LOGS: dict[str, Any] = {"input": x, "target": np.add(x, [-1.05, -0.95, -1e-3, 0.0, 0.95, 1.05])}
_APART: dict[str, Any] = {"input": np.array([-12.0, -0.1, -7.0]), "target": np.array([-0.2, -9.0, -6.5])}

CASES: dict[str, tuple[Case, ...]] = {
    "kl_div": (
        *_shapes(_plain),
        *_named("log target", _shapes(_logs, log_target=True)),
        case("close to each other", **_CLOSE, reduction="none"),
        case("close to each other, log target", **_CLOSE_LOGS, reduction="none", log_target=True),
        case("far apart, log target", **_APART, log_target=True, reduction="batchmean"),
        case("a target of 1", input=np.log([0.3, 0.6]), target=np.array([0.2, 1.0]), reduction="sum"),
        case(
            "a target of 0",
            departs="PyTorch has NaN where the slope is -inf",
            input=np.log([0.2, 0.3, 0.5]),
            target=np.array([0.0, 1.0, 0.4]),
            reduction="none",
        ),
    ),
    "generalized_kl_div": (
        *_shapes(_plain),
        *_named("log target", _shapes(_logs, log_target=True)),
        case("close to each other", **_CLOSE, reduction="none"),
        case("close to each other, log target", **_CLOSE_LOGS, reduction="none", log_target=True),
        case("far apart, log target", **_APART, log_target=True, reduction="batchmean"),
        case("no distributions", input=draw.normal(3, 2), target=draw.uniform(0.5, 4, 3, 2), reduction="sum"),
    ),
    "jensen_shannon_div": (
        *_shapes(_logs),
        *(case(f"beta {beta}", **_logs(2, 3), beta=beta) for beta in (0.0, 0.1, 0.7, 0.999, 1.0)),
        *(case(f"close to each other, beta {beta}", **_CLOSE_LOGS, beta=beta, reduction="none") for beta in (0.3, 0.8)),
        *(case(f"far apart, beta {beta}", **_APART, beta=beta, reduction="sum") for beta in (0.3, 0.8)),
    ),
    "total_variation_distance": (
        *_shapes(_numbers),
        case("at the kink", at_kink=True, input=np.array([0.5, 0.2, 0.3]), target=np.array([0.5, 0.4, 0.3])),
        case("0 and 1", input=np.array([0.0, 1.0, 0.3]), target=np.array([1.0, 0.0, 0.6])),
    ),
}


def _refusals(op: str, probabilities: tuple[str, ...]) -> tuple[Refusal, ...]:
    three = np.full(3, 0.5)
    return (
        refused_integers(op, "input", target=three),
        refused_integers(op, "target", input=three),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: target must have shape of input = (3, 1), got (3,)",
            input=np.full((3, 1), 0.5),
            target=three,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'batchmean', 'mean', 'sum', got 'batch'",
            input=three,
            target=three,
            reduction="batch",
        ),
        *(
            refused(
                f"{name} of {value:g}",
                ValueError,
                f"{op}_forward: {name} must hold probabilities from 0 to 1, got {value:g} at index (1,)",
                **{"input": three, "target": three, name: np.array([0.5, value, 2.0])},
            )
            for name in probabilities
            for value in (1.25, -0.5, float("nan"))
        ),
    )


def _no_boolean(op: str) -> Refusal:
    message = f"{op}_forward: log_target must be True or False, got 1"
    return refused("a log_target of 1", TypeError, message, input=np.ones(2), target=np.ones(2), log_target=1)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "kl_div": (*_refusals("kl_div", ("target",)), _no_boolean("kl_div")),
    "generalized_kl_div": (
        *_refusals("generalized_kl_div", ()),
        _no_boolean("generalized_kl_div"),
        refused(
            "a negative target",
            ValueError,
            "generalized_kl_div_forward: target must be at least 0, got -0.5 at index (1,)",
            input=np.ones(3),
            target=np.array([0.5, -0.5, 2.0]),
        ),
    ),
    "jensen_shannon_div": (
        *_refusals("jensen_shannon_div", ()),
        *(
            refused(
                f"a beta of {beta:g}",
                ValueError,
                f"jensen_shannon_div_forward: beta must be at least 0 and at most 1, got {beta:g}",
                input=np.ones(2),
                target=np.ones(2),
                beta=beta,
            )
            for beta in (-0.25, 1.5)
        ),
    ),
    "total_variation_distance": _refusals("total_variation_distance", ("input", "target")),
}
