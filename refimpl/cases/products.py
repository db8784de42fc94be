"""Samples of products with sums over shared axes."""

from __future__ import annotations

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(10)


def _einsum(name: str, equation: str, shape1: tuple[int, ...], shape2: tuple[int, ...]) -> Case:
    return case(name, equation=equation, operand1=draw.normal(*shape1), operand2=draw.normal(*shape2))


CASES: dict[str, tuple[Case, ...]] = {
    "einsum": (
        _einsum("a matrix product", "ij,jk->ik", (2, 3), (3, 4)),
        _einsum("the output transposed", "ij,jk->ki", (2, 3), (3, 4)),
        _einsum("the output left out", "kj,ji", (2, 3), (3, 4)),
        _einsum("capitals come first", "aB,c", (2, 3), (4,)),
        _einsum("a batch", "bij,bjk->bik", (2, 3, 4), (2, 4, 1)),
        _einsum("a batch, axes shuffled", "jbi,kbj->ibk", (4, 2, 3), (5, 2, 4)),
        _einsum("attention scores", "nqhd,nkhd->nhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
        _einsum("an outer product", "i,jk->kij", (2,), (3, 4)),
        _einsum("entry by entry", "ij,ij->ij", (2, 3), (2, 3)),
        _einsum("all summed", "ij,ij->", (2, 3), (2, 3)),
        _einsum("a letter of one operand alone, summed", "ijk,kl->il", (2, 3, 4), (4, 2)),
        _einsum("letters of each operand alone, summed", "ij,kl->il", (2, 3), (4, 2)),
        _einsum("a diagonal", "ii,i->i", (3, 3), (3,)),
        _einsum("traces", "ii,jj->", (3, 3), (2, 2)),
        _einsum("a diagonal among other axes", "ibi,bk->ki", (3, 2, 3), (2, 4)),
        _einsum("ellipses that broadcast", "...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
        _einsum("an ellipsis in one operand, moved", "i...j,jk->...ki", (2, 3, 4), (4, 5)),
        _einsum("ellipses, the output left out", "...ij,...j", (2, 3, 4), (1, 4)),
        _einsum("an ellipsis of no axes", "i...,i->...", (3,), (3,)),
        _einsum("an ellipsis summed", "i...,i->i", (3, 2), (3,)),
        _einsum("a letter that broadcasts", "ij,ij->ij", (1, 3), (2, 3)),
        _einsum("a letter that broadcasts, summed", "ij,jk->ik", (2, 1), (3, 4)),
        _einsum("an axis of 1 in both", "ij,ij->i", (2, 1), (2, 1)),
        _einsum("spaces", " i j , j -> i ", (2, 3), (3,)),
        _einsum("numbers", ",->", (), ()),
        _einsum("a number times an array", ",ij->ji", (), (2, 3)),
        _einsum("no elements", "ij,jk->ik", (0, 3), (3, 2)),
        _einsum("a sum of nothing", "ij,jk->ik", (2, 0), (0, 3)),
    ),
    "matmul": (
        case("unequal extents", input=draw.normal(2, 3), other=draw.normal(3, 4)),
        case("two vectors", input=draw.normal(3), other=draw.normal(3)),
        case("a vector and a matrix", input=draw.normal(3), other=draw.normal(3, 4)),
        case("a matrix and a vector", input=draw.normal(2, 3), other=draw.normal(3)),
        case("a vector and a batch", input=draw.normal(3), other=draw.normal(2, 3, 4)),
        case("a batch and a vector", input=draw.normal(2, 4, 3), other=draw.normal(3)),
        case("a batch", input=draw.normal(2, 3, 4), other=draw.normal(2, 4, 1)),
        case("a batch and one matrix", input=draw.normal(2, 3, 4), other=draw.normal(4, 5)),
        case("one matrix and a batch", input=draw.normal(3, 4), other=draw.normal(2, 4, 5)),
        case("batches that broadcast", input=draw.normal(2, 1, 3, 4), other=draw.normal(5, 4, 2)),
        case("no rows", input=np.zeros((0, 3)), other=draw.normal(3, 2)),
        case("a sum of nothing", input=np.zeros((2, 0)), other=np.zeros((0, 3))),
        case("an empty batch", input=np.zeros((0, 2, 3)), other=draw.normal(3, 2)),
    ),
}


def _equation(name: str, message: str, equation: object, shape1: tuple[int, ...], shape2: tuple[int, ...]) -> Refusal:
    return refused(
        name,
        TypeError if equation is None else ValueError,
        f"einsum_forward: equation must {message}",
        equation=equation,
        operand1=np.ones(shape1),
        operand2=np.ones(shape2),
    )


_FORM = "read like 'ij,jk->ik', of two operands, got"
_ONCE = "name in its output letters of the operands, each once, got"

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "einsum": (
        refused_integers("einsum", "operand1", equation="i,i", operand2=np.ones(3)),
        refused_integers("einsum", "operand2", equation="i,i", operand1=np.ones(3)),
        _equation("no string", "be a string, got None", None, (2,), (2,)),
        _equation("one operand", f"{_FORM} 'ij->ji'", "ij->ji", (2, 3), (2,)),
        _equation("three operands", f"{_FORM} 'i,i,i'", "i,i,i", (2,), (2,)),
        _equation("a digit", f"{_FORM} 'i1,i'", "i1,i", (2, 3), (2,)),
        _equation("two dots", f"{_FORM} 'i..,i'", "i..,i", (2, 3), (2,)),
        _equation("two ellipses", f"{_FORM} '...i...,i'", "...i...,i", (2, 3), (2,)),
        _equation("too few letters", "name each axis of operand1, got 'i' for shape (2, 3)", "i,j", (2, 3), (4,)),
        _equation("too many letters", "name each axis of operand2, got 'j...k' for shape (3,)", "i,j...k", (2,), (3,)),
        _equation(
            "extents that differ", "give 'j' one extent, got 3 and 4 in 'ij,jk->ik'", "ij,jk->ik", (2, 3), (4, 5)
        ),
        _equation("an oblong diagonal", "give 'i' one extent, got 1 and 3 in 'ii'", "ii,i", (1, 3), (3,)),
        _equation(
            "ellipses that do not broadcast",
            "give axis -1 of the ellipsis one extent, got 2 and 3 in '...,...'",
            "...,...",
            (4, 2),
            (3,),
        ),
        _equation("an unknown letter in the output", f"{_ONCE} 'i,j->ijk'", "i,j->ijk", (2,), (3,)),
        _equation("a letter twice in the output", f"{_ONCE} 'i,j->iji'", "i,j->iji", (2,), (3,)),
    ),
    "matmul": (
        refused_integers("matmul", "input", other=np.ones(3)),
        refused_integers("matmul", "other", input=np.ones(3)),
        refused(
            "extents that differ",
            ValueError,
            "matmul_forward: input must have as many columns as other has rows, got input (2, 3) and other (4, 5)",
            input=np.ones((2, 3)),
            other=np.ones((4, 5)),
        ),
        refused(
            "a number",
            ValueError,
            "matmul_forward: input must have at least 1 dimension, got shape ()",
            input=np.array(1.0),
            other=np.ones(1),
        ),
        refused(
            "a second number",
            ValueError,
            "matmul_forward: other must have at least 1 dimension, got shape ()",
            input=np.ones(1),
            other=np.array(1.0),
        ),
        refused(
            "batches that do not broadcast",
            ValueError,
            "matmul_forward: the leading axes of input and other must broadcast to one shape, got (2,) and (3,)",
            input=np.ones((2, 3, 4)),
            other=np.ones((3, 4, 2)),
        ),
    ),
}
