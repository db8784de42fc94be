"""What RMSprop promises."""

import mpmath
import numpy as np
import pytest

from refimpl.optim import rmsprop_init, rmsprop_update


def run(gradients, **options):
    p = np.zeros(np.shape(gradients)[1:])
    state = rmsprop_init(p)
    for g in gradients:
        p, state = rmsprop_update(p, np.asarray(g), state, **options)
    return p, state


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_gradient_that_stays_the_same_is_no_nan_when_centered(dtype):
    """In PyTorch it is, once rounding has made the mean square less the squared mean negative: 0.1 after 330 steps."""
    gradients = np.tile(np.array([0.1, 0.3, 1.0, 3.0, 7.0], dtype), (500, 1))
    p, state = run(gradients, alpha=0.9, centered=True, eps=1e-3)
    assert np.all(np.isfinite(p))
    assert np.all(state.square >= 0)


def test_the_spread_of_nearly_equal_gradients_keeps_its_digits():
    """Digits of sum w g^2 - (sum w g)^2 from mpmath, where float64 has lost half of them."""
    rng = np.random.default_rng(0)
    g = 1 + 1e-6 * rng.standard_normal(400)
    _, state = run(g[:, None], alpha=0.9, centered=True)
    with mpmath.workdps(60):
        alpha = mpmath.mpf(0.9)
        weights = [(1 - alpha) * alpha**k for k in range(399, -1, -1)]
        square = mpmath.fsum(w * mpmath.mpf(x) ** 2 for w, x in zip(weights, g.tolist(), strict=True))
        mean = mpmath.fsum(w * mpmath.mpf(x) for w, x in zip(weights, g.tolist(), strict=True))
        expected = float(square - mean**2)
    np.testing.assert_allclose(state.square[0], expected, rtol=1e-9)
    weights = 0.1 * 0.9 ** np.arange(399, -1, -1)
    assert abs(weights @ g**2 - (weights @ g) ** 2 - expected) > 1e-7 * expected


def test_centered_may_begin_later():
    """Before, the mean is 0, and the mean square is the spread about it."""
    g = np.random.default_rng(0).standard_normal((6, 3))
    p, state = run(g[:3], alpha=0.8)
    for values in g[3:]:
        p, state = rmsprop_update(p, values, state, alpha=0.8, centered=True)
    weights = 0.2 * 0.8 ** np.arange(5, -1, -1)
    mean = weights[3:] @ g[3:]
    np.testing.assert_allclose(state.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(state.square, weights @ g**2 - mean**2, rtol=1e-13)


def test_momentum_adds_up_steps_that_are_divided_already():
    g = np.array([[4.0], [-1.0]])
    p, state = run(g, lr=0.5, alpha=0.75, eps=0.0, momentum=0.5)
    first, second = 4 / 2, -1 / np.sqrt(0.75 * 4 + 0.25)
    np.testing.assert_allclose(state.velocity, [0.5 * first + second], rtol=1e-15)
    np.testing.assert_allclose(p, [-0.5 * (first + 0.5 * first + second)], rtol=1e-15)
