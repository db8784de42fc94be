"""Products of arrays with sums over shared axes: of matrices, and by Einstein's notation."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._reduction import unbroadcast
from .._validate import Array

__all__ = ["einsum_backward", "einsum_forward", "matmul_backward", "matmul_forward"]

Label = str | int  # a letter, or a negative number for an axis of the ellipsis, counted from its end


class MatmulCache(NamedTuple):
    input: Array  # (..., m, k) or (k,)
    other: Array  # (..., k, n) or (k,)


def matmul_forward(input: ArrayLike, other: ArrayLike) -> tuple[Array, MatmulCache]:
    """The matrix product of two arrays, of each pair of matrices in the last two axes.

    y_...in = sum_k x_...ik z_...kn; the leading axes broadcast

    Shapes: input (..., m, k), other (..., k, n), output (..., m, n); a vector (k,) is a row before a matrix and a
        column after one, and its axis is missing from output.
    Raises: TypeError where an array is not floating; ValueError where one has no axis, the extents k differ, or the
        leading axes do not broadcast.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.matmul.
    Derived: derivations/products.md#matmul.
    """
    op = "matmul_forward"
    input = _validate.floating(op, "input", input)
    other = _validate.floating(op, "other", other)
    _validate.at_least_dimensions(op, "input", input, 1)
    _validate.at_least_dimensions(op, "other", other, 1)
    if input.shape[-1] != other.shape[-2:][0]:
        raise ValueError(
            f"{op}: input must have as many columns as other has rows, got input {input.shape} and other {other.shape}"
        )
    _validate.broadcast_shape(op, "the leading axes of input and other", input.shape[:-2], other.shape[:-2])
    x, z = working(input, other)
    with np.errstate(all="ignore"):
        return answer(x @ z, input, other), MatmulCache(input, other)


def matmul_backward(grad_output: ArrayLike, cache: MatmulCache) -> dict[str, Array]:
    """grad_x = g z^T and grad_z = x^T g, each summed over the leading axes along which it was broadcast."""
    op = "matmul_backward"
    cache = _validate.is_cache(op, cache, MatmulCache)
    x, z = working(cache.input, cache.other)
    leading = np.broadcast_shapes(x.shape[:-2], z.shape[:-2])
    g = _validate.output_gradient(op, grad_output, leading + x.shape[-2:-1] + z.shape[-1:] * (z.ndim > 1), x.dtype)

    x_matrix = x if x.ndim > 1 else x[None, :]
    z_matrix = z if z.ndim > 1 else z[:, None]
    g = g.reshape(*leading, x_matrix.shape[-2], z_matrix.shape[-1])
    with np.errstate(all="ignore"):
        grad_x = unbroadcast(g @ np.swapaxes(z_matrix, -1, -2), x_matrix.shape)
        grad_z = unbroadcast(np.swapaxes(x_matrix, -1, -2) @ g, z_matrix.shape)
    return {
        "input": gradient(grad_x.reshape(x.shape), cache.input),
        "other": gradient(grad_z.reshape(z.shape), cache.other),
    }


class EinsumCache(NamedTuple):
    equation: str
    operand1: Array
    operand2: Array


def einsum_forward(equation: str, operand1: ArrayLike, operand2: ArrayLike) -> tuple[Array, EinsumCache]:
    """The products of the entries of two arrays, summed over the letters that the output does not have.

    "ij,jk->ik": y_ik = sum_j a_ij b_jk, with a = operand1 and b = operand2

    Each letter names an axis. A letter twice in one operand takes the diagonal; an ellipsis stands for all other axes,
    which align at their ends; an axis of extent 1 broadcasts. Without "->" the output has the ellipsis, and then, in
    alphabetical order, the letters that occur once.

    Shapes: operands as the equation says; output likewise.
    Raises: TypeError where an operand is not floating or equation no string; ValueError where the equation is not one
        of two operands, or does not fit them.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.einsum, of two operands.
    Derived: derivations/products.md#einsum.
    """
    op = "einsum_forward"
    a = _validate.floating(op, "operand1", operand1)
    b = _validate.floating(op, "operand2", operand2)
    sums = _read(op, equation, a.shape, b.shape)
    a_working, b_working = working(a, b)
    with np.errstate(all="ignore"):
        y = _contract(_reduced(a_working, sums.a), sums.a.kept, _reduced(b_working, sums.b), sums.b.kept, sums.output)
    return answer(y, a, b), EinsumCache(equation, a, b)


def einsum_backward(grad_output: ArrayLike, cache: EinsumCache) -> dict[str, Array]:
    """grad_a is the einsum of g and b with a's letters as its output, and grad_b that of g and a: the letters of the
    three arrays change places. A letter that is in one operand alone repeats its gradient; a diagonal's gradient
    stands on the diagonal.
    """
    op = "einsum_backward"
    cache = _validate.is_cache(op, cache, EinsumCache)
    sums = _read(op, cache.equation, cache.operand1.shape, cache.operand2.shape)
    a, b = working(cache.operand1, cache.operand2)
    shape = tuple(sums.extents[label] for label in sums.output)
    g = _validate.output_gradient(op, grad_output, shape, a.dtype)
    with np.errstate(all="ignore"):
        grad_a = _contract(g, sums.output, _reduced(b, sums.b), sums.b.kept, sums.a.kept)
        grad_b = _contract(g, sums.output, _reduced(a, sums.a), sums.a.kept, sums.b.kept)
    return {
        "operand1": gradient(_restored(grad_a, sums.a, a.shape), cache.operand1),
        "operand2": gradient(_restored(grad_b, sums.b, b.shape), cache.operand2),
    }


class _Operand(NamedTuple):
    """What an operand's axes are called, and what is left of them once it is reduced by itself."""

    labels: list[Label]  # of its axes
    distinct: list[Label]  # without repetition
    kept: list[Label]  # those that the other operand or the output has, and that are not broadcast


