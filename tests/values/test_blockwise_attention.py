"""Block-wise attention is attention, however the rows are cut, and holds to what no query sees having no effect."""

import numpy as np
import pytest

from refimpl import (
    blockwise_attention_backward,
    blockwise_attention_forward,
    scaled_dot_product_attention_backward,
    scaled_dot_product_attention_forward,
    sliding_window_mask,
)
from refimpl.cases import CASES


def visible(queries, keys, is_causal, window):
    """By the definition, pair by pair."""
    seen = np.ones((queries, keys), dtype=bool)
    for i in range(queries):
        for j in range(keys):
            seen[i, j] = not (is_causal and j > i) and (window is None or abs(i - j) < window)
    return seen


def dense(g, query, key, value, is_causal=False, scale=None, window=None, query_block=128, key_block=128):
    """Output and gradients with all scores and the softmax's whole Jacobian at once; 0 where a query sees no key."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    seen = visible(query.shape[-2], key.shape[-2], is_causal, window)
    e = np.exp(scale * np.einsum("...ie,...je->...ij", query, key)) * seen
    p = e / np.where(seen.any(axis=-1), e.sum(axis=-1), 1)[..., None]
    jacobian = p[..., None] * np.eye(key.shape[-2]) - p[..., None] * p[..., None, :]
    grad_s = np.einsum("...ijk,...ie,...je->...ik", jacobian, g, value) * scale
    gradients = {
        "query": np.einsum("...ij,...je->...ie", grad_s, key),
        "key": np.einsum("...ij,...ie->...je", grad_s, query),
        "value": np.einsum("...ij,...ie->...je", p, g),
    }
    return p @ value, gradients


def assert_dense(arguments, tolerance=1e-13):
    rng = np.random.default_rng(0)
    output, cache = blockwise_attention_forward(**arguments)
    g = rng.standard_normal(output.shape)
    expected, expected_gradients = dense(g, **arguments)
    gradients = blockwise_attention_backward(g, cache)
    for a, b in ((output, expected), *((gradients[name], expected_gradients[name]) for name in gradients)):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1, np.abs(b).max(initial=0.0)))


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=c.name) for c in CASES["blockwise_attention"] if c.arguments["query"].shape[-1]]
)
def test_cases(case):
    assert_dense(case.arguments)


@pytest.mark.parametrize("seed", range(40))
def test_random_shapes_and_blocks(seed):
    """Lengths from 1 to 40 and blocks from 1 to 50, so that few divide and some hold all."""
    rng = np.random.default_rng(seed)
    queries, keys = rng.integers(1, 41, 2)
    leading = tuple(rng.integers(1, 4, rng.integers(0, 3)))
    features, values = rng.integers(1, 9, 2)
    assert_dense(
        {
            "query": rng.standard_normal((*leading, queries, features)),
            "key": rng.standard_normal((*leading, keys, features)),
            "value": rng.standard_normal((*leading, keys, values)),
            "is_causal": bool(rng.integers(2)),
            "window": (None, None, int(rng.integers(1, 12)))[rng.integers(3)],
            "query_block": int(rng.integers(1, 51)),
            "key_block": int(rng.integers(1, 51)),
        }
    )


def test_a_query_that_sees_one_key_takes_its_value():
    rng = np.random.default_rng(1)
    q, k, v, g = rng.standard_normal((4, 5, 3))
    output, cache = blockwise_attention_forward(q, k, v, window=1, query_block=2, key_block=3)
    np.testing.assert_array_equal(output, v)
    gradients = blockwise_attention_backward(g, cache)
    np.testing.assert_array_equal(gradients["value"], g)
    np.testing.assert_allclose(gradients["query"], 0, atol=1e-15)
    np.testing.assert_allclose(gradients["key"], 0, atol=1e-15)


def test_a_query_that_sees_no_key_gives_nothing_and_gets_nothing():
    rng = np.random.default_rng(2)
    q, k, v = rng.standard_normal((6, 2)), rng.standard_normal((2, 2)), rng.standard_normal((2, 3))
    output, cache = blockwise_attention_forward(q, k, v, window=2, query_block=4, key_block=1)
    gradients = blockwise_attention_backward(np.ones((6, 3)), cache)
    assert np.all(output[3:] == 0)
    assert np.all(gradients["query"][3:] == 0)
    assert np.all(output[:3] != 0)


@pytest.mark.parametrize(("is_causal", "window"), [(True, None), (True, 2), (False, 2)])
def test_what_is_not_seen_has_no_effect(is_causal, window):
    """In output and gradients of query 3: changed keys and values are those that it does not see."""
    rng = np.random.default_rng(3)
    q, k, v = rng.standard_normal((3, 7, 2))
    g = np.zeros((7, 2))
    g[3] = 1
    options = {"is_causal": is_causal, "window": window, "query_block": 2, "key_block": 2}
    unseen = ~visible(7, 7, is_causal, window)[3]
    assert 0 < unseen.sum() < 7
    output, cache = blockwise_attention_forward(q, k, v, **options)
    gradients = blockwise_attention_backward(g, cache)
    other, _ = blockwise_attention_forward(q, k + unseen[:, None], v - unseen[:, None], **options)
    np.testing.assert_array_equal(other[3], output[3])
    for name in ("key", "value"):
        assert np.all(gradients[name][unseen] == 0)
        assert np.all(gradients[name][~unseen] != 0)


def test_log_sum_is_that_of_the_scores():
    """What a kernel writer compares intermediate results with, in natural logarithms."""
    rng = np.random.default_rng(4)
    q, k = rng.standard_normal((5, 4)), rng.standard_normal((7, 4))
    _, cache = blockwise_attention_forward(q, k, k, scale=0.5, query_block=2, key_block=3)
    np.testing.assert_allclose(cache.log_sum, np.log(np.exp(q @ k.T / 2).sum(axis=1)), rtol=1e-15)


def test_by_hand():
    """Scores (0, log 3): weights 1/4 and 3/4 of the values 0 and 4, whether the larger comes first or second."""
    query, keys, values = [[1.0]], [[0.0], [np.log(3)]], [[0.0], [4.0]]
    for order in (slice(None), slice(None, None, -1)):
        output, cache = blockwise_attention_forward(query, keys[order], values[order], key_block=1)
        np.testing.assert_allclose(output, [[3]], rtol=1e-15)
        gradients = blockwise_attention_backward([[2.0]], cache)
        # grad_p = (0, 8), D = 6, so grad_s = (1/4 (0 - 6), 3/4 (8 - 6))
        np.testing.assert_allclose(gradients["value"], np.array([[1 / 2], [3 / 2]])[order], rtol=1e-15)
        np.testing.assert_allclose(gradients["key"], np.array([[-3 / 2], [3 / 2]])[order], rtol=1e-15)
        np.testing.assert_allclose(gradients["query"], [[3 / 2 * np.log(3)]], rtol=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_scaled_dot_product_attention(seed):
    """With the same mask, over random shapes, of lengths up to 200 and blocks that do not divide them."""
    rng = np.random.default_rng(100 + seed)
    queries, keys = (int(n) for n in rng.integers(1, 201, 2))
    leading = tuple(rng.integers(1, 3, rng.integers(0, 3)))
    features, values = rng.integers(1, 17, 2)
    q, k, v, g = (
        rng.standard_normal((*leading, *shape))
        for shape in ((queries, features), (keys, features), (keys, values), (queries, values))
    )
    is_causal, window = bool(seed % 2), (None, int(rng.integers(1, 60)))[seed // 2 % 2]
    blocks = {"query_block": int(rng.integers(1, 90)), "key_block": int(rng.integers(1, 90))}
    output, cache = blockwise_attention_forward(q, k, v, is_causal, window=window, **blocks)
    mask = None if window is None else sliding_window_mask(queries, keys, window, is_causal)
    expected, dense_cache = scaled_dot_product_attention_forward(q, k, v, mask, is_causal=is_causal and window is None)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-14)
    gradients = blockwise_attention_backward(g, cache)
    expected_gradients = scaled_dot_product_attention_backward(g, dense_cache)
    for name, gradient in gradients.items():
        expected = expected_gradients[name]
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-13 * max(1, np.abs(expected).max()))
