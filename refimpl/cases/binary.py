"""Samples of the losses of yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(6)
three = np.full(3, 0.5)


def _probabilities(*shape: int) -> dict[str, Any]:
    return {"input": draw.uniform(0.1, 0.9, *shape), "target": draw.uniform(0.05, 0.95, *shape)}


def _scores(*shape: int) -> dict[str, Any]:
    return {"input": np.asarray(2 * draw.normal(*shape)), "target": draw.uniform(0.05, 0.95, *shape)}


def _shapes(pair: Any) -> tuple[Case, ...]:
    """Every reduction, and every way in which a weight may be spread over the elements."""
    hard: dict[str, Any] = {**pair(3, 4), "target": np.array([[0.0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 1, 1]])}
    return (
        case("mean", **pair(3, 4)),
        case("sum", **pair(3, 4), reduction="sum"),
        case("none", **pair(3, 4), reduction="none"),
        case("targets of 0 and 1", **hard),
        case("a weight per element", **pair(3, 4), weight=draw.uniform(0.3, 3, 3, 4)),
        case("a weight per column", **pair(3, 4), weight=draw.uniform(0.3, 3, 4), reduction="sum"),
        case("a weight per row", **pair(3, 4), weight=draw.uniform(0.3, 3, 3, 1), reduction="none"),
        case("one weight", **pair(3, 4), weight=np.array(0.7)),
        case("a weight of 0", **pair(3), weight=np.array([0.5, 0.0, 2.0])),
        case("a single number", **pair()),
        case("an empty batch summed", **pair(0, 3), weight=draw.uniform(0.3, 3, 3), reduction="sum"),
        case("an empty batch unreduced", **pair(0, 3), reduction="none"),
    )


_KEPT = "the logarithm is held at -100, and PyTorch's gradient goes on"
_CERTAIN: dict[str, Any] = {
    "input": np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.3]),
    "target": np.array([0.0, 1.0, 0.25, 0.0, 1.0, 0.25, 0.5]),
}


def _with_logits() -> tuple[Case, ...]:
    def positive(*shape: int) -> Any:
        return draw.uniform(0.2, 5, *shape)

    return (
        *_shapes(_scores),
        case("positives weighted per class", **_scores(3, 4), pos_weight=positive(4)),
        case("positives weighted per element", **_scores(3, 4), pos_weight=positive(3, 4), reduction="none"),
        case("both weights", **_scores(3, 4), weight=positive(3, 1), pos_weight=positive(4), reduction="sum"),
        case("positives weighted near 1", **_scores(5), pos_weight=np.array([0.45, 0.55, 1.0, 1.45, 1.55])),
        case("tails", input=np.array([-30.0, -9.0, 9.0, 30.0]), target=np.array([1.0, 0.0, 0.0, 1.0]), reduction="sum"),
    )


def _focal() -> tuple[Case, ...]:
    def pair(*shape: int) -> dict[str, Any]:
        return {"inputs": np.asarray(2 * draw.normal(*shape)), "targets": draw.uniform(0.05, 0.95, *shape)}

    hard: dict[str, Any] = {"inputs": 2 * draw.normal(2, 4), "targets": np.array([[0.0, 1, 1, 0], [1, 0, 1, 0]])}
    return (
        case("none", **pair(3, 4)),
        case("mean", **pair(3, 4), reduction="mean"),
        case("sum", **pair(3, 4), reduction="sum"),
        case("targets of 0 and 1", **hard),
        case("no weighting by alpha", **hard, alpha=-1),
        case("alpha 0", **hard, alpha=0.0),
        case("alpha 1", **pair(5), alpha=1.0),
        case("gamma 0", **hard, gamma=0),
        case("gamma 1", **pair(5), gamma=1.0, alpha=0.6),
        case("a gamma below 1", **hard, gamma=0.3),
        case("a large gamma", **pair(5), gamma=5.5, alpha=-1, reduction="sum"),
        case("tails", inputs=np.array([-9.0, -5.0, 5.0, 9.0]), targets=np.array([1.0, 0.5, 0.0, 1.0])),
        case("a single number", **pair()),
        case("an empty batch summed", **pair(0, 3), reduction="sum"),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "binary_cross_entropy": (
        *_shapes(_probabilities),
        case("next to 0 and 1", input=np.array([0.02, 0.03, 0.97, 0.98]), target=np.array([0.3, 0.9, 0.2, 0.6])),
        case(
            "around the change of formula",
            input=np.array([0.24, 0.26, 0.499, 0.5, 0.501, 0.74, 0.76]),
            target=draw.uniform(0.1, 0.9, 7),
        ),
        case("certainty", departs=_KEPT, **_CERTAIN, reduction="none"),
        case("certainty, weighted", departs=_KEPT, **_CERTAIN, weight=draw.uniform(0.3, 3, 7)),
    ),
    "binary_cross_entropy_with_logits": _with_logits(),
    "sigmoid_focal_loss": _focal(),
}


def _no_probability(op: str, name: str, value: float, **others: Any) -> Refusal:
    message = f"{op}_forward: {name} must hold probabilities from 0 to 1, got {value:g} at index (1,)"
    return refused(f"{name} of {value:g}", ValueError, message, **{name: np.array([0.5, value, 2.0])}, **others)


def _refusals(op: str, x: str, t: str, weights: tuple[str, ...]) -> tuple[Refusal, ...]:
    both: dict[str, Any] = {x: three, t: three}
    return (
        refused_integers(op, x, **{t: three}),
        refused_integers(op, t, **{x: three}),
        _no_probability(op, t, 1.25, **{x: three}),
        _no_probability(op, t, -1e-9, **{x: three}),
        _no_probability(op, t, float("nan"), **{x: three}),
        refused(
            "a target that would be broadcast",
            ValueError,
            f"{op}_forward: {t} must have shape of {x} = (3, 1), got (3,)",
            **{x: np.full((3, 1), 0.5), t: three},
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'batchmean'",
            **both,
            reduction="batchmean",
        ),
        *(refused_integers(op, weight, **both) for weight in weights),
        *(
            refused(
                f"a {weight} of {what}",
                ValueError,
                f"{op}_forward: {weight} must be broadcastable to the shape of input = (3,), got {shape}",
                **both,
                **{weight: np.ones(shape)},
            )
            for weight in weights
            for what, shape in (("the wrong length", (2,)), ("more dimensions", (1, 3)))
        ),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "binary_cross_entropy": (
        *_refusals("binary_cross_entropy", "input", "target", ("weight",)),
        _no_probability("binary_cross_entropy", "input", 1 + 1e-3, target=three),
        _no_probability("binary_cross_entropy", "input", -0.5, target=three),
        _no_probability("binary_cross_entropy", "input", float("nan"), target=three),
    ),
    "binary_cross_entropy_with_logits": _refusals(
        "binary_cross_entropy_with_logits", "input", "target", ("weight", "pos_weight")
    ),
    "sigmoid_focal_loss": (
        *_refusals("sigmoid_focal_loss", "inputs", "targets", ()),
        *(
            refused(
                f"alpha {alpha:g}",
                ValueError,
                f"sigmoid_focal_loss_forward: alpha must be from 0 to 1, or -1 for no weighting, got {alpha:g}",
                inputs=three,
                targets=three,
                alpha=alpha,
            )
            for alpha in (-0.5, 1.5)
        ),
        refused(
            "a negative gamma",
            ValueError,
            "sigmoid_focal_loss_forward: gamma must be at least 0, got -1",
            inputs=three,
            targets=three,
            gamma=-1,
        ),
    ),
}
