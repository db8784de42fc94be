"""Optimisers and clipping: PyTorch's trajectories, what their formulas promise, purity, and what is refused."""

import math

import numpy as np
import pytest
from golden_files import load

from refimpl.optim import adam_init, adam_update, clip_grad_norm, sgd_init, sgd_update

GOLDEN = load("optim")
PROBLEM = GOLDEN["problem"]
PARAMETERS = PROBLEM["parameters"]
OPTIMIZERS = {"SGD": (sgd_init, sgd_update, {}), "Adam": (adam_init, adam_update, {})}
# torch.optim.AdamW is Adam with its decay decoupled and a default decay of its own.
OPTIMIZERS["AdamW"] = (adam_init, adam_update, {"decoupled_weight_decay": True, "weight_decay": 0.01})

# Largest difference to PyTorch seen over all runs, relative to the largest entry: 2.1e-15.
TRAJECTORY_TOLERANCE = 1e-13


def gradients_at(parameters):
    gradients = {}
    for name, parameter in parameters.items():
        d = parameter - PROBLEM["centre"][name]
        gradients[name] = np.asarray(PROBLEM["height"][name] * d / (1 + d * d))
    return gradients


def steps_of(kind, options, parameters, count):
    init, update, defaults = OPTIMIZERS[kind]
    state = init(parameters)
    for _ in range(count):
        parameters, state = update(parameters, gradients_at(parameters), state, **{**defaults, **options})
        yield parameters


@pytest.mark.parametrize("run", GOLDEN["runs"])
def test_a_hundred_steps_are_pytorchs(run):
    recorded = GOLDEN["runs"][run]
    seen = list(steps_of(recorded["optimizer"], recorded["options"], PARAMETERS, max(GOLDEN["steps"])))
    for i, step in enumerate(GOLDEN["steps"]):
        for name, expected in recorded["trajectory"].items():
            scale = np.abs(expected[i]).max()
            np.testing.assert_allclose(seen[step - 1][name], expected[i], rtol=0, atol=TRAJECTORY_TOLERANCE * scale)


@pytest.mark.parametrize("clipping", GOLDEN["clipping"])
def test_clipping_is_pytorchs(clipping):
    recorded = GOLDEN["clipping"][clipping]
    clipped, norm = clip_grad_norm(recorded["gradients"], recorded["max_norm"], recorded["norm_type"])
    assert norm == pytest.approx(float(recorded["total_norm"]), rel=1e-14)
    for name, expected in recorded["clipped"].items():
        np.testing.assert_allclose(clipped[name], expected, rtol=1e-14)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_updates_are_pure(kind):
    init, update, options = OPTIMIZERS[kind]
    if kind == "SGD":
        options = {"momentum": 0.9}
    parameters = {name: value.copy() for name, value in PARAMETERS.items()}
    gradients = gradients_at(parameters)
    before = {name: value.copy() for name, value in gradients.items()}
    moved, state = update(parameters, gradients, init(parameters), **options)
    again, _ = update(parameters, gradients, init(parameters), **options)
    twice, _ = update(moved, gradients, state, **options)
    thrice, _ = update(moved, gradients, state, **options)
    for name in PARAMETERS:
        np.testing.assert_array_equal(parameters[name], PARAMETERS[name])
        np.testing.assert_array_equal(gradients[name], before[name])
        np.testing.assert_array_equal(moved[name], again[name])
        np.testing.assert_array_equal(twice[name], thrice[name])
        assert not np.shares_memory(moved[name], parameters[name])


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_any_structure_in_its_own_dtype(kind, dtype):
    init, update, _ = OPTIMIZERS[kind]
    arrays = [value.astype(dtype) for value in PARAMETERS.values()]
    parameters = {"a": (arrays[0], [arrays[1]]), "b": {"c": arrays[2], "absent": None}}
    gradients = {"b": {"absent": None, "c": arrays[2]}, "a": (arrays[0], [arrays[1]])}  # the order of keys is free
    moved, state = update(parameters, gradients, init(parameters), lr=0.5)
    flat, _ = update(arrays, arrays, init(arrays), lr=0.5)
    for one, other in zip((moved["a"][0], moved["a"][1][0], moved["b"]["c"]), flat, strict=True):
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, other)
    assert moved["b"]["absent"] is None
    update(moved, gradients, state, lr=0.5)


