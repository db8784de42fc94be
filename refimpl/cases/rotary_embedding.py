"""Samples of rotary position embedding: positions given or not, some features turned or all."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

OPS = ("rotary_embedding_half", "rotary_embedding_interleaved")


def _cases(draw: Draw) -> tuple[Case, ...]:
    return (
        case("one sequence", input=draw.normal(3, 6)),
        case("heads of a batch", input=draw.normal(2, 3, 4, 4)),
        case("a base", input=draw.normal(5, 4), base=7.5),
        case("a base of 1", input=draw.normal(3, 4), base=1),
        case("positions given", input=draw.normal(3, 4), positions=np.array([5, 0, 131072])),
        case("one position for all", input=draw.normal(2, 3, 4), positions=np.array(7)),
        case("positions of each sample", input=draw.normal(2, 2, 3, 4), positions=np.array([[[0, 1, 2]], [[7, 8, 9]]])),
        case("positions between", input=draw.normal(3, 4), positions=np.array([0.25, -1.5, 3.0])),
        case("some features", input=draw.normal(4, 5), rotary_dim=2),
        case("some features at positions", input=draw.normal(2, 3, 7), positions=np.array([3, 1, 4]), rotary_dim=4),
        case("no features turned", input=draw.normal(2, 3), rotary_dim=0),
        case("one pair", input=draw.normal(4, 2)),
        case("an empty sequence", input=np.zeros((2, 0, 4))),
    )


CASES: dict[str, tuple[Case, ...]] = {op: _cases(Draw(62 + i)) for i, op in enumerate(OPS)}


def _refusals(op: str) -> tuple[Refusal, ...]:
    def changed(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
        return refused(name, error, f"{op}_forward: {message}", **({"input": np.ones((3, 4))} | changes))

    return (
        refused_integers(op, "input"),
        changed(
            "an input of one dimension",
            ValueError,
            "input must have at least 2 dimensions, got shape (4,)",
            input=np.ones(4),
        ),
        changed(
            "an odd number of features",
            ValueError,
            "the last axis of input must be even, got 5",
            input=np.ones((3, 5)),
        ),
        changed("an odd rotary_dim", ValueError, "rotary_dim must be even, got 3", rotary_dim=3),
        changed("a negative rotary_dim", ValueError, "rotary_dim must be at least 0, got -2", rotary_dim=-2),
        changed("more features than there are", ValueError, "rotary_dim must be at most D = 4, got 6", rotary_dim=6),
        changed("a rotary_dim that is no integer", TypeError, "rotary_dim must be an integer, got 2.0", rotary_dim=2.0),
        changed(
            "too few positions",
            ValueError,
            "positions must be broadcastable to the shape input.shape[:-1] = (3,), got (2,)",
            positions=np.arange(2),
        ),
        changed(
            "positions of one axis too many",
            ValueError,
            "positions must be broadcastable to the shape input.shape[:-1] = (3,), got (3, 1)",
            positions=np.ones((3, 1)),
        ),
        changed(
            "boolean positions",
            TypeError,
            "positions must be a floating-point or an integer array, got dtype bool",
            positions=np.ones(3, dtype=bool),
        ),
        changed("a base of 0", ValueError, "base must be above 0 and below inf, got 0", base=0),
        changed("a base that is no number", TypeError, "base must be a number, got None", base=None),
    )


REFUSALS: dict[str, tuple[Refusal, ...]] = {op: _refusals(op) for op in OPS}
