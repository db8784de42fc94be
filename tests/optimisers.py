"""The table of optimisers that the tests run over, and the problem that they run on.

A row says how an optimiser is called and, if PyTorch has it, under which name; the runs are sets of options that leave
no option out. tests/golden/record.py records each run of PyTorch's optimiser into tests/golden/optim/NAME.npz; the
contracts are tested with the options of every run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import golden_files
import numpy as np
import pytest

from refimpl import optim

SHAPES = {"weight": (3, 4), "bias": (4,), "scale": ()}
STEPS = (1, 2, 3, 10, 30, 100)  # after how many steps the parameters are recorded


class Optimiser(NamedTuple):
    init: Callable[..., Any]
    update: Callable[..., Any]
    runs: dict[str, dict[str, Any]]  # options by the run's name
    torch: str | None = None  # the class of torch.optim; None where PyTorch has no such optimiser
    shapes: dict[str, tuple[int, ...]] = SHAPES  # of the parameters that it is run on
    at_init: tuple[str, ...] = ()  # options that init takes; update takes the others
    sparse: bool = False  # in each step some entries have no gradient


# Learning rates are such that the runs do not swing about the bottom: there, differences in rounding grow step by step.
OPTIMISERS = {
    # Running means of the gradients and of their squares.
    "adam": Optimiser(
        optim.adam_init,
        optim.adam_update,
        torch="Adam",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "betas": {"lr": 0.05, "betas": (0.7, 0.9)},
            "betas above a half and below": {"lr": 0.05, "betas": (0.3, 0.99)},
            "no memory": {"lr": 0.05, "betas": (0.0, 0.0)},
            "eps": {"lr": 0.05, "eps": 0.1},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "amsgrad": {"lr": 0.05, "betas": (0.7, 0.9), "amsgrad": True},
            "maximize": {"lr": 0.05, "maximize": True},
            "decoupled weight decay": {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
            "all but decoupled": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "amsgrad": True,
                "maximize": True,
            },
            "all": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "amsgrad": True,
                "maximize": True,
                "decoupled_weight_decay": True,
            },
        },
    ),
    "adamw": Optimiser(
        optim.adamw_init,
        optim.adamw_update,
        torch="AdamW",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "no weight decay": {"lr": 0.05, "weight_decay": 0.0},
            "betas": {"lr": 0.05, "betas": (0.3, 0.99)},
            "all": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "amsgrad": True,
                "maximize": True,
            },
        },
    ),
    "nadam": Optimiser(
        optim.nadam_init,
        optim.nadam_update,
        torch="NAdam",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "betas": {"lr": 0.05, "betas": (0.7, 0.9)},
            "no memory": {"lr": 0.05, "betas": (0.0, 0.0)},
            "eps": {"lr": 0.05, "eps": 0.1},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "decoupled weight decay": {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
            "momentum decay": {"lr": 0.05, "momentum_decay": 0.5},
            "no momentum decay": {"lr": 0.05, "betas": (0.8, 0.95), "momentum_decay": 0.0},
            "maximize": {"lr": 0.05, "maximize": True},
            "all": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "momentum_decay": 0.1,
                "decoupled_weight_decay": True,
                "maximize": True,
            },
        },
    ),
    "radam": Optimiser(
        optim.radam_init,
        optim.radam_update,
        torch="RAdam",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "betas": {"lr": 0.05, "betas": (0.8, 0.95)},
            "never rectified": {"lr": 0.05, "betas": (0.9, 0.6)},
            "eps": {"lr": 0.05, "eps": 0.1},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "decoupled weight decay": {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
            "maximize": {"lr": 0.05, "maximize": True},
            "all": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "decoupled_weight_decay": True,
                "maximize": True,
            },
        },
    ),
    "adamax": Optimiser(
        optim.adamax_init,
        optim.adamax_update,
        torch="Adamax",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "betas": {"lr": 0.05, "betas": (0.8, 0.95)},
            "eps": {"lr": 0.05, "eps": 0.1},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "maximize": {"lr": 0.05, "maximize": True},
            "all": {"lr": 0.05, "betas": (0.7, 0.9), "eps": 0.01, "weight_decay": 0.1, "maximize": True},
        },
    ),
    "sparse_adam": Optimiser(
        optim.sparse_adam_init,
        optim.sparse_adam_update,
        torch="SparseAdam",
        sparse=True,
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "betas": {"lr": 0.05, "betas": (0.7, 0.9)},
            "eps": {"lr": 0.05, "eps": 0.1},
            "maximize": {"lr": 0.05, "maximize": True},
            "all": {"lr": 0.05, "betas": (0.7, 0.9), "eps": 0.01, "maximize": True},
        },
    ),
    "adafactor": Optimiser(
        optim.adafactor_init,
        optim.adafactor_update,
        torch="Adafactor",
        shapes={**SHAPES, "stack": (2, 3, 2)},
        runs={
            "defaults": {},
            "lr": {"lr": 0.2},
            "beta2_decay": {"lr": 0.2, "beta2_decay": -0.4},
            "eps": {"lr": 0.2, "eps": (0.3, 0.5)},
            "d": {"lr": 0.2, "beta2_decay": -1.5, "d": 1.5},
            "weight decay": {"lr": 0.02, "weight_decay": 0.1},
            "maximize": {"lr": 0.2, "maximize": True},
            "all": {
                "lr": 0.2,
                "beta2_decay": -0.5,
                "eps": (0.1, 0.4),
                "d": 1.2,
                "weight_decay": 0.1,
                "maximize": True,
            },
        },
    ),
    "lamb": Optimiser(
        optim.lamb_init,
        optim.lamb_update,
        runs={
            "defaults": {},
            "all": {"lr": 0.05, "betas": (0.7, 0.9), "eps": 0.01, "weight_decay": 0.1, "maximize": True},
        },
    ),
    "adabelief": Optimiser(
        optim.adabelief_init,
        optim.adabelief_update,
        runs={
            "defaults": {},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "all": {
                "lr": 0.05,
                "betas": (0.7, 0.9),
                "eps": 0.01,
                "weight_decay": 0.1,
                "decoupled_weight_decay": True,
                "maximize": True,
            },
        },
    ),
    "adan": Optimiser(
        optim.adan_init,
        optim.adan_update,
        runs={
            "defaults": {},
            "all": {"lr": 0.05, "betas": (0.7, 0.8, 0.9), "eps": 0.01, "weight_decay": 0.1, "maximize": True},
        },
    ),
    # Running means of the gradients alone.
    "lion": Optimiser(
        optim.lion_init,
        optim.lion_update,
        runs={
            "defaults": {},
            "all": {"lr": 0.05, "betas": (0.7, 0.9), "weight_decay": 0.1, "maximize": True},
        },
    ),
    "muon": Optimiser(
        optim.muon_init,
        optim.muon_update,
        torch="Muon",
        shapes={"weight": (3, 4), "tall": (5, 2)},
        runs={
            "defaults": {},
            "lr": {"lr": 0.005},
            "weight decay": {"lr": 0.005, "weight_decay": 0.5},
            "momentum": {"lr": 0.005, "momentum": 0.7},
            "no momentum": {"lr": 0.005, "momentum": 0.0},
            "without nesterov": {"lr": 0.005, "momentum": 0.9, "nesterov": False},
            "ns_coefficients": {"lr": 0.005, "ns_coefficients": (1.5, -0.5, 0.0)},
            "ns_steps": {"lr": 0.005, "ns_steps": 2},
            "no ns_steps": {"lr": 0.005, "ns_steps": 0},
            "original": {"lr": 0.003, "adjust_lr_fn": "original"},
            "match_rms_adamw": {"lr": 0.005, "adjust_lr_fn": "match_rms_adamw"},
            "eps": {"lr": 0.005, "eps": 10.0},
        },
    ),
    # The others.
    "sgd": Optimiser(
        optim.sgd_init,
        optim.sgd_update,
        torch="SGD",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "weight decay": {"lr": 0.05, "weight_decay": 0.1},
            "maximize": {"lr": 0.05, "maximize": True},
            "momentum": {"lr": 0.05, "momentum": 0.9},
            "momentum, dampening": {"lr": 0.05, "momentum": 0.9, "dampening": 0.3},
            "momentum, weight decay": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
            "momentum, maximize": {"lr": 0.05, "momentum": 0.9, "maximize": True},
            "nesterov": {"lr": 0.05, "momentum": 0.9, "nesterov": True},
            "nesterov, weight decay, maximize": {
                "lr": 0.05,
                "momentum": 0.8,
                "nesterov": True,
                "weight_decay": 0.1,
                "maximize": True,
            },
            "all but nesterov": {
                "lr": 0.05,
                "momentum": 0.8,
                "dampening": 0.2,
                "weight_decay": 0.1,
                "maximize": True,
            },
        },
    ),
}
RUNS = [(name, run) for name, optimiser in OPTIMISERS.items() for run in optimiser.runs]
RECORDED = [(name, run) for name, run in RUNS if OPTIMISERS[name].torch]


def recording(name):
    """The name of the golden file with PyTorch's runs."""
    return f"optim/{name}"


