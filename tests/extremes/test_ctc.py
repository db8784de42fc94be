"""Unaligned sequences where digits are lost: long, improbable, nearly certain; the true values are mpmath's."""

from itertools import chain

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import ctc_loss_backward, ctc_loss_forward, log_softmax_forward

# Bounds in ulps: what is asked of a row, 3 forward and 8 backward. A loss near 0 is what the alignments beside the best
# one leave of its own loss, and has their roundings. A share of the alignments is rounded once a step on its way, and
# over a thousand steps these roundings add up to some twenty.
FORWARD, FORWARD_NEAR_0, BACKWARD, BACKWARD_LONG = 3, 8, 8, 24


def exact(log_probs, target):
    """The loss, exp(log_probs) and the shares q, by the recursion over 2 S + 1 states in mpmath's numbers.

    Forwards over the first steps and backwards over the last ones; 700 digits hold 1 next to exp(-1600).
    """
    with mpmath.workdps(700):
        y = [[mpmath.exp(mpmath.mpf(float(v))) for v in row] for row in log_probs]
        states = [0, *(symbol for label in target for symbol in (int(label), 0))]
        before, after = _ways(y, states), _ways(y[::-1], states[::-1])
        total = before[-1][-1]
        q = [[mpmath.mpf(0)] * len(row) for row in y]
        for t, row in enumerate(y):
            for s, symbol in enumerate(states):
                q[t][symbol] += before[t][s] * row[symbol] * after[len(y) - 1 - t][len(states) - 1 - s] / total
        return -mpmath.log(total), y, q


def _ways(y, states):
    ways = [[mpmath.mpf(s < 2) for s in range(len(states))]]
    for row in y:
        spoken = [w * row[symbol] for w, symbol in zip(ways[-1], states, strict=True)]
        ways.append(
            [
                spoken[s]
                + (spoken[s - 1] if s > 0 else 0)
                + (spoken[s - 2] if s > 1 and states[s] != states[s - 2] else 0)
                for s in range(len(states))
            ]
        )
    return ways


def roundings(gradient, y, q):
    """|gradient - (y - q)| in ulps of the larger of the two terms; where both are near 1, of 1 - y and 1 - q.

    The difference itself may be smaller than either by any amount.
    """
    with mpmath.workdps(700):
        worst = 0.0
        for grad, y_c, q_c in zip(gradient.ravel(), chain(*y), chain(*q), strict=True):
            size = max(1 - y_c, 1 - q_c) if q_c > 0.5 else max(y_c, q_c)
            error = abs(mpmath.mpf(float(grad)) - (y_c - q_c))
            worst = max(worst, float(error / np.spacing(max(float(size), 5e-324))))
        return worst


def held_to(log_probs, target, forward, backward):
    steps = len(log_probs)
    loss, cache = ctc_loss_forward(log_probs, target, steps, len(target), reduction="sum")
    true_loss, y, q = exact(log_probs, target)
    assert ulp_distance(loss, [true_loss]).max() <= forward
    assert roundings(ctc_loss_backward(1.0, cache)["log_probs"], y, q) <= backward


def log_softmax(scores):
    return log_softmax_forward(scores, dim=1)[0]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spread", [0.5, 5.0, 50.0])
def test_random_sequences_keep_their_digits(seed, spread):
    rng = np.random.default_rng(seed)
    target = rng.integers(1, 5, rng.integers(1, 7))
    held_to(log_softmax(spread * rng.standard_normal((40, 5))), target, FORWARD, BACKWARD)


@pytest.mark.parametrize("seed", range(3))
def test_log_probabilities_to_minus_3000_keep_their_digits(seed):
    rng = np.random.default_rng(seed)
    held_to(rng.uniform(-3000, 0, (40, 5)), rng.integers(1, 5, 6), FORWARD, BACKWARD)


