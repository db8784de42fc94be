"""A pair at one set of arguments: called, held to its promises, and turned into scalar losses for the witness."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._structure import leaves, map_leaves, mismatch
from .._validate import Array


class Pair:
    """forward and backward bound to arguments, every floating array in float64.

    Raises TypeError or ValueError where the pair cannot be checked at all. Promises broken on the way (an argument
    written to, a second backward that differs) are collected in `problems`.
    """

    def __init__(
        self, forward: Callable[..., Any], backward: Callable[..., Any], args: Any, options: Any, seed: int
    ) -> None:
        self.forward, self.backward = forward, backward
        self.name = getattr(forward, "__name__", repr(forward))
        self.bound = _bind(forward, args, options)
        self.problems: list[str] = []
        if not self.floating():
            raise TypeError(f"gradcheck: {self.name} must be given a floating array to differentiate, got none")

        before = _copy(self.bound.arguments)
        self.output, cache = self._call()
        if not _same(before, self.bound.arguments):
            self.problems.append("forward writes to its arguments")
            self.bound.arguments.update(_copy(before))
        if not _same(self.output, self._call()[0]):
            raise ValueError(
                f"gradcheck: {self.name} must be deterministic, got two outputs from the same arguments; "
                "a random op needs an integer seed, not a generator that moves on"
            )
        self.grad_output = _random_like(self.output, seed)
        self.gradients = self._backward(cache)

    def floating(self) -> list[str]:
        """The names of the arguments that hold a floating array."""
        return [name for name, value in self.bound.arguments.items() if any(is_floating(v) for _, v in leaves(value))]

    def loss(self, argument: str, path: str) -> Callable[[Array], float]:
        """x -> <grad_output, forward(... x ...) - output>, for one array of one argument."""
        return lambda x: sum(float(np.vdot(g, change)) for g, change in self._differences(argument, path, x))

    def elementwise_loss(self, argument: str, path: str) -> Callable[[Array], Array]:
        """x -> the same before it is summed, for an output that is one array."""
        return lambda x: np.asarray(next(g * change for g, change in self._differences(argument, path, x)))

    def rounding(self, spread: float = 0.0) -> float:
        """How far the loss may be off because an output of size |y| + spread is rounded."""
        magnitude = sum(
            float(np.sum(np.abs(g) * np.where(np.isfinite(y), np.abs(y) + spread, 0)))
            for g, y in self._outputs(self.output)
        )
        return 8 * float(np.finfo(np.float64).eps) * magnitude

    def computes_in_single(self, argument: str, path: str, x: Array) -> bool:
        """Whether what changes in the outputs when x moves a little is all float32 numbers: then it was rounded so."""
        moved = dict(self.bound.arguments)
        moved[argument] = _put(moved[argument], argument, path, x * 1.0003 + 1e-4)
        try:
            output, _ = self._call(moved)
        except ValueError:  # it leaves the domain
            return False
        outputs = zip(self._outputs(self.output), self._outputs(output), strict=True)
        changed = np.concatenate([y[y != y0] for (_, y0), (_, y) in outputs])
        with np.errstate(all="ignore"):
            return bool(changed.size and np.array_equal(changed, changed.astype(np.float32), equal_nan=True))

    def _differences(self, argument: str, path: str, x: Array) -> list[tuple[Array, Array]]:
        changed = dict(self.bound.arguments)
        changed[argument] = _put(changed[argument], argument, path, x)
        try:
            output, _ = self._call(changed)
        except ValueError:  # a step out of the domain, such as a probability above 1: there is no value
            return [(g, np.full_like(y0, np.nan)) for g, y0 in self._outputs(self.output)]
        pairs = zip(self._outputs(self.output), self._outputs(output), strict=True)
        with np.errstate(invalid="ignore"):  # an output that stays infinite does not change
            return [(g, np.where(y == y0, 0.0, y - y0)) for (g, y0), (_, y) in pairs]

    def _outputs(self, output: Any) -> list[tuple[Array, Array]]:
        """(g, y) for each floating array of the output."""
        y = [leaf for _, leaf in leaves(output) if np.asarray(leaf).dtype.kind == "f"]
        return list(zip([g for _, g in leaves(self.grad_output)], map(np.asarray, y), strict=True))

    def _call(self, arguments: Mapping[str, Any] | None = None) -> tuple[Any, Any]:
        bound = self.bound
        if arguments is not None:
            bound = inspect.BoundArguments(self.bound.signature, arguments)  # type: ignore[arg-type]
        returned = self.forward(*bound.args, **bound.kwargs)
        if not (isinstance(returned, tuple) and len(returned) == 2):
            raise TypeError(f"gradcheck: {self.name} must return (output, cache), got {type(returned).__name__}")
        return returned

    def _backward(self, cache: Any) -> dict[str, Any]:
        name = getattr(self.backward, "__name__", repr(self.backward))
        given, arguments = _copy(self.grad_output), _copy(self.bound.arguments)
        first = _copy(self.backward(self.grad_output, cache))
        if not isinstance(first, Mapping):
            raise TypeError(f"gradcheck: {name} must return a dict of gradients, got {type(first).__name__}")
        if not _same(arguments, self.bound.arguments):
            self.problems.append("backward writes to forward's arguments")
            self.bound.arguments.update(arguments)
        if not _same(given, self.grad_output):
            self.problems.append("backward writes to grad_output")
            self.grad_output = given
        if not _same(first, self.backward(_copy(given), cache)):
            self.problems.append("backward called a second time answers differently: it changes its cache")
        self._check_form(name, first)
        return dict(first)

    def _check_form(self, name: str, gradients: Mapping[str, Any]) -> None:
        """Known keys, and for each the form and the shapes of its argument."""
        unknown = [key for key in gradients if key not in self.bound.signature.parameters]
        if unknown:
            known = ", ".join(self.bound.signature.parameters)
            raise ValueError(f"gradcheck: {name} must use forward's argument names ({known}) as keys, got {unknown[0]}")
        for key, gradient in gradients.items():
            if key not in self.floating():
                raise ValueError(f"gradcheck: {name} must give gradients of floating arguments only, got one of {key}")
            argument = map_leaves(lambda v: v if is_floating(v) else None, self.bound.arguments[key])
            difference = mismatch(argument, gradient, key)
            if difference:
                raise ValueError(f"gradcheck: {name} must return a gradient in its argument's form, got {difference}")
            shapes = {path: x.shape for path, x in leaves(argument, key)}
            for path, g in leaves(gradient, key):
                if np.asarray(g).dtype.kind != "f":
                    raise TypeError(
                        f"gradcheck: {name} must return floating gradients, got dtype {np.asarray(g).dtype} for {path}"
                    )
                if np.shape(g) != shapes[path]:
                    raise ValueError(
                        f"gradcheck: {name} must return a gradient of its argument's shape, "
                        f"got {np.shape(g)} for {path} of shape {shapes[path]}"
                    )


def _bind(forward: Callable[..., Any], args: Any, options: Any) -> inspect.BoundArguments:
    name = getattr(forward, "__name__", repr(forward))
    try:
        bound = inspect.signature(forward).bind(*args, **options)
    except TypeError as error:
        raise TypeError(f"gradcheck: the arguments must fit {name}, got {error}") from None
    for key, value in bound.arguments.items():
        bound.arguments[key] = map_leaves(_in_float64, _list_as_array(value))
    return bound


def _list_as_array(value: Any) -> Any:
    """A list of floating numbers is an array-like; any other list is a structure or an option, and stays."""
    if isinstance(value, list) and not any(isinstance(leaf, np.ndarray) for _, leaf in leaves(value)):
        try:
            array = np.asarray(value)
        except ValueError:
            return value
        return array if array.dtype.kind == "f" else value
    return value


def _in_float64(leaf: Any) -> Any:
    return np.array(leaf, dtype=np.float64) if is_floating(leaf) else leaf


def is_floating(leaf: Any) -> bool:
    return isinstance(leaf, (np.ndarray, np.floating)) and leaf.dtype.kind == "f"


def _random_like(output: Any, seed: int) -> Any:
    """Seeded normal numbers for each floating array of the output, 0 where it is infinite; None for an integer one.

    Not ones: they make the gradient of a softmax zero and hide every mistake of an axis.
    """
    rng = np.random.default_rng(seed)

    def draw(y: Any) -> Any:
        y = np.asarray(y)
        return np.where(np.isfinite(y), rng.standard_normal(y.shape), 0.0) if y.dtype.kind == "f" else None

    return map_leaves(draw, output)


def _put(structure: Any, name: str, path: str, x: Array) -> Any:
    """The structure with the leaf at `path` replaced."""
    replaced = iter([x if leaf_path == path else leaf for leaf_path, leaf in leaves(structure, name)])
    return map_leaves(lambda _: next(replaced), structure)


def _copy(structure: Any) -> Any:
    return map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, structure)


def _same(a: Any, b: Any) -> bool:
    """Bit for bit, with NaN equal to NaN."""
    if mismatch(a, b):
        return False
    others = dict(leaves(b))
    for path, x in leaves(a):
        y = others[path]
        if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
            if not (np.shape(x) == np.shape(y) and np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind == "f")):
                return False
        elif x is not y and x != y:
            return False
    return True
