"""Normalizations of a batch: the new running statistics, blocks of channels, and what changes nothing."""

import numpy as np
import pytest

from refimpl import (
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_running_stats,
    instance_norm_forward,
    instance_norm_running_stats,
)

rng = np.random.default_rng(0)
x = rng.standard_normal((4, 3, 5))
mean, var = rng.standard_normal(3), rng.uniform(0.5, 2, 3)


def test_running_statistics_are_numpys_moments():
    new_mean, new_var = batch_norm_running_stats(x, mean, var, 0.3)
    np.testing.assert_allclose(new_mean, 0.7 * mean + 0.3 * x.mean(axis=(0, 2)), rtol=1e-14)
    np.testing.assert_allclose(new_var, 0.7 * var + 0.3 * x.var(axis=(0, 2), ddof=1), rtol=1e-14)
    new_mean, new_var = instance_norm_running_stats(x, mean, var, 0.3)
    np.testing.assert_allclose(new_mean, 0.7 * mean + 0.3 * x.mean(axis=2).mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(new_var, 0.7 * var + 0.3 * x.var(axis=2, ddof=1).mean(axis=0), rtol=1e-14)


def test_running_statistics_that_many_steps_approach():
    """With batches of one distribution they come to its mean and variance."""
    current = np.zeros(3), np.ones(3)
    for _ in range(300):
        batch = 2 + 3 * rng.standard_normal((16, 3))
        current = batch_norm_running_stats(batch, *current, momentum=0.02)
    np.testing.assert_allclose(current[0], 2, atol=0.4)
    np.testing.assert_allclose(current[1], 9, rtol=0.2)


@pytest.mark.parametrize("function", [batch_norm_running_stats, instance_norm_running_stats])
def test_running_statistics_are_new_arrays(function):
    before = mean.copy(), var.copy()
    function(x, mean, var)
    np.testing.assert_array_equal((mean, var), before)
    empty = function(np.zeros((0, 3, 2)), mean, var)
    np.testing.assert_array_equal(empty, before)
    assert not np.shares_memory(empty[0], mean)
    narrow = function(x.astype(np.float32), mean.astype(np.float32), var)
    assert [statistic.dtype.name for statistic in narrow] == ["float32", "float64"]


@pytest.mark.parametrize("function", [batch_norm_running_stats, instance_norm_running_stats])
def test_running_statistics_refuse_what_forward_refuses(function):
    name = function.__name__
    with pytest.raises(ValueError, match=rf"^{name}: running_mean must have shape \(channels,\) = \(3,\), got \(2,\)$"):
        function(x, mean[:2], var)
    with pytest.raises(TypeError, match=f"^{name}: running_var must be given, got None$"):
        function(x, mean, None)
    with pytest.raises(ValueError, match=f"^{name}: input must have more than one "):
        function(x[:1, :, :1], mean, var)
    with pytest.raises(ValueError, match=f"^{name}: momentum must be a number, got nan$"):
        function(x, mean, var, momentum=np.nan)


def test_forward_changes_no_running_statistics():
    before = mean.copy(), var.copy()
    batch_norm_forward(x, mean, var, training=True)
    instance_norm_forward(x, mean, var)
    np.testing.assert_array_equal((mean, var), before)


def test_many_blocks_are_the_channels_one_by_one():
    """A channel of 30,000 entries: two of them are nearly a block."""
    wide, g = rng.standard_normal((2, 10, 5, 3000))
    y, cache = batch_norm_forward(wide, None, None, training=True)
    grad_x = batch_norm_backward(g, cache)["input"]
    for c in range(5):
        one, one_cache = batch_norm_forward(wide[:, c : c + 1], None, None, training=True)
        np.testing.assert_array_equal(one[:, 0], y[:, c])
        np.testing.assert_array_equal(batch_norm_backward(g[:, c : c + 1], one_cache)["input"][:, 0], grad_x[:, c])