@pytest.mark.parametrize("gap", [5.0, 40.0, 300.0, 700.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_nearly_certain_alignment_keeps_its_digits(gap, seed):
    """The loss is near 0: with a gap of 700 between each step's scores it is of the order of 1e-303, not 0."""
    rng = np.random.default_rng(seed)
    path, target = np.zeros(12, dtype=int), rng.integers(1, 5, 4)
    path[[1, 4, 6, 9]] = target
    scores = rng.standard_normal((12, 5))
    scores[np.arange(12), path] += gap
    held_to(log_softmax(scores), target, FORWARD_NEAR_0, BACKWARD)


def test_a_thousand_steps():
    rng = np.random.default_rng(0)
    held_to(log_softmax(rng.standard_normal((1000, 3))), rng.integers(1, 3, 8), FORWARD, BACKWARD_LONG)


def test_a_thousand_equal_steps_by_counting():
    """All 3^1000 alignments have the same probability; those of a single label are the 1000 * 1001 / 2 runs of it."""
    log_probs = np.full((1000, 3), -np.log(3.0))
    loss, cache = ctc_loss_forward(log_probs, [2], 1000, 1, reduction="sum")
    with mpmath.workdps(60):
        true = 1000 * mpmath.mpf(float(np.log(3.0))) - mpmath.log(500500)
        # Step t lies in the runs that begin by t and end from t on: (t + 1) (1000 - t) of them.
        share = [mpmath.mpf((t + 1) * (1000 - t)) / 500500 for t in range(1000)]
    assert ulp_distance(loss, [true]).max() <= 1
    gradient = ctc_loss_backward(1.0, cache)["log_probs"]
    np.testing.assert_allclose(1 / 3 - gradient[:, 2], [float(v) for v in share], rtol=1e-14, atol=2e-16)


def test_a_thousand_steps_of_minus_3000_and_of_minus_1e12():
    log_probs = np.full((1000, 2, 3), -3000.0)
    log_probs[:, 1] = -1e12
    losses, cache = ctc_loss_forward(log_probs, [[2], [2]], [1000] * 2, [1, 1], reduction="none")
    np.testing.assert_allclose(losses, [3e6 - np.log(500500), 1e15 - np.log(500500)], rtol=3e-16)
    q = -ctc_loss_backward(np.ones(2), cache)["log_probs"]
    t = np.arange(1000)
    np.testing.assert_allclose(q[:, 0, 2], (t + 1) * (1000 - t) / 500500, rtol=1e-14)
    np.testing.assert_allclose(q[:, 1], q[:, 0], rtol=1e-14)


def test_a_symbol_that_cannot_be():
    """A log-probability of -inf bars the ways through it, and no more: PyTorch's gradient is NaN there, and here 0."""
    log_probs = np.log(np.full((4, 4), 1 / 3))
    log_probs[:, 3] = -np.inf
    loss, cache = ctc_loss_forward(log_probs, [1], 4, 1)
    assert loss == pytest.approx(4 * np.log(3) - np.log(10), rel=1e-15)
    gradient = ctc_loss_backward(1.0, cache)["log_probs"]
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:, 3], 0)
    barred, cache = ctc_loss_forward(log_probs, [3], 4, 1)
    assert barred == np.inf
    assert np.isnan(ctc_loss_backward(1.0, cache)["log_probs"]).all()


def test_what_is_not_a_number_is_not_hidden():
    log_probs = np.log(np.full((4, 3), 1 / 3))
    log_probs[2, 1] = np.nan
    loss, cache = ctc_loss_forward(log_probs, [1], 4, 1, zero_infinity=True)
    assert np.isnan(loss)
    assert np.isnan(ctc_loss_backward(1.0, cache)["log_probs"]).any()


def test_subnormal_probabilities():
    """exp(-740) is 4e-322, with two digits; its logarithm has them all."""
    log_probs = np.array([[-1.0, -740.0], [-740.0, -2.0], [-745.0, -744.5]])
    held_to(log_probs, [1], FORWARD, BACKWARD)


def test_float32_is_computed_in_float64():
    rng = np.random.default_rng(0)
    log_probs = log_softmax(rng.standard_normal((60, 5))).astype(np.float32)
    loss, cache = ctc_loss_forward(log_probs, [1, 2, 2, 4], 60, 4, reduction="sum")
    true_loss, y, q = exact(log_probs, [1, 2, 2, 4])
    assert loss.dtype == np.float32
    assert ulp_distance(loss, [true_loss]).max() <= 0.51
    gradient = ctc_loss_backward(np.float32(1), cache)["log_probs"]
    assert gradient.dtype == np.float32
    with mpmath.workdps(60):
        true = [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(y, q, strict=True)]
    assert ulp_distance(gradient, true).max() <= 0.51
