"""Clipping by the norm: PyTorch's answers, the extremes, and what is refused."""

import math

import numpy as np
import pytest
from agreement import assert_agree
from golden_files import load
from optimisers import assert_refused

from refimpl.optim import clip_grad_norm

RUNS = load("clip_grad_norm")["runs"]


@pytest.mark.parametrize("name", RUNS)
def test_clipping_is_pytorchs(name):
    run = RUNS[name]
    clipped, norm = clip_grad_norm(run["gradients"], run["max_norm"], run["norm_type"])
    assert norm == pytest.approx(float(run["total_norm"]), rel=1e-14)
    for parameter, expected in run["clipped"].items():
        np.testing.assert_allclose(clipped[parameter], expected, rtol=1e-14)


@pytest.mark.parametrize("name", RUNS)
def test_pytorchs_gradients_have_the_norm_asked_for(name):
    """PyTorch adds 1e-6 to the norm that it divides by."""
    run = RUNS[name]
    flat = np.concatenate([gradient.ravel() for gradient in run["gradients"].values()])
    norm = np.linalg.norm(flat, run["norm_type"])
    assert_agree(run["total_norm"], norm)
    clipped = np.concatenate([gradient.ravel() for gradient in run["clipped"].values()])
    assert_agree(clipped, flat * min(1, run["max_norm"] / (norm + 1e-6)))


def test_clipping_extremes():
    huge = {"a": np.array([3e200, 4e200])}
    clipped, norm = clip_grad_norm(huge, 5.0)
    assert norm == pytest.approx(5e200, rel=1e-15)
    np.testing.assert_allclose(clipped["a"], [3.0, 4.0], rtol=1e-15)
    clipped, norm = clip_grad_norm({"a": np.zeros(3), "b": np.zeros((0, 2))}, 1.0)
    assert norm == 0
    np.testing.assert_array_equal(clipped["a"], np.zeros(3))
    clipped, norm = clip_grad_norm({"a": np.array([np.nan, 1.0])}, 1.0)
    assert math.isnan(norm)
    assert np.isnan(clipped["a"]).all()
    clipped, norm = clip_grad_norm({"a": np.array([np.inf, 1.0])}, 1.0)
    assert norm == math.inf
    assert np.isnan(clipped["a"][0])
    assert clipped["a"][1] == 0


G = {"w": np.ones((2, 3))}
REFUSED = {
    "no gradients to clip": (
        lambda: clip_grad_norm({}, 1.0),
        ValueError,
        "clip_grad_norm: gradients must hold at least one array, got {}",
    ),
    "a negative norm": (
        lambda: clip_grad_norm(G, -1.0),
        ValueError,
        "clip_grad_norm: max_norm must be at least 0, got -1",
    ),
    "a norm of order 0": (
        lambda: clip_grad_norm(G, 1.0, norm_type=0),
        ValueError,
        "clip_grad_norm: norm_type must be above 0, got 0",
    ),
    "a norm that is not finite": (
        lambda: clip_grad_norm({"w": np.array([np.inf])}, 1.0, error_if_nonfinite=True),
        ValueError,
        "clip_grad_norm: the norm of order 2 of gradients must be finite, got inf",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_refused_with_the_whole_message(refusal):
    assert_refused(*REFUSED[refusal])
