"""What the layers of transformers are given, and how their arrays must fit each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .. import _validate
from .._validate import Array
from ._steps import Arrays

Rule = tuple[str, ...]  # a shape in the letters of the docstring: ("3 E", "E")


def check_weights(op: str, weights: Any, rules: Mapping[str, Rule], whose: str) -> dict[str, Array]:
    """The weights as arrays, with exactly the names that there are rules for; `whose` says whose names they are."""
    _check_is_dict(op, weights, whose)
    missing = [name for name in rules if name not in weights]
    unknown = [str(name) for name in weights if name not in rules]
    if missing or unknown:
        raise ValueError(
            f"{op}: weights must have the names of {whose}, "
            f"got missing {', '.join(missing) or 'nothing'}, unknown {', '.join(unknown) or 'nothing'}"
        )
    return {name: _validate.floating(op, f"weights.{name}", weight) for name, weight in weights.items()}


def check_shapes(op: str, arrays: Mapping[str, Array], rules: Mapping[str, Rule], extents: Mapping[str, int]) -> None:
    for name, rule in rules.items():
        letters = f"({rule[0]},)" if len(rule) == 1 else f"({', '.join(rule)})"
        expected = tuple(extents[letter] for letter in rule)
        _validate.has_shape(op, f"weights.{name}", arrays[name], letters, expected)


def has_biases(op: str, weights: Any, whose: str) -> bool:
    """Whether there is any: PyTorch's modules have all of them, or none with bias=False."""
    _check_is_dict(op, weights, whose)
    return any(str(name).endswith("bias") for name in weights)


def _check_is_dict(op: str, weights: Any, whose: str) -> None:
    if not isinstance(weights, Mapping):
        raise TypeError(f"{op}: weights must be a dict of arrays by the names of {whose}, got {type(weights).__name__}")


def first_extent(array: Array) -> int:
    """0 where there is none: the shape is then refused."""
    return array.shape[0] if array.ndim else 0


def check_heads(op: str, name: str, number: Any, of: str, features: int) -> int:
    heads = _validate.integer(op, name, number)
    if heads < 1 or features % heads:
        raise ValueError(f"{op}: {name} must divide the number of {of}'s features = {features}, got {heads}")
    return heads


def check_sequence(op: str, name: str, value: Any, rule: str) -> Array:
    array = _validate.floating(op, name, value)
    if array.ndim not in (2, 3):
        raise ValueError(f"{op}: {name} must have shape {rule}, got {array.shape}")
    return array


def check_masks(
    op: str, names: Sequence[str], masks: Sequence[Any], letters: str, extents: tuple[int, int, int], heads: int,
    batched: bool,
) -> Arrays:  # fmt: skip
    """The mask of the scores and that of the keys, those that are given; extents is (batch, queries, keys)."""
    batch, queries, keys = extents
    arrays = {name: _validate.mask(op, name, mask) for name, mask in zip(names, masks, strict=True) if mask is not None}
    mask, padding = names
    if mask in arrays:
        shapes = ((queries, keys), (batch * heads, queries, keys))
        if arrays[mask].shape not in shapes:
            raise ValueError(
                f"{op}: {mask} must have shape ({letters}) = {shapes[0]} or (N nhead, {letters}) = {shapes[1]}, "
                f"got {arrays[mask].shape}"
            )
    if padding in arrays:
        letter = letters[-1]
        rule, expected = (f"(N, {letter})", (batch, keys)) if batched else (f"({letter},)", (keys,))
        _validate.has_shape(op, padding, arrays[padding], rule, expected)
    return arrays


def check_causal(op: str, name: str, is_causal: Any, mask_name: str, masks: Arrays) -> bool:
    """PyTorch's promise that the mask is the causal one: the mask must be there."""
    is_causal = _validate.boolean(op, name, is_causal)
    if is_causal and mask_name not in masks:
        raise ValueError(f"{op}: {mask_name} must be given where {name} is True, got None")
    return is_causal
