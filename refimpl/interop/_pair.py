"""What the adapters share: a pair called with another framework's arrays."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._structure import leaves, map_leaves
from ..catalog import OPS, Op
from ..gradcheck.pair import holds_floating
from ..gradcheck.styles import by_name


@dataclass(frozen=True)
class Pair:
    """Two functions of NumPy arrays, and what to call them."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]


def of_catalog(where: str, name: str) -> Op:
    if name not in OPS:
        raise ValueError(f"{where}: name must be that of an op in refimpl.OPS, got {name!r}")
    return OPS[name]


def named_after(function: Callable[..., Any], pair: Pair) -> Callable[..., Any]:
    """The function with the name, the signature and the documentation of what it computes."""
    function.__name__ = function.__qualname__ = pair.name
    function.__doc__ = pair.forward.__doc__
    function.__signature__ = inspect.signature(pair.forward)  # type: ignore[attr-defined]
    return function


def own_pair(forward: Callable[..., Any], backward: Callable[..., Any]) -> Pair:
    return Pair(getattr(forward, "__name__", repr(forward)).removesuffix("_forward"), forward, backward)


class Call:
    """A pair and one call's arguments, without the arrays that another framework holds.

    They are known by their paths (`weights.weight_ih_l0`); in their places stand arrays of their form that take no
    memory, and `forward` is given NumPy's instead.
    """

    def __init__(
        self,
        pair: Pair,
        args: Sequence[Any],
        options: Mapping[str, Any],
        stand_in: Callable[[str, Any], NDArray[Any] | None],
        option: Callable[[Any], Any],
    ) -> None:
        """stand_in(path, leaf) gives an array of the leaf's form where it is the framework's array, else None;
        option(leaf) gives what the pair is called with for any other leaf.
        """
        self.pair = pair
        try:
            self._bound = inspect.signature(pair.forward).bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"{pair.name}: the arguments must fit {pair.forward.__name__}, got {error}") from None
        self.arrays: dict[str, Any] = {}
        for name, value in self._bound.arguments.items():
            self._bound.arguments[name] = replaced(value, name, lambda p, v: self._taken(p, v, stand_in, option))

    def _taken(
        self,
        path: str,
        leaf: Any,
        stand_in: Callable[[str, Any], NDArray[Any] | None],
        option: Callable[[Any], Any],
    ) -> Any:
        form = stand_in(path, leaf)
        if form is None:
            return option(leaf)
        self.arrays[path] = leaf
        return form

    def release(self) -> dict[str, Any]:
        """The framework's arrays by path, which are kept here no longer."""
        arrays, self.arrays = self.arrays, {}
        return arrays

    def forward(self, arrays: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
        """(output, cache), with these arrays in their places."""
        filled = OrderedDict(
            (name, replaced(value, name, lambda path, leaf: arrays.get(path, leaf)))
            for name, value in self._bound.arguments.items()
        )
        bound = inspect.BoundArguments(self._bound.signature, filled)
        output, cache = self.pair.forward(*bound.args, **bound.kwargs)
        return output, cache

    def gradients(self, grad_output: Any, cache: Any, wanted: Sequence[str]) -> list[NDArray[Any]]:
        """The gradients of the arrays at these paths."""
        returned = self.pair.backward(grad_output, cache)
        floating = [name for name, value in self._bound.arguments.items() if holds_floating(value)]
        found = dict(leaves(by_name(f"{self.pair.name}_backward", returned, self._bound, floating)))
        for path in wanted:
            if path not in found:
                raise ValueError(f"{self.pair.name}: there is no gradient of {path}, got one asked for")
        return [np.asarray(found[path]) for path in wanted]


def form_of(shape: Sequence[int], dtype: Any) -> NDArray[Any]:
    """An array of this form that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), tuple(shape))


def replaced(structure: Any, name: str, function: Callable[[str, Any], Any]) -> Any:
    """The structure with function(path, leaf) at every leaf."""
    replaced = iter([function(path, leaf) for path, leaf in leaves(structure, name)])
    return map_leaves(lambda _: next(replaced), structure)
