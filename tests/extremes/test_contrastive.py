"""Contrastive losses on confident rows and at every magnitude; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

from refimpl import info_nce_loss_backward, info_nce_loss_forward, ntxent_loss_backward, ntxent_loss_forward

FORWARD, BACKWARD = 3, 8  # ulps of a row, as numerics.md asks


def numbers(row):
    return [mpmath.mpf(float(v)) for v in row]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 20.0, 60.0, 600.0])
def test_info_nce_of_one_feature(scale):
    """One feature with a query of 1 and candidates that are exact: the scores carry no rounding of a product."""
    rng = np.random.default_rng(0)
    candidates = np.round(scale * rng.standard_normal((6, 1)) * 2**20) / 2**20
    query = np.ones((6, 1))
    value, cache = info_nce_loss_forward(query, candidates, reduction="none")
    with mpmath.workdps(700):
        s = numbers(candidates[:, 0])
        for k in range(6):
            others = mpmath.fsum(mpmath.exp(v - s[k]) for j, v in enumerate(s) if j != k)
            assert ulp_distance(value[k], [mpmath.log1p(others)]).max() <= FORWARD
        gradient = info_nce_loss_backward(np.eye(6)[2], cache)["positive"][:, 0]
        total = mpmath.fsum(mpmath.exp(v) for v in s)
        true = [mpmath.exp(v) / total for v in s]
        true[2] = -mpmath.fsum(v for j, v in enumerate(true) if j != 2)
        assert ulp_distance(gradient, true).max() <= BACKWARD


def exact_ntxent(x, labels, temperature, pair):
    i, j = pair
    rows = [numbers(row) for row in x]
    lengths = [mpmath.sqrt(mpmath.fdot(r, r)) for r in rows]

    def score(a, b):
        return mpmath.fdot(rows[a], rows[b]) / lengths[a] / lengths[b] / mpmath.mpf(temperature)

    others = [score(i, k) - score(i, j) for k in range(len(x)) if labels[k] != labels[i]]
    return mpmath.log1p(mpmath.fsum(mpmath.exp(v) for v in others))


@pytest.mark.parametrize("magnitude", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_ntxent_at_any_magnitude(magnitude):
    """A score is known to some roundings of 1 / temperature, and a loss to as many times its own size, at most."""
    rng = np.random.default_rng(1)
    x, labels = rng.standard_normal((6, 4)), np.array([0, 1, 2, 0, 1, 2])
    x *= magnitude * 10.0 ** rng.uniform(-3, 0, (6, 1))
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j and labels[i] == labels[j]]
    for temperature in (1.0, 0.07):
        value, cache = ntxent_loss_forward(x, labels, temperature, reduction="none")
        gradient = ntxent_loss_backward(np.ones(len(pairs)), cache)["embeddings"]
        assert np.isfinite(gradient).all()
        assert (gradient != 0).all()
        # Each row's gradient is across the row: the loss does not know its length.
        across = np.abs((gradient * (x / magnitude)).sum(axis=1))
        assert (across <= 1e-14 * np.abs(gradient * (x / magnitude)).max(axis=1)).all()
        with mpmath.workdps(60):
            true = [exact_ntxent(x, labels, temperature, pair) for pair in pairs]
            relative = [abs(mpmath.mpf(float(v)) - t) / t for v, t in zip(value, true, strict=True)]
        assert max(relative) <= 4 * 2.0**-53 * max(1, 2 / temperature)


def test_ntxent_on_a_confident_pair():
    """Two labels, opposite directions: each loss is log(1 + 2 exp(-2 / 0.01)), which a difference from 1 would lose."""
    x = np.array([[1.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]])
    value, _ = ntxent_loss_forward(x, np.array([0, 0, 1, 1]), temperature=0.01, reduction="none")
    with mpmath.workdps(60):
        true = mpmath.log1p(2 * mpmath.exp(-200))
        assert ulp_distance(value, [true] * 4).max() <= FORWARD


def test_a_row_of_zeros_has_no_direction():
    x, labels = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, -1.0]]), np.array([0, 0, 1])
    value, cache = ntxent_loss_forward(x, labels, temperature=1.0, reduction="none")
    np.testing.assert_allclose(value, np.log(2), rtol=1e-15)
    gradient = ntxent_loss_backward(np.ones(2), cache)["embeddings"]
    assert not gradient[0].any()
    assert np.isfinite(gradient).all()
