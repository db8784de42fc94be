"""Attention where digits are lost: confident rows, large scores, gaps; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import scaled_dot_product_attention_backward, scaled_dot_product_attention_forward

DIGITS = 400
ULPS = 4  # that sums of few terms may cost
# The score's distance from the largest one is rounded before its exponential is taken: half an ulp of the distance is
# up to as many ulps of the exponential as the distance is large.
GAP = 1


def rows():
    rng = np.random.default_rng(0)
    yield np.array([60.0, 0.0])
    yield np.array([700.0, 0.0, -40.0])
    yield np.array([0.1, -669.7, 40.3])
    yield np.array([2.0, 2.0, 2.0])
    yield np.array([1e8, 1e8 + 1, 1e8 - 3])
    yield np.array([1e15, 1e15 + 2, 1e15 - 4])
    yield np.array([-1e300, -1e300, 1.0])
    yield np.array([3.0, -np.inf, 2.0])
    for size in (1e-3, 1.0, 5.0, 30.0, 200.0):
        for keys in (2, 3, 10):
            yield size * rng.standard_normal(keys)


ROWS = [pytest.param(scores, id=str(i)) for i, scores in enumerate(rows())]


def exact(scores):
    """The probabilities, and each score's distance from the largest."""
    numbers = [mpmath.mpf(float(s)) for s in scores]
    largest = max(numbers)
    e = [mpmath.exp(s - largest) for s in numbers]
    return [v / mpmath.fsum(e) for v in e], np.array([float(largest - s) for s in numbers])


def attend(scores, values, g, key=None):
    """One query that meets a key per score: as the mask, or as keys of one feature times 1, which is exact."""
    zero = np.zeros((len(scores), 1))
    k, mask = (zero, scores[None]) if key is None else (key[:, None], None)
    y, cache = scaled_dot_product_attention_forward([[1.0]], k, values[:, None], mask, scale=1.0)
    return y.item(), scaled_dot_product_attention_backward([[g]], cache)


@pytest.mark.parametrize("scores", ROWS)
def test_mean_and_gradients(scores):
    rng = np.random.default_rng(len(scores))
    values, g = rng.uniform(0.5, 2, len(scores)), 1.25
    y, grads = attend(scores, values, g)
    with mpmath.workdps(DIGITS):
        p, gap = exact(scores)
        v = [mpmath.mpf(float(x)) for x in values]
        mean = mpmath.fsum(a * b for a, b in zip(p, v, strict=True))
        assert ulp_distance(y, mean) <= ULPS
        kept = np.isfinite(scores)
        distance = ulp_distance(grads["value"][:, 0], [q * g for q in p])
        assert (distance <= ULPS + GAP * np.where(kept, gap, 0)).all()
        for j in np.flatnonzero(kept):
            error = abs(mpmath.mpf(float(grads["attn_mask"][0, j])) - p[j] * (v[j] - mean) * g)
            # In ulps of p_j v_j g; of a likely key, of what the others sum up to, with the largest of their gaps.
            others = mpmath.fsum(q * abs(x - v[j]) for q, x in zip(p, v, strict=True))
            size, distance = (v[j], gap[j]) if p[j] < 8 / 9 else (others, np.sort(gap[kept])[1])
            assert error <= (2 * ULPS + GAP * distance) * np.spacing(float(p[j] * size * g))


@pytest.mark.parametrize("gap", [3.0, 10.0, 40.0, 100.0, 600.0])
def test_a_confident_query_learns_from_the_other_keys(gap):
    """p (1 - p) (v_0 - v_1): the factor 1 - p has all its digits, and is not what p next to 1 leaves."""
    _, grads = attend(np.zeros(2), np.array([1.1, 0.2]), 1.0, key=np.array([gap, 0.0]))
    with mpmath.workdps(DIGITS):
        rest = mpmath.exp(-mpmath.mpf(gap))
        slope = rest / (1 + rest) ** 2 * (mpmath.mpf(1.1) - mpmath.mpf(0.2))
        assert ulp_distance(grads["query"].item(), slope * gap) <= 8
        assert ulp_distance(grads["key"][:, 0], [slope, -slope]).max() <= 8


def test_values_near_the_largest_number():
    """Their mean is a number, though the sum that the weights are taken out of may be four of them."""
    values = np.array([1.0, 0.5, 1.0, 0.75]) * 2.0**1021
    y, _ = attend(np.zeros(4), values, 1.0)
    assert y == 3.25 / 4 * 2.0**1021


def test_limits():
    """PyTorch's values: a row without keys is 0, a score of inf or NaN leaves no number in its row, and in no other."""
    q, k, v = np.ones((4, 1)), np.ones((2, 1)), np.array([[1.0], [3.0]])
    mask = np.array([[-np.inf, -np.inf], [np.inf, 0], [np.nan, 0], [0, -np.inf]])
    y, cache = scaled_dot_product_attention_forward(q, k, v, mask)
    np.testing.assert_array_equal(y, [[0], [np.nan], [np.nan], [1]])
    grads = scaled_dot_product_attention_backward(np.ones((4, 1)), cache)
    np.testing.assert_array_equal(grads["query"], [[0], [np.nan], [np.nan], [0]])
    np.testing.assert_array_equal(grads["attn_mask"], [[0, 0], [np.nan] * 2, [np.nan] * 2, [0, 0]])


def test_large_queries_in_float16_are_computed_in_float32():
    """The score 300 * 300 is no float16."""
    q, k = np.full((1, 1), 300, np.float16), np.array([[300], [299]], np.float16)
    y, _ = scaled_dot_product_attention_forward(q, k, np.array([[2], [1]], np.float16))
    assert y.dtype == np.float16
    assert y == 2
