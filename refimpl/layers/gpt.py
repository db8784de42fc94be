"""The block that GPT-2 repeats: a pair made of pairs, chained by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import working_dtype
from .._validate import Array
from ._steps import Step, Steps, dropout_steps, layer_norm, residual, run, run_backward, weighted
from ._transformer_arguments import check_heads, check_sequence, check_shapes, check_weights, first_extent
from .attention import scaled_dot_product_attention_backward, scaled_dot_product_attention_forward
from .linear import linear_backward, linear_forward
from .self_gated import gelu_backward, gelu_forward

__all__ = ["gpt2_block_backward", "gpt2_block_forward"]

WEIGHTS = {
    "ln_1.weight": ("C",), "ln_1.bias": ("C",),
    "attn.c_attn.weight": ("C", "3 C"), "attn.c_attn.bias": ("3 C",),
    "attn.c_proj.weight": ("C", "C"), "attn.c_proj.bias": ("C",),
    "ln_2.weight": ("C",), "ln_2.bias": ("C",),
    "mlp.c_fc.weight": ("C", "F"), "mlp.c_fc.bias": ("F",),
    "mlp.c_proj.weight": ("F", "C"), "mlp.c_proj.bias": ("C",),
}  # fmt: skip


class Gpt2BlockCache(NamedTuple):
    hidden_states: Array  # (N, T, C) or (T, C)
    weights: dict[str, Array]  # by GPT-2's names
    steps: Steps
    caches: tuple[Any, ...]  # one per step


def gpt2_block_forward(
    hidden_states: ArrayLike,
    weights: Mapping[str, ArrayLike],
    n_head: int,
    *,
    attn_pdrop: float = 0.1,
    resid_pdrop: float = 0.1,
    layer_norm_epsilon: float = 1e-5,
    training: bool = True,
    rng: Any = None,
) -> tuple[Array, Gpt2BlockCache]:
    """Causal self-attention, then two linear maps around a gelu, each of the normalized stream and added to it.

    z = x + D(attention(q, k, v) W_o + b_o)  with  (q, k, v) = layer_norm_1(x) W_a + b_a,  attention causal in n_head
    heads;  y = z + D(gelu_tanh(layer_norm_2(z) W_f + b_f) W_p + b_p)
    with dropouts D by resid_pdrop, and one of the weights of attention by attn_pdrop, while training. One rng draws for
    all, in this order: the weights of attention, the first D, the second D.

    Shapes: hidden_states (N, T, C) or (T, C), output the same. weights is a dict by the names of a block's parameters
        in the checkpoint: ln_1.weight and ln_1.bias (C,), attn.c_attn.weight (C, 3 C), attn.c_attn.bias (3 C,),
        attn.c_proj.weight (C, C), attn.c_proj.bias (C,), ln_2.weight and ln_2.bias (C,), mlp.c_fc.weight (C, F),
        mlp.c_fc.bias (F,), mlp.c_proj.weight (F, C), mlp.c_proj.bias (C,); F is 4 C in GPT-2. Unlike those of linear,
        weights are (in, out).
    Raises: TypeError where an array is not floating, weights no dict, or an option of the wrong kind; ValueError where
        names or shapes do not match, n_head does not divide C, a dropout is outside [0, 1], layer_norm_epsilon is
        negative, or rng is missing though training and a dropout is between 0 and 1, as both are by default.
    Extremes: as scaled_dot_product_attention, layer_norm and gelu.
    Source: Radford et al., Language models are unsupervised multitask learners (2019), whose code stores weights as
        (in, out); the names are those of the checkpoint and of GPT2Config in Hugging Face's transformers, whose
        attn.bias, the causal mask, is no parameter. rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/gpt.md#gpt2_block.
    """
    op, whose = "gpt2_block_forward", "a block of GPT-2"
    x = check_sequence(op, "hidden_states", hidden_states, "(N, T, C) or (T, C)")
    features = x.shape[-1]
    heads = check_heads(op, "n_head", n_head, "hidden_states", features)
    arrays = check_weights(op, weights, WEIGHTS, whose)
    inner = first_extent(arrays["mlp.c_proj.weight"])
    check_shapes(op, arrays, WEIGHTS, {"C": features, "3 C": 3 * features, "F": inner})
    eps = _validate.number(op, "layer_norm_epsilon", layer_norm_epsilon, at_least=0)
    attn_pdrop = _validate.number(op, "attn_pdrop", attn_pdrop, at_least=0, at_most=1)
    resid_pdrop = _validate.number(op, "resid_pdrop", resid_pdrop, at_least=0, at_most=1)
    if not _validate.boolean(op, "training", training):
        attn_pdrop = resid_pdrop = 0.0
    random = any(0 < p < 1 for p in (attn_pdrop, resid_pdrop))
    generator = _validate.generator(op, rng) if random else None

    steps = _steps(features, heads, attn_pdrop, resid_pdrop, eps)
    output, caches = run(steps, {"hidden_states": x, **arrays}, generator)
    return output, Gpt2BlockCache(x, arrays, steps, caches)


def gpt2_block_backward(grad_output: ArrayLike, cache: Gpt2BlockCache) -> dict[str, Any]:
    """The steps last to first, each by its own backward; the stream keeps g as it is, and each branch adds to it:
    grad_z = g + layer_norm_2's of c_fc's of gelu's of c_proj's of D's of g,
    grad_x = grad_z + layer_norm_1's of c_attn's of attention's of c_proj's of D's of grad_z.
    """
    op = "gpt2_block_backward"
    cache = _validate.is_cache(op, cache, Gpt2BlockCache)
    x, weights = cache.hidden_states, cache.weights
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x, *weights.values()))
    grads = run_backward(g, cache.steps, cache.caches, {"hidden_states": x, **weights})
    return {"hidden_states": grads["hidden_states"], "weights": {name: grads[name] for name in weights}}


def _steps(features: int, heads: int, attn_pdrop: float, resid_pdrop: float, eps: float) -> Steps:
    attention: Steps = (
        layer_norm("ln_1", "hidden_states", features, eps),
        _projection("attn.c_attn", "ln_1"),
        Step(
            "attn", _attention_forward, _attention_backward, {"input": "attn.c_attn"},
            {"n_head": heads, "dropout_p": attn_pdrop}, random=True,
        ),
        _projection("attn.c_proj", "attn"),
    )  # fmt: skip
    attention += dropout_steps("attn.resid_dropout", "attn.c_proj", resid_pdrop)
    mlp: Steps = (
        layer_norm("ln_2", "attended", features, eps),
        _projection("mlp.c_fc", "ln_2"),
        Step("mlp.act", gelu_forward, gelu_backward, {"input": "mlp.c_fc"}, {"approximate": "tanh"}),
        _projection("mlp.c_proj", "mlp.act"),
    )
    mlp += dropout_steps("mlp.dropout", "mlp.c_proj", resid_pdrop)
    return (
        *attention, residual("attended", "hidden_states", attention[-1].name),
        *mlp, residual("output", "attended", mlp[-1].name),
    )  # fmt: skip


def _projection(name: str, x: str) -> Step:
    return Step(name, _projection_forward, _projection_backward, weighted(name, x))


def _projection_forward(input: Any, weight: Any, bias: Any) -> tuple[Any, Any]:
    """linear with a weight that is stored as (in, out)."""
    return linear_forward(input, weight.T, bias)


def _projection_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    grads = linear_backward(grad_output, cache)
    return {**grads, "weight": grads["weight"].T}


def _attention_forward(input: Any, *, n_head: int, dropout_p: float, rng: Any) -> tuple[Any, Any]:
    """Causal attention of queries, keys and values that stand side by side, (..., T, 3 C), in heads."""
    q, k, v = (_split(part, n_head) for part in np.split(input, 3, axis=-1))
    y, cache = scaled_dot_product_attention_forward(q, k, v, None, dropout_p, True, rng=rng)
    return _joined(y), cache


def _attention_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    grads = scaled_dot_product_attention_backward(_split(grad_output, cache.query.shape[-3]), cache)
    return {"input": np.concatenate([_joined(grads[name]) for name in ("query", "key", "value")], axis=-1)}


def _split(joined: Any, heads: int) -> Any:
    """(..., T, C) to (..., heads, T, C / heads)."""
    *leading, length, features = joined.shape
    return joined.reshape(*leading, length, heads, features // heads).swapaxes(-3, -2)


def _joined(heads: Any) -> Any:
    """(..., heads, T, C / heads) to (..., T, C)."""
    *leading, number, length, features = heads.shape
    return heads.swapaxes(-3, -2).reshape(*leading, length, number * features)
