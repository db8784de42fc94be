"""The Bradley-Terry loss against its terms."""

import numpy as np
import pytest

from refimpl import bradley_terry_loss_backward, bradley_terry_loss_forward

rng = np.random.default_rng(0)
A, B, M = rng.standard_normal((3, 4, 2))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_terms(reduction):
    reduced = {"mean": np.mean, "sum": np.sum, "none": np.asarray}[reduction]
    found, _ = bradley_terry_loss_forward(A, B, M, 0.3, reduction)
    expected = reduced(np.log1p(np.exp(-(A - B - M)))) + 0.3 * reduced((A + B) ** 2)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_no_margin_and_a_margin_of_zeros_are_the_same():
    plain, cache = bradley_terry_loss_forward(A, B, reduction="none")
    zeros, other = bradley_terry_loss_forward(A, B, np.zeros_like(A), reduction="none")
    np.testing.assert_array_equal(plain, zeros)
    grads, more = bradley_terry_loss_backward(A, cache), bradley_terry_loss_backward(A, other)
    assert set(more) - set(grads) == {"margin"}
    np.testing.assert_array_equal(grads["rewards_chosen"], more["rewards_chosen"])


def test_a_margin_acts_as_a_larger_reward_of_the_other():
    one, _ = bradley_terry_loss_forward(A, B, M, reduction="none")
    other, _ = bradley_terry_loss_forward(A, B + M, reduction="none")
    np.testing.assert_allclose(one, other, rtol=1e-14)
