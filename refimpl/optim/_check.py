"""What every optimiser asks of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _validate
from .._structure import leaves, map_leaves, mismatch
from .._validate import State


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


def state_of(op: str, state: object, kind: type[State], parameters: Any, *fields: str) -> State:
    """`state`, of the kind that this optimiser makes; the fields named have the form of the parameters."""
    checked = _validate.is_state(op, state, kind)
    for field in fields:
        same_form(op, f"state.{field}", getattr(checked, field), "parameters", parameters)
    return checked


def not_negative(op: str, **options: Any) -> tuple[float, ...]:
    """The options as numbers of at least 0, in the order given."""
    return tuple(_validate.number(op, name, value, at_least=0) for name, value in options.items())


def flags(op: str, **options: Any) -> None:
    """Each option is True or False."""
    for name, value in options.items():
        _validate.boolean(op, name, value)


def fractions(op: str, name: str, value: Any, count: int) -> tuple[float, ...]:
    """`value`, under the option's name, as `count` numbers of at least 0 and below 1: how much of the past is kept."""
    entries = several(op, name, value, count)
    return tuple(_validate.number(op, f"{name}[{i}]", entry, at_least=0, below=1) for i, entry in enumerate(entries))


def several(op: str, name: str, value: Any, count: int) -> Sequence[Any]:
    """`value` as `count` entries, whose kind and range are still to be checked."""
    if not (isinstance(value, (tuple, list)) and len(value) == count):
        noun = {2: "a pair of", 3: "three"}[count]
        raise TypeError(f"{op}: {name} must be {noun} numbers, got {value!r}")
    return value


def whole(op: str, name: str, value: Any, at_least: int) -> int:
    """`value` as an integer of at least that much."""
    return int(_validate.number(op, name, _validate.integer(op, name, value), at_least=at_least))
