"""What the random ops draw: the distribution, not only the gradient. Seeds are fixed; bounds are of the statistic."""

import math

import numpy as np
import pytest
from scipy import stats

import refimpl
from refimpl import gumbel_softmax_forward, rrelu_backward, rrelu_forward, softmax_forward
from refimpl.layers.dropout import ALPHA

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


# Dropout. Each bound is five standard deviations of what is estimated: with fixed seeds, chance plays no part.

N = 400_000
SIGMAS = 5
CHANNELS = {
    "dropout1d": (500, 80, 3),
    "dropout2d": (500, 80, 2, 3),
    "dropout3d": (500, 80, 2, 1, 3),
    "feature_alpha_dropout": (500, 80, 2, 3),
}
RATES = (0.01, 0.25, 0.5, 0.9)


def dropped(op, x, p, rng):
    """Of a positive x what is kept is positive, and what is left out 0 or negative."""
    return getattr(refimpl, f"{op}_forward")(x, p, training=True, rng=rng)[0]


def assert_rate(found, count, rate):
    """`found` of `count` independent draws happened."""
    assert abs(found / count - rate) <= SIGMAS * math.sqrt(rate * (1 - rate) / count)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("op", ["dropout", "alpha_dropout"])
def test_dropout_leaves_out_the_rate_asked_for(op, p):
    y = dropped(op, np.ones(N), p, rng=0)
    left_out = y <= 0
    assert_rate(left_out.sum(), N, p)
    assert len(np.unique(y)) == 2
    # Neighbours are independent: both are left out as often as p^2 says.
    assert_rate((left_out[::2] & left_out[1::2]).sum(), N // 2, p * p)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize(("op", "shape"), CHANNELS.items())
def test_channel_dropout_leaves_out_whole_channels_at_the_rate_asked_for(op, shape, p):
    left_out = dropped(op, np.ones(shape), p, rng=1) <= 0
    channels = left_out.reshape(*shape[:2], -1)
    np.testing.assert_array_equal(channels.all(axis=2), channels.any(axis=2))
    assert_rate(channels[:, :, 0].sum(), shape[0] * shape[1], p)
    # Of every channel in some samples, of every sample in some channels: neither index decides alone.
    if p == 0.5:
        assert 0 < channels[:, :, 0].mean(axis=0).min() < channels[:, :, 0].mean(axis=0).max() < 1
        assert 0 < channels[:, :, 0].mean(axis=1).min() < channels[:, :, 0].mean(axis=1).max() < 1


@pytest.mark.parametrize(("op", "shape"), [("dropout1d", (1000, 4)), ("dropout3d", (1000, 1, 2, 2))])
def test_channel_dropout_without_a_batch_draws_for_each_channel(op, shape):
    channels = (dropped(op, np.ones(shape), 0.3, rng=2) == 0).reshape(shape[0], -1)
    np.testing.assert_array_equal(channels.all(axis=1), channels.any(axis=1))
    assert_rate(channels[:, 0].sum(), shape[0], 0.3)


@pytest.mark.parametrize("p", RATES)
def test_dropout_keeps_the_mean(p):
    """Of x and its dropped y: E y = x, and the variance of y is x^2 p / (1 - p)."""
    y = dropped("dropout", np.full(N, 1.75), p, rng=3)
    variance = 1.75**2 * p / (1 - p)
    assert abs(y.mean() - 1.75) <= SIGMAS * math.sqrt(variance / N)
    np.testing.assert_allclose(y.var(), variance, rtol=0.1)


@pytest.mark.parametrize("p", RATES)
@pytest.mark.parametrize("op", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_0_and_variance_1(op, p):
    x = np.random.default_rng(4).standard_normal((N // 100, 100))
    y = dropped(op, x, p, rng=5)
    count = x.size
    assert abs(y.mean()) <= SIGMAS / math.sqrt(count)
    a, shift = ((1 - p) * (1 + p * ALPHA**2)) ** -0.5, ALPHA * p
    # E (x + s)^4 = 3 + 6 s^2 + s^4 for a normal x
    fourth_moment = (1 - p) * a**4 * (3 + 6 * shift**2 + shift**4) + p * (a * (shift - ALPHA)) ** 4
    assert abs((y**2).mean() - 1) <= SIGMAS * math.sqrt((fourth_moment - 1) / count)


@pytest.mark.parametrize("op", ["dropout", "alpha_dropout", *CHANNELS])
def test_dropout_same_seed_same_mask(op):
    x = np.ones(CHANNELS.get(op, (100, 80)))
    np.testing.assert_array_equal(dropped(op, x, 0.5, rng=7), dropped(op, x, 0.5, rng=7))
    np.testing.assert_array_equal(dropped(op, x, 0.5, rng=7), dropped(op, x, 0.5, rng=np.random.default_rng(7)))
    assert np.any(dropped(op, x, 0.5, rng=7) != dropped(op, x, 0.5, rng=8))
    moving = np.random.default_rng(7)
    assert np.any(dropped(op, x, 0.5, rng=moving) != dropped(op, x, 0.5, rng=moving))


@pytest.mark.parametrize("op", ["dropout", "alpha_dropout", *CHANNELS])
def test_dropout_mask_depends_on_neither_dtype_nor_p(op):
    """One draw per entry: of two rates, what the smaller one leaves out the larger one leaves out too."""
    shape = CHANNELS.get(op, (100, 80))
    masks = [dropped(op, np.ones(shape, dtype), p, rng=9) < 0.1 for dtype, p in (("float64", 0.3), ("float32", 0.3))]
    np.testing.assert_array_equal(masks[0], masks[1])
    more = dropped(op, np.ones(shape), 0.6, rng=9) < 0.1
    assert np.all(more | ~masks[0])
    assert more.sum() > masks[0].sum()


def test_dropout_mask_is_held_in_bytes():
    _, cache = refimpl.dropout_forward(np.ones((3, 1000), np.float32), rng=0)
    assert cache.keep.dtype == np.bool_
    _, cache = refimpl.dropout2d_forward(np.ones((3, 5, 100, 100)), rng=0)
    assert cache.keep.shape == (3, 5, 1, 1)


def test_dropout_mask_of_many_blocks_is_one_draw_from_the_seed():
    """Drawn block by block, but from one stream: block after block, and none of them twice."""
    size = 3 * 2**16 + 17
    y = dropped("dropout", np.ones(size), 0.5, rng=10)
    np.testing.assert_array_equal(y != 0, np.random.default_rng(10).random(size, dtype=np.float32) >= np.float32(0.5))
