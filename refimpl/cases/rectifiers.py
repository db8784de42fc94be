"""Samples of the rectifiers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(13)
kink = np.array([-1.0, 0.0, 2.0, -0.0])


def _common() -> tuple[Case, ...]:
    return (
        case("both signs", input=draw.away_from_zero(3, 4)),
        case("a single number", input=np.array(-0.7)),
        case("no elements", input=np.zeros((0, 3))),
        case("at the kink", at_kink=True, input=kink),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "leaky_relu": (
        *_common(),
        case("a steep slope", input=draw.away_from_zero(3, 4), negative_slope=0.3),
        case("a negative slope", input=draw.away_from_zero(3, 4), negative_slope=-0.7),
    ),
    "prelu": (
        case("a slope per channel", input=draw.away_from_zero(4, 3), weight=draw.uniform(0.1, 0.9, 3)),
        case("images", input=draw.away_from_zero(2, 3, 2, 4), weight=draw.uniform(0.1, 0.9, 3)),
        case("one slope for all channels", input=draw.away_from_zero(2, 3, 2), weight=np.array([0.3])),
        case("a slope without an axis", input=draw.away_from_zero(2, 3), weight=np.array(0.3)),
        case("negative and zero slopes", input=draw.away_from_zero(4, 3), weight=np.array([-0.5, 0.0, 1.5])),
        case("one axis", input=draw.away_from_zero(5), weight=np.array([0.3])),
        case("one channel", input=draw.away_from_zero(4, 1, 2), weight=np.array([0.3])),
        case("a single number", input=np.array(-0.7), weight=np.array(0.3)),
        case("an empty batch", input=np.zeros((0, 3)), weight=draw.uniform(0.1, 0.9, 3)),
        case("no channels", input=np.zeros((2, 0)), weight=np.zeros(0)),
        case("at the kink", at_kink=True, input=kink.reshape(2, 2), weight=np.array([0.3, 0.6])),
    ),
    "relu": _common(),
    "rrelu": (
        *_common(),
        case("evaluation between other bounds", input=draw.away_from_zero(3, 4), lower=0.2, upper=0.9),
        case("training", input=draw.away_from_zero(3, 4), lower=0.125, training=True, rng=3),
        case(
            "training between other bounds",
            input=draw.away_from_zero(3, 4),
            lower=-0.5,
            upper=0.9,
            training=True,
            rng=4,
        ),
        case("training with one slope", input=draw.away_from_zero(3, 4), lower=0.25, upper=0.25, training=True, rng=5),
        case("training on a single number", input=np.array(-0.7), lower=0.2, training=True, rng=6),
        case("training on no elements", input=np.zeros((0, 3)), training=True, rng=7),
    ),
    "squared_relu": (
        case("both signs", input=draw.away_from_zero(3, 4)),
        case("a single number", input=np.array(0.7)),
        case("no elements", input=np.zeros((0, 3))),
    ),
    "threshold": (
        case("either side", input=np.array([-2.0, 0.4, 0.6, 3.0]), threshold=0.5, value=-7.0),
        case("continued", input=draw.away_from_zero(3, 4), threshold=0.0, value=0.0),
        case("a single number", input=np.array(0.7), threshold=0.5, value=2.0),
        case("no elements", input=np.zeros((0, 3)), threshold=0.5, value=2.0),
        case("at the kink", at_kink=True, input=np.array([0.5, 1.0, -1.0]), threshold=0.5, value=0.5),
    ),
}

_needed: dict[str, dict[str, Any]] = {"prelu": {"weight": np.ones(3)}, "threshold": {"threshold": 0.0, "value": 0.0}}
REFUSALS: dict[str, tuple[Refusal, ...]] = {op: (refused_integers(op, "input", **_needed.get(op, {})),) for op in CASES}
REFUSALS["leaky_relu"] += (
    refused(
        "a slope that is NaN",
        ValueError,
        "leaky_relu_forward: negative_slope must be a number, got nan",
        input=np.ones(3),
        negative_slope=float("nan"),
    ),
)
REFUSALS["prelu"] += (
    refused_integers("prelu", "weight", input=np.ones((2, 3))),
    refused(
        "slopes that are not one per channel",
        ValueError,
        "prelu_forward: weight must have shape (input.shape[1],) = (3,), got (2,)",
        input=np.ones((2, 3)),
        weight=np.ones(2),
    ),
    refused(
        "several slopes for an input without channels",
        ValueError,
        "prelu_forward: input must have at least 2 dimensions, got shape (3,)",
        input=np.ones(3),
        weight=np.ones(3),
    ),
    refused(
        "a weight of two dimensions",
        ValueError,
        "prelu_forward: weight must have shape (channels,), (1,) or (), got (1, 3)",
        input=np.ones((2, 3)),
        weight=np.ones((1, 3)),
    ),
)
REFUSALS["rrelu"] += (
    refused(
        "bounds the wrong way round",
        ValueError,
        "rrelu_forward: lower must be at most 0.1, got 0.5",
        input=np.ones(3),
        lower=0.5,
        upper=0.1,
    ),
    refused(
        "training without rng",
        ValueError,
        "rrelu_forward: rng must be an integer seed or a numpy.random.Generator, got None",
        input=np.ones(3),
        training=True,
    ),
    refused(
        "training that is no truth value",
        TypeError,
        "rrelu_forward: training must be True or False, got 1",
        input=np.ones(3),
        training=1,
    ),
)
REFUSALS["threshold"] += (
    refused(
        "a value that is NaN",
        ValueError,
        "threshold_forward: value must be a number, got nan",
        input=np.ones(3),
        threshold=0.0,
        value=float("nan"),
    ),
)
