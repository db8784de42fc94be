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
    # gpt
    Op(
        "gpt2_block", layers.gpt2_block_forward, layers.gpt2_block_backward,
        differentiable=("hidden_states", "weights"),
        constant=("n_head", "attn_pdrop", "resid_pdrop", "layer_norm_epsilon", "training", "rng"),
        derivation="gpt.md#gpt2_block", torch="torch.nn.TransformerEncoderLayer",
    ),
    # gru
    Op(
        "gru", layers.gru_forward, layers.gru_backward,
        differentiable=("input", "weights", "hx"),
        constant=("lengths", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "training", "rng"),
        derivation="gru.md#gru", torch="torch.nn.GRU",
    ),
    # lstm
    Op(
        "lstm", layers.lstm_forward, layers.lstm_backward,
        differentiable=("input", "weights", "hx"),
        constant=(
            "lengths", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size", "training", "rng",
        ),
        derivation="lstm.md#lstm", torch="torch.nn.LSTM",
    ),
    # multi_head_attention
    Op(
        "multi_head_attention", layers.multi_head_attention_forward, layers.multi_head_attention_backward,
        differentiable=(
            "query", "key", "value", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "out_proj_weight",
            "out_proj_bias", "key_padding_mask", "attn_mask", "q_proj_weight", "k_proj_weight", "v_proj_weight",
            "static_k", "static_v",
        ),
        constant=(
            "embed_dim_to_check", "num_heads", "add_zero_attn", "dropout_p", "training", "need_weights",
            "use_separate_proj_weight", "average_attn_weights", "is_causal", "rng",
        ),
        derivation="multi_head_attention.md#multi_head_attention",
        torch="torch.nn.functional.multi_head_attention_forward",
    ),
    # recurrent_cells
    Op(
        "gru_cell", layers.gru_cell_forward, layers.gru_cell_backward,
        differentiable=("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), constant=(),
        derivation="recurrent_cells.md#gru_cell", torch="torch.gru_cell",
    ),
    Op(
        "lstm_cell", layers.lstm_cell_forward, layers.lstm_cell_backward,
        differentiable=("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), constant=(),
        derivation="recurrent_cells.md#lstm_cell", torch="torch.lstm_cell",
    ),
    Op(
        "rnn_relu_cell", layers.rnn_relu_cell_forward, layers.rnn_relu_cell_backward,
        differentiable=("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), constant=(),
        kinks="an activation = 0",
        derivation="recurrent_cells.md#rnn_relu_cell", torch="torch.rnn_relu_cell",
    ),
    Op(
        "rnn_tanh_cell", layers.rnn_tanh_cell_forward, layers.rnn_tanh_cell_backward,
        differentiable=("input", "hx", "w_ih", "w_hh", "b_ih", "b_hh"), constant=(),
        derivation="recurrent_cells.md#rnn_tanh_cell", torch="torch.rnn_tanh_cell",
    ),
    # rnn
    Op(
        "rnn", layers.rnn_forward, layers.rnn_backward,
        differentiable=("input", "weights", "hx"),
        constant=(
            "lengths", "num_layers", "nonlinearity", "bias", "batch_first", "dropout", "bidirectional", "training",
            "rng",
        ),
        kinks="an activation = 0 where nonlinearity is relu",
        derivation="rnn.md#rnn", torch="torch.nn.RNN",
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
    # transformer
    Op(
        "transformer_decoder_layer",
        layers.transformer_decoder_layer_forward, layers.transformer_decoder_layer_backward,
        differentiable=(
            "tgt", "memory", "weights", "tgt_mask", "memory_mask", "tgt_key_padding_mask", "memory_key_padding_mask",
        ),
        constant=(
            "nhead", "tgt_is_causal", "memory_is_causal", "dropout", "activation", "layer_norm_eps", "batch_first",
            "norm_first", "training", "rng",
        ),
        kinks="linear1 = 0 where activation is relu",
        derivation="transformer.md#transformer_decoder_layer", torch="torch.nn.TransformerDecoderLayer",
    ),
    Op(
        "transformer_encoder_layer",
        layers.transformer_encoder_layer_forward, layers.transformer_encoder_layer_backward,
        differentiable=("src", "weights", "src_mask", "src_key_padding_mask"),
        constant=(
            "nhead", "is_causal", "dropout", "activation", "layer_norm_eps", "batch_first", "norm_first", "training",
            "rng",
        ),
        kinks="linear1 = 0 where activation is relu",
        derivation="transformer.md#transformer_encoder_layer", torch="torch.nn.TransformerEncoderLayer",
    ),
)  # fmt: skip
