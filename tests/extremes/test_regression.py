"""The losses of a residual over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from ulps import ulp_distance

import refimpl
from refimpl import (
    huber_loss_backward,
    huber_loss_forward,
    l1_loss_backward,
    l1_loss_forward,
    log_cosh_loss_backward,
    log_cosh_loss_forward,
    mse_loss_backward,
    mse_loss_forward,
    smooth_l1_loss_backward,
    smooth_l1_loss_forward,
)

FORWARD, BACKWARD = 3, 2  # ulps; numerics.md asks for 4 and 5
DIGITS = 700  # enough for the square of the smallest number next to 1


def points(count=150):
    """Inputs and targets: moderate; of every magnitude, with target 0 or another; small residuals; ulps apart."""
    rng = np.random.default_rng(0)
    wide = rng.choice([-1, 1], (2, count)) * 10 ** rng.uniform(-320, 308, (2, count))
    close = rng.uniform(-5, 5, count)
    small = rng.choice([-1, 1], count) * 10 ** rng.uniform(-12, 2, count)
    x = [rng.uniform(-5, 5, count), wide[0], wide[1], small, close * (1 + 2.0**-52 * rng.integers(-3, 4, count))]
    t = [rng.uniform(-5, 5, count), np.zeros(count), wide[0][::-1], rng.choice([0.0, 1.0], count), close]
    return np.concatenate(x), np.concatenate(t)


def huber(delta):
    return lambda d: d**2 / 2 if abs(d) <= delta else delta * (abs(d) - delta / 2)


def smooth(beta):
    return lambda d: d**2 / (2 * beta) if abs(d) < beta else abs(d) - beta / 2


def log_cosh(d):
    """log((e^d + e^-d) / 2), in a form that needs no more digits than there are."""
    a = abs(d)
    return a - mpmath.log(2) + mpmath.log1p(mpmath.exp(-2 * a)) if a > 1 else mpmath.log1p(2 * mpmath.sinh(a / 2) ** 2)


def clip(d, bound):
    return max(-bound, min(bound, d))


LOSSES = {
    ("mse_loss", ()): (lambda d: d**2, lambda d: 2 * d),
    ("l1_loss", ()): (abs, mpmath.sign),
    ("log_cosh_loss", ()): (log_cosh, mpmath.tanh),
    **{
        ("huber_loss", (("delta", delta),)): (huber(mpf(delta)), lambda d, delta=delta: clip(d, mpf(delta)))
        for delta in (1.0, 0.3, 1e-200, 1e-30, 1e30, 1e200)
    },
    **{
        ("smooth_l1_loss", (("beta", beta),)): (
            smooth(mpf(beta)),
            lambda d, beta=beta: d / mpf(beta) if abs(d) < beta else mpmath.sign(d),
        )
        for beta in (1.0, 0.3, 1e-200, 1e-30, 1e30, 1e200)
    },
    ("smooth_l1_loss", (("beta", 0.0),)): (abs, mpmath.sign),
    **{
        ("quantile_loss", (("quantile", q),)): (
            lambda d, q=q: max((1 - mpf(q)) * d, -mpf(q) * d),
            lambda d, q=q: mpmath.sign(d) * (1 - mpf(q) if d > 0 else mpf(q)),
        )
        for q in (0.0, 1e-3, 0.5, 0.9)
    },
}


PARAMETERS = [
    pytest.param(name, dict(options), true, dtype, id=f"{name}-{dict(options)}-{dtype.__name__}")
    for (name, options), true in LOSSES.items()
    for dtype in (np.float64, np.float32)
    if dtype == np.float64 or all(value == 0 or 1e-30 <= value <= 1e30 for _, value in options)  # a number in float32
]


@pytest.mark.parametrize(("name", "options", "true", "dtype"), PARAMETERS)
def test_every_element_keeps_its_digits(name, options, true, dtype):
    with np.errstate(over="ignore", under="ignore"):
        x, t = (array.astype(dtype) for array in points())
    if dtype == np.float32:
        finite = np.isfinite(x) & np.isfinite(t)
        x, t = x[finite], t[finite]
    values, cache = getattr(refimpl, f"{name}_forward")(x, t, reduction="none", **options)
    gradients = getattr(refimpl, f"{name}_backward")(np.ones_like(values), cache)
    with mpmath.workdps(DIGITS):
        d = [mpf(float(a)) - mpf(float(b)) for a, b in zip(x, t, strict=True)]
        true_values, true_slopes = ([f(v) for v in d] for f in true)
        assert ulp_distance(values, true_values).max() <= FORWARD
        assert ulp_distance(gradients["input"], true_slopes).max() <= BACKWARD
    np.testing.assert_array_equal(gradients["target"], -gradients["input"])


def test_the_mean_survives_where_the_sum_or_a_square_overflows():
    """Four residuals of 1.5e154: each square is 2.25e308, beyond the largest number; a mean with zeros is not."""
    x = np.array([1.5e154, 0.0, 0.0, 0.0])
    assert mse_loss_forward(x, np.zeros(4), "sum")[0] == np.inf
    assert mse_loss_forward(x, np.zeros(4))[0] == pytest.approx(2.25 / 4 * 1e308, rel=1e-15)
    assert huber_loss_forward(x, np.zeros(4), delta=1e200)[0] == pytest.approx(1.125 / 4 * 1e308, rel=1e-15)
    huge = np.full(4, 1.5e308)
    for forward in (l1_loss_forward, log_cosh_loss_forward, smooth_l1_loss_forward):
        assert forward(huge, np.zeros(4))[0] == pytest.approx(1.5e308, rel=1e-15)
        assert forward(huge, np.zeros(4), reduction="sum")[0] == np.inf


def test_a_small_weight_keeps_a_large_square_a_number():
    values, cache = mse_loss_forward([1e200], [0.0], "none", [1e-150])
    assert values == pytest.approx(1e250, rel=1e-15)
    assert mse_loss_backward([1.0], cache)["input"] == pytest.approx(2e50, rel=1e-15)


@pytest.mark.parametrize(
    ("forward", "backward", "penalty"),
    [
        (mse_loss_forward, mse_loss_backward, lambda d: d**2),
        (l1_loss_forward, l1_loss_backward, abs),
    ],
)
def test_the_gradient_of_a_weight_that_is_nearly_all_of_the_mean(forward, backward, penalty):
    """(phi_i - L) / W with L near phi_0: the difference itself is what is left of the others, not a rounding."""
    d, w = np.array([3.0, 0.1, -0.7]), np.array([1e20, 1.0, 0.3])
    _, cache = forward(d, np.zeros(3), weight=w)
    gradient = backward(1.0, cache)["weight"]
    with mpmath.workdps(80):
        residuals, weights = [mpf(v) for v in d], [mpf(v) for v in w]
        total = mpmath.fsum(weights)
        mean = mpmath.fsum(a * penalty(b) for a, b in zip(weights, residuals, strict=True)) / total
        true = [(penalty(b) - mean) / total for b in residuals]
    assert ulp_distance(gradient, true).max() <= 8
    np.testing.assert_array_equal(backward(1.0, forward([2.0], [0.5], weight=[0.7])[1])["weight"], [0.0])


def test_infinite_and_missing_residuals():
    """An infinite residual is an infinite loss with the slope of its side; NaN stays NaN."""
    x, t = np.array([np.inf, -np.inf, np.nan]), np.zeros(3)
    for name, slopes, options in (
        ("l1_loss", [1, -1], {}),
        ("huber_loss", [2, -2], {"delta": 2.0}),
        ("smooth_l1_loss", [1, -1], {}),
        ("smooth_l1_loss", [1, -1], {"beta": 0.0}),
        ("log_cosh_loss", [1, -1], {}),
        ("quantile_loss", [0.25, -0.75], {"quantile": 0.75}),
        ("mse_loss", [np.inf, -np.inf], {}),
    ):
        values, cache = getattr(refimpl, f"{name}_forward")(x, t, reduction="none", **options)
        np.testing.assert_array_equal(values, [np.inf, np.inf, np.nan], err_msg=name)
        gradient = getattr(refimpl, f"{name}_backward")(np.ones(3), cache)["input"]
        np.testing.assert_array_equal(gradient, [*slopes, np.nan], err_msg=name)


def test_infinite_thresholds():
    values, cache = huber_loss_forward([3.0, -1e200], [0.0, 0.0], "none", delta=np.inf)
    np.testing.assert_array_equal(values, [4.5, np.inf])
    np.testing.assert_array_equal(huber_loss_backward([1.0, 1], cache)["input"], [3, -1e200])
    values, cache = smooth_l1_loss_forward([3.0, -1e200], [0.0, 0.0], "none", beta=np.inf)
    np.testing.assert_array_equal(values, [0, 0])
    np.testing.assert_array_equal(smooth_l1_loss_backward([1.0, 1], cache)["input"], [0, 0])


def test_where_pytorch_loses_digits():
    """The rows of numerics.md: a small residual under log cosh, and under smooth l1 with a tiny beta."""
    values, _ = log_cosh_loss_forward([6.5e-17], [0.0])
    assert values == pytest.approx(6.5e-17**2 / 2, rel=1e-15)
    np.testing.assert_array_equal(log_cosh_loss_forward([1.57e308], [0.0])[0], 1.57e308)
    _, cache = log_cosh_loss_forward([1e-300], [0.0])
    np.testing.assert_array_equal(log_cosh_loss_backward(1.0, cache)["input"], [1e-300])
    values, _ = smooth_l1_loss_forward([1.5e-163], [0.0], beta=1e-30)
    assert values == pytest.approx(1.5 * 1.5 / 2 * 1e-296, rel=1e-15)


def test_the_mean_of_nothing_is_nan():
    for name in ("huber_loss", "l1_loss", "log_cosh_loss", "mse_loss", "quantile_loss", "smooth_l1_loss"):
        output, cache = getattr(refimpl, f"{name}_forward")(np.zeros(0), np.zeros(0))
        assert np.isnan(output)
        assert getattr(refimpl, f"{name}_backward")(1.0, cache)["input"].shape == (0,)


def test_many_blocks_are_one():
    """More elements than one block holds, in a layout that is not flat."""
    rng = np.random.default_rng(1)
    x, t = rng.standard_normal((2, 700, 300)).swapaxes(1, 2)
    w = rng.uniform(0.5, 2, x.shape)
    loss, cache = mse_loss_forward(x, t, weight=w)
    assert loss == pytest.approx(float((w * (x - t) ** 2).sum() / w.sum()), rel=1e-13)
    gradient = mse_loss_backward(1.0, cache)["input"]
    np.testing.assert_allclose(gradient, 2 * w * (x - t) / w.sum(), rtol=1e-13)


def test_float32_sums_are_taken_in_float64():
    """A million terms of 0.1 in float32: adding them up in float32 would be off in the fourth digit or so."""
    x = np.full(2**20, 0.1, dtype=np.float32)
    mean, _ = l1_loss_forward(x, np.zeros_like(x))
    assert mean.dtype == np.float32
    assert mean == np.float32(0.1)


def test_thresholds_beyond_float32():
    x = np.array([2.0, -1e20], dtype=np.float32)
    values, cache = huber_loss_forward(x, np.zeros_like(x), "none", delta=1e200)
    np.testing.assert_array_equal(values, np.array([2, np.inf], dtype=np.float32))
    np.testing.assert_array_equal(huber_loss_backward(np.ones_like(x), cache)["input"], x)
