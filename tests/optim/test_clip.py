"""Clipping and accumulating gradients: PyTorch's answers, the extremes, and what is refused."""

import math

import numpy as np
import pytest
from agreement import assert_agree
from golden_files import load
from optimisers import assert_refused

from refimpl import linear_backward, linear_forward, mse_loss_backward, mse_loss_forward
from refimpl._structure import map_leaves
from refimpl.optim import (
    accumulate,
    adaptive_grad_clip,
    clip_grad_norm,
    clip_grad_value,
    clip_grads_with_norm,
    get_total_norm,
)

RUNS = load("clip_grad_norm")["runs"]


@pytest.mark.parametrize("name", RUNS)
def test_clipping_is_pytorchs(name):
    run = RUNS[name]
    clipped, norm = clip_grad_norm(run["gradients"], run["max_norm"], run["norm_type"])
    assert norm == pytest.approx(float(run["total_norm"]), rel=1e-14)
    for parameter, expected in run["clipped"].items():
        np.testing.assert_allclose(clipped[parameter], expected, rtol=1e-14)
    assert get_total_norm(run["gradients"], run["norm_type"]) == norm
    by_norm = clip_grads_with_norm(run["gradients"], run["max_norm"], norm)
    for parameter, expected in clipped.items():
        np.testing.assert_array_equal(by_norm[parameter], expected)


@pytest.mark.parametrize("name", RUNS)
def test_pytorchs_gradients_have_the_norm_asked_for(name):
    """PyTorch adds 1e-6 to the norm that it divides by."""
    run = RUNS[name]
    flat = np.concatenate([gradient.ravel() for gradient in run["gradients"].values()])
    # PyTorch takes the norm of the arrays' norms: order 0 counts the arrays that are not all 0.
    norm = 3.0 if run["norm_type"] == 0 else np.linalg.norm(flat, run["norm_type"])
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
    for order, norm in (
        (2, 5e-200),
        (1, 7e-200),
        (0.5, 13.92820323027551e-200),
        (math.inf, 4e-200),
        (-math.inf, 3e-200),
    ):
        assert get_total_norm([np.array([3e-200, 4e-200])], order) == pytest.approx(norm, rel=1e-14)
    assert get_total_norm([np.array([0.0, 2.0]), np.zeros(3), np.ones(())], 0) == 2
    assert get_total_norm([np.zeros((0, 3))], -1) == 0


def test_half_precision_does_not_limit_the_norm():
    clipped, norm = clip_grad_norm([np.full(10_000, 10.0, dtype="float16")], 1.0)
    assert norm == 1000
    assert clipped[0].dtype == "float16"
    np.testing.assert_array_equal(clipped[0], np.float16(0.01))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_clipping_by_value(dtype):
    gradients = {
        "a": np.array([-3, -0.5, 0, 0.5, 3, np.inf, np.nan], dtype=dtype),
        "b": [np.array(-7, dtype=dtype), None],
    }
    before = gradients["a"].copy()
    clipped = clip_grad_value(gradients, 0.5)
    np.testing.assert_array_equal(clipped["a"], [-0.5, -0.5, 0, 0.5, 0.5, 0.5, np.nan])
    assert clipped["b"][0] == -0.5
    assert clipped["b"][1] is None
    assert clipped["a"].dtype == clipped["b"][0].dtype == dtype
    np.testing.assert_array_equal(gradients["a"], before)
    assert not np.shares_memory(clipped["a"], gradients["a"])
    np.testing.assert_array_equal(clip_grad_value(gradients, np.inf)["a"], before)


def test_the_callers_handling_of_floating_errors_does_not_matter():
    wild = [np.array([[1e300, -1e-300], [0.0, np.inf]]), np.array([1e38, 1e-38], dtype="float32")]
    with np.errstate(all="raise"):
        for order in (-math.inf, -1, 0, 0.5, 2, 3, math.inf):
            clip_grad_norm(wild, 1e-3, order)
        clip_grad_value(wild, 1e-60)
        adaptive_grad_clip(wild, wild, clipping=1e-6)
        accumulate(accumulate(None, wild, 1e300), wild, 1e-300)


def test_adaptive_clipping_is_a_loop_over_units():
    rng = np.random.default_rng(0)
    parameters = {"conv": rng.standard_normal((4, 3, 2, 2)), "bias": rng.standard_normal(4), "gain": np.array(0.5)}
    gradients = map_leaves(lambda p: 0.05 * rng.standard_normal(p.shape), parameters)
    gradients["conv"] *= np.array([0.1, 1, 10, 0]).reshape(4, 1, 1, 1)
    parameters["conv"][1] = 0
    clipped = adaptive_grad_clip(parameters, gradients, clipping=0.05, eps=0.01)

    def unit(w, g):
        bound = 0.05 * max(math.sqrt((w**2).sum()), 0.01)
        size = math.sqrt((g**2).sum())
        return g * (bound / size) if size > bound else g

    for u in range(4):
        np.testing.assert_allclose(
            clipped["conv"][u], unit(parameters["conv"][u], gradients["conv"][u]), rtol=1e-14, err_msg=str(u)
        )
    np.testing.assert_array_equal(clipped["conv"][0], gradients["conv"][0])
    for name in ("bias", "gain"):
        np.testing.assert_allclose(clipped[name], unit(parameters[name], gradients[name]), rtol=1e-14)
        assert clipped[name].shape == parameters[name].shape


