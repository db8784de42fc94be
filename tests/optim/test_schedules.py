"""Schedules: PyTorch's sequences for 200 steps, the ends to the last bit, and what is refused."""

import math
from itertools import combinations

import mpmath
import numpy as np
import pytest
from golden_files import load
from optimisers import assert_refused
from ulps import ulp_distance

from refimpl import optim
from refimpl.optim import (
    chained_scheduler,
    constant_lr,
    cosine_annealing_lr,
    cosine_annealing_warm_restarts,
    cyclic_lr,
    exponential_lr,
    lambda_lr,
    linear_lr,
    multi_step_lr,
    one_cycle_lr,
    polynomial_lr,
    reduce_lr_on_plateau_init,
    reduce_lr_on_plateau_update,
    sequential_lr,
    step_lr,
    swa_lr,
)

GOLDEN = load("schedules")
BASE_LR = GOLDEN["base_lr"]
STEPS = range(201)
RUNS = [(kind, name) for kind, runs in GOLDEN["runs"].items() for name in runs]
COMBINED = [(kind, name) for kind, runs in GOLDEN["combined"].items() for name in runs]
CLOSED = [(kind, name) for kind, name in RUNS if GOLDEN["runs"][kind][name]["closed"] is not None]

# Relative to the largest rate of the run. PyTorch computes most rates from the one before, and each step rounds: the
# largest difference seen is 1.2e-15. Once at the bottom, its cosine starts again from the first small rate up, and
# carries that one's error, a few roundings of the base rate, to the top: 3.6e-14.
RECURSIVE = 3e-15
THROUGH_THE_BOTTOM = {("cosine_annealing_lr", "several times"): 1e-13}
# 1.6e-15 is the largest difference to its closed forms, where the cosine is of a large angle.
FROM_CLOSED_FORM = 3e-15


