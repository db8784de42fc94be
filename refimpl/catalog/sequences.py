"""The table's rows of layers on sequences: recurrent nets, attention, transformers."""

from __future__ import annotations

from .. import layers
from ._op import Op

ROWS: tuple[Op, ...] = (
    # attention
    Op(
        "scaled_dot_product_attention",
        layers.scaled_dot_product_attention_forward, layers.scaled_dot_product_attention_backward,
        differentiable=("query", "key", "value", "attn_mask"),
        constant=("dropout_p", "is_causal", "scale", "enable_gqa", "rng"),
        derivation="attention.md#scaled_dot_product_attention",
        torch="torch.nn.functional.scaled_dot_product_attention",
    ),
    # blockwise_attention
    Op(
        "blockwise_attention", layers.blockwise_attention_forward, layers.blockwise_attention_backward,
        differentiable=("query", "key", "value"),
        constant=("is_causal", "scale", "window", "query_block", "key_block"),
        derivation="blockwise_attention.md#blockwise_attention", torch="torch.ops.aten.scaled_dot_product_attention",
    ),
    # rotary_embedding
    Op(
        "rotary_embedding_half", layers.rotary_embedding_half_forward, layers.rotary_embedding_half_backward,
        differentiable=("input",), constant=("positions", "base", "rotary_dim"),
        derivation="rotary_embedding.md#rotary_embedding_half",
    ),
    Op(
        "rotary_embedding_interleaved",
        layers.rotary_embedding_interleaved_forward, layers.rotary_embedding_interleaved_backward,
        differentiable=("input",), constant=("positions", "base", "rotary_dim"),
        derivation="rotary_embedding.md#rotary_embedding_interleaved",
    ),
)  # fmt: skip
