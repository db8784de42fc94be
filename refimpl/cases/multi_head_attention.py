"""Samples of attention in several heads between linear maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused

draw = Draw(62)

L, S, N, E, HEADS = 3, 4, 2, 4, 2
CAUSAL = np.triu(np.ones((L, S), dtype=bool), 1)
PADDED = np.array([[False, False, False, True], [False, True, False, False]])
HIDDEN = np.array([[False, True, False, False], [True, False, False, True], [False, False, False, False]])


def _arguments(
    queries: tuple[int, ...] = (L, N, E), keys: tuple[int, ...] = (S, N, E), values: tuple[int, ...] | None = None,
    **options: Any,
) -> dict[str, Any]:  # fmt: skip
    """Those without defaults, drawn unless the options have them; None stays None."""
    width = queries[-1]
    return {
        "query": draw.normal(*queries),
        "key": draw.normal(*keys),
        "value": draw.normal(*(values or keys)),
        "embed_dim_to_check": width,
        "num_heads": HEADS,
        "in_proj_weight": draw.normal(3 * width, width) / 2,
        "in_proj_bias": draw.normal(3 * width),
        "bias_k": None,
        "bias_v": None,
        "add_zero_attn": False,
        "dropout_p": 0.0,
        "out_proj_weight": draw.normal(width, width) / 2,
        "out_proj_bias": draw.normal(width),
        **options,
    }


def _drawn(name: str, *shapes: tuple[int, ...], **options: Any) -> Case:
    return case(name, **_arguments(*shapes, **options))


def _apart(features: int = 3, values: int = 6) -> dict[str, Any]:
    return {
        "in_proj_weight": None,
        "use_separate_proj_weight": True,
        "q_proj_weight": draw.normal(E, E) / 2,
        "k_proj_weight": draw.normal(E, features) / 2,
        "v_proj_weight": draw.normal(E, values) / 2,
    }


def _added() -> dict[str, Any]:
    return {"bias_k": draw.normal(1, 1, E), "bias_v": draw.normal(1, 1, E), "add_zero_attn": True}


def _static(keys: int) -> dict[str, Any]:
    shape = (N * HEADS, keys, E // HEADS)
    return {"static_k": draw.normal(*shape), "static_v": draw.normal(*shape)}


def _excluding(*shape: int) -> Any:
    """A floating mask of moderate numbers, one of which is -inf."""
    mask = draw.normal(*shape)
    mask[..., 0, 1] = -np.inf
    return mask


CASES: dict[str, tuple[Case, ...]] = {
    "multi_head_attention": (
        _drawn("unequal extents"),
        _drawn("without a batch, weights of each head, another number of features out", (L, E), (S, E),
               average_attn_weights=False, out_proj_weight=draw.normal(5, E), out_proj_bias=draw.normal(5)),
        _drawn("all kinds of keys, projections apart", (L, N, E), (S, N, 3), (S, N, 6), **_added(), **_apart()),
        _drawn("static keys and values", **_static(5)),
        _drawn("static values alone, and a zero", static_v=draw.normal(N * HEADS, S, E // HEADS), add_zero_attn=True,
               need_weights=False),
        _drawn("a floating mask for each head", attn_mask=_excluding(N * HEADS, L, S)),
        _drawn("all kinds of keys, masked", key_padding_mask=PADDED, attn_mask=CAUSAL, **_added()),
        _drawn("one head, no biases, a boolean mask and floating padding", num_heads=1, in_proj_bias=None,
               out_proj_bias=None, key_padding_mask=draw.normal(N, S), attn_mask=CAUSAL),
        _drawn("causal, said and shown", attn_mask=CAUSAL, is_causal=True),
        _drawn("dropout", dropout_p=0.4, rng=0),
        _drawn("a boolean mask for each head, no weights", attn_mask=np.stack([HIDDEN, CAUSAL] * 2),
               need_weights=False),
        _drawn("padding, no weights", key_padding_mask=PADDED, need_weights=False),
        _drawn("all kinds of keys, floating masks, no weights", key_padding_mask=draw.normal(N, S),
               attn_mask=draw.normal(N * HEADS, L, S), need_weights=False, **_added()),
        _drawn("a row without keys, no weights", attn_mask=np.arange(L)[:, None] * np.ones(S) == 1, need_weights=False),
        _drawn("causal, said, with keys added", attn_mask=CAUSAL, is_causal=True, need_weights=False, **_added()),
        _drawn("without a batch, masked, no weights", (L, E), (S, E), attn_mask=_excluding(HEADS, L, S),
               key_padding_mask=draw.normal(S), need_weights=False),
        _drawn("dropout, no weights", dropout_p=0.4, rng=0, need_weights=False),
        _drawn("dropout, not training", dropout_p=0.4, training=False),
        _drawn("no keys", keys=(0, N, E), need_weights=False),
        _drawn("an empty batch", (L, 0, E), (S, 0, E)),
    ),
}  # fmt: skip


def _ones(**options: Any) -> dict[str, Any]:
    arguments = _arguments(**options)
    return {
        name: np.ones_like(a) if isinstance(a, np.ndarray) and name not in options else a
        for name, a in arguments.items()
    }


def _refused(name: str, message: str, error: type[Exception] = ValueError, **options: Any) -> Refusal:
    return refused(name, error, f"multi_head_attention_forward: {message}", **_ones(**options))


def _integers(name: str) -> Refusal:
    message = f"{name} must be a floating-point array (float16, float32, float64), got dtype int64"
    return _refused(f"integer {name}", message, TypeError, **{name: np.ones((L, N, E), dtype=np.int64)})


def _integer_mask(name: str) -> Refusal:
    message = f"{name} must be a boolean or a floating-point array, got dtype int64"
    mask: dict[str, Any] = {name: np.ones((L, S), dtype=np.int64)}
    return _refused(f"an integer {name}", message, TypeError, **mask)


_TOGETHER: dict[str, Any] = {"bias_k": np.ones((1, 1, E)), "bias_v": np.ones((1, 1, E))}

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "multi_head_attention": (
        *(_integers(name) for name in ("query", "key", "value", "in_proj_weight", "out_proj_weight")),
        *(_integer_mask(name) for name in ("attn_mask", "key_padding_mask")),
        _refused("heads that do not divide", "num_heads must divide the number of query's features = 4, got 3",
                 num_heads=3),
        _refused("no heads", "num_heads must divide the number of query's features = 4, got 0", num_heads=0),
        _refused("half a head", "num_heads must be an integer, got 0.5", TypeError, num_heads=0.5),
        _refused("another embed_dim", "embed_dim_to_check must be the number of query's features = 4, got 5",
                 embed_dim_to_check=5),
        _refused("four axes", "query must have shape (L, N, E) or (L, E), got (3, 2, 4, 1)",
                 query=np.ones((3, 2, 4, 1))),
        _refused("keys without a batch", "key must have the batch of query, got query (3, 2, 4) and key (4, 4)",
                 key=np.ones((S, E))),
        _refused("another batch", "value must have the batch of query, got query (3, 2, 4) and value (4, 1, 4)",
                 value=np.ones((S, 1, E))),
        _refused("fewer values than keys", "value must have as many rows as key, got key (4, 2, 4) and value (3, 2, 4)",
                 value=np.ones((3, N, E))),
        _refused("features that differ",
                 "key must have the 4 features of query unless use_separate_proj_weight is True, got (4, 2, 5)",
                 key=np.ones((S, N, 5))),
        _refused("no weight", "in_proj_weight must be given unless use_separate_proj_weight is True, got None",
                 TypeError, in_proj_weight=None),
        _refused("no weight apart", "q_proj_weight must be given where use_separate_proj_weight is True, got None",
                 TypeError, use_separate_proj_weight=True),
        _refused("a weight of another shape", "in_proj_weight must have shape (3 E, E) = (12, 4), got (4, 12)",
                 in_proj_weight=np.ones((4, 12))),
        _refused("a weight apart of another shape",
                 "k_proj_weight must have shape (E, key.shape[-1]) = (4, 4), got (4, 5)",
                 **{**_apart(), "k_proj_weight": np.ones((4, 5)), "v_proj_weight": np.ones((4, 4))}),
        _refused("a bias of another shape", "in_proj_bias must have shape (3 E,) = (12,), got (4,)",
                 in_proj_bias=np.ones(4)),
        _refused("a weight out of another shape", "out_proj_weight must have shape (F, E) with E = 4, got (4, 5)",
                 out_proj_weight=np.ones((4, 5))),
        _refused("a bias out of another shape", "out_proj_bias must have shape (F,) = (4,), got (5,)",
                 out_proj_bias=np.ones(5)),
        _refused("a key for all without a value", "bias_v must be given where bias_k is, got None",
                 bias_k=np.ones((1, 1, E))),
        _refused("a value for all without a key", "bias_k must be given where bias_v is, got None",
                 bias_v=np.ones((1, 1, E))),
        _refused("a key for all of another shape", "bias_k must have shape (1, 1, E) = (1, 1, 4), got (4,)",
                 **{**_TOGETHER, "bias_k": np.ones(E)}),
        _refused("a key for all beside static keys", "static_k must be None where bias_k and bias_v are given",
                 static_k=np.ones((N * HEADS, S, 2)), **_TOGETHER),
        _refused("static keys of another shape",
                 "static_k must have shape (N num_heads, S, E / num_heads) = (4, 4, 2), got (2, 4, 4)",
                 static_k=np.ones((2, S, 4))),
        _refused("static keys without heads", "static_k must have shape (N num_heads, S, E / num_heads), got (4, 2)",
                 static_k=np.ones((4, 2))),
        _refused("static keys of another number", "there must be as many values as keys, got 4 and 5",
                 static_k=np.ones((N * HEADS, 5, 2))),
        _refused("padding of another shape", "key_padding_mask must have shape (N, S) = (2, 4), got (4, 2)",
                 key_padding_mask=np.ones((S, N), dtype=bool)),
        _refused("a mask of another shape",
                 "attn_mask must have shape (L, S) = (3, 4) or (N num_heads, L, S) = (4, 3, 4), got (1, 3, 4)",
                 attn_mask=np.ones((1, L, S), dtype=bool)),
        _refused("is_causal without its mask", "attn_mask must be given where is_causal is True, got None",
                 is_causal=True),
        _refused("need_weights no boolean", "need_weights must be True or False, got 1", TypeError, need_weights=1),
        _refused("dropout above 1", "dropout_p must be at least 0 and at most 1, got 1.5", dropout_p=1.5, rng=0),
        _refused("dropout without rng", "rng must be an integer seed or a numpy.random.Generator, got None",
                 dropout_p=0.5),
    ),
}  # fmt: skip
