"""Samples of softmax and its relatives."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(3)


def _rows() -> tuple[Case, ...]:
    return (
        case("rows", input=draw.normal(3, 4), dim=1),
        case("columns", input=draw.normal(3, 4), dim=0),
        case("a middle axis", input=draw.normal(2, 5, 3), dim=-2),
        case("dim left out, two dimensions", input=draw.normal(3, 4)),
        case("dim left out, three dimensions", input=draw.normal(3, 4, 2)),
        case("a constant row", input=np.full((2, 3), 0.7), dim=1),
        case("a confident row", input=np.array([[5.0, 0.0, -1.0], [0.3, 0.2, 6.0]]), dim=1),
        case("a large offset", input=1000 + draw.normal(2, 3), dim=1),
        case("a class that cannot be", input=np.array([[0.5, -np.inf, 1.0]]), dim=1),
        case("one class", input=draw.normal(3, 1), dim=1),
        case("a single number", input=np.array(0.7), dim=0),
        case("an empty batch", input=np.zeros((0, 3)), dim=1),
        case("no classes", input=np.zeros((2, 0)), dim=1),
        case("converted to float64", input=draw.normal(2, 3), dim=1, dtype=np.float64),
    )


def _refusals(op: str) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", dim=0),
        refused(
            "an axis out of range",
            ValueError,
            f"{op}_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
            input=np.ones((2, 3)),
            dim=2,
        ),
        refused(
            "an axis that is no integer",
            TypeError,
            f"{op}_forward: dim must be an integer, got 1.0",
            input=np.ones((2, 3)),
            dim=1.0,
        ),
        refused(
            "an integer dtype",
            TypeError,
            f"{op}_forward: dtype must be float16, float32 or float64, got int32",
            input=np.ones((2, 3)),
            dim=1,
            dtype=np.int32,
        ),
    )


def _sums() -> tuple[Case, ...]:
    return (
        case("rows", input=draw.normal(3, 4), dim=1),
        case("columns, kept", input=draw.normal(3, 4), dim=0, keepdim=True),
        case("a middle axis", input=draw.normal(2, 5, 3), dim=-2),
        case("the outer axes", input=draw.normal(2, 3, 4), dim=(0, 2)),
        case("axes out of order, kept", input=draw.normal(2, 3, 4), dim=(-1, 1), keepdim=True),
        case("every axis", input=draw.normal(2, 3), dim=(0, 1)),
        case("a constant row", input=np.full((2, 3), 0.7), dim=1),
        case("a confident row", input=np.array([[5.0, 0.0, -1.0], [0.3, 0.2, 6.0]]), dim=1),
        case("a large offset", input=1000 + draw.normal(2, 3), dim=1),
        case("a class that cannot be", input=np.array([[0.5, -np.inf, 1.0]]), dim=1),
        case("one class", input=draw.normal(3, 1), dim=1),
        case("a single number", input=np.array(0.7), dim=0),
        case("an empty batch", input=np.zeros((0, 3)), dim=1),
        case("no classes", input=np.zeros((2, 0)), dim=1),
        case("the first of three axes", input=draw.normal(2, 5, 3), dim=0),
    )


_STRAIGHT = "hard: the answer is a choice, the gradient that of the soft one"


def _choices() -> tuple[Case, ...]:
    return (
        case("rows", logits=draw.normal(3, 4), rng=1),
        case("columns", logits=draw.normal(3, 4), dim=0, rng=2),
        case("a middle axis", logits=draw.normal(2, 5, 3), dim=-2, rng=3),
        case("hot", logits=draw.normal(3, 4), tau=3.5, rng=4),
        case("cold", logits=draw.normal(3, 4), tau=0.5, rng=5),
        case("a constant row", logits=np.full((2, 3), 0.7), rng=6),
        case("a class that cannot be", logits=np.array([[0.5, -np.inf, 1.0]]), rng=7),
        case("one class", logits=draw.normal(3, 1), rng=8),
        case("a single number", logits=np.array(0.7), rng=9),
        case("an empty batch", logits=np.zeros((0, 3)), rng=10),
        case("no classes", logits=np.zeros((2, 0)), rng=11),
        case("hard", departs=_STRAIGHT, logits=draw.normal(3, 4), hard=True, rng=12),
        case("hard, columns, hot", departs=_STRAIGHT, logits=draw.normal(3, 4), hard=True, tau=2.0, dim=0, rng=13),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "softmax": _rows(),
    "log_softmax": _rows(),
    "softmin": tuple(
        case(c.name, **c.arguments)
        if c.name != "a class that cannot be"
        else case(c.name, input=-c.arguments["input"], dim=1)
        for c in _rows()
    ),
    "logsumexp": _sums(),
    "gumbel_softmax": _choices(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in ("softmax", "log_softmax", "softmin")}
REFUSALS["logsumexp"] = (
    refused_integers("logsumexp", "input", dim=0),
    refused(
        "an axis out of range",
        ValueError,
        "logsumexp_forward: dim must be from -2 to 1 for 2 dimensions, got -3",
        input=np.ones((2, 3)),
        dim=(0, -3),
    ),
    refused(
        "an axis named twice",
        ValueError,
        "logsumexp_forward: dim must name one axis or several different ones, got (1, -1)",
        input=np.ones((2, 3)),
        dim=(1, -1),
    ),
    refused(
        "no axis",
        ValueError,
        "logsumexp_forward: dim must name one axis or several different ones, got ()",
        input=np.ones((2, 3)),
        dim=(),
    ),
    refused(
        "keepdim that is no truth value",
        TypeError,
        "logsumexp_forward: keepdim must be True or False, got 1",
        input=np.ones((2, 3)),
        dim=1,
        keepdim=1,
    ),
)
REFUSALS["gumbel_softmax"] = (
    refused_integers("gumbel_softmax", "logits", rng=0),
    refused(
        "no rng",
        ValueError,
        "gumbel_softmax_forward: rng must be an integer seed or a numpy.random.Generator, got None",
        logits=np.ones((2, 3)),
    ),
    refused(
        "a negative seed",
        ValueError,
        "gumbel_softmax_forward: rng must be a seed of at least 0, got -1",
        logits=np.ones((2, 3)),
        rng=-1,
    ),
    refused(
        "a temperature of zero",
        ValueError,
        "gumbel_softmax_forward: tau must be above 0, got 0",
        logits=np.ones((2, 3)),
        tau=0,
        rng=0,
    ),
    refused(
        "an axis out of range",
        ValueError,
        "gumbel_softmax_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
        logits=np.ones((2, 3)),
        dim=2,
        rng=0,
    ),
    refused(
        "hard that is no truth value",
        TypeError,
        "gumbel_softmax_forward: hard must be True or False, got 'yes'",
        logits=np.ones((2, 3)),
        hard="yes",
        rng=0,
    ),
)
