"""Contrastive losses against loops, and in several blocks."""

import numpy as np
import pytest

from refimpl import _blocks, info_nce_loss_backward, info_nce_loss_forward, ntxent_loss_backward, ntxent_loss_forward

rng = np.random.default_rng(0)


def test_info_nce_loop():
    q, k, others = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    found, _ = info_nce_loss_forward(q, k, others, 0.5, "none")
    for n in range(4):
        scores = [q[n] @ k[n] / 0.5, *(q[n] @ other / 0.5 for other in others)]
        assert found[n] == pytest.approx(-np.log(np.exp(scores[0]) / np.exp(scores).sum()), rel=1e-13)


def test_ntxent_loop():
    x, y = rng.standard_normal((7, 3)), np.array([0, 1, 0, 0, 1, 5, 1])
    unit = x / np.linalg.norm(x, axis=1)[:, None]
    expected = []
    for i in range(7):
        for j in range(7):
            if i != j and y[i] == y[j]:
                own = np.exp(unit[i] @ unit[j] / 0.3)
                expected.append(
                    -np.log(own / (own + sum(np.exp(unit[i] @ unit[k] / 0.3) for k in np.flatnonzero(y != y[i]))))
                )
    np.testing.assert_allclose(ntxent_loss_forward(x, y, 0.3, "none")[0], expected, rtol=1e-12)
    assert ntxent_loss_forward(x, y, 0.3)[0] == pytest.approx(np.mean(expected), rel=1e-12)


def test_without_a_pair_the_mean_is_nan_and_the_sum_0():
    x, y = rng.standard_normal((3, 2)), np.arange(3)
    assert np.isnan(ntxent_loss_forward(x, y)[0])
    assert ntxent_loss_forward(x, y, reduction="sum")[0] == 0


def test_blocks_do_not_matter(monkeypatch):
    q, k, others = rng.standard_normal((9, 3)), rng.standard_normal((9, 3)), rng.standard_normal((4, 3))
    y = rng.integers(0, 3, 9)

    def everything():
        loss, cache = info_nce_loss_forward(q, k, reduction="none")
        yield loss
        yield from info_nce_loss_backward(np.arange(9.0), cache).values()
        loss, cache = info_nce_loss_forward(q, k, others, reduction="none")
        yield loss
        yield from info_nce_loss_backward(np.arange(9.0), cache).values()
        loss, cache = ntxent_loss_forward(q, y, reduction="none")
        yield loss
        yield from ntxent_loss_backward(np.arange(loss.size, dtype=float), cache).values()

    whole = list(everything())
    monkeypatch.setattr(_blocks, "BLOCK", 25)
    for a, b in zip(everything(), whole, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
