"""Samples of the losses of embeddings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._validate import Array
from ..losses.regression import mse_loss_backward, mse_loss_forward
from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(26)
REDUCTIONS = ("mean", "sum", "none")
INF = float("inf")
first, second = draw.normal(4, 3), draw.normal(4, 3)
signs = np.array([1, -1, -1, 1])
anchor, positive, negative = draw.normal(4, 3), draw.normal(4, 3), draw.normal(4, 3)
triple: dict[str, Any] = {"anchor": anchor, "positive": positive, "negative": negative}


def _three(array: Callable[[], Array]) -> dict[str, Any]:
    return {name: array() for name in triple}


def squared_distance_forward(x: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
    """A distance as triplet_margin_with_distance_loss takes it: |x - y|^2 along the last axis."""
    return ((x - y) ** 2).sum(axis=-1), (x, y)


def squared_distance_backward(g: Array, cache: tuple[Array, Array]) -> dict[str, Array]:
    grad = 2 * g[..., None] * (cache[0] - cache[1])
    return {"x": grad, "y": -grad}


def skew_distance_forward(x: Array, y: Array) -> tuple[Array, tuple[Array, Array]]:
    """One that is not symmetric, over arrays of any shape: sum (x - y / 2)^2 along the last two axes."""
    return ((x - y / 2) ** 2).sum(axis=(-2, -1)), (x, y)


def skew_distance_backward(g: Array, cache: tuple[Array, Array]) -> dict[str, Array]:
    grad = 2 * g[..., None, None] * (cache[0] - cache[1] / 2)
    return {"x": grad, "y": -grad / 2}


SQUARED = (squared_distance_forward, squared_distance_backward)
SKEW = (skew_distance_forward, skew_distance_backward)
MEAN_SQUARED = (mse_loss_forward, mse_loss_backward)


def _cosine_embedding() -> tuple[Case, ...]:
    both: dict[str, Any] = {"input1": first, "input2": second, "target": signs}
    return (
        *(case(reduction, **both, reduction=reduction) for reduction in REDUCTIONS),
        case("a margin", **both, margin=0.2, reduction="none"),
        case("a margin below 0", **both, margin=-0.7, reduction="none"),
        case("floating targets", **both | {"target": signs.astype(float)}),
        case("rows of unequal length", **both | {"input1": first * np.array([[1], [3], [10], [100]])}),
        case(
            "nearly parallel, nearly opposed",
            input1=first,
            input2=first * np.array([[1.0], [2], [-1], [-3]]) + 0.1 * second,
            target=np.array([1, -1, -1, 1]),
            margin=-1.5,
            reduction="none",
        ),
        case("a single row without a batch", input1=first[0], input2=second[0], target=np.array(1)),
        case("a single row without a batch, apart", input1=first[0], input2=-second[0], target=np.array(-1), margin=-1),
        case("one feature", input1=10 * draw.away_from_zero(4, 1), input2=10 * draw.away_from_zero(4, 1), target=signs),
        case(
            "at the kink",
            at_kink=True,
            input1=np.array([[1.0, 0.0]]),
            input2=np.array([[0.0, 2.0]]),
            target=np.array([-1]),
        ),
        case(
            "an empty batch summed",
            input1=np.zeros((0, 3)),
            input2=np.zeros((0, 3)),
            target=np.zeros(0, dtype=int),
            reduction="sum",
        ),
    )


def _triplet() -> tuple[Case, ...]:
    return (
        *(case(reduction, **triple, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"swap, {reduction}", **triple, swap=True, reduction=reduction) for reduction in REDUCTIONS),
        *(case(f"p = {p}", **triple, p=p, margin=2.0, reduction="none") for p in (1, 1.5, 3, 7.0, INF)),
        *(case(f"p = {p}", **triple, p=p, margin=3.0, reduction="none") for p in (0.5, -1, -INF)),
        case("p = 3, swap", **triple, p=3, swap=True, margin=2.0, reduction="none"),
        case("p = 0", **triple, p=0, reduction="none"),
        case("a large eps", **triple, eps=0.7, reduction="none"),
        case("no eps", **triple, eps=0.0, reduction="none"),
        case("a margin that is not reached", **triple, margin=0.05, reduction="none"),
        case("two leading axes", **_three(lambda: draw.normal(2, 3, 4)), reduction="none"),
        case("a single row without a batch", anchor=anchor[0], positive=positive[0], negative=negative[0]),
        case("a single number", anchor=np.array(0.3), positive=np.array(0.9), negative=np.array(-0.5)),
        case("one feature", **_three(lambda: draw.normal(4, 1)), reduction="none"),
        case(
            "at the kink",
            at_kink=True,
            anchor=np.array([[1.0, 0.0], [2.0, -1.0]]),
            positive=np.array([[0.0, 0.0], [-1.0, 3.0]]),
            negative=np.array([[3.0, 0.0], [0.5, 0.0]]),
            eps=0.0,
            reduction="none",
        ),
        case(
            "swap between equal distances",
            at_kink=True,
            anchor=np.array([[1.0, 0.0]]),
            positive=np.array([[0.0, 1.0]]),
            negative=np.array([[0.0, 0.0]]),
            eps=0.0,
            swap=True,
        ),
        case("an empty batch summed", **_three(lambda: np.zeros((0, 3))), reduction="sum"),
    )


def _triplet_with_distance() -> tuple[Case, ...]:
    return (
        *(case(reduction, **triple, reduction=reduction) for reduction in REDUCTIONS),
        case("swap", **triple, swap=True, reduction="none"),
        *(
            case(f"squared, {reduction}", **triple, distance_function=SQUARED, reduction=reduction)
            for reduction in REDUCTIONS
        ),
        case("a pair of this package", **triple, distance_function=MEAN_SQUARED, margin=3.0, reduction="none"),
        case("squared, swap", **triple, distance_function=SQUARED, swap=True, margin=3.0, reduction="none"),
        case(
            "a distance that is not symmetric",
            **_three(lambda: draw.normal(3, 2, 2)),
            distance_function=SKEW,
            swap=True,
            margin=5.0,
            reduction="none",
        ),
        case("a margin that is not reached", **triple, margin=0.05, reduction="none"),
        case("a single row without a batch", anchor=anchor[0], positive=positive[0], negative=negative[0]),
        case("a single number", anchor=np.array(0.3), positive=np.array(0.9), negative=np.array(-0.5)),
        case(
            "at the kink",
            at_kink=True,
            anchor=np.array([[1.0, 0.0]]),
            positive=np.array([[0.0, 0.0]]),
            negative=np.array([[3.0, 0.0]]),
            distance_function=SQUARED,
            margin=3.0,
        ),
        case(
            "swap between equal distances",
            at_kink=True,
            anchor=np.array([[1.0, 0.0]]),
            positive=np.array([[0.0, 1.0]]),
            negative=np.array([[0.0, 0.0]]),
            distance_function=SQUARED,
            swap=True,
        ),
        case("an empty batch summed", **_three(lambda: np.zeros((0, 3))), reduction="sum"),
    )


def _refused_cosine() -> tuple[Refusal, ...]:
    op = "cosine_embedding_loss"
    both: dict[str, Any] = {"input1": first, "input2": second}
    return (
        refused_integers(op, "input1", input2=first, target=signs),
        refused_integers(op, "input2", input1=first, target=signs),
        refused(
            "a target of 0",
            ValueError,
            f"{op}_forward: target must hold 1 and -1 alone, got 0 at index (3,)",
            **both,
            target=np.array([1, -1, 1, 0]),
        ),
        refused(
            "a target per element",
            ValueError,
            f"{op}_forward: target must have shape of input1 without its last axis = (4,), got (4, 3)",
            **both,
            target=np.ones((4, 3)),
        ),
        refused(
            "a second input that would be broadcast",
            ValueError,
            f"{op}_forward: input2 must have shape of input1 = (4, 3), got (1, 3)",
            input1=first,
            input2=second[:1],
            target=signs,
        ),
        refused(
            "three dimensions",
            ValueError,
            f"{op}_forward: input1 must have at most 2 dimensions, got shape (2, 3, 4)",
            input1=np.ones((2, 3, 4)),
            input2=np.ones((2, 3, 4)),
            target=np.ones((2, 3)),
        ),
        refused(
            "numbers",
            ValueError,
            f"{op}_forward: input1 must have at least 1 dimension, got shape ()",
            input1=np.array(1.0),
            input2=np.array(1.0),
            target=np.array(1),
        ),
        refused(
            "a margin that is no number",
            TypeError,
            f"{op}_forward: margin must be a number, got None",
            **both,
            target=signs,
            margin=None,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            **both,
            target=signs,
            reduction="avg",
        ),
    )


def _refused_triple(op: str) -> tuple[Refusal, ...]:
    return (
        *(refused_integers(op, name, **{other: np.ones(3) for other in triple if other != name}) for name in triple),
        refused(
            "a positive that would be broadcast",
            ValueError,
            f"{op}_forward: positive must have shape of anchor = (4, 3), got (1, 3)",
            **triple | {"positive": positive[:1]},
        ),
        refused(
            "a negative of other features",
            ValueError,
            f"{op}_forward: negative must have shape of anchor = (4, 3), got (4, 2)",
            **triple | {"negative": negative[:, :2]},
        ),
        refused(
            "a margin of 0",
            ValueError,
            f"{op}_forward: margin must be above 0, got 0",
            **triple,
            margin=0.0,
        ),
        refused(
            "a swap that is no choice",
            TypeError,
            f"{op}_forward: swap must be True or False, got 1",
            **triple,
            swap=1,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            **triple,
            reduction="avg",
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "cosine_embedding_loss": _cosine_embedding(),
    "triplet_margin_loss": _triplet(),
    "triplet_margin_with_distance_loss": _triplet_with_distance(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "cosine_embedding_loss": _refused_cosine(),
    "triplet_margin_loss": (
        *_refused_triple("triplet_margin_loss"),
        refused(
            "a p that is no number",
            TypeError,
            "triplet_margin_loss_forward: p must be a number, got 'fro'",
            **triple,
            p="fro",
        ),
        refused(
            "an eps that is NaN",
            ValueError,
            "triplet_margin_loss_forward: eps must be a number, got nan",
            **triple,
            eps=float("nan"),
        ),
    ),
    "triplet_margin_with_distance_loss": (
        *_refused_triple("triplet_margin_with_distance_loss"),
        refused(
            "a distance without its gradient",
            TypeError,
            "triplet_margin_with_distance_loss_forward: distance_function must be a pair (forward, backward) of "
            f"functions, got {abs!r}",
            **triple,
            distance_function=abs,
        ),
    ),
}
