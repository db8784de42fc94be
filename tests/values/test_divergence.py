"""The divergences: loops over elements, reductions, and bounds that hold between them."""

import math

import numpy as np
import pytest

from refimpl import (
    generalized_kl_div_forward,
    jensen_shannon_div_forward,
    kl_div_forward,
    total_variation_distance_forward,
)

rng = np.random.default_rng(0)
P, T = (v / v.sum(axis=-1, keepdims=True) for v in rng.uniform(0.05, 1, (2, 2, 3, 4)))
OPS = {
    "kl_div": (kl_div_forward, np.log(P), T, lambda p, t: t * math.log(t / p)),
    "generalized_kl_div": (generalized_kl_div_forward, np.log(P), T, lambda p, t: t * math.log(t / p) - t + p),
    "jensen_shannon_div": (
        jensen_shannon_div_forward,
        np.log(P),
        np.log(T),
        lambda p, t: (t * math.log(2 * t / (p + t)) + p * math.log(2 * p / (p + t))) / 2,
    ),
    "total_variation_distance": (total_variation_distance_forward, P, T, lambda p, t: abs(p - t) / 2),
}


@pytest.mark.parametrize("name", OPS)
def test_element_by_element(name):
    """A loop with the math module; the mean is over all elements, batchmean over the first axis."""
    forward, x, t, term = OPS[name]
    terms = np.array([term(P[i], T[i]) for i in np.ndindex(P.shape)]).reshape(P.shape)
    np.testing.assert_allclose(forward(x, t, reduction="none")[0], terms, rtol=1e-12)
    assert forward(x, t, reduction="sum")[0] == pytest.approx(terms.sum(), rel=1e-13)
    assert forward(x, t, reduction="mean")[0] == pytest.approx(terms.sum() / 24, rel=1e-13)
    assert forward(x, t, reduction="batchmean")[0] == pytest.approx(terms.sum() / 2, rel=1e-13)
    assert np.isnan(forward(x[:0], t[:0], reduction="mean")[0])
    assert np.isnan(forward(x[:0], t[:0], reduction="batchmean")[0])


@pytest.mark.parametrize("beta", [0.1, 0.5, 0.9])
def test_jensen_shannon_is_bounded(beta):
    """By the entropy of the weights, which two distributions without a common class reach."""
    entropy = -beta * np.log(beta) - (1 - beta) * np.log(1 - beta)
    rows = jensen_shannon_div_forward(np.log(P), np.log(T), beta, "none")[0].sum(axis=-1)
    assert (rows < entropy).all()
    apart = np.array([0, -np.inf]), np.array([-np.inf, 0])
    assert jensen_shannon_div_forward(*apart, beta, "sum")[0] == pytest.approx(entropy, rel=1e-15)


def test_jensen_shannon_between_its_ends():
    """Divided by beta it tends to the divergence that stands at the end of beta = 0."""
    x, y = np.log(P), np.log(T)
    end = kl_div_forward(x, T, "sum")[0]
    assert jensen_shannon_div_forward(x, y, 1e-8, "sum")[0] / 1e-8 == pytest.approx(end, rel=1e-6)
