"""Every check of a caller's argument, and its message.

A message has one form, ``op: rule, got facts``. Bad values raise ValueError, bad kinds TypeError, both before any
arithmetic.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
Cache = TypeVar("Cache")
State = TypeVar("State")

FLOATING = tuple(np.dtype(name) for name in ("float64", "float32", "float16"))


def _as_array(op: str, name: str, value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{op}: {name} must be a plain array, got a masked array, whose mask would be lost")
    if value is None:
        raise TypeError(f"{op}: {name} must be given, got None")
    try:
        return np.asarray(value)
    except ValueError:
        raise ValueError(f"{op}: {name} must be a rectangular array, got a ragged {type(value).__name__}") from None


def floating(op: str, name: str, value: ArrayLike) -> Array:
    """`value` as an array of float16, float32 or float64."""
    array = _as_array(op, name, value)
    if array.dtype in FLOATING:
        return array
    if array.dtype.kind == "f" and array.dtype.newbyteorder("=") in FLOATING:
        return array.astype(array.dtype.newbyteorder("="))
    raise TypeError(f"{op}: {name} must be a floating-point array (float16, float32, float64), got dtype {array.dtype}")


def optional_floating(op: str, name: str, value: ArrayLike | None) -> Array | None:
    return None if value is None else floating(op, name, value)


def integers(op: str, name: str, value: ArrayLike) -> IntArray:
    """`value` as an array of integers; booleans are not integers here."""
    array = _as_array(op, name, value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{op}: {name} must be an integer array, got dtype {array.dtype}")
    return array


def mask(op: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """`value` as an array of booleans, or of floating numbers that are added."""
    array = _as_array(op, name, value)
    if array.dtype == np.bool_:
        return array
    if array.dtype.kind == "f":
        return floating(op, name, array)
    raise TypeError(f"{op}: {name} must be a boolean or a floating-point array, got dtype {array.dtype}")


def real(op: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """`value` as an array of floating numbers or of integers; the latter carry no gradient."""
    array = _as_array(op, name, value)
    if array.dtype.kind in "iu":
        return array
    if array.dtype.kind == "f":
        return floating(op, name, array)
    raise TypeError(f"{op}: {name} must be a floating-point or an integer array, got dtype {array.dtype}")


def signs(op: str, name: str, value: ArrayLike) -> NDArray[Any]:
    """`value` as an array that holds 1 and -1 alone, floating or integer."""
    array = real(op, name, value)
    holds(op, name, array, (array == 1) | (array == -1), "1 and -1 alone")
    return array


def holds(op: str, name: str, array: NDArray[Any], right: NDArray[np.bool_], what: str) -> None:
    """`right` says of every entry of `array` whether it is as `what` says: "probabilities from 0 to 1"."""
    if not right.all():
        where = tuple(int(i) for i in np.argwhere(~right)[0])
        raise ValueError(f"{op}: {name} must hold {what}, got {array[where]:g} at index {where}")


def has_shape(op: str, name: str, array: NDArray[Any], rule: str, expected: tuple[int, ...]) -> None:
    """`rule` says in the op's own terms what `expected` is: "normalized_shape", "(out_features,)"."""
    if array.shape != expected:
        raise ValueError(f"{op}: {name} must have shape {rule} = {expected}, got {array.shape}")


def at_least_dimensions(op: str, name: str, array: NDArray[Any], count: int) -> None:
    if array.ndim < count:
        noun = "dimension" if count == 1 else "dimensions"
        raise ValueError(f"{op}: {name} must have at least {count} {noun}, got shape {array.shape}")


def at_most_dimensions(op: str, name: str, array: NDArray[Any], count: int) -> None:
    if array.ndim > count:
        raise ValueError(f"{op}: {name} must have at most {count} dimensions, got shape {array.shape}")


def dimensions(op: str, name: str, array: NDArray[Any], rule: str, count: int) -> None:
    """`rule` names the dimensions: "(N, D)"."""
    if array.ndim != count:
        raise ValueError(f"{op}: {name} must have shape {rule}, got {array.shape}")


def classes_last(op: str, name: str, array: NDArray[Any]) -> int:
    """The number of classes, on the last axis, at least one; a 0-d array is one class."""
    if array.ndim and not array.shape[-1]:
        raise ValueError(f"{op}: {name} must have at least one class on its last axis, got shape {array.shape}")
    return array.shape[-1] if array.ndim else 1


