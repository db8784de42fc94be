"""Attention by loops, in blocks and in one, and what its masks and its dropout mean."""

import math
import tracemalloc

import numpy as np
import pytest

from refimpl import scaled_dot_product_attention_backward, scaled_dot_product_attention_forward

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape)


def both(g, *arguments, **options):
    y, cache = scaled_dot_product_attention_forward(*arguments, **options)
    return y, scaled_dot_product_attention_backward(g, cache)


def assert_same(one, other, tolerance=1e-13):
    (y, grads), (expected, expected_grads) = one, other
    np.testing.assert_allclose(y, expected, rtol=0, atol=tolerance)
    for name in ("query", "key", "value"):
        np.testing.assert_allclose(grads[name], expected_grads[name], rtol=0, atol=tolerance, err_msg=name)


def test_by_loops():
    """Two batches of two heads, one number after the other."""
    q, k, v, b = draw(2, 2, 3, 4), draw(2, 2, 5, 4), draw(2, 2, 5, 2), draw(2, 3, 5)
    y, _ = scaled_dot_product_attention_forward(q, k, v, b)
    for n, h, i in np.ndindex(2, 2, 3):
        s = [sum(q[n, h, i, e] * k[n, h, j, e] for e in range(4)) / 2 + b[h, i, j] for j in range(5)]
        weights = [math.exp(x) / sum(math.exp(x) for x in s) for x in s]
        for f in range(2):
            assert y[n, h, i, f] == pytest.approx(sum(w * v[n, h, j, f] for j, w in enumerate(weights)), rel=1e-13)


@pytest.mark.parametrize(("queries", "keys"), [(300, 300), (300, 140), (140, 300), (128, 128), (129, 128), (300, 1)])
def test_causal_is_its_mask_however_the_queries_are_cut(queries, keys):
    """Blocks of 128 queries, the last one shorter, against one block with the mask written out."""
    q, k, v, g = draw(2, queries, 3), draw(2, keys, 3), draw(2, keys, 2), draw(2, queries, 2)
    seen = np.arange(keys) <= np.arange(queries)[:, None]
    assert_same(both(g, q, k, v, is_causal=True), both(g, q, k, v, seen))


def test_causal_queries_do_not_see_what_comes_later():
    q, k, v = draw(1, 5, 3), draw(1, 5, 3), draw(1, 5, 2)
    y, cache = scaled_dot_product_attention_forward(q, k, v, is_causal=True)
    changed_k, changed_v = k.copy(), v.copy()
    changed_k[:, 3:], changed_v[:, 3:] = 100, -100
    later, _ = scaled_dot_product_attention_forward(q, changed_k, changed_v, is_causal=True)
    np.testing.assert_array_equal(later[:, :3], y[:, :3])
    g = np.zeros_like(y)
    g[:, 2] = 1
    grads = scaled_dot_product_attention_backward(g, cache)
    assert not grads["key"][:, 3:].any()
    assert not grads["value"][:, 3:].any()
    assert grads["value"][:, :3].all()


def test_a_boolean_mask_is_a_floating_one_of_0_and_minus_infinity():
    q, k, v, g = draw(2, 4, 3), draw(2, 5, 3), draw(2, 5, 2), draw(2, 4, 2)
    seen = rng.random((2, 4, 5)) < 0.6
    seen[:, 1] = False
    floating = np.where(seen, 0.0, -np.inf)
    boolean, added = both(g, q, k, v, seen), both(g, q, k, v, floating)
    assert_same(boolean, added, tolerance=0)
    assert set(boolean[1]) == {"query", "key", "value"}
    assert not added[1]["attn_mask"][~seen].any()