class _Sums(NamedTuple):
    """An equation as it applies to two shapes."""

    a: _Operand
    b: _Operand
    output: list[Label]
    extents: dict[Label, int]


def _contract(a: Array, a_labels: list[Label], b: Array, b_labels: list[Label], output: list[Label]) -> Array:
    """The products of entries summed over what is not in output, as one batched matrix product.

    Each label of an operand is in the other one or in the output, and none occurs twice in one of the three.
    """
    batch = [label for label in output if label in a_labels and label in b_labels]
    rows = [label for label in output if label not in b_labels]
    columns = [label for label in output if label not in a_labels]
    summed = [label for label in a_labels if label not in output]
    extent = dict(zip([*a_labels, *b_labels], [*a.shape, *b.shape], strict=True))
    a = _grouped(a, a_labels, (batch, rows, summed))
    b = _grouped(b, b_labels, (batch, summed, columns))
    y = a @ b if summed else a * b
    order = [*batch, *rows, *columns]
    y = y.reshape([extent[label] for label in order])
    return y.transpose([order.index(label) for label in output])


def _grouped(x: Array, labels: list[Label], groups: tuple[list[Label], ...]) -> Array:
    """The axes in the order of the groups, each group as one axis."""
    x = x.transpose([labels.index(label) for group in groups for label in group])
    extents = iter(x.shape)
    return x.reshape([math.prod(next(extents) for _ in group) for group in groups])


def _reduced(x: Array, operand: _Operand) -> Array:
    """The diagonal of labels that occur twice, and the sum over those that nothing else has."""
    summed = [i for i, label in enumerate(operand.distinct) if label not in operand.kept]
    diagonal = _diagonal(x, operand)
    return diagonal.sum(axis=tuple(summed)) if summed else diagonal


def _restored(grad: Array, operand: _Operand, shape: tuple[int, ...]) -> Array:
    """The gradient of the whole operand: the sums repeated, the diagonal in its place."""
    grad_x = np.zeros(shape, dtype=grad.dtype)
    diagonal = _diagonal(grad_x, operand)  # a view
    summed = [i for i, label in enumerate(operand.distinct) if label not in operand.kept]
    diagonal[...] = np.expand_dims(grad, tuple(summed))
    return grad_x


