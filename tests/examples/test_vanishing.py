"""Gradients vanish with depth under small weights, and do not under scaled ones or a normalization."""

import math

import numpy as np
import pytest

from refimpl.examples import vanishing as lesson


def factor(activation, remedy, seed=0):
    """By what the norm of the gradient is multiplied from layer to layer on the way down."""
    norms = lesson.gradient_norms(activation, remedy, seed)
    assert len(norms) == lesson.DEPTH
    return (norms[2] / norms[-1]) ** (1 / (lesson.DEPTH - 3))


@pytest.mark.parametrize(
    ("activation", "remedy", "expected"),
    [
        ("sigmoid", "small weights", 0.5 / 4),  # 1 / 2 of the weights, 1 / 4 the slope at 0
        ("tanh", "small weights", 0.5),  # the slope is 1 at 0, where small weights lead
        ("relu", "small weights", 0.5 * math.sqrt(1 / 2)),  # every other slope is 0
        ("relu", "scaled weights", 1.0),
        ("relu", "small, normalized", math.sqrt(1 / (1 - 1 / math.pi))),
    ],
)
def test_the_factor_per_layer_is_what_the_page_derives(activation, remedy, expected):
    assert np.mean([factor(activation, remedy, seed) for seed in range(2)]) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("seed", range(2))
def test_what_helps(seed):
    for activation, small in (("sigmoid", 1e-15), ("tanh", 1e-5), ("relu", 1e-7)):
        norms = {remedy: lesson.gradient_norms(activation, remedy, seed)[0] for remedy in lesson.REMEDIES}
        assert norms["small weights"] < small
        assert 0.05 < norms["small, normalized"] < 100
        if activation == "sigmoid":  # whose slope is at most 1 / 4: no scale of the weights makes up for it here
            assert norms["small weights"] < norms["scaled weights"] < 1e-10
        else:
            assert 0.3 < norms["scaled weights"] < 20


def test_what_is_printed_makes_the_point(printed):
    rows = [line.split() for line in printed("vanishing").splitlines()[2:]]
    assert [row[0] for row in rows] == [activation for activation in lesson.ACTIVATIONS for _ in lesson.REMEDIES]
    assert [row[-1] for row in rows][:2] == ["0.12", "0.23"]
    assert [float(row[-2]) < 1e-5 for row in rows] == [True, True, False, True, False, False, True, False, False]