def test_adaptive_clipping_extremes():
    huge = adaptive_grad_clip([np.array([[3e200, 4e200]])], [np.array([[3e300, -4e300]])], clipping=0.5)[0]
    np.testing.assert_allclose(huge, [[1.5e200, -2e200]], rtol=1e-15)
    unbounded = adaptive_grad_clip([np.ones((1, 2))], [np.array([[1.7e308, 1.7e308]])], clipping=1.0)[0]
    np.testing.assert_allclose(unbounded, [[1.0, 1.0]], rtol=1e-15)
    bad = adaptive_grad_clip([np.ones((2, 2))], [np.array([[np.nan, 1.0], [1.0, 1.0]])], clipping=0.5)[0]
    assert np.isnan(bad[0]).all()
    np.testing.assert_allclose(bad[1], 0.5, rtol=1e-15)
    empty = adaptive_grad_clip([np.ones((0, 2)), np.ones(1)], [np.ones((0, 2)), np.ones(1)])
    assert empty[0].shape == (0, 2)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_micro_batches_add_up_to_the_whole_batch(reduction):
    """Of 10 samples in parts of 4, 4 and 2."""
    rng = np.random.default_rng(1)
    x, target = rng.standard_normal((10, 3)), rng.standard_normal((10, 2))
    weight, bias = rng.standard_normal((2, 3)), rng.standard_normal(2)

    def gradients_of(samples):
        output, layer = linear_forward(x[samples], weight, bias)
        _, loss = mse_loss_forward(output, target[samples], reduction=reduction)
        gradients = linear_backward(mse_loss_backward(1.0, loss)["input"], layer)
        return {"weight": gradients["weight"], "bias": gradients["bias"]}

    accumulated = None
    for start in (0, 4, 8):
        part = gradients_of(slice(start, start + 4))
        size = len(x[start : start + 4])
        accumulated = accumulate(accumulated, part, weight=size / 10 if reduction == "mean" else 1.0)
    for name, whole in gradients_of(slice(None)).items():
        np.testing.assert_allclose(accumulated[name], whole, rtol=0, atol=1e-15 * np.abs(whole).max())


def test_accumulating_changes_nothing_that_it_was_given():
    first = {"w": np.ones(2, dtype="float32")}
    one = accumulate(None, first)
    two = accumulate(one, first, 2.0)
    np.testing.assert_array_equal(one["w"], 1)
    np.testing.assert_array_equal(two["w"], 3)
    assert two["w"].dtype == "float32"
    assert not np.shares_memory(one["w"], first["w"])


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
    "an order as text": (
        lambda: get_total_norm(G, "fro"),
        TypeError,
        "get_total_norm: norm_type must be a number, got 'fro'",
    ),
    "a known norm that is none": (
        lambda: clip_grads_with_norm(G, 1.0, math.nan),
        ValueError,
        "clip_grads_with_norm: total_norm must be at least 0, got nan",
    ),
    "a negative value": (
        lambda: clip_grad_value(G, -0.5),
        ValueError,
        "clip_grad_value: clip_value must be at least 0, got -0.5",
    ),
    "integer gradients": (
        lambda: clip_grad_value({"a": [np.arange(3)]}, 0.5),
        TypeError,
        "clip_grad_value: gradients.a[0] must be a floating-point array (float16, float32, float64), got dtype int64",
    ),
    "a gradient that is missing": (
        lambda: adaptive_grad_clip({**G, "b": np.ones(2)}, G),
        ValueError,
        "adaptive_grad_clip: gradients must have the form of parameters, got gradients: missing b, unknown nothing",
    ),
    "a share of 0": (
        lambda: adaptive_grad_clip(G, G, clipping=0),
        ValueError,
        "adaptive_grad_clip: clipping must be above 0, got 0",
    ),
    "micro-batches of other parameters": (
        lambda: accumulate(G, {"w": np.ones(3)}),
        ValueError,
        "accumulate: gradients.w must have shape of its entry in accumulated = (2, 3), got (3,)",
    ),
    "a weight that is infinite": (
        lambda: accumulate(None, G, math.inf),
        ValueError,
        "accumulate: weight must be above -inf and below inf, got inf",
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