def _diagonal(x: Array, operand: _Operand) -> Array:
    """A view of x in which each label has one axis."""
    if operand.labels == operand.distinct:
        return x
    number = {label: i for i, label in enumerate(operand.distinct)}
    arguments: Any = (x, [number[label] for label in operand.labels], list(number.values()))
    return np.asarray(np.einsum(*arguments))


def _read(op: str, equation: str, a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> _Sums:
    """The equation applied to the operands' shapes."""
    if not isinstance(equation, str):
        raise TypeError(f"{op}: equation must be a string, got {equation!r}")
    text = equation.replace(" ", "")
    term = r"((?:[a-zA-Z]*\.\.\.)?[a-zA-Z]*)"
    parts = re.fullmatch(rf"{term},{term}(?:->{term})?", text)
    if not parts:
        raise ValueError(f"{op}: equation must read like 'ij,jk->ik', of two operands, got {equation!r}")
    a_labels = _labels(op, "operand1", parts[1], a_shape)
    b_labels = _labels(op, "operand2", parts[2], b_shape)
    a_extents, b_extents = (dict(zip(*pair, strict=True)) for pair in ((a_labels, a_shape), (b_labels, b_shape)))
    extents = _extents(op, equation, a_extents, b_extents)
    output = _output_labels(op, equation, parts[3], [*a_labels, *b_labels])
    a_full = [label for label in a_extents if a_extents[label] == extents[label]]
    b_full = [label for label in b_extents if b_extents[label] == extents[label]]
    a_kept = [label for label in a_full if label in b_full or label in output]
    b_kept = [label for label in b_full if label in a_full or label in output]
    a, b = _Operand(a_labels, list(a_extents), a_kept), _Operand(b_labels, list(b_extents), b_kept)
    return _Sums(a, b, output, extents)


def _labels(op: str, name: str, term: str, shape: tuple[int, ...]) -> list[Label]:
    """A label for each axis of an operand."""
    letters = term.replace("...", "")
    if len(letters) > len(shape) or ("..." not in term and len(letters) < len(shape)):
        raise ValueError(f"{op}: equation must name each axis of {name}, got {term!r} for shape {shape}")
    before, ellipsis, after = term.partition("...")
    labels = [*before, *(range(len(letters) - len(shape), 0) if ellipsis else ()), *after]
    for i, label in enumerate(labels):
        first = shape[labels.index(label)]
        if shape[i] != first:
            raise ValueError(f"{op}: equation must give {label!r} one extent, got {first} and {shape[i]} in {term!r}")
    return labels


def _extents(op: str, equation: str, a: dict[Label, int], b: dict[Label, int]) -> dict[Label, int]:
    """The extent of each label; 1 gives way to any other."""
    extents = {**b, **{label: extent for label, extent in a.items() if extent != 1 or label not in b}}
    for label in extents:
        if label in a and label in b and 1 not in (a[label], b[label]) and a[label] != b[label]:
            axis = f"axis {label} of the ellipsis" if isinstance(label, int) else f"{label!r}"
            raise ValueError(
                f"{op}: equation must give {axis} one extent, got {a[label]} and {b[label]} in {equation!r}"
            )
    return extents


def _output_labels(op: str, equation: str, term: str | None, labels: list[Label]) -> list[Label]:
    ellipsis = sorted({label for label in labels if isinstance(label, int)})
    if term is None:
        letters = [label for label in labels if isinstance(label, str)]
        return [*ellipsis, *sorted(letter for letter in letters if letters.count(letter) == 1)]
    before, dots, after = term.partition("...")
    if any(letter not in labels or (before + after).count(letter) > 1 for letter in before + after):
        raise ValueError(f"{op}: equation must name in its output letters of the operands, each once, got {equation!r}")
    return [*before, *(ellipsis if dots else ()), *after]
