"""One realistic size for every layer that the judged sizes leave out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Draw
from .draws import attention, cell, gpt2_weights, multi_head, pooled, regions, transformer_weights
from .row import Arguments, Row, convolution_products, gathered, products

PLANES = (256, 128)


def _input(op: str, batch: int, *extents: int, **options: Any) -> Row:
    """One normal input of (batch, *extents)."""
    return Row(op, op, batch, lambda d, n: {"input": d.normal(n, *extents), **options})


def _convolution(op: str, samples: tuple[int, ...], weight: tuple[int, ...], **options: Any) -> Row:
    batch, *extents = samples
    return Row(
        op, op, batch, lambda d, n: {"input": d.normal(n, *extents), "weight": d.normal(*weight), **options},
        convolution_products(op, options),
    )  # fmt: skip


def _fractional(op: str, batch: int, *extents: int) -> Row:
    output_size = tuple(2 * extent // 3 for extent in extents[1:])
    return _input(op, batch, *extents, kernel_size=2, output_size=output_size, rng=0)


def _cell_row(op: str, gates: int) -> Row:
    two = products((1, 128, 256, gates * 256), (1, 128, 256, gates * 256))
    return Row(op, op, 128, lambda d, n: cell(d, n, gates, 256), two)


def _rnn(d: Draw, n: int) -> Arguments:
    weights = {f"weight_{kind}_l0": d.normal(256, 256) / 16 for kind in ("ih", "hh")}
    return {"input": d.normal(64, n, 256), "weights": weights, "bias": False}


def _torch_rnn(torch: Any, a: Arguments) -> Any:
    weights, state = list(a["weights"].values()), a["input"].new_zeros(1, a["input"].shape[1], 256)
    return lambda: torch.rnn_tanh(a["input"], state, weights, False, 1, 0.0, True, False, False)


def _torch_spectral(torch: Any, a: Arguments) -> Any:
    module = torch.nn.utils.parametrizations._SpectralNorm(a["weight"].detach())
    module._u, module._v = a["u"], a["v"]
    module.eval()
    return lambda: module(a["weight"])


def _torch_attention(torch: Any, a: Arguments) -> Any:
    return lambda: torch.nn.functional.scaled_dot_product_attention(a["query"], a["key"], a["value"])


FURTHER_LAYERS = (
    *(
        _input(op, 32, *PLANES)
        for op in (
            "logsigmoid", "softsign", "tanhshrink", "celu", "selu", "hardshrink", "hardsigmoid", "hardswish",
            "hardtanh", "relu6", "softshrink", "leaky_relu", "squared_relu",
        )
    ),
    Row("squareplus", "squareplus", 32, lambda d, n: {"x": d.normal(n, *PLANES)}),
    _input("threshold", 32, *PLANES, threshold=0.1, value=20.0),
    _input("rrelu", 32, *PLANES, training=True, rng=0),
    Row("prelu", "prelu", 32, lambda d, n: {"input": d.normal(n, *PLANES), "weight": d.normal(256)}),
    _input("instance_norm", 16, 64, 32, 32),
    Row("cosine_similarity", "cosine_similarity", 4096, lambda d, n: {"x1": d.normal(n, 256), "x2": d.normal(n, 256)}),
    _input("normalize", 4096, 256),
    Row("cdist", "cdist", 8, lambda d, n: {"x1": d.normal(n, 128, 64), "x2": d.normal(n, 256, 64)}),
    Row("pairwise_distance", "pairwise_distance", 4096, lambda d, n: {"x1": d.normal(n, 256), "x2": d.normal(n, 256)}),
    _input("pdist", 512, 64),
    _input("alpha_dropout", 32, *PLANES, p=0.1, training=True, rng=0),
    _input("dropout1d", 64, 256, 128, p=0.1, rng=0),
    _input("dropout2d", 32, 64, 32, 32, p=0.1, rng=0),
    _input("dropout3d", 16, 32, 8, 16, 16, p=0.1, rng=0),
    _input("feature_alpha_dropout", 32, 64, 32, 32, p=0.1, training=True, rng=0),
    Row("add", "add", 32, lambda d, n: {"input": d.normal(n, *PLANES), "other": d.normal(n, *PLANES)}),
    Row("multiply", "multiply", 32, lambda d, n: {"input": d.normal(n, *PLANES), "other": d.normal(n, *PLANES)}),
    _input("mean", 32, *PLANES, dim=-1),
    _input("sum", 32, *PLANES, dim=-1),
    Row("embedding_bag", "embedding_bag", 256,
        lambda d, n: {"input": d.labels(10000, n, 32), "weight": d.normal(10000, 128)}, gathered),
    Row("glu", "glu", 32, lambda d, n: {"input": d.normal(n, *PLANES)}),
    Row("geglu", "geglu", 32, lambda d, n: {"a": d.normal(n, *PLANES), "b": d.normal(n, *PLANES)}),
    Row("swiglu", "swiglu", 32, lambda d, n: {"a": d.normal(n, *PLANES), "b": d.normal(n, *PLANES)}),
    Row("maxout", "maxout", 4096, lambda d, n: {"x": d.normal(n, 256), "pool_size": 4}),
    Row("bilinear", "bilinear", 128,
        lambda d, n: {"input1": d.normal(n, 64), "input2": d.normal(n, 64), "weight": d.normal(64, 64, 64)},
        products((1, 128, 64, 4096), (1, 128, 4096, 64))),
    # PyTorch's kernel for the CPU is of another dtype than float32 and float64.
    Row("grouped_mm", "grouped_mm", 1024,
        lambda d, n: {"mat_a": d.normal(n, 256), "mat_b": d.normal(8, 256, 256),
                      "offs": np.arange(1, 9, dtype=np.int32) * n // 8},
        products((8, 128, 256, 256)), torch=False),
    Row("einsum", "einsum", 16,
        lambda d, n: {"equation": "bij,bjk->bik", "operand1": d.normal(n, 128, 128), "operand2": d.normal(n, 128, 128)},
        products((16, 128, 128, 128)),
        lambda torch, a: lambda: torch.einsum(a["equation"], a["operand1"], a["operand2"])),
    Row("matmul", "matmul", 16, lambda d, n: {"input": d.normal(n, 128, 128), "other": d.normal(n, 128, 128)},
        products((16, 128, 128, 128))),
    _input("local_response_norm", 8, 64, 28, 28, size=5),
    Row("concatenate", "concatenate", 32,
        lambda d, n: {"tensors": (d.normal(n, *PLANES), d.normal(n, *PLANES)), "dim": 1}),
    Row("reshape", "reshape", 32, lambda d, n: {"input": d.normal(n, *PLANES), "shape": (n, 128, 256)}),
    _input("transpose", 32, *PLANES, dim0=1, dim1=2),
    Row("gumbel_softmax", "gumbel_softmax", 4096, lambda d, n: {"logits": d.normal(n, 64), "rng": 0}),
    _input("logsumexp", 4096, 256, dim=-1),
    _input("softmin", 4096, 256, dim=-1),
    _input("sparsemax", 1024, 256),
    Row("spectral_norm", "spectral_norm", 512,
        lambda d, n: {"weight": d.normal(n, 512), "u": d.normal(n) / n**0.5, "v": d.normal(512) / 512**0.5},
        torch=_torch_spectral),
    Row("weight_norm", "weight_norm", 512, lambda d, n: {"v": d.normal(n, 1024), "g": d.uniform(0.5, 2, n, 1)},
        torch=lambda torch, a: lambda: torch._weight_norm(a["v"], a["g"], 0)),
    _input("adaptive_avg_pool1d", 16, 64, 1000, output_size=100),
    _input("adaptive_avg_pool2d", 16, 64, 28, 28, output_size=6),
    _input("adaptive_avg_pool3d", 8, 16, 16, 28, 28, output_size=5),
    _input("adaptive_max_pool1d", 16, 64, 1000, output_size=100),
    _input("adaptive_max_pool2d", 16, 64, 28, 28, output_size=6),
    _input("adaptive_max_pool3d", 8, 16, 16, 28, 28, output_size=5),
    _input("avg_pool1d", 16, 64, 1024, kernel_size=2),
    _input("avg_pool3d", 4, 16, 16, 32, 32, kernel_size=2),
    _convolution("conv3d", (2, 16, 8, 24, 24), (16, 16, 3, 3, 3), padding=1),
    Row("conv_tbc", "conv_tbc", 16,
        lambda d, n: {"input": d.normal(128, n, 64), "weight": d.normal(3, 64, 64), "bias": d.normal(64), "pad": 1},
        products((1, 128 * 16, 3 * 64, 64))),
    Row("fold", "fold", 8,
        lambda d, n: {"input": d.normal(n, 16 * 9, 32 * 32), "output_size": 32, "kernel_size": 3, "padding": 1}),
    _input("unfold", 8, 16, 32, 32, kernel_size=3, padding=1),
    _fractional("fractional_max_pool2d", 8, 32, 48, 48),
    _fractional("fractional_max_pool3d", 2, 16, 12, 24, 24),
    Row("affine_grid", "affine_grid", 16,
        lambda d, n: {"theta": d.normal(n, 2, 3), "size": (n, 3, 64, 64), "align_corners": False}),
    _input("lp_pool1d", 16, 64, 1024, norm_type=2, kernel_size=2),
    _input("lp_pool2d", 16, 32, 32, 32, norm_type=2, kernel_size=2),
    _input("lp_pool3d", 4, 16, 16, 32, 32, norm_type=2, kernel_size=2),
    _input("max_pool1d", 16, 64, 1024, kernel_size=2),
    _input("max_pool3d", 4, 16, 16, 32, 32, kernel_size=2),
    _input("pad", 16, 32, 32, 32, pad=(1, 1, 1, 1), mode="reflect"),
    Row("roi_align", "roi_align", 2,
        lambda d, n: {"input": d.normal(n, 32, 64, 64), "boxes": regions(d, n, 64), "output_size": 7,
                      "sampling_ratio": 2}),
    _input("channel_shuffle", 32, 64, 32, 32, groups=4),
    _input("pixel_shuffle", 32, 64, 32, 32, upscale_factor=2),
    _input("pixel_unshuffle", 32, 16, 64, 64, downscale_factor=2),
    _convolution("conv_transpose1d", (16, 64, 256), (64, 32, 4), stride=2, padding=1),
    _convolution("conv_transpose3d", (2, 16, 6, 12, 12), (16, 16, 4, 4, 4), stride=2, padding=1),
    Row("max_unpool1d", "max_unpool1d", 16, lambda d, n: pooled(d, n, 64, (512,))),
    Row("max_unpool2d", "max_unpool2d", 16, lambda d, n: pooled(d, n, 32, (16, 16))),
    Row("max_unpool3d", "max_unpool3d", 4, lambda d, n: pooled(d, n, 16, (8, 16, 16))),
    Row("blockwise_attention", "blockwise_attention", 2,
        lambda d, n: attention(d, n, 8, 512, 64), products((16, 512, 64, 512), (16, 512, 512, 64)),
        _torch_attention),
    Row("multi_head_attention", "multi_head_attention", 16, lambda d, n: multi_head(d, n, 128, 256, 8),
        products((3, 2048, 256, 256), (1, 2048, 256, 256), (128, 128, 32, 128), (128, 128, 128, 32))),
    _cell_row("gru_cell", 3),
    _cell_row("lstm_cell", 4),
    _cell_row("rnn_relu_cell", 1),
    _cell_row("rnn_tanh_cell", 1),
    Row("rnn", "rnn", 32, _rnn, products((1, 64 * 32, 256, 256), (1, 64 * 32, 256, 256)), _torch_rnn),
    _input("rotary_embedding_half", 8, 8, 128, 64),
    _input("rotary_embedding_interleaved", 8, 8, 128, 64),
    # PyTorch's layers are modules of these weights in other forms: their parts stand above.
    Row("gpt2_block", "gpt2_block", 8,
        lambda d, n: {"hidden_states": d.normal(n, 64, 128), "weights": gpt2_weights(d, 128), "n_head": 4,
                      "attn_pdrop": 0.0, "resid_pdrop": 0.0}, torch=False),
    Row("transformer_encoder_layer", "transformer_encoder_layer", 8,
        lambda d, n: {"src": d.normal(64, n, 128), "weights": transformer_weights(d, 128, ("self_attn",)), "nhead": 4,
                      "dropout": 0.0}, torch=False),
    Row("transformer_decoder_layer", "transformer_decoder_layer", 8,
        lambda d, n: {"tgt": d.normal(64, n, 128), "memory": d.normal(64, n, 128), "nhead": 4, "dropout": 0.0,
                      "weights": transformer_weights(d, 128, ("self_attn", "multihead_attn"))}, torch=False),
)  # fmt: skip
