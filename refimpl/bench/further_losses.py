"""One realistic size for every loss that the judged sizes leave out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cases import Draw
from .draws import boxes, clusters, few_labels, signs
from .row import Arguments, Row, products

PLANES = (256, 128)


def _pair(op: str, first: str = "input", second: str = "target", **options: Any) -> Row:
    return Row(op, op, 32, lambda d, n: {first: d.normal(n, *PLANES), second: d.normal(n, *PLANES), **options})


def _labelled(op: str, **options: Any) -> Row:
    """Scores of a thousand classes, and one of them as the target."""
    return Row(op, op, 512, lambda d, n: {"input": d.normal(n, 1000), "target": d.labels(1000, n), **options})


def _divergence(op: str, logarithm: bool = False) -> Row:
    def draw(d: Draw, n: int) -> Arguments:
        input = d.probabilities(n, 256)
        return {"input": np.log(input) if logarithm else input, "target": d.probabilities(n, 256)}

    return Row(op, op, 2048, draw)


def _in_images(op: str) -> Row:
    """Probabilities at every pixel, of one class or of ten."""
    classes = (10,) if op.startswith("multiclass") else ()

    def draw(d: Draw, n: int) -> Arguments:
        return {"input": d.uniform(0, 1, n, *classes, 64, 64), "target": d.uniform(0, 1, n, *classes, 64, 64)}

    return Row(op, op, 16, draw)


def _boxes(op: str) -> Row:
    return Row(op, op, 8192, lambda d, n: {"boxes1": boxes(d, n), "boxes2": boxes(d, n)})


def _clusters_in_torch(torch: Any, a: Arguments) -> Any:
    """The module with the row's weights: what it gives is PyTorch's, and the weights stay those that are asked for."""
    module = torch.nn.AdaptiveLogSoftmaxWithLoss(128, 20000, [2000, 10000], dtype=a["input"].dtype)
    weights = {"head.weight": a["head_weight"]}
    for i, pair in enumerate(a["tail_weights"]):
        weights |= {f"tail.{i}.{j}.weight": weight for j, weight in enumerate(pair)}
    return lambda: tuple(torch.func.functional_call(module, weights, (a["input"], a["target"])))


def _triplets(op: str) -> Row:
    return Row(op, op, 4096, lambda d, n: {name: d.normal(n, 256) for name in ("anchor", "positive", "negative")})


FURTHER_LOSSES = (
    # The probabilities of all classes take memory that the loss of one class does not: fewer rows.
    Row("adaptive_log_softmax_log_prob", "adaptive_log_softmax_log_prob", 64, clusters, torch=False),
    Row("adaptive_log_softmax_with_loss", "adaptive_log_softmax_with_loss", 512,
        lambda d, n: {**clusters(d, n), "target": d.labels(20000, n)}, torch=_clusters_in_torch),
    _boxes("box_iou_loss"),
    _boxes("complete_box_iou_loss"),
    _boxes("distance_box_iou_loss"),
    _boxes("generalized_box_iou_loss"),
    Row("binary_cross_entropy", "binary_cross_entropy", 32,
        lambda d, n: {"input": d.uniform(0.01, 0.99, n, *PLANES), "target": d.uniform(0, 1, n, *PLANES)}),
    Row("sigmoid_focal_loss", "sigmoid_focal_loss", 32,
        lambda d, n: {"inputs": d.normal(n, *PLANES), "targets": d.uniform(0, 1, n, *PLANES)}),
    Row("nll_loss", "nll_loss", 512,
        lambda d, n: {"input": np.log(d.probabilities(n, 1000)), "target": d.labels(1000, n)}),
    Row("info_nce_loss", "info_nce_loss", 512,
        lambda d, n: {"query": d.normal(n, 128), "positive": d.normal(n, 128), "negatives": d.normal(512, 128)}),
    Row("ntxent_loss", "ntxent_loss", 256,
        lambda d, n: {"embeddings": d.normal(n, 128), "labels": np.arange(n) // 2}),
    Row("distillation_loss", "distillation_loss", 512,
        lambda d, n: {"student_logits": d.normal(n, 1000), "teacher_logits": d.normal(n, 1000),
                      "target": d.labels(1000, n)}),
    _divergence("generalized_kl_div"),
    _divergence("jensen_shannon_div"),
    _divergence("kl_div", logarithm=True),
    _divergence("total_variation_distance"),
    _labelled("poly_loss"),
    Row("z_loss", "z_loss", 512, lambda d, n: {"input": d.normal(n, 1000)}),
    Row("gaussian_nll_loss", "gaussian_nll_loss", 32,
        lambda d, n: {"input": d.normal(n, *PLANES), "target": d.normal(n, *PLANES),
                      "var": d.uniform(0.5, 2, n, *PLANES)}),
    Row("poisson_nll_loss", "poisson_nll_loss", 32,
        lambda d, n: {"input": d.normal(n, *PLANES), "target": d.uniform(0, 5, n, *PLANES)}),
    Row("linear_cross_entropy", "linear_cross_entropy", 512,
        lambda d, n: {"input": d.normal(n, 128), "linear_weight": d.normal(8000, 128), "target": d.labels(8000, n)},
        products((1, 512, 128, 8000))),
    Row("hinge_embedding_loss", "hinge_embedding_loss", 32,
        lambda d, n: {"input": d.normal(n, *PLANES), "target": signs(d, n, *PLANES)}),
    Row("margin_ranking_loss", "margin_ranking_loss", 32,
        lambda d, n: {"input1": d.normal(n, *PLANES), "input2": d.normal(n, *PLANES),
                      "target": signs(d, n, *PLANES)}),
    _labelled("multi_margin_loss"),
    Row("soft_margin_loss", "soft_margin_loss", 32,
        lambda d, n: {"input": d.normal(n, *PLANES), "target": signs(d, n, *PLANES)}),
    Row("cosine_embedding_loss", "cosine_embedding_loss", 4096,
        lambda d, n: {"input1": d.normal(n, 256), "input2": d.normal(n, 256), "target": 2 * d.labels(2, n) - 1}),
    _triplets("triplet_margin_loss"),
    _triplets("triplet_margin_with_distance_loss"),
    Row("multilabel_margin_loss", "multilabel_margin_loss", 512,
        lambda d, n: {"input": d.normal(n, 64), "target": few_labels(d, n)}),
    Row("multilabel_soft_margin_loss", "multilabel_soft_margin_loss", 4096,
        lambda d, n: {"input": d.normal(n, 256), "target": d.uniform(0, 1, n, 256)}),
    Row("bradley_terry_loss", "bradley_terry_loss", 2**18,
        lambda d, n: {"rewards_chosen": d.normal(n), "rewards_rejected": d.normal(n)}),
    *(_pair(op) for op in ("huber_loss", "l1_loss", "log_cosh_loss", "quantile_loss", "smooth_l1_loss")),
    *(
        _in_images(op)
        for op in ("binary_dice_loss", "binary_tversky_loss", "multiclass_dice_loss", "multiclass_tversky_loss")
    ),
)  # fmt: skip