def broadcast_shape(op: str, names: str, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of two shapes broadcast to; `names` says whose shapes they are."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise ValueError(f"{op}: {names} must broadcast to one shape, got {a} and {b}") from None


def one_of(op: str, name: str, value: object, choices: Sequence[object]) -> None:
    if not any(value is choice or (type(value) is type(choice) and value == choice) for choice in choices):
        raise ValueError(f"{op}: {name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def axis(op: str, name: str, value: Any, ndim: int) -> int:
    """`value` as an axis counted from 0. A 0-d array has the one axis 0, as in PyTorch."""
    count = max(ndim, 1)
    number = integer(op, name, value)
    if not -count <= number < count:
        raise ValueError(f"{op}: {name} must be from {-count} to {count - 1} for {ndim} dimensions, got {number}")
    return number % count


def integer(op: str, name: str, value: Any, *, at_least: int | None = None) -> int:
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{op}: {name} must be an integer, got {value!r}")
    try:
        result = operator.index(value)
    except TypeError:
        raise TypeError(f"{op}: {name} must be an integer, got {value!r}") from None
    if at_least is not None and result < at_least:
        raise ValueError(f"{op}: {name} must be at least {at_least}, got {result}")
    return result


def boolean(op: str, name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{op}: {name} must be True or False, got {value!r}")
    return bool(value)


def number(
    op: str,
    name: str,
    value: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """`value` as a float that is not NaN and lies within the bounds given."""
    if isinstance(value, (bool, np.bool_, str)) or np.ndim(value) != 0:
        raise TypeError(f"{op}: {name} must be a number, got {value!r}")
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{op}: {name} must be a number, got {value!r}") from None
    kept = (
        not math.isnan(result)
        and (at_least is None or result >= at_least)
        and (above is None or result > above)
        and (at_most is None or result <= at_most)
        and (below is None or result < below)
    )
    if not kept:
        bounds = (("at least", at_least), ("above", above), ("at most", at_most), ("below", below))
        rule = " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        raise ValueError(f"{op}: {name} must be {rule or 'a number'}, got {result:g}")
    return result


def entries_at_least(op: str, name: str, array: Array, bound: float, rule: str = "") -> None:
    """No entry of `array` is below the bound; `rule` says what the bound is. NaN passes, and makes the answer NaN."""
    below = array < bound
    if below.any():
        where = tuple(int(i) for i in np.argwhere(below)[0])
        raise ValueError(f"{op}: {name} must be at least {rule or f'{bound:g}'}, got {array[where]:g} at index {where}")


def probabilities(op: str, name: str, array: Array) -> None:
    """Every entry lies from 0 to 1; NaN does not."""
    if array.size == 0 or (array.min() >= 0 and array.max() <= 1):
        return
    where = tuple(int(i) for i in np.argwhere(~((array >= 0) & (array <= 1)))[0])
    raise ValueError(f"{op}: {name} must hold probabilities from 0 to 1, got {array[where]:g} at index {where}")


def broadcastable(op: str, name: str, array: NDArray[Any], rule: str, shape: tuple[int, ...]) -> None:
    """Repeating `array` along some axes gives `shape`, which stands for what `rule` says."""
    pairs = zip(reversed(array.shape), reversed(shape), strict=False)
    if array.ndim > len(shape) or any(extent not in (1, whole) for extent, whole in pairs):
        raise ValueError(f"{op}: {name} must be broadcastable to the shape {rule} = {shape}, got {array.shape}")


def class_indices(op: str, name: str, target: IntArray, classes: int, ignore_index: int | None = None) -> None:
    """Every entry of `target` is a class from 0 to classes - 1, or the ignored index."""
    outside = (target < 0) | (target >= classes)
    if ignore_index is not None:
        outside &= target != ignore_index
    if outside.any():
        where = tuple(int(i) for i in np.argwhere(outside)[0])
        ignored = "" if ignore_index is None else f" or be ignore_index = {ignore_index}"
        found = f"{int(target[where])} at index {where}"
        raise ValueError(f"{op}: {name} must hold classes from 0 to {classes - 1}{ignored}, got {found}")


def pair(op: str, name: str, value: Any, parts: str) -> tuple[Any, Any]:
    """`value` as the tuple of two that `parts` names: "(h, c)"."""
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        found = f"{len(value)} entries" if isinstance(value, (tuple, list)) else type(value).__name__
        raise TypeError(f"{op}: {name} must be a pair {parts}, got {found}")
    return value[0], value[1]


def is_cache(op: str, cache: object, kind: type[Cache]) -> Cache:
    """`cache`, which must be the one that this op's forward returned."""
    if not isinstance(cache, kind):
        raise TypeError(
            f"{op}: cache must be the {kind.__name__} that {op.removesuffix('backward')}forward returned, "
            f"got {type(cache).__name__}"
        )
    return cache


def output_gradient(
    op: str, value: ArrayLike, shape: tuple[int, ...], dtype: np.dtype[Any], name: str = "grad_output"
) -> Array:
    """grad_output, or an array in it, which must have output's shape, in the dtype that backward computes in."""
    grad_output = floating(op, name, value)
    has_shape(op, name, grad_output, "of output", shape)
    return grad_output.astype(dtype, copy=False)


def generator(op: str, rng: Any) -> np.random.Generator:
    """The source of an op's randomness: a Generator, or an integer seed. There is no default."""
    if rng is None:
        raise ValueError(f"{op}: rng must be an integer seed or a numpy.random.Generator, got None")
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        if rng < 0:
            raise ValueError(f"{op}: rng must be a seed of at least 0, got {rng}")
        return np.random.default_rng(int(rng))
    raise TypeError(f"{op}: rng must be an integer seed or a numpy.random.Generator, got {type(rng).__name__}")


def is_state(op: str, state: object, kind: type[State]) -> State:
    """`state`, which must be the one that this optimiser's init or last update returned."""
    if not isinstance(state, kind):
        name = op.removesuffix("_update")
        raise TypeError(
            f"{op}: state must be the {kind.__name__} that {name}_init or {op} returned, got {type(state).__name__}"
        )
    return state
