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
    by_closure: bool = False  # update takes a closure in the place of the gradients
    kept: tuple[tuple[str, str], ...] = ()  # fields of the state that PyTorch keeps too, each with its name for it


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
    # Every entry at its own rate.
    "adadelta": Optimiser(
        optim.adadelta_init,
        optim.adadelta_update,
        torch="Adadelta",
        kept=(("square", "square_avg"), ("square_delta", "acc_delta")),
        runs={
            "defaults": {},
            "lr": {"lr": 5.0},
            "rho": {"lr": 5.0, "rho": 0.5},
            "rho of 1": {"rho": 1.0},
            "no memory": {"rho": 0.0},
            "eps": {"eps": 0.01},
            "weight decay": {"weight_decay": 0.1},
            "maximize": {"lr": 5.0, "maximize": True},
            "all": {"lr": 3.0, "rho": 0.7, "eps": 0.001, "weight_decay": 0.1, "maximize": True},
        },
    ),
    "adagrad": Optimiser(
        optim.adagrad_init,
        optim.adagrad_update,
        torch="Adagrad",
        kept=(("square_sum", "sum"),),
        at_init=("initial_accumulator_value",),
        runs={
            "defaults": {},
            "lr": {"lr": 0.5},
            "lr decay": {"lr": 0.5, "lr_decay": 0.1},
            "weight decay": {"lr": 0.5, "weight_decay": 0.1},
            "initial value": {"lr": 0.5, "initial_accumulator_value": 0.3},
            "eps": {"lr": 0.5, "eps": 0.1},
            "maximize": {"lr": 0.5, "maximize": True},
            "all": {
                "lr": 0.5,
                "lr_decay": 0.1,
                "weight_decay": 0.1,
                "initial_accumulator_value": 0.3,
                "eps": 0.1,
                "maximize": True,
            },
        },
    ),
    "rmsprop": Optimiser(
        optim.rmsprop_init,
        optim.rmsprop_update,
        torch="RMSprop",
        runs={
            "defaults": {},
            "lr": {"lr": 0.05},
            "alpha": {"lr": 0.05, "alpha": 0.6},
            "alpha of 1": {"lr": 1e-5, "alpha": 1.0, "eps": 0.001},
            "no memory": {"lr": 0.05, "alpha": 0.0, "eps": 0.1},
            "eps": {"eps": 0.1},
            "weight decay": {"weight_decay": 0.1},
            "momentum": {"momentum": 0.9},
            "centered": {"centered": True},
            "centered, alpha, eps": {"alpha": 0.6, "eps": 0.1, "centered": True},
            "centered, momentum": {"momentum": 0.5, "centered": True},
            "maximize": {"maximize": True},
            "all but centered": {
                "lr": 0.02,
                "alpha": 0.8,
                "eps": 0.01,
                "weight_decay": 0.1,
                "momentum": 0.7,
                "maximize": True,
            },
            "all": {
                "lr": 0.02,
                "alpha": 0.8,
                "eps": 0.01,
                "weight_decay": 0.1,
                "momentum": 0.7,
                "centered": True,
                "maximize": True,
            },
        },
    ),
    "rprop": Optimiser(
        optim.rprop_init,
        optim.rprop_update,
        torch="Rprop",
        kept=(("gradient", "prev"), ("step_size", "step_size")),
        at_init=("lr",),
        runs={
            "defaults": {},
            "lr": {"lr": 0.2},
            "etas": {"etas": (0.3, 1.4)},
            "long steps at most": {"step_sizes": (1e-6, 0.03)},
            "short steps at least": {"lr": 0.4, "step_sizes": (0.02, 50.0)},
            "a first step out of bounds": {"lr": 1.0, "step_sizes": (0.001, 0.1)},
            "maximize": {"maximize": True, "step_sizes": (1e-6, 1.0)},
            "all": {"lr": 0.05, "etas": (0.7, 1.1), "step_sizes": (0.001, 0.2), "maximize": True},
        },
    ),
    # Every array at its own rate.
    "lars": Optimiser(
        optim.lars_init,
        optim.lars_update,
        runs={
            "defaults": {},
            "lr": {"lr": 10.0},
            "no momentum": {"lr": 10.0, "momentum": 0.0},
            "weight decay": {"lr": 10.0, "weight_decay": 0.1},
            "no weight decay": {"lr": 10.0, "weight_decay": 0.0},
            "trust coefficient": {"trust_coefficient": 0.5},
            "maximize": {"lr": 10.0, "maximize": True},
        },
    ),
    # Means of the parameters.
    "asgd": Optimiser(
        optim.asgd_init,
        optim.asgd_update,
        torch="ASGD",
        kept=(("average", "ax"),),
        runs={
            "defaults": {},
            "lr": {"lr": 0.1},
            "lambd": {"lr": 0.1, "lambd": 0.1},
            "alpha": {"lr": 0.1, "lambd": 0.1, "alpha": 2.0},
            "t0": {"lr": 0.15, "t0": 3.0},
            "weight decay": {"lr": 0.1, "weight_decay": 0.1},
            "maximize": {"lr": 0.1, "maximize": True},
            "all": {"lr": 0.2, "lambd": 0.1, "alpha": 0.5, "t0": 10.5, "weight_decay": 0.1, "maximize": True},
        },
    ),
    "schedule_free_sgd": Optimiser(
        optim.schedule_free_sgd_init,
        optim.schedule_free_sgd_update,
        runs={
            "defaults": {},
            "lr": {"lr": 0.1},
            "momentum": {"momentum": 0.5},
            "the mean of descent": {"momentum": 0.0},
            "gradients at the mean": {"momentum": 1.0},
            "weight decay": {"weight_decay": 0.1},
            "warmup": {"warmup_steps": 5},
            "warmup, all alike in the mean": {"warmup_steps": 5, "weight_lr_power": 0.0},
            "later ones weigh more": {"r": 1.5},
            "maximize": {"maximize": True},
        },
    ),
    # By the curvature.
    "lbfgs": Optimiser(
        optim.lbfgs_init,
        optim.lbfgs_update,
        torch="LBFGS",
        by_closure=True,
        runs={
            "defaults": {},
            "lr": {"lr": 0.01},
            "one iteration": {"lr": 0.1, "max_iter": 1},
            "few iterations": {"lr": 0.1, "max_iter": 3},
            "few evaluations": {"lr": 0.02, "max_eval": 7},
            "a gradient good enough": {"lr": 0.05, "tolerance_grad": 0.5},
            "a change small enough": {"lr": 0.05, "tolerance_change": 0.1},
            "short memory": {"lr": 0.2, "max_iter": 4, "history_size": 2},
            "one pair": {"lr": 0.2, "max_iter": 4, "history_size": 1},
            "line search": {"max_iter": 2, "line_search_fn": "strong_wolfe"},
            "line search from afar": {"lr": 30.0, "max_iter": 2, "line_search_fn": "strong_wolfe"},
            "line search from near": {"lr": 0.001, "max_iter": 2, "line_search_fn": "strong_wolfe"},
            "line search, few evaluations": {"lr": 0.01, "max_eval": 3, "line_search_fn": "strong_wolfe"},
            "all": {
                "lr": 0.5,
                "max_iter": 2,
                "max_eval": 4,
                "tolerance_grad": 0.01,
                "tolerance_change": 0.001,
                "history_size": 3,
                "line_search_fn": "strong_wolfe",
            },
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


def summand(parameter, height, centre):
    """What one parameter adds to the loss, in NumPy."""
    return np.sum(height / 2 * np.log1p((parameter - centre) ** 2))


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


def loss_at(problem, parameters):
    parts = (summand(value, problem["height"][name], problem["centre"][name]) for name, value in parameters.items())
    return float(sum(parts))


def options_of(name, run):
    """The options of a run, for init and for update."""
    options, at_init = OPTIMISERS[name].runs[run], OPTIMISERS[name].at_init
    return (
        {option: value for option, value in options.items() if option in at_init},
        {option: value for option, value in options.items() if option not in at_init},
    )


def steps_of(name, run, problem, count):
    """The parameters and the state after each of the first `count` updates."""
    for_init, for_update = options_of(name, run)
    parameters = problem["parameters"]
    state = OPTIMISERS[name].init(parameters, **for_init)

    def closure(parameters):
        return loss_at(problem, parameters), gradients_at(problem, parameters)

    for step in range(1, count + 1):
        gradients = gradients_at(problem, parameters)
        if OPTIMISERS[name].sparse:
            gradients = {key: np.where(has_gradient(g.shape, step), g, 0.0) for key, g in gradients.items()}
        towards = closure if OPTIMISERS[name].by_closure else gradients
        parameters, state = OPTIMISERS[name].update(parameters, towards, state, **for_update)
        yield parameters, state


def assert_refused(call, error, message):
    """The call raises just this error with just this message."""
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
