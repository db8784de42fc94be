"""The ways in which backwards return their gradients, brought to one: a dict keyed by forward's argument names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._structure import leaves, mismatch
from .report import says_it_all

__tracebackhide__ = says_it_all


def by_name(backward: str, returned: Any, bound: inspect.BoundArguments, floating: Sequence[str]) -> dict[str, Any]:
    """The gradients by name.

    returned: a dict; a bare array, which belongs to the first floating argument; or a tuple or a list in the order of
        forward's floating arguments. A shorter one leaves the last of them out. One that has an entry for each array,
        or for each argument given, is understood too, with None for those that carry no gradient.
    """
    if isinstance(returned, Mapping):
        return dict(returned)
    if len(floating) == 1 and isinstance(returned, (tuple, list)) and _is_gradient_of(bound, floating[0], returned):
        return {floating[0]: returned}
    if isinstance(returned, (np.ndarray, np.generic, float)):
        return {floating[0]: returned}
    if not isinstance(returned, (tuple, list)):
        raise TypeError(
            f"gradcheck: {backward} must return gradients as a dict, a tuple or an array, got {type(returned).__name__}"
        )
    names = _order(backward, returned, bound, floating)
    return {name: gradient for name, gradient in zip(names, returned, strict=False) if gradient is not None}


def _order(backward: str, returned: Sequence[Any], bound: inspect.BoundArguments, floating: Sequence[str]) -> list[str]:
    """Whose gradients the entries are."""
    given = list(bound.arguments)
    arrays = [name for name in given if any(isinstance(leaf, np.ndarray) for _, leaf in leaves(bound.arguments[name]))]
    if len(returned) > len(floating):
        for names in (arrays, given, list(bound.signature.parameters)):
            if len(names) == len(returned) and _only_of(floating, names, returned):
                return names
        raise ValueError(
            f"gradcheck: {backward} must return one gradient for each floating argument ({', '.join(floating)}), "
            f"got {len(returned)}"
        )
    return list(floating)


def _only_of(floating: Sequence[str], names: Sequence[str], returned: Sequence[Any]) -> bool:
    return all(gradient is None or name in floating for name, gradient in zip(names, returned, strict=True))


def _is_gradient_of(bound: inspect.BoundArguments, name: str, returned: Any) -> bool:
    """Whether it is the gradient of one argument that is a structure."""
    argument = bound.arguments[name]
    return isinstance(argument, (list, tuple)) and not mismatch(argument, returned)
