"""What the random ops draw: the distribution, not only the gradient. Seeds are fixed; bounds are of the statistic."""

import numpy as np
import pytest
from scipy import stats

from refimpl import gumbel_softmax_forward, rrelu_backward, rrelu_forward, softmax_forward

DRAWS = 40_000
UNLIKELY = 1e-3  # a p-value below this fails


@pytest.mark.parametrize(("lower", "upper"), [(1 / 8, 1 / 3), (-0.5, 0.9)])
def test_rrelu_slopes_are_uniform(lower, upper):
    x = -np.ones(DRAWS)
    y, cache = rrelu_forward(x, lower, upper, training=True, rng=1)
    slopes = -y
    assert lower <= slopes.min() < slopes.max() < upper
    assert stats.kstest(slopes, stats.uniform(lower, upper - lower).cdf).pvalue > UNLIKELY
    # mean and variance within four standard errors; the fourth central moment of a uniform one is width^4 / 80
    width = upper - lower
    assert abs(slopes.mean() - (lower + upper) / 2) < 4 * width / np.sqrt(12 * DRAWS)
    assert abs(slopes.var() - width**2 / 12) < 4 * width**2 * np.sqrt((1 / 80 - 1 / 144) / DRAWS)
    np.testing.assert_array_equal(rrelu_backward(np.ones(DRAWS), cache)["input"], slopes)


def test_rrelu_slopes_do_not_depend_on_each_other():
    y, _ = rrelu_forward(-np.ones((DRAWS // 2, 2)), training=True, rng=2)
    assert stats.pearsonr(y[:, 0], y[:, 1]).pvalue > UNLIKELY
    assert stats.pearsonr(y[:-1, 0], y[1:, 0]).pvalue > UNLIKELY


def test_rrelu_in_the_mean_is_the_one_of_evaluation():
    x = np.array([-2.0, -0.5, 0.0, 3.0])
    generator = np.random.default_rng(3)
    drawn = np.mean([rrelu_forward(x, training=True, rng=generator)[0] for _ in range(4000)], axis=0)
    # the standard error of the mean slope is 0.06 / sqrt(4000) = 0.00095
    np.testing.assert_allclose(drawn, rrelu_forward(x)[0], rtol=0, atol=4 * 2 * 0.00095)


@pytest.mark.parametrize("tau", [0.3, 1.0, 5.0])
def test_gumbel_softmax_chooses_with_the_probabilities_of_softmax(tau):
    logits = np.log([0.5, 0.2, 0.2, 0.07, 0.03])
    y, _ = gumbel_softmax_forward(np.tile(logits, (DRAWS, 1)), tau, hard=True, rng=4)
    assert set(np.unique(y)) == {0, 1}
    np.testing.assert_array_equal(y.sum(axis=1), 1)
    expected = softmax_forward(logits, dim=0)[0] * DRAWS
    assert stats.chisquare(y.sum(axis=0), expected).pvalue > UNLIKELY


def test_gumbel_softmax_noise_is_gumbels():
    """Of two classes log(p / q) is the difference of the logits and of two Gumbel numbers, a logistic one."""
    y, _ = gumbel_softmax_forward(np.tile([0.7, 0.0], (DRAWS, 1)), 2.0, rng=5)
    log_odds = 2.0 * np.log(y[:, 0] / y[:, 1])
    assert stats.kstest(log_odds, stats.logistic(0.7).cdf).pvalue > UNLIKELY
    y, cache = gumbel_softmax_forward(np.zeros(DRAWS), rng=6)
    assert stats.kstest(cache.perturbed, stats.gumbel_r.cdf).pvalue > UNLIKELY
    assert stats.pearsonr(cache.perturbed[:-1], cache.perturbed[1:]).pvalue > UNLIKELY


@pytest.mark.parametrize(
    "draw",
    [
        lambda x, rng: rrelu_forward(x, training=True, rng=rng)[0],
        lambda x, rng: gumbel_softmax_forward(x, rng=rng)[0],
    ],
    ids=["rrelu", "gumbel_softmax"],
)
def test_activation_seeds(draw):
    """The same seed the same draw, in every layout and dtype; a generator moves on; another seed another draw."""
    x = -np.random.default_rng(7).uniform(1, 2, (30, 40))
    first = draw(x, 8)
    np.testing.assert_array_equal(draw(x, 8), first)
    np.testing.assert_array_equal(draw(np.asfortranarray(x), 8), first)
    np.testing.assert_array_equal(draw(x, np.random.default_rng(8)), first)
    np.testing.assert_allclose(draw(x.astype(np.float32), 8), first, rtol=2e-5)
    generator = np.random.default_rng(8)
    assert not np.array_equal(draw(x, generator), draw(x, generator))
    assert not np.array_equal(draw(x, 9), first)


def test_rrelu_draws_across_blocks():
    """The array is walked in blocks; no block repeats another's draws."""
    y, _ = rrelu_forward(-np.ones(200_000), training=True, rng=9)
    assert len(np.unique(y)) == 200_000
