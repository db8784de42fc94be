"""The losses of yes or no: loops over elements, broadcast weights, identities that the derivation does not run."""

import math

import numpy as np
import pytest

from refimpl import (
    binary_cross_entropy_forward,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    sigmoid_focal_loss_forward,
)

rng = np.random.default_rng(0)
X, T = rng.standard_normal((3, 4)), rng.uniform(size=(3, 4))
P = 1 / (1 + np.exp(-X))
WEIGHTS = {
    "none": None,
    "element": rng.uniform(0.5, 2, (3, 4)),
    "column": rng.uniform(0.5, 2, 4),
    "row": np.ones((3, 1)) / 3,
}


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_element_by_element(weight, reduction):
    """A loop with the math module."""
    w = np.broadcast_to(1.0 if weight is None else weight, (3, 4))
    terms = [
        -w[i] * (T[i] * math.log(P[i]) + (1 - T[i]) * math.log(1 - P[i])) for i in np.ndindex(3, 4)
    ]  # fmt: skip
    expected = {"none": np.reshape(terms, (3, 4)), "sum": sum(terms), "mean": sum(terms) / 12}[reduction]
    np.testing.assert_allclose(binary_cross_entropy_forward(P, T, weight, reduction)[0], expected, rtol=1e-14)
    np.testing.assert_allclose(
        binary_cross_entropy_with_logits_forward(X, T, weight, reduction)[0], expected, rtol=1e-13
    )


def test_two_classes_of_the_cross_entropy():
    """A score of yes against a score of 0 for no: softmax of two is the sigmoid of their difference."""
    rows = np.stack([np.zeros(12), X.ravel()], axis=1)
    target = np.stack([1 - T.ravel(), T.ravel()], axis=1)
    loss, cache = cross_entropy_forward(rows, target)
    binary, binary_cache = binary_cross_entropy_with_logits_forward(X, T)
    assert binary == pytest.approx(float(loss), rel=1e-14)
    grad = cross_entropy_backward(np.array(1.0), cache)["input"][:, 1]
    np.testing.assert_allclose(
        binary_cross_entropy_with_logits_backward(np.array(1.0), binary_cache)["input"].ravel(), grad, rtol=1e-13
    )


@pytest.mark.parametrize("alpha", [-1, 0.25])
@pytest.mark.parametrize("gamma", [0, 1, 2, 3.5])
def test_focal_element_by_element(alpha, gamma):
    hard = (T > 0.5).astype(float)
    for target in (T, hard):
        terms = []
        for i in np.ndindex(3, 4):
            p, t = P[i], target[i]
            p_t = p * t + (1 - p) * (1 - t)
            a = 1 if alpha == -1 else alpha * t + (1 - alpha) * (1 - t)
            terms.append(-a * (1 - p_t) ** gamma * (t * math.log(p) + (1 - t) * math.log(1 - p)))
        loss, _ = sigmoid_focal_loss_forward(X, target, alpha, gamma)
        np.testing.assert_allclose(loss.ravel(), terms, rtol=1e-13)


def test_a_weight_is_never_spread_beyond_the_input():
    """A weight with more rows than the input would make more losses than there are elements."""
    with pytest.raises(ValueError, match="weight must be broadcastable to the shape of input"):
        binary_cross_entropy_forward(P[:1], T[:1], np.ones((3, 4)))


def test_the_mean_of_nothing_is_nan():
    nothing = np.zeros((0, 3))
    assert np.isnan(binary_cross_entropy_forward(nothing, nothing)[0])
    assert np.isnan(binary_cross_entropy_with_logits_forward(nothing, nothing)[0])
    assert np.isnan(sigmoid_focal_loss_forward(nothing, nothing, reduction="mean")[0])


def test_what_is_kept_is_what_was_given():
    """The caches alias the arguments, and hold no array of their own."""
    weight = np.ones(4)
    assert all(a is b for a, b in zip(binary_cross_entropy_forward(P, T, weight)[1], (P, T, weight), strict=False))
    cache = sigmoid_focal_loss_forward(X, T)[1]
    assert cache.inputs is X
    assert cache.targets is T
