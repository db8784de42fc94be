"""Normalizations of a sample: blocks, dtypes and what the cache holds; their identities stand in the derivation."""

import numpy as np
import pytest

from refimpl import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
    rms_norm_backward,
    rms_norm_forward,
)

rng = np.random.default_rng(0)
WIDE = 40_000  # two rows of it are more than a block


@pytest.mark.parametrize("width", [WIDE, 700])
@pytest.mark.parametrize(
    ("forward", "backward"), [(layer_norm_forward, layer_norm_backward), (rms_norm_forward, rms_norm_backward)]
)
def test_many_blocks_are_the_rows_one_by_one(forward, backward, width):
    x, g = rng.standard_normal((2, 3 * 2**16 // width, width))
    w = rng.standard_normal(width)
    y, cache = forward(x, (width,), w)
    grads = backward(g, cache)
    weight = np.zeros(width)
    for i in range(len(x)):
        one, one_cache = forward(x[i], (width,), w)
        one_grads = backward(g[i], one_cache)
        np.testing.assert_array_equal(one, y[i])
        np.testing.assert_array_equal(one_grads["input"], grads["input"][i])
        weight += one_grads["weight"]
    np.testing.assert_allclose(grads["weight"], weight, rtol=0, atol=1e-10)


def test_many_groups_are_the_samples_one_by_one():
    x, g = rng.standard_normal((2, 5, 6, 9000))
    w, b = rng.standard_normal((2, 6))
    y, cache = group_norm_forward(x, 3, w, b)
    grad_x = group_norm_backward(g, cache)["input"]
    for i in range(5):
        one, one_cache = group_norm_forward(x[i : i + 1], 3, w, b)
        np.testing.assert_array_equal(one[0], y[i])
        np.testing.assert_array_equal(group_norm_backward(g[i : i + 1], one_cache)["input"][0], grad_x[i])


def test_the_cache_holds_a_few_numbers_per_row():
    """The input itself, and four numbers for each row or two: no normalized input."""
    x = rng.standard_normal((7, 100))
    cache = layer_norm_forward(x, (100,))[1]
    assert cache.input is x
    assert [field.shape for field in cache.moments] == [(7, 1)] * 4
    cache = rms_norm_forward(x, (100,))[1]
    assert [field.shape for field in cache.moments if field is not None] == [(7, 1)] * 2


def test_eps_left_out_is_that_of_the_dtype_computed_in():
    x = np.array([[1e-3, 1e-3]])
    for dtype, eps in (("float64", 2.0**-52), ("float32", 2.0**-23), ("float16", 2.0**-23)):
        row = x.astype(dtype)
        expected = row[0, 0] / np.sqrt(np.float64(row[0, 0]) ** 2 + eps)
        np.testing.assert_allclose(
            rms_norm_forward(row, (2,))[0], [[expected] * 2], rtol=1e-3 if dtype == "float16" else 1e-7
        )


def test_mixed_dtypes_answer_in_the_widest_and_each_gradient_in_its_own():
    y, cache = layer_norm_forward(np.ones((2, 3), np.float32), (3,), np.ones(3), np.ones(3, np.float16))
    assert y.dtype == np.float64
    dtypes = {name: g.dtype.name for name, g in layer_norm_backward(np.ones((2, 3)), cache).items()}
    assert dtypes == {"input": "float32", "weight": "float64", "bias": "float16"}


def test_nan_and_infinity_stay_in_their_row():
    x = np.array([[1.0, np.nan, 2.0], [1.0, 2.0, 4.0], [1.0, np.inf, 2.0]])
    y, cache = layer_norm_forward(x, (3,))
    assert np.isnan(y[[0, 2]]).all()
    np.testing.assert_array_equal(y[1], layer_norm_forward(x[1], (3,))[0])
    grad_x = layer_norm_backward(np.array([[1.0, 2, 4]] * 3), cache)["input"]
    assert np.isnan(grad_x[[0, 2]]).all()
    assert np.isfinite(grad_x[1]).all()
