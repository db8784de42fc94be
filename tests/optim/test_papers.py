"""Optimisers that PyTorch lacks: their papers' formulas, entry by entry in plain Python, with every mean as its sum."""

import math
from itertools import pairwise

import numpy as np
import pytest
from optimisers import OPTIMISERS, problem

STEPS = 20


def trajectory(name, run):
    """Parameters before and after each of the updates, and the gradients, each a list of dicts of lists of numbers.

    The gradients are random, and change their signs.
    """
    optimiser, rng = OPTIMISERS[name], np.random.default_rng(1)
    points, gradients = [problem(optimiser.shapes)["parameters"]], []
    state = optimiser.init(points[0])
    for _ in range(STEPS):
        gradients.append({key: np.asarray(rng.standard_normal(shape)) for key, shape in optimiser.shapes.items()})
        moved, state = optimiser.update(points[-1], gradients[-1], state, **optimiser.runs[run])
        points.append(moved)
    plain = [
        [{key: value.ravel().tolist() for key, value in one.items()} for one in kind] for kind in (points, gradients)
    ]
    return *plain, optimiser.runs[run]


def mean(beta, values):
    """The running mean from 0, as the sum that it is."""
    return math.fsum((1 - beta) * beta**age * value for age, value in enumerate(reversed(values)))


def assert_steps(name, run, formula, **defaults):
    """formula(points, gradients, options), of an array at all updates so far, gives it after the last of them.

    It starts from where the optimiser was before each update, so that differences do not grow.
    """
    points, gradients, options = trajectory(name, run)
    options = {**defaults, **options}
    sign = -1 if options.get("maximize") else 1
    for key in points[0]:
        for t in range(1, STEPS + 1):
            g = [[sign * x for x in one[key]] for one in gradients[:t]]
            expected = formula([one[key] for one in points[:t]], g, options)
            np.testing.assert_allclose(points[t][key], expected, rtol=1e-12, atol=1e-14)


def by_entry(formula):
    """A formula for one entry, applied to each."""
    return lambda points, g, options: [
        formula([one[i] for one in points], [one[i] for one in g], options) for i in range(len(points[0]))
    ]


def lion(points, g, o):
    p, (beta1, beta2) = points[-1], o["betas"]
    c = beta1 * mean(beta2, g[:-1]) + (1 - beta1) * g[-1]
    return p - o["lr"] * (math.copysign(1, c) + o["weight_decay"] * p)


def adabelief(points, g, o):
    p, (beta1, beta2), decay = points[-1], o["betas"], o["weight_decay"]
    if o["decoupled_weight_decay"]:
        p *= 1 - o["lr"] * decay
    else:
        g = [gradient + decay * at for gradient, at in zip(g, points, strict=True)]
    t = len(g)
    means = [mean(beta1, g[:i]) for i in range(1, t + 1)]
    squares = [(gradient - m) ** 2 for gradient, m in zip(g, means, strict=True)]
    s = mean(beta2, squares) + math.fsum(o["eps"] * beta2**i for i in range(t))
    return p - o["lr"] * means[-1] / (1 - beta1**t) / (math.sqrt(s / (1 - beta2**t)) + o["eps"])


def adan(points, g, o):
    """With the paper's betas, which are 1 less those here."""
    beta1, beta2, beta3 = (1 - beta for beta in o["betas"])
    m, v, n = g[0], 0.0, g[0] ** 2
    for before, now in pairwise(g):
        m = (1 - beta1) * m + beta1 * now
        v = (1 - beta2) * v + beta2 * (now - before)
        n = (1 - beta3) * n + beta3 * (now + (1 - beta2) * (now - before)) ** 2
    eta = o["lr"] / (math.sqrt(n) + o["eps"])
    return (points[-1] - eta * (m + (1 - beta2) * v)) / (1 + o["weight_decay"] * o["lr"])


def lamb(points, g, o):
    x, (beta1, beta2), t = points[-1], o["betas"], len(g)
    update = []
    for i, at in enumerate(x):
        m = mean(beta1, [one[i] for one in g]) / (1 - beta1**t)
        v = mean(beta2, [one[i] ** 2 for one in g]) / (1 - beta2**t)
        update.append(m / (math.sqrt(v) + o["eps"]) + o["weight_decay"] * at)
    ratio = math.hypot(*x) / math.hypot(*update)
    return [at - o["lr"] * ratio * u for at, u in zip(x, update, strict=True)]


@pytest.mark.parametrize("run", OPTIMISERS["lion"].runs)
def test_lion(run):
    assert_steps("lion", run, by_entry(lion), lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0)


@pytest.mark.parametrize("run", OPTIMISERS["adabelief"].runs)
def test_adabelief(run):
    defaults = {"weight_decay": 0.0, "decoupled_weight_decay": False}
    assert_steps("adabelief", run, by_entry(adabelief), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **defaults)


@pytest.mark.parametrize("run", OPTIMISERS["adan"].runs)
def test_adan(run):
    assert_steps("adan", run, by_entry(adan), lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0)


@pytest.mark.parametrize("run", OPTIMISERS["lamb"].runs)
def test_lamb(run):
    assert_steps("lamb", run, lamb, lr=1e-3, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.01)
