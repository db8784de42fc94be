"""Embeddings by hand, entry by entry, and sums over segments."""

import numpy as np
import pytest

from refimpl import embedding_backward, embedding_bag_backward, embedding_bag_forward, embedding_forward
from refimpl._segments import segment_sum

rng = np.random.default_rng(0)
TABLE = np.array([[1.0, -2, 3], [4, 5, -6], [1, 5, 2], [0, 1, 7]])


def test_rows_are_picked_and_their_gradients_added_up():
    y, cache = embedding_forward([[1, 3], [1, 0]], TABLE)
    np.testing.assert_array_equal(y, [[[4, 5, -6], [0, 1, 7]], [[4, 5, -6], [1, -2, 3]]])
    grad = embedding_backward([[[1.0, 0, 2], [3, 1, 1]], [[10, 20, 30], [0, 0, 5]]], cache)["weight"]
    np.testing.assert_array_equal(grad, [[0, 0, 5], [11, 20, 32], [0, 0, 0], [3, 1, 1]])


@pytest.mark.parametrize("padding_idx", [1, -3])
def test_the_padding_is_in_the_output_but_gets_no_gradient(padding_idx):
    y, cache = embedding_forward([1, 2], TABLE, padding_idx)
    np.testing.assert_array_equal(y, TABLE[[1, 2]])
    grad = embedding_backward(np.ones((2, 3)), cache)["weight"]
    np.testing.assert_array_equal(grad, [[0, 0, 0], [0, 0, 0], [1, 1, 1], [0, 0, 0]])


def test_long_rows_are_rescaled_and_the_table_is_left_alone():
    table = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    before = table.copy()
    y, cache = embedding_forward([0, 1, 2, 0], table, max_norm=1)
    np.testing.assert_array_equal(table, before)
    np.testing.assert_allclose(y[0], [3 / (5 + 1e-7), 4 / (5 + 1e-7)], rtol=1e-15)
    np.testing.assert_array_equal(y[1:3], table[1:])
    np.testing.assert_array_equal(y[3], y[0])
    grad = embedding_backward(np.ones((4, 2)), cache)["weight"]
    np.testing.assert_array_equal(grad, [[2, 2], [1, 1], [1, 1]])


def test_a_row_as_long_as_max_norm_stays():
    y, _ = embedding_forward([0], np.array([[3.0, 4.0]]), max_norm=5.0)
    np.testing.assert_array_equal(y, [[3, 4]])


def test_by_frequency_repeated_indices_average():
    _, cache = embedding_forward([2, 0, 2, 2], TABLE, scale_grad_by_freq=True)
    g = np.array([[3.0, 0, 0], [5, 5, 5], [6, 0, 1], [0, 9, 2]])
    grad = embedding_backward(g, cache)["weight"]
    np.testing.assert_allclose(grad, [[5, 5, 5], [0, 0, 0], [3, 3, 1], [0, 0, 0]], rtol=1e-15)


def bag_by_loops(index, offsets, table, mode, weights, padding):
    """Forward and gradients, position by position, of integers: exact."""
    ends = [*offsets[1:], len(index)]
    y, g = np.zeros((len(offsets), 3)), np.arange(1.0, 3 * len(offsets) + 1).reshape(-1, 3)
    grad_table, grad_weights = np.zeros_like(table), np.zeros(len(index))
    for b, (start, end) in enumerate(zip(offsets, ends, strict=True)):
        members = [n for n in range(start, end) if index[n] != padding]
        if not members:
            continue
        for d in range(3):
            column = [weights[n] * table[index[n], d] for n in members]
            if mode == "max":
                winner = members[int(np.argmax(column))]
                y[b, d] = max(column)
                grad_table[index[winner], d] += g[b, d]
                continue
            divisor = len(members) if mode == "mean" else 1
            y[b, d] = sum(column) / divisor
            for n in members:
                grad_table[index[n], d] += weights[n] * g[b, d] / divisor
                grad_weights[n] += g[b, d] * table[index[n], d]
    return y, g, grad_table, grad_weights


