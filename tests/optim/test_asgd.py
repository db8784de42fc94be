"""What averaged SGD promises."""

import numpy as np

from refimpl.optim import asgd_init, asgd_update


def test_before_the_first_update_the_mean_is_where_it_starts():
    start = {"w": np.array([1.0, 2.0])}
    state = asgd_init(start)
    np.testing.assert_array_equal(state.average["w"], start["w"])
    assert not np.shares_memory(state.average["w"], start["w"])


def test_a_learning_rate_acts_one_update_after_it_is_given():
    """As in PyTorch: the rate of an update was found at the end of the one before; the first has its own."""
    p, state = np.array([0.0]), asgd_init(np.array([0.0]))
    g, points = np.array([1.0]), []
    for lr in (0.5, 0.25, 0.125, 0.125):
        p, state = asgd_update(p, g, state, lr=lr, lambd=0.0)
        points.append(p[0])
    np.testing.assert_array_equal(np.diff(points, prepend=0.0), [-0.5, -0.5, -0.25, -0.125])
    assert state.rate == 0.125


def test_the_mean_in_float32_does_not_drift():
    """2000 iterates about 1: the last digit of their sum would be 1e-4."""
    noise = np.random.default_rng(0).uniform(-1, 1, 2000).astype(np.float32)
    p, state = np.ones(1, np.float32), asgd_init(np.ones(1, np.float32))
    points = []
    for value in noise:
        p, state = asgd_update(p, p - 1 - value, state, lr=1.0, lambd=0.0, t0=0)
        points.append(p[0])
    assert state.average.dtype == np.float32
    np.testing.assert_allclose(state.average, np.mean(points[1:], dtype=np.float64), rtol=2e-6)


def test_decay_and_weight_decay_are_the_same_gradient():
    """lambd also makes the rate fall, unless alpha is 0."""
    g = np.random.default_rng(0).standard_normal((20, 3))
    one = other = np.ones(3)
    first, second = asgd_init(one), asgd_init(one)
    for values in g:
        one, first = asgd_update(one, values, first, lr=0.1, lambd=0.3, alpha=0.0)
        other, second = asgd_update(other, values, second, lr=0.1, lambd=0.0, weight_decay=0.3)
    np.testing.assert_allclose(one, other, rtol=1e-13)
