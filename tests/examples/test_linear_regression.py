"""The line is learnt, by PyTorch's losses."""

import re

import numpy as np
from golden_files import load

from refimpl.examples import linear_regression


def test_it_has_pytorchs_losses():
    """All 1000 of them, from the same initial weight and bias, in float64."""
    recorded = load("linear_regression")
    np.testing.assert_array_equal(linear_regression.X, recorded["input"])
    np.testing.assert_array_equal(linear_regression.Y, recorded["target"])
    history = list(linear_regression.train({"linear": recorded["initial"]}, recorded["epochs"], recorded["lr"]))
    losses = np.array([loss for loss, _ in history])
    assert losses.shape == recorded["losses"].shape == (1000,)
    np.testing.assert_allclose(losses, recorded["losses"], rtol=1e-12)
    _, parameters = history[-1]
    for name in ("weight", "bias"):
        np.testing.assert_allclose(parameters["linear"][name], recorded["final"][name], rtol=1e-12)


def test_it_learns_the_line(printed):
    lines = printed("linear_regression").splitlines()
    losses = [re.fullmatch(r"Epoch (\d+), Loss: (\S+)", line) for line in lines[:-1]]
    assert [int(found[1]) for found in losses] == list(range(0, 1000, 100))
    values = [float(found[2]) for found in losses]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 1e-4
    weight, bias = map(float, re.match(r"Learnt y = (\S+) x [+-] (\S+);", lines[-1]).groups())
    assert abs(weight - 2) < 0.01
    assert abs(bias) < 0.02


def test_it_goes_on_to_2_and_0():
    *_, (_, parameters) = linear_regression.train(linear_regression.initial_parameters(0), epochs=9_000)
    np.testing.assert_allclose(parameters["linear"]["weight"], 2, rtol=1e-12)
    np.testing.assert_allclose(parameters["linear"]["bias"], 0, atol=1e-12)
