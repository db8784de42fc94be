"""Samples of the adaptive softmax: targets in the head and in clusters, clusters that no target enters."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(64)
# Nine classes: 0 to 2 in the head, 3 and 4 in one cluster, 5 to 8 in the other, of 2 and 1 hidden features.
sizes: dict[str, Any] = {"n_classes": 9, "cutoffs": [3, 5]}
tails = [(draw.normal(2, 4), draw.normal(2, 2)), (draw.normal(1, 4), draw.normal(4, 1))]
model: dict[str, Any] = {"head_weight": draw.normal(5, 4), "tail_weights": tails, **sizes}
rows, bias = draw.normal(4, 4), draw.normal(5)
everywhere = np.array([2, 8, 3, 5])
one_cluster: dict[str, Any] = {
    "head_weight": draw.normal(2, 3),
    "tail_weights": ((draw.normal(2, 3), draw.normal(3, 2)),),
    "n_classes": 4,
    "cutoffs": (1,),
}
no_width: dict[str, Any] = {
    "head_weight": draw.normal(3, 3),
    "tail_weights": [[np.zeros((0, 3)), np.zeros((3, 0))]],
    "n_classes": 5,
    "cutoffs": np.array([2]),
}
confident: dict[str, Any] = {
    "input": np.array([[4.0, 0.0], [0.0, 3.0]]),
    "head_weight": np.array([[1.0, 0.0], [0.5, 0.0], [-1.0, 2.0]]),
    "tail_weights": [(np.eye(2), np.array([[0.0, 1.0], [0.0, -1.0]]))],
    "n_classes": 4,
    "cutoffs": [2],
}

LOSS: tuple[Case, ...] = (
    case("targets everywhere", input=rows, target=everywhere, **model),
    case("with a bias", input=rows, target=everywhere, head_bias=bias, **model),
    case("targets in the head", input=rows[:3], target=np.array([1, 0, 2]), head_bias=bias, **model),
    case("targets in one cluster", input=rows[:3], target=np.array([7, 5, 7]), **model),
    case("one cluster, one class in the head", input=draw.normal(4, 3), target=np.array([0, 3, 1, 0]), **one_cluster),
    case("a cluster without features", input=draw.normal(3, 3), target=np.array([4, 0, 2]), **no_width),
    case("a single row", input=rows[0], target=np.array(6), head_bias=bias, **model),
    case("a single row of the head", input=rows[1], target=np.array(1), **model),
    case("a batch of one", input=rows[:1], target=np.array([4]), **model),
    case("confident rows", target=np.array([0, 2]), **confident),
    case("small integers as targets", input=rows[:2], target=everywhere[:2].astype(np.uint8), **model),
)

LOG_PROB: tuple[Case, ...] = (
    case("several rows", input=rows, **model),
    case("with a bias", input=rows[:2], head_bias=bias, **model),
    case("one cluster, one class in the head", input=draw.normal(4, 3), **one_cluster),
    case("a cluster without features", input=draw.normal(3, 3), **no_width),
    case("a single row", input=rows[0], head_bias=bias, **model),
    case("confident rows", **confident),
    case("an empty batch", input=np.zeros((0, 4)), head_bias=bias, **model),
)

CASES: dict[str, tuple[Case, ...]] = {
    "adaptive_log_softmax_log_prob": LOG_PROB,
    "adaptive_log_softmax_with_loss": LOSS,
}


def _refusals(op: str, given: dict[str, Any]) -> tuple[Refusal, ...]:
    def changed(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
        return refused(name, error, f"{op}_forward: {message}", **(given | changes))

    def integer(argument: str) -> Refusal:
        return refused_integers(op, argument, **{name: value for name, value in given.items() if name != argument})

    rising = "cutoffs must hold at least one integer, and rise from 1 to at most n_classes - 1 = 8, got "
    return (
        integer("input"),
        integer("head_weight"),
        integer("head_bias"),
        changed(
            "an integer projection",
            TypeError,
            "tail_weights[0][0] must be a floating-point array (float16, float32, float64), got dtype int64",
            tail_weights=[(np.ones((2, 4), np.int64), tails[0][1]), tails[1]],
        ),
        changed(
            "an input of three dimensions",
            ValueError,
            "input must have shape (N, in) or (in,), got (1, 4, 4)",
            input=rows[None],
        ),
        changed(
            "a head of another width",
            ValueError,
            "head_weight must have shape (cutoffs[0] + clusters, in) = (5, 4), got (5, 3)",
            head_weight=np.ones((5, 3)),
        ),
        changed(
            "a head without entries for clusters",
            ValueError,
            "head_weight must have shape (cutoffs[0] + clusters, in) = (5, 4), got (3, 4)",
            head_weight=np.ones((3, 4)),
        ),
        changed(
            "a bias of another length",
            ValueError,
            "head_bias must have shape (cutoffs[0] + clusters,) = (5,), got (3,)",
            head_bias=np.ones(3),
        ),
        changed(
            "a tail that is an array",
            TypeError,
            "tail_weights must be a list or tuple of pairs (projection, output) of arrays",
            tail_weights=np.ones((2, 2, 4)),
        ),
        changed(
            "a tail without pairs",
            TypeError,
            "tail_weights must be a list or tuple of pairs (projection, output) of arrays",
            tail_weights=[np.ones((2, 4)), np.ones((1, 4))],
        ),
        changed(
            "a cluster too few",
            ValueError,
            "tail_weights must hold a pair for each of 2 clusters, got lengths [2]",
            tail_weights=tails[:1],
        ),
        changed(
            "one weight alone",
            ValueError,
            "tail_weights must hold a pair for each of 2 clusters, got lengths [2, 1]",
            tail_weights=[tails[0], tails[1][:1]],
        ),
        changed(
            "a projection of one dimension",
            ValueError,
            "tail_weights[1][0] must have shape (h, in), got (4,)",
            tail_weights=[tails[0], (np.ones(4), tails[1][1])],
        ),
        changed(
            "a projection of another width",
            ValueError,
            "tail_weights[0][0] must have shape (h, in) = (2, 4), got (2, 3)",
            tail_weights=[(np.ones((2, 3)), tails[0][1]), tails[1]],
        ),
        changed(
            "clusters exchanged",
            ValueError,
            "tail_weights[0][1] must have shape (classes of the cluster, h) = (2, 1), got (4, 1)",
            tail_weights=tails[::-1],
        ),
        changed("one class", ValueError, "n_classes must be at least 2, got 1", n_classes=1),
        changed("classes that are no integer", TypeError, "n_classes must be an integer, got 9.0", n_classes=9.0),
        changed("no cutoffs", ValueError, rising + "()", cutoffs=[]),
        changed("a cutoff of 0", ValueError, rising + "(0, 5)", cutoffs=[0, 5]),
        changed("falling cutoffs", ValueError, rising + "(5, 3)", cutoffs=[5, 3]),
        changed("equal cutoffs", ValueError, rising + "(3, 3)", cutoffs=[3, 3]),
        changed("a cutoff beyond the classes", ValueError, rising + "(3, 9)", cutoffs=(3, 9)),
        changed("a cutoff that is no integer", TypeError, "cutoffs[1] must be an integer, got 5.0", cutoffs=[3, 5.0]),
        changed("a single cutoff", TypeError, "cutoffs must be a list or tuple of integers, got int", cutoffs=3),
    )


with_target: dict[str, Any] = {"input": rows, "target": everywhere, **model}


def _refused_target(name: str, error: type[Exception], message: str, target: Any) -> Refusal:
    arguments = with_target | {"target": target}
    return refused(name, error, f"adaptive_log_softmax_with_loss_forward: {message}", **arguments)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "adaptive_log_softmax_log_prob": _refusals("adaptive_log_softmax_log_prob", {"input": rows, **model}),
    "adaptive_log_softmax_with_loss": (
        *_refusals("adaptive_log_softmax_with_loss", with_target),
        _refused_target(
            "a target beyond the classes",
            ValueError,
            "target must hold classes from 0 to 8, got 9 at index (1,)",
            np.array([0, 9, 3, 2]),
        ),
        _refused_target(
            "a negative target",
            ValueError,
            "target must hold classes from 0 to 8, got -1 at index (3,)",
            np.array([0, 1, 3, -1]),
        ),
        _refused_target(
            "a target too few",
            ValueError,
            "target must have shape input.shape[:-1] = (4,), got (3,)",
            everywhere[:3],
        ),
        _refused_target(
            "one target for many rows",
            ValueError,
            "target must have shape input.shape[:-1] = (4,), got ()",
            np.array(3),
        ),
        _refused_target(
            "probabilities as targets",
            TypeError,
            "target must be an integer array, got dtype float64",
            np.zeros(4),
        ),
    ),
}
