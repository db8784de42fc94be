"""What multi_head_attention is given, and how its arrays must fit each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy.typing import NDArray

from .. import _validate

Arrays = dict[str, NDArray[Any]]  # by the names of forward's arguments
MASKS = ("key_padding_mask", "attn_mask")
PROJECTIONS = {"query": "q_proj_weight", "key": "k_proj_weight", "value": "v_proj_weight"}  # given apart
STATIC = {"key": "static_k", "value": "static_v"}
ADDED = {"key": "bias_k", "value": "bias_v"}


class Extents(NamedTuple):
    """The numbers that the shapes are made of."""

    batched: bool
    queries: int  # L
    batch: int  # N
    keys: int  # S, of the static keys where there are some
    features: int  # E
    heads: int

    @property
    def head_features(self) -> int:
        return self.features // self.heads


def check_arguments(
    op: str, given: Mapping[str, Any], embed_dim_to_check: Any, num_heads: Any, separate: bool
) -> tuple[Arrays, Extents]:
    """The arrays that are not None, found to fit each other."""
    arrays = {
        name: (_validate.mask if name in MASKS else _validate.floating)(op, name, value)
        for name, value in given.items()
        if value is not None or name in ("query", "key", "value", "out_proj_weight")  # which None is refused of
    }
    extents = _extents(op, arrays, embed_dim_to_check, num_heads)
    _check_projections(op, arrays, extents.features, separate)
    _check_sources(op, arrays, extents)
    _check_masks(op, arrays, extents)
    return arrays, extents


def _extents(op: str, arrays: Arrays, embed_dim_to_check: Any, num_heads: Any) -> Extents:
    query, key, value = arrays["query"], arrays["key"], arrays["value"]
    if query.ndim not in (2, 3):
        raise ValueError(f"{op}: query must have shape (L, N, E) or (L, E), got {query.shape}")
    for name in ("key", "value"):
        if arrays[name].ndim != query.ndim or arrays[name].shape[1:-1] != query.shape[1:-1]:
            raise ValueError(
                f"{op}: {name} must have the batch of query, got query {query.shape} and {name} {arrays[name].shape}"
            )
    if key.shape[:-1] != value.shape[:-1]:
        raise ValueError(f"{op}: value must have as many rows as key, got key {key.shape} and value {value.shape}")
    features = query.shape[-1]
    if _validate.integer(op, "embed_dim_to_check", embed_dim_to_check) != features:
        raise ValueError(
            f"{op}: embed_dim_to_check must be the number of query's features = {features}, got {embed_dim_to_check}"
        )
    heads = _validate.integer(op, "num_heads", num_heads)
    if heads < 1 or features % heads:
        raise ValueError(f"{op}: num_heads must divide the number of query's features = {features}, got {heads}")
    batched = query.ndim == 3
    return Extents(
        batched, len(query), query.shape[1] if batched else 1, _source_length(op, arrays), features, heads
    )  # fmt: skip


def _source_length(op: str, arrays: Arrays) -> int:
    """S: of the static keys and values where they are given, else of those that are projected."""
    lengths = []
    for name, static in STATIC.items():
        if static in arrays:
            _validate.dimensions(op, static, arrays[static], "(N num_heads, S, E / num_heads)", 3)
        lengths.append(arrays[static].shape[1] if static in arrays else len(arrays[name]))
    if lengths[0] != lengths[1]:
        raise ValueError(f"{op}: there must be as many values as keys, got {lengths[1]} and {lengths[0]}")
    return lengths[0]


def _check_projections(op: str, arrays: Arrays, features: int, separate: bool) -> None:
    """The weights in use, and what they multiply; weights that are not in use may be anything."""
    if not separate:
        if "in_proj_weight" not in arrays:
            raise TypeError(f"{op}: in_proj_weight must be given unless use_separate_proj_weight is True, got None")
        _validate.has_shape(op, "in_proj_weight", arrays["in_proj_weight"], "(3 E, E)", (3 * features, features))
    for name, weight in PROJECTIONS.items():
        width = arrays[name].shape[-1]
        if not separate and width != features:
            raise ValueError(
                f"{op}: {name} must have the {features} features of query unless use_separate_proj_weight is True, "
                f"got {arrays[name].shape}"
            )
        if separate:
            if weight not in arrays:
                raise TypeError(f"{op}: {weight} must be given where use_separate_proj_weight is True, got None")
            _validate.has_shape(op, weight, arrays[weight], f"(E, {name}.shape[-1])", (features, width))
    out = arrays["out_proj_weight"]
    if out.ndim != 2 or out.shape[1] != features:
        raise ValueError(f"{op}: out_proj_weight must have shape (F, E) with E = {features}, got {out.shape}")
    for name, rule, length in (("in_proj_bias", "(3 E,)", 3 * features), ("out_proj_bias", "(F,)", len(out))):
        if name in arrays:
            _validate.has_shape(op, name, arrays[name], rule, (length,))


def _check_sources(op: str, arrays: Arrays, extents: Extents) -> None:
    """What is added to the keys and values, and what stands in for them."""
    for one, other in (("bias_k", "bias_v"), ("bias_v", "bias_k")):
        if one in arrays:
            if other not in arrays:
                raise ValueError(f"{op}: {other} must be given where {one} is, got None")
            _validate.has_shape(op, one, arrays[one], "(1, 1, E)", (1, 1, extents.features))
    expected = (extents.batch * extents.heads, extents.keys, extents.head_features)
    for static in STATIC.values():
        if static in arrays:
            if "bias_k" in arrays:
                raise ValueError(f"{op}: {static} must be None where bias_k and bias_v are given")
            _validate.has_shape(op, static, arrays[static], "(N num_heads, S, E / num_heads)", expected)


def _check_masks(op: str, arrays: Arrays, extents: Extents) -> None:
    _, queries, batch, keys, _, heads = extents
    if "key_padding_mask" in arrays:
        rule, expected = ("(N, S)", (batch, keys)) if extents.batched else ("(S,)", (keys,))
        _validate.has_shape(op, "key_padding_mask", arrays["key_padding_mask"], rule, expected)
    if "attn_mask" in arrays:
        mask = arrays["attn_mask"]
        shapes = ((queries, keys), (batch * heads, queries, keys))
        if mask.shape not in shapes:
            raise ValueError(
                f"{op}: attn_mask must have shape (L, S) = {shapes[0]} or (N num_heads, L, S) = {shapes[1]}, "
                f"got {mask.shape}"
            )
