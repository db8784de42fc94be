"""L-BFGS: PyTorch's evaluations one by one, what a closure may do, and what is refused."""

from functools import partial

import numpy as np
import pytest
from golden_files import load
from optimisers import assert_refused
from searches import SEARCHES, WOLFE, rosenbrock

from refimpl.optim import lbfgs_init, lbfgs_update

RECORDED = load("searches")["runs"]


def run(search):
    """All points evaluated, the final parameters and the final state."""
    closure, points = search.closure()
    p, state = np.array(search.start), lbfgs_init(np.array(search.start))
    with np.errstate(all="ignore"):
        for _ in range(search.updates):
            p, state = lbfgs_update(p, closure, state, **search.options)
    return np.array(points), p, state


@pytest.mark.parametrize("name", SEARCHES)
def test_every_evaluation_is_pytorchs(name):
    recorded = RECORDED[name]
    points, final, state = run(SEARCHES[name])
    assert len(points) == len(recorded["points"])
    assert state.evaluations == len(points)
    # The largest difference seen is 3e-10: a search may end where the loss hardly tells one point from the next.
    np.testing.assert_allclose(points, recorded["points"], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(final, recorded["final"], rtol=1e-8, atol=1e-10)


def test_the_searches_are_recorded_as_they_are_now():
    now = {name: {"start": s.start, "options": s.options, "updates": s.updates} for name, s in SEARCHES.items()}
    parts = ("start", "options", "updates")
    assert {name: {part: found[part] for part in parts} for name, found in RECORDED.items()} == now


def test_every_loss_along_a_search_that_ends_meets_both_conditions():
    p, state = np.array([-1.2, 1.0]), lbfgs_init(np.zeros(2))
    for _ in range(60):
        loss, gradient = rosenbrock(p)
        moved, state = lbfgs_update(p, rosenbrock, state, max_iter=1, max_eval=25, tolerance_change=0.0, **WOLFE)
        t, d = state.step_length, state.direction
        new_loss, new_gradient = rosenbrock(moved)
        assert new_loss <= loss + 1e-4 * t * (gradient @ d)
        assert abs(new_gradient @ d) <= 0.9 * abs(gradient @ d)
        p = moved
        if np.abs(new_gradient).max() < 1e-6:
            break
    np.testing.assert_allclose(p, 1, rtol=1e-6)


def test_as_many_iterations_as_dimensions_do_for_a_bowl():
    """With exact steps BFGS directions are conjugate: no more iterations than there are dimensions."""
    rng = np.random.default_rng(3)
    B = rng.standard_normal((5, 5))
    A, centre = B @ B.T + np.eye(5), rng.standard_normal(5)

    def bowl(p):
        return float((p - centre) @ A @ (p - centre) / 2), A @ (p - centre)

    p, state = np.zeros(5), lbfgs_init(np.zeros(5))
    for _ in range(5):
        # The step length that ends at the minimum along the direction, which an update with lr = 1 shows.
        _, tried = lbfgs_update(p, bowl, state, max_iter=1)
        d = tried.direction
        exact = -(d @ bowl(p)[1]) / (d @ A @ d)
        first = min(1, 1 / np.abs(bowl(p)[1]).sum()) if state.iterations == 0 else 1
        p, state = lbfgs_update(p, bowl, state, lr=exact / first, max_iter=1)
    np.testing.assert_allclose(p, centre, rtol=1e-9)


def test_a_flat_point_whose_loss_is_nan_ends_the_search():
    """There PyTorch's line search raises an IndexError."""

    def closure(p):
        return (1.0, np.array([-1.0])) if p[0] == 0 else (np.nan, np.array([0.5]))

    p, state = lbfgs_update(np.zeros(1), closure, lbfgs_init(np.zeros(1)), max_iter=1, **WOLFE)
    assert (p, state.step_length, state.evaluations) == (1, 1, 2)


def test_state_is_carried_over_and_counts_everything():
    start = np.array([-1.2, 1.0])
    at_once, whole = lbfgs_update(start, rosenbrock, lbfgs_init(start), lr=0.001, max_iter=6)
    p, state = start, lbfgs_init(start)
    for _ in range(3):
        p, state = lbfgs_update(p, rosenbrock, state, lr=0.001, max_iter=2, max_eval=9)
    np.testing.assert_array_equal(p, at_once)  # only that a new update evaluates where the last one ended
    assert (whole.iterations, whole.evaluations) == (6, 6)
    assert (state.iterations, state.evaluations) == (6, 6)
    assert whole.loss == rosenbrock(start)[0]


def test_a_closure_gets_arrays_of_its_own():
    """It may change them, and what it returns may be changed after the update."""
    given = {"w": np.array([-1.2]), "b": np.array(1.0)}

    def closure(p):
        loss, gradient = rosenbrock([float(p["w"][0]), float(p["b"])])
        p["w"][:] = 99
        p["b"][...] = 99
        return loss, {"b": gradient[1], "w": gradient[:1]}

    moved, _ = lbfgs_update(given, closure, lbfgs_init(given), **WOLFE)
    flat, _ = lbfgs_update(np.array([-1.2, 1.0]), rosenbrock, lbfgs_init(np.zeros(2)), **WOLFE)
    np.testing.assert_array_equal([moved["w"][0], moved["b"]], flat)
    assert (given["w"], given["b"]) == (-1.2, 1.0)


def test_a_closure_runs_under_the_callers_errors():
    seen = []

    def closure(p):
        seen.append(np.geterr()["over"])
        return rosenbrock(p)

    with np.errstate(over="raise"):
        lbfgs_update(np.zeros(2), closure, lbfgs_init(np.zeros(2)), max_iter=3, **WOLFE)
        assert np.geterr()["over"] == "raise"
    assert set(seen) == {"raise"}


@pytest.mark.parametrize(("dtypes", "working"), [("ee", "f"), ("ef", "f"), ("ed", "d"), ("fd", "d"), ("ff", "f")])
def test_every_array_keeps_its_dtype(dtypes, working):
    given = {"w": np.array([-1.2], dtypes[0]), "b": np.array(1.0, dtypes[1])}

    def closure(p):
        assert [p["w"].dtype, p["b"].dtype] == [np.dtype(dtype) for dtype in dtypes]
        loss, gradient = rosenbrock([float(p["w"][0]), float(p["b"])])
        return np.float32(loss), {"w": gradient[:1].astype(dtypes[0]), "b": gradient[1].astype(dtypes[1])}

    moved, state = given, lbfgs_init(given)
    for _ in range(2):
        moved, state = lbfgs_update(moved, closure, state, max_iter=4, **WOLFE)
    assert [moved["w"].dtype, moved["b"].dtype] == [np.dtype(dtype) for dtype in dtypes]
    assert {state.direction.dtype, state.steps.dtype, state.turns.dtype} == {np.dtype(working)}
    assert rosenbrock([float(moved["w"][0]), float(moved["b"])])[0] < 4.2


def test_parameters_without_elements():
    empty = {"w": np.zeros((0, 3))}
    moved, state = lbfgs_update(empty, lambda p: (1, p), lbfgs_init(empty))
    assert moved["w"].shape == (0, 3)
    assert (state.iterations, state.evaluations, state.loss) == (0, 1, 1.0)


P = {"w": np.ones((2, 3))}
STATE = lbfgs_update(P, lambda p: (0.0, p), lbfgs_init(P))[1]
LOSS = "lbfgs_update: closure must return a loss that is a number, got"
PAIR = "lbfgs_update: closure must return (loss, gradients), got"
WIDTH = "must be of as many entries as the parameters = 6, got shape"


@pytest.mark.parametrize(
    ("closure", "error", "message"),
    [
        (P, TypeError, "lbfgs_update: closure must be a function of the parameters, got dict"),
        (lambda p: p, TypeError, f"{PAIR} dict"),
        (lambda p: None, TypeError, f"{PAIR} NoneType"),
        (lambda p: (1.0, p, 2), TypeError, f"{PAIR} tuple"),
        (lambda p: (None, p), TypeError, f"{LOSS} None"),
        (lambda p: (np.ones(1), p), TypeError, f"{LOSS} array([1.])"),
        (lambda p: (True, p), TypeError, f"{LOSS} True"),
        (lambda p: (1j, p), TypeError, f"{LOSS} 1j"),
    ],
)
def test_closures_that_are_none(closure, error, message):
    assert_refused(partial(lbfgs_update, P, closure, lbfgs_init(P)), error, message)


@pytest.mark.parametrize("field", ["direction", "gradient", "steps", "turns"])
def test_a_state_of_other_parameters(field):
    wrong = STATE._replace(**{field: getattr(STATE, field)[..., :5]})
    shape = np.shape(getattr(wrong, field))
    call = partial(lbfgs_update, P, lambda p: (0.0, p), wrong)
    assert_refused(call, ValueError, f"lbfgs_update: state.{field} {WIDTH} {shape}")


def test_nothing_is_evaluated_before_the_arguments_are_checked():
    def closure(p):
        raise AssertionError("called")

    with pytest.raises(ValueError, match="max_iter"):
        lbfgs_update(P, closure, lbfgs_init(P), max_iter=0)
    with pytest.raises(TypeError, match="state"):
        lbfgs_update(P, closure, None)
