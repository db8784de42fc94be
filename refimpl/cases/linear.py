"""Samples of the linear maps."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(2)

CASES: dict[str, tuple[Case, ...]] = {
    "linear": (
        case("unequal extents", input=draw.normal(3, 4), weight=draw.normal(5, 4), bias=draw.normal(5)),
        case("no bias", input=draw.normal(3, 4), weight=draw.normal(2, 4)),
        case("two leading axes", input=draw.normal(2, 3, 4), weight=draw.normal(5, 4), bias=draw.normal(5)),
        case("a single row without a batch", input=draw.normal(4), weight=draw.normal(3, 4), bias=draw.normal(3)),
        case("one weight vector", input=draw.normal(3, 4), weight=draw.normal(4), bias=draw.normal()),
        case("one vector times one vector", input=draw.normal(4), weight=draw.normal(4)),
        case("one feature in, one out", input=draw.normal(4, 1), weight=draw.normal(1, 1), bias=draw.normal(1)),
        case("an empty batch", input=np.zeros((0, 4)), weight=draw.normal(3, 4), bias=draw.normal(3)),
        case("no features", input=np.zeros((3, 0)), weight=np.zeros((2, 0)), bias=draw.normal(2)),
    ),
}

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "linear": (
        refused_integers("linear", "input", weight=np.ones((2, 3))),
        refused_integers("linear", "weight", input=np.ones((2, 3))),
        refused_integers("linear", "bias", input=np.ones((2, 3)), weight=np.ones((3, 3))),
        refused(
            "columns do not match",
            ValueError,
            "linear_forward: weight must have as many columns as input has features, "
            "got weight (5, 3) and input (2, 4)",
            input=np.ones((2, 4)),
            weight=np.ones((5, 3)),
        ),
        refused(
            "bias of the wrong length",
            ValueError,
            "linear_forward: bias must have shape weight.shape[:-1] = (5,), got (3,)",
            input=np.ones((2, 4)),
            weight=np.ones((5, 4)),
            bias=np.ones(3),
        ),
        refused(
            "a weight of three dimensions",
            ValueError,
            "linear_forward: weight must have shape (out, in) or (in,), got (1, 5, 4)",
            input=np.ones((2, 4)),
            weight=np.ones((1, 5, 4)),
        ),
        refused(
            "an input without an axis",
            ValueError,
            "linear_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
            weight=np.ones((5, 4)),
        ),
        refused(
            "no weight",
            TypeError,
            "linear_forward: weight must be given, got None",
            input=np.ones((2, 4)),
            weight=None,
        ),
        refused(
            "a ragged list",
            ValueError,
            "linear_forward: input must be a rectangular array, got a ragged list",
            input=[[1.0, 2.0], [3.0]],
            weight=np.ones((5, 2)),
        ),
    ),
}
