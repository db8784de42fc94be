"""Training runs in PyTorch, for tests/golden/record.py. Imported only where torch is installed.

What is recorded are the numbers that a run starts from and those that it comes to, in float64, and everything that
is needed to run it again in NumPy.
"""

from __future__ import annotations

import math
from contextlib import contextmanager

import numpy as np
import torch
import torch_schedules
from optimisers import OPTIMISERS, RECORDINGS, STEPS, gradient, has_gradient, loss_at, problem
from optimisers.row import SHAPES
from searches import SEARCHES

# linear_regression

LEARNING_RATE = 0.01
EPOCHS = 1000
WEIGHT, BIAS = 0.25, -0.75  # where training starts


def linear_regression():
    """Four points of y = 2x, a linear layer from 1 to 1, mean squared error, SGD.

    input, target (4, 1); lr, epochs; initial.weight (1, 1), initial.bias (1,); losses (epochs,), each before its step;
    final.weight, final.bias.
    """
    x = torch.tensor([[1.0], [2.0], [3.0], [4.0]], dtype=torch.float64)
    target = 2 * x
    model = torch.nn.Linear(1, 1, dtype=torch.float64)
    with torch.no_grad():
        model.weight.fill_(WEIGHT)
        model.bias.fill_(BIAS)
    initial = _parameters(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    losses = []
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {
        "input": x.numpy(),
        "target": target.numpy(),
        "lr": LEARNING_RATE,
        "epochs": EPOCHS,
        "initial": initial,
        "losses": np.array(losses),
        "final": _parameters(model),
    }


def _parameters(model):
    return {name: parameter.detach().numpy().copy() for name, parameter in model.named_parameters()}


# Optimisers


def trajectories(name):
    """The runs of PyTorch's optimiser, as the table of optimisers has them.

    optimizer: the class of torch.optim.
    problem: parameters, height, centre, each by the parameter's name; optimisers/__init__.py says what the loss is.
    steps: after how many steps the parameters are recorded.
    runs: name to options, trajectory {parameter: (steps, *shape)}, and, for what both keep, state {field: {parameter:
    shape}} after the last step.
    """
    optimiser = OPTIMISERS[name]
    start = problem(optimiser.shapes)
    return {
        "optimizer": optimiser.torch,
        "problem": start,
        "steps": list(STEPS),
        "runs": {
            run: {"options": options, **_trajectory(optimiser, options, start)}
            for run, options in optimiser.runs.items()
        },
    }


def _trajectory(optimiser, options, start):
    parameters = {name: torch.tensor(value, requires_grad=True) for name, value in start["parameters"].items()}
    height, centre = ({name: torch.tensor(a) for name, a in start[part].items()} for part in ("height", "centre"))
    seen = {name: [] for name in parameters}

    def closure():
        for name, parameter in parameters.items():
            g = gradient(parameter.detach(), height[name], centre[name])
            parameter.grad = (g * torch.tensor(has_gradient(g.shape, step))).to_sparse() if optimiser.sparse else g
        return loss_at(start, {name: parameter.detach().numpy() for name, parameter in parameters.items()})

    with _double_precision():
        optimizer = getattr(torch.optim, optimiser.torch)(list(parameters.values()), **options)
        for step in range(1, max(STEPS) + 1):
            if optimiser.by_closure:
                optimizer.step(closure)
            else:
                closure()
                optimizer.step()
            if step in STEPS:
                for name, parameter in parameters.items():
                    seen[name].append(parameter.detach().numpy().copy())
    run = {"trajectory": {name: np.stack(values) for name, values in seen.items()}}
    if optimiser.kept:
        run["state"] = {
            field: {name: optimizer.state[parameter][kept].numpy() for name, parameter in parameters.items()}
            for field, kept in optimiser.kept
        }
    return run


@contextmanager
def _double_precision():
    """float64 throughout: the numbers that optimisers keep in the default dtype, and Muon's iteration.

    That is PyTorch's own code, whose one conversion to bfloat16 is taken out.
    """
    before, bfloat16 = torch.get_default_dtype(), torch.Tensor.bfloat16
    torch.set_default_dtype(torch.float64)
    torch.Tensor.bfloat16 = torch.Tensor.clone
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        torch.Tensor.bfloat16 = bfloat16


# searches


def searches():
    """Every point that L-BFGS evaluates. runs: name to start, options, updates, points (evaluations, n), final (n,)."""
    with _double_precision():
        return {"runs": {name: _searched(search) for name, search in SEARCHES.items()}}


def _searched(search):
    evaluate, points = search.closure()
    parameter = torch.tensor(search.start, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameter], **search.options)

    def closure():
        loss, gradient = evaluate(parameter.detach().numpy().copy())
        parameter.grad = torch.tensor(gradient)
        return loss

    with np.errstate(all="ignore"):
        for _ in range(search.updates):
            optimizer.step(closure)
    return {
        "start": search.start,
        "options": search.options,
        "updates": search.updates,
        "points": np.array(points),
        "final": parameter.detach().numpy(),
    }


# clip_grad_norm


def clip_grad_norm():
    """Gradients clipped. runs: name to max_norm, norm_type, gradients, clipped, total_norm."""
    rng = np.random.default_rng(6)
    return {
        "runs": {
            f"norm {norm_type}, at most {max_norm}": _clipped(rng, norm_type, max_norm)
            for norm_type in (1.0, 2.0, 3.5, math.inf, 0.0, 0.5, -1.5, -math.inf)
            for max_norm in (0.5, 100.0)
        }
    }


def _clipped(rng, norm_type, max_norm):
    gradients = {name: np.asarray(rng.standard_normal(shape)) for name, shape in SHAPES.items()}
    parameters = {name: torch.zeros(shape, dtype=torch.float64) for name, shape in SHAPES.items()}
    for name, parameter in parameters.items():
        parameter.grad = torch.tensor(gradients[name])
    norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), max_norm, norm_type)
    return {
        "max_norm": max_norm,
        "norm_type": norm_type,
        "gradients": gradients,
        "clipped": {name: parameter.grad.numpy() for name, parameter in parameters.items()},
        "total_norm": np.asarray(norm.numpy()),
    }


RUNS = {
    **torch_schedules.RUNS,
    "linear_regression": linear_regression,
    "clip_grad_norm": clip_grad_norm,
    "searches": searches,
    **{recording: (lambda name=name: trajectories(name)) for recording, name in RECORDINGS.items()},
}
