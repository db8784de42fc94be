"""Random computations that run on refimpl's values and on PyTorch's tensors alike: the operators are the same."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import refimpl
from refimpl.graph import apply

SHAPES = ((2, 3), (3, 3), (1, 3), (3, 1), (3,), ())


class Step(NamedTuple):
    kind: str
    operands: tuple[int, ...]  # of the leaves and what the steps before have made


STEPS = {
    "add": lambda library, a, b: a + b,
    "subtract": lambda library, a, b: a - b,
    "multiply": lambda library, a, b: a * b,
    "divide": lambda library, a, b: a / (b * b + 1.5),
    "reflected": lambda library, a: 2 - 1 / (3 + a * a) + 0.5 * a,
    "square": lambda library, a: a**2 / 4,
    "power": lambda library, a: (a * a + 1) ** -0.5,
    "negate": lambda library, a: -a,
    "matmul": lambda library, a, b: a @ b,
    "sum": lambda library, a: a.sum(),
    "mean": lambda library, a: a.mean(),
    "tanh": lambda library, a: library.tanh(a),
    "softmax": lambda library, a: library.softmax(a),
    "join and split": lambda library, a, b: library.join_and_split(a, b),
    "branch": lambda library, a, b: a * 2 if float(a.detach().sum()) > 0 else a - b,
    "loop": lambda library, a: _loop(a),
}
UNARY = {"reflected", "square", "power", "negate", "sum", "mean", "tanh", "softmax", "loop"}


def _loop(a):
    while float((a.detach() ** 2).sum()) > 1:
        a = a * 0.7
    return a


class Graph:
    """What the operators do not cover, on refimpl's values."""

    @staticmethod
    def tanh(a):
        return apply(refimpl.tanh_forward, refimpl.tanh_backward, a)

    @staticmethod
    def softmax(a):
        return apply(refimpl.softmax_forward, refimpl.softmax_backward, a, -1)

    @staticmethod
    def join_and_split(a, b):
        """One of two outputs, an argument that is a list."""
        return apply(joined_forward, joined_backward, [a, b])[1]


def joined_forward(parts):
    """A user's pair with a list as its argument and a tuple as its output: the sum and the product."""
    a, b = parts
    return (a + b, a * b), (a, b)


def joined_backward(grad_output, cache):
    (of_sum, of_product), (a, b) = grad_output, cache
    return {"parts": [_fitted(of_sum + of_product * b, a), _fitted(of_sum + of_product * a, b)]}


def _fitted(grad, array):
    return refimpl._reduction.unbroadcast(grad, array.shape)


def program(seed, length):
    """Leaves, and steps that fit them."""
    rng = np.random.default_rng(seed)
    leaves = [rng.uniform(-1, 1, shape) for shape in SHAPES]
    shapes, steps = [leaf.shape for leaf in leaves], []
    while len(steps) < length:
        kind = rng.choice(list(STEPS))
        count = 1 if kind in UNARY else 2
        operands = tuple(int(i) for i in rng.integers(0, len(shapes), count))
        shape = _shape(kind, [shapes[i] for i in operands])
        if shape is not None:
            steps.append(Step(str(kind), operands))
            shapes.append(shape)
    return leaves, steps


def _shape(kind, shapes):
    """The shape that a step makes; None where its operands do not fit, or a branch would decide about the shape."""
    if kind in ("sum", "mean"):
        return ()
    if kind == "softmax":
        return shapes[0] if shapes[0] else None
    if kind == "matmul":
        if () in shapes or shapes[0][-1] != shapes[1][-2:][0]:
            return None
        return np.matmul(*map(np.zeros, shapes)).shape
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        return None
    return None if kind == "branch" and shape != shapes[0] else shape


def run(library, leaves, steps):
    """The last value, and the mean of every other one that is used, so that all of them matter."""
    made = list(leaves)
    for kind, operands in steps:
        made.append(STEPS[kind](library, *(made[i] for i in operands)))
    loss = (made[-1] * made[-1]).sum()
    for i, value in enumerate(made):
        loss = loss + value.mean() * (0.1 + 0.05 * i)
    return loss