RECORDINGS = {recording(name): name for name, optimiser in OPTIMISERS.items() if optimiser.torch}


def recorded(name):
    return golden_files.load(recording(name))


def problem(shapes):
    """Where to start, and the loss f = sum height / 2 log(1 + (parameter - centre)^2), whose gradient is bounded."""
    rng = np.random.default_rng(6)
    return {
        "parameters": {name: np.asarray(rng.standard_normal(shape)) for name, shape in shapes.items()},
        "height": {name: np.asarray(rng.uniform(0.5, 2, shape)) for name, shape in shapes.items()},
        "centre": {name: np.asarray(rng.standard_normal(shape)) for name, shape in shapes.items()},
    }


def gradient(parameter, height, centre):
    """Of the loss; for arrays of NumPy and tensors of PyTorch the same to the last bit."""
    d = parameter - centre
    return height * d / (1 + d * d)


def gradients_at(problem, parameters):
    return {
        name: np.asarray(gradient(value, problem["height"][name], problem["centre"][name]))
        for name, value in parameters.items()
    }


def has_gradient(shape, step):
    """Where a sparse gradient is not 0: two entries in three, in each step others."""
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) + step) % 3 != 0


def options_of(name, run):
    """The options of a run, for init and for update."""
    options, at_init = OPTIMISERS[name].runs[run], OPTIMISERS[name].at_init
    return (
        {option: value for option, value in options.items() if option in at_init},
        {option: value for option, value in options.items() if option not in at_init},
    )


def steps_of(name, run, problem, count):
    """The parameters after each of the first `count` updates."""
    for_init, for_update = options_of(name, run)
    parameters = problem["parameters"]
    state = OPTIMISERS[name].init(parameters, **for_init)
    for step in range(1, count + 1):
        gradients = gradients_at(problem, parameters)
        if OPTIMISERS[name].sparse:
            gradients = {key: np.where(has_gradient(g.shape, step), g, 0.0) for key, g in gradients.items()}
        parameters, state = OPTIMISERS[name].update(parameters, gradients, state, **for_update)
        yield parameters


def assert_refused(call, error, message):
    """The call raises just this error with just this message."""
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
