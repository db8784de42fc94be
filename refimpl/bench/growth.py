"""How the cost of an op grows with the batch: time and memory over a factor of a thousand, one op of every family."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ..cases import Draw
from .draws import (
    attention,
    boxes,
    cell,
    clusters,
    ctc,
    few_labels,
    gpt2_weights,
    multi_head,
    pooled,
    recurrent_weights,
    regions,
    signs,
    transformer_weights,
)
from .measure import ours
from .method import in_turn, peak, pinned
from .row import Arguments, Row

FACTORS = (1, 30, 1000)  # of the row's batch


class Growth(NamedTuple):
    batches: tuple[int, ...]
    seconds: tuple[float, ...]  # the least of several calls of forward and backward
    peaks: tuple[int, ...]  # bytes

    @property
    def time_exponent(self) -> float:
        """p where the time of the larger two is as batch**p: 1 is linear, and less has a part that does not grow."""
        return exponent(self.batches, self.seconds)

    @property
    def memory_exponent(self) -> float:
        return exponent(self.batches, self.peaks)


def exponent(batches: tuple[int, ...], costs: tuple[float, ...]) -> float:
    return math.log(costs[-1] / costs[-2]) / math.log(batches[-1] / batches[-2])


def grow(row: Row, dtype: str = "float32", threads: int = 1, factors: tuple[int, ...] = FACTORS) -> Growth:
    batches = tuple(factor * row.batch for factor in factors)
    seconds, peaks = [], []
    with pinned(threads):
        for batch in batches:
            work = ours(row, row.called(dtype, batch))
            seconds.append(min(in_turn({"ours": work}, seconds=0)["ours"]))
            peaks.append(peak(work))
    return Growth(batches, tuple(seconds), tuple(peaks))


def _row(op: str, batch: int, draw: Callable[[Draw, int], Arguments]) -> Row:
    return Row(op, op, batch, draw)


def _input(op: str, batch: int, *extents: int, **options: Any) -> Row:
    return Row(op, op, batch, lambda d, n: {"input": d.normal(n, *extents), **options})


# Small samples: it is the batch that grows.
GROWING = (
    _input("sigmoid", 4, 1024),
    _input("batch_norm", 2, 16, 8, 8, running_mean=None, running_var=None, training=True),
    _input("normalize", 4, 256),
    _row("cdist", 1, lambda d, n: {"x1": d.normal(n, 16, 16), "x2": d.normal(n, 16, 16)}),
    _input("dropout", 4, 1024, rng=0),
    _row("multiply", 4, lambda d, n: {"input": d.normal(n, 1024), "other": d.normal(n, 1024)}),
    _row("embedding", 4, lambda d, n: {"input": d.labels(1000, n, 16), "weight": d.normal(1000, 64)}),
    _input("elu", 4, 1024),
    _input("glu", 4, 1024),
    _input("hardtanh", 4, 1024),
    _row("linear", 4, lambda d, n: {"input": d.normal(n, 256), "weight": d.normal(256, 256), "bias": d.normal(256)}),
    _input("layer_norm", 4, 768, normalized_shape=(768,)),
    _row("matmul", 4, lambda d, n: {"input": d.normal(n, 32, 32), "other": d.normal(n, 32, 32)}),
    _input("relu", 4, 1024),
    _input("local_response_norm", 1, 16, 8, 8, size=5),
    _input("silu", 4, 1024),
    _input("transpose", 4, 32, 32, dim0=1, dim1=2),
    _input("softmax", 4, 1024, dim=-1),
    _input("sparsemax", 4, 256),
    _row("weight_norm", 4, lambda d, n: {"v": d.normal(n, 256), "g": d.uniform(0.5, 2, n, 1)}),
    _input("adaptive_avg_pool2d", 1, 16, 14, 14, output_size=5),
    _input("avg_pool2d", 1, 16, 16, 16, kernel_size=2),
    _row("conv2d", 1, lambda d, n: {"input": d.normal(n, 16, 8, 8), "weight": d.normal(16, 16, 3, 3), "padding": 1}),
    _input("unfold", 1, 8, 8, 8, kernel_size=3, padding=1),
    _input("fractional_max_pool2d", 1, 8, 12, 12, kernel_size=2, output_size=8, rng=0),
    _row("grid_sample", 1,
         lambda d, n: {"input": d.normal(n, 8, 16, 16), "grid": d.uniform(-1, 1, n, 16, 16, 2),
                       "align_corners": False}),
    _input("interpolate", 1, 8, 16, 16, scale_factor=2, mode="bilinear"),
    _input("lp_pool2d", 1, 8, 16, 16, norm_type=2, kernel_size=2),
    _input("max_pool2d", 1, 16, 16, 16, kernel_size=2),
    _input("pad", 1, 8, 16, 16, pad=(1, 1, 1, 1), mode="reflect"),
    _row("roi_align", 1,
         lambda d, n: {"input": d.normal(n, 8, 16, 16), "boxes": regions(d, n, 16), "output_size": 3,
                       "sampling_ratio": 2}),
    _input("pixel_shuffle", 1, 16, 8, 8, upscale_factor=2),
    _row("conv_transpose2d", 1,
         lambda d, n: {"input": d.normal(n, 16, 8, 8), "weight": d.normal(16, 8, 4, 4), "stride": 2, "padding": 1}),
    _row("max_unpool2d", 1, lambda d, n: pooled(d, n, 8, (8, 8))),
    _row("scaled_dot_product_attention", 1, lambda d, n: attention(d, n, 4, 32, 16)),
    _row("blockwise_attention", 1, lambda d, n: attention(d, n, 4, 32, 16)),
    _row("gru", 1, lambda d, n: {"input": d.normal(8, n, 32), "weights": recurrent_weights(d, 3, 32, 32)}),
    _row("lstm", 1, lambda d, n: {"input": d.normal(8, n, 32), "weights": recurrent_weights(d, 4, 32, 32)}),
    _row("multi_head_attention", 1, lambda d, n: multi_head(d, n, 16, 32, 4)),
    _row("gpt2_block", 1,
         lambda d, n: {"hidden_states": d.normal(n, 8, 32), "weights": gpt2_weights(d, 32), "n_head": 4,
                       "attn_pdrop": 0.0, "resid_pdrop": 0.0}),
    _row("transformer_encoder_layer", 1,
         lambda d, n: {"src": d.normal(8, n, 32), "weights": transformer_weights(d, 32, ("self_attn",)), "nhead": 4,
                       "dropout": 0.0}),
    _row("lstm_cell", 4, lambda d, n: cell(d, n, 4, 64)),
    _row("rnn", 1, lambda d, n: {"input": d.normal(8, n, 32), "weights": recurrent_weights(d, 1, 32, 32)}),
    _input("rotary_embedding_half", 1, 16, 64),
    _row("adaptive_log_softmax_with_loss", 1, lambda d, n: {**clusters(d, n), "target": d.labels(20000, n)}),
    _row("binary_cross_entropy_with_logits", 4,
         lambda d, n: {"input": d.normal(n, 256), "target": d.uniform(0, 1, n, 256)}),
    _row("box_iou_loss", 32, lambda d, n: {"boxes1": boxes(d, n), "boxes2": boxes(d, n)}),
    _row("cross_entropy", 2, lambda d, n: {"input": d.normal(n, 1000), "target": d.labels(1000, n)}),
    # With so many negatives; without them every other row of the batch is one, and the cost is as its square.
    _row("info_nce_loss", 4,
         lambda d, n: {"query": d.normal(n, 64), "positive": d.normal(n, 64), "negatives": d.normal(128, 64)}),
    _input("z_loss", 2, 1000),
    _row("ctc_loss", 1, lambda d, n: ctc(d, n, 20, 10, 6)),
    _row("distillation_loss", 1,
         lambda d, n: {"student_logits": d.normal(n, 500), "teacher_logits": d.normal(n, 500),
                       "target": d.labels(500, n)}),
    _row("kl_div", 4, lambda d, n: {"input": d.normal(n, 256), "target": d.probabilities(n, 256)}),
    _row("poisson_nll_loss", 4, lambda d, n: {"input": d.normal(n, 256), "target": d.uniform(0, 5, n, 256)}),
    _row("linear_cross_entropy", 4,
         lambda d, n: {"input": d.normal(n, 32), "linear_weight": d.normal(500, 32), "target": d.labels(500, n)}),
    _row("soft_margin_loss", 4, lambda d, n: {"input": d.normal(n, 256), "target": signs(d, n, 256)}),
    _row("triplet_margin_loss", 4,
         lambda d, n: {name: d.normal(n, 256) for name in ("anchor", "positive", "negative")}),
    _row("multilabel_margin_loss", 2, lambda d, n: {"input": d.normal(n, 64), "target": few_labels(d, n)}),
    _row("bradley_terry_loss", 256, lambda d, n: {"rewards_chosen": d.normal(n), "rewards_rejected": d.normal(n)}),
    _row("mse_loss", 4, lambda d, n: {"input": d.normal(n, 1024), "target": d.normal(n, 1024)}),
    _row("multiclass_dice_loss", 1,
         lambda d, n: {name: d.uniform(0, 1, n, 10, 16, 16) for name in ("input", "target")}),
)  # fmt: skip
