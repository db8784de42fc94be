"""Elementary maps, products and shapes: by hand, against each other, and against loops."""

import itertools

import numpy as np
import pytest

import refimpl
from refimpl import (
    OPS,
    add_backward,
    add_forward,
    concatenate_backward,
    concatenate_forward,
    einsum_backward,
    einsum_forward,
    matmul_backward,
    matmul_forward,
    mean_backward,
    mean_forward,
    multiply_backward,
    multiply_forward,
    sum_backward,
    sum_forward,
)
from refimpl._structure import leaves, map_leaves
from refimpl.cases import CASES

rng = np.random.default_rng(0)
NAMES = [name for name, op in OPS.items() if op.family in ("elementary", "products", "shapes")]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_returned_is_a_view_of_what_was_given(name):
    """Changing an output or a gradient in place changes nothing else."""
    op = OPS[name]
    for case in CASES[name]:
        y, cache = op.forward(**case.arguments)
        g = map_leaves(np.ones_like, y)
        returned = [y, *(x for _, x in leaves(op.backward(g, cache)))]
        given = [x for _, x in leaves([*case.arguments.values()]) if isinstance(x, np.ndarray)]
        for a, b in [*itertools.product(returned, [*given, g]), *itertools.combinations(returned, 2)]:
            assert not np.shares_memory(a, b), case.name
        assert all(x.flags.writeable for x in returned), case.name


def test_add_by_hand():
    y, cache = add_forward([[1.0, 2], [3, 4]], [10.0, 20], alpha=0.5)
    np.testing.assert_array_equal(y, [[6, 12], [8, 14]])
    grads = add_backward([[1.0, 2], [3, 5]], cache)
    np.testing.assert_array_equal(grads["input"], [[1, 2], [3, 5]])
    np.testing.assert_array_equal(grads["other"], [2, 3.5])


def test_multiply_by_hand():
    y, cache = multiply_forward([[1.0], [3]], [10.0, 20])
    np.testing.assert_array_equal(y, [[10, 20], [30, 60]])
    grads = multiply_backward([[1.0, 2], [3, 5]], cache)
    np.testing.assert_array_equal(grads["input"], [[1 * 10 + 2 * 20], [3 * 10 + 5 * 20]])
    np.testing.assert_array_equal(grads["other"], [1 * 1 + 3 * 3, 2 * 1 + 5 * 3])


def test_multiplied_by_itself_it_is_the_square():
    """Several uses: the two gradients of x x add up to 2 x."""
    x, g = rng.standard_normal((2, 5))
    grads = multiply_backward(g, multiply_forward(x, x)[1])
    np.testing.assert_allclose(grads["input"] + grads["other"], 2 * x * g, rtol=1e-15)


def test_mean_is_the_sum_over_its_number():
    x, g = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4))
    total, sum_cache = sum_forward(x, 1)
    mean, mean_cache = mean_forward(x, 1)
    np.testing.assert_allclose(mean, total / 3, rtol=1e-15)
    np.testing.assert_array_equal(sum_backward(g, sum_cache)["input"], np.repeat(g[:, None, :], 3, axis=1))
    np.testing.assert_array_equal(mean_backward(g, mean_cache)["input"], np.repeat(g[:, None, :] / 3, 3, axis=1))


def test_the_mean_of_nothing_is_nan_and_its_sum_0():
    assert np.isnan(mean_forward(np.zeros((0, 3)))[0])
    np.testing.assert_array_equal(mean_forward(np.zeros((0, 2)), 0)[0], [np.nan, np.nan])
    assert sum_forward(np.zeros((0, 3)))[0] == 0


