"""Linear maps."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .. import _validate
from .._blocks import row_blocks
from .._precision import answer, gradient, result_dtype, working
from .._validate import Array, IntArray

__all__ = [
    "bilinear_backward",
    "bilinear_forward",
    "grouped_mm_backward",
    "grouped_mm_forward",
    "linear_backward",
    "linear_forward",
]


class LinearCache(NamedTuple):
    input: Array  # (..., in)
    weight: Array  # (out, in), or (in,)
    bias: Array | None  # (out,), or ()


def linear_forward(input: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None) -> tuple[Array, LinearCache]:
    """The affine map of the last axis.

    y = x W^T + b

    Shapes: input (..., in), weight (out, in), bias (out,) or None, output (..., out);
        with weight (in,) and bias () the output is (...,).
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.linear.
    Derived: derivations/linear.md#linear.
    """
    op = "linear_forward"
    input = _validate.floating(op, "input", input)
    weight = _validate.floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    _validate.at_least_dimensions(op, "input", input, 1)
    if weight.ndim not in (1, 2):
        raise ValueError(f"{op}: weight must have shape (out, in) or (in,), got {weight.shape}")
    if weight.shape[-1] != input.shape[-1]:
        raise ValueError(
            f"{op}: weight must have as many columns as input has features, "
            f"got weight {weight.shape} and input {input.shape}"
        )
    if bias is not None:
        _validate.has_shape(op, "bias", bias, "weight.shape[:-1]", weight.shape[:-1])

    x, w, b = working(input, weight, bias)
    y = x @ w.T
    if b is not None:
        y = y + b
    return answer(y, input, weight, bias), LinearCache(input, weight, bias)


def linear_backward(grad_output: ArrayLike, cache: LinearCache) -> dict[str, Array]:
    """grad_x = g W, grad_W = g^T x and grad_b = sum of g, each summed over all leading axes of x."""
    op = "linear_backward"
    cache = _validate.is_cache(op, cache, LinearCache)
    x, w, _ = working(*cache)
    g = _validate.output_gradient(op, grad_output, x.shape[:-1] + w.shape[:-1], x.dtype)

    rows = math.prod(x.shape[:-1])
    g_rows = g.reshape(rows, *w.shape[:-1])
    x_rows = x.reshape(rows, x.shape[-1])
    grads = {}
    if cache.bias is not None:  # y = y + b
        grads["bias"] = gradient(g_rows.sum(axis=0), cache.bias)
    # y = x @ w.T
    grads["weight"] = gradient(g_rows.T @ x_rows, cache.weight)
    grads["input"] = gradient(g @ w if w.ndim == 2 else g[..., None] * w, cache.input)
    return grads


class BilinearCache(NamedTuple):
    input1: Array  # (..., in1)
    input2: Array  # (..., in2)
    weight: Array  # (out, in1, in2)
    bias: Array | None  # (out,)


def bilinear_forward(
    input1: ArrayLike, input2: ArrayLike, weight: ArrayLike, bias: ArrayLike | None = None
) -> tuple[Array, BilinearCache]:
    """A map of two inputs that is linear in each of them.

    y_no = sum_ij x1_ni W_oij x2_nj + b_o

    Shapes: input1 (..., in1), input2 (..., in2) with the same leading axes, weight (out, in1, in2), bias (out,) or
        None, output (..., out).
    Raises: TypeError where an array is not floating; ValueError where a shape does not match.
    Extremes: sums of products in the working precision; nothing is rescaled.
    Source: torch.nn.functional.bilinear.
    Derived: derivations/linear.md#bilinear.
    """
    op = "bilinear_forward"
    input1 = _validate.floating(op, "input1", input1)
    input2 = _validate.floating(op, "input2", input2)
    weight = _validate.floating(op, "weight", weight)
    bias = _validate.optional_floating(op, "bias", bias)
    _validate.at_least_dimensions(op, "input1", input1, 1)
    _validate.at_least_dimensions(op, "input2", input2, 1)
    if input1.shape[:-1] != input2.shape[:-1]:
        raise ValueError(
            f"{op}: input2 must have the leading axes of input1, got input1 {input1.shape} and input2 {input2.shape}"
        )
    if weight.ndim != 3 or weight.shape[1:] != (input1.shape[-1], input2.shape[-1]):
        raise ValueError(
            f"{op}: weight must have shape (out, {input1.shape[-1]}, {input2.shape[-1]}), got {weight.shape}"
        )
    if bias is not None:
        _validate.has_shape(op, "bias", bias, "(out,)", weight.shape[:1])

    cache = BilinearCache(input1, input2, weight, bias)
    x1, x2, w, b = _bilinear_rows(cache)
    y = np.empty((len(x1), len(w)), dtype=x1.dtype)
    with np.errstate(all="ignore"):
        for out in row_blocks(len(w), x2.size):
            z = x1 @ w[out]  # (out, N, in2)
            y[:, out] = (z * x2).sum(axis=2).T
        if b is not None:
            y = y + b
    return answer(y.reshape(*input1.shape[:-1], len(w)), input1, input2, weight, bias), cache


def bilinear_backward(grad_output: ArrayLike, cache: BilinearCache) -> dict[str, Array]:
    """grad_x1_ni = sum_oj g_no W_oij x2_nj, grad_x2_nj = sum_oi g_no x1_ni W_oij, grad_W_oij = sum_n g_no x1_ni x2_nj
    and grad_b_o = sum_n g_no.
    """
    op = "bilinear_backward"
    cache = _validate.is_cache(op, cache, BilinearCache)
    x1, x2, w, _ = _bilinear_rows(cache)
    g = _validate.output_gradient(op, grad_output, (*cache.input1.shape[:-1], len(w)), x1.dtype)
    g = g.reshape(len(x1), len(w))

    grad_x1, grad_x2, grad_w = np.zeros_like(x1), np.zeros_like(x2), np.empty_like(w)
    with np.errstate(all="ignore"):
        for out in row_blocks(len(w), x2.size):
            g_out = g[:, out].T[:, :, None]  # (out, N, 1)
            # y = (z * x2).sum()
            grad_x2 += (g_out * (x1 @ w[out])).sum(axis=0)
            grad_z = g_out * x2
            # z = x1 @ w
            grad_x1 += (grad_z @ w[out].transpose(0, 2, 1)).sum(axis=0)
            grad_w[out] = x1.T @ grad_z
    grads = {
        "input1": gradient(grad_x1.reshape(cache.input1.shape), cache.input1),
        "input2": gradient(grad_x2.reshape(cache.input2.shape), cache.input2),
        "weight": gradient(grad_w, cache.weight),
    }
    if cache.bias is not None:  # y = y + b
        grads["bias"] = gradient(g.sum(axis=0), cache.bias)
    return grads


def _bilinear_rows(cache: BilinearCache) -> tuple[Any, Any, Any, Any]:
    """x1 (N, in1), x2 (N, in2), the weight and the bias, in the working dtype."""
    x1, x2, w, b = working(*cache)
    rows = math.prod(x1.shape[:-1])
    return x1.reshape(rows, x1.shape[-1]), x2.reshape(rows, x2.shape[-1]), w, b


class GroupedMmCache(NamedTuple):
    mat_a: Array  # (G, m, k), or two of the three
    mat_b: Array  # (G, k, n), or two of the three
    offs: IntArray | None  # (G,)
    output_dtype: np.dtype[Any]


def grouped_mm_forward(
    mat_a: ArrayLike,
    mat_b: ArrayLike,
    *,
    offs: ArrayLike | None = None,
    bias: None = None,
    out_dtype: DTypeLike | None = None,
) -> tuple[Array, GroupedMmCache]:
    """A matrix product per group, the groups being the entries of an axis or parts of one.

    Y_i = A_i B_i for the groups i = 0, ..., G - 1; a matrix (two dimensions) is cut into its A_i or B_i by offs, group
    i going from offs_i-1 (0 for the first) up to but without offs_i

    Shapes: with offs (G,), mat_a (m, k) cut along m, mat_b (G, k, n), output (m, n) cut along m;
        or mat_a (G, m, k), mat_b (k, n) cut along n, output (m, n) cut along n;
        or mat_a (m, k) and mat_b (k, n), both cut along k, output (G, m, n);
        without offs, mat_a (G, m, k), mat_b (G, k, n), output (G, m, n).
    Raises: TypeError where an array is not floating, offs not integer or out_dtype no floating dtype; ValueError where
        shapes do not match, offs is missing, not needed, decreasing or out of range, or a bias is given.
    Extremes: sums of products in the working precision; nothing is rescaled. What lies beyond the last offset is 0,
        in output and gradients; PyTorch leaves it uninitialised.
    Source: torch.nn.functional.grouped_mm, which so far takes no bias either, and on the CPU neither float64 nor rows
        that are no multiple of 16 bytes.
    Derived: derivations/linear.md#grouped_mm.
    """
    op = "grouped_mm_forward"
    mat_a = _validate.floating(op, "mat_a", mat_a)
    mat_b = _validate.floating(op, "mat_b", mat_b)
    if bias is not None:
        raise ValueError(f"{op}: bias must be None, as in PyTorch so far, got {type(bias).__name__}")
    output_dtype = result_dtype(mat_a, mat_b) if out_dtype is None else np.dtype(out_dtype)
    if output_dtype not in _validate.FLOATING:
        raise TypeError(f"{op}: out_dtype must be float16, float32 or float64, got {output_dtype}")
    if not (mat_a.ndim in (2, 3) and mat_b.ndim in (2, 3) and mat_a.shape[-1] == mat_b.shape[-2]):
        raise ValueError(
            f"{op}: mat_a and mat_b must have shapes (m, k) or (G, m, k) and (k, n) or (G, k, n), "
            f"got {mat_a.shape} and {mat_b.shape}"
        )
    ends = _check_offs(op, mat_a, mat_b, offs)

    cache = GroupedMmCache(mat_a, mat_b, ends, output_dtype)
    a, b = working(mat_a, mat_b)
    shape, groups = _groups(cache)
    y = np.zeros(shape, dtype=a.dtype)
    with np.errstate(all="ignore"):
        for of_a, of_b, of_y in groups:
            y[of_y] = a[of_a] @ b[of_b]
    return y.astype(output_dtype, copy=False), cache


def grouped_mm_backward(grad_output: ArrayLike, cache: GroupedMmCache) -> dict[str, Array]:
    """grad_A_i = g_i B_i^T and grad_B_i = A_i^T g_i, each where its group stands, and 0 beyond the last one."""
    op = "grouped_mm_backward"
    cache = _validate.is_cache(op, cache, GroupedMmCache)
    a, b = working(cache.mat_a, cache.mat_b)
    shape, groups = _groups(cache)
    g = _validate.output_gradient(op, grad_output, shape, a.dtype)
    grad_a, grad_b = np.zeros_like(a), np.zeros_like(b)
    with np.errstate(all="ignore"):
        for of_a, of_b, of_y in groups:
            grad_a[of_a] = g[of_y] @ b[of_b].T
            grad_b[of_b] = a[of_a].T @ g[of_y]
    return {"mat_a": gradient(grad_a, cache.mat_a), "mat_b": gradient(grad_b, cache.mat_b)}


def _groups(cache: GroupedMmCache) -> tuple[tuple[int, ...], list[tuple[Any, Any, Any]]]:
    """The shape of the output, and for each group where it stands in mat_a, in mat_b and in the output."""
    (*batch_a, m, _), (*batch_b, _, n) = cache.mat_a.shape, cache.mat_b.shape
    if cache.offs is None:
        return (*batch_a, m, n), [(i, i, i) for i in range(*batch_a)]
    starts = [0, *cache.offs[:-1]]
    parts = [slice(start, end) for start, end in zip(starts, cache.offs, strict=True)] if len(cache.offs) else []
    everything = slice(None)
    if batch_b:
        return (m, n), [(part, i, part) for i, part in enumerate(parts)]
    if batch_a:
        return (m, n), [(i, (everything, part), (everything, part)) for i, part in enumerate(parts)]
    return (len(parts), m, n), [((everything, part), part, i) for i, part in enumerate(parts)]


def _check_offs(op: str, a: Array, b: Array, offs: ArrayLike | None) -> IntArray | None:
    """Where each group ends along the axis that is cut."""
    if a.ndim == b.ndim == 3:
        if offs is not None:
            raise ValueError(f"{op}: offs must be None where mat_a and mat_b have three dimensions")
        if len(a) != len(b):
            raise ValueError(f"{op}: mat_b must have the {len(a)} groups of mat_a, got {len(b)}")
        return None
    if offs is None:
        raise ValueError(f"{op}: offs must be given where mat_a or mat_b has two dimensions, got None")
    ends = _validate.integers(op, "offs", offs)
    length = a.shape[0] if b.ndim == 3 else b.shape[1] if a.ndim == 3 else a.shape[1]
    if ends.ndim != 1 or (np.diff(ends, prepend=0) < 0).any() or (len(ends) and ends[-1] > length):
        raise ValueError(
            f"{op}: offs must have one dimension, not decrease and lie between 0 and {length}, got {ends.tolist()}"
        )
    groups = len(b) if b.ndim == 3 else len(a) if a.ndim == 3 else len(ends)
    _validate.has_shape(op, "offs", ends, "(groups,)", (groups,))
    return ends
