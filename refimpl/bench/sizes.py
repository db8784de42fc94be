"""The table: the 39 sizes by which the speed of the ops is judged, and after them one for every further op."""

from __future__ import annotations

from typing import Any

from .draws import attention, ctc, recurrent_weights
from .further_layers import FURTHER_LAYERS
from .further_losses import FURTHER_LOSSES
from .row import Arguments, Row, convolution_products, gathered, products, recurrent_products

PLANES = (512, 128)  # of the elementwise ops: 64 of them are 16 MB of float32, more than a cache holds


def _convolution(name: str, op: str, samples: tuple[int, ...], weight: tuple[int, ...], **options: Any) -> Row:
    """samples, then the input's other extents; the bare work is that of the matrix products."""
    batch, *extents = samples
    return Row(
        name, op, batch,
        lambda d, n: {"input": d.normal(n, *extents), "weight": d.normal(*weight), **options},
        convolution_products(op, options),
    )  # fmt: skip


def _elementwise(name: str, op: str = "", **options: Any) -> Row:
    return Row(name, op or name, 64, lambda d, n: {"input": d.normal(n, *PLANES), **options})


def _lstm(torch: Any, a: Arguments) -> Any:
    weights, state = list(a["weights"].values()), a["input"].new_zeros(1, a["input"].shape[1], 256)
    return lambda: torch.lstm(a["input"], (state, state), weights, True, 1, 0.0, True, False, False)


def _gru(torch: Any, a: Arguments) -> Any:
    weights, state = list(a["weights"].values()), a["input"].new_zeros(1, a["input"].shape[1], 256)
    return lambda: torch.gru(a["input"], state, weights, True, 1, 0.0, True, False, False)


JUDGED = (
    Row("linear", "linear", 256,
        lambda d, n: {"input": d.normal(n, 1024), "weight": d.normal(1024, 1024), "bias": d.normal(1024)},
        products((1, 256, 1024, 1024))),
    _convolution("conv1d", "conv1d", (16, 64, 1024), (64, 64, 5), padding=2),
    _convolution("conv2d_3x3", "conv2d", (16, 64, 32, 32), (64, 64, 3, 3), padding=1),
    _convolution("conv2d_1x1", "conv2d", (16, 256, 28, 28), (64, 256, 1, 1)),
    _convolution("conv2d_7x7s2", "conv2d", (4, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3),
    Row("conv2d_depthwise", "conv2d", 16,
        lambda d, n: {"input": d.normal(n, 64, 32, 32), "weight": d.normal(64, 1, 3, 3), "padding": 1, "groups": 64}),
    _convolution("conv2d_grouped", "conv2d", (16, 64, 32, 32), (64, 16, 3, 3), padding=1, groups=4),
    _convolution("conv2d_small_images", "conv2d", (256, 16, 8, 8), (32, 16, 3, 3), padding=1),
    _convolution("conv_transpose2d", "conv_transpose2d", (16, 64, 16, 16), (64, 32, 4, 4), stride=2, padding=1),
    Row("max_pool2d_2x2", "max_pool2d", 16, lambda d, n: {"input": d.normal(n, 64, 64, 64), "kernel_size": 2}),
    Row("max_pool2d_3x3s2", "max_pool2d", 16,
        lambda d, n: {"input": d.normal(n, 64, 56, 56), "kernel_size": 3, "stride": 2, "padding": 1}),
    Row("avg_pool2d_2x2", "avg_pool2d", 16, lambda d, n: {"input": d.normal(n, 64, 64, 64), "kernel_size": 2}),
    Row("batch_norm", "batch_norm", 32,
        lambda d, n: {"input": d.normal(n, 64, 32, 32), "running_mean": None, "running_var": None,
                      "weight": d.normal(64), "bias": d.normal(64), "training": True}),
    Row("layer_norm", "layer_norm", 16,
        lambda d, n: {"input": d.normal(n, 512, 768), "normalized_shape": (768,), "weight": d.normal(768),
                      "bias": d.normal(768)}),
    Row("rms_norm", "rms_norm", 16,
        lambda d, n: {"input": d.normal(n, 512, 768), "normalized_shape": (768,), "weight": d.normal(768)}),
    Row("group_norm", "group_norm", 16,
        lambda d, n: {"input": d.normal(n, 64, 64, 64), "num_groups": 8, "weight": d.normal(64), "bias": d.normal(64)}),
    Row("softmax", "softmax", 4096, lambda d, n: {"input": d.normal(n, 1024), "dim": -1}),
    Row("log_softmax", "log_softmax", 4096, lambda d, n: {"input": d.normal(n, 1024), "dim": -1}),
    Row("cross_entropy", "cross_entropy", 2048,
        lambda d, n: {"input": d.normal(n, 10000), "target": d.labels(10000, n)}),
    *(_elementwise(name) for name in ("relu", "sigmoid", "tanh", "gelu")),
    _elementwise("gelu_tanh", "gelu", approximate="tanh"),
    *(_elementwise(name) for name in ("silu", "mish", "softplus", "elu")),
    _elementwise("dropout", p=0.1, rng=0),
    Row("embedding", "embedding", 8,
        lambda d, n: {"input": d.labels(50000, n, 1024), "weight": d.normal(50000, 512)}, gathered),
    Row("lstm", "lstm", 32,
        lambda d, n: {"input": d.normal(64, n, 256), "weights": recurrent_weights(d, 4, 256, 256)},
        recurrent_products(64, 32, 256, 256, 4), _lstm),
    Row("gru", "gru", 32,
        lambda d, n: {"input": d.normal(64, n, 256), "weights": recurrent_weights(d, 3, 256, 256)},
        recurrent_products(64, 32, 256, 256, 3), _gru),
    Row("attention", "scaled_dot_product_attention", 4, lambda d, n: attention(d, n, 8, 512, 64),
        products((32, 512, 64, 512), (32, 512, 512, 64))),
    Row("attention_causal", "scaled_dot_product_attention", 4, lambda d, n: attention(d, n, 8, 512, 64, is_causal=True),
        products((32, 512, 64, 256), (32, 512, 256, 64))),  # half of the scores: those that are seen
    Row("mse_loss", "mse_loss", 64, lambda d, n: {"input": d.normal(n, *PLANES), "target": d.normal(n, *PLANES)}),
    Row("bce_with_logits", "binary_cross_entropy_with_logits", 64,
        lambda d, n: {"input": d.normal(n, *PLANES), "target": d.uniform(0, 1, n, *PLANES)}),
    Row("ctc_loss", "ctc_loss", 16, lambda d, n: ctc(d, n, 100, 30, 20)),
    Row("interpolate", "interpolate", 8,
        lambda d, n: {"input": d.normal(n, 32, 64, 64), "scale_factor": 2, "mode": "bilinear"}),
    Row("grid_sample", "grid_sample", 8,
        lambda d, n: {"input": d.normal(n, 32, 64, 64), "grid": d.uniform(-1, 1, n, 64, 64, 2),
                      "align_corners": False}),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*JUDGED, *FURTHER_LAYERS, *FURTHER_LOSSES)