@pytest.mark.parametrize(
    ("a", "b", "equation"),
    [
        ((3,), (3,), "i,i->"),
        ((3,), (3, 4), "i,ij->j"),
        ((2, 3), (3,), "ij,j->i"),
        ((2, 3), (3, 4), "ij,jk->ik"),
        ((5, 2, 3), (5, 3, 4), "bij,bjk->bik"),
        ((5, 1, 2, 3), (6, 3, 4), "...ij,...jk->...ik"),
    ],
)
def test_matmul_and_einsum_are_each_other(a, b, equation):
    a, b = rng.integers(-9, 10, a).astype(float), rng.integers(-9, 10, b).astype(float)
    y, cache = matmul_forward(a, b)
    same, einsum_cache = einsum_forward(equation, a, b)
    np.testing.assert_array_equal(y, same)
    g = rng.integers(-9, 10, y.shape).astype(float)
    grads, others = matmul_backward(g, cache), einsum_backward(g, einsum_cache)
    np.testing.assert_array_equal(grads["input"], others["operand1"])
    np.testing.assert_array_equal(grads["other"], others["operand2"])


def einsum_by_loops(equation, a, b):
    """Every value of every letter, one after another."""
    (first, second), output = equation.partition("->")[0].split(","), equation.partition("->")[2]
    extents = dict([*zip(first, a.shape, strict=True), *zip(second, b.shape, strict=True)])
    y = np.zeros([extents[letter] for letter in output])
    for values in itertools.product(*map(range, extents.values())):
        at = dict(zip(extents, values, strict=True))
        y[tuple(at[k] for k in output)] += a[tuple(at[k] for k in first)] * b[tuple(at[k] for k in second)]
    return y


@pytest.mark.parametrize(
    "equation",
    [
        "ij,jk->ik",
        "ij,kj->ki",
        "iij,jk->ki",
        "ii,jj->",
        "ijk,l->jl",
        "bij,bkj->ibk",
        "ij,ij->i",
        "i,j->ji",
        "iji,ji->j",
    ],
)
def test_einsum_letter_by_letter(equation):
    first, second = equation.partition("->")[0].split(",")
    extent = dict(zip("ijklb", (2, 3, 4, 5, 2), strict=True))
    a, b = (rng.integers(-9, 10, [extent[k] for k in letters]).astype(float) for letters in (first, second))
    np.testing.assert_array_equal(einsum_forward(equation, a, b)[0], einsum_by_loops(equation, a, b))


def test_a_diagonal_gets_its_gradient_on_the_diagonal():
    _, cache = einsum_forward("ii,i->", np.ones((3, 3)), np.array([1.0, 2, 4]))
    np.testing.assert_array_equal(einsum_backward(10.0, cache)["operand1"], np.diag([10, 20, 40]))


def test_concatenated_arrays_get_their_parts_back_in_their_own_dtype():
    x = [np.ones((2, 1), np.float16), np.ones((2, 2), np.float64), np.ones((2, 1), np.float32)]
    y, cache = concatenate_forward(x, dim=1)
    assert y.dtype == np.float64
    grads = concatenate_backward(np.arange(8.0).reshape(2, 4), cache)["tensors"]
    assert [grad.dtype.name for grad in grads] == ["float16", "float64", "float32"]
    np.testing.assert_array_equal(grads[1], [[1, 2], [5, 6]])
    assert isinstance(concatenate_backward(y, concatenate_forward(tuple(x), 1)[1])["tensors"], tuple)


def test_a_network_written_by_hand():
    """x W^T + b, averaged over the rows, by elementary pairs: the gradients of the linear layer."""
    x, w, b, g = (rng.standard_normal(shape) for shape in ((4, 3), (2, 3), (2,), (2,)))
    w_t, transposed = refimpl.transpose_forward(w, 0, 1)
    s, product = matmul_forward(x, w_t)
    y, added = add_forward(s, b)
    _, averaged = mean_forward(y, 0)
    grad_y = mean_backward(g, averaged)["input"]
    adding = add_backward(grad_y, added)
    product_grads = matmul_backward(adding["input"], product)
    grad_w = refimpl.transpose_backward(product_grads["other"], transposed)["input"]
    expected = refimpl.linear_backward(np.tile(g / 4, (4, 1)), refimpl.linear_forward(x, w, b)[1])
    np.testing.assert_allclose(product_grads["input"], expected["input"], rtol=1e-14)
    np.testing.assert_allclose(grad_w, expected["weight"], rtol=1e-14)
    np.testing.assert_allclose(adding["other"], expected["bias"], rtol=1e-14)
