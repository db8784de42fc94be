"""The losses of a margin where digits are lost: margins just reached, tails, magnitudes; mpmath's values."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    hinge_embedding_loss_backward,
    hinge_embedding_loss_forward,
    margin_ranking_loss_backward,
    margin_ranking_loss_forward,
    multi_margin_loss_backward,
    multi_margin_loss_forward,
    soft_margin_loss_backward,
    soft_margin_loss_forward,
)

# What numerics.md asks: of an element 4 ulps forward and 5 backward, of a row 3 and 8.
ELEMENT, ELEMENT_BACK, ROW, ROW_BACK = 4, 5, 3, 8


def exact(value):
    return mpmath.mpf(float(value))


def whole_range(count, seed):
    """Both signs: from the subnormal numbers to 1e307, around 1, and tails to 755."""
    rng = np.random.default_rng(seed)
    wide = 10.0 ** rng.uniform(-323, 307, count)
    x = np.concatenate([wide, rng.uniform(0, 5, count), rng.uniform(0, 755, count), [0.0, 5e-324, 1.7e308]])
    return x * rng.choice([-1.0, 1.0], x.shape)


def signs(x, seed=1):
    return np.random.default_rng(seed).choice([-1.0, 1.0], x.shape)


def test_soft_margin_over_the_whole_range():
    """log1p(exp(-t x)) and -t / (1 + exp(t x)), with exponents that mpmath does not lack."""
    x = whole_range(300, 0)
    t = signs(x)
    value, cache = soft_margin_loss_forward(x, t, reduction="none")
    gradient = soft_margin_loss_backward(np.ones_like(x), cache)["input"]
    with mpmath.workdps(60):
        z = [exact(b) * exact(a) for a, b in zip(x, t, strict=True)]
        true = [mpmath.log1p(mpmath.exp(-v)) if v > -1e6 else -v for v in z]
        slope = [-exact(b) / (1 + mpmath.exp(v)) if v < 1e6 else mpmath.mpf(0) for v, b in zip(z, t, strict=True)]
        assert ulp_distance(value, true).max() <= ELEMENT
        assert ulp_distance(gradient, slope).max() <= ELEMENT_BACK


def test_soft_margin_where_pytorch_has_inf():
    """-t x = 715: log(1 + exp(715)) is 715 to the last digit, and the slope 1."""
    value, cache = soft_margin_loss_forward(np.array([-715.0]), np.array([1.0]))
    assert value == 715.0
    assert soft_margin_loss_backward(np.array(1.0), cache)["input"] == -1.0


def test_hinge_embedding_over_the_whole_range():
    x = whole_range(300, 2)
    t = signs(x)
    value, cache = hinge_embedding_loss_forward(x, t, margin=0.3, reduction="none")
    gradient = hinge_embedding_loss_backward(np.ones_like(x), cache)["input"]
    with mpmath.workdps(760):
        true = [exact(a) if b > 0 else max(mpmath.mpf(0), exact(0.3) - exact(a)) for a, b in zip(x, t, strict=True)]
        assert ulp_distance(value, true).max() <= 0.5
    np.testing.assert_array_equal(gradient, np.where(t > 0, 1, np.where(x <= 0.3, -1, 0)))


def margins():
    """Scores whose distance misses the margin by a little, at several magnitudes; and any scores."""
    rng = np.random.default_rng(3)
    b = rng.standard_normal(400) * 10.0 ** rng.uniform(-5, 5, 400)
    a = b + 0.1 + rng.standard_normal(400) * 10.0 ** rng.uniform(-17, 0, 400)
    wide = whole_range(200, 4)
    return np.concatenate([a, wide]), np.concatenate([b, rng.permutation(wide)])


def test_margin_ranking_just_beside_the_margin():
    """Rounding a - b first would leave no digit: 1 + 2^-53 is no number, and neither is its distance from 1."""
    a, b = margins()
    for t in (1.0, -1.0):
        target = np.full_like(a, t)
        value, cache = margin_ranking_loss_forward(t * a, t * b, target, margin=0.1, reduction="none")
        gradient = margin_ranking_loss_backward(np.ones_like(a), cache)["input1"]
        with mpmath.workdps(760):
            true = [exact(0.1) - (exact(u) - exact(v)) for u, v in zip(a, b, strict=True)]
            assert ulp_distance(value, [max(mpmath.mpf(0), v) for v in true]).max() <= 0.51
        np.testing.assert_array_equal(gradient, [-t if v >= 0 else 0 for v in true])


def rows(seed):
    rng = np.random.default_rng(seed)
    for magnitude in (1e-300, 1e-160, 1e-8, 1.0, 1e3, 1e16, 1e100, 1e150):
        for classes in (1, 2, 3, 10):
            yield magnitude * rng.standard_normal((4, classes)), rng.integers(0, classes, 4)
    x = rng.standard_normal((40, 3))
    x[:, 1] = x[:, 0] + 1 + rng.standard_normal(40) * 10.0 ** rng.uniform(-17, -8, 40)
    yield x, np.ones(40, dtype=int)


@pytest.mark.parametrize("p", [1, 2])
def test_multi_margin_rows(p):
    for x, y in rows(5):
        weight = np.linspace(0.3, 2, x.shape[1])
        value, cache = multi_margin_loss_forward(x, y, p=p, weight=weight, reduction="none")
        gradient = multi_margin_loss_backward(np.ones(len(x)), cache)["input"]
        with mpmath.workdps(760):
            for row, label, v, g in zip(x, y, value, gradient, strict=True):
                scale = exact(weight[label]) / len(row)
                z = [max(mpmath.mpf(0), 1 - exact(row[label]) + exact(s)) for s in row]
                z[label] = mpmath.mpf(0)
                slope = [scale * (p * u ** (p - 1) if u > 0 else 0) for u in z]
                slope[label] = -mpmath.fsum(slope)
                assert ulp_distance(v, [scale * mpmath.fsum(u**p for u in z)]).max() <= ROW
                assert ulp_distance(g, slope).max() <= ROW_BACK


def test_multi_margin_square_that_overflows_before_it_is_weighted():
    value, _ = multi_margin_loss_forward(np.array([[0.0, 1e160]]), np.array([0]), p=2, weight=np.array([1e-100, 1.0]))
    assert value == pytest.approx(0.5e220, rel=1e-15)


def test_float32():
    x = whole_range(200, 6).clip(-1e38, 1e38).astype(np.float32)
    t = signs(x).astype(np.float32)
    value, cache = soft_margin_loss_forward(x, t, reduction="none")
    gradient = soft_margin_loss_backward(np.ones_like(x), cache)["input"]
    with mpmath.workdps(60):
        z = [exact(b) * exact(a) for a, b in zip(x, t, strict=True)]
        true = [mpmath.log1p(mpmath.exp(-v)) if v > -1e6 else -v for v in z]
        slope = [-exact(b) / (1 + mpmath.exp(v)) if v < 1e6 else mpmath.mpf(0) for v, b in zip(z, t, strict=True)]
        assert ulp_distance(value, true).max() <= ELEMENT
        assert ulp_distance(gradient, slope).max() <= ELEMENT_BACK


def test_the_mean_survives_where_the_sum_overflows():
    big = np.array([1.5e308, 1.2e308])
    assert hinge_embedding_loss_forward(big, np.ones(2))[0] == pytest.approx(1.35e308, rel=1e-15)
    assert soft_margin_loss_forward(-big, np.ones(2))[0] == pytest.approx(1.35e308, rel=1e-15)
    assert margin_ranking_loss_forward(-big, 0 * big, np.ones(2))[0] == pytest.approx(1.35e308, rel=1e-15)
