"""Samples of the normalizations over the features of one sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(20)
rows = draw.normal(3, 4)
weight, bias = draw.away_from_zero(4), draw.normal(4)
image = draw.normal(2, 6, 3, 2)
channel_weight, channel_bias = draw.away_from_zero(6), draw.normal(6)


def _features(shifted: bool) -> tuple[Case, ...]:
    """For layer_norm, and for rms_norm, which has no bias."""
    shift: dict[str, Any] = {"bias": bias} if shifted else {}
    deep: dict[str, Any] = {"bias": draw.normal(3, 4)} if shifted else {}
    return (
        case("rows", input=rows, normalized_shape=(4,)),
        case("weighted", input=rows, normalized_shape=(4,), weight=weight),
        case("an extent alone, all given", input=rows, normalized_shape=4, weight=weight, **shift),
        case("two axes", input=draw.normal(2, 3, 4), normalized_shape=(3, 4), weight=draw.away_from_zero(3, 4), **deep),
        case("all axes", input=rows, normalized_shape=(3, 4)),
        case("a stack of samples", input=draw.normal(2, 3, 4), normalized_shape=(4,), weight=weight, **shift),
        case("a large eps", input=rows, normalized_shape=(4,), weight=weight, eps=0.5, **shift),
        case("no eps", input=rows, normalized_shape=(4,), eps=0.0),
        case("a large offset", input=1e3 + rows, normalized_shape=(4,), weight=weight, **shift),
        case("small entries", input=1e-2 * rows, normalized_shape=(4,), eps=1e-4),
        case("a constant row", input=np.array([[0.75, 0.75, 0.75], [1.0, 2.0, 4.0]]), normalized_shape=(3,), eps=0.1),
        case("a row of zeros", input=np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 4.0]]), normalized_shape=(3,), eps=0.1),
        case("one feature", input=draw.normal(3, 1), normalized_shape=(1,), weight=np.array([1.5]), eps=0.1),
        case("two features", input=draw.normal(3, 2), normalized_shape=(2,), weight=draw.normal(2), eps=0.1),
        case("no samples", input=np.zeros((0, 4)), normalized_shape=(4,), weight=weight, **shift),
        case("no features", input=np.zeros((3, 0)), normalized_shape=(0,), weight=np.zeros(0)),
    )  # fmt: skip


def _groups() -> tuple[Case, ...]:
    both: dict[str, Any] = {"weight": channel_weight, "bias": channel_bias}
    return (
        case("images", input=image, num_groups=2, **both),
        case("three groups", input=image, num_groups=3, **both),
        case("one group", input=image, num_groups=1, **both),
        case("a group per channel", input=image, num_groups=6, **both),
        case("without weight and bias", input=image, num_groups=2),
        case("weight alone", input=image, num_groups=2, weight=channel_weight),
        case("bias alone", input=image, num_groups=2, bias=channel_bias),
        case("no positions' axis", input=draw.normal(3, 6), num_groups=2, **both),
        case("a single position", input=draw.normal(2, 6, 1), num_groups=3, **both),
        case("groups of one value in two samples", input=draw.normal(2, 3), num_groups=3, eps=0.1),
        case("a large eps", input=image, num_groups=2, eps=0.5, **both),
        case("no eps", input=image, num_groups=2, eps=0.0),
        case("a large offset", input=1e3 + image, num_groups=2, **both),
        case("a constant group", input=np.array([[[0.5, 0.5], [1.0, 3.0]]]), num_groups=2, eps=0.1),
        case("no samples", input=np.zeros((0, 6, 2)), num_groups=2, **both),
        case("no positions", input=np.zeros((2, 6, 0)), num_groups=2, **both),
    )


def _feature_refusals(op: str) -> tuple[Refusal, ...]:
    def wrong(name: str, shape: Any, shown: str) -> Refusal:
        message = (
            f"{op}_forward: normalized_shape must be the last extents of input, at least one, got {shown} for (3, 4)"
        )
        return refused(name, ValueError, message, input=rows, normalized_shape=shape)

    return (
        refused_integers(op, "input", normalized_shape=(3,)),
        refused_integers(op, "weight", input=rows, normalized_shape=(4,)),
        wrong("a shape that does not match", (3,), "(3,)"),
        wrong("a shape that does not match in front", (2, 4), "(2, 4)"),
        wrong("a shape of more axes than there are", (1, 3, 4), "(1, 3, 4)"),
        wrong("a shape of no axes", (), "()"),
        refused(
            "a shape that is no integer",
            TypeError,
            f"{op}_forward: normalized_shape must be an integer, got 4.0",
            input=rows,
            normalized_shape=4.0,
        ),
        refused(
            "a weight of another shape",
            ValueError,
            f"{op}_forward: weight must have shape normalized_shape = (4,), got (3,)",
            input=rows,
            normalized_shape=(4,),
            weight=np.ones(3),
        ),
        refused(
            "a negative eps",
            ValueError,
            f"{op}_forward: eps must be at least 0, got -1e-05",
            input=rows,
            normalized_shape=(4,),
            eps=-1e-5,
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "layer_norm": (*_features(True), case("bias alone", input=rows, normalized_shape=(4,), bias=bias)),
    "rms_norm": _features(False),
    "group_norm": _groups(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "layer_norm": (
        *_feature_refusals("layer_norm"),
        refused(
            "a bias of another shape",
            ValueError,
            "layer_norm_forward: bias must have shape normalized_shape = (4,), got (4, 1)",
            input=rows,
            normalized_shape=(4,),
            bias=np.ones((4, 1)),
        ),
    ),
    "rms_norm": _feature_refusals("rms_norm"),
    "group_norm": (
        refused_integers("group_norm", "input", num_groups=2),
        refused(
            "groups that do not divide the channels",
            ValueError,
            "group_norm_forward: num_groups must be at least 1 and divide the channels, got 4 of 6",
            input=image,
            num_groups=4,
        ),
        refused(
            "no groups",
            ValueError,
            "group_norm_forward: num_groups must be at least 1 and divide the channels, got 0 of 6",
            input=image,
            num_groups=0,
        ),
        refused(
            "groups that are no integer",
            TypeError,
            "group_norm_forward: num_groups must be an integer, got 2.0",
            input=image,
            num_groups=2.0,
        ),
        refused(
            "an input without channels' axis",
            ValueError,
            "group_norm_forward: input must have at least 2 dimensions, got shape (6,)",
            input=np.ones(6),
            num_groups=2,
        ),
        refused(
            "one value per group",
            ValueError,
            "group_norm_forward: input must have more than one value per group, got shape (1, 3, 1)",
            input=np.ones((1, 3, 1)),
            num_groups=3,
        ),
        refused(
            "a weight per group",
            ValueError,
            "group_norm_forward: weight must have shape (channels,) = (6,), got (2,)",
            input=image,
            num_groups=2,
            weight=np.ones(2),
        ),
        refused(
            "a bias of another shape",
            ValueError,
            "group_norm_forward: bias must have shape (channels,) = (6,), got (6, 1, 1)",
            input=image,
            num_groups=2,
            bias=np.ones((6, 1, 1)),
        ),
        refused(
            "a negative eps",
            ValueError,
            "group_norm_forward: eps must be at least 0, got -1",
            input=image,
            num_groups=2,
            eps=-1,
        ),
    ),
}
