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
)  # fmt: skip
