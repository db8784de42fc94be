"""LARS: the paper's algorithm in loops, and its extremes."""

import math

import numpy as np
import pytest
from optimisers import gradients_at, problem

from refimpl.optim import lars_init, lars_update


def by_the_paper(w, gradients, steps, base, momentum, decay, eta):
    """Algorithm 1 for one layer, without its schedule: lists of numbers, one entry after the other."""
    v = [0.0] * len(w)
    for g in gradients[:steps]:
        w_norm = math.hypot(*w)
        local = eta * w_norm / (math.hypot(*g) + decay * w_norm)
        for i in range(len(w)):
            v[i] = momentum * v[i] + base * local * (g[i] + decay * w[i])
        w = [w[i] - v[i] for i in range(len(w))]
    return w


@pytest.mark.parametrize("decay", [0.0, 0.0005, 0.3])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_papers_algorithm(momentum, decay):
    rng = np.random.default_rng(0)
    layers = {"a": rng.standard_normal(7), "b": 1e4 * rng.standard_normal(2)}
    gradients = {"a": rng.standard_normal((20, 7)), "b": 1e-3 * rng.standard_normal((20, 2))}
    w, state = layers, lars_init(layers)
    for t in range(20):
        step = {name: g[t] for name, g in gradients.items()}
        w, state = lars_update(w, step, state, 0.7, momentum, decay, 0.02)
    for name in layers:
        expected = by_the_paper(layers[name].tolist(), gradients[name].tolist(), 20, 0.7, momentum, decay, 0.02)
        np.testing.assert_allclose(w[name], expected, rtol=1e-12)


def test_an_array_of_any_shape_is_one_layer():
    start = problem({"kernel": (2, 3, 4)})
    g = gradients_at(start, start["parameters"])["kernel"]
    p = start["parameters"]["kernel"]
    moved, _ = lars_update(p, g, lars_init(p))
    flat, _ = lars_update(p.ravel(), g.ravel(), lars_init(p.ravel()))
    np.testing.assert_array_equal(moved.ravel(), flat)


@pytest.mark.parametrize("p", [1e-300, 1e-160, 1.0, 1e160, 1e300])
@pytest.mark.parametrize("g", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_norms_over_the_whole_range(p, g):
    """The array moves by a tenth of its norm, whatever the size of either."""
    w = p * np.array([3.0, 4.0])
    moved, _ = lars_update(w, g * np.array([0.0, 1.0]), lars_init(w), lr=1.0, weight_decay=0.0, trust_coefficient=0.1)
    np.testing.assert_allclose(moved, p * np.array([3.0, 3.5]), rtol=1e-14)


def test_float16_takes_its_norms_in_float64():
    w = np.full(10000, 300, np.float16)  # the sum of the squares is 9e8, beyond float16
    moved, state = lars_update(w, w, lars_init(w), lr=1.0, weight_decay=0.0, trust_coefficient=0.5)
    assert moved.dtype == state.velocity.dtype == np.float16
    np.testing.assert_array_equal(moved, 150)


def test_what_is_zero():
    options = {"lr": 0.5, "momentum": 0.0, "weight_decay": 0.1, "trust_coefficient": 0.2}
    zero, some = np.zeros(2), np.array([3.0, -4.0])
    for p, g, decay, expected in (
        (zero, some, 0.1, -0.5 * some),  # a parameter of 0 takes plain steps
        (zero, zero, 0.1, zero),
        (some, zero, 0.1, 0.9 * some),  # no gradient: lr times the trust coefficient is what decays
        (some, zero, 0.0, some),
    ):
        moved, _ = lars_update(p, g, lars_init(p), **{**options, "weight_decay": decay})
        np.testing.assert_allclose(moved, expected, rtol=1e-15)
