"""Samples of the dropouts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(7)


def _entries() -> tuple[Case, ...]:
    return (
        case("a quarter left out", input=draw.normal(5, 7), p=0.25, training=True, rng=0),
        case("nearly all left out", input=draw.normal(4, 3, 5), p=0.9, training=True, rng=1),
        case("evaluation", input=draw.normal(3, 4), p=0.3, training=False),
        case("evaluation, which needs no rng and ignores it", input=draw.normal(2, 3), training=False, rng=5),
        case("nothing left out", input=draw.normal(3, 4), p=0.0, training=True),
        case("all left out", input=draw.normal(3, 4), p=1.0, training=True),
        case("p as an integer", input=draw.normal(3, 4), p=1, training=True),
        case("p left out", input=draw.normal(3, 4), training=True, rng=2),
        case("a single number", input=np.array(0.7), training=True, rng=3),
        case("no elements", input=np.zeros((0, 3)), training=True, rng=4),
    )


def _channels(*shapes: tuple[int, ...]) -> tuple[Case, ...]:
    return (
        *(
            case(f"{len(shape)} dimensions", input=draw.normal(*shape), p=0.4, training=True, rng=rng)
            for rng, shape in enumerate(shapes)
        ),
        case("evaluation", input=draw.normal(*shapes[0]), p=0.4, training=False),
        case("nothing left out", input=draw.normal(*shapes[0]), p=0.0, training=True),
        case("all left out", input=draw.normal(*shapes[0]), p=1.0, training=True),
        case("an empty batch", input=np.zeros((0, *shapes[-1][1:])), training=True, rng=4),
        case("channels of nothing", input=np.zeros((*shapes[-1][:-1], 0)), training=True, rng=5),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "dropout": _entries(),
    "dropout1d": _channels((5, 3), (3, 4, 2)),
    "dropout2d": _channels((3, 4, 2), (3, 4, 2, 3)),
    "dropout3d": _channels((5, 2, 1, 3), (3, 4, 2, 1, 3)),
    "alpha_dropout": (
        *_entries(),
        case("around the value where kept entries give 0", input=-1.7580993408473766 * 0.25 + 1e-9 * draw.normal(4, 5),
             p=0.25, training=True, rng=6),
    ),
    "feature_alpha_dropout": _channels((5, 3), (3, 4, 2), (3, 4, 2, 3), (2, 3, 1, 2, 2)),
}  # fmt: skip


def _refusals(
    op: str, good: tuple[int, ...], rule: str = "", bad: Sequence[tuple[int, ...]] = ()
) -> tuple[Refusal, ...]:
    name, x = f"{op}_forward", np.ones(good)
    source = f"{name}: rng must be an integer seed or a numpy.random.Generator"
    return (
        refused_integers(op, "input"),
        refused("p above 1", ValueError, f"{name}: p must be at least 0 and at most 1, got 1.5", input=x, p=1.5),
        refused("p below 0", ValueError, f"{name}: p must be at least 0 and at most 1, got -0.1", input=x, p=-0.1),
        refused("p no number", TypeError, f"{name}: p must be a number, got 'half'", input=x, p="half"),
        refused("p NaN", ValueError, f"{name}: p must be at least 0 and at most 1, got nan", input=x, p=np.nan),
        refused(
            "training no boolean",
            TypeError,
            f"{name}: training must be True or False, got 1",
            input=x,
            training=1,
            rng=0,
        ),
        refused("no rng", ValueError, f"{source}, got None", input=x, training=True),
        refused(
            "a negative seed",
            ValueError,
            f"{name}: rng must be a seed of at least 0, got -1",
            input=x,
            training=True,
            rng=-1,
        ),
        refused("an old generator", TypeError, f"{source}, got RandomState", input=x, training=True,
                rng=np.random.RandomState(0)),
        *(
            refused(
                f"{len(shape)} dimensions", ValueError, f"{name}: input must have {rule}{shape}", input=np.ones(shape),
                rng=0,
            )
            for shape in bad
        ),
    )  # fmt: skip


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "dropout": _refusals("dropout", (2, 3)),
    "dropout1d": _refusals("dropout1d", (2, 3), "shape (C, L) or (N, C, L), got ", [(3,), (2, 3, 4, 5)]),
    "dropout2d": _refusals("dropout2d", (2, 3, 4), "shape (N, C, L) or (N, C, H, W), got ", [(2, 3), (1, 1, 1, 1, 1)]),
    "dropout3d": _refusals(
        "dropout3d", (2, 3, 1, 1), "shape (C, D, H, W) or (N, C, D, H, W), got ", [(2, 3, 4), (1, 1, 1, 1, 1, 1)]
    ),
    "alpha_dropout": _refusals("alpha_dropout", (2, 3)),
    "feature_alpha_dropout": _refusals("feature_alpha_dropout", (2, 3), "at least 2 dimensions, got shape ", [(3,)]),
}
