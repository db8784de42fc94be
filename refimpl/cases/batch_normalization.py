"""Samples of the normalizations by statistics of a batch, or by running ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(21)
sequence = draw.normal(4, 3, 5)
image = draw.normal(2, 3, 2, 4)
both: dict[str, Any] = {"weight": draw.away_from_zero(3), "bias": draw.normal(3)}
stats: dict[str, Any] = {"running_mean": draw.normal(3), "running_var": draw.uniform(0.2, 2, 3)}
none: dict[str, Any] = {"running_mean": None, "running_var": None}


def _samples(flag: str, *, positions_needed: bool) -> tuple[Case, ...]:
    """With `flag` true a batch's or a sample's own statistics count, else the running ones."""
    own: dict[str, Any] = {**none, flag: True}
    running: dict[str, Any] = {**stats, flag: False}
    constant = sequence.copy()
    constant[:, 1] = 0.75
    rows = () if positions_needed else (case("own, rows", input=draw.normal(4, 3), **both, **own),)
    batch_only = {} if positions_needed else both  # PyTorch's instance_norm cannot do it
    return (
        *rows,
        case("own, sequences", input=sequence, **both, **own),
        case("own, images", input=image, **both, **own),
        case("own, without weight and bias", input=sequence, **own),
        case("own, weight alone", input=sequence, weight=both["weight"], **own),
        case("own, bias alone", input=sequence, bias=both["bias"], **own),
        case("own, running statistics given but unused", input=sequence, **both, **{**stats, flag: True}),
        case("own, a large eps", input=sequence, eps=0.5, **both, **own),
        case("own, a large offset", input=1e3 + sequence, **both, **own),
        case("own, a constant channel", input=constant, eps=0.1, **both, **own),
        case("own, two values", input=draw.normal(1, 3, 2), eps=0.1, **both, **own),
        case("own, one channel", input=draw.normal(2, 1, 3), **own),
        case("own, another momentum", input=sequence, momentum=0.5, **own),
        case("own, no samples", input=np.zeros((0, 3, 2)), **batch_only, **own),
        case("own, no positions", input=np.zeros((2, 3, 0)), **both, **own),
        case("running, rows", input=draw.normal(4, 3), **both, **running),
        case("running, sequences", input=sequence, **both, **running),
        case("running, images", input=image, **both, **running),
        case("running, without weight and bias", input=image, **running),
        case("running, weight alone", input=image, weight=both["weight"], **running),
        case("running, bias alone", input=image, bias=both["bias"], **running),
        case("running, a large eps", input=image, eps=0.5, **both, **running),
        case("running, no eps", input=image, eps=0.0, **both, **running),
        case("running, a single value", input=draw.normal(1, 3), **both, **running),
        case("running, no samples", input=np.zeros((0, 3, 2)), **batch_only, **running),
    )


def _refusals(op: str, flag: str) -> tuple[Refusal, ...]:
    arguments: dict[str, Any] = {"input": sequence, **none, flag: True}

    def wrong(name: str, rule: str, **changed: Any) -> Refusal:
        return refused(name, ValueError, f"{op}_forward: {rule}", **{**arguments, **changed})

    shapes = (
        wrong(f"a {name} of 4", f"{name} must have shape (channels,) = (3,), got (4,)", **{name: np.ones(4)})
        for name in ("running_mean", "running_var", "weight", "bias")
    )  # fmt: skip
    return (
        refused_integers(op, "input", **none),
        *shapes,
        wrong("an input without channels", "input must have at least 2 dimensions, got shape (3,)", input=np.ones(3)),
        wrong(
            "no running statistics",
            f"running_mean and running_var must be given with {flag}=False, got no running_mean and no running_var",
            **{flag: False},
        ),
        wrong(
            "no running variance",
            f"running_mean and running_var must be given with {flag}=False, got no running_var",
            **{flag: False, "running_mean": np.zeros(3)},
        ),
        wrong(
            "no running mean beside a variance",
            "running_mean and running_var must be given both or neither, got no running_mean",
            running_var=np.ones(3),
        ),
        wrong("an eps that is no number", "eps must be at least 0, got nan", eps=np.nan, **stats, **{flag: False}),
        refused(
            "a flag that is no bool",
            TypeError,
            f"{op}_forward: {flag} must be True or False, got 1",
            **{**arguments, flag: 1},
        ),
        wrong("a momentum that is no number", "momentum must be a number, got nan", momentum=np.nan),
    )  # fmt: skip


CASES: dict[str, tuple[Case, ...]] = {
    "batch_norm": _samples("training", positions_needed=False),
    "instance_norm": (
        *_samples("use_input_stats", positions_needed=True),
        case("own by default", input=image),
        case("own, no eps", input=image, eps=0.0),
    ),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "batch_norm": (
        *_refusals("batch_norm", "training"),
        refused(
            "training on one value per channel",
            ValueError,
            "batch_norm_forward: input must have more than one value per channel in training, got shape (1, 3, 1)",
            input=np.ones((1, 3, 1)),
            training=True,
            **none,
        ),
        refused(
            "training without eps",
            ValueError,
            "batch_norm_forward: eps must be above 0, got 0",
            input=sequence,
            training=True,
            eps=0,
            **none,
        ),
    ),
    "instance_norm": (
        *_refusals("instance_norm", "use_input_stats"),
        refused(
            "one position",
            ValueError,
            "instance_norm_forward: input must have more than one position per channel, got shape (4, 3, 1)",
            input=np.ones((4, 3, 1)),
        ),
        refused(
            "no axis of positions",
            ValueError,
            "instance_norm_forward: input must have more than one position per channel, got shape (4, 3)",
            input=np.ones((4, 3)),
        ),
        refused(
            "a negative eps", ValueError, "instance_norm_forward: eps must be at least 0, got -1", input=image, eps=-1
        ),
    ),
}
