"""Gradient clipping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _validate
from .._structure import leaves, map_leaves
from .._validate import Array
from . import _check

__all__ = ["clip_grad_norm"]


def clip_grad_norm(
    gradients: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> tuple[Any, float]:
    """Scale all gradients by one factor so that their norm, taken as one vector, is at most max_norm.

    g = g min(1, max_norm / (norm + 1e-6))

    Returns the gradients, in the same structure, and the norm before clipping.

    Raises: ValueError where max_norm or norm_type is out of range, or the norm is not finite and error_if_nonfinite.
    Extremes: the norm is taken of gradients scaled by their largest entry: it overflows only where it is too large
        itself. The 1e-6 is PyTorch's: a gradient just above max_norm is scaled slightly below it.
    Source: torch.nn.utils.clip_grad_norm_; Pascanu et al. 2013.
    Derived: derivations/clip_grad_norm.md.
    """
    op = "clip_grad_norm"
    gradients = _check.floating_structure(op, "gradients", gradients)
    max_norm = _validate.number(op, "max_norm", max_norm, at_least=0)
    norm_type = _validate.number(op, "norm_type", norm_type, above=0)
    norm = _norm([g for _, g in leaves(gradients)], norm_type)
    if error_if_nonfinite and not math.isfinite(norm):
        raise ValueError(f"{op}: the norm of order {norm_type:g} of gradients must be finite, got {norm:g}")
    factor = max_norm / (norm + 1e-6)
    factor = 1.0 if factor > 1 else factor  # NaN stays NaN
    with np.errstate(all="ignore"):  # an infinite gradient times 0 is NaN, as in PyTorch
        return map_leaves(lambda g: np.asarray(g * factor, dtype=g.dtype), gradients), norm


def _norm(gradients: list[Array], order: float) -> float:
    largest = float(np.max([np.max(np.abs(g), initial=0.0) for g in gradients]))
    if largest == 0 or not math.isfinite(largest) or order == math.inf:
        return largest
    with np.errstate(under="ignore"):
        powers = sum(float(np.sum((np.abs(g) / largest) ** order, dtype=np.float64)) for g in gradients)
    return float(largest * powers ** (1 / order))