def schedule(kind, options, base_lr=BASE_LR):
    """A schedule as a function of the step; a recorded array stands for the function with those values."""

    def function(values):
        return lambda t: float(values[t])

    options = {name: function(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}
    if kind == "one_cycle_lr":
        return lambda step: one_cycle_lr(step, **options)
    return lambda step: getattr(optim, kind)(step, base_lr, **options)


def rates(kind, name):
    """The rates of a run, and the momenta."""
    found = [schedule(kind, GOLDEN["runs"][kind][name]["options"])(step) for step in STEPS]
    if isinstance(found[0], float):
        return np.array(found), [None] * len(found)
    return np.array([lr for lr, _ in found]), [momentum for _, momentum in found]


def assert_close(rates, expected, tolerance):
    np.testing.assert_allclose(rates, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize(("kind", "name"), RUNS)
def test_two_hundred_steps_are_pytorchs(kind, name):
    recorded = GOLDEN["runs"][kind][name]
    lr, momenta = rates(kind, name)
    assert_close(lr, recorded["lr"], THROUGH_THE_BOTTOM.get((kind, name), RECURSIVE))
    if recorded["momentum"] is None:
        assert set(momenta) == {None}
    else:
        assert_close(momenta, recorded["momentum"], RECURSIVE)


@pytest.mark.parametrize(("kind", "name"), CLOSED)
def test_two_hundred_steps_are_pytorchs_closed_form(kind, name):
    assert_close(rates(kind, name)[0], GOLDEN["runs"][kind][name]["closed"], FROM_CLOSED_FORM)


def test_every_schedule_is_recorded():
    names = {name for name in optim.schedules.__dict__ if name.endswith(("_lr", "_restarts", "_scheduler"))}
    assert names == {*GOLDEN["runs"], *GOLDEN["combined"]}


@pytest.mark.parametrize("kind", GOLDEN["runs"])
def test_every_option_leaves_its_mark(kind):
    runs = GOLDEN["runs"][kind]
    for a, b in combinations(runs, 2):
        different = np.abs(runs[a]["lr"] - runs[b]["lr"]).max() > 1e-3
        if runs[a]["momentum"] is not None and runs[b]["momentum"] is not None:
            different = different or np.abs(runs[a]["momentum"] - runs[b]["momentum"]).max() > 1e-3
        assert different or (runs[a]["momentum"] is None) != (runs[b]["momentum"] is None), f"{a} and {b}"


@pytest.mark.parametrize(("kind", "name"), COMBINED)
def test_schedules_of_schedules_are_pytorchs(kind, name):
    run = GOLDEN["combined"][kind][name]
    if kind == "sequential_lr":
        members = [schedule(*member) for member in run["schedules"]]
        found = [sequential_lr(step, members, run["milestones"]) for step in STEPS]
    else:
        members = [schedule(*member, base_lr=1.0) for member in run["schedules"]]
        found = [chained_scheduler(step, BASE_LR, members) for step in STEPS]
    assert_close(found, run["lr"], RECURSIVE)


@pytest.mark.parametrize("name", GOLDEN["plateau"]["runs"])
def test_plateaus_are_pytorchs(name):
    run = GOLDEN["plateau"]["runs"][name]
    assert len(set(run["lr"])) > 3
    state = reduce_lr_on_plateau_init(BASE_LR)
    for metric, expected in zip(GOLDEN["plateau"]["metrics"], run["lr"], strict=True):
        before = state
        state = reduce_lr_on_plateau_update(metric, state, **run["options"])
        assert state == reduce_lr_on_plateau_update(metric, before, **run["options"])
        assert state.lr == expected


def test_a_plateau_by_hand():
    """Better, not better, better by too little, not better for the third time: reduced; then two without effect."""
    state, seen = reduce_lr_on_plateau_init(1.0), []
    for metric in (8.0, 9.0, 7.5, math.nan, 9.0, 9.0, 9.0, 9.0, 9.0):
        options = {"factor": 0.25, "patience": 2, "threshold": 0.125, "cooldown": 2}
        state = reduce_lr_on_plateau_update(metric, state, **options)
        seen.append((state.lr, state.best, state.num_bad_epochs, state.cooldown_counter))
    assert seen == [
        (1.0, 8.0, 0, 0),
        (1.0, 8.0, 1, 0),
        (1.0, 8.0, 2, 0),
        (0.25, 8.0, 0, 2),
        (0.25, 8.0, 0, 1),
        (0.25, 8.0, 0, 0),
        (0.25, 8.0, 1, 0),
        (0.25, 8.0, 2, 0),
        (0.0625, 8.0, 0, 2),
    ]


def test_the_ends_are_met_to_the_last_bit():
    for base, other in ((0.1, 0.03), (0.7, 1e-9)):
        for T in (1, 7, 90, 333):
            assert [cosine_annealing_lr(t, base, T, other) for t in (0, T, 2 * T, 5 * T)] == [base, other, base, other]
            assert cosine_annealing_warm_restarts(T, base, T, 3, other) == base
            assert [swa_lr(t, base, other, T) for t in (0, T, T + 1)] == [base, other, other]
            assert linear_lr(0, base, 0.3, 0.9, T) == base * 0.3
            assert linear_lr(T, base, 0.3, 0.9, T) == base * 0.9
            assert cyclic_lr(T, base, other, T) == (other, 0.8)
            assert cyclic_lr(6 * T, base, other, T) == (base, 0.9)
            assert polynomial_lr(T, base, T) == 0
        for strategy in ("cos", "linear"):
            start = one_cycle_lr(0, base, 300, anneal_strategy=strategy)
            assert start == (base / 25, 0.95)
            assert one_cycle_lr(299, base, 300, anneal_strategy=strategy) == (base / 25 / 1e4, 0.95)
            assert one_cycle_lr(89, base, 300, anneal_strategy=strategy) == (base, 0.85)
            middle = one_cycle_lr(178, base, 300, anneal_strategy=strategy, three_phase=True)
            assert middle == start


def test_the_cosine_keeps_its_digits_near_the_bottom():
    # 1 + cos(pi (T - 1) / T) cancels to pi^2 / 2 T^2, which leaves PyTorch's form 10 digits here. mpmath, 40 digits:
    # (1 + cos(pi * t / T)) / 2
    with mpmath.workdps(40):
        T = 1000
        for t in (1, 500, 990, 999, 1001, 1500, 2999):
            exact = (1 + mpmath.cos(mpmath.pi * t / T)) / 2
            assert ulp_distance(cosine_annealing_lr(t, 1.0, T), exact) <= 3


def test_restarts_are_where_the_periods_end():
    """Periods of 1, 10 and 100: restarts at 1, 11 and 111. At 111 the logarithm of PyTorch's step(epoch) is short."""
    tops = [t for t in range(1200) if cosine_annealing_warm_restarts(t, 1.0, 1, 10) == 1]
    assert tops == [0, 1, 11, 111, 1111]
    assert cosine_annealing_warm_restarts(6.0, 1.0, 1, 10) == pytest.approx(0.5, rel=1e-15)
    assert cosine_annealing_warm_restarts(0.5, 1.0, 1, 10) == pytest.approx(0.5, rel=1e-15)


def test_a_phase_without_length():
    assert one_cycle_lr(0, 1.0, 10, pct_start=0.1).lr == 1.0  # PyTorch divides 0 by 0


def test_the_step_may_be_numpys():
    assert step_lr(np.int64(60), 1.0, 30) == step_lr(60, 1.0, 30) == pytest.approx(0.01)


REFUSED = {
    "a negative step": (
        lambda: step_lr(-1, 0.1, 3),
        ValueError,
        "step_lr: step must be at least 0, got -1",
    ),
    "half a step": (
        lambda: linear_lr(0.5, 0.1),
        TypeError,
        "linear_lr: step must be an integer, got 0.5",
    ),
    "a negative rate": (
        lambda: exponential_lr(1, -0.1, 0.9),
        ValueError,
        "exponential_lr: base_lr must be at least 0, got -0.1",
    ),
    "a rate that is no number": (
        lambda: cosine_annealing_lr(1, math.nan, 9),
        ValueError,
        "cosine_annealing_lr: base_lr must be at least 0, got nan",
    ),
    "a negative factor": (
        lambda: exponential_lr(1, 0.1, -0.9),
        ValueError,
        "exponential_lr: gamma must be at least 0, got -0.9",
    ),
    "no steps between decays": (
        lambda: step_lr(1, 0.1, 0),
        ValueError,
        "step_lr: step_size must be at least 1, got 0",
    ),
    "a negative milestone": (
        lambda: multi_step_lr(1, 0.1, [4, -2]),
        ValueError,
        "multi_step_lr: milestones[1] must be at least 0, got -2",
    ),
    "a factor above 1": (
        lambda: constant_lr(1, 0.1, 1.5),
        ValueError,
        "constant_lr: factor must be at least 0 and at most 1, got 1.5",
    ),
    "a start from 0": (
        lambda: linear_lr(1, 0.1, 0.0),
        ValueError,
        "linear_lr: start_factor must be above 0 and at most 1, got 0",
    ),
    "no steps to the end": (
        lambda: polynomial_lr(1, 0.1, 0),
        ValueError,
        "polynomial_lr: total_iters must be at least 1, got 0",
    ),
    "a number for a function": (
        lambda: lambda_lr(1, 0.1, 0.9),
        TypeError,
        "lambda_lr: lr_lambda must be a function of a number, got 0.9",
    ),
    "half a period": (
        lambda: cosine_annealing_warm_restarts(1, 0.1, 2.5),
        TypeError,
        "cosine_annealing_warm_restarts: T_0 must be an integer, got 2.5",
    ),
    "an unknown mode": (
        lambda: cyclic_lr(1, 0.1, 1.0, mode="sine"),
        ValueError,
        "cyclic_lr: mode must be one of 'triangular', 'triangular2', 'exp_range', got 'sine'",
    ),
    "an unknown strategy": (
        lambda: swa_lr(1, 0.1, 0.05, anneal_strategy="cosine"),
        ValueError,
        "swa_lr: anneal_strategy must be one of 'cos', 'linear', got 'cosine'",
    ),
    "no number of steps": (
        lambda: one_cycle_lr(1, 0.1, epochs=3),
        ValueError,
        "one_cycle_lr: total_steps, or epochs and steps_per_epoch, must be given, got None",
    ),
    "a step past the last": (
        lambda: one_cycle_lr(10, 0.1, 10),
        ValueError,
        "one_cycle_lr: step must be below the number of steps 10, got 10",
    ),
    "a part above 1": (
        lambda: one_cycle_lr(1, 0.1, 10, pct_start=30),
        ValueError,
        "one_cycle_lr: pct_start must be at least 0 and at most 1, got 30",
    ),
    "a milestone too few": (
        lambda: sequential_lr(1, [abs, abs, abs], [5]),
        ValueError,
        "sequential_lr: milestones must be one less than the schedules, got 1 for 3 schedules",
    ),
    "milestones out of order": (
        lambda: sequential_lr(1, [abs, abs, abs], [5, 5]),
        ValueError,
        "sequential_lr: milestones must increase, got [5, 5]",
    ),
    "a rate for a schedule": (
        lambda: chained_scheduler(1, 0.1, [abs, 0.5]),
        TypeError,
        "chained_scheduler: factors[1] must be a function of a number, got 0.5",
    ),
    "no schedules": (
        lambda: sequential_lr(1, [], []),
        ValueError,
        "sequential_lr: schedules must hold at least one function of a number, got []",
    ),
    "a factor of 1": (
        lambda: reduce_lr_on_plateau_update(1.0, reduce_lr_on_plateau_init(0.1), factor=1.0),
        ValueError,
        "reduce_lr_on_plateau_update: factor must be at least 0 and below 1, got 1",
    ),
    "a metric as text": (
        lambda: reduce_lr_on_plateau_update("good", reduce_lr_on_plateau_init(0.1)),
        TypeError,
        "reduce_lr_on_plateau_update: metrics must be a number, got 'good'",
    ),
    "a rate for a state": (
        lambda: reduce_lr_on_plateau_update(1.0, 0.1),
        TypeError,
        "reduce_lr_on_plateau_update: state must be the PlateauState that reduce_lr_on_plateau_init or "
        "reduce_lr_on_plateau_update returned, got float",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_refused_with_the_whole_message(refusal):
    assert_refused(*REFUSED[refusal])
