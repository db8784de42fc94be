"""Values that record the ops they come from, and the walk back through what they recorded."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._structure import leaves, map_leaves
from .._validate import Array
from ..layers import elementary, products
from . import arithmetic

_recording = ContextVar("recording", default=True)
_numbers = itertools.count()  # nodes are numbered as they are recorded: an op comes after all that it uses


def _operator(forward: Any, backward: Any, reflected: bool = False, **options: Any) -> Callable[[Any, Any], Any]:
    """The method of a binary operator. A Python number takes the value's dtype; everything else has its own."""

    def method(value: Value, other: Any) -> Any:
        if type(other) in (int, float):
            other = np.asarray(other, value.dtype)
        return apply(forward, backward, *((other, value) if reflected else (value, other)), **options)

    return method


class Value:
    """An array, and where it comes from.

    A value made by hand is a leaf; backward leaves a gradient in its `grad` if it has requires_grad. Every other value
    is the output of an op, and remembers it if one of the op's arguments required a gradient. `grad` is None until a
    backward reaches the leaf; every further backward adds to it, until zero_grad.

    `data` is read-only, because caches alias it: a step of training assigns a new array to it.
    """

    __array_ufunc__ = None  # array @ value is the value's to answer
    __slots__ = ("_data", "_node", "_position", "grad", "name", "requires_grad")

    def __init__(self, data: ArrayLike, requires_grad: bool = False, name: str | None = None) -> None:
        array = _validate.floating("Value", "data", data) if requires_grad else _validate.real("Value", "data", data)
        self._data = _read_only(array)
        self.requires_grad = requires_grad
        self.grad: Array | None = None
        self.name = name
        self._node: Node | None = None
        self._position = 0  # among the outputs of the node

    @property
    def data(self) -> Any:
        return self._data

    @data.setter
    def data(self, data: ArrayLike) -> None:
        array = _validate.real("Value", "data", data)
        _validate.has_shape("Value", "data", array, "of the value", self.shape)
        if array.dtype != self.dtype:
            raise TypeError(f"Value: data must keep the value's dtype {self.dtype}, got {array.dtype}")
        self._data = _read_only(array)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._data.dtype

    @property
    def is_leaf(self) -> bool:
        return self._node is None

    @property
    def origin(self) -> tuple[Node | Value, int]:
        """Where its gradient is collected: at an output of the op that made it, or at the leaf itself."""
        return (self, 0) if self._node is None else (self._node, self._position)

    def detach(self) -> Value:
        """The same array as a leaf that requires no gradient."""
        return Value(self._data, name=self.name)

    def zero_grad(self) -> None:
        self.grad = None

    def backward(self, gradient: ArrayLike | None = None, retain_graph: bool = False) -> None:
        """Add the gradient of this value to the `grad` of every leaf below it that requires one.

        gradient: of the loss with respect to this value; only a value of one element can do without, and takes 1.
        retain_graph: keep what was recorded for another backward; otherwise the caches are freed.

        Either all leaves get their gradient or, where something is wrong, none.
        """
        op = "Value.backward"
        if not self.requires_grad:
            raise ValueError(f"{op}: the value must come from a leaf with requires_grad=True, got one that does not")
        nodes = recorded(self)
        for node in nodes:
            if node.freed:
                raise RuntimeError(
                    f"{op}: the recorded graph must still be there, got {node.name} without its cache, which an "
                    "earlier backward freed; call that one with retain_graph=True, or compute the value anew"
                )
        pending: dict[Any, Array] = {self.origin: self._start(op, gradient)}
        for node in nodes:
            for source, grad in node.undo(op, pending):
                pending[source.origin] = _sum(pending.get(source.origin), grad)
        for (leaf, _), grad in pending.items():  # the nodes have taken theirs out
            leaf.grad = _sum(leaf.grad, grad).copy()
        for node in () if retain_graph else nodes:
            node.cache, node.freed = None, True

    def _start(self, op: str, gradient: ArrayLike | None) -> Array:
        if gradient is not None:
            given = _validate.floating(op, "gradient", gradient)
            _validate.has_shape(op, "gradient", given, "of the value", self.shape)
            return given.astype(self.dtype, copy=False)
        if self._data.size != 1:
            raise ValueError(f"{op}: gradient must be given for a value of shape {self.shape}, got None")
        return np.ones(self.shape, self.dtype)

    __add__ = _operator(elementary.add_forward, elementary.add_backward)
    __radd__ = _operator(elementary.add_forward, elementary.add_backward, reflected=True)
    __sub__ = _operator(elementary.add_forward, elementary.add_backward, alpha=-1)
    __rsub__ = _operator(elementary.add_forward, elementary.add_backward, reflected=True, alpha=-1)
    __mul__ = _operator(elementary.multiply_forward, elementary.multiply_backward)
    __rmul__ = _operator(elementary.multiply_forward, elementary.multiply_backward, reflected=True)
    __truediv__ = _operator(arithmetic.divide_forward, arithmetic.divide_backward)
    __rtruediv__ = _operator(arithmetic.divide_forward, arithmetic.divide_backward, reflected=True)
    __matmul__ = _operator(products.matmul_forward, products.matmul_backward)
    __rmatmul__ = _operator(products.matmul_forward, products.matmul_backward, reflected=True)

    def __pow__(self, exponent: float) -> Any:
        return apply(arithmetic.power_forward, arithmetic.power_backward, self, exponent)

    def __neg__(self) -> Any:
        return self * -1

    def sum(self, dim: Any = None, keepdim: bool = False) -> Any:
        return apply(elementary.sum_forward, elementary.sum_backward, self, dim, keepdim)

    def mean(self, dim: Any = None, keepdim: bool = False) -> Any:
        return apply(elementary.mean_forward, elementary.mean_backward, self, dim, keepdim)

    def __float__(self) -> float:
        return float(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Value: a value is no array; give it to apply(forward, backward, ...) or take its data")

    def __repr__(self) -> str:
        made = f", made by {self._node.name}" if self._node else ", requires_grad=True" if self.requires_grad else ""
        return f"Value({self._data!r}{made})"


class Source(NamedTuple):
    """An argument of an op, or a leaf of an argument that is a structure, that requires a gradient."""

    path: str  # the argument's name, or a path in it: "parameters.hidden.weight"
    origin: tuple[Node | Value, int]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Node:
    """An op that was applied: what is needed to undo it. Of values it holds leaves alone, of arrays its cache."""

    __slots__ = ("backward", "cache", "constants", "form", "freed", "name", "number", "outputs", "sources")

    def __init__(self, name: str, backward: Callable[..., Any], cache: Any, sources: list[Source]) -> None:
        self.number, self.name = next(_numbers), name
        self.backward, self.cache, self.freed = backward, cache, False
        self.sources = sources
        self.constants: list[tuple[str, tuple[int, ...]]] = []  # names and shapes of the other arrays, for a drawing
        self.outputs: list[tuple[tuple[int, ...], np.dtype[Any]]] = []  # shape and dtype of each floating output
        self.form: Any = None  # output's structure, with a position in `outputs` at each floating leaf

    def undo(self, op: str, pending: dict[Any, Array]) -> Iterator[tuple[Source, Array]]:
        """Take the outputs' gradients out of `pending`; what arrived at no output is 0. Yield the arguments' ones."""
        arrived = [pending.pop((self, i), None) for i in range(len(self.outputs))]
        known = [np.zeros(*self.outputs[i]) if grad is None else grad for i, grad in enumerate(arrived)]
        gradients = self.backward(map_leaves(lambda i: known[i], self.form), self.cache)
        if not isinstance(gradients, Mapping):
            raise TypeError(f"{op}: {self.name}'s backward must return a dict, got {type(gradients).__name__}")
        found = {path: grad for name, g in gradients.items() for path, grad in leaves(g, name)}
        for source in self.sources:
            if source.path not in found:
                raise ValueError(
                    f"{op}: {self.name}'s backward must give a gradient of {source.path}, "
                    f"got gradients of {', '.join(found) or 'nothing'}; detach() what is to count as constant"
                )
            name = f"{self.name}'s gradient of {source.path}"
            grad = _validate.floating(op, name, found[source.path])
            _validate.has_shape(op, name, grad, "of the argument", source.shape)
            yield source, grad.astype(source.dtype, copy=False)


def apply(forward: Callable[..., Any], backward: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call any pair's forward on values, and record it: the output, of which every floating array is a value.

    An argument may be a value, or a structure (dicts, lists, tuples) with values in it; everything else is passed on
    as it is and counts as constant. The gradients that backward returns are keyed by forward's argument names.
    """
    if not (callable(forward) and callable(backward)):
        raise TypeError(f"apply: forward and backward must be functions, got {forward!r} and {backward!r}")
    bound = _bind(forward, args, options)
    sources, constants = [], []
    for argument, given in bound.arguments.items():
        found = list(leaves(given, argument))
        for path, leaf in found:
            if isinstance(leaf, Value) and leaf.requires_grad:
                sources.append(Source(path, leaf.origin, leaf.shape, leaf.dtype))
            elif isinstance(leaf, (Value, np.ndarray)):
                constants.append((getattr(leaf, "name", None) or path, leaf.shape))
        if any(isinstance(leaf, Value) for _, leaf in found):
            bound.arguments[argument] = data_of(given)
    returned = forward(*bound.args, **bound.kwargs)
    name = _name(forward)
    if not (isinstance(returned, tuple) and len(returned) == 2):
        raise TypeError(f"apply: {name} must return (output, cache), got {type(returned).__name__}")
    output, cache = returned
    node = Node(name.removesuffix("_forward"), backward, cache, sources) if sources and _recording.get() else None
    if node is not None:
        node.constants = constants
        node.form = map_leaves(lambda leaf: _position(node, leaf) if _is_floating(leaf) else None, output)
    positions = itertools.count()
    return map_leaves(lambda leaf: _made(leaf, node, next(positions)) if _is_floating(leaf) else leaf, output)


@contextmanager
def no_grad() -> Iterator[None]:
    """Within it nothing is recorded; it decorates functions as well."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def variables(structure: Any) -> Any:
    """A value that requires a gradient at every array of the structure, named after its place."""
    named = iter([path for path, _ in leaves(structure)])
    return map_leaves(lambda array: Value(array, requires_grad=True, name=next(named) or None), structure)


def data_of(structure: Any) -> Any:
    """The structure with every value's array in its place."""
    return map_leaves(lambda leaf: leaf.data if isinstance(leaf, Value) else leaf, structure)


def gradients_of(structure: Any) -> Any:
    """The structure with every value's gradient in its place."""
    return map_leaves(lambda leaf: getattr(leaf, "grad", None), structure)


def recorded(value: Value) -> list[Node]:
    """All nodes that the value depends on, each before those that it used: the last recorded comes first."""
    found, stack = set(), [value.origin[0]]
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and node not in found:
            found.add(node)
            stack.extend(source.origin[0] for source in node.sources)
    return sorted(found, key=lambda node: -node.number)


def _sum(earlier: Array | None, grad: Array) -> Array:
    """What has arrived so far; never written into, since gradients may alias each other."""
    if earlier is None:
        return grad
    with np.errstate(all="ignore"):
        return np.asarray(earlier + grad)


def _bind(forward: Any, args: Any, options: Any) -> inspect.BoundArguments:
    try:
        return inspect.signature(forward).bind(*args, **options)
    except TypeError as error:
        raise TypeError(f"apply: the arguments must fit {_name(forward)}, got {error}") from None


def _name(forward: Any) -> str:
    return getattr(forward, "__name__", type(forward).__name__)


def _is_floating(leaf: Any) -> bool:
    return np.asarray(leaf).dtype in _validate.FLOATING


def _position(node: Node, leaf: Any) -> int:
    node.outputs.append((np.shape(leaf), np.asarray(leaf).dtype))
    return len(node.outputs) - 1


def _made(leaf: Any, node: Node | None, position: int) -> Value:
    value = Value(leaf)
    value.requires_grad, value._node, value._position = node is not None, node, position
    return value


def _read_only(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view
