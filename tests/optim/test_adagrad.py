"""What Adagrad promises."""

import numpy as np

from refimpl.optim import adagrad_init, adagrad_update


def test_the_sums_begin_where_they_are_told():
    start = {"w": np.array([1.0, 2.0], np.float32)}
    state = adagrad_init(start, 0.25)
    np.testing.assert_array_equal(state.square_sum["w"], np.float32([0.25, 0.25]))
    assert state.square_sum["w"].dtype == np.float32
    g = {"w": np.array([0.0, 3.0], np.float32)}
    moved, state = adagrad_update(start, g, state, lr=0.5, eps=0.0)
    np.testing.assert_array_equal(state.square_sum["w"], np.float32([0.25, 9.25]))
    np.testing.assert_allclose(moved["w"], [1, 2 - 1.5 / np.sqrt(9.25)], rtol=1e-6)


def test_regret_stays_within_its_bound():
    """Against the best fixed point, over adversarial linear losses on a segment of length 2: D sqrt(2 s) at most."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        g = rng.standard_normal(200) * 10.0 ** rng.integers(-3, 4)
        p, state, loss = np.zeros(1), adagrad_init(np.zeros(1)), 0.0
        for value in g:
            loss += value * p[0]
            p, state = adagrad_update(p, np.array([value]), state, lr=np.sqrt(2), eps=0.0)
            p = np.clip(p, -1, 1)
        best = -abs(g.sum())
        assert loss - best <= 2 * np.sqrt(2 * (g @ g)) * (1 + 1e-12)


def test_no_gradient_yet_is_0_divided_by_eps():
    start = np.ones(2)
    moved, _ = adagrad_update(start, np.array([0.0, 1.0]), adagrad_init(start))
    np.testing.assert_allclose(moved, [1, 0.99], rtol=1e-9)
    moved, _ = adagrad_update(start, np.array([0.0, 1.0]), adagrad_init(start), eps=0.0)
    assert np.isnan(moved[0])
