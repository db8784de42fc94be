"""Schedule-free SGD: the paper's sequences in exact fractions, its authors' form without x, and what it promises."""

from fractions import Fraction

import numpy as np
import pytest

from refimpl.optim import schedule_free_sgd_init, schedule_free_sgd_update


def sequences(gradient, start, steps, **options):
    """x, y and z after each update."""
    y = np.array(start)
    state, seen = schedule_free_sgd_init(y), []
    for t in range(1, steps + 1):
        y, state = schedule_free_sgd_update(y, gradient(y, t), state, **options)
        seen.append((state.average, y, state.base))
    return np.array(seen).swapaxes(0, 1)


def exact(steps, lr, beta, decay, warmup, r, power):
    """The same in fractions, from 1, with the gradient y / 2 - 1 / t; the mean is taken anew over all z."""
    y = Fraction(1)
    z, points, weights, rates = y, [], [], []
    for t in range(1, steps + 1):
        rates.append(lr * min(Fraction(1), Fraction(t, warmup)) if warmup else lr)
        z = z - rates[-1] * (y / 2 - Fraction(1, t) + decay * y)
        points.append(z)
        weights.append(Fraction(t) ** r * max(rates) ** power)
        x = sum(w * point for w, point in zip(weights, points, strict=True)) / sum(weights)
        y = (1 - beta) * z + beta * x
        yield x, y, z


@pytest.mark.parametrize(
    ("lr", "beta", "decay", "warmup", "r", "power"),
    [
        (Fraction(1), Fraction(9, 10), 0, 0, 0, 2),
        (Fraction(3, 4), Fraction(0), 0, 0, 0, 2),
        (Fraction(3, 4), Fraction(1), 0, 0, 0, 2),
        (Fraction(3, 4), Fraction(1, 2), Fraction(1, 5), 4, 0, 2),
        (Fraction(3, 4), Fraction(1, 2), Fraction(1, 5), 4, 1, 0),
        (Fraction(3, 4), Fraction(1, 2), Fraction(1, 5), 4, 3, 1),
    ],
)
def test_the_sequences_in_fractions(lr, beta, decay, warmup, r, power):
    options = {"lr": lr, "momentum": beta, "weight_decay": decay, "warmup_steps": warmup, "r": r}
    seen = sequences(lambda y, t: y / 2 - 1 / t, 1.0, 12, **options, weight_lr_power=power)
    expected = np.array([[float(value) for value in step] for step in exact(12, lr, beta, decay, warmup, r, power)]).T
    np.testing.assert_allclose(seen, expected, rtol=1e-13)


def test_y_moves_as_in_its_authors_package():
    """There y steps without x: y + c (z - y) + lr (beta (1 - c) - 1) g, z the one before."""
    lr, beta = 0.6, 0.8
    gradients = np.random.default_rng(0).standard_normal((20, 3))
    start = np.array([1.0, -2.0, 0.5])
    _, y, z = sequences(lambda p, t: gradients[t - 1], start, 20, lr=lr, momentum=beta)
    y, z = np.concatenate([[start], y]), np.concatenate([[start], z])
    for t in range(1, 21):
        c = 1 / t
        expected = y[t - 1] + c * (z[t - 1] - y[t - 1]) + lr * (beta * (1 - c) - 1) * gradients[t - 1]
        np.testing.assert_allclose(y[t], expected, rtol=1e-12, atol=1e-14)


def test_the_learning_rate_may_fall_to_0_and_start_from_it():
    start = np.array([1.0])
    y, state = schedule_free_sgd_update(start, start, schedule_free_sgd_init(start), lr=0.0)
    assert (y, state.average, state.weight_sum) == (1, 1, 0)
    y, state = schedule_free_sgd_update(y, np.array([2.0]), state, lr=0.5)
    assert (state.base, state.average) == (0, 0)  # what had the weight 0 does not count
    y, state = schedule_free_sgd_update(y, np.array([2.0]), state, lr=0.0)
    assert (state.base, state.average, state.largest_lr) == (0, 0, 0.5)
    y, state = schedule_free_sgd_update(y, np.array([2.0]), state, lr=0.25)
    np.testing.assert_allclose(state.average, -0.5 / 3, rtol=1e-15)  # the largest lr weighs: a third, not a ninth


def test_noise_averages_out():
    """Gradients with noise: z keeps swinging, and the mean of all z lies near the minimum."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2000, 50))
    x, _, z = sequences(lambda y, t: y - 3 + noise[t - 1], np.zeros(50), 2000, lr=0.5)
    swing, error = np.abs(z[-1] - 3).mean(), np.abs(x[-1] - 3).mean()
    assert error < 0.1 * swing
    # The standard deviation of the mean of 2000 samples of noise, times what |.| of a normal number is on average.
    assert error < 2 * np.sqrt(2 / np.pi) / np.sqrt(2000)


def test_the_last_mean_is_as_good_as_the_bound_for_its_own_length():
    """No step knows how many there will be; for every number of them the rate that the theorem names would do."""
    start = np.array([1.0, -1.0])
    distance, steepest = np.linalg.norm(start), np.sqrt(2)
    for steps in (10, 100, 1000):
        lr = distance / steepest / np.sqrt(steps)
        x, _, _ = sequences(lambda y, t: np.sign(y), start, steps, lr=lr)
        assert np.abs(x[-1]).sum() <= distance * steepest / np.sqrt(steps)
