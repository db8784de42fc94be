"""The table of optimisers that the tests run over, and the problem that they run on.

A row says how an optimiser is called and, if PyTorch has it, under which name; the runs are sets of options that leave
no option out. tests/golden/record.py records each run of PyTorch's optimiser into tests/golden/optim/NAME.npz; the
contracts are tested with the options of every run.
"""

from __future__ import annotations

import golden_files
import numpy as np
import pytest

from .others import OTHERS
from .running_means import RUNNING_MEANS

STEPS = (1, 2, 3, 10, 30, 100)  # after how many steps the parameters are recorded
# Learning rates are such that the runs do not swing about the bottom: there, differences in rounding grow step by step.
OPTIMISERS = {**RUNNING_MEANS, **OTHERS}
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
