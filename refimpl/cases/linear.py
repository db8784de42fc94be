"""Samples of the linear maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._validate import IntArray
from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(2)


def _ends(*offs: int) -> IntArray:
    return np.array(offs, dtype=np.int32)


CASES: dict[str, tuple[Case, ...]] = {
    "linear": (
        case("unequal extents", input=draw.normal(3, 4), weight=draw.normal(5, 4), bias=draw.normal(5)),
        case("no bias", input=draw.normal(3, 4), weight=draw.normal(2, 4)),
        case("two leading axes", input=draw.normal(2, 3, 4), weight=draw.normal(5, 4), bias=draw.normal(5)),
        case("a single row without a batch", input=draw.normal(4), weight=draw.normal(3, 4), bias=draw.normal(3)),
        case("one weight vector", input=draw.normal(3, 4), weight=draw.normal(4), bias=draw.normal()),
        case("one vector times one vector", input=draw.normal(4), weight=draw.normal(4)),
        case("one feature in, one out", input=draw.normal(4, 1), weight=draw.normal(1, 1), bias=draw.normal(1)),
        case("an empty batch", input=np.zeros((0, 4)), weight=draw.normal(3, 4), bias=draw.normal(3)),
        case("no features", input=np.zeros((3, 0)), weight=np.zeros((2, 0)), bias=draw.normal(2)),
    ),
    "bilinear": (
        case(
            "unequal extents",
            input1=draw.normal(5, 3),
            input2=draw.normal(5, 2),
            weight=draw.normal(4, 3, 2),
            bias=draw.normal(4),
        ),
        case("no bias", input1=draw.normal(2, 3), input2=draw.normal(2, 4), weight=draw.normal(3, 3, 4)),
        case(
            "two leading axes",
            input1=draw.normal(2, 3, 2),
            input2=draw.normal(2, 3, 4),
            weight=draw.normal(3, 2, 4),
            bias=draw.normal(3),
        ),
        case(
            "a single row without a batch",
            input1=draw.normal(3),
            input2=draw.normal(2),
            weight=draw.normal(4, 3, 2),
            bias=draw.normal(4),
        ),
        case("one feature each", input1=draw.normal(4, 1), input2=draw.normal(4, 1), weight=draw.normal(1, 1, 1)),
        case(
            "an empty batch",
            input1=np.zeros((0, 3)),
            input2=np.zeros((0, 2)),
            weight=draw.normal(4, 3, 2),
            bias=draw.normal(4),
        ),
        case(
            "no features in one input",
            input1=np.zeros((3, 0)),
            input2=draw.normal(3, 2),
            weight=np.zeros((4, 0, 2)),
            bias=draw.normal(4),
        ),
        case("no features out", input1=draw.normal(2, 3), input2=draw.normal(2, 2), weight=np.zeros((0, 3, 2))),
    ),
    "grouped_mm": (
        case("rows in groups", mat_a=draw.normal(6, 4), mat_b=draw.normal(3, 4, 8), offs=_ends(1, 4, 6)),
        case("columns in groups", mat_a=draw.normal(3, 5, 4), mat_b=draw.normal(4, 8), offs=_ends(3, 4, 8)),
        case("summed axis in groups", mat_a=draw.normal(5, 8), mat_b=draw.normal(8, 4), offs=_ends(3, 8)),
        case("a batch of groups", mat_a=draw.normal(2, 5, 4), mat_b=draw.normal(2, 4, 8)),
        case("an empty group", mat_a=draw.normal(5, 4), mat_b=draw.normal(3, 4, 4), offs=_ends(2, 2, 5)),
        case("an empty first group", mat_a=draw.normal(5, 4), mat_b=draw.normal(2, 4, 4), offs=_ends(0, 5)),
        case("an empty sum", mat_a=draw.normal(5, 4), mat_b=draw.normal(4, 8), offs=_ends(2, 2, 4)),
        case("rows beyond the last group", mat_a=draw.normal(6, 4), mat_b=draw.normal(2, 4, 8), offs=_ends(1, 4)),
        case("columns beyond the last group", mat_a=draw.normal(2, 5, 4), mat_b=draw.normal(4, 8), offs=_ends(1, 4)),
        case("terms beyond the last group", mat_a=draw.normal(5, 8), mat_b=draw.normal(8, 4), offs=_ends(1, 4)),
        case("extents of no alignment", mat_a=draw.normal(5, 3), mat_b=draw.normal(2, 3, 1), offs=_ends(2, 5)),
        case("no groups", mat_a=draw.normal(3, 4), mat_b=np.zeros((0, 4, 8)), offs=_ends()),
        case("no rows", mat_a=np.zeros((0, 4)), mat_b=draw.normal(2, 4, 8), offs=_ends(0, 0)),
    ),
}


def _bilinear(without: str) -> dict[str, Any]:
    """Arguments that fit each other, without one of them."""
    shapes = {"input1": (5, 3), "input2": (5, 2), "weight": (4, 3, 2), "bias": (4,)}
    return {name: np.ones(shape) for name, shape in shapes.items() if name != without}


def _grouped(name: str, message: str, a: tuple[int, ...], b: tuple[int, ...], **options: Any) -> Refusal:
    message = f"grouped_mm_forward: {message}"
    return refused(name, ValueError, message, mat_a=np.ones(a), mat_b=np.ones(b), **options)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "linear": (
        refused_integers("linear", "input", weight=np.ones((2, 3))),
        refused_integers("linear", "weight", input=np.ones((2, 3))),
        refused_integers("linear", "bias", input=np.ones((2, 3)), weight=np.ones((3, 3))),
        refused(
            "columns do not match",
            ValueError,
            "linear_forward: weight must have as many columns as input has features, "
            "got weight (5, 3) and input (2, 4)",
            input=np.ones((2, 4)),
            weight=np.ones((5, 3)),
        ),
        refused(
            "bias of the wrong length",
            ValueError,
            "linear_forward: bias must have shape weight.shape[:-1] = (5,), got (3,)",
            input=np.ones((2, 4)),
            weight=np.ones((5, 4)),
            bias=np.ones(3),
        ),
        refused(
            "a weight of three dimensions",
            ValueError,
            "linear_forward: weight must have shape (out, in) or (in,), got (1, 5, 4)",
            input=np.ones((2, 4)),
            weight=np.ones((1, 5, 4)),
        ),
        refused(
            "an input without an axis",
            ValueError,
            "linear_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
            weight=np.ones((5, 4)),
        ),
        refused(
            "no weight",
            TypeError,
            "linear_forward: weight must be given, got None",
            input=np.ones((2, 4)),
            weight=None,
        ),
        refused(
            "a ragged list",
            ValueError,
            "linear_forward: input must be a rectangular array, got a ragged list",
            input=[[1.0, 2.0], [3.0]],
            weight=np.ones((5, 2)),
        ),
    ),
    "bilinear": (
        *(refused_integers("bilinear", name, **_bilinear(name)) for name in ("input1", "input2", "weight", "bias")),
        refused(
            "leading axes that differ",
            ValueError,
            "bilinear_forward: input2 must have the leading axes of input1, got input1 (5, 3) and input2 (1, 2)",
            input1=np.ones((5, 3)),
            input2=np.ones((1, 2)),
            weight=np.ones((4, 3, 2)),
        ),
        refused(
            "a weight of other features",
            ValueError,
            "bilinear_forward: weight must have shape (out, 3, 2), got (4, 2, 3)",
            input1=np.ones((5, 3)),
            input2=np.ones((5, 2)),
            weight=np.ones((4, 2, 3)),
        ),
        refused(
            "a weight of two dimensions",
            ValueError,
            "bilinear_forward: weight must have shape (out, 3, 2), got (3, 2)",
            input1=np.ones((5, 3)),
            input2=np.ones((5, 2)),
            weight=np.ones((3, 2)),
        ),
        refused(
            "bias of the wrong length",
            ValueError,
            "bilinear_forward: bias must have shape (out,) = (4,), got (1,)",
            **{**_bilinear("bias"), "bias": np.ones(1)},
        ),
        refused(
            "an input without an axis",
            ValueError,
            "bilinear_forward: input2 must have at least 1 dimension, got shape ()",
            **{**_bilinear("bias"), "input2": np.array(1.0)},
        ),
    ),
    "grouped_mm": (
        refused_integers("grouped_mm", "mat_a", mat_b=np.ones((2, 3))),
        refused_integers("grouped_mm", "mat_b", mat_a=np.ones((2, 3))),
        _grouped(
            "offs missing", "offs must be given where mat_a or mat_b has two dimensions, got None", (5, 3), (2, 3, 4)
        ),
        _grouped(
            "offs not needed",
            "offs must be None where mat_a and mat_b have three dimensions",
            (2, 5, 3),
            (2, 3, 4),
            offs=_ends(2, 5),
        ),
        _grouped(
            "offs of another number",
            "offs must have shape (groups,) = (2,), got (1,)",
            (5, 3),
            (2, 3, 4),
            offs=_ends(5),
        ),
        _grouped(
            "offs that decrease",
            "offs must have one dimension, not decrease and lie between 0 and 5, got [4, 3]",
            (5, 3),
            (2, 3, 4),
            offs=_ends(4, 3),
        ),
        _grouped(
            "offs below 0",
            "offs must have one dimension, not decrease and lie between 0 and 4, got [-1, 3]",
            (2, 5, 3),
            (3, 4),
            offs=_ends(-1, 3),
        ),
        _grouped(
            "offs beyond the end",
            "offs must have one dimension, not decrease and lie between 0 and 3, got [1, 4]",
            (5, 3),
            (3, 4),
            offs=_ends(1, 4),
        ),
        _grouped("groups that differ", "mat_b must have the 2 groups of mat_a, got 3", (2, 5, 3), (3, 3, 4)),
        _grouped(
            "extents that differ",
            "mat_a and mat_b must have shapes (m, k) or (G, m, k) and (k, n) or (G, k, n), got (5, 3) and (2, 4, 3)",
            (5, 3),
            (2, 4, 3),
            offs=_ends(2, 5),
        ),
        _grouped(
            "a bias", "bias must be None, as in PyTorch so far, got ndarray", (2, 5, 3), (2, 3, 4), bias=np.ones(4)
        ),
        refused(
            "floating offs",
            TypeError,
            "grouped_mm_forward: offs must be an integer array, got dtype float64",
            mat_a=np.ones((5, 3)),
            mat_b=np.ones((2, 3, 4)),
            offs=np.array([2.0, 5.0]),
        ),
        refused(
            "an integer out_dtype",
            TypeError,
            "grouped_mm_forward: out_dtype must be float16, float32 or float64, got int32",
            mat_a=np.ones((2, 5, 3)),
            mat_b=np.ones((2, 3, 4)),
            out_dtype=np.int32,
        ),
    ),
}
