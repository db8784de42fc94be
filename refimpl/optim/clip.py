"""Gradient clipping."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _validate
from .._norms import row_norm
from .._structure import leaves, map_leaves
from .._validate import Array
from . import _check

__all__ = ["adaptive_grad_clip", "clip_grad_norm", "clip_grad_value", "clip_grads_with_norm", "get_total_norm"]


def clip_grad_norm(
    gradients: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> tuple[Any, float]:
    """Scale all gradients by one factor so that their norm, taken as one vector, is at most max_norm.

    g = g min(1, max_norm / (norm + 1e-6))

    Returns the gradients, in the same structure, and the norm before clipping.

    Raises: ValueError where max_norm is below 0, or the norm is not finite and error_if_nonfinite.
    Extremes: the norm is taken of gradients scaled by a power of two: it overflows only where it is too large itself.
        The 1e-6 is PyTorch's: a gradient just above max_norm is scaled slightly below it.
    Source: torch.nn.utils.clip_grad_norm_; Pascanu et al. 2013.
    Derived: derivations/clip_grad_norm.md.
    """
    op = "clip_grad_norm"
    gradients = _check.floating_structure(op, "gradients", gradients)
    max_norm = _validate.number(op, "max_norm", max_norm, at_least=0)
    norm = _total_norm(op, gradients, norm_type, error_if_nonfinite)
    return _scaled(gradients, max_norm, norm), norm


def get_total_norm(gradients: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> float:
    """The norm of all gradients, taken as one vector: (sum_i |g_i|^p)^(1/p) with p = norm_type.

    inf is the largest magnitude, -inf the smallest; 0 counts the arrays that hold anything but 0.

    Raises: ValueError where the norm is not finite and error_if_nonfinite.
    Source: torch.nn.utils.get_total_norm, which takes the norm of the norms of the arrays, hence what it is for 0.
    Derived: derivations/clip_grad_norm.md.
    """
    op = "get_total_norm"
    return _total_norm(op, _check.floating_structure(op, "gradients", gradients), norm_type, error_if_nonfinite)


def clip_grads_with_norm(gradients: Any, max_norm: float, total_norm: float) -> Any:
    """The gradients as clip_grad_norm scales them, by a norm that is known: of all machines, of another structure.

    Raises: ValueError where max_norm or total_norm is below 0.
    Source: torch.nn.utils.clip_grads_with_norm_.
    Derived: derivations/clip_grad_norm.md.
    """
    op = "clip_grads_with_norm"
    gradients = _check.floating_structure(op, "gradients", gradients)
    max_norm = _validate.number(op, "max_norm", max_norm, at_least=0)
    return _scaled(gradients, max_norm, _validate.number(op, "total_norm", total_norm, at_least=0))


def clip_grad_value(gradients: Any, clip_value: float) -> Any:
    """Every entry of every gradient brought into the interval from -clip_value to clip_value.

    g = min(max(g, -clip_value), clip_value)

    Raises: ValueError where clip_value is below 0.
    Extremes: an infinite entry becomes clip_value; NaN stays NaN.
    Source: torch.nn.utils.clip_grad_value_.
    Derived: derivations/clip_grad_value.md.
    """
    op = "clip_grad_value"
    gradients = _check.floating_structure(op, "gradients", gradients)
    clip_value = _validate.number(op, "clip_value", clip_value, at_least=0)
    with np.errstate(all="ignore"):  # a bound that float16 or float32 cannot hold is infinite or 0
        return map_leaves(
            lambda g: np.asarray(np.clip(g, g.dtype.type(-clip_value), g.dtype.type(clip_value))), gradients
        )


def adaptive_grad_clip(parameters: Any, gradients: Any, clipping: float = 0.01, eps: float = 1e-3) -> Any:
    """Scale the gradient of every unit so that it is at most `clipping` times as long as the unit's weights.

    g_u = g_u min(1, clipping max(|w_u|, eps) / |g_u|)

    A unit is what one output is computed from: weight[u] of a weight with two dimensions or more, (out, in, ...); a
    vector, a bias or a gain, is one unit as a whole.

    Raises: ValueError where the structures differ, or clipping or eps is not above 0.
    Extremes: norms as in clip_grad_norm; a gradient of 0 stays 0; NaN in a unit makes that unit NaN.
    Source: Brock et al. 2021, High-performance large-scale image recognition without normalization.
    Derived: derivations/adaptive_grad_clip.md.
    """
    op = "adaptive_grad_clip"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    clipping = _validate.number(op, "clipping", clipping, above=0)
    eps = _validate.number(op, "eps", eps, above=0)

    def clipped(p: Array, g: Array) -> Array:
        if not g.size:
            return g.copy()
        rows = (1, -1) if g.ndim < 2 else (len(g), -1)
        bound = clipping * np.maximum(row_norm(p.reshape(rows).astype(np.float64), 2.0).norm(), eps)
        norm = row_norm(g.reshape(rows).astype(np.float64), 2.0)
        too_long = ~(norm.norm() <= bound)  # NaN among them
        return np.asarray(np.where(too_long, norm.unit() * bound, norm.x).reshape(g.shape), dtype=g.dtype)

    with np.errstate(all="ignore"):
        return map_leaves(clipped, parameters, gradients)


def _total_norm(op: str, gradients: Any, norm_type: float, error_if_nonfinite: bool) -> float:
    """The norm of the norms of the arrays, which but for order 0 is the norm of all entries."""
    norm_type = _validate.number(op, "norm_type", norm_type)
    norms = [_norm(g, norm_type) for _, g in leaves(gradients) if g.size]
    norm = _norm(np.array(norms), norm_type) if norms else 0.0
    if _validate.boolean(op, "error_if_nonfinite", error_if_nonfinite) and not math.isfinite(norm):
        raise ValueError(f"{op}: the norm of order {norm_type:g} of gradients must be finite, got {norm:g}")
    return norm


def _norm(array: Array, order: float) -> float:
    return row_norm(array.reshape(-1).astype(np.float64), order).norm().item()


def _scaled(gradients: Any, max_norm: float, norm: float) -> Any:
    factor = max_norm / (norm + 1e-6)
    factor = 1.0 if factor > 1 else factor  # NaN stays NaN
    with np.errstate(all="ignore"):  # an infinite gradient times 0 is NaN, as in PyTorch
        return map_leaves(lambda g: np.asarray(g * factor, dtype=g.dtype), gradients)
