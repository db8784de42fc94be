"""The samples: for each op of the catalog the inputs it must be right on, and those it must refuse."""

from . import (
    activations,
    adaptive_pooling,
    average_pooling,
    classification,
    fractional_pooling,
    likelihood,
    linear,
    lp_pooling,
    max_pooling,
    padding,
    regression,
    softmax,
    unpooling,
)
from ._case import Case, Draw, Refusal, case, refused

_FAMILIES = (
    activations,
    adaptive_pooling,
    average_pooling,
    classification,
    fractional_pooling,
    likelihood,
    linear,
    lp_pooling,
    max_pooling,
    padding,
    regression,
    softmax,
    unpooling,
)

CASES: dict[str, tuple[Case, ...]] = {name: cases for family in _FAMILIES for name, cases in family.CASES.items()}
REFUSALS: dict[str, tuple[Refusal, ...]] = {
    name: refusals for family in _FAMILIES for name, refusals in family.REFUSALS.items()
}

__all__ = ["CASES", "REFUSALS", "Case", "Draw", "Refusal", "case", "refused"]
