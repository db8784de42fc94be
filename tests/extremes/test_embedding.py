"""Embeddings at the ends of the range: rows rescaled to a norm, and means whose sum overflows."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import embedding_backward, embedding_bag_backward, embedding_bag_forward, embedding_forward

ROW = 3  # ulps: what numerics.md asks of a row's forward


def exact_row(row, max_norm, order):
    """max_norm row / (norm + 1e-7) where the norm is above max_norm, at 60 digits."""
    with mpmath.workdps(60):
        x = [mpmath.mpf(float(v)) for v in row]
        if order == float("inf"):
            norm = max(abs(v) for v in x)
        else:
            norm = mpmath.fsum(abs(v) ** order for v in x) ** (mpmath.mpf(1) / order)
        if norm <= mpmath.mpf(max_norm):
            return x
        return [v * mpmath.mpf(max_norm) / (norm + mpmath.mpf(1e-7)) for v in x]


@pytest.mark.parametrize("order", [1, 2, 3, float("inf")])
@pytest.mark.parametrize(
    ("size", "max_norm"),
    [
        (1.0, 0.5),
        (1e-3, 1e-4),
        (1e160, 3.0),
        (1e300, 1e155),
        (1e-160, 1e-165),
        (1e-300, 1e-302),
        (1e-5, 7.0),
        (1e200, 1e201),
    ],
)
def test_rescaled_rows_keep_their_digits(size, max_norm, order):
    rows = size * np.random.default_rng(0).uniform(-1, 1, (20, 5))
    y, _ = embedding_forward(np.arange(20), rows, max_norm=max_norm, norm_type=order)
    for found, row in zip(y, rows, strict=True):
        assert ulp_distance(found, exact_row(row, max_norm, order)).max() <= ROW


def test_rescaled_rows_of_float32():
    rows = (1e30 * np.random.default_rng(0).uniform(-1, 1, (20, 5))).astype(np.float32)
    y, _ = embedding_forward(np.arange(20), rows, max_norm=2.0)
    for found, row in zip(y, rows, strict=True):
        assert ulp_distance(found, exact_row(row, 2.0, 2)).max() <= ROW


def test_rows_of_zeros_and_of_the_largest_numbers():
    largest = np.finfo(np.float64).max
    y, _ = embedding_forward([0, 1], np.array([[0.0, 0.0], [largest, -largest]]), max_norm=2.0)
    np.testing.assert_array_equal(y[0], 0)
    np.testing.assert_allclose(y[1], [2**0.5, -(2**0.5)], rtol=1e-15)
    y, _ = embedding_forward([0], np.array([[5e-324, 0.0]]), max_norm=1.0)
    np.testing.assert_array_equal(y, [[5e-324, 0]])


def test_a_gradient_of_thousands_of_tokens_is_added_up_once_each():
    """2^53 + 1 + 1 + ...: in float64 each single 1 is lost, which shows that nothing is reordered; alone they count."""
    index = np.zeros(4097, dtype=np.int64)
    _, cache = embedding_forward(index, np.zeros((2, 1)))
    g = np.ones((4097, 1))
    np.testing.assert_array_equal(embedding_backward(g, cache)["weight"], [[4097], [0]])
    g[0] = 2.0**53
    np.testing.assert_array_equal(embedding_backward(g, cache)["weight"], [[2.0**53], [0]])


def test_the_mean_of_a_bag_survives_where_the_sum_overflows():
    table = np.array([[1.5e308], [1.2e308]])
    y, cache = embedding_bag_forward([0, 1, 1], table, [0, 2], mode="mean")
    np.testing.assert_allclose(y, [[1.35e308], [1.2e308]], rtol=1e-15)
    np.testing.assert_array_equal(embedding_bag_backward([[1.0], [1.0]], cache)["weight"], [[0.5], [1.5]])


def test_an_infinite_row_stays_in_its_bag():
    y, _ = embedding_bag_forward([0, 1, 1], np.array([[np.inf], [2.0]]), [0, 1], mode="sum")
    np.testing.assert_array_equal(y, [[np.inf], [4]])
