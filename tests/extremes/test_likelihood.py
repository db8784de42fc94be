"""The likelihoods over the whole range of float64; true values by mpmath at exactly these numbers.

A negative log likelihood is a sum of terms of both signs, and its zero means nothing: a density has a unit. Where the
terms cancel, the loss is measured in ulps of the largest term. So are the gradients exp(x) - t and log t - x of a log
rate, whose terms are rounded before they meet; all other gradients are measured in their own ulps.
"""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from ulps import ulp_distance

from refimpl import (
    gaussian_nll_loss_backward,
    gaussian_nll_loss_forward,
    poisson_nll_loss_backward,
    poisson_nll_loss_forward,
)

FORWARD, BACKWARD = 4, 5  # ulps
DIGITS = 340
COUNT = 250


def exact(array):
    return [mpf(float(v)) for v in array]


def within(computed, terms):
    """The largest distance of computed from the sum of its terms, in ulps of the largest of them or of the sum."""
    worst = 0.0
    for value, parts in zip(computed, terms, strict=True):
        true = mpmath.fsum(parts)
        largest = max(abs(part) for part in (true, *parts))
        own = float(ulp_distance(np.array(value), [true]))
        shared = float(abs(mpf(float(value)) - true) / mpf(float(np.spacing(float(largest))))) if own < np.inf else own
        worst = max(worst, min(own, shared))
    return worst


def magnitudes(rng, low=-300, high=300):
    return 10 ** rng.uniform(low, high, COUNT)


# Gaussian


def gaussian_points():
    """Moderate; of every magnitude; variances around the squared residual, down to a few ulps from it; subnormal."""
    rng = np.random.default_rng(0)
    sign = rng.choice([-1, 1], (2, COUNT))
    small = sign[0] * 10 ** rng.uniform(-12, 2, COUNT)
    shift = rng.choice([0.0, 1.0], COUNT)
    near = (small - shift) ** 2 * (1 + rng.choice([-1, 1], COUNT) * 10 ** rng.uniform(-16, -0.1, COUNT))
    x = [rng.uniform(-5, 5, COUNT), sign[0] * magnitudes(rng), small, sign[1] * magnitudes(rng, -160, 150), small]
    t = [rng.uniform(-5, 5, COUNT), np.zeros(COUNT), shift, np.zeros(COUNT), shift]
    v = [rng.uniform(0, 10, COUNT), magnitudes(rng), near, magnitudes(rng, -320, -300), magnitudes(rng, -3, 3)]
    return np.concatenate(x), np.concatenate(t), np.concatenate(v)


@pytest.mark.parametrize("eps", [1e-6, 0.5, 1e-290])
@pytest.mark.parametrize("full", [False, True])
def test_gaussian(full, eps):
    x, t, v = gaussian_points()
    values, cache = gaussian_nll_loss_forward(x, t, v, full=full, eps=eps, reduction="none")
    gradients = gaussian_nll_loss_backward(np.ones_like(values), cache)
    with mpmath.workdps(DIGITS):
        constant = mpmath.log(2 * mpmath.pi) / 2 if full else mpf(0)
        d = [a - b for a, b in zip(exact(x), exact(t), strict=True)]
        v = exact(np.maximum(v, eps))
        terms = [(mpmath.log(b) / 2, a**2 / b / 2, constant) for a, b in zip(d, v, strict=True)]
        assert within(values, terms) <= FORWARD
        slopes = [a / b for a, b in zip(d, v, strict=True)]
        assert ulp_distance(gradients["input"], slopes).max() <= BACKWARD
        slopes = [(b - a**2) / (2 * b**2) for a, b in zip(d, v, strict=True)]
        assert ulp_distance(gradients["var"], slopes).max() <= BACKWARD
    np.testing.assert_array_equal(gradients["target"], -gradients["input"])


