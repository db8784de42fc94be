"""Learning-rate schedules, averages of weights and initialisers in PyTorch, for tests/golden/record.py.

Imported only where torch is installed.
"""

from __future__ import annotations

import math
import warnings

import numpy as np
import torch
from torch.optim import lr_scheduler, swa_utils

STEPS = 200
BASE_LR = 0.3

# Functions of the step stand in the file as the numbers that they give.
WAVE = np.array([1 + 0.5 * math.sin(0.3 * t) for t in range(STEPS + 1)])
SHRINKING = np.array([0.99 - 0.05 * (t % 7 == 3) for t in range(STEPS + 1)])

CLASSES = {
    "lambda_lr": "LambdaLR",
    "multiplicative_lr": "MultiplicativeLR",
    "step_lr": "StepLR",
    "multi_step_lr": "MultiStepLR",
    "constant_lr": "ConstantLR",
    "linear_lr": "LinearLR",
    "exponential_lr": "ExponentialLR",
    "polynomial_lr": "PolynomialLR",
    "cosine_annealing_lr": "CosineAnnealingLR",
    "cosine_annealing_warm_restarts": "CosineAnnealingWarmRestarts",
    "cyclic_lr": "CyclicLR",
    "one_cycle_lr": "OneCycleLR",
}
SCHEDULES = {
    "lambda_lr": {"a wave": {"lr_lambda": WAVE}},
    "multiplicative_lr": {"shrinking": {"lr_lambda": SHRINKING}},
    "step_lr": {"gamma of its own": {"step_size": 30}, "gamma": {"step_size": 7, "gamma": 0.7}},
    "multi_step_lr": {
        "in order": {"milestones": [30, 80, 150]},
        "out of order, twice, at 0": {"milestones": [90, 0, 40, 40, 199], "gamma": 0.6},
    },
    "constant_lr": {"defaults": {}, "both": {"factor": 0.7, "total_iters": 60}},
    "linear_lr": {
        "defaults": {},
        "up": {"start_factor": 0.01, "total_iters": 50},
        "down": {"start_factor": 1.0, "end_factor": 0.05, "total_iters": 150},
        "to 0": {"start_factor": 0.5, "end_factor": 0.0, "total_iters": 100},
    },
    "exponential_lr": {"shrinking": {"gamma": 0.97}, "growing": {"gamma": 1.02}},
    "polynomial_lr": {
        "defaults": {},
        "total_iters": {"total_iters": 120},
        "power": {"total_iters": 150, "power": 2.5},
        "root": {"total_iters": 250, "power": 0.5},
    },
    "cosine_annealing_lr": {
        "down once": {"T_max": 200},
        "not to the end": {"T_max": 331, "eta_min": 0.01},
        "several times": {"T_max": 30, "eta_min": 0.02},
        "to 0 and back": {"T_max": 90},
        "one step each way": {"T_max": 1},
    },
    "cosine_annealing_warm_restarts": {
        "the same period": {"T_0": 30},
        "twice as long": {"T_0": 10, "T_mult": 2, "eta_min": 0.01},
        "three times, from one step": {"T_0": 1, "T_mult": 3},
    },
    "cyclic_lr": {
        "defaults": {"max_lr": 0.9},
        "short": {"max_lr": 0.9, "step_size_up": 20},
        "uneven": {"max_lr": 0.9, "step_size_up": 13, "step_size_down": 24},
        "triangular2": {"max_lr": 0.9, "step_size_up": 15, "mode": "triangular2"},
        "exp_range": {"max_lr": 0.9, "step_size_up": 15, "mode": "exp_range", "gamma": 0.99},
        "scale by the cycle": {"max_lr": 0.9, "step_size_up": 15, "scale_fn": WAVE},
        "scale by the step": {"max_lr": 0.9, "step_size_up": 15, "scale_fn": WAVE, "scale_mode": "iterations"},
        "momenta": {"max_lr": 0.9, "step_size_up": 20, "base_momentum": 0.5, "max_momentum": 0.99},
        "momentum left alone": {"max_lr": 0.9, "step_size_up": 20, "cycle_momentum": False},
    },
    "one_cycle_lr": {
        "defaults": {"max_lr": 0.9, "total_steps": STEPS + 1},
        "epochs": {"max_lr": 0.9, "epochs": 7, "steps_per_epoch": 31},
        "linear": {"max_lr": 0.9, "total_steps": STEPS + 1, "anneal_strategy": "linear"},
        "three phases": {"max_lr": 0.9, "total_steps": STEPS + 1, "three_phase": True},
        "three phases, linear": {
            "max_lr": 0.9,
            "total_steps": 240,
            "three_phase": True,
            "anneal_strategy": "linear",
            "pct_start": 0.41,
        },
        "phases that overlap": {"max_lr": 0.9, "total_steps": 220, "three_phase": True, "pct_start": 0.7},
        "no way up": {"max_lr": 0.9, "total_steps": 220, "pct_start": 0.0},
        "factors": {"max_lr": 0.9, "total_steps": 230, "div_factor": 3.0, "final_div_factor": 50.0},
        "momenta": {"max_lr": 0.9, "total_steps": 230, "base_momentum": 0.5, "max_momentum": 0.99},
        "momentum left alone": {"max_lr": 0.9, "total_steps": 230, "cycle_momentum": False},
    },
    "swa_lr": {
        "defaults": {"swa_lr": 0.05},
        "linear": {"swa_lr": 0.5, "anneal_epochs": 70, "anneal_strategy": "linear"},
        "cosine": {"swa_lr": 0.05, "anneal_epochs": 120},
        "at once": {"swa_lr": 0.05, "anneal_epochs": 0},
    },
}
COMBINED = {
    "sequential_lr": {
        "a warm start and a cosine": {
            "schedules": [["linear_lr", {"total_iters": 20}], ["cosine_annealing_lr", {"T_max": 180}]],
            "milestones": [20],
        },
        "cut short": {
            "schedules": [
                ["exponential_lr", {"gamma": 0.95}],
                ["cosine_annealing_warm_restarts", {"T_0": 12, "T_mult": 2}],
                ["polynomial_lr", {"total_iters": 200}],
                ["step_lr", {"step_size": 9, "gamma": 0.8}],
            ],
            "milestones": [33, 90, 130],
        },
    },
    "chained_scheduler": {
        "two": {"schedules": [["constant_lr", {"total_iters": 25}], ["exponential_lr", {"gamma": 0.98}]]},
        "five": {
            "schedules": [
                ["linear_lr", {"total_iters": 40}],
                ["multi_step_lr", {"milestones": [50, 110], "gamma": 0.5}],
                ["multiplicative_lr", {"lr_lambda": SHRINKING}],
                ["polynomial_lr", {"total_iters": 300}],
                ["cosine_annealing_lr", {"T_max": 200}],
            ]
        },
    },
}
PLATEAUS = {
    "defaults": {},
    "no patience": {"patience": 0, "factor": 0.5},
    "the largest": {"mode": "max", "patience": 3, "factor": 0.7},
    "an absolute threshold": {"threshold_mode": "abs", "threshold": 0.3, "patience": 4, "factor": 0.5},
    "the largest, an absolute threshold": {
        "mode": "max",
        "threshold_mode": "abs",
        "threshold": 0.2,
        "patience": 2,
        "factor": 0.6,
    },
    "a relative threshold": {"threshold": 0.2, "patience": 5, "factor": 0.5},
    "cooldown": {"patience": 2, "cooldown": 9, "factor": 0.5},
    "a lowest rate": {"patience": 1, "factor": 0.3, "min_lr": 0.01},
    "too small a change": {"patience": 1, "factor": 0.5, "eps": 0.01},
}


