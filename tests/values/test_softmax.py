"""Softmax's relatives against formulas written out."""

import numpy as np
import pytest

from refimpl import (
    gumbel_softmax_backward,
    gumbel_softmax_forward,
    log_softmax_forward,
    logsumexp_backward,
    logsumexp_forward,
    softmax_forward,
    softmin_forward,
)

rng = np.random.default_rng(0)


@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize("dim", [0, -1, (0, 2), (2, 1), (0, 1, 2), [1]])
def test_logsumexp_over_any_axes(dim, keepdim):
    x = rng.standard_normal((2, 3, 4))
    axes = dim if isinstance(dim, int) else tuple(dim)
    y, cache = logsumexp_forward(x, dim, keepdim)
    total = np.exp(x).sum(axis=axes, keepdims=True)
    np.testing.assert_allclose(y, np.log(total if keepdim else np.squeeze(total, axes)), rtol=1e-14)
    g = rng.standard_normal(y.shape)
    expected = g.reshape(total.shape) * np.exp(x) / total
    np.testing.assert_allclose(logsumexp_backward(g, cache)["input"], expected, rtol=1e-13)


def test_a_sequence_of_log_probabilities():
    """Adding a column to the sum: logsumexp(x, c) = log(exp(logsumexp(x)) + exp(c)), in two steps."""
    x, c = rng.standard_normal((5, 3)), rng.standard_normal((5, 1))
    whole, _ = logsumexp_forward(np.hstack([x, c]), 1)
    part, _ = logsumexp_forward(x, 1, keepdim=True)
    np.testing.assert_allclose(logsumexp_forward(np.hstack([part, c]), 1)[0], whole, rtol=1e-14)
    np.testing.assert_allclose(whole, c[:, 0] - log_softmax_forward(np.hstack([x, c]), dim=1)[0][:, 3], rtol=1e-14)


def test_softmin_converts_first():
    x = rng.standard_normal((2, 3)).astype(np.float32)
    p, _ = softmin_forward(x, 1, np.float64)
    np.testing.assert_array_equal(p, softmax_forward(-x.astype(np.float64), 1)[0])


def test_gumbel_softmax_keeps_no_more_than_one_array_of_its_own():
    logits = rng.standard_normal((3, 4))
    _, cache = gumbel_softmax_forward(logits, rng=0)
    assert cache.logits is logits
    assert sum(isinstance(field, np.ndarray) for field in cache) == 2


def test_gumbel_softmax_scales_its_gradient_by_the_temperature():
    """At the same perturbed logits, tau times hotter: the gradient is tau times smaller."""
    logits, g = rng.standard_normal((2, 3, 4))
    noise = np.random.default_rng(1).gumbel(size=(3, 4))
    one, cache = gumbel_softmax_forward(logits, rng=1)
    hot, hot_cache = gumbel_softmax_forward(4 * (logits + noise) - noise, 4.0, rng=1)
    np.testing.assert_allclose(hot, one, rtol=1e-13)
    expected = gumbel_softmax_backward(g, cache)["logits"] / 4
    np.testing.assert_allclose(gumbel_softmax_backward(g, hot_cache)["logits"], expected, rtol=1e-12, atol=1e-15)