def test_gaussian_in_float32():
    rng = np.random.default_rng(1)
    x, t = rng.uniform(-5, 5, (2, COUNT)).astype(np.float32)
    v = np.concatenate([rng.uniform(0.01, 9, COUNT // 2), (x - t)[COUNT // 2 :] ** 2]).astype(np.float32)
    values, cache = gaussian_nll_loss_forward(x, t, v, reduction="none")
    gradients = gaussian_nll_loss_backward(np.ones_like(values), cache)
    d = [a - b for a, b in zip(exact(x), exact(t), strict=True)]
    with mpmath.workdps(60):
        slopes = [(b - a**2) / (2 * b**2) for a, b in zip(d, exact(v), strict=True)]
        assert ulp_distance(gradients["var"], slopes).max() <= BACKWARD
    assert values.dtype == np.float32


def test_the_square_is_not_taken_before_it_is_divided():
    """A row of numerics.md: a residual of 2e156 with variance 9e155, whose square is beyond the largest number."""
    values, cache = gaussian_nll_loss_forward([2e156], [0.0], [9e155])
    gradients = gaussian_nll_loss_backward(1.0, cache)
    with mpmath.workdps(60):
        d, v = mpf(2e156), mpf(9e155)
        assert ulp_distance(values, [(mpmath.log(v) + d**2 / v) / 2]).max() <= FORWARD
        assert ulp_distance(gradients["var"], [(v - d**2) / (2 * v**2)]).max() <= BACKWARD


def test_a_subnormal_variance_whose_quotient_leaves_the_range():
    """d / v = 1e-8 / 1e-320 is beyond the largest number, d^2 / v = 1e304 is not."""
    values, _ = gaussian_nll_loss_forward([1e-8], [0.0], [1e-320], eps=0)
    with mpmath.workdps(60):
        v = mpf(1e-320)
        assert ulp_distance(values, [(mpmath.log(v) + mpf(1e-8) ** 2 / v) / 2]).max() <= FORWARD


def test_a_subnormal_variance_has_an_infinite_slope_and_not_nan():
    """(v - d^2) / v^2 where both 1 / v and d^2 / v^2 are beyond the largest number; the sign is that of v - d^2."""
    _, cache = gaussian_nll_loss_forward([4e-16, 1e-156], [0.0, 0.0], [7e-313, 1e-310], eps=0, reduction="none")
    np.testing.assert_array_equal(gaussian_nll_loss_backward([1.0, 1.0], cache)["var"], [-np.inf, np.inf])


def test_the_gradient_is_zero_at_the_best_variance():
    _, cache = gaussian_nll_loss_forward([3.0, 1e-100, 1e100], [1.0, 0.0, 0.0], [4.0, 1e-200, 1e200], eps=0)
    gradient = gaussian_nll_loss_backward(1.0, cache)["var"]
    assert gradient[0] == 0
    with mpmath.workdps(450):  # 1e-100 and 1e100 are not powers of two: their squares differ from 1e-200 and 1e200
        true = [(mpf(v) - mpf(d) ** 2) / (2 * mpf(v) ** 2) / 3 for d, v in ((1e-100, 1e-200), (1e100, 1e200))]
        assert ulp_distance(gradient[1:], true).max() <= BACKWARD


def test_a_variance_of_zero_counts_as_eps():
    loss, cache = gaussian_nll_loss_forward([2.0], [1.0], [0.0])
    assert loss == pytest.approx((np.log(1e-6) + 1e6) / 2, rel=1e-15)
    gradients = gaussian_nll_loss_backward(1.0, cache)
    np.testing.assert_allclose(gradients["input"], 1e6, rtol=1e-15)
    np.testing.assert_allclose(gradients["var"], (1e6 - 1e12) / 2, rtol=1e-15)


# Poisson


def counts(rng):
    return [rng.uniform(0, 10, COUNT), magnitudes(rng), rng.poisson(3, COUNT).astype(float)]


def stirling(t):
    """The terms of Stirling's approximation to log t!, for t above 1."""
    return (t * mpmath.log(t), -t, mpmath.log(2 * mpmath.pi * t) / 2) if t > 1 else ()


@pytest.mark.parametrize("full", [False, True])
def test_poisson_of_a_log_rate(full):
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-5, 5, COUNT), rng.uniform(-745, 709, COUNT), -magnitudes(rng)])
    t = np.concatenate(counts(rng))
    values, cache = poisson_nll_loss_forward(x, t, full=full, reduction="none")
    gradients = poisson_nll_loss_backward(np.ones_like(values), cache)
    with mpmath.workdps(DIGITS):
        pairs = list(zip(exact(x), exact(t), strict=True))
        rates = [mpmath.exp(a) if a > -800 else mpf(0) for a, _ in pairs]
        terms = [(r, -b * a, *(stirling(b) if full else ())) for r, (a, b) in zip(rates, pairs, strict=True)]
        assert within(values, terms) <= FORWARD
        assert within(gradients["input"], [(r, -b) for r, (_, b) in zip(rates, pairs, strict=True)]) <= BACKWARD
        slopes = [(-a, mpmath.log(b), 1 / (2 * b)) if full and b > 1 else (-a,) for a, b in pairs]
        assert within(gradients["target"], slopes) <= BACKWARD


