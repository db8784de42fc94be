"""The samples: for each op of the catalog the inputs it must be right on, and those it must refuse."""

from . import (
    activations,
    batch_normalization,
    binary,
    boxes,
    classification,
    contrastive,
    cross_entropy_variants,
    ctc,
    direction,
    distance,
    distillation,
    divergence,
    exponential_units,
    gates,
    hard_activations,
    likelihood,
    linear,
    linear_cross_entropy,
    margin,
    metric,
    multilabel,
    normalization,
    preference,
    rectifiers,
    regression,
    response_normalization,
    segmentation,
    self_gated,
    softmax,
    sparsemax,
    weight_normalization,
)
from ._case import Case, Draw, Refusal, case, refused

_FAMILIES = (
    activations,
    batch_normalization,
    binary,
    boxes,
    classification,
    contrastive,
    cross_entropy_variants,
    ctc,
    direction,
    distance,
    distillation,
    divergence,
    exponential_units,
    gates,
    hard_activations,
    likelihood,
    linear,
    linear_cross_entropy,
    margin,
    metric,
    multilabel,
    normalization,
    preference,
    rectifiers,
    regression,
    response_normalization,
    segmentation,
    self_gated,
    softmax,
    sparsemax,
    weight_normalization,
)

CASES: dict[str, tuple[Case, ...]] = {name: cases for family in _FAMILIES for name, cases in family.CASES.items()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    name: refusals for family in _FAMILIES for name, refusals in family.REFUSALS.items()
}

__all__ = ["CASES", "REFUSALS", "Case", "Draw", "Refusal", "case", "refused"]
