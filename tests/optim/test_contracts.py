"""What holds for every optimiser, with the options of each of its runs."""

import copy
import inspect

import numpy as np
import pytest
from catalog_cases import assert_identical
from optimisers import OPTIMISERS, RUNS, gradients_at, options_of, problem

from refimpl._structure import leaves, map_leaves

MINIMIZING = [
    (name, run)
    for name, run in RUNS
    if "maximize" in inspect.signature(OPTIMISERS[name].update).parameters
    and not OPTIMISERS[name].runs[run].get("maximize")
]


def arrays(structure):
    return [leaf for _, leaf in leaves(structure) if isinstance(leaf, np.ndarray)]


def bowl(slope):
    """A closure whose gradients are the slopes, plus the parameters themselves."""

    def closure(parameters):
        with np.errstate(all="ignore"):
            parts = map_leaves(lambda p, g: np.sum(g * p + p * p / 2), parameters, slope)
            gradients = map_leaves(lambda g, p: np.asarray(g + p), slope, parameters)
            return float(sum(part for _, part in leaves(parts))), gradients

    return closure


class Call:
    """An optimiser with a run's options, and parameters and gradients to begin with, whose arrays are its own."""

    def __init__(self, name, run):
        self.for_init, self.for_update = options_of(name, run)
        self.optimiser = OPTIMISERS[name]
        start = problem(self.optimiser.shapes)
        self.parameters = start["parameters"]
        self.gradients = gradients_at(start, self.parameters)

    def init(self, parameters):
        return self.optimiser.init(parameters, **self.for_init)

    def update(self, parameters, gradients, state, **options):
        towards = bowl(gradients) if self.optimiser.by_closure else gradients
        return self.optimiser.update(parameters, towards, state, **{**self.for_update, **options})

    def steps(self, parameters, gradients, count=3):
        """Parameters and state after some updates, all with the same gradients."""
        state = self.init(parameters)
        for _ in range(count):
            parameters, state = self.update(parameters, gradients, state)
        return parameters, state


@pytest.fixture
def call(name, run):
    return Call(name, run)


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_an_update_changes_nothing_that_it_was_given(call):
    parameters, state = call.steps(call.parameters, call.gradients, 2)
    given = (parameters, call.gradients, state)
    before = copy.deepcopy(given)
    first = call.update(*given)
    assert_identical(given, before)
    assert_identical(first, call.update(*given))


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_what_is_returned_does_not_share_memory_with_what_was_given(call):
    state = call.init(call.parameters)
    for _ in range(2):
        moved, state = call.update(call.parameters, call.gradients, state)
        for new in arrays((moved, state)):
            for old in arrays((call.parameters, call.gradients)):
                assert not np.shares_memory(new, old)


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_arrays_may_be_read_only_and_of_any_layout(call):
    expected = call.steps(call.parameters, call.gradients)

    def frozen(array):
        wide = np.repeat(np.asarray(array)[..., None], 2, -1)[..., 0]
        wide.flags.writeable = False
        return wide

    seen = call.steps(map_leaves(frozen, call.parameters), map_leaves(frozen, call.gradients))
    for one, other in zip(arrays(seen), arrays(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def nested(values):
    first, *middle, last = values
    return {"a": (first, middle), "b": {"c": last, "absent": None}}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "run"), RUNS)
def test_any_structure_in_its_own_dtype(call, dtype):
    parameters = [value.astype(dtype) for value in call.parameters.values()]
    gradients = [value.astype(dtype) for value in call.gradients.values()]
    flat, _ = call.steps(parameters, gradients)
    moved, state = call.steps(nested(parameters), nested(gradients))
    assert_identical(moved, nested(flat))
    assert moved["b"]["absent"] is None
    assert {array.dtype for array in arrays(state)} <= {np.dtype(dtype)}


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_the_order_of_keys_is_free(call):
    backwards = dict(reversed(call.gradients.items()))
    for name, moved in call.steps(call.parameters, call.gradients)[0].items():
        np.testing.assert_array_equal(call.steps(call.parameters, backwards)[0][name], moved)


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_parameters_do_not_know_of_each_other(call):
    if call.optimiser.by_closure:
        pytest.skip("finds one direction for all of them")
    together, _ = call.steps(call.parameters, call.gradients)
    for name, alone in together.items():
        only, _ = call.steps({name: call.parameters[name]}, {name: call.gradients[name]})
        assert_identical(only, {name: alone})


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_an_array_without_elements_stays_so(call):
    """Nothing is divided by its size, and no warning is given."""
    none = np.zeros((0, 3))
    moved, state = call.steps({**call.parameters, "none": none}, {**call.gradients, "none": none})
    expected, _ = call.steps(call.parameters, call.gradients)
    assert_identical(moved, {**expected, "none": none})
    assert all(np.isfinite(array).all() for array in arrays(state))


@pytest.mark.parametrize("size", [0.0, 1e-200, 1e200, np.inf, np.nan])
@pytest.mark.parametrize(("name", "run"), RUNS)
def test_no_gradient_raises_what_numpy_has_to_say(call, size):
    """Whatever the caller has set; the numbers show it."""
    with np.errstate(all="raise"):
        call.steps(call.parameters, map_leaves(lambda g: np.full(g.shape, size), call.gradients))


@pytest.mark.parametrize(("name", "run"), MINIMIZING)
def test_to_maximize_is_to_minimize_the_negative(call):
    state = call.init(call.parameters)
    negative = map_leaves(np.negative, call.gradients)
    up = call.update(call.parameters, call.gradients, state, maximize=True)
    down = call.update(call.parameters, negative, state)
    for one, other in zip(up, down, strict=True):
        assert_identical(one, other)
