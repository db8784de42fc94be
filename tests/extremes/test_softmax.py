"""Softmax's relatives on rows where digits are lost; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    gumbel_softmax_backward,
    gumbel_softmax_forward,
    log_softmax_backward,
    log_softmax_forward,
    logsumexp_backward,
    logsumexp_forward,
    softmax_backward,
    softmax_forward,
    softmin_backward,
    softmin_forward,
)

FORWARD, BACKWARD = 3, 8  # ulps that a row may cost
DIGITS = 760


def rows():
    rng = np.random.default_rng(0)
    yield np.array([60.0, 0.0])
    yield np.array([700.0, 0.0, -40.0])
    yield np.array([0.1, -669.7, 40.3])
    yield np.array([2.0, 2.0, 2.0])
    yield np.array([1e8, 1e8 + 1, 1e8 - 3])
    yield np.array([1e15, 1e15 + 2, 1e15 - 4])
    yield np.array([-1e300, -1e300, 1.0])
    yield np.array([5e-324, 0.0])
    yield np.array([3.0, -np.inf, 2.0])
    for scale in (1e-3, 1.0, 30.0, 200.0):
        for classes in (2, 3, 10):
            x = scale * rng.standard_normal(classes)
            yield x
            yield x + 1e6


ROWS = [pytest.param(x, id=str(i)) for i, x in enumerate(rows())]


def exact(x):
    """Probabilities and the logarithm of the sum; the largest exponential is 1, and the sum of the others apart."""
    numbers = [mpmath.mpf(float(v)) for v in x]
    k = int(np.argmax(x))
    e = [mpmath.exp(v - numbers[k]) for v in numbers]
    rest = mpmath.fsum(v for i, v in enumerate(e) if i != k)
    p = [v / (1 + rest) for v in e]
    log_p = [v - numbers[k] - mpmath.log1p(rest) for v in numbers]
    return p, log_p, numbers[k] + mpmath.log1p(rest)


def exact_vjp(p, g):
    """p_i (g_i - mean), and p_i times the largest |g_j - mean|, in whose ulps it is measured: where g_i happens to lie
    next to the mean, their difference is known to an ulp of the terms."""
    numbers = [mpmath.mpf(float(v)) for v in g]
    mean = mpmath.fsum(v * q for v, q in zip(numbers, p, strict=True))
    largest = max(abs(v - mean) for v in numbers)
    return [q * (v - mean) for v, q in zip(numbers, p, strict=True)], [q * largest for q in p]


def distance(computed, exact, terms):
    """The largest |computed - exact| in ulps of the terms, or of the exact value where that is larger."""
    unit = [np.spacing(float(max(abs(e), abs(t)))) for e, t in zip(exact, terms, strict=True)]
    error = [float(abs(mpmath.mpf(float(c)) - e)) for c, e in zip(np.ravel(computed), exact, strict=True)]
    return max(e / u for e, u in zip(error, unit, strict=True))


def gradients_of(x):
    """Seeded numbers no two of which are alike: where all agree with the mean, the gradient is rounding."""
    return np.random.default_rng(len(x)).permutation(np.linspace(-1.7, 2.3, len(x)))


@pytest.mark.parametrize("x", ROWS)
def test_softmax(x):
    g = gradients_of(x)
    with mpmath.workdps(DIGITS):
        p, log_p, _ = exact(x)
        grad, terms = exact_vjp(p, g)
        total = mpmath.fsum(mpmath.mpf(float(v)) for v in g)
        log_grad = [mpmath.mpf(float(v)) - q * total for v, q in zip(g, p, strict=True)]
        for forward, backward, sign in (
            (softmax_forward, softmax_backward, 1),
            (softmin_forward, softmin_backward, -1),
        ):
            y, cache = forward(sign * x, dim=0)
            assert ulp_distance(y, p).max() <= FORWARD
            assert distance(sign * backward(g, cache)["input"], grad, terms) <= BACKWARD
        y, cache = log_softmax_forward(x, dim=0)
        finite = np.isfinite(x)
        assert ulp_distance(y[finite], [v for v, kept in zip(log_p, finite, strict=True) if kept]).max() <= FORWARD
        terms = [mpmath.mpf(float(v)) for v in g]
        assert distance(log_softmax_backward(g, cache)["input"], log_grad, terms) <= BACKWARD


@pytest.mark.parametrize(
    ("x", "g"),
    [
        ([60.0, 0.0], [1.0, 1e-6]),
        ([0.0, 30.0, -1.0], [1e-7, -3.0, 2e-7]),
        ([5.0, 2.0, -40.0, 1.0], [0.7, 1.3, 0.2, 2.1]),
    ],
)
def test_float32_gradients_of_a_confident_row(x, g):
    """At the maximum g_i - p_i sum_j g_j is g_i (1 - p_i) - p_i (the sum of the others), which may be far below g_i."""
    x, g = np.array(x, np.float32), np.array(g, np.float32)
    with mpmath.workdps(DIGITS):
        p, _, _ = exact(x)
        numbers = [mpmath.mpf(float(v)) for v in g]
        total = mpmath.fsum(numbers)
        expected = [v - q * total for v, q in zip(numbers, p, strict=True)]
        gradient = log_softmax_backward(g, log_softmax_forward(x, dim=0)[1])["input"]
        assert gradient.dtype == np.float32
        assert ulp_distance(gradient, expected).max() <= BACKWARD


@pytest.mark.parametrize("x", ROWS)
def test_logsumexp(x):
    y, cache = logsumexp_forward(x, 0)
    gradient = logsumexp_backward(np.array(1.0), cache)["input"]
    with mpmath.workdps(DIGITS):
        p, _, total = exact(x)
        assert distance(y, [total], [mpmath.mpf(float(x.max()))]) <= FORWARD  # y may be less than its terms
        assert ulp_distance(gradient, p).max() <= BACKWARD


@pytest.mark.parametrize("tau", [1.0, 0.03, 40.0])
@pytest.mark.parametrize("x", ROWS[:8])
def test_gumbel_softmax(x, tau):
    """Against the z that were rounded, which the cache holds."""
    y, cache = gumbel_softmax_forward(x, tau, rng=1)
    g = gradients_of(x)
    with mpmath.workdps(DIGITS):
        p, _, _ = exact(cache.perturbed)
        assert ulp_distance(y, p).max() <= FORWARD
        grad, terms = ([v / mpmath.mpf(tau) for v in values] for values in exact_vjp(p, g))
        assert distance(gumbel_softmax_backward(g, cache)["logits"], grad, terms) <= BACKWARD


def test_limits():
    """PyTorch's values, which are the limits: the sum of exponentials is 0 or infinite."""
    x = np.array([[-np.inf, -np.inf], [np.inf, 1.0], [np.inf, np.inf], [np.nan, 1.0], [1.0, -np.inf]])
    np.testing.assert_array_equal(logsumexp_forward(x, 1)[0], [-np.inf, np.inf, np.inf, np.nan, 1])
    assert logsumexp_forward(np.array([1e308, 1e308]), 0)[0] == 1e308
