"""Samples of directions, and of the angle between two."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(24)
rows = draw.away_from_zero(3, 4)
one, two = draw.normal(3, 4), draw.normal(3, 4)
zero_row = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])
CLAMPED = "PyTorch passes the clamp at eps straight through"


def _normalize() -> tuple[Case, ...]:
    apart = draw.distinct(3, 4) + 0.05
    return (
        case("rows", input=rows),
        case("columns", input=rows, dim=0),
        case("a middle axis", input=draw.normal(2, 3, 4), dim=-2),
        case("a single row", input=rows[0], dim=0),
        case("a single number", input=np.array(0.7), dim=0),
        *(case(f"p = {p:g}", input=rows, p=p) for p in (0.0, 0.5, 1.0, 1.5, 3.0, 7.5, -1.0, -2.5)),
        *(case(f"p = {p:g}", input=apart, p=p) for p in (math.inf, -math.inf)),
        case("some rows shorter than eps", input=np.array([[0.3, 0.4], [3.0, -4.0]]), eps=1.0),
        case("some rows shorter than eps, p = 1", input=np.array([[0.3, 0.4], [3.0, -4.0]]), eps=1.0, p=1.0),
        case("a row as long as eps", input=np.array([[3.0, -4.0]]), eps=5.0, at_kink=True),
        case("a row of zeros", input=zero_row, eps=0.5),
        case("a zero in a row, p = 3", input=np.array([[0.0, 2.0, -1.0]]), p=3.0),
        case("a zero in a row, p = 1", input=np.array([[0.0, 2.0, -1.0]]), p=1.0, at_kink=True),
        case("equal largest entries, p = inf", input=np.array([[2.0, -2.0, 1.0]]), p=math.inf, at_kink=True),
        case("equal smallest entries, p = -inf", input=np.array([[1.0, -1.0, 2.0]]), p=-math.inf, at_kink=True),
        case("one entry", input=np.array([[2.0], [-3.0]])),
        case("no rows", input=np.zeros((0, 3))),
        case("no entries", input=np.zeros((2, 0))),
    )


def _cosine() -> tuple[Case, ...]:
    short: dict[str, Any] = {"x1": np.array([[0.3, 0.4], [3.0, 4.0]]), "x2": np.array([[1.0, 2.0], [2.0, -1.0]])}
    return (
        case("rows", x1=one, x2=two),
        case("columns", x1=one, x2=two, dim=0),
        case("a middle axis", x1=draw.normal(2, 3, 4), x2=draw.normal(2, 3, 4), dim=-2),
        case("a row with itself, nearly", x1=one, x2=one + 0.01 * two),
        case("opposite rows, nearly", x1=one, x2=-3 * one + 0.1 * two),
        case("one row with all", x1=one, x2=two[:1]),
        case("a row with a stack", x1=draw.normal(4), x2=draw.normal(2, 3, 4), dim=-1),
        case("single rows", x1=one[0], x2=two[0], dim=0),
        case("single numbers", x1=np.array(2.0), x2=np.array(-3.0), dim=0),
        case("one entry", x1=draw.away_from_zero(3, 1), x2=draw.away_from_zero(3, 1)),
        case("a row of zeros", x1=zero_row, x2=np.array([[1.0, 2.0, 3.0], [0.5, 1.0, -1.0]]), eps=0.1),
        case("a row shorter than eps", **short, eps=1.0, departs=CLAMPED),
        case("rows shorter than eps on both sides", x1=one, x2=two, eps=30.0, departs=CLAMPED),
        case("a row as long as eps", x1=np.array([[3.0, 4.0]]), x2=np.array([[1.0, 10.0]]), eps=5.0, at_kink=True),
        case("no rows", x1=np.zeros((0, 3)), x2=np.zeros((0, 3))),
        case("no entries", x1=np.zeros((2, 0)), x2=np.zeros((2, 0))),
    )


def _axis(op: str, **inputs: Any) -> Refusal:
    message = f"{op}_forward: dim must be from -2 to 1 for 2 dimensions, got 2"
    return refused("an axis out of range", ValueError, message, dim=2, **inputs)


CASES: dict[str, tuple[Case, ...]] = {"normalize": _normalize(), "cosine_similarity": _cosine()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "normalize": (
        refused_integers("normalize", "input", dim=0),
        _axis("normalize", input=rows),
        refused(
            "a vector, whose only axis is 0",
            ValueError,
            "normalize_forward: dim must be from -1 to 0 for 1 dimensions, got 1",
            input=rows[0],
        ),
        refused(
            "a p that is no number",
            ValueError,
            "normalize_forward: p must be a number, got nan",
            input=rows,
            p=float("nan"),
        ),
        refused("a negative eps", ValueError, "normalize_forward: eps must be at least 0, got -1", input=rows, eps=-1),
    ),
    "cosine_similarity": (
        refused_integers("cosine_similarity", "x1", x2=one),
        refused_integers("cosine_similarity", "x2", x1=one),
        _axis("cosine_similarity", x1=one, x2=two),
        refused(
            "rows of different lengths",
            ValueError,
            "cosine_similarity_forward: x1 and x2 must broadcast against each other, got (3, 4) and (3, 2)",
            x1=one,
            x2=two[:, :2],
        ),
        refused(
            "a negative eps",
            ValueError,
            "cosine_similarity_forward: eps must be at least 0, got -1",
            x1=one,
            x2=two,
            eps=-1,
        ),
    ),
}
