"""Gradients of a batch from those of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validate
from .._structure import map_leaves
from . import _check

__all__ = ["accumulate"]


def accumulate(accumulated: Any, gradients: Any, weight: float = 1.0) -> Any:
    """Add the gradients of one micro-batch, times its weight, to those of the micro-batches before it.

    a = a + weight g        (a = weight g for the first, where accumulated is None)

    The sum is the gradient of the whole batch with weight = 1 for a loss that sums over the samples, and with
    weight = (samples in the micro-batch) / (samples in the batch) for one that takes the mean.

    Raises: ValueError where the structures differ or weight is not finite.
    Source: linearity. PyTorch's habit of dividing each loss by the number of micro-batches is the same only where all
        are of one size.
    Derived: derivations/accumulate.md.
    """
    op = "accumulate"
    gradients = _check.floating_structure(op, "gradients", gradients)
    weight = _validate.number(op, "weight", weight, above=-np.inf, below=np.inf)
    with np.errstate(all="ignore"):
        if accumulated is None:
            return map_leaves(lambda g: np.array(weight * g, dtype=g.dtype), gradients)
        accumulated = _check.floating_structure(op, "accumulated", accumulated)
        _check.same_form(op, "gradients", gradients, "accumulated", accumulated)
        return map_leaves(lambda a, g: np.array(a + weight * g, dtype=a.dtype), accumulated, gradients)
