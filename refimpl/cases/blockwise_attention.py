"""Samples of block-wise attention: blocks that do not divide the lengths, and queries that see some keys or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(61)
# Four features make the default scale 1/2, and every extent is another.
short: dict[str, Any] = {"query": draw.normal(5, 4), "key": draw.normal(7, 4), "value": draw.normal(7, 3)}
square: dict[str, Any] = {"query": draw.normal(6, 2), "key": draw.normal(6, 2), "value": draw.normal(6, 3)}
heads: dict[str, Any] = {
    "query": draw.normal(2, 2, 4, 1),
    "key": draw.normal(2, 2, 3, 1),
    "value": draw.normal(2, 2, 3, 2),
}
blocks: dict[str, Any] = {"query_block": 2, "key_block": 3}

CASES: dict[str, tuple[Case, ...]] = {
    "blockwise_attention": (
        case("one block holds all", **short),
        case("blocks that do not divide", **short, **blocks),
        case("single rows", **short, query_block=1, key_block=1),
        case("causal", **square, is_causal=True, **blocks),
        case("causal, more keys than queries", **short, is_causal=True, **blocks),
        case(
            "causal, fewer keys than queries",
            query=draw.normal(5, 2),
            key=draw.normal(3, 2),
            value=draw.normal(3, 2),
            is_causal=True,
            query_block=3,
            key_block=2,
        ),
        case("a window", **square, window=2, **blocks),
        case("a causal window", **square, is_causal=True, window=3, **blocks),
        case(
            "queries that see no key",
            query=draw.normal(6, 2),
            key=draw.normal(2, 2),
            value=draw.normal(2, 3),
            window=2,
            **blocks,
        ),
        case("a scale", **short, scale=0.75, **blocks),
        case("a negative scale", **short, scale=-1.5, is_causal=True, **blocks),
        case("no scale but 0", **short, scale=0.0, **blocks),
        case("several heads", **heads, query_block=3, key_block=2),
        case("several heads, causal", **heads, is_causal=True, query_block=3, key_block=2),
        case(
            "maxima that rise and fall",
            query=np.array([[1.0], [-1.0], [0.25]]),
            key=np.arange(7.0)[:, None],
            value=draw.normal(7, 2),
            **blocks,
        ),
        case("one query, two keys", query=draw.normal(1, 3), key=draw.normal(2, 3), value=2 * np.eye(2)),
        case("no features", query=np.zeros((3, 0)), key=np.zeros((4, 0)), value=draw.normal(4, 2), **blocks),
        case("no keys", query=draw.normal(3, 2), key=np.zeros((0, 2)), value=np.zeros((0, 3))),
        case("no queries", query=np.zeros((0, 2)), key=draw.normal(3, 2), value=draw.normal(3, 1)),
        case("an empty batch", query=np.zeros((0, 3, 2)), key=np.zeros((0, 4, 2)), value=np.zeros((0, 4, 1))),
    ),
}


def _refused(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
    return refused(name, error, f"blockwise_attention_forward: {message}", **(short | changes))


def _integer(argument: str) -> Refusal:
    others = {name: array for name, array in short.items() if name != argument}
    return refused_integers("blockwise_attention", argument, **others)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "blockwise_attention": (
        _integer("query"),
        _integer("key"),
        _integer("value"),
        _refused(
            "a query of one dimension",
            ValueError,
            "query must have at least 2 dimensions, got shape (4,)",
            query=np.ones(4),
        ),
        _refused(
            "another number of features",
            ValueError,
            "key must have shape (..., S, E) with query's leading axes and features = (7, 4), got (7, 3)",
            key=np.ones((7, 3)),
        ),
        _refused(
            "another number of heads",
            ValueError,
            "key must have shape (..., S, E) with query's leading axes and features = (2, 4, 3), got (1, 4, 3)",
            query=np.ones((2, 5, 3)),
            key=np.ones((1, 4, 3)),
            value=np.ones((1, 4, 3)),
        ),
        _refused(
            "another number of values",
            ValueError,
            "value must have shape (..., S, Ev) with key's leading axes and length = (7, 3), got (6, 3)",
            value=np.ones((6, 3)),
        ),
        _refused(
            "an is_causal that is no flag",
            TypeError,
            "is_causal must be True or False, got 1",
            is_causal=1,
        ),
        _refused("a scale that is no number", TypeError, "scale must be a number, got '8'", scale="8"),
        _refused("a scale of NaN", ValueError, "scale must be a number, got nan", scale=float("nan")),
        _refused("a window of 0", ValueError, "window must be at least 1, got 0", window=0),
        _refused("a window that is no integer", TypeError, "window must be an integer, got 2.0", window=2.0),
        _refused("blocks of no queries", ValueError, "query_block must be at least 1, got 0", query_block=0),
        _refused("blocks of no keys", ValueError, "key_block must be at least 1, got -1", key_block=-1),
        _refused("a block that is no integer", TypeError, "key_block must be an integer, got 1.5", key_block=1.5),
    ),
}