def schedules():
    """Rates after 0 to 200 steps. What a schedule is given by name stands in options, functions as their values.

    base_lr; runs.SCHEDULE.NAME: options, lr (201,), momentum (201,) or None, and closed (201,), the numbers of
    PyTorch's own closed form, or None where it has none.
    combined.SCHEDULE.NAME: schedules [[SCHEDULE, options], ...], milestones, lr (201,).
    plateau: metrics (200,); runs.NAME: options, lr (200,) after each metric.
    """
    rng = np.random.default_rng(7)
    metrics = 2 * np.exp(-np.arange(STEPS) / 25) + 0.2 * rng.standard_normal(STEPS) - 0.5
    metrics[60] = math.nan
    return {
        "base_lr": BASE_LR,
        "runs": {
            kind: {name: {"options": options, **sequence(kind, options)} for name, options in runs.items()}
            for kind, runs in SCHEDULES.items()
        },
        "combined": {
            kind: {name: {**run, "lr": _combined(kind, **run)} for name, run in runs.items()}
            for kind, runs in COMBINED.items()
        },
        "plateau": {
            "metrics": metrics,
            "runs": {name: {"options": options, "lr": plateau(options, metrics)} for name, options in PLATEAUS.items()},
        },
    }


def _optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=BASE_LR, momentum=0.9)


