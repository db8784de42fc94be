"""What a row of the benchmark is: an op at one size, and the bare work that forward and backward cannot avoid."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._structure import leaves, map_leaves
from .._validate import Array
from ..cases import Draw
from ..catalog import OPS, Op
from ..gradcheck.pair import is_floating

Arguments = dict[str, Any]
Work = Callable[[], Any]
SEED = 9


class Called(NamedTuple):
    """An op called at the arguments of its row."""

    arguments: Arguments
    output: Any
    cache: Any
    grad_output: Any  # in output's structure, None where it has integers
    gradients: dict[str, Any]


def traffic(called: Called) -> Work:
    """As many bytes copied as must at least go through memory, half of them read and half of them written.

    Forward reads the floating arguments and writes the output; backward reads the arguments and grad_output, and writes
    the gradients.
    """
    given = sum(_bytes(called.arguments[name]) for name in called.gradients)
    return copying(2 * given + 2 * _bytes(called.output) + _bytes(called.gradients))


def gathered(called: Called) -> Work:
    """The same for a table of which a few rows are read: output, grad_output, their sources, and the whole gradient."""
    return copying(4 * _bytes(called.output) + _bytes(called.gradients))


def copying(moved: int) -> Work:
    source = np.ones(max(1, moved // 2), np.uint8)
    target = np.empty_like(source)
    return lambda: np.copyto(target, source)


def products(*extents: tuple[int, int, int, int]) -> Callable[[Called], Work]:
    """Matrix products (count, rows, inner, columns) with the two of each one's gradients, `count` of them at once."""

    def prepare(called: Called) -> Work:
        dtype = next(leaf.dtype for _, leaf in leaves(called.output) if is_floating(leaf))
        triples = [_random_matrices(*extent, dtype) for extent in extents]
        return lambda: [(a @ b, a.swapaxes(1, 2) @ c, c @ b.swapaxes(1, 2)) for a, b, c in triples]

    return prepare


def convolution_products(name: str, options: Arguments) -> Callable[[Called], Work]:
    """The products of a convolution of this name."""
    return lambda called: products(product_extents(name, called, options))(called)


def product_extents(name: str, called: Called, options: Arguments) -> tuple[int, int, int, int]:
    """(groups, rows, inner, columns): rows x inner weights per group, and a column per sample and window."""
    input, weight = called.arguments["input"], called.arguments["weight"]
    groups = options.get("groups", 1)
    windows = input if "transpose" in name else called.output
    return groups, len(weight) // groups, math.prod(weight.shape[1:]), len(input) * math.prod(windows.shape[2:])


def recurrent_products(steps: int, batch: int, features: int, hidden: int, gates: int) -> Callable[[Called], Work]:
    """All steps' inputs at once, and a product per step with the state, forward and backward."""
    from_inputs = products((1, steps * batch, features, gates * hidden))

    def prepare(called: Called) -> Work:
        inputs = from_inputs(called)
        h, w, g = _random_matrices(1, batch, hidden, gates * hidden, called.arguments["input"].dtype)
        every_h, every_g = np.repeat(h[0], steps, axis=0), np.repeat(g[0], steps, axis=0)

        def work() -> Any:
            for _ in range(steps):
                h[0] @ w[0]
                g[0] @ w[0].T
            return inputs(), every_h.T @ every_g

        return work

    return prepare


def _random_matrices(count: int, rows: int, inner: int, columns: int, dtype: Any) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(SEED)
    shapes = ((count, rows, inner), (count, inner, columns), (count, rows, columns))
    a, b, c = (rng.standard_normal(shape, np.float32).astype(dtype) for shape in shapes)
    return a, b, c


def _bytes(structure: Any) -> int:
    return sum(np.asarray(leaf).nbytes for _, leaf in leaves(structure))


class Row(NamedTuple):
    """An op at one size. The name is the op's, where one size stands for it."""

    name: str
    op: str
    batch: int
    draw: Callable[
        [Draw, int], Arguments
    ]  # the arguments by name, floating arrays in float64, for a batch of this size
    bare: Callable[[Called], Work] = traffic
    # What to call in PyTorch, given the module and the arguments by name with tensors for arrays; None where the op's
    # function takes them as they are, False where there is nothing to compare with.
    torch: Callable[[Any, Arguments], Work] | bool | None = None

    def pair(self) -> Op:
        return OPS[self.op]

    def arguments(self, dtype: str, batch: int | None = None) -> Arguments:
        drawn = self.draw(Draw(SEED), batch or self.batch)
        return {name: map_leaves(lambda leaf: _cast(leaf, dtype), value) for name, value in drawn.items()}

    def called(self, dtype: str, batch: int | None = None) -> Called:
        op, arguments = self.pair(), self.arguments(dtype, batch)
        output, cache = op.forward(**arguments)
        rng = np.random.default_rng(SEED)
        grad_output = map_leaves(lambda y: _normal(rng, y) if is_floating(y) else None, output)
        return Called(arguments, output, cache, grad_output, op.backward(grad_output, cache))


def _cast(leaf: Any, dtype: str) -> Any:
    return np.asarray(leaf.astype(dtype)) if is_floating(leaf) else leaf


def _normal(rng: np.random.Generator, like: Any) -> Array:
    return np.asarray(rng.standard_normal(np.shape(like))).astype(like.dtype)
