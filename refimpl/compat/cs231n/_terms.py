"""What the course's functions share: what is kept for backward, dictionaries of parameters, refusals in its terms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ... import _validate
from ..._validate import Array


class Kept(NamedTuple):
    """The cache of one of the course's forwards."""

    function: str  # the forward's name
    pair: Any  # the cache of refimpl's pair
    shape: tuple[int, ...] = ()  # of the argument that the pair was given in another shape


def kept_by(op: str, cache: object, *forwards: str) -> Kept:
    """`cache`, which must be the one that one of these forwards returned."""
    if isinstance(cache, Kept) and cache.function in forwards:
        return cache
    found = f"that of {cache.function}" if isinstance(cache, Kept) else type(cache).__name__
    raise TypeError(f"{op}: cache must be the one that {' or '.join(forwards)} returned, got {found}")


def parts_of(op: str, cache: Any, names: str, count: int) -> tuple[Any, ...]:
    """The caches of a layer that is made of several, as the tuple that `names` names."""
    if not (isinstance(cache, tuple) and not isinstance(cache, Kept) and len(cache) == count):
        found = f"{len(cache)} entries" if type(cache) is tuple else type(cache).__name__
        raise TypeError(f"{op}: cache must be a tuple {names}, got {found}")
    return cache


@contextmanager
def refusing_as(op: str, names: Mapping[str, str]) -> Iterator[None]:
    """Refusals of refimpl's pairs under the course's names for the function and its arguments."""
    try:
        yield
    except (TypeError, ValueError) as error:
        pair, colon, text = str(error).partition(": ")
        if not (colon and pair.isidentifier()):  # no refusal, and nothing to translate
            raise
        longest_first = sorted(map(re.escape, names), key=len, reverse=True)
        words = re.compile(rf"(?<![\w.'])({'|'.join(longest_first)})(?!\w)")
        raise type(error)(f"{op}: {words.sub(lambda found: names[found[0]], text)}") from None


def dictionary(op: str, name: str, value: Any) -> MutableMapping[str, Any]:
    if not isinstance(value, MutableMapping):
        raise TypeError(f"{op}: {name} must be a dict, got {type(value).__name__}")
    return value


def entry(op: str, name: str, parameters: Mapping[str, Any], key: str) -> Any:
    """What stands under a key that must be there."""
    if key not in parameters:
        raise ValueError(f"{op}: {name} must have the key {key!r}, got {sorted(map(str, parameters))}")
    return parameters[key]


def training(op: str, name: str, parameters: Mapping[str, Any]) -> bool:
    """Whether mode is 'train'; else it is 'test'."""
    mode = entry(op, name, parameters, "mode")
    _validate.one_of(op, f"{name}['mode']", mode, ("train", "test"))
    return bool(mode == "train")


def array(op: str, name: str, value: Any, rule: str) -> Array:
    """`value` as a floating array with as many dimensions as `rule` names: "(N, D)"."""
    found = _validate.floating(op, name, value)
    _validate.dimensions(op, name, found, rule, rule.count(",") + (not rule.endswith(",)")))
    return found


def parameter(op: str, name: str, value: Any, rule: str, shape: tuple[int, ...]) -> Array:
    """`value` as a floating array of the shape that `rule` says in words."""
    found = _validate.floating(op, name, value)
    _validate.has_shape(op, name, found, rule, shape)
    return found
