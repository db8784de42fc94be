"""Distillation where digits are lost: offsets, confident rows, agreement, temperatures; true values by mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from ulps import ulp_distance

from refimpl import distillation_loss_backward, distillation_loss_forward

# Bounds in ulps: what numerics.md asks of a row, 3 forward and 8 backward, with a quotient and a series more.
FORWARD, BACKWARD = 6, 8
rng = np.random.default_rng(0)


def log_softmax(x, temperature):
    e = [mpmath.exp(mpf(float(v)) / temperature) for v in x]
    total = mpmath.fsum(e)
    return [mpf(float(v)) / temperature - mpmath.log(total) for v in x]


def soft(a, b, temperature, factor):
    """The soft loss and its two gradients."""
    log_p, log_q = log_softmax(a, temperature), log_softmax(b, temperature)
    d = [m - v for v, m in zip(log_p, log_q, strict=True)]
    q = [mpmath.exp(m) for m in log_q]
    divergence = mpmath.fsum(w * v for w, v in zip(q, d, strict=True))
    grad_a = [factor / temperature * (mpmath.exp(v) - w) for v, w in zip(log_p, q, strict=True)]
    terms_b = [(factor / temperature * w * v, factor / temperature * w * divergence) for v, w in zip(d, q, strict=True)]
    return factor * divergence, grad_a, terms_b


def rows():
    yield [3.0, 0, -1], [0.5, 1, 2], 1.0
    yield [3.0, 0, -1], [0.5, 1, 2], 7.3
    yield [3.0, 0, -1], [0.5, 1, 2], 0.07
    yield [1e8 + 3, 1e8, 1e8 - 1], [0.5, 1, 2], 0.3
    yield [1e15 + 2, 1e15, 1e15 - 4], [1e15, 1e15 + 1, 1e15 + 3], 3.0
    yield [60.0, 0, -3], [58.0, 1, 0], 1.0
    yield [300.0, 0, -3], [0.0, 280, 10], 0.9
    yield [2.0, 2, 2], [2.0, 1, 0], 2.5
    yield [0.3, -0.2, 5e-324], [0.1, 0.2, -0.3], 1e3
    yield [-1e300, 0.0, 1.0], [-1e300, 1.0, 0.0], 1.7


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize(("a", "b", "temperature"), [pytest.param(*row, id=str(i)) for i, row in enumerate(rows())])
def test_the_soft_loss_keeps_its_digits(a, b, temperature, square):
    loss, cache = distillation_loss_forward(
        a, b, np.array(0), temperature, weight_hard_loss=0, weight_soft_loss=1, square_temperature=square
    )
    grads = distillation_loss_backward(np.array(1.0), cache)
    with mpmath.workdps(400):
        t = mpf(temperature)
        true, grad_a, terms_b = soft(a, b, t, t**2 if square else mpf(1))
    assert ulp_distance(loss, [true]).max() <= FORWARD
    assert ulp_distance(grads["student_logits"], grad_a).max() <= BACKWARD
    # A difference, q d - q KL, that may nearly vanish: its error is that of the larger term.
    for grad, (term, mean) in zip(grads["teacher_logits"], terms_b, strict=True):
        unit = max(mpf(2) ** -52 * max(abs(term), abs(mean)), mpf(5e-324))
        assert abs(mpf(float(grad)) - (term - mean)) <= BACKWARD * unit


@pytest.mark.parametrize("distance", [1e-2, 1e-5, 1e-8])
def test_a_student_close_to_its_teacher(distance):
    """The divergence is of the second order in the distance, and known as well as the distance itself."""
    a = rng.standard_normal((20, 5))
    b = a + distance * rng.standard_normal((20, 5))
    loss, cache = distillation_loss_forward(
        a, b, np.zeros(20, dtype=int), 1.3, weight_hard_loss=0, weight_soft_loss=1, reduction="none"
    )
    grad_a = distillation_loss_backward(np.ones(20), cache)["student_logits"]
    with mpmath.workdps(60):
        true = [soft(x, y, mpf(1.3), mpf(1.3) ** 2) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(loss, [float(v[0]) for v in true], rtol=1e-14)
    np.testing.assert_allclose(grad_a, [[float(w) for w in v[1]] for v in true], rtol=0, atol=1e-14 * distance)
    assert (loss > 0).all()


def test_agreement_costs_nothing():
    a = rng.standard_normal((4, 5))
    loss, cache = distillation_loss_forward(a, a, np.zeros(4, dtype=int), 3.0, weight_hard_loss=0)
    assert loss == 0
    assert all(not grad.any() for grad in distillation_loss_backward(np.array(1.0), cache).values())


def test_excluded_classes():
    """One that both exclude counts nothing; one that the student alone excludes makes the loss infinite."""
    a, b = np.array([0.5, -np.inf, 1.0]), np.array([1.5, -np.inf, 0.0])
    loss, cache = distillation_loss_forward(a, b, np.array(0), 2.0)
    fewer, fewer_cache = distillation_loss_forward(a[[0, 2]], b[[0, 2]], np.array(0), 2.0)
    assert loss == pytest.approx(float(fewer), rel=1e-15)
    grads = distillation_loss_backward(np.array(1.0), cache)
    fewer_grads = distillation_loss_backward(np.array(1.0), fewer_cache)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad[[0, 2]], fewer_grads[name], rtol=1e-14)
        assert grad[1] == 0
    assert distillation_loss_forward(a, np.array([1.5, 0.2, 0.0]), np.array(0))[0] == np.inf


def test_ignored_rows_may_hold_anything():
    a = np.array([[0.5, 1.0], [np.nan, np.inf]])
    loss, cache = distillation_loss_forward(a, a, np.array([1, -100]))
    assert np.isfinite(loss)
    np.testing.assert_array_equal(distillation_loss_backward(np.array(1.0), cache)["student_logits"][1], 0)
    assert np.isnan(distillation_loss_forward(a, a, np.array([-100, -100]))[0])


def test_float32_at_an_offset():
    a, b = np.float32([1e4 + 3, 1e4, 1e4 - 1]), np.float32([0.5, 1, 2])
    loss, cache = distillation_loss_forward(a, b, np.array(0), 0.3, weight_hard_loss=0, weight_soft_loss=1)
    grads = distillation_loss_backward(np.float32(1), cache)
    with mpmath.workdps(60):
        true, grad_a, _ = soft(a, b, mpf(0.3), mpf(0.3) ** 2)
    assert loss.dtype == np.float32
    assert ulp_distance(loss, [true]).max() <= FORWARD
    assert ulp_distance(grads["student_logits"], grad_a).max() <= BACKWARD
