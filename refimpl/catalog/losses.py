"""The table's rows of losses."""

from __future__ import annotations

from .. import losses
from ._op import Op

ROWS = (
    # adaptive_log_softmax
    Op(
        "adaptive_log_softmax_log_prob",
        losses.adaptive_log_softmax_log_prob_forward, losses.adaptive_log_softmax_log_prob_backward,
        differentiable=("input", "head_weight", "tail_weights", "head_bias"), constant=("n_classes", "cutoffs"),
        derivation="adaptive_log_softmax.md#adaptive_log_softmax_log_prob",
        torch="torch.nn.AdaptiveLogSoftmaxWithLoss.log_prob",
    ),
    Op(
        "adaptive_log_softmax_with_loss",
        losses.adaptive_log_softmax_with_loss_forward, losses.adaptive_log_softmax_with_loss_backward,
        differentiable=("input", "head_weight", "tail_weights", "head_bias"),
        constant=("target", "n_classes", "cutoffs"),
        derivation="adaptive_log_softmax.md#adaptive_log_softmax_with_loss",
        torch="torch.nn.AdaptiveLogSoftmaxWithLoss",
    ),
    # boxes
    Op(
        "box_iou_loss", losses.box_iou_loss_forward, losses.box_iou_loss_backward,
        differentiable=("boxes1", "boxes2"), constant=("reduction", "eps"), kinks="edges that coincide or touch",
        derivation="boxes.md#box_iou_loss",
    ),
    Op(
        "complete_box_iou_loss", losses.complete_box_iou_loss_forward, losses.complete_box_iou_loss_backward,
        differentiable=("boxes1", "boxes2"), constant=("reduction", "eps", "constant_alpha"),
        kinks="edges that coincide or touch",
        departs="constant_alpha=True, the published gradient, holds alpha constant",
        derivation="boxes.md#complete_box_iou_loss",
    ),
    Op(
        "distance_box_iou_loss", losses.distance_box_iou_loss_forward, losses.distance_box_iou_loss_backward,
        differentiable=("boxes1", "boxes2"), constant=("reduction", "eps"), kinks="edges that coincide or touch",
        derivation="boxes.md#distance_box_iou_loss",
    ),
    Op(
        "generalized_box_iou_loss",
        losses.generalized_box_iou_loss_forward, losses.generalized_box_iou_loss_backward,
        differentiable=("boxes1", "boxes2"), constant=("reduction", "eps"), kinks="edges that coincide or touch",
        derivation="boxes.md#generalized_box_iou_loss",
    ),
    # binary
    Op(
        "binary_cross_entropy", losses.binary_cross_entropy_forward, losses.binary_cross_entropy_backward,
        differentiable=("input", "target"), constant=("weight", "reduction"),
        departs="where forward holds a logarithm at -100, input's gradient goes on and target's is that of no clamp",
        derivation="binary.md#binary_cross_entropy", torch="torch.nn.functional.binary_cross_entropy",
    ),
    Op(
        "binary_cross_entropy_with_logits",
        losses.binary_cross_entropy_with_logits_forward, losses.binary_cross_entropy_with_logits_backward,
        differentiable=("input", "target"), constant=("weight", "reduction", "pos_weight"),
        derivation="binary.md#binary_cross_entropy_with_logits",
        torch="torch.nn.functional.binary_cross_entropy_with_logits",
    ),
    Op(
        "sigmoid_focal_loss", losses.sigmoid_focal_loss_forward, losses.sigmoid_focal_loss_backward,
        differentiable=("inputs", "targets"), constant=("alpha", "gamma", "reduction"),
        derivation="binary.md#sigmoid_focal_loss",
    ),
    # classification
    Op(
        "cross_entropy", losses.cross_entropy_forward, losses.cross_entropy_backward,
        differentiable=("input", "target", "weight"), constant=("ignore_index", "reduction", "label_smoothing"),
        derivation="classification.md#cross_entropy", torch="torch.nn.functional.cross_entropy",
    ),
    Op(
        "nll_loss", losses.nll_loss_forward, losses.nll_loss_backward,
        differentiable=("input",), constant=("target", "weight", "ignore_index", "reduction"),
        derivation="classification.md#nll_loss", torch="torch.nn.functional.nll_loss",
    ),
    # contrastive
    Op(
        "info_nce_loss", losses.info_nce_loss_forward, losses.info_nce_loss_backward,
        differentiable=("query", "positive", "negatives"), constant=("temperature", "reduction"),
        derivation="contrastive.md#info_nce_loss",
    ),
    Op(
        "ntxent_loss", losses.ntxent_loss_forward, losses.ntxent_loss_backward,
        differentiable=("embeddings",), constant=("labels", "temperature", "reduction"),
        derivation="contrastive.md#ntxent_loss",
    ),
    # distillation
    Op(
        "distillation_loss", losses.distillation_loss_forward, losses.distillation_loss_backward,
        differentiable=("student_logits", "teacher_logits"),
        constant=(
            "target", "temperature", "weight_hard_loss", "weight_soft_loss", "ignore_index", "square_temperature",
            "reduction",
        ),
        derivation="distillation.md#distillation_loss",
    ),
    # divergence
    Op(
        "generalized_kl_div", losses.generalized_kl_div_forward, losses.generalized_kl_div_backward,
        differentiable=("input", "target"), constant=("reduction", "log_target"),
        derivation="divergence.md#generalized_kl_div",
    ),
    Op(
        "jensen_shannon_div", losses.jensen_shannon_div_forward, losses.jensen_shannon_div_backward,
        differentiable=("input", "target"), constant=("beta", "reduction"),
        derivation="divergence.md#jensen_shannon_div",
    ),
    Op(
        "kl_div", losses.kl_div_forward, losses.kl_div_backward,
        differentiable=("input", "target"), constant=("reduction", "log_target"),
        departs="at target = 0, where the slope is -inf, target's gradient is NaN",
        derivation="divergence.md#kl_div", torch="torch.nn.functional.kl_div",
    ),
    Op(
        "total_variation_distance",
        losses.total_variation_distance_forward, losses.total_variation_distance_backward,
        differentiable=("input", "target"), constant=("reduction",), kinks="input = target",
        derivation="divergence.md#total_variation_distance",
    ),
    # cross_entropy_variants
    Op(
        "poly_loss", losses.poly_loss_forward, losses.poly_loss_backward,
        differentiable=("input", "target"), constant=("epsilon", "ignore_index", "reduction"),
        derivation="cross_entropy_variants.md#poly_loss",
    ),
    Op(
        "z_loss", losses.z_loss_forward, losses.z_loss_backward,
        differentiable=("input",), constant=("reduction",),
        derivation="cross_entropy_variants.md#z_loss",
    ),
    # ctc
    Op(
        "ctc_loss", losses.ctc_loss_forward, losses.ctc_loss_backward,
        differentiable=("log_probs",),
        constant=("targets", "input_lengths", "target_lengths", "blank", "reduction", "zero_infinity"),
        departs="everywhere: exp(log_probs) - q in place of -q, which is the gradient of the scores below log_softmax",
        derivation="ctc.md#ctc_loss", torch="torch.nn.functional.ctc_loss",
    ),
    # likelihood
    Op(
        "gaussian_nll_loss", losses.gaussian_nll_loss_forward, losses.gaussian_nll_loss_backward,
        differentiable=("input", "target", "var"), constant=("full", "eps", "reduction"), kinks="var = eps",
        departs="where var is below eps: the gradient at eps is passed through the clamp",
        derivation="likelihood.md#gaussian_nll_loss", torch="torch.nn.functional.gaussian_nll_loss",
    ),
    Op(
        "poisson_nll_loss", losses.poisson_nll_loss_forward, losses.poisson_nll_loss_backward,
        differentiable=("input", "target"), constant=("log_input", "full", "eps", "reduction"),
        derivation="likelihood.md#poisson_nll_loss", torch="torch.nn.functional.poisson_nll_loss",
    ),
    # linear_cross_entropy
    Op(
        "linear_cross_entropy", losses.linear_cross_entropy_forward, losses.linear_cross_entropy_backward,
        differentiable=("input", "linear_weight", "target", "linear_bias", "weight"),
        constant=("reduction", "ignore_index", "label_smoothing"),
        derivation="linear_cross_entropy.md#linear_cross_entropy", torch="torch.nn.functional.linear_cross_entropy",
    ),
    # margin
    Op(
        "hinge_embedding_loss", losses.hinge_embedding_loss_forward, losses.hinge_embedding_loss_backward,
        differentiable=("input",), constant=("target", "margin", "reduction"), kinks="target = -1 and input = margin",
        derivation="margin.md#hinge_embedding_loss", torch="torch.nn.functional.hinge_embedding_loss",
    ),
    Op(
        "margin_ranking_loss", losses.margin_ranking_loss_forward, losses.margin_ranking_loss_backward,
        differentiable=("input1", "input2", "target"), constant=("margin", "reduction"),
        kinks="target (input1 - input2) = margin",
        derivation="margin.md#margin_ranking_loss", torch="torch.nn.functional.margin_ranking_loss",
    ),
    Op(
        "multi_margin_loss", losses.multi_margin_loss_forward, losses.multi_margin_loss_backward,
        differentiable=("input",), constant=("target", "p", "margin", "weight", "reduction"),
        kinks="p = 1 and another score equal to the target's less the margin",
        derivation="margin.md#multi_margin_loss", torch="torch.nn.functional.multi_margin_loss",
    ),
    Op(
        "soft_margin_loss", losses.soft_margin_loss_forward, losses.soft_margin_loss_backward,
        differentiable=("input",), constant=("target", "reduction"),
        derivation="margin.md#soft_margin_loss", torch="torch.nn.functional.soft_margin_loss",
    ),
    # metric
    Op(
        "cosine_embedding_loss", losses.cosine_embedding_loss_forward, losses.cosine_embedding_loss_backward,
        differentiable=("input1", "input2"), constant=("target", "margin", "reduction"),
        kinks="target = -1 and the cosine equal to the margin",
        derivation="metric.md#cosine_embedding_loss", torch="torch.nn.functional.cosine_embedding_loss",
    ),
    Op(
        "triplet_margin_loss", losses.triplet_margin_loss_forward, losses.triplet_margin_loss_backward,
        differentiable=("anchor", "positive", "negative"), constant=("margin", "p", "eps", "swap", "reduction"),
        kinks="the margin just reached; distances of which swap takes the smaller equal; p <= 1 and equal features",
        derivation="metric.md#triplet_margin_loss", torch="torch.nn.functional.triplet_margin_loss",
    ),
    Op(
        "triplet_margin_with_distance_loss",
        losses.triplet_margin_with_distance_loss_forward, losses.triplet_margin_with_distance_loss_backward,
        differentiable=("anchor", "positive", "negative"),
        constant=("distance_function", "margin", "swap", "reduction"),
        kinks="the margin just reached; distances of which swap takes the smaller equal",
        derivation="metric.md#triplet_margin_with_distance_loss",
        torch="torch.nn.functional.triplet_margin_with_distance_loss",
    ),
    # multilabel
    Op(
        "multilabel_margin_loss", losses.multilabel_margin_loss_forward, losses.multilabel_margin_loss_backward,
        differentiable=("input",), constant=("target", "reduction"),
        kinks="another class's score equal to a target class's less 1",
        derivation="multilabel.md#multilabel_margin_loss", torch="torch.nn.functional.multilabel_margin_loss",
    ),
    Op(
        "multilabel_soft_margin_loss",
        losses.multilabel_soft_margin_loss_forward, losses.multilabel_soft_margin_loss_backward,
        differentiable=("input", "target", "weight"), constant=("reduction",),
        derivation="multilabel.md#multilabel_soft_margin_loss",
        torch="torch.nn.functional.multilabel_soft_margin_loss",
    ),
    # preference
    Op(
        "bradley_terry_loss", losses.bradley_terry_loss_forward, losses.bradley_terry_loss_backward,
        differentiable=("rewards_chosen", "rewards_rejected", "margin"),
        constant=("center_rewards_coefficient", "reduction"),
        derivation="preference.md#bradley_terry_loss",
    ),
    # regression
    Op(
        "huber_loss", losses.huber_loss_forward, losses.huber_loss_backward,
        differentiable=("input", "target", "weight"), constant=("reduction", "delta"),
        derivation="regression.md#huber_loss", torch="torch.nn.functional.huber_loss",
    ),
    Op(
        "l1_loss", losses.l1_loss_forward, losses.l1_loss_backward,
        differentiable=("input", "target", "weight"), constant=("reduction",), kinks="input = target",
        derivation="regression.md#l1_loss", torch="torch.nn.functional.l1_loss",
    ),
    Op(
        "log_cosh_loss", losses.log_cosh_loss_forward, losses.log_cosh_loss_backward,
        differentiable=("input", "target"), constant=("reduction",),
        derivation="regression.md#log_cosh_loss",
    ),
    Op(
        "mse_loss", losses.mse_loss_forward, losses.mse_loss_backward,
        differentiable=("input", "target", "weight"), constant=("reduction",),
        derivation="regression.md#mse_loss", torch="torch.nn.functional.mse_loss",
    ),
    Op(
        "quantile_loss", losses.quantile_loss_forward, losses.quantile_loss_backward,
        differentiable=("input", "target"), constant=("quantile", "reduction"), kinks="input = target",
        derivation="regression.md#quantile_loss",
    ),
    Op(
        "smooth_l1_loss", losses.smooth_l1_loss_forward, losses.smooth_l1_loss_backward,
        differentiable=("input", "target"), constant=("reduction", "beta"), kinks="input = target, where beta = 0",
        derivation="regression.md#smooth_l1_loss", torch="torch.nn.functional.smooth_l1_loss",
    ),
    # segmentation
    Op(
        "binary_dice_loss", losses.binary_dice_loss_forward, losses.binary_dice_loss_backward,
        differentiable=("input", "target"), constant=("smooth", "reduction"),
        derivation="segmentation.md#binary_dice_loss",
    ),
    Op(
        "binary_tversky_loss", losses.binary_tversky_loss_forward, losses.binary_tversky_loss_backward,
        differentiable=("input", "target"), constant=("alpha", "beta", "smooth", "reduction"),
        derivation="segmentation.md#binary_tversky_loss",
    ),
    Op(
        "multiclass_dice_loss", losses.multiclass_dice_loss_forward, losses.multiclass_dice_loss_backward,
        differentiable=("input", "target", "weight"), constant=("smooth", "reduction"),
        derivation="segmentation.md#multiclass_dice_loss",
    ),
    Op(
        "multiclass_tversky_loss", losses.multiclass_tversky_loss_forward, losses.multiclass_tversky_loss_backward,
        differentiable=("input", "target", "weight"), constant=("alpha", "beta", "smooth", "reduction"),
        derivation="segmentation.md#multiclass_tversky_loss",
    ),
)  # fmt: skip
