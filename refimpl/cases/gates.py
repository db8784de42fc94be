"""Samples of the gates."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(15)


def _products() -> tuple[Case, ...]:
    return (
        case("both signs", a=draw.normal(3, 4), b=draw.normal(3, 4)),
        case("tails", a=np.array([-12.0, -4.0, 0.0, 6.0, 20.0]), b=np.array([0.5, -3.0, 2.0, 0.0, 1.5])),
        case("a single number", a=np.array(0.7), b=np.array(-2.0)),
        case("no elements", a=np.zeros((0, 3)), b=np.zeros((0, 3))),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "geglu": (
        *_products(),
        case("exact", a=draw.normal(3, 4), b=draw.normal(3, 4), approximate="none"),
        case("exact, tails", a=np.array([-6.0, -1.2, 0.0, 6.0]), b=np.array([0.5, -3.0, 2.0, 1.5]), approximate="none"),
    ),
    "glu": (
        case("rows", input=draw.normal(3, 4)),
        case("columns", input=draw.normal(4, 3), dim=0),
        case("a middle axis", input=draw.normal(2, 6, 3), dim=-2),
        case("one gate", input=draw.normal(2)),
        case("gates nearly open and shut", input=np.array([[0.5, -2.0, 3.0, 30.0, -12.0, 0.0]])),
        case("an empty batch", input=np.zeros((0, 4))),
        case("no features", input=np.zeros((2, 0))),
    ),
    "maxout": (
        case("pairs of channels", x=draw.distinct(3, 4), pool_size=2),
        case("columns", x=draw.distinct(6, 2), pool_size=3, axis=0),
        case("images", x=draw.distinct(2, 6, 2, 2), pool_size=3),
        case("the last axis", x=draw.distinct(2, 3, 4), pool_size=2, axis=-1),
        case("groups of one", x=draw.distinct(2, 3), pool_size=1),
        case("one group", x=draw.distinct(2, 5), pool_size=5),
        case("an empty batch", x=np.zeros((0, 4)), pool_size=2),
        case("no channels", x=np.zeros((2, 0)), pool_size=2),
        case("tied", at_kink=True, x=np.array([[1.0, 1.0, -2.0, 3.0], [0.0, -1.0, 2.0, 2.0]]), pool_size=2),
    ),
    "swiglu": _products(),
}


def _two(op: str) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "a", b=np.ones(3)),
        refused_integers(op, "b", a=np.ones(3)),
        refused(
            "a b that would be broadcast",
            ValueError,
            f"{op}_forward: b must have shape of a = (2, 3), got (3,)",
            a=np.ones((2, 3)),
            b=np.ones(3),
        ),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "geglu": (
        *_two("geglu"),
        refused(
            "an unknown approximation",
            ValueError,
            "geglu_forward: approximate must be one of 'none', 'tanh', got None",
            a=np.ones(3),
            b=np.ones(3),
            approximate=None,
        ),
    ),
    "glu": (
        refused_integers("glu", "input"),
        refused(
            "an odd length",
            ValueError,
            "glu_forward: input must have an even length along dim = -1, got shape (2, 3)",
            input=np.ones((2, 3)),
        ),
        refused(
            "a single number",
            ValueError,
            "glu_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
        ),
        refused(
            "an axis out of range",
            ValueError,
            "glu_forward: dim must be from -2 to 1 for 2 dimensions, got 2",
            input=np.ones((2, 4)),
            dim=2,
        ),
    ),
    "maxout": (
        refused_integers("maxout", "x", pool_size=1),
        refused(
            "groups that do not fit",
            ValueError,
            "maxout_forward: x must have a multiple of 3 elements along axis 1, got shape (2, 4)",
            x=np.ones((2, 4)),
            pool_size=3,
        ),
        refused(
            "groups of none",
            ValueError,
            "maxout_forward: pool_size must be at least 1, got 0",
            x=np.ones((2, 4)),
            pool_size=0,
        ),
        refused(
            "an axis out of range",
            ValueError,
            "maxout_forward: axis must be from -1 to 0 for 1 dimensions, got 1",
            x=np.ones(4),
            pool_size=2,
        ),
        refused(
            "a single number",
            ValueError,
            "maxout_forward: x must have at least 1 dimension, got shape ()",
            x=np.array(1.0),
            pool_size=1,
        ),
    ),
    "swiglu": _two("swiglu"),
}
