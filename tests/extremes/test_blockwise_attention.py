"""Block-wise attention on scores that are large, far apart or missing; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import blockwise_attention_backward, blockwise_attention_forward

FORWARD = 6  # ulps: an exponential of a difference that is exact here, and one more for each new maximum
ROWS = {
    "rising": [-40.0, -3.5, 0.0, 22.25, 60.0],
    "falling": [60.0, 22.25, 0.0, -3.5, -40.0],
    "tied": [2.0, 2.0, 2.0],
    "at an offset": [1e8, 1e8 + 1, 1e8 - 3, 1e8 + 4],
    "at a negative offset": [-1e15, -1e15 + 2, -1e15 - 4],
    "far apart": [-700.0, 0.0, -740.0, 3.0],
    "huge": [1e300, -1e300, 1e300],
}


def exact(scores):
    """The softmax, at 60 digits and with the maximum taken out."""
    with mpmath.workdps(60):
        e = [mpmath.exp(mpmath.mpf(s) - mpmath.mpf(max(scores))) for s in scores]
        return [value / mpmath.fsum(e) for value in e]


def weights(scores, dtype, key_block):
    """The probabilities of one query, as the output of values that are unit vectors, and forward's cache."""
    keys = np.array(scores, dtype=dtype)[:, None]
    output, cache = blockwise_attention_forward(
        np.ones((1, 1), dtype), keys, np.eye(len(keys), dtype=dtype), key_block=key_block
    )
    return output[0], cache


@pytest.mark.parametrize("key_block", [1, 2, 128])
@pytest.mark.parametrize("name", ROWS)
def test_weights(name, key_block):
    found, _ = weights(ROWS[name], np.float64, key_block)
    assert ulp_distance(found, exact(ROWS[name])).max() <= FORWARD


@pytest.mark.parametrize("key_block", [1, 2, 128])
@pytest.mark.parametrize("name", ["rising", "falling", "tied"])
def test_weights_in_float32(name, key_block):
    found, _ = weights(ROWS[name], np.float32, key_block)
    assert found.dtype == np.float32
    assert ulp_distance(found, exact(ROWS[name])).max() <= FORWARD


@pytest.mark.parametrize("name", ["rising", "falling", "tied", "far apart"])
def test_backward_knows_the_weights_to_the_rounding_of_log_sum(name):
    """p = exp(s - log_sum): a rounding of log_sum is a relative error of as much in all of a row, and one of the
    difference s - log_sum in each of it."""
    scores = ROWS[name]
    _, cache = weights(scores, np.float64, 2)
    g = np.zeros((1, len(scores)))
    g[0, 0] = 1
    found = blockwise_attention_backward(g, cache)["value"][:, 0]
    bound = 4 + abs(cache.log_sum[0]) + np.abs(np.array(scores) - cache.log_sum[0])
    assert np.all(ulp_distance(found, exact(scores)) <= bound)


@pytest.mark.parametrize("seed", range(3))
def test_random_rows(seed):
    """Scores in sixteenths up to 30 apart, which one feature of 1 gives exactly."""
    scores = list(np.random.default_rng(seed).integers(-240, 241, 40) / 16)
    found, _ = weights(scores, np.float64, 7)
    assert ulp_distance(found, exact(scores)).max() <= FORWARD


def test_the_scale_comes_before_the_product():
    """q k would be 1e400; the scores are 1e100 and 2e100, and the second key takes all."""
    output, cache = blockwise_attention_forward([[1e200]], [[1e200], [2e200]], [[3.0], [5.0]], scale=1e-300)
    np.testing.assert_array_equal(output, [[5.0]])
    np.testing.assert_array_equal(blockwise_attention_backward([[1.0]], cache)["value"], [[0.0], [1.0]])


def test_float16_scores_beyond_its_range():
    """Scores of 90,000 and 89,700 (float16 ends at 65,504), computed in float32."""
    query, keys = np.full((1, 1), 300, np.float16), np.array([[300], [299]], np.float16)
    output, cache = blockwise_attention_forward(query, keys, np.array([[1], [2]], np.float16), key_block=1)
    assert output.dtype == np.float16
    np.testing.assert_array_equal(output, [[1]])
    gradients = blockwise_attention_backward(np.ones((1, 1), np.float16), cache)
    np.testing.assert_array_equal(gradients["value"], [[1], [0]])


@pytest.mark.parametrize("key_block", [1, 2, 128])
def test_scores_without_a_maximum(key_block):
    """-inf counts as a key not seen; inf has no softmax, as NaN."""
    values = [[1.0], [2.0], [4.0]]
    for scores, expected in (
        ([-np.inf, 1.0, -np.inf], 2),
        ([-np.inf] * 3, 0),
        ([1.0, np.inf, 2.0], np.nan),
        ([1.0, np.nan, 2.0], np.nan),
    ):
        output, _ = blockwise_attention_forward([[1.0]], np.array(scores)[:, None], values, key_block=key_block)
        np.testing.assert_array_equal(output, [[expected]])