@pytest.mark.parametrize(
    "shape", [(5,), (1, 5), (4, 5), (3, 1, 5), (3, 4, 5), (2, 1, 4, 5), (2, 3, 4, 5), (2, 3, 1, 5)]
)
def test_a_mask_that_broadcasts_is_one_that_is_repeated(shape):
    q, k, v, g, b = draw(2, 3, 4, 2), draw(2, 3, 5, 2), draw(2, 3, 5, 2), draw(2, 3, 4, 2), draw(*shape)
    one, whole = both(g, q, k, v, b), both(g, q, k, v, np.array(np.broadcast_to(b, (2, 3, 4, 5))))
    assert_same(one, whole, tolerance=0)
    aligned = whole[1]["attn_mask"]
    full = (1,) * (4 - len(shape)) + shape
    summed = aligned.sum(axis=tuple(i for i in range(4) if full[i] == 1), keepdims=True).reshape(shape)
    np.testing.assert_allclose(one[1]["attn_mask"], summed, rtol=0, atol=1e-14)


def test_leading_axes_that_broadcast_are_repeated():
    q, k, v, g = draw(2, 1, 3, 4), draw(3, 5, 4), draw(1, 5, 2), draw(2, 3, 3, 2)
    y, grads = both(g, q, k, v)
    whole = [np.array(np.broadcast_to(x, (2, 3, *x.shape[-2:]))) for x in (q, k, v)]
    expected, expected_grads = both(g, *whole)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-14)
    np.testing.assert_allclose(grads["query"], expected_grads["query"].sum(axis=1, keepdims=True), atol=1e-14)
    np.testing.assert_allclose(grads["key"], expected_grads["key"].sum(axis=0), atol=1e-14)
    np.testing.assert_allclose(grads["value"], expected_grads["value"].sum(axis=(0, 1))[None], atol=1e-14)


def test_the_order_of_the_keys_does_not_matter():
    q, k, v, g, b = draw(4, 3), draw(6, 3), draw(6, 2), draw(4, 2), draw(4, 6)
    order = rng.permutation(6)
    y, grads = both(g, q, k, v, b)
    shuffled, others = both(g, q, k[order], v[order], b[:, order])
    np.testing.assert_allclose(shuffled, y, rtol=0, atol=1e-14)
    np.testing.assert_allclose(others["query"], grads["query"], rtol=0, atol=1e-14)
    np.testing.assert_allclose(others["key"], grads["key"][order], rtol=0, atol=1e-14)
    np.testing.assert_allclose(others["attn_mask"], grads["attn_mask"][:, order], rtol=0, atol=1e-14)


def test_dropout_leaves_out_weights_and_scales_the_others():
    """With the identity as values the output is the weights themselves."""
    q, k, identity = draw(40, 3), draw(50, 3), np.eye(50)
    weights, _ = scaled_dot_product_attention_forward(q, k, identity)
    dropped, cache = scaled_dot_product_attention_forward(q, k, identity, dropout_p=0.25, rng=3)
    kept = dropped != 0
    assert abs(kept.mean() - 0.75) < 0.03  # 2000 draws: three standard deviations
    np.testing.assert_allclose(dropped[kept], weights[kept] / 0.75, rtol=1e-13)
    np.testing.assert_array_equal(cache.keep, kept)
    again, _ = scaled_dot_product_attention_forward(q, k, identity, dropout_p=0.25, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again, dropped)


def test_the_cache_holds_no_probabilities():
    """Beyond arguments and output two numbers for each query, and a bit of dropout for each score."""
    q, k, v = draw(2, 6, 3), draw(2, 50, 3), draw(2, 50, 2)
    for options, beyond in (({}, 2 * 2 * 6 * 8), ({"dropout_p": 0.5, "rng": 0}, 2 * 2 * 6 * 8 + 2 * 6 * 50)):
        y, cache = scaled_dot_product_attention_forward(q, k, v, **options)
        held = [field for field in cache if isinstance(field, np.ndarray)]
        assert sum(x.nbytes for x in held if not any(x is shared for shared in (q, k, v, y))) == beyond


def test_one_head_of_scores_is_held_at_a_time():
    """And with is_causal 128 queries of one."""
    q = draw(16, 300, 2)
    scores = 300 * 300 * 8
    for options, most in (({}, 2.6 * scores), ({"is_causal": True}, 1.6 * scores)):
        tracemalloc.start()
        y, cache = scaled_dot_product_attention_forward(q, q, q, **options)
        scaled_dot_product_attention_backward(y, cache)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak - 6 * q.nbytes < most
