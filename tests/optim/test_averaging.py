"""Averages of parameters: PyTorch's, as means, and what is refused."""

import numpy as np
import pytest
from golden_files import load
from optimisers import assert_refused

from refimpl import batch_norm_running_stats
from refimpl.optim import ema_average, swa_average

GOLDEN = load("averaging")
WEIGHTS = GOLDEN["weights"]


def averages(kind, weights):
    average = None
    for i, weight in enumerate(weights):
        parameters = {"layer": (weight, None)}
        if kind == "ema":
            average = ema_average(average, parameters, GOLDEN["decay"])
        else:
            average = swa_average(average, parameters, i)
        assert average["layer"][1] is None
        yield average["layer"][0]


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_are_pytorchs(kind):
    for average, expected in zip(averages(kind, WEIGHTS), GOLDEN[kind], strict=True):
        np.testing.assert_array_equal(average, expected)


def test_the_exponential_average_is_a_weighted_mean():
    decay, n = GOLDEN["decay"], len(WEIGHTS)
    shares = (1 - decay) * decay ** np.arange(n - 1, -1, -1)
    shares[0] = decay ** (n - 1)
    assert shares.sum() == pytest.approx(1, rel=1e-15)
    *_, average = averages("ema", WEIGHTS)
    np.testing.assert_allclose(average, np.tensordot(shares, WEIGHTS, 1), rtol=0, atol=1e-15)


def test_the_stochastic_average_is_the_mean():
    for i, average in enumerate(averages("swa", WEIGHTS)):
        np.testing.assert_allclose(average, WEIGHTS[: i + 1].mean(axis=0), rtol=0, atol=1e-15)


def test_running_statistics_are_pytorchs_after_averaging():
    """update_bn: the mean over the batches of their statistics, from nothing."""
    mean, var = np.zeros(3), np.ones(3)
    for i, batch in enumerate(GOLDEN["batches"]):
        mean, var = batch_norm_running_stats(batch, mean, var, momentum=1 / (i + 1))
    np.testing.assert_allclose(mean, GOLDEN["running_mean"], rtol=1e-14)
    np.testing.assert_allclose(var, GOLDEN["running_var"], rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_averages_keep_the_dtype_and_what_they_were_given(dtype):
    old, new = {"w": np.ones(3, dtype=dtype)}, {"w": np.full(3, 2, dtype=dtype)}
    for first in (ema_average(None, old), swa_average(None, old, 0)):
        np.testing.assert_array_equal(first["w"], 1)
        assert not np.shares_memory(first["w"], old["w"])
    for average in (ema_average(old, new, 0.5), swa_average(old, new, 1)):
        np.testing.assert_array_equal(average["w"], 1.5)
        assert average["w"].dtype == dtype
    np.testing.assert_array_equal(old["w"], 1)
    np.testing.assert_array_equal(swa_average(old, new, 0)["w"], 2)


def test_the_callers_handling_of_floating_errors_does_not_matter():
    old, new = [np.array([1e308, 1e-308, np.inf])], [np.array([-1e308, 1e-320, np.inf])]
    with np.errstate(all="raise"):
        ema_average(old, new, 0.9)
        swa_average(old, new, 3)


W = {"w": np.ones((2, 3))}
REFUSED = {
    "a decay above 1": (
        lambda: ema_average(W, W, 1.5),
        ValueError,
        "ema_average: decay must be at least 0 and at most 1, got 1.5",
    ),
    "another parameter": (
        lambda: ema_average(W, {"v": np.ones(2)}),
        ValueError,
        "ema_average: parameters must have the form of average, got parameters: missing w, unknown v",
    ),
    "another shape": (
        lambda: swa_average(W, {"w": np.ones(3)}, 1),
        ValueError,
        "swa_average: parameters.w must have shape of its entry in average = (2, 3), got (3,)",
    ),
    "a negative number": (
        lambda: swa_average(W, W, -1),
        ValueError,
        "swa_average: num_averaged must be at least 0, got -1",
    ),
    "an average that is missing": (
        lambda: swa_average(None, W, 3),
        ValueError,
        "swa_average: num_averaged must be 0 where there is no average yet, got 3",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_refused_with_the_whole_message(refusal):
    assert_refused(*REFUSED[refusal])
