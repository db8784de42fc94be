"""Samples of the contrastive losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(24)
REDUCTIONS = ("mean", "sum", "none")
query, positive, negatives = draw.normal(4, 3), draw.normal(4, 3), draw.normal(5, 3)
embeddings = draw.normal(6, 3)
pairs = np.array([0, 1, 2, 0, 1, 2])


def _info_nce() -> tuple[Case, ...]:
    both: dict[str, Any] = {"query": query, "positive": positive}
    return (
        *(case(f"in the batch, {reduction}", **both, reduction=reduction) for reduction in REDUCTIONS),
        *(
            case(f"negatives, {reduction}", **both, negatives=negatives, reduction=reduction)
            for reduction in REDUCTIONS
        ),
        case("a low temperature", **both, temperature=0.2, reduction="none"),
        case("a high temperature", **both, negatives=negatives, temperature=3.0, reduction="none"),
        case("a confident row", query=4 * positive, positive=positive, temperature=0.7, reduction="none"),
        case("a batch of one", query=query[:1], positive=positive[:1], reduction="none"),
        case("a single negative", **both, negatives=negatives[:1]),
        case("no negatives", **both, negatives=negatives[:0], reduction="none"),
        case("one feature", query=draw.normal(3, 1), positive=draw.normal(3, 1), negatives=draw.normal(2, 1)),
        case("equal candidates", query=query, positive=positive[[0, 0, 1, 1]]),
        case("an empty batch summed", query=np.zeros((0, 3)), positive=np.zeros((0, 3)), reduction="sum"),
        case(
            "an empty batch with negatives",
            query=np.zeros((0, 3)),
            positive=np.zeros((0, 3)),
            negatives=negatives,
            reduction="sum",
        ),
    )


def _ntxent() -> tuple[Case, ...]:
    both: dict[str, Any] = {"embeddings": embeddings, "labels": pairs, "temperature": 0.5}
    return (
        *(case(reduction, **both, reduction=reduction) for reduction in REDUCTIONS),
        case("the temperature left out", embeddings=0.2 + embeddings, labels=pairs),
        case("groups of unequal size", **both | {"labels": np.array([4, -1, 4, 4, -1, 2])}, reduction="none"),
        case("rows of unequal length", **both | {"embeddings": embeddings * np.arange(1.0, 7)[:, None]}),
        case("one label", **both | {"labels": np.zeros(6, dtype=int)}, reduction="none"),
        case("no pair, summed", **both | {"labels": np.arange(6)}, reduction="sum"),
        case("no pair, unreduced", **both | {"labels": np.arange(6)}, reduction="none"),
        case("one row", embeddings=draw.normal(1, 3), labels=np.array([0]), reduction="sum"),
        case(
            "parallel rows",
            **both | {"embeddings": embeddings[[0, 1, 2, 2, 0, 1]] * [[1], [2], [-1], [3], [1], [-2]]},
            reduction="none",
        ),
        case("an empty batch summed", embeddings=np.zeros((0, 3)), labels=np.zeros(0, dtype=int), reduction="sum"),
    )


def _refused_options(op: str, **arguments: Any) -> tuple[Refusal, ...]:
    return (
        refused(
            "a temperature of 0",
            ValueError,
            f"{op}_forward: temperature must be above 0, got 0",
            **arguments,
            temperature=0.0,
        ),
        refused(
            "an unknown reduction",
            ValueError,
            f"{op}_forward: reduction must be one of 'none', 'mean', 'sum', got 'avg'",
            **arguments,
            reduction="avg",
        ),
    )


CASES: dict[str, tuple[Case, ...]] = {"info_nce_loss": _info_nce(), "ntxent_loss": _ntxent()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "info_nce_loss": (
        refused_integers("info_nce_loss", "query", positive=positive),
        refused_integers("info_nce_loss", "positive", query=query),
        refused_integers("info_nce_loss", "negatives", query=query, positive=positive),
        refused(
            "a query that is one row",
            ValueError,
            "info_nce_loss_forward: query must have shape (N, D), got (3,)",
            query=query[0],
            positive=positive[0],
        ),
        refused(
            "fewer positives than queries",
            ValueError,
            "info_nce_loss_forward: positive must have shape of query = (4, 3), got (3, 3)",
            query=query,
            positive=positive[:3],
        ),
        refused(
            "negatives per query",
            ValueError,
            "info_nce_loss_forward: negatives must have shape (M, D), got (4, 5, 3)",
            query=query,
            positive=positive,
            negatives=np.zeros((4, 5, 3)),
        ),
        refused(
            "negatives of other features",
            ValueError,
            "info_nce_loss_forward: negatives must have as many columns as query, "
            "got negatives (5, 2) and query (4, 3)",
            query=query,
            positive=positive,
            negatives=negatives[:, :2],
        ),
        *_refused_options("info_nce_loss", query=query, positive=positive),
    ),
    "ntxent_loss": (
        refused_integers("ntxent_loss", "embeddings", labels=pairs),
        refused(
            "floating labels",
            TypeError,
            "ntxent_loss_forward: labels must be an integer array, got dtype float64",
            embeddings=embeddings,
            labels=np.zeros(6),
        ),
        refused(
            "fewer labels than rows",
            ValueError,
            "ntxent_loss_forward: labels must have shape (N,) = (6,), got (5,)",
            embeddings=embeddings,
            labels=pairs[:5],
        ),
        refused(
            "embeddings of three dimensions",
            ValueError,
            "ntxent_loss_forward: embeddings must have shape (N, D), got (6, 3, 2)",
            embeddings=np.zeros((6, 3, 2)),
            labels=pairs,
        ),
        *_refused_options("ntxent_loss", embeddings=embeddings, labels=pairs),
    ),
}
