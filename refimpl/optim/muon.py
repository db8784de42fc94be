"""Steps with all singular values alike, for matrices."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from .._precision import working_dtype
from .._structure import leaves
from .._validate import Array
from . import _check, _parts

__all__ = ["MuonState", "muon_init", "muon_update"]


class MuonState(NamedTuple):
    mean: Any  # like the parameters: the running mean of the gradients


def muon_init(parameters: Any) -> MuonState:
    """The state before the first update."""
    op = "muon_init"
    checked = _check.floating_structure(op, "parameters", parameters)
    _check_matrices(op, checked)
    return MuonState(_parts.zeros(checked))


def muon_update(
    parameters: Any,
    gradients: Any,
    state: MuonState,
    lr: float = 1e-3,
    weight_decay: float = 0.1,
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn: str | None = None,
) -> tuple[Any, MuonState]:
    """One step along the mean gradient with its singular values brought near to 1.

    m = momentum m + (1 - momentum) g
    x = momentum m + (1 - momentum) g with nesterov, else m
    x = x / max(norm(x), eps)
    ns_steps times:  x = a x + (b x x^T + c (x x^T)^2) x         (a, b, c) = ns_coefficients
    p = p - lr weight_decay p - lr scale x

    scale: sqrt(max(1, rows / columns)), and 0.2 sqrt(max(rows, columns)) with adjust_lr_fn = "match_rms_adamw".

    Shapes: every parameter (rows, columns).
    Raises: ValueError where a parameter is no matrix, the structures differ or an option is out of range.
    Extremes: computed in the dtype of the parameter, float16 in float32. PyTorch iterates in bfloat16: its
        steps differ from these by a few per cent.
    Source: torch.optim.Muon; Jordan et al. 2024; Liu et al. 2025 for match_rms_adamw.
    Derived: derivations/muon.md.
    """
    op = "muon_update"
    parameters, gradients = _check.update_arguments(op, parameters, gradients)
    _check_matrices(op, parameters)
    lr, weight_decay, momentum, eps = _check.not_negative(
        op, lr=lr, weight_decay=weight_decay, momentum=momentum, eps=eps
    )
    _check.flags(op, nesterov=nesterov)
    coefficients = _check_coefficients(op, ns_coefficients)
    ns_steps = _check_steps(op, ns_steps)
    _validate.one_of(op, "adjust_lr_fn", adjust_lr_fn, (None, "original", "match_rms_adamw"))
    state = _check.state_of(op, state, MuonState, parameters, "mean")

    def moved(p: Array, x: Array) -> Array:
        rows, columns = p.shape
        if adjust_lr_fn == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / max(1, columns)))
        return p - lr * weight_decay * p - lr * scale * _orthogonalised(x, coefficients, ns_steps, eps)

    with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
        mean = _parts.running_mean(momentum, state.mean, gradients)
        ahead = _parts.running_mean(momentum, mean, gradients) if nesterov else mean
        return _parts.each(moved, parameters, ahead), MuonState(mean)


def _orthogonalised(x: Array, coefficients: tuple[float, ...], steps: int, eps: float) -> Array:
    """The same singular vectors; every singular value s becomes a s + b s^3 + c s^5, again and again."""
    a, b, c = coefficients
    wide = x.shape[0] <= x.shape[1]
    y = (x if wide else x.T).astype(working_dtype(x))  # the smaller of the two products with itself
    y = y / max(_parts.norm(y), eps)
    for _ in range(steps):
        gram = y @ y.T
        y = a * y + (b * gram + c * (gram @ gram)) @ y
    return y if wide else y.T


def _check_matrices(op: str, parameters: Any) -> None:
    for path, parameter in leaves(parameters, "parameters"):
        _validate.dimensions(op, path, parameter, "(rows, columns)", 2)


def _check_coefficients(op: str, value: Any) -> tuple[float, ...]:
    entries = _check.several(op, "ns_coefficients", value, 3)
    return tuple(_validate.number(op, f"ns_coefficients[{i}]", entry) for i, entry in enumerate(entries))


def _check_steps(op: str, value: Any) -> int:
    steps = _validate.integer(op, "ns_steps", value)
    if not 0 <= steps < 100:
        raise ValueError(f"{op}: ns_steps must be at least 0 and below 100, got {steps}")
    return steps
