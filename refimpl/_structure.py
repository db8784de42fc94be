"""Nested structures of arrays (dicts, lists, tuples, named tuples, None) walked as flat lists of named leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def leaves(structure: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, leaf) for every leaf that is not None, in order; a path reads like ``hidden.weight`` or ``layers[0]``."""
    if structure is None:
        return
    if isinstance(structure, Mapping):
        for key, value in structure.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(structure, tuple) and hasattr(structure, "_fields"):
        for key, value in zip(structure._fields, structure, strict=True):
            yield from leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(structure, (list, tuple)):
        for i, value in enumerate(structure):
            yield from leaves(value, f"{path}[{i}]")
    else:
        yield path, structure


def map_leaves(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """function(leaf, *other leaves) at every leaf, in a structure of the same form; None stays None."""
    if structure is None:
        return None
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, value, *(o[key] for o in others)) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_leaves(function, *values) for values in zip(structure, *others, strict=True)))
    if isinstance(structure, (list, tuple)):
        return type(structure)(map_leaves(function, *values) for values in zip(structure, *others, strict=True))
    return function(structure, *others)


def mismatch(structure: Any, other: Any, path: str = "") -> str | None:
    """Where the form of `other` differs from that of `structure`, in words; None where they agree."""
    here = path or "the top"
    if isinstance(structure, Mapping) or isinstance(other, Mapping):
        if not (isinstance(structure, Mapping) and isinstance(other, Mapping)):
            return f"{here} is {_kind(structure)} in one and {_kind(other)} in the other"
        missing = [str(key) for key in structure if key not in other]
        unknown = [str(key) for key in other if key not in structure]
        if missing or unknown:
            return f"{here}: missing {', '.join(missing) or 'nothing'}, unknown {', '.join(unknown) or 'nothing'}"
        pairs = [(f"{path}.{key}" if path else str(key), structure[key], other[key]) for key in structure]
    elif isinstance(structure, (list, tuple)) or isinstance(other, (list, tuple)):
        if not (isinstance(structure, (list, tuple)) and isinstance(other, (list, tuple))):
            return f"{here} is {_kind(structure)} in one and {_kind(other)} in the other"
        if len(structure) != len(other):
            return f"{here} has {len(structure)} entries in one and {len(other)} in the other"
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(structure, other, strict=True))]
    else:
        if (structure is None) != (other is None):
            return f"{here} is {_kind(structure)} in one and {_kind(other)} in the other"
        return None
    return next((found for p, a, b in pairs if (found := mismatch(a, b, p))), None)


def _kind(structure: Any) -> str:
    if structure is None:
        return "None"
    return type(structure).__name__ if isinstance(structure, (Mapping, list, tuple)) else "an array"