@pytest.mark.parametrize("padding", [None, 0, 3])
@pytest.mark.parametrize("mode", ["sum", "mean", "max", "weighted"])
def test_bags_position_by_position(mode, padding):
    index, offsets = np.array([1, 3, 1, 0, 3, 3, 2, 3]), [0, 3, 3, 6, 7]
    weights = np.array([1.0, 2, -1, 3, 5, 2, -2, 4]) if mode == "weighted" else np.ones(8)
    given = {"per_sample_weights": weights} if mode == "weighted" else {}
    mode = "sum" if mode == "weighted" else mode
    y, g, grad_table, grad_weights = bag_by_loops(index, offsets, TABLE, mode, weights, padding)
    found, cache = embedding_bag_forward(index, TABLE, offsets, mode=mode, padding_idx=padding, **given)
    grads = embedding_bag_backward(g, cache)
    np.testing.assert_allclose(found, y, rtol=1e-15)
    np.testing.assert_allclose(grads["weight"], grad_table, rtol=1e-14)
    if given:
        np.testing.assert_array_equal(grads["per_sample_weights"], grad_weights)


def test_rows_of_a_matrix_are_bags():
    index, weights = rng.integers(0, 4, (5, 3)), rng.standard_normal((5, 3))
    y, cache = embedding_bag_forward(index, TABLE, mode="sum", per_sample_weights=weights)
    flat, flat_cache = embedding_bag_forward(
        index.reshape(-1), TABLE, np.arange(0, 15, 3), mode="sum", per_sample_weights=weights.reshape(-1)
    )
    np.testing.assert_array_equal(y, flat)
    g = rng.standard_normal((5, 3))
    grads, flat_grads = embedding_bag_backward(g, cache), embedding_bag_backward(g, flat_cache)
    np.testing.assert_array_equal(grads["weight"], flat_grads["weight"])
    np.testing.assert_array_equal(grads["per_sample_weights"], flat_grads["per_sample_weights"].reshape(5, 3))


def test_at_a_tie_the_first_of_the_bag_gets_the_gradient():
    for index, winner in (([2, 1], 2), ([1, 2], 1)):
        _, cache = embedding_bag_forward(index, TABLE, [0], mode="max")
        grad = embedding_bag_backward([[1.0, 10, 100]], cache)["weight"]
        assert grad[winner, 1] == 10
        assert grad[3 - winner, 1] == 0


def test_a_maximum_below_zero_and_of_nan():
    y, cache = embedding_bag_forward([0, 1], np.array([[-5.0], [-7.0]]), [0, 2], mode="max")
    np.testing.assert_array_equal(y, [[-5], [0]])
    np.testing.assert_array_equal(embedding_bag_backward([[2.0], [3.0]], cache)["weight"], [[2], [0]])
    y, cache = embedding_bag_forward([0, 1, 1], np.array([[-5.0], [np.nan]]), [0], mode="max")
    assert np.isnan(y)
    np.testing.assert_array_equal(embedding_bag_backward([[2.0]], cache)["weight"], [[0], [2]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_segment_sum_is_add_at(shape, dtype):
    values = rng.integers(-9, 10, (50, *shape)).astype(dtype)
    segment, factor = rng.integers(0, 7, 50), rng.integers(1, 5, 50)
    expected = np.zeros((9, *shape), dtype=dtype)
    np.add.at(expected, segment, values)
    found = segment_sum(values, segment, 9)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == dtype
    weighted = np.zeros((9, *shape), dtype=dtype)
    np.add.at(weighted, segment, (values.T * factor).T.astype(dtype))
    np.testing.assert_array_equal(segment_sum(values, segment, 9, factor.astype(dtype)), weighted)


def test_segment_sum_of_nothing():
    np.testing.assert_array_equal(segment_sum(np.zeros((0, 2)), np.zeros(0, dtype=int), 3), np.zeros((3, 2)))
    assert segment_sum(np.zeros((0, 2)), np.zeros(0, dtype=int), 0).shape == (0, 2)


def test_segment_sum_touches_no_other_segment():
    """An infinite value stays where it belongs: nothing is multiplied by 0."""
    found = segment_sum(np.array([[np.inf, 1.0], [2.0, np.nan]]), np.array([2, 0]), 4)
    np.testing.assert_array_equal(found, [[2, np.nan], [0, 0], [np.inf, 1], [0, 0]])
