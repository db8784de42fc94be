"""Samples of distances between rows."""

from __future__ import annotations

import math

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(25)
one, two = draw.distinct(3, 4), draw.distinct(3, 4) + 0.03
P = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf)
tied = np.array([[2.0, -2.0, 1.0], [1.0, 3.0, 0.5]])
close = np.array([[1.0, -1.0, 2.0]])
flat = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 2.5]])
points = np.array([[0.3, -1.2], [1.4, 0.5], [-0.6, 0.8], [2.1, 2.4]])
repeated = np.array([[0.3, -1.2, 0.5], [1.4, 0.7, 0.1], [0.3, -1.2, 0.5]])


def _pairwise() -> tuple[Case, ...]:
    return (
        *(case(f"p = {p:g}", x1=one, x2=two, p=p) for p in (*P, -1.0, -2.5, -math.inf)),
        case("defaults", x1=one, x2=two),
        case("the axis kept", x1=one, x2=two, keepdim=True),
        case("a large eps", x1=one, x2=two, eps=0.01),
        case("a negative eps", x1=one, x2=two, eps=-0.01, p=3.0),
        case("one row with all", x1=one, x2=two[0]),
        case("a stack with one column", x1=draw.normal(2, 3, 4), x2=draw.normal(3, 1)),
        case("single rows", x1=one[0], x2=two[0]),
        case("single rows, the axis kept", x1=one[0], x2=two[0], keepdim=True),
        case("single numbers", x1=np.array(2.0), x2=np.array(-1.0)),
        case("equal rows, which eps keeps apart", x1=np.zeros((1, 2)), x2=np.zeros((1, 2)), eps=0.5),
        case("equal rows", x1=one, x2=one.copy(), eps=0.0, at_kink=True),
        case("equal rows, p = 1", x1=one, x2=one.copy(), eps=0.0, p=1.0, at_kink=True),
        case("equal largest differences, p = inf", x1=tied, x2=flat, eps=0.0, p=math.inf, at_kink=True),
        case("equal smallest differences, p = -inf", x1=close, x2=flat[:1], eps=0.0, p=-math.inf, at_kink=True),
        case("one entry", x1=one[:, :1], x2=two[:, :1]),
        case("no rows", x1=np.zeros((0, 3)), x2=np.zeros((0, 3))),
        case("no entries", x1=np.zeros((2, 0)), x2=np.zeros((2, 0))),
    )  # fmt: skip


def _pdist() -> tuple[Case, ...]:
    return (
        *(case(f"p = {p:g}", input=points, p=p) for p in P),
        case("defaults", input=draw.normal(5, 3)),
        case("equal rows", input=repeated, at_kink=True),
        case("equal rows, p = 1", input=repeated, p=1.0, at_kink=True),
        case("equal rows, p = 3", input=repeated, p=3.0, at_kink=True),
        case("equal largest differences, p = inf", input=np.stack([tied[0], flat[0]]), p=math.inf, at_kink=True),
        case("one column", input=points[:, :1]),
        case("two rows", input=points[:2]),
        case("one row", input=points[:1]),
        case("no columns", input=np.zeros((3, 0))),
    )


def _cdist() -> tuple[Case, ...]:
    return (
        *(case(f"p = {p:g}", x1=one, x2=two[:2], p=p) for p in P),
        case("defaults", x1=draw.normal(2, 3), x2=draw.normal(4, 3)),
        case("a batch", x1=draw.normal(2, 3, 4), x2=draw.normal(2, 2, 4)),
        case("one matrix with a batch", x1=draw.normal(3, 4), x2=draw.normal(2, 2, 4), p=1.5),
        case("batches that broadcast", x1=draw.normal(2, 1, 3, 2), x2=draw.normal(3, 2, 2)),
        case("equal rows", x1=repeated, x2=repeated[:1].copy(), at_kink=True),
        case("equal largest differences, p = inf", x1=tied, x2=flat, p=math.inf, at_kink=True),
        case("no rows", x1=np.zeros((0, 3)), x2=draw.normal(2, 3)),
        case("no columns", x1=np.zeros((3, 0)), x2=np.zeros((2, 0))),
    )


CASES: dict[str, tuple[Case, ...]] = {
    "pairwise_distance": _pairwise(),
    "pdist": _pdist(),
    "cdist": _cdist(),
}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "pairwise_distance": (
        refused_integers("pairwise_distance", "x1", x2=one),
        refused_integers("pairwise_distance", "x2", x1=one),
        refused(
            "rows of different lengths",
            ValueError,
            "pairwise_distance_forward: x1 and x2 must broadcast against each other, got (3, 4) and (3, 2)",
            x1=one,
            x2=two[:, :2],
        ),
        refused(
            "a p that is no number",
            ValueError,
            "pairwise_distance_forward: p must be a number, got nan",
            x1=one,
            x2=two,
            p=float("nan"),
        ),
        refused(
            "the largest of no entries",
            ValueError,
            "pairwise_distance_forward: rows must have at least one entry for p = inf, got shape (2, 0)",
            x1=np.zeros((2, 0)),
            x2=np.zeros((2, 0)),
            p=math.inf,
        ),
        refused(
            "a keepdim that is no bool",
            TypeError,
            "pairwise_distance_forward: keepdim must be True or False, got 1",
            x1=one,
            x2=two,
            keepdim=1,
        ),
    ),
    "pdist": (
        refused_integers("pdist", "input"),
        refused("a single row", ValueError, "pdist_forward: input must have shape (N, D), got (4,)", input=one[0]),
        refused("a negative p", ValueError, "pdist_forward: p must be at least 0, got -1", input=one, p=-1),
    ),
    "cdist": (
        refused_integers("cdist", "x1", x2=one),
        refused_integers("cdist", "x2", x1=one),
        refused(
            "a single row",
            ValueError,
            "cdist_forward: x2 must have at least 2 dimensions, got shape (4,)",
            x1=one,
            x2=two[0],
        ),
        refused(
            "rows of different lengths",
            ValueError,
            "cdist_forward: x1 and x2 must have rows of one length, got (3, 4) and (3, 2)",
            x1=one,
            x2=two[:, :2],
        ),
        refused(
            "batches that do not match",
            ValueError,
            "cdist_forward: x1 and x2 must broadcast against each other, got (2, 3, 4) and (3, 3, 4)",
            x1=np.zeros((2, 3, 4)),
            x2=np.zeros((3, 3, 4)),
        ),
        refused("a negative p", ValueError, "cdist_forward: p must be at least 0, got -1", x1=one, x2=two, p=-1),
    ),
}
