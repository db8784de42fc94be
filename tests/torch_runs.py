"""Training runs in PyTorch, for tests/golden/record.py. Imported only where torch is installed.

What is recorded are the numbers that a run starts from and those that it comes to, in float64, and everything that
is needed to run it again in NumPy.
"""

from __future__ import annotations

import math

import numpy as np
import torch

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


# optim

SHAPES = {"weight": (3, 4), "bias": (4,), "scale": ()}
STEPS = (1, 2, 3, 10, 30, 100)  # after how many steps the parameters are recorded

OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.05}),
    "sgd, default lr": ("SGD", {}),
    "sgd, weight decay": ("SGD", {"lr": 0.05, "weight_decay": 0.1}),
    "sgd, maximize": ("SGD", {"lr": 0.05, "maximize": True}),
    "sgd, momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "sgd, momentum, dampening": ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}),
    "sgd, momentum, weight decay": ("SGD", {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1}),
    "sgd, momentum, maximize": ("SGD", {"lr": 0.05, "momentum": 0.9, "maximize": True}),
    "sgd, nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    "sgd, nesterov, weight decay, maximize": (
        "SGD",
        {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.1, "maximize": True},
    ),
    "sgd, all but nesterov": (
        "SGD",
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.2, "weight_decay": 0.1, "maximize": True},
    ),
    "adam": ("Adam", {}),
    "adam, lr": ("Adam", {"lr": 0.05}),
    "adam, betas": ("Adam", {"lr": 0.05, "betas": (0.7, 0.9)}),
    "adam, betas above a half and below": ("Adam", {"lr": 0.05, "betas": (0.3, 0.99)}),
    "adam, no memory": ("Adam", {"lr": 0.05, "betas": (0.0, 0.0)}),
    "adam, eps": ("Adam", {"lr": 0.05, "eps": 0.1}),
    "adam, weight decay": ("Adam", {"lr": 0.05, "weight_decay": 0.1}),
    "adam, amsgrad": ("Adam", {"lr": 0.05, "betas": (0.7, 0.9), "amsgrad": True}),
    "adam, maximize": ("Adam", {"lr": 0.05, "maximize": True}),
    "adam, decoupled weight decay": (
        "Adam",
        {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True},
    ),
    "adam, weight decay, amsgrad, maximize": (
        "Adam",
        {"lr": 0.05, "betas": (0.7, 0.9), "eps": 0.01, "weight_decay": 0.1, "amsgrad": True, "maximize": True},
    ),
    "adam, decoupled weight decay, amsgrad, maximize": (
        "Adam",
        {
            "lr": 0.05,
            "betas": (0.7, 0.9),
            "eps": 0.01,
            "weight_decay": 0.1,
            "amsgrad": True,
            "maximize": True,
            "decoupled_weight_decay": True,
        },
    ),
    "adamw": ("AdamW", {"lr": 0.05}),
}


def gradient(parameter, height, centre):
    """The gradient of f = sum height / 2 log(1 + (parameter - centre)^2), to the last bit the same in NumPy."""
    d = parameter - centre
    return height * d / (1 + d * d)


def optim():
    """Trajectories of the optimisers, and gradients clipped.

    problem: parameters, height, centre, each {weight (3, 4), bias (4,), scale ()}; the gradient of a parameter is
    height d / (1 + d^2) with d = parameter - centre, which is bounded, so that maximising is no runaway.
    steps: after how many steps the parameters are recorded.
    runs: name to optimizer, options, and trajectory {weight (steps, 3, 4), ...}.
    clipping: name to max_norm, norm_type, gradients, clipped, total_norm.
    """
    rng = np.random.default_rng(6)
    problem = {
        "parameters": {name: np.asarray(rng.standard_normal(shape)) for name, shape in SHAPES.items()},
        "height": {name: np.asarray(rng.uniform(0.5, 2, shape)) for name, shape in SHAPES.items()},
        "centre": {name: np.asarray(rng.standard_normal(shape)) for name, shape in SHAPES.items()},
    }
    return {
        "problem": problem,
        "steps": list(STEPS),
        "runs": {
            name: {"optimizer": kind, "options": options, "trajectory": _trajectory(problem, kind, options)}
            for name, (kind, options) in OPTIMIZERS.items()
        },
        "clipping": {
            f"norm {norm_type}, at most {max_norm}": _clipping(rng, norm_type, max_norm)
            for norm_type in (1.0, 2.0, 3.5, math.inf)
            for max_norm in (0.5, 100.0)
        },
    }


def _trajectory(problem, kind, options):
    parameters = {name: torch.tensor(start, requires_grad=True) for name, start in problem["parameters"].items()}
    height, centre = (
        {name: torch.tensor(a) for name, a in problem[part].items()} for part in ("height", "centre")
    )  # fmt: skip
    optimizer = getattr(torch.optim, kind)(list(parameters.values()), **options)
    seen = {name: [] for name in parameters}
    for step in range(1, max(STEPS) + 1):
        for name, parameter in parameters.items():
            parameter.grad = gradient(parameter.detach(), height[name], centre[name])
        optimizer.step()
        if step in STEPS:
            for name, parameter in parameters.items():
                seen[name].append(parameter.detach().numpy().copy())
    return {name: np.stack(values) for name, values in seen.items()}


def _clipping(rng, norm_type, max_norm):
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


RUNS = {"linear_regression": linear_regression, "optim": optim}