def _scheduler(kind, optimizer, options):
    def function(values):
        return lambda t: float(values[t])

    options = {key: function(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    if kind == "swa_lr":
        return swa_utils.SWALR(optimizer, **options)
    if kind == "cyclic_lr":
        options["base_lr"] = BASE_LR
    return getattr(lr_scheduler, CLASSES[kind])(optimizer, **options)


def _walk(optimizer, scheduler):
    """The parameter group after 0, 1, ... steps of the scheduler."""
    yield optimizer.param_groups[0]
    for _ in range(STEPS):
        optimizer.step()
        scheduler.step()
        yield optimizer.param_groups[0]


def sequence(kind, options):
    optimizer = _optimizer()
    scheduler = _scheduler(kind, optimizer, options)
    seen = np.array([(group["lr"], group["momentum"]) for group in _walk(optimizer, scheduler)])
    cycles = kind in ("cyclic_lr", "one_cycle_lr") and options.get("cycle_momentum", True)
    closed = None
    if hasattr(scheduler, "_get_closed_form_lr"):
        closed = []
        for step in range(STEPS + 1):
            scheduler.last_epoch = step
            closed.append(scheduler._get_closed_form_lr()[0])
        closed = np.array(closed, dtype=np.float64)
    return {"lr": seen[:, 0].copy(), "momentum": seen[:, 1].copy() if cycles else None, "closed": closed}


def _combined(kind, schedules, milestones=None):
    optimizer = _optimizer()
    members = [_scheduler(name, optimizer, options) for name, options in schedules]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR passes on what is deprecated
        if kind == "sequential_lr":
            scheduler = lr_scheduler.SequentialLR(optimizer, members, milestones)
        else:
            scheduler = lr_scheduler.ChainedScheduler(members, optimizer)
        return np.array([group["lr"] for group in _walk(optimizer, scheduler)])


def plateau(options, metrics):
    optimizer = _optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    rates = []
    for metric in metrics:
        scheduler.step(metric)
        rates.append(optimizer.param_groups[0]["lr"])
    return np.array(rates)


def averaging():
    """Averages of the weights of a model, and the running statistics after them.

    weights (20, 3, 4): what each of 20 updates of the average saw; decay; ema, swa (20, 3, 4): the averages.
    batches: inputs (N, 3, 2) of a batch normalization; running_mean, running_var (3,): what update_bn leaves.
    """
    rng = np.random.default_rng(8)
    weights = rng.standard_normal((20, 3, 4))
    decay = 0.9
    batches = [2 + rng.standard_normal((n, 3, 2)) * np.array([[1.0], [3.0], [0.1]]) for n in (4, 4, 7, 2)]
    norm = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    norm.running_mean.fill_(5.0)
    swa_utils.update_bn([torch.tensor(batch) for batch in batches], norm)
    return {
        "weights": weights,
        "decay": decay,
        "ema": _averages(weights, swa_utils.get_ema_avg_fn(decay)),
        "swa": _averages(weights, swa_utils.get_swa_avg_fn()),
        "batches": batches,
        "running_mean": norm.running_mean.numpy(),
        "running_var": norm.running_var.numpy(),
    }


def _averages(weights, avg_fn):
    model = torch.nn.Linear(4, 3, bias=False, dtype=torch.float64)
    averaged = swa_utils.AveragedModel(model, avg_fn=avg_fn)
    seen = []
    for weight in weights:
        with torch.no_grad():
            model.weight.copy_(torch.tensor(weight))
        averaged.update_parameters(model)
        seen.append(averaged.module.weight.detach().numpy().copy())
    return np.stack(seen)


def initialisers():
    """What torch.nn.init does without drawing a number.

    gains: [nonlinearity, param, gain]; fans: [shape, fan_in, fan_out]; eye: [shape, array]; dirac: [shape, groups,
    array]; zeros: [rows, sparsity, zeros in each column of a sparse matrix].
    """
    init = torch.nn.init
    layers = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
    gains = [(name, None) for name in (*layers, "sigmoid", "tanh", "relu", "leaky_relu", "selu")]
    gains += [("leaky_relu", 0.2), ("leaky_relu", 0), ("leaky_relu", -1.5)]
    fans = ((3, 5), (5, 3), (4, 6, 3), (4, 6, 3, 5), (2, 3, 1, 2, 4))
    diracs = (((5, 3, 3), 1), ((4, 6, 3, 4), 2), ((6, 2, 1, 2, 3), 3), ((2, 4, 5), 1))
    return {
        "gains": [[name, param, float(init.calculate_gain(name, param))] for name, param in gains],
        "fans": [[list(shape), *init._calculate_fan_in_and_fan_out(torch.empty(shape))] for shape in fans],
        "eye": [[list(shape), init.eye_(torch.empty(shape)).double().numpy()] for shape in ((3, 5), (5, 3), (4, 4))],
        "dirac": [
            [list(shape), groups, init.dirac_(torch.empty(shape), groups).double().numpy()] for shape, groups in diracs
        ],
        "zeros": [
            [rows, sparsity, int((init.sparse_(torch.empty(rows, 1), sparsity) == 0).sum())]
            for rows in (1, 7, 10)
            for sparsity in (0.0, 0.1, 0.55, 1.0)
        ],
    }


RUNS = {"schedules": schedules, "averaging": averaging, "initialisers": initialisers}
