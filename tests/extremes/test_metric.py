"""The losses of embeddings at magnitudes whose squares are no numbers, and where rows nearly agree; mpmath's values."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import (
    cosine_embedding_loss_backward,
    cosine_embedding_loss_forward,
    triplet_margin_loss_backward,
    triplet_margin_loss_forward,
    triplet_margin_with_distance_loss_forward,
)
from refimpl._norms import row_norm

FORWARD, BACKWARD = 4, 8  # ulps of a row
MAGNITUDES = (1e-300, 1e-160, 1e-8, 1.0, 1e8, 1e160, 1e300)


def numbers(row):
    return [mpmath.mpf(float(v)) for v in row]


def norm(row, p=2):
    if mpmath.isinf(p):
        return (max if p > 0 else min)(abs(v) for v in row)
    return mpmath.fsum(abs(v) ** p for v in row) ** (1 / mpmath.mpf(p))


def cosine(a, b):
    """The cosine, and its gradients in a and in b."""
    na, nb = norm(a), norm(b)
    c = mpmath.fdot(a, b) / na / nb
    grad_a = [(y / nb - c * x / na) / na for x, y in zip(a, b, strict=True)]
    grad_b = [(x / na - c * y / nb) / nb for x, y in zip(a, b, strict=True)]
    return c, grad_a, grad_b


def largest_ulps(computed, exact):
    """In ulps of the row's largest entry: the others may be small differences."""
    unit = mpmath.mpf(float(np.spacing(float(max(abs(v) for v in exact)))))
    return float(max(abs(mpmath.mpf(float(c)) - e) for c, e in zip(computed, exact, strict=True)) / unit)


@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_cosine_embedding_at_any_magnitude(magnitude):
    rng = np.random.default_rng(0)
    a, b = magnitude * rng.standard_normal((30, 8)), rng.standard_normal((30, 8)) / min(magnitude, 1e100)
    value, cache = cosine_embedding_loss_forward(a, b, np.ones(30), reduction="none")
    gradient = cosine_embedding_loss_backward(np.ones(30), cache)
    with mpmath.workdps(60):
        for k in range(30):
            c, grad_a, grad_b = cosine(numbers(a[k]), numbers(b[k]))
            assert ulp_distance(value[k], [1 - c]).max() <= FORWARD
            assert largest_ulps(gradient["input1"][k], [-v for v in grad_a]) <= BACKWARD
            assert largest_ulps(gradient["input2"][k], [-v for v in grad_b]) <= BACKWARD


def test_rows_that_are_nearly_parallel():
    """1 - c is of the order of the squared angle. An angle of 1e-6 is known from unit rows to 1e-10 of itself, and its
    square to twice that; 1 - c as a difference would know it to 1e-4."""
    rng = np.random.default_rng(1)
    a = rng.standard_normal((30, 4))
    b = 3 * a + 1e-6 * rng.standard_normal((30, 4))
    value, _ = cosine_embedding_loss_forward(a, b, np.ones(30), reduction="none")
    with mpmath.workdps(60):
        for k in range(30):
            true = 1 - cosine(numbers(a[k]), numbers(b[k]))[0]
            assert abs(mpmath.mpf(float(value[k])) - true) <= 1e-8 * true


def test_equal_rows_have_a_cosine_of_exactly_one():
    a = np.random.default_rng(2).standard_normal((20, 7))
    for factor in (1.0, 4.0, 2.0**-1000):
        value, cache = cosine_embedding_loss_forward(a, factor * a, np.ones(20), reduction="none")
        assert not value.any()
        assert not cosine_embedding_loss_backward(np.ones(20), cache)["input1"].any()


def test_a_row_of_zeros_has_the_cosine_0_and_no_gradient():
    a, b = np.zeros((1, 3)), np.ones((1, 3))
    value, cache = cosine_embedding_loss_forward(a, b, np.array([1]))
    gradient = cosine_embedding_loss_backward(np.array(1.0), cache)
    assert value == 1
    assert not gradient["input1"].any()
    assert not gradient["input2"].any()


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, 10, np.inf, -1, -np.inf])
def test_row_norms_and_their_gradients(p):
    """Every magnitude in a row and between rows. The power p - 1 of a ratio counts its rounding |p - 1| times, and the
    root of a power its 1 / |p| times."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((60, 5)) * 10.0 ** rng.uniform(-15, 15, (60, 5)) * rng.choice([1e-290, 1, 1e290], (60, 1))
    computed = row_norm(x, p)
    size, slope = computed.norm(), computed.direction()
    finite = 1 if np.isinf(p) else p
    with mpmath.workdps(60):
        for k in range(60):
            row = numbers(x[k])
            n = norm(row, p)
            assert ulp_distance(size[k], [n]).max() <= FORWARD + 1 / abs(finite)
            if np.isfinite(p):
                true = [mpmath.sign(v) * (abs(v) / n) ** (mpmath.mpf(p) - 1) for v in row]
                assert ulp_distance(slope[k], true).max() <= BACKWARD + 2 * abs(p - 1)


@pytest.mark.parametrize("p", [1, 2, 3, np.inf])
@pytest.mark.parametrize("magnitude", MAGNITUDES)
def test_triplet_at_any_magnitude(p, magnitude):
    """Beside the largest of its terms the loss is known to its ulps; the positive's gradient is a unit row."""
    rng = np.random.default_rng(4)
    a, b, c = magnitude * rng.standard_normal((3, 20, 6))
    value, cache = triplet_margin_loss_forward(a, b, c, p=p, eps=1e-6, margin=1.0, reduction="none")
    gradient = triplet_margin_loss_backward(np.ones(20), cache)["positive"]
    with mpmath.workdps(400):
        for k in range(20):
            x, y, z = numbers(a[k]), numbers(b[k]), numbers(c[k])
            e = mpmath.mpf(1e-6)
            near = norm([u - v + e for u, v in zip(x, y, strict=True)], p)
            far = norm([u - v + e for u, v in zip(x, z, strict=True)], p)
            true = max(mpmath.mpf(0), 1 + near - far)
            unit = mpmath.mpf(float(np.spacing(float(max(near, far, 1)))))
            assert abs(mpmath.mpf(float(value[k])) - true) <= FORWARD * unit
            if true > 0 and np.isfinite(p):
                d = [u - v + e for u, v in zip(x, y, strict=True)]
                slope = [-mpmath.sign(v) * (abs(v) / near) ** (p - 1) for v in d]
                assert ulp_distance(gradient[k], slope).max() <= BACKWARD


def test_triplet_keeps_what_eps_leaves():
    """x - y is -1e-6 but for its last digits, and eps takes all but those away."""
    x, y = np.array([[1e-10, 3e-9]]), np.array([[1e-6 + 1e-10, 1e-6 + 3e-9]])
    value, _ = triplet_margin_loss_forward(x, y, x + 5, margin=7.5, reduction="none")
    with mpmath.workdps(60):
        e = mpmath.mpf(1e-6)
        near = norm([u - v + e for u, v in zip(numbers(x[0]), numbers(y[0]), strict=True)])
        _, cache = triplet_margin_loss_forward(x, y, x + 5, margin=7.5, reduction="none")
        gradient = triplet_margin_loss_backward(np.ones(1), cache)["positive"]
        true = [-(u - v + e) / near for u, v in zip(numbers(x[0]), numbers(y[0]), strict=True)]
        assert ulp_distance(gradient[0], true).max() <= BACKWARD
    assert value == triplet_margin_with_distance_loss_forward(x, y, x + 5, margin=7.5, reduction="none")[0]
