"""Distillation from its parts, and what its shapes mean."""

import numpy as np

from refimpl import distillation_loss_backward, distillation_loss_forward, softmax_backward, softmax_forward

rng = np.random.default_rng(0)


def test_distillation_from_its_parts():
    """Both gradients through a softmax, by hand: d KL / dp = -q / p and d KL / dq = log (q / p) + 1."""
    a, b, t = rng.standard_normal((3, 4)), rng.standard_normal((3, 4)), 1.7
    (p, p_cache), (q, q_cache) = softmax_forward(a / t, dim=1), softmax_forward(b / t, dim=1)
    loss, cache = distillation_loss_forward(
        a, b, np.zeros(3, dtype=int), t, 0, 1, square_temperature=False, reduction="none"
    )
    np.testing.assert_allclose(loss, (q * np.log(q / p)).sum(axis=1), rtol=1e-13)
    g = rng.standard_normal((3, 1))
    grads = distillation_loss_backward(g[:, 0], cache)
    through_p = softmax_backward(-g * q / p, p_cache)["input"] / t
    through_q = softmax_backward(g * (np.log(q / p) + 1), q_cache)["input"] / t
    np.testing.assert_allclose(grads["student_logits"], through_p, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(grads["teacher_logits"], through_q, rtol=1e-12, atol=1e-15)


def test_sequences_are_rows():
    """The classes stand on the last axis, all other axes count positions."""
    a, b, y = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    y[0, 1] = -100
    loss, _ = distillation_loss_forward(a, b, y, 2.0, reduction="none")
    rows, _ = distillation_loss_forward(a.reshape(6, 4), b.reshape(6, 4), y.reshape(6), 2.0, reduction="none")
    np.testing.assert_array_equal(loss, rows.reshape(2, 3))
    assert loss[0, 1] == 0
    mean, _ = distillation_loss_forward(a, b, y, 2.0)
    np.testing.assert_allclose(mean, loss.sum() / 5, rtol=1e-15)
