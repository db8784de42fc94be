"""The layers of the transformer: pairs made of pairs, chained by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import working_dtype
from .._validate import Array
from ._steps import Arrays, Step, Steps, dropout_steps, layer_norm, linear, residual, run, run_backward
from ._transformer_arguments import (
    Rule,
    check_causal,
    check_heads,
    check_masks,
    check_sequence,
    check_shapes,
    check_weights,
    first_extent,
    has_biases,
)
from .multi_head_attention import multi_head_attention_backward, multi_head_attention_forward
from .rectifiers import relu_backward, relu_forward
from .self_gated import gelu_backward, gelu_forward

__all__ = [
    "transformer_decoder_layer_backward",
    "transformer_decoder_layer_forward",
    "transformer_encoder_layer_backward",
    "transformer_encoder_layer_forward",
]

ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "relu": (relu_forward, relu_backward),
    "gelu": (gelu_forward, gelu_backward),
}
SEQUENCES = ("src", "tgt", "memory")


class TransformerEncoderLayerCache(NamedTuple):
    arguments: Arrays  # src (L, N, E) and the masks that were given, by name
    weights: dict[str, Array]  # by PyTorch's names
    batch_first: bool
    steps: Steps
    caches: tuple[Any, ...]  # one per step


def transformer_encoder_layer_forward(
    src: ArrayLike,
    weights: Mapping[str, ArrayLike],
    nhead: int,
    src_mask: ArrayLike | None = None,
    src_key_padding_mask: ArrayLike | None = None,
    is_causal: bool = False,
    *,
    dropout: float = 0.1,
    activation: str = "relu",
    layer_norm_eps: float = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    training: bool = True,
    rng: Any = None,
) -> tuple[Array, TransformerEncoderLayerCache]:
    """Self-attention, then two linear maps with an activation between them, each added to what it was given.

    a = x + D1(attention(x, x, x)),  z = norm1(a);  b = z + D2(linear2(D(activation(linear1(z))))),  y = norm2(b)
    or, with norm_first, z = x + D1(attention(norm1(x))),  y = z + D2(linear2(D(activation(linear1(norm2(z))))))
    with dropouts D while training. src_mask and src_key_padding_mask are added to the scores, or say by True what is
    masked out. is_causal says that src_mask is the causal mask, which is then not looked at, unless there is a
    src_key_padding_mask. One rng draws for all dropouts, in this order: the weights of attention, D1, D, D2.

    Shapes: src (L, N, E), with batch_first (N, L, E), or (L, E); output the same; src_mask (L, L) or (N nhead, L, L);
        src_key_padding_mask (N, L). weights is a dict by the names of torch.nn.TransformerEncoderLayer's parameters:
        self_attn.in_proj_weight (3 E, E), self_attn.in_proj_bias (3 E,), self_attn.out_proj.weight (E, E),
        self_attn.out_proj.bias (E,), linear1.weight (F, E), linear1.bias (F,), linear2.weight (E, F), linear2.bias
        (E,), norm1.weight, norm1.bias, norm2.weight and norm2.bias (E,); or those without the biases, all of them.
    Raises: TypeError where an array is not floating, a mask neither floating nor boolean, weights no dict, or an option
        of the wrong kind; ValueError where names or shapes do not match, nhead does not divide E, is_causal stands
        without src_mask, activation is neither "relu" nor "gelu", dropout is outside [0, 1], layer_norm_eps is
        negative, or rng is missing though training and 0 < dropout < 1, as it is by default.
    Extremes: as multi_head_attention and layer_norm. A position that sees no other gets nothing from attention but its
        last bias.
    Source: torch.nn.TransformerEncoderLayer, its path in training also in evaluation; Vaswani et al. 2017, and for
        norm_first Xiong et al. 2020. rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/transformer.md#transformer_encoder_layer.
    """
    op, whose = "transformer_encoder_layer_forward", "torch.nn.TransformerEncoderLayer"
    batch_first = _validate.boolean(op, "batch_first", batch_first)
    x = check_sequence(op, "src", src, "(N, L, E) or (L, E)" if batch_first else "(L, N, E) or (L, E)")
    heads = check_heads(op, "nhead", nhead, "src", x.shape[-1])
    arrays = _checked_weights(op, weights, x.shape[-1], ("self_attn",), whose)
    batch, length = _extents(x, batch_first)
    masks = check_masks(
        op, ("src_mask", "src_key_padding_mask"), (src_mask, src_key_padding_mask), "L, L", (batch, length, length),
        heads, x.ndim == 3,
    )  # fmt: skip
    is_causal = check_causal(op, "is_causal", is_causal, "src_mask", masks)
    layer = _layer(op, x.shape[-1], heads, dropout, activation, layer_norm_eps, norm_first, training)
    generator = _validate.generator(op, rng) if 0 < layer.dropout < 1 else None

    steps = _encoder_steps(layer, is_causal)
    given = _sequence_first({"src": x, **masks}, batch_first)
    output, caches = run(steps, {**given, **arrays}, generator)
    cache = TransformerEncoderLayerCache(given, arrays, batch_first, steps, caches)
    return _swapped(output, batch_first), cache


def transformer_encoder_layer_backward(grad_output: ArrayLike, cache: TransformerEncoderLayerCache) -> dict[str, Any]:
    """The steps last to first, each by its own backward; g reaches x and z twice, and both ways are added:
    grad_b = norm2's of g, grad_z = grad_b + linear1's of activation's of linear2's of D2's of grad_b,
    grad_a = norm1's of grad_z, grad_x = grad_a + attention's of D1's of grad_a, for queries, keys and values;
    or, with norm_first, grad_z = g + norm2's of linear1's of ... of g, grad_x = grad_z + norm1's of attention's of ...
    of grad_z.
    """
    op = "transformer_encoder_layer_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, TransformerEncoderLayerCache), "src")


class TransformerDecoderLayerCache(NamedTuple):
    arguments: Arrays  # tgt (T, N, E), memory (S, N, E) and the masks that were given, by name
    weights: dict[str, Array]  # by PyTorch's names
    batch_first: bool
    steps: Steps
    caches: tuple[Any, ...]  # one per step


def transformer_decoder_layer_forward(
    tgt: ArrayLike,
    memory: ArrayLike,
    weights: Mapping[str, ArrayLike],
    nhead: int,
    tgt_mask: ArrayLike | None = None,
    memory_mask: ArrayLike | None = None,
    tgt_key_padding_mask: ArrayLike | None = None,
    memory_key_padding_mask: ArrayLike | None = None,
    tgt_is_causal: bool = False,
    memory_is_causal: bool = False,
    *,
    dropout: float = 0.1,
    activation: str = "relu",
    layer_norm_eps: float = 1e-5,
    batch_first: bool = False,
    norm_first: bool = False,
    training: bool = True,
    rng: Any = None,
) -> tuple[Array, TransformerDecoderLayerCache]:
    """transformer_encoder_layer with an attention to the memory, what an encoder gave, before the two linear maps.

    u = norm1(x + D1(attention(x, x, x))),  z = norm2(u + D2(attention(u, memory, memory))),
    y = norm3(z + D3(linear2(D(activation(linear1(z))))))
    or, with norm_first, u = x + D1(attention(norm1(x))),  z = u + D2(attention(norm2(u), memory, memory)),
    y = z + D3(linear2(D(activation(linear1(norm3(z))))))
    with dropouts D while training, and masks as in transformer_encoder_layer. One rng draws for all dropouts, in this
    order: the weights of attention, D1, the weights of attention to the memory, D2, D, D3.

    Shapes: tgt (T, N, E) and memory (S, N, E), with batch_first (N, T, E) and (N, S, E), or (T, E) and (S, E); output
        as tgt; tgt_mask (T, T) or (N nhead, T, T); memory_mask (T, S) or (N nhead, T, S); tgt_key_padding_mask (N, T);
        memory_key_padding_mask (N, S). weights is a dict by the names of torch.nn.TransformerDecoderLayer's parameters:
        those of transformer_encoder_layer, multihead_attn.in_proj_weight and the others of multihead_attn as of
        self_attn, norm3.weight and norm3.bias (E,); or those without the biases, all of them.
    Raises: as transformer_encoder_layer; ValueError also where memory has another batch or other features than tgt.
    Extremes: as transformer_encoder_layer.
    Source: torch.nn.TransformerDecoderLayer; Vaswani et al. 2017. rng, an integer seed or a numpy.random.Generator, is
        refimpl's.
    Derived: derivations/transformer.md#transformer_decoder_layer.
    """
    op, whose = "transformer_decoder_layer_forward", "torch.nn.TransformerDecoderLayer"
    batch_first = _validate.boolean(op, "batch_first", batch_first)
    x = check_sequence(op, "tgt", tgt, "(N, T, E) or (T, E)" if batch_first else "(T, N, E) or (T, E)")
    remembered = _checked_memory(op, memory, x, batch_first)
    heads = check_heads(op, "nhead", nhead, "tgt", x.shape[-1])
    arrays = _checked_weights(op, weights, x.shape[-1], ("self_attn", "multihead_attn"), whose)
    batch, length = _extents(x, batch_first)
    keys = _extents(remembered, batch_first)[1]
    masks = check_masks(
        op, ("tgt_mask", "tgt_key_padding_mask"), (tgt_mask, tgt_key_padding_mask), "T, T", (batch, length, length),
        heads, x.ndim == 3,
    ) | check_masks(
        op, ("memory_mask", "memory_key_padding_mask"), (memory_mask, memory_key_padding_mask), "T, S",
        (batch, length, keys), heads, x.ndim == 3,
    )  # fmt: skip
    tgt_is_causal = check_causal(op, "tgt_is_causal", tgt_is_causal, "tgt_mask", masks)
    memory_is_causal = check_causal(op, "memory_is_causal", memory_is_causal, "memory_mask", masks)
    layer = _layer(op, x.shape[-1], heads, dropout, activation, layer_norm_eps, norm_first, training)
    generator = _validate.generator(op, rng) if 0 < layer.dropout < 1 else None

    steps = _decoder_steps(layer, tgt_is_causal, memory_is_causal)
    given = _sequence_first({"tgt": x, "memory": remembered, **masks}, batch_first)
    output, caches = run(steps, {**given, **arrays}, generator)
    cache = TransformerDecoderLayerCache(given, arrays, batch_first, steps, caches)
    return _swapped(output, batch_first), cache


def transformer_decoder_layer_backward(grad_output: ArrayLike, cache: TransformerDecoderLayerCache) -> dict[str, Any]:
    """The steps last to first, as in transformer_encoder_layer; memory gets what keys and values of the second
    attention get, and u what its queries get beside what the residual connection gives it.
    """
    op = "transformer_decoder_layer_backward"
    return _backward(op, grad_output, _validate.is_cache(op, cache, TransformerDecoderLayerCache), "tgt")


# The steps of which the layers are made.


class Layer(NamedTuple):
    """The options that the steps depend on."""

    features: int  # E
    heads: int
    dropout: float  # 0 where not training
    activation: str
    eps: float
    norm_first: bool


def _encoder_steps(layer: Layer, is_causal: bool) -> Steps:
    attended = _sublayer(layer, 1, "src", lambda x: _attention(layer, "self_attn", x, x, "src", is_causal))
    fed = _sublayer(layer, 2, attended[-1].name, lambda x: _feed_forward(layer, x))
    return attended + fed


def _decoder_steps(layer: Layer, tgt_is_causal: bool, memory_is_causal: bool) -> Steps:
    attended = _sublayer(layer, 1, "tgt", lambda x: _attention(layer, "self_attn", x, x, "tgt", tgt_is_causal))
    looked_up = _sublayer(
        layer, 2, attended[-1].name,
        lambda x: _attention(layer, "multihead_attn", x, "memory", "memory", memory_is_causal),
    )  # fmt: skip
    fed = _sublayer(layer, 3, looked_up[-1].name, lambda x: _feed_forward(layer, x))
    return attended + looked_up + fed


def _sublayer(layer: Layer, number: int, x: str, branch: Callable[[str], Steps]) -> Steps:
    """norm(x + D(branch(x))), or with norm_first x + D(branch(norm(x))): where the norm stands is all that differs."""
    norm, added = f"norm{number}", f"residual{number}"
    before = (layer_norm(norm, x, layer.features, layer.eps),) if layer.norm_first else ()
    steps = branch(norm if layer.norm_first else x)
    steps += dropout_steps(f"dropout{number}", steps[-1].name, layer.dropout)
    after = () if layer.norm_first else (layer_norm(norm, added, layer.features, layer.eps),)
    return (*before, *steps, residual(added, x, steps[-1].name), *after)


def _attention(layer: Layer, name: str, query: str, key: str, masks: str, is_causal: bool) -> Steps:
    """`masks` is what the names of its masks begin with."""
    inputs = {
        "query": query, "key": key, "value": key,
        "in_proj_weight": f"{name}.in_proj_weight", "in_proj_bias": f"{name}.in_proj_bias",
        "out_proj_weight": f"{name}.out_proj.weight", "out_proj_bias": f"{name}.out_proj.bias",
        "attn_mask": f"{masks}_mask", "key_padding_mask": f"{masks}_key_padding_mask",
    }  # fmt: skip
    options = {"num_heads": layer.heads, "dropout_p": layer.dropout, "is_causal": is_causal}
    return (Step(name, _attention_forward, _attention_backward, inputs, options, random=True),)


def _attention_forward(
    query: Any, key: Any, value: Any, in_proj_weight: Any, out_proj_weight: Any, in_proj_bias: Any = None,
    out_proj_bias: Any = None, *, num_heads: int, dropout_p: float, rng: Any, **masks: Any,
) -> tuple[Any, Any]:  # fmt: skip
    """multi_head_attention with what torch.nn.MultiheadAttention gives it, and without the weights it attends with."""
    (output, _), cache = multi_head_attention_forward(
        query, key, value, query.shape[-1], num_heads, in_proj_weight, in_proj_bias, None, None, False, dropout_p,
        out_proj_weight, out_proj_bias, need_weights=False, rng=rng, **masks,
    )  # fmt: skip
    return output, cache


def _attention_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    return multi_head_attention_backward((grad_output, None), cache)


def _feed_forward(layer: Layer, x: str) -> Steps:
    forward, backward = ACTIVATIONS[layer.activation]
    first: Steps = (linear("linear1", x), Step("activation", forward, backward, {"input": "linear1"}))
    first += dropout_steps("dropout", "activation", layer.dropout)
    return (*first, linear("linear2", first[-1].name))


# The arguments, and the gradients in their form.


def _checked_weights(
    op: str, weights: Any, features: int, attentions: tuple[str, ...], whose: str
) -> dict[str, Array]:  # fmt: skip
    rules: dict[str, Rule] = {}
    for name in attentions:
        rules |= {f"{name}.in_proj_weight": ("3 E", "E"), f"{name}.in_proj_bias": ("3 E",)}
        rules |= {f"{name}.out_proj.weight": ("E", "E"), f"{name}.out_proj.bias": ("E",)}
    rules |= {
        "linear1.weight": ("F", "E"),
        "linear1.bias": ("F",),
        "linear2.weight": ("E", "F"),
        "linear2.bias": ("E",),
    }
    for number in range(1, len(attentions) + 2):
        rules |= {f"norm{number}.weight": ("E",), f"norm{number}.bias": ("E",)}
    if not has_biases(op, weights, whose):
        rules = {name: rule for name, rule in rules.items() if not name.endswith("bias")}
    arrays = check_weights(op, weights, rules, whose)
    inner = first_extent(arrays["linear1.weight"])
    check_shapes(op, arrays, rules, {"E": features, "3 E": 3 * features, "F": inner})
    return arrays


def _checked_memory(op: str, memory: Any, tgt: Array, batch_first: bool) -> Array:
    array = _validate.floating(op, "memory", memory)
    time = _time(tgt, batch_first)
    others = [tgt.shape[axis] for axis in range(tgt.ndim) if axis != time]
    if array.ndim != tgt.ndim or [array.shape[axis] for axis in range(tgt.ndim) if axis != time] != others:
        raise ValueError(
            f"{op}: memory must have the batch and the features of tgt, got tgt {tgt.shape} and memory {array.shape}"
        )
    return array


def _layer(
    op: str, features: int, heads: int, dropout: Any, activation: Any, layer_norm_eps: Any, norm_first: Any,
    training: Any,
) -> Layer:  # fmt: skip
    p = _validate.number(op, "dropout", dropout, at_least=0, at_most=1)
    _validate.one_of(op, "activation", activation, tuple(ACTIVATIONS))
    eps = _validate.number(op, "layer_norm_eps", layer_norm_eps, at_least=0)
    norm_first = _validate.boolean(op, "norm_first", norm_first)
    p = p if _validate.boolean(op, "training", training) else 0.0
    return Layer(features, heads, p, activation, eps, norm_first)


def _time(x: Array, batch_first: bool) -> int:
    return 1 if batch_first and x.ndim == 3 else 0


def _extents(x: Array, batch_first: bool) -> tuple[int, int]:
    """The batch, 1 where there is none, and the length."""
    time = _time(x, batch_first)
    return x.shape[1 - time] if x.ndim == 3 else 1, x.shape[time]


def _sequence_first(arguments: Arrays, batch_first: bool) -> Arrays:
    """As the steps take them: batch_first says only how the axes stand, and a seed draws the same either way."""
    return {name: _swapped(a, batch_first) if name in SEQUENCES else a for name, a in arguments.items()}


def _swapped(array: Any, batch_first: bool) -> Any:
    return array.swapaxes(0, 1) if batch_first and array.ndim == 3 else array


def _backward(op: str, grad_output: ArrayLike, cache: Any, x: str) -> dict[str, Any]:
    """The gradients by argument, the masks' where they are floating; `x` names what the output has the shape of."""
    given = {**cache.arguments, **cache.weights}
    dtype = working_dtype(*(array for array in given.values() if array.dtype != np.bool_))
    shape = _swapped(given[x], cache.batch_first).shape
    g = _swapped(_validate.output_gradient(op, grad_output, shape, dtype), cache.batch_first)
    found = run_backward(g, cache.steps, cache.caches, given)
    grads: dict[str, Any] = {name: found[name] for name in cache.arguments if name in found}
    grads = _sequence_first(grads, cache.batch_first)
    return {**grads, "weights": {name: found[name] for name in cache.weights}}
