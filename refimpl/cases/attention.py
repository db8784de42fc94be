"""Samples of attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validate import Array
from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(61)


def _drawn(name: str, query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...], **options: Any) -> Case:
    return case(name, query=draw.normal(*query), key=draw.normal(*key), value=draw.normal(*value), **options)


def _confident(size: float) -> Case:
    """Queries that agree with one key far more than with the others, and one that does not."""
    query = size * np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1 / size]]) + draw.normal(3, 3) / 4
    return case(
        "confident rows", query=query, key=np.eye(3) + draw.normal(3, 3) / 4, value=draw.normal(3, 2), scale=1.0
    )


def _excluding(*places: tuple[int, int], rows: int = 3, columns: int = 4) -> Array:
    """A floating mask of moderate numbers, and -inf at these places."""
    mask = draw.normal(rows, columns)
    for place in places:
        mask[place] = -np.inf
    return mask


_SEEN = np.array([[True, False, True, True], [False, True, True, False], [True, True, True, True]])
_NOTHING_SEEN = np.array([[True, False, True, True], [False, False, False, False], [True, True, True, True]])
_ROW_1 = tuple((1, j) for j in range(4))

CASES: dict[str, tuple[Case, ...]] = {
    "scaled_dot_product_attention": (
        _drawn("unequal extents", (2, 3, 4), (2, 5, 4), (2, 5, 3)),
        _drawn("no leading axes", (3, 4), (5, 4), (5, 2)),
        _drawn("batches and heads", (2, 2, 3, 4), (2, 2, 3, 4), (2, 2, 3, 4)),
        _drawn("leading axes that broadcast", (2, 1, 3, 2), (3, 4, 2), (1, 1, 4, 2)),
        _drawn("causal", (1, 2, 4, 3), (1, 2, 4, 3), (1, 2, 4, 3), is_causal=True),
        _drawn("causal, fewer keys than queries", (4, 3), (2, 3), (2, 3), is_causal=True),
        _drawn("causal, more keys than queries", (2, 3), (4, 3), (4, 3), is_causal=True),
        _drawn("a boolean mask", (2, 3, 4), (2, 4, 4), (2, 4, 3), attn_mask=_SEEN),
        _drawn(
            "a boolean mask of keys for each batch", (2, 2, 3, 4), (2, 2, 4, 4), (2, 2, 4, 3),
            attn_mask=_SEEN[:2, None, None],
        ),
        _drawn("a floating mask", (2, 3, 4), (2, 4, 4), (2, 4, 3), attn_mask=draw.normal(2, 3, 4)),
        _drawn("a floating mask for all heads", (2, 2, 3, 4), (2, 2, 4, 4), (2, 2, 4, 3), attn_mask=draw.normal(3, 4)),
        _drawn(
            "a floating mask of keys for each batch", (2, 2, 3, 4), (2, 2, 4, 4), (2, 2, 4, 3),
            attn_mask=draw.normal(2, 1, 1, 4),
        ),
        _drawn("a floating mask of one axis", (3, 4), (4, 4), (4, 3), attn_mask=draw.normal(4)),
        _drawn("a floating mask that excludes", (2, 3, 4), (2, 4, 4), (2, 4, 3), attn_mask=_excluding((0, 0), (2, 3))),
        _drawn("a row without keys", (2, 3, 4), (2, 4, 4), (2, 4, 3), attn_mask=_NOTHING_SEEN),
        _drawn("a row without keys, floating mask", (2, 3, 4), (2, 4, 4), (2, 4, 3), attn_mask=_excluding(*_ROW_1)),
        _drawn("a scale", (3, 2), (4, 2), (4, 3), scale=0.3),
        _drawn("a negative scale, causal", (3, 2), (4, 2), (4, 3), scale=-0.5, is_causal=True),
        _drawn("dropout", (2, 3, 4), (2, 5, 4), (2, 5, 3), dropout_p=0.4, rng=0),
        _drawn("dropout, causal", (4, 3), (4, 3), (4, 2), dropout_p=0.3, is_causal=True, rng=1),
        _drawn("dropout, a floating mask", (3, 3), (4, 3), (4, 2), dropout_p=0.3, attn_mask=draw.normal(3, 4), rng=2),
        _drawn("dropout of everything", (3, 3), (4, 3), (4, 2), dropout_p=1.0),
        _drawn("grouped queries", (2, 4, 3, 2), (2, 2, 4, 2), (2, 2, 4, 3), enable_gqa=True),
        _drawn("grouped queries, fewer values than keys", (4, 3, 2), (2, 4, 2), (1, 4, 3), enable_gqa=True),
        _drawn(
            "grouped queries, a batch of keys for all, causal", (2, 4, 3, 2), (1, 2, 3, 2), (2, 2, 3, 2),
            enable_gqa=True, is_causal=True,
        ),
        _drawn(
            "grouped queries, a floating mask", (4, 3, 2), (2, 4, 2), (2, 4, 3), enable_gqa=True,
            attn_mask=draw.normal(4, 3, 4),
        ),
        _confident(20.0),
        case(
            "a large offset", query=draw.normal(3, 2), key=draw.normal(4, 2), value=draw.normal(4, 2),
            attn_mask=1000 + draw.normal(3, 4),
        ),
        _drawn("one key", (3, 2), (1, 2), (1, 4)),
        _drawn("no features", (3, 0), (4, 0), (4, 2)),
        _drawn("no keys", (2, 3, 4), (2, 0, 4), (2, 0, 3)),
        _drawn("no queries", (2, 0, 4), (2, 3, 4), (2, 3, 3)),
        _drawn("an empty batch", (0, 3, 4), (0, 5, 4), (0, 5, 3)),
    ),
}  # fmt: skip


def _refused(
    name: str, message: str, shapes: tuple[tuple[int, ...], ...] = ((2, 3, 4), (2, 5, 4), (2, 5, 3)), **options: Any
) -> Refusal:
    error = TypeError if name.startswith("kind:") else ValueError
    arrays = {name: np.ones(shape) for name, shape in zip(("query", "key", "value"), shapes, strict=True)}
    message = f"scaled_dot_product_attention_forward: {message}"
    return refused(name.removeprefix("kind: "), error, message, **{**arrays, **options})


_X = np.ones((3, 4))

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "scaled_dot_product_attention": (
        refused_integers("scaled_dot_product_attention", "query", key=_X, value=_X),
        refused_integers("scaled_dot_product_attention", "key", query=_X, value=_X),
        refused_integers("scaled_dot_product_attention", "value", query=_X, key=_X),
        _refused("a vector", "query must have at least 2 dimensions, got shape (4,)", ((4,), (5, 4), (5, 3))),
        _refused(
            "features that differ",
            "key must have as many features as query, got query (3, 4) and key (5, 3)",
            ((3, 4), (5, 3), (5, 3)),
        ),
        _refused(
            "keys and values that differ in number",
            "value must have as many rows as key, got key (5, 4) and value (4, 3)",
            ((3, 4), (5, 4), (4, 3)),
        ),
        _refused(
            "batches that do not broadcast",
            "the leading axes of query, key and value must broadcast to one shape, got (2,) and (3,)",
            ((2, 3, 4), (3, 5, 4), (2, 5, 3)),
        ),
        _refused(
            "heads that do not match without enable_gqa",
            "the leading axes of query, key and value must broadcast to one shape, got (4,) and (2,)",
            ((4, 3, 4), (2, 5, 4), (2, 5, 3)),
        ),
        _refused(
            "heads of keys that do not divide",
            "the heads of query must be a multiple of those of key, got 4 and 3",
            ((4, 3, 4), (3, 5, 4), (2, 5, 3)),
            enable_gqa=True,
        ),
        _refused(
            "heads of values that do not divide",
            "the heads of query must be a multiple of those of value, got 4 and 8",
            ((4, 3, 4), (2, 5, 4), (8, 5, 3)),
            enable_gqa=True,
        ),
        _refused(
            "grouped queries without heads",
            "query must have at least 3 dimensions, got shape (3, 4)",
            ((3, 4), (2, 5, 4), (2, 5, 3)),
            enable_gqa=True,
        ),
        _refused(
            "a mask of another shape",
            "attn_mask must be broadcastable to the shape (..., L, S) = (2, 3, 5), got (5, 3)",
            attn_mask=np.ones((5, 3)),
        ),
        _refused(
            "a mask with more axes",
            "attn_mask must be broadcastable to the shape (..., L, S) = (2, 3, 5), got (1, 2, 3, 5)",
            attn_mask=np.ones((1, 2, 3, 5), dtype=bool),
        ),
        _refused(
            "kind: an integer mask",
            "attn_mask must be a boolean or a floating-point array, got dtype int64",
            attn_mask=np.ones((3, 5), dtype=np.int64),
        ),
        _refused(
            "a mask beside is_causal",
            "attn_mask must be None where is_causal is True, got shape (3, 5)",
            attn_mask=np.ones((3, 5)),
            is_causal=True,
        ),
        _refused("kind: is_causal no boolean", "is_causal must be True or False, got 1", is_causal=1),
        _refused("kind: enable_gqa no boolean", "enable_gqa must be True or False, got 'yes'", enable_gqa="yes"),
        _refused("kind: a scale per head", f"scale must be a number, got {[1.0, 2.0]}", scale=[1.0, 2.0]),
        _refused("a scale that is NaN", "scale must be a number, got nan", scale=np.nan),
        _refused("dropout above 1", "dropout_p must be at least 0 and at most 1, got 1.5", dropout_p=1.5, rng=0),
        _refused("dropout below 0", "dropout_p must be at least 0 and at most 1, got -0.5", dropout_p=-0.5, rng=0),
        _refused(
            "dropout without rng",
            "rng must be an integer seed or a numpy.random.Generator, got None",
            dropout_p=0.5,
        ),
    ),
}
