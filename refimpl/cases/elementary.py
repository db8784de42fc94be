"""Samples of the elementary maps."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(8)


def _pairs() -> tuple[Case, ...]:
    return (
        case("one shape", input=draw.normal(3, 4), other=draw.normal(3, 4)),
        case("a row repeated", input=draw.normal(3, 4), other=draw.normal(4)),
        case("a column repeated", input=draw.normal(3, 1), other=draw.normal(3, 4)),
        case("both repeated", input=draw.normal(2, 1, 4), other=draw.normal(3, 1)),
        case("a number and an array", input=draw.normal(), other=draw.normal(2, 3)),
        case("two numbers", input=draw.normal(), other=draw.normal()),
        case("an axis of 1 in both", input=draw.normal(1, 3), other=draw.normal(2, 1, 1)),
        case("no elements", input=np.zeros((0, 3)), other=draw.normal(3)),
        case("no elements, repeated", input=draw.normal(1, 3), other=np.zeros((0, 1))),
    )


def _reductions() -> tuple[Case, ...]:
    return (
        case("all axes", input=draw.normal(3, 4)),
        case("all axes, kept", input=draw.normal(3, 4), keepdim=True),
        case("the first axis", input=draw.normal(3, 4), dim=0),
        case("the last axis, kept", input=draw.normal(2, 3, 4), dim=-1, keepdim=True),
        case("a middle axis", input=draw.normal(2, 3, 4), dim=1),
        case("two axes, not in order", input=draw.normal(2, 3, 4), dim=(2, 0)),
        case("two axes in a list, kept", input=draw.normal(2, 3, 4), dim=[0, 1], keepdim=True),
        case("no axis named is all", input=draw.uniform(0.5, 2, 2, 3), dim=()),
        case("a single number", input=np.array(0.7)),
        case("a single number along its axis", input=np.array(0.7), dim=0),
        case("rows of one", input=draw.normal(3, 1), dim=1),
        case("no rows", input=np.zeros((0, 3)), dim=1),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "add": (
        *_pairs(),
        case("scaled", input=draw.normal(3, 4), other=draw.normal(1, 4), alpha=-2.5),
        case("scaled by an integer", input=draw.normal(2, 1), other=draw.normal(2, 3), alpha=3),
        case("scaled by 0", input=draw.normal(2, 3), other=draw.normal(2, 3), alpha=0),
    ),
    "multiply": (*_pairs(), case("a zero", input=np.array([0.0, 1.5]), other=np.array([2.0, 0.0]))),
    "mean": _reductions(),
    "sum": (*_reductions(), case("sums of nothing", input=np.zeros((0, 3)), dim=0)),
}


def _pair_refusals(op: str) -> tuple[Refusal, ...]:
    return (
        refused_integers(op, "input", other=np.ones(3)),
        refused_integers(op, "other", input=np.ones(3)),
        refused(
            "shapes that do not broadcast",
            ValueError,
            f"{op}_forward: input and other must broadcast to one shape, got (2, 3) and (2,)",
            input=np.ones((2, 3)),
            other=np.ones(2),
        ),
    )


def _reduction_refusals(op: str) -> tuple[Refusal, ...]:
    name, x = f"{op}_forward", np.ones((2, 3))
    return (
        refused_integers(op, "input"),
        refused(
            "an axis out of range",
            ValueError,
            f"{name}: dim must be from -2 to 1 for 2 dimensions, got 2",
            input=x,
            dim=2,
        ),
        refused("an axis that is no integer", TypeError, f"{name}: dim must be an integer, got 1.0", input=x, dim=1.0),
        refused(
            "an axis twice",
            ValueError,
            f"{name}: dim must name each axis once, got (1, -1) for 2 dimensions",
            input=x,
            dim=(1, -1),
        ),
        refused("keepdim no boolean", TypeError, f"{name}: keepdim must be True or False, got 1", input=x, keepdim=1),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "add": (
        *_pair_refusals("add"),
        refused(
            "alpha no number",
            TypeError,
            "add_forward: alpha must be a number, got 'one'",
            input=np.ones(2),
            other=np.ones(2),
            alpha="one",
        ),
    ),
    "multiply": _pair_refusals("multiply"),
    "mean": _reduction_refusals("mean"),
    "sum": _reduction_refusals("sum"),
}
