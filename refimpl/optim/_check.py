"""What every optimiser asks of its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _validate
from .._structure import leaves, map_leaves, mismatch


def floating_structure(op: str, name: str, structure: Any) -> Any:
    """The structure with every leaf as a floating array."""
    paths = iter([path for path, _ in leaves(structure, name)])
    checked = map_leaves(lambda leaf: _validate.floating(op, next(paths), leaf), structure)
    if not any(True for _ in leaves(checked)):
        raise ValueError(f"{op}: {name} must hold at least one array, got {structure!r}")
    return checked


def same_form(op: str, name: str, structure: Any, other_name: str, other: Any) -> None:
    """`structure` has the form of `other`, and each array the shape of its counterpart."""
    difference = mismatch(other, structure, name)
    if difference:
        raise ValueError(f"{op}: {name} must have the form of {other_name}, got {difference}")
    shapes = {path: np.shape(leaf) for path, leaf in leaves(other, name)}
    for path, leaf in leaves(structure, name):
        _validate.has_shape(op, path, leaf, f"of its entry in {other_name}", shapes[path])


def update_arguments(op: str, parameters: Any, gradients: Any) -> tuple[Any, Any]:
    """Parameters and gradients, checked: an update needs a gradient for every parameter."""
    parameters = floating_structure(op, "parameters", parameters)
    gradients = floating_structure(op, "gradients", gradients)
    same_form(op, "gradients", gradients, "parameters", parameters)
    return parameters, gradients


def betas(op: str, value: Any) -> tuple[float, float]:
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        raise TypeError(f"{op}: betas must be a pair of numbers, got {value!r}")
    first = _validate.number(op, "betas[0]", value[0], at_least=0, below=1)
    return first, _validate.number(op, "betas[1]", value[1], at_least=0, below=1)
