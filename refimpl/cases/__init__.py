"""The samples: for each op of the catalog the inputs it must be right on, and those it must refuse."""

from . import (
    activations,
    binary,
    boxes,
    classification,
    contrastive,
    convolution,
    cross_entropy_variants,
    ctc,
    distillation,
    divergence,
    exponential_units,
    folding,
    gates,
    hard_activations,
    likelihood,
    linear,
    linear_cross_entropy,
    margin,
    metric,
    multilabel,
    preference,
    rectifiers,
    regression,
    segmentation,
    self_gated,
    softmax,
    sparsemax,
    transposed_convolution,
)
from ._case import Case, Draw, Refusal, case, refused

_FAMILIES = (
    activations,
    binary,
    boxes,
    classification,
    contrastive,
    convolution,
    cross_entropy_variants,
    ctc,
    distillation,
    divergence,
    exponential_units,
    folding,
    gates,
    hard_activations,
    likelihood,
    linear,
    linear_cross_entropy,
    margin,
    metric,
    multilabel,
    preference,
    rectifiers,
    regression,
    segmentation,
    self_gated,
    softmax,
    sparsemax,
    transposed_convolution,
)

CASES: dict[str, tuple[Case, ...]] = {name: cases for family in _FAMILIES for name, cases in family.CASES.items()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    name: refusals for family in _FAMILIES for name, refusals in family.REFUSALS.items()
}

__all__ = ["CASES", "REFUSALS", "Case", "Draw", "Refusal", "case", "refused"]
