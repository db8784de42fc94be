"""The table's rows of losses."""

from __future__ import annotations

from .. import losses
from ._op import Op

ROWS = (
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
)  # fmt: skip
