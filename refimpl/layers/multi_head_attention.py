"""Attention in several heads between linear maps: a pair made of pairs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working_dtype
from .._reduction import unbroadcast
from .._validate import Array
from ._multi_head_arguments import ADDED, MASKS, PROJECTIONS, STATIC, Arrays, Extents, check_arguments
from .attention import (
    ScaledDotProductAttentionCache,
    scaled_dot_product_attention_backward,
    scaled_dot_product_attention_forward,
)
from .dropout import DropoutCache, dropout_backward, dropout_forward
from .linear import LinearCache, linear_backward, linear_forward
from .products import MatmulCache, matmul_backward, matmul_forward
from .softmax import SoftmaxCache, softmax_backward, softmax_forward

__all__ = ["multi_head_attention_backward", "multi_head_attention_forward"]


class WeightedMeanCache(NamedTuple):
    """The steps of scaled_dot_product_attention one by one, as the weights themselves are asked for."""

    scores: MatmulCache
    softmax: SoftmaxCache
    dropout: DropoutCache
    mean: MatmulCache


class MultiHeadAttentionCache(NamedTuple):
    arguments: Arrays  # the arrays that were given, by name
    extents: Extents
    separate: bool  # use_separate_proj_weight
    add_zero_attn: bool
    average: bool  # average_attn_weights
    projections: dict[str, LinearCache]  # of query, key and value, without those that a static one stands in for
    attention: ScaledDotProductAttentionCache | WeightedMeanCache
    out_projection: LinearCache


def multi_head_attention_forward(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: ArrayLike | None,
    in_proj_bias: ArrayLike | None,
    bias_k: ArrayLike | None,
    bias_v: ArrayLike | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: ArrayLike,
    out_proj_bias: ArrayLike | None,
    training: bool = True,
    key_padding_mask: ArrayLike | None = None,
    need_weights: bool = True,
    attn_mask: ArrayLike | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: ArrayLike | None = None,
    k_proj_weight: ArrayLike | None = None,
    v_proj_weight: ArrayLike | None = None,
    static_k: ArrayLike | None = None,
    static_v: ArrayLike | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    rng: Any = None,
) -> tuple[tuple[Array, Array | None], MultiHeadAttentionCache]:
    """Attention between linear maps of queries, keys and values, each cut into heads, and a linear map of the result.

    q = x_q W_q^T + b_q, k = x_k W_k^T + b_k, v = x_v W_v^T + b_v;  y_h = attention(q_h, k_h, v_h) for each head h;
    output = [y_0, y_1, ...] W_o^T + b_o
    W_q, W_k and W_v are the thirds of in_proj_weight, or given apart with use_separate_proj_weight, and b_q, b_k and
    b_v the thirds of in_proj_bias; head h has the h-th part of the features. bias_k and bias_v are one more key and
    value for all, add_zero_attn adds a key and a value of 0, static_k and static_v stand in for k and v. A mask is
    added to the scores, or says by True what is masked out: the opposite of scaled_dot_product_attention. Without
    need_weights, is_causal says that attn_mask is the causal mask, which is then not looked at, unless there is a
    key_padding_mask.

    Shapes: query (L, N, E), key (S, N, K), value (S, N, V), or all without N; in_proj_weight (3 E, E), where K = V = E,
        or q_proj_weight (E, E), k_proj_weight (E, K), v_proj_weight (E, V); in_proj_bias (3 E,) or None; bias_k and
        bias_v (1, 1, E) or None; static_k and static_v (N num_heads, S, E / num_heads) or None; key_padding_mask (N,
        S); attn_mask (L, S) or (N num_heads, L, S); out_proj_weight (F, E), out_proj_bias (F,) or None. Output is the
        pair of (L, N, F) and the weights (N, L, S'), or (N, num_heads, L, S') where they are not averaged, S' being S
        and one for each of bias_k and add_zero_attn; the weights are None without need_weights.
    Raises: TypeError where an array is not floating, a mask neither floating nor boolean, or an option of the wrong
        kind; ValueError where a shape does not match, the heads do not divide E, only one of bias_k and bias_v is
        given, they stand beside static_k or static_v, is_causal stands without attn_mask, or rng is missing for the
        dropout.
    Extremes: as scaled_dot_product_attention; where every key of a query is masked out, PyTorch's choice: NaN with
        need_weights, else an attention of 0.
    Source: torch.nn.functional.multi_head_attention_forward; rng, an integer seed or a numpy.random.Generator, is
        refimpl's.
    Derived: derivations/multi_head_attention.md#multi_head_attention.
    """
    op = "multi_head_attention_forward"
    given = {
        "query": query, "key": key, "value": value, "in_proj_weight": in_proj_weight, "in_proj_bias": in_proj_bias,
        "bias_k": bias_k, "bias_v": bias_v, "out_proj_weight": out_proj_weight, "out_proj_bias": out_proj_bias,
        "key_padding_mask": key_padding_mask, "attn_mask": attn_mask, "q_proj_weight": q_proj_weight,
        "k_proj_weight": k_proj_weight, "v_proj_weight": v_proj_weight, "static_k": static_k, "static_v": static_v,
    }  # fmt: skip
    for name, flag in (
        ("training", training), ("need_weights", need_weights), ("add_zero_attn", add_zero_attn),
        ("use_separate_proj_weight", use_separate_proj_weight), ("average_attn_weights", average_attn_weights),
        ("is_causal", is_causal),
    ):  # fmt: skip
        _validate.boolean(op, name, flag)
    arguments, extents = check_arguments(op, given, embed_dim_to_check, num_heads, use_separate_proj_weight)
    if is_causal and attn_mask is None:
        raise ValueError(f"{op}: attn_mask must be given where is_causal is True, got None")
    dropout_p = _validate.number(op, "dropout_p", dropout_p, at_least=0, at_most=1)
    dropout_p = dropout_p if training else 0.0
    rng = _validate.generator(op, rng) if 0 < dropout_p < 1 else None

    x = _working(arguments)
    with np.errstate(all="ignore"):
        projections = {
            name: _projected(x, name, extents, use_separate_proj_weight)
            for name in PROJECTIONS
            if STATIC.get(name) not in x
        }
        q, k, v = (_source(x, name, projections, extents, add_zero_attn) for name in PROJECTIONS)
        causal = is_causal and not need_weights and key_padding_mask is None
        mask = None if causal else _merged_mask(x, extents, k.shape[2])
        attend = _weighted_mean if need_weights else _mean
        y, weights, attention = attend(q, k, v, mask, causal, dropout_p, rng)
        output, out_projection = linear_forward(_joined(y), x["out_proj_weight"], x.get("out_proj_bias"))
    caches = {name: projection for name, (_, projection) in projections.items()}
    cache = MultiHeadAttentionCache(
        arguments, extents, use_separate_proj_weight, add_zero_attn, average_attn_weights, caches, attention,
        out_projection,
    )  # fmt: skip
    return _answers(output, weights, cache), cache


def multi_head_attention_backward(grad_output: Any, cache: MultiHeadAttentionCache) -> Arrays:
    """grad_output is the pair of the gradients of output and of the weights, None for weights that are None. Last to
    first: linear's backward for W_o and b_o; attention's, to which the gradient of the weights adds, in each head; of
    q, k and v then linear's for W_q, W_k, W_v, b_q, b_k, b_v, x_q, x_k, x_v. bias_k and bias_v get the sum over the
    batch of what their key and value get, static_k and static_v all that the keys and values get, and a floating mask
    what the scores get. What is not used gets 0.
    """
    op = "multi_head_attention_backward"
    cache = _validate.is_cache(op, cache, MultiHeadAttentionCache)
    extents, x = cache.extents, _working(cache.arguments)
    g_output, g_weights = _checked_gradients(op, grad_output, cache)
    grads = {name: np.zeros_like(array) for name, array in x.items() if array.dtype != np.bool_}
    with np.errstate(all="ignore"):
        # output = y @ out_proj_weight.T + out_proj_bias
        found = linear_backward(g_output, cache.out_projection)
        grads["out_proj_weight"] = found["weight"]
        if "bias" in found:
            grads["out_proj_bias"] = found["bias"]
        # y, weights = attend(q, k, v, mask)
        grad_y = _split(found["input"], extents)
        if isinstance(cache.attention, WeightedMeanCache):
            inner = _weighted_mean_backward(grad_y, g_weights, cache.attention)
        else:
            inner = scaled_dot_product_attention_backward(grad_y, cache.attention)
        for name in MASKS:
            if name in grads and "attn_mask" in inner:
                seen = inner["attn_mask"][..., : extents.keys]
                grads[name] = unbroadcast(seen, _aligned(name, x[name], extents).shape).reshape(x[name].shape)
        # q, k, v = what is projected, with what is added to it, or what stands in for it
        for name in PROJECTIONS:
            _source_backward(grads, name, inner[name], cache)
    return {name: gradient(grad, cache.arguments[name]) for name, grad in grads.items()}


def _floating(arguments: Arrays) -> list[Array]:
    return [array for array in arguments.values() if array.dtype != np.bool_]


def _working(arguments: Arrays) -> dict[str, Any]:
    """The arrays in the dtype to compute in, and the layout that products are fast in; boolean masks as they are."""
    dtype = working_dtype(*_floating(arguments))
    return {name: a if a.dtype == np.bool_ else np.ascontiguousarray(a, dtype=dtype) for name, a in arguments.items()}


def _answers(output: Any, weights: Any, cache: MultiHeadAttentionCache) -> tuple[Array, Array | None]:
    """The output, (L, N, F), and the weights, (N, num_heads, L, S') or None, as they are asked for."""
    floating, batched = _floating(cache.arguments), cache.extents.batched
    output = answer(output if batched else output[:, 0], *floating)
    if weights is None:
        return output, None
    with np.errstate(all="ignore"):
        weights = weights.mean(axis=1) if cache.average else weights
    return output, answer(weights if batched else weights[0], *floating)


def _checked_gradients(op: str, grad_output: Any, cache: MultiHeadAttentionCache) -> tuple[Any, Any]:
    """The gradients of the output, (L, N, F), and of the weights, (N, num_heads, L, S') or None."""
    g, g_weights = _validate.pair(op, "grad_output", grad_output, "(of attn_output, of attn_weights)")
    extents, projection = cache.extents, cache.out_projection
    dtype, shape = projection.input.dtype, (*projection.input.shape[:2], len(projection.weight))
    g = _validate.output_gradient(
        op, g, shape if extents.batched else (shape[0], shape[2]), dtype, name="grad_output[0]"
    ).reshape(shape)  # fmt: skip
    if not isinstance(cache.attention, WeightedMeanCache):
        if g_weights is not None:
            raise TypeError(f"{op}: grad_output[1] must be None where need_weights is False")
        return g, None
    shape = cache.attention.mean.input.shape
    batch, heads = shape[:1] if extents.batched else (), () if cache.average else shape[1:2]
    expected = (*batch, *heads, *shape[2:])
    g_weights = _validate.output_gradient(op, g_weights, expected, dtype, name="grad_output[1]")
    g_weights = g_weights.reshape(shape[0], 1 if cache.average else shape[1], *shape[2:])
    return g, np.broadcast_to(g_weights / dtype.type(shape[1]), shape) if cache.average else g_weights


# The projections, and the heads.


def _parts(name: str, separate: bool, features: int) -> tuple[str, Any, slice]:
    """The weight that projects query, key or value, the part of it that does, and that of in_proj_bias."""
    number = list(PROJECTIONS).index(name)
    third = slice(number * features, (number + 1) * features)
    return (PROJECTIONS[name], ..., third) if separate else ("in_proj_weight", third, third)


def _projected(x: dict[str, Any], name: str, extents: Extents, separate: bool) -> tuple[Any, LinearCache]:
    """linear of query, key or value, (rows, N, E)."""
    weight, part, third = _parts(name, separate, extents.features)
    bias = x["in_proj_bias"][third] if "in_proj_bias" in x else None
    return linear_forward(x[name] if extents.batched else x[name][:, None], x[weight][part], bias)


def _source(
    x: dict[str, Any], name: str, projections: dict[str, tuple[Any, LinearCache]], extents: Extents, add_zero: bool
) -> Any:
    """q, k or v with its heads apart, (N, num_heads, rows, E / num_heads)."""
    if STATIC.get(name) in x:
        rows = x[STATIC[name]].reshape(extents.batch, extents.heads, extents.keys, extents.head_features)
    else:
        joined = projections[name][0]
        if ADDED.get(name) in x:
            joined = np.concatenate([joined, np.broadcast_to(x[ADDED[name]], (1, *joined.shape[1:]))])
        rows = _split(joined, extents)
    if add_zero and name != "query":
        rows = np.concatenate([rows, np.zeros_like(rows[:, :, :1], shape=(*rows.shape[:2], 1, rows.shape[3]))], axis=2)
    return rows


def _source_backward(grads: dict[str, Any], name: str, grad: Any, cache: MultiHeadAttentionCache) -> None:
    extents = cache.extents
    if cache.add_zero_attn and name != "query":
        grad = grad[:, :, :-1]
    if STATIC.get(name) in grads:
        grads[STATIC[name]] = grad.reshape(grads[STATIC[name]].shape)
        return
    grad = _joined(grad)
    if ADDED.get(name) in grads:
        grads[ADDED[name]] = grad[-1:].sum(axis=1, keepdims=True)
        grad = grad[:-1]
    found = linear_backward(grad, cache.projections[name])
    weight, part, third = _parts(name, cache.separate, extents.features)
    grads[weight][part] = found["weight"]
    if "bias" in found:
        grads["in_proj_bias"][third] = found["bias"]
    grads[name] = found["input"].reshape(grads[name].shape)


def _split(joined: Any, extents: Extents) -> Any:
    """(rows, N, E) to (N, num_heads, rows, E / num_heads)."""
    return joined.reshape(*joined.shape[:2], extents.heads, extents.head_features).transpose(1, 2, 0, 3)


def _joined(heads: Any) -> Any:
    """(N, num_heads, rows, E / num_heads) to (rows, N, E)."""
    batch, number, rows, features = heads.shape
    return heads.transpose(2, 0, 1, 3).reshape(rows, batch, number * features)


# The masks.


def _aligned(name: str, mask: Any, extents: Extents) -> Any:
    """The mask with four axes, (N, num_heads, L, S) or 1 in place of some."""
    if name == "key_padding_mask":
        return mask.reshape(extents.batch, 1, 1, extents.keys)
    heads = (1, 1) if mask.ndim == 2 else (extents.batch, extents.heads)
    return mask.reshape(*heads, extents.queries, extents.keys)


def _merged_mask(x: dict[str, Any], extents: Extents, keys: int) -> Any:
    """The masks in one, as scaled_dot_product_attention takes it, over all keys: those that were added are seen."""
    beyond = (*((0, 0),) * 3, (0, keys - extents.keys))
    masks = [np.pad(_aligned(name, x[name], extents), beyond) for name in MASKS if name in x]
    if all(mask.dtype == np.bool_ for mask in masks):
        return ~np.logical_or(*masks) if len(masks) == 2 else ~masks[0] if masks else None
    return sum(np.log(~mask, dtype=x["query"].dtype) if mask.dtype == np.bool_ else mask for mask in masks)


# Attention, with its weights or without.


def _mean(q: Any, k: Any, v: Any, mask: Any, causal: bool, dropout_p: float, rng: Any) -> tuple[Any, None, Any]:
    y, cache = scaled_dot_product_attention_forward(q, k, v, mask, dropout_p, causal, rng=rng)
    return y, None, cache


def _weighted_mean(q: Any, k: Any, v: Any, mask: Any, causal: bool, dropout_p: float, rng: Any) -> tuple[Any, Any, Any]:
    """scaled_dot_product_attention, but that a row without keys is NaN; and its weights, after dropout."""
    s, scores = matmul_forward(q * _scale(q), k.swapaxes(2, 3))
    if mask is not None:
        s = s + (np.log(mask, dtype=s.dtype) if mask.dtype == np.bool_ else mask)
    p, softmax = softmax_forward(s, dim=3)
    weights, dropout = dropout_forward(p, dropout_p, rng=rng)
    y, mean = matmul_forward(weights, v)
    return y, weights, WeightedMeanCache(scores, softmax, dropout, mean)


def _weighted_mean_backward(grad_y: Any, grad_weights: Any, cache: WeightedMeanCache) -> dict[str, Any]:
    grads = matmul_backward(grad_y, cache.mean)
    grad_p = dropout_backward(grads["input"] + grad_weights, cache.dropout)["input"]
    grad_s = softmax_backward(grad_p, cache.softmax)["input"]
    products = matmul_backward(grad_s, cache.scores)
    query = products["input"] * _scale(products["input"])
    return {"query": query, "key": products["other"].swapaxes(2, 3), "value": grads["other"], "attn_mask": grad_s}


def _scale(q: Any) -> Any:
    return q.dtype.type(1 / math.sqrt(max(1, q.shape[3])))