@pytest.mark.parametrize("eps", [1e-8, 0.5, 1e-300])
@pytest.mark.parametrize("full", [False, True])
def test_poisson_of_a_rate(full, eps):
    """Rates of every magnitude, next to 1, and, for a third of them, next to the target."""
    rng = np.random.default_rng(3)
    beside_one = 1 + rng.choice([-1, 1], COUNT) * 10 ** rng.uniform(-16, 0, COUNT)
    x, t = np.concatenate([rng.uniform(0, 10, COUNT), magnitudes(rng), beside_one]), np.concatenate(counts(rng))
    t[::3] = x[::3] * (1 + 10 ** rng.uniform(-16, -0.1, len(t[::3])))
    values, cache = poisson_nll_loss_forward(x, t, log_input=False, full=full, eps=eps, reduction="none")
    gradients = poisson_nll_loss_backward(np.ones_like(values), cache)
    with mpmath.workdps(DIGITS):
        pairs = [(a, a + mpf(eps), b) for a, b in zip(exact(x), exact(t), strict=True)]
        terms = [(a, -b * mpmath.log(rate), *(stirling(b) if full else ())) for a, rate, b in pairs]
        assert within(values, terms) <= FORWARD
        assert ulp_distance(gradients["input"], [1 - b / rate for _, rate, b in pairs]).max() <= BACKWARD
        slopes = [
            (mpmath.log(b / rate), 1 / (2 * b)) if full and b > 1 else (-mpmath.log(rate),) for _, rate, b in pairs
        ]
        assert within(gradients["target"], slopes) <= BACKWARD


def test_the_gradient_of_a_target_of_zero_is_no_nan():
    """A row of numerics.md: under full PyTorch gives NaN at a target of 0. The derivative of exp(x) - t x is -x."""
    _, cache = poisson_nll_loss_forward([0.18, 2.0], [0.0, 0.0], full=True, reduction="sum")
    np.testing.assert_array_equal(poisson_nll_loss_backward(1.0, cache)["target"], [-0.18, -2.0])


def test_a_rate_of_zero_with_a_count_of_zero_costs_nothing():
    assert poisson_nll_loss_forward([-np.inf], [0.0])[0] == 0
    assert poisson_nll_loss_forward([0.0], [0.0], log_input=False, eps=0)[0] == 0
    assert poisson_nll_loss_forward([0.0], [1.0], log_input=False, eps=0)[0] == np.inf


def test_a_ratio_of_target_and_rate_that_leaves_the_range():
    """t / (x + eps) = 1e304 / 1e-8 overflows; its logarithm is 718.4."""
    _, cache = poisson_nll_loss_forward([0.0], [1e304], log_input=False, full=True)
    with mpmath.workdps(60):
        true = mpmath.log(mpf(1e304) / mpf(1e-8)) + 1 / (2 * mpf(1e304))
        assert ulp_distance(poisson_nll_loss_backward(1.0, cache)["target"], [true]).max() <= BACKWARD


def test_a_mean_whose_sum_overflows():
    x = np.array([709.5, 709.5])
    assert poisson_nll_loss_forward(x, np.zeros(2), reduction="sum")[0] == np.inf
    with mpmath.workdps(60):
        assert ulp_distance(poisson_nll_loss_forward(x, np.zeros(2))[0], [mpmath.exp(mpf(709.5))]).max() <= FORWARD


def test_the_mean_of_nothing_is_nan():
    assert np.isnan(gaussian_nll_loss_forward(np.zeros(0), np.zeros(0), np.zeros(0))[0])
    assert np.isnan(poisson_nll_loss_forward(np.zeros(0), np.zeros(0))[0])
