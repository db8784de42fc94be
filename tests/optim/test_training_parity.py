"""PyTorch beside refimpl, live: schedules and clipping with options drawn at random, initialisers by what they draw."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_schedules  # noqa: E402
from scipy import stats  # noqa: E402

from refimpl import init, optim  # noqa: E402

DRAWS = range(4)
UNLIKELY = 1e-3  # a p-value below this fails


def options_of(kind, rng):
    """Any options of a schedule but functions."""
    count, small = lambda *bounds: int(rng.integers(*bounds)), lambda *bounds: float(rng.uniform(*bounds))
    strategy = str(rng.choice(["cos", "linear"]))
    momenta = {"base_momentum": small(0.1, 0.8), "max_momentum": small(0.8, 0.99)}
    return {
        "step_lr": {"step_size": count(1, 60), "gamma": small(0.3, 1)},
        "multi_step_lr": {"milestones": rng.integers(0, 220, count(1, 6)).tolist(), "gamma": small(0.3, 1)},
        "constant_lr": {"factor": small(0.1, 1), "total_iters": count(1, 250)},
        "linear_lr": {"start_factor": small(0.1, 1), "end_factor": small(0.1, 1), "total_iters": count(1, 250)},
        "exponential_lr": {"gamma": small(0.9, 1.05)},
        "polynomial_lr": {"total_iters": count(1, 250), "power": small(0.3, 3)},
        "cosine_annealing_lr": {"T_max": count(1, 250), "eta_min": small(0, 0.1)},
        "cosine_annealing_warm_restarts": {"T_0": count(1, 50), "T_mult": count(1, 4), "eta_min": small(0, 0.1)},
        "cyclic_lr": {
            "max_lr": small(0.3, 2),
            "step_size_up": count(1, 80),
            "step_size_down": count(1, 80),
            "mode": str(rng.choice(["triangular", "triangular2", "exp_range"])),
            "gamma": small(0.9, 1),
            **momenta,
        },
        "one_cycle_lr": {
            "max_lr": small(0.3, 2),
            "total_steps": count(201, 300),
            "pct_start": small(0.1, 0.9),
            "three_phase": bool(rng.integers(2)),
            "anneal_strategy": strategy,
            "div_factor": small(2, 50),
            "final_div_factor": small(2, 1e4),
            **momenta,
        },
        "swa_lr": {"swa_lr": small(0.01, 1), "anneal_epochs": count(0, 250), "anneal_strategy": strategy},
    }[kind]


@pytest.mark.parametrize("kind", sorted({*torch_schedules.SCHEDULES} - {"lambda_lr", "multiplicative_lr"}))
@pytest.mark.parametrize("draw", DRAWS)
def test_schedules(kind, draw):
    options = options_of(kind, np.random.default_rng(draw))
    expected = torch_schedules.sequence(kind, options)
    first = () if kind == "one_cycle_lr" else (torch_schedules.BASE_LR,)
    found = [getattr(optim, kind)(step, *first, **options) for step in range(torch_schedules.STEPS + 1)]
    lr = np.array([rate if isinstance(rate, float) else rate.lr for rate in found])
    # PyTorch's recursive cosine loses most: see test_schedules.py.
    tolerance = 1e-12 if kind == "cosine_annealing_lr" else 1e-14
    np.testing.assert_allclose(lr, expected["lr"], rtol=0, atol=tolerance * expected["lr"].max())
    if expected["momentum"] is not None:
        np.testing.assert_allclose([rate.momentum for rate in found], expected["momentum"], rtol=1e-13)


@pytest.mark.parametrize("draw", DRAWS)
def test_plateaus(draw):
    rng = np.random.default_rng(draw)
    metrics = 3 + np.cumsum(rng.standard_normal(200)) / 10
    options = {
        "mode": str(rng.choice(["min", "max"])),
        "threshold_mode": str(rng.choice(["rel", "abs"])),
        "threshold": float(rng.uniform(0, 0.2)),
        "patience": int(rng.integers(6)),
        "cooldown": int(rng.integers(6)),
        "factor": float(rng.uniform(0.3, 0.9)),
        "min_lr": float(rng.uniform(0, 0.01)),
    }
    state = optim.reduce_lr_on_plateau_init(torch_schedules.BASE_LR)
    for metric, expected in zip(metrics, torch_schedules.plateau(options, metrics), strict=True):
        state = optim.reduce_lr_on_plateau_update(metric, state, **options)
        assert state.lr == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm_type", [-np.inf, -2.0, 0.0, 0.7, 1.0, 2.0, 5.0, np.inf])
def test_clipping(norm_type, dtype):
    rng = np.random.default_rng(0)
    gradients = [rng.standard_normal(shape).astype(dtype) for shape in ((5, 3), (4,), ())]
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=getattr(torch, dtype))) for g in gradients]
    rtol = 1e-14 if dtype == "float64" else 1e-5

    def given():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        return parameters

    expected = torch.nn.utils.clip_grad_norm_(given(), 0.3, norm_type).item()
    clipped, norm = optim.clip_grad_norm(gradients, 0.3, norm_type)
    assert norm == pytest.approx(expected, rel=rtol)
    for found, parameter in zip(clipped, parameters, strict=True):
        np.testing.assert_allclose(found, parameter.grad.numpy(), rtol=rtol)
    torch.nn.utils.clip_grad_value_(given(), 0.4)
    for found, parameter in zip(optim.clip_grad_value(gradients, 0.4), parameters, strict=True):
        np.testing.assert_array_equal(found, parameter.grad.numpy(), strict=True)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uniform", {"a": -1.0, "b": 3.0}),
        ("normal", {"mean": 2.0, "std": 0.3}),
        ("trunc_normal", {"mean": 0.4, "std": 0.8, "a": -0.5, "b": 2.5}),
        ("trunc_normal", {"a": 1.5, "b": 4.0}),
        ("xavier_uniform", {"gain": 2.0}),
        ("xavier_normal", {"gain": 0.5}),
        ("kaiming_uniform", {"a": 0.5}),
        ("kaiming_uniform", {"a": 0.5, "mode": "fan_out"}),
        ("kaiming_normal", {"mode": "fan_out", "nonlinearity": "tanh"}),
        ("kaiming_normal", {"nonlinearity": "relu"}),
        ("orthogonal", {"gain": 1.5}),
        ("sparse", {"sparsity": 0.2, "std": 0.1}),
    ],
)
def test_initialisers_draw_from_the_same_distribution(name, options):
    shape = (60, 40) if name == "sparse" else (60, 20, 2)
    theirs = torch.empty(shape, dtype=torch.float64)
    getattr(torch.nn.init, f"{name}_")(theirs, **options, generator=torch.Generator().manual_seed(0))
    ours = getattr(init, name)(shape, **options, rng=0)
    assert stats.ks_2samp(ours.ravel(), theirs.numpy().ravel()).pvalue > UNLIKELY