def test_the_first_step_of_adam_has_length_lr_whatever_the_gradient():
    for size in (1e-3, 1.0, 1e6):
        start = {"w": np.zeros(3)}
        moved, _ = adam_update(start, {"w": size * np.array([1.0, -2.0, 3.0])}, adam_init(start), lr=0.1, eps=0)
        np.testing.assert_allclose(moved["w"], [-0.1, 0.1, -0.1], rtol=1e-15)


def test_sgd_starts_its_velocity_when_momentum_starts():
    start = {"w": np.array([1.0])}
    g = {"w": np.array([2.0])}
    moved, state = sgd_update(start, g, sgd_init(start), lr=0.1)
    assert state.velocity is None
    moved, state = sgd_update(moved, g, state, lr=0.1, momentum=0.5, dampening=0.25)
    np.testing.assert_array_equal(state.velocity["w"], [2.0])  # not dampened: the first velocity is the gradient
    moved, state = sgd_update(moved, g, state, lr=0.1, momentum=0.5, dampening=0.25)
    np.testing.assert_array_equal(state.velocity["w"], [0.5 * 2 + 0.75 * 2])


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


W = {"w": np.ones((2, 3))}
G = {"w": np.ones((2, 3))}
REFUSED = {
    "a negative learning rate": (
        lambda: sgd_update(W, G, sgd_init(W), lr=-0.1),
        ValueError,
        "sgd_update: lr must be at least 0, got -0.1",
    ),
    "a learning rate that is not a number": (
        lambda: adam_update(W, G, adam_init(W), lr=math.nan),
        ValueError,
        "adam_update: lr must be at least 0, got nan",
    ),
    "a learning rate as text": (
        lambda: sgd_update(W, G, sgd_init(W), lr="0.1"),
        TypeError,
        "sgd_update: lr must be a number, got '0.1'",
    ),
    "a negative momentum": (
        lambda: sgd_update(W, G, sgd_init(W), momentum=-0.5),
        ValueError,
        "sgd_update: momentum must be at least 0, got -0.5",
    ),
    "a negative decay": (
        lambda: sgd_update(W, G, sgd_init(W), weight_decay=-1),
        ValueError,
        "sgd_update: weight_decay must be at least 0, got -1",
    ),
    "nesterov without momentum": (
        lambda: sgd_update(W, G, sgd_init(W), nesterov=True),
        ValueError,
        "sgd_update: nesterov must have a momentum above 0 and a dampening of 0, got momentum 0 and dampening 0",
    ),
    "a beta of 1": (
        lambda: adam_update(W, G, adam_init(W), betas=(0.9, 1.0)),
        ValueError,
        "adam_update: betas[1] must be at least 0 and below 1, got 1",
    ),
    "one beta": (
        lambda: adam_update(W, G, adam_init(W), betas=0.9),
        TypeError,
        "adam_update: betas must be a pair of numbers, got 0.9",
    ),
    "a negative eps": (
        lambda: adam_update(W, G, adam_init(W), eps=-1e-8),
        ValueError,
        "adam_update: eps must be at least 0, got -1e-08",
    ),
    "a gradient of another shape": (
        lambda: sgd_update(W, {"w": np.ones(3)}, sgd_init(W)),
        ValueError,
        "sgd_update: gradients.w must have shape of its entry in parameters = (2, 3), got (3,)",
    ),
    "a missing gradient": (
        lambda: adam_update({**W, "b": np.ones(2)}, G, adam_init(W)),
        ValueError,
        "adam_update: gradients must have the form of parameters, got gradients: missing b, unknown nothing",
    ),
    "no gradient": (
        lambda: sgd_update(W, {"w": None}, sgd_init(W)),
        ValueError,
        "sgd_update: gradients must hold at least one array, got {'w': None}",
    ),
    "integer parameters": (
        lambda: sgd_init({"layer": {"w": np.arange(3)}}),
        TypeError,
        "sgd_init: parameters.layer.w must be a floating-point array (float16, float32, float64), got dtype int64",
    ),
    "the state of another optimiser": (
        lambda: sgd_update(W, G, adam_init(W)),
        TypeError,
        "sgd_update: state must be the SgdState that sgd_init or sgd_update returned, got AdamState",
    ),
    "the state of other parameters": (
        lambda: adam_update(W, G, adam_init({"v": np.ones(2)})),
        ValueError,
        "adam_update: state.mean must have the form of parameters, got state.mean: missing w, unknown v",
    ),
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
    call, error, message = REFUSED[refusal]
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
