"""The divergences over the whole range: close to each other, far apart, excluded classes; true values by mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from ulps import ulp_distance

from refimpl import (
    generalized_kl_div_backward,
    generalized_kl_div_forward,
    jensen_shannon_div_backward,
    jensen_shannon_div_forward,
    kl_div_backward,
    kl_div_forward,
    total_variation_distance_backward,
    total_variation_distance_forward,
)

# Bounds in ulps: what numerics.md asks of an elementwise op.
FORWARD, BACKWARD = 4, 5
rng = np.random.default_rng(0)


def values(formula, *arrays):
    """formula(*numbers) in mpmath for each element."""
    with mpmath.workdps(80):
        return np.array([formula(*(mpf(float(v)) for v in row)) for row in zip(*arrays, strict=True)], dtype=object)


def pull(backward, forward, x, t, **options):
    loss, cache = forward(x, t, reduction="none", **options)
    return loss, *backward(np.ones_like(x), cache).values()


# Log-probabilities of every size, down to those whose exponentials are subnormal or 0.
LOGS = -np.concatenate(
    [10.0 ** rng.uniform(-20, 3, 150), rng.uniform(0, 5, 50), [0, 708.5, 740, 744, 745.2, 1e4, 1e300]]
)
OTHERS = np.roll(rng.permutation(LOGS), 1)
# Pairs that are close: x, and y next to it at every distance down to one ulp.
X_CLOSE = -np.concatenate([rng.uniform(0, 5, 80), rng.uniform(0, 740, 80)])
Y_CLOSE = X_CLOSE + rng.choice([-1, 1], 160) * 10.0 ** rng.uniform(-16, 0.2, 160)
PROBABILITIES = np.concatenate(
    [10.0 ** rng.uniform(-323, 0, 150), rng.uniform(0, 1, 50), [1, 5e-324, 1e-310, 0.5, 1, 1, 0.1]]
)


@pytest.mark.parametrize(("x", "y"), [(LOGS, OTHERS), (X_CLOSE, Y_CLOSE)], ids=["apart", "close"])
def test_log_targets(x, y):
    """y - x is exact where they are close: the loss and its slopes keep their digits however small they are."""
    loss, grad_x, grad_y = pull(kl_div_backward, kl_div_forward, x, y, log_target=True)
    assert ulp_distance(loss, values(lambda x, y: mpmath.exp(y) * (y - x), x, y)).max() <= FORWARD
    assert ulp_distance(grad_x, values(lambda x, y: -mpmath.exp(y), x, y)).max() <= BACKWARD
    away = abs(y - x + 1) > 1e-2  # the slope vanishes at y = x - 1
    true = values(lambda x, y: mpmath.exp(y) * (y - x + 1), x, y)
    assert ulp_distance(grad_y[away], true[away]).max() <= BACKWARD

    loss, grad_x, grad_y = pull(generalized_kl_div_backward, generalized_kl_div_forward, x, y, log_target=True)
    true = values(lambda x, y: mpmath.exp(y) * (y - x - 1) + mpmath.exp(x), x, y)
    assert ulp_distance(loss, true).max() <= FORWARD + 2
    assert ulp_distance(grad_x, values(lambda x, y: mpmath.exp(x) - mpmath.exp(y), x, y)).max() <= BACKWARD
    assert ulp_distance(grad_y, values(lambda x, y: mpmath.exp(y) * (y - x), x, y)).max() <= BACKWARD


@pytest.mark.parametrize("beta", [0.5, 0.1, 1e-6, 0.9, 1 - 1e-6, 0.0, 1.0])
@pytest.mark.parametrize(("x", "y"), [(LOGS, OTHERS), (X_CLOSE, Y_CLOSE)], ids=["apart", "close"])
def test_jensen_shannon(x, y, beta):
    x, y = x[x != y], y[x != y]
    loss, grad_x, grad_y = pull(jensen_shannon_div_backward, jensen_shannon_div_forward, x, y, beta=beta)
    b = mpf(beta)

    def mixture(x, y):
        return mpmath.log((1 - b) * mpmath.exp(x) + b * mpmath.exp(y))

    def exact(x, y):
        if beta in (0, 1):
            return mpmath.exp(y) * (y - x) if beta == 0 else mpmath.exp(x) * (x - y)
        m = mixture(x, y)
        return b * mpmath.exp(y) * (y - m) + (1 - b) * mpmath.exp(x) * (x - m)

    def in_x(x, y):
        if beta in (0, 1):
            return -mpmath.exp(y) if beta == 0 else mpmath.exp(x) * (x - y + 1)
        return (1 - b) * mpmath.exp(x) * (x - mixture(x, y))

    def in_y(x, y):
        if beta in (0, 1):
            return mpmath.exp(y) * (y - x + 1) if beta == 0 else -mpmath.exp(x)
        return b * mpmath.exp(y) * (y - mixture(x, y))

    away = (abs(abs(y - x) - 1) > 0.1) | (beta not in (0, 1))  # at the ends a slope vanishes at a distance of 1
    assert ulp_distance(loss, values(exact, x, y)).max() <= FORWARD + 2
    assert ulp_distance(grad_x, values(in_x, x, y))[away].max() <= BACKWARD
    assert ulp_distance(grad_y, values(in_y, x, y))[away].max() <= BACKWARD


def test_plain_targets():
    """Far apart nothing cancels. Closer by, the error is a rounding of log t: the next test has the closest."""
    x, t = LOGS, PROBABILITIES
    apart = abs(np.log(t) - x) > abs(x) / 8
    x, t = x[apart], t[apart]
    away = abs(np.log(t) - x) > 0.5
    loss, grad_x, grad_t = pull(kl_div_backward, kl_div_forward, x, t)
    np.testing.assert_array_equal(grad_x, -t)
    assert ulp_distance(loss, values(lambda x, t: t * (mpmath.log(t) - x), x, t))[away].max() <= FORWARD
    away = abs(np.log(t) - x + 1) > 0.5  # where this slope vanishes
    assert ulp_distance(grad_t, values(lambda x, t: mpmath.log(t) - x + 1, x, t))[away].max() <= BACKWARD

    loss, grad_x, grad_t = pull(generalized_kl_div_backward, generalized_kl_div_forward, x, t)
    away = abs(np.log(t) - x) > 0.5
    true = values(lambda x, t: t * (mpmath.log(t) - x - 1) + mpmath.exp(x), x, t)
    assert ulp_distance(loss, true)[away].max() <= FORWARD + 2
    assert ulp_distance(grad_x, values(lambda x, t: mpmath.exp(x) - t, x, t))[away].max() <= BACKWARD
    assert ulp_distance(grad_t, values(lambda x, t: mpmath.log(t) - x, x, t))[away].max() <= BACKWARD


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_plain_targets_close_to_the_input(distance):
    """log t - x is off by a rounding of 1, not of x: log t alone has lost what x in the hundreds does not leave."""
    x = -rng.uniform(1, 700, 100)
    t = np.exp(x) * (1 + distance)
    loss, _, grad_t = pull(generalized_kl_div_backward, generalized_kl_div_forward, x, t)
    true = values(lambda x, t: mpmath.log(t) - x, x, t)
    assert (abs(grad_t - true) < 4e-16).all()
    assert (abs(pull(kl_div_backward, kl_div_forward, x, t)[0] - t * true) < 4e-16 * t).all()
    assert (abs(np.log(t) - x - true) > 1e-14).any()  # what the difference of the logarithms is off by
    exact = values(lambda x, t: t * (mpmath.log(t) - x - 1) + mpmath.exp(x), x, t)
    assert (abs(loss - exact) < 4e-16 * 2 * distance * t + 8 * 2.0**-52 * exact).all()


INF = np.inf


def test_classes_that_a_distribution_excludes():
    """With p = 0 or q = 0: beta q log(1 / beta) and (1 - beta) p log(1 / (1 - beta)), and nothing where both are 0."""
    x, y = np.array([-INF, -1.0, -INF, -700.0]), np.array([-2.0, -INF, -INF, -INF])
    loss, grad_x, grad_y = pull(jensen_shannon_div_backward, jensen_shannon_div_forward, x, y, beta=0.25)
    p, q = np.exp(x), np.exp(y)
    expected = 0.25 * q * np.log(4) + 0.75 * p * np.log(4 / 3)
    np.testing.assert_allclose(loss, expected, rtol=1e-15)
    np.testing.assert_allclose(grad_x, 0.75 * p * np.log(4 / 3), rtol=1e-15)
    np.testing.assert_allclose(grad_y, 0.25 * q * np.log(4), rtol=1e-15)

    loss, grad_x, grad_t = pull(generalized_kl_div_backward, generalized_kl_div_forward, x, np.zeros(4))
    np.testing.assert_array_equal(loss, np.exp(x))
    np.testing.assert_array_equal(grad_x, np.exp(x))
    np.testing.assert_array_equal(grad_t[[1, 3]], -INF)  # the slope of t log t at 0


def test_kl_div_conventions_are_pytorchs():
    """0 log 0 = 0, with NaN for the slope, which is -inf; a log_target of -inf is NaN; x = -inf where t > 0 is inf."""
    loss, grad_x, grad_t = pull(kl_div_backward, kl_div_forward, np.array([-1.0, -INF]), np.array([0.0, 0.5]))
    np.testing.assert_array_equal(loss, [0, INF])
    np.testing.assert_array_equal(grad_x, [0, -0.5])
    np.testing.assert_array_equal(grad_t, [np.nan, INF])
    loss, grad_x, grad_t = pull(
        kl_div_backward, kl_div_forward, np.array([-1.0, -1.0]), np.array([-INF, -1.0]), log_target=True
    )
    np.testing.assert_array_equal(loss, [np.nan, 0])
    np.testing.assert_array_equal(grad_x, [0, -np.exp(-1.0)])


def test_total_variation_is_rounded_once():
    p, t = PROBABILITIES, np.roll(PROBABILITIES, 1)
    loss, grad_p, _ = pull(total_variation_distance_backward, total_variation_distance_forward, p, t)
    assert ulp_distance(loss, values(lambda p, t: abs(p - t) / 2, p, t)).max() <= 1
    np.testing.assert_array_equal(abs(grad_p)[p != t], 0.5)


def test_float32():
    x, y = np.float32(X_CLOSE[X_CLOSE > -80]), np.float32(Y_CLOSE[X_CLOSE > -80])
    loss, grad_x, _ = pull(kl_div_backward, kl_div_forward, x, y, log_target=True)
    assert loss.dtype == grad_x.dtype == np.float32
    assert ulp_distance(loss, values(lambda x, y: mpmath.exp(y) * (y - x), x, y)).max() <= FORWARD
    assert ulp_distance(grad_x, values(lambda x, y: -mpmath.exp(y), x, y)).max() <= BACKWARD


def test_the_mean_survives_where_the_sum_overflows():
    x = np.array([-1.5e308, -1.2e308])
    assert kl_div_forward(x, np.ones(2))[0] == pytest.approx(1.35e308, rel=1e-15)
    assert kl_div_forward(x, np.ones(2), "sum")[0] == INF
