"""The likelihoods against the distributions they come from, and the shapes a variance may have."""

import numpy as np
import pytest
from scipy import stats

from refimpl import (
    gaussian_nll_loss_backward,
    gaussian_nll_loss_forward,
    poisson_nll_loss_backward,
    poisson_nll_loss_forward,
)

rng = np.random.default_rng(0)
X, T = rng.standard_normal((2, 2, 3, 4))
G = rng.standard_normal((2, 3, 4))


def test_full_gaussian_is_the_log_density():
    v = rng.uniform(0.3, 3, X.shape)
    values, _ = gaussian_nll_loss_forward(X, T, v, full=True, reduction="none")
    np.testing.assert_allclose(values, -stats.norm.logpdf(T, loc=X, scale=np.sqrt(v)), rtol=1e-13)


def test_full_poisson_is_nearly_the_log_probability():
    """Stirling is below log t! by less than 1 / (12 t); at t = 0 and 1, where log t! is 0, it is left out."""
    t = np.arange(12.0)
    rate = rng.uniform(0.5, 8, 12)
    values, _ = poisson_nll_loss_forward(rate, t, log_input=False, full=True, eps=0, reduction="none")
    missing = -stats.poisson.logpmf(t, rate) - values
    np.testing.assert_allclose(missing[:2], 0, atol=1e-13)
    assert (missing[2:] > 0).all()
    assert (missing[2:] < 1 / (12 * t[2:])).all()


def test_a_log_rate_and_its_rate_are_one_distribution():
    t = rng.poisson(3, X.shape).astype(float)
    for full in (False, True):
        by_log, log_cache = poisson_nll_loss_forward(X, t, full=full, reduction="none")
        by_rate, rate_cache = poisson_nll_loss_forward(np.exp(X), t, False, full, 0.0, "none")
        np.testing.assert_allclose(by_rate, by_log, rtol=1e-13)
        grad_log, grad_rate = poisson_nll_loss_backward(G, log_cache), poisson_nll_loss_backward(G, rate_cache)
        np.testing.assert_allclose(grad_rate["input"] * np.exp(X), grad_log["input"], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(grad_rate["target"], grad_log["target"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("full", [False, True])
def test_stirlings_term_sets_in_above_one(full):
    """At t = 1 itself it is left out, in the loss and in the gradient: PyTorch's convention."""
    values, cache = poisson_nll_loss_forward([0.5], [1.0], full=full, reduction="none")
    assert values == np.exp(0.5) - 0.5
    np.testing.assert_array_equal(poisson_nll_loss_backward([1.0], cache)["target"], [-0.5])


@pytest.mark.parametrize("shape", [(2, 3, 1), (2, 1, 4), (1, 3, 4), (2, 3)])
def test_a_repeated_variance_is_the_same_as_one_written_out(shape):
    v = rng.uniform(0.3, 3, shape)
    written_out = np.broadcast_to(v if v.ndim == 3 else v[..., None], X.shape)
    for reduction in ("none", "mean", "sum"):
        output, cache = gaussian_nll_loss_forward(X, T, v, reduction=reduction)
        expected, full_cache = gaussian_nll_loss_forward(X, T, written_out, reduction=reduction)
        np.testing.assert_array_equal(output, expected)
        g = G if reduction == "none" else np.array(0.7)
        gradients, expected = gaussian_nll_loss_backward(g, cache), gaussian_nll_loss_backward(g, full_cache)
        np.testing.assert_array_equal(gradients["input"], expected["input"])
        repeated = tuple(i for i, extent in enumerate((*shape, 1)[:3]) if extent == 1)
        summed = expected["var"].sum(axis=repeated).reshape(shape)
        np.testing.assert_allclose(gradients["var"], summed, rtol=1e-13)


def test_a_variance_given_as_a_number_is_a_constant():
    for x, t in ((X, T), (X.astype(np.float32), T.astype(np.float32))):
        output, cache = gaussian_nll_loss_forward(x, t, 0.5)
        expected, array_cache = gaussian_nll_loss_forward(x, t, np.full_like(x, 0.5))
        assert output == expected
        assert output.dtype == x.dtype
        gradients = gaussian_nll_loss_backward(1.0, cache)
        assert set(gradients) == {"input", "target"}
        np.testing.assert_array_equal(gradients["input"], gaussian_nll_loss_backward(1.0, array_cache)["input"])


def test_below_eps_the_gradient_is_that_at_eps():
    """PyTorch's figures: var = 1e-4 with eps = 1e-2 and a residual of 1 gives (1e-2 - 1) / (2e-4) = -4950."""
    _, cache = gaussian_nll_loss_forward([1.0], [0.0], [1e-4], eps=1e-2)
    assert gaussian_nll_loss_backward(1.0, cache)["var"] == pytest.approx(-4950, rel=1e-14)


def test_counts_that_are_no_counts_are_taken():
    """As in PyTorch: the formula asks for no integer, and a negative target is a number like any other."""
    values, _ = poisson_nll_loss_forward([1.0, 1.0], [0.5, -2.0], reduction="none")
    np.testing.assert_allclose(values, [np.e - 0.5, np.e + 2], rtol=1e-15)
