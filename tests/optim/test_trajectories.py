"""A hundred steps of every optimiser that PyTorch has, against what PyTorch was recorded to do."""

import inspect
from itertools import combinations

import golden_files
import numpy as np
import pytest
from agreement import relative_difference
from optimisers import OPTIMISERS, RECORDED, RECORDINGS, STEPS, recorded, recording, steps_of

from refimpl import optim

# Largest difference to PyTorch seen over all runs, relative to the largest entry: 6.4e-15.
TOLERANCE = 1e-13
# 2.5e-12: a direction that comes from differences of gradients multiplies their rounding.
TOLERANCES = {"lbfgs": 1e-11}


@pytest.mark.parametrize(("name", "run"), RECORDED)
def test_a_hundred_steps_are_pytorchs(name, run):
    file = recorded(name)
    seen = list(steps_of(name, run, file["problem"], max(STEPS)))
    tolerance = TOLERANCES.get(name, TOLERANCE)
    for i, step in enumerate(STEPS):
        for parameter, expected in file["runs"][run]["trajectory"].items():
            scale = np.abs(expected[i]).max()
            np.testing.assert_allclose(seen[step - 1][0][parameter], expected[i], rtol=0, atol=tolerance * scale)


@pytest.mark.parametrize(("name", "run"), [(name, run) for name, run in RECORDED if OPTIMISERS[name].kept])
def test_what_pytorch_keeps_is_the_same(name, run):
    file = recorded(name)
    *_, (_, state) = steps_of(name, run, file["problem"], max(STEPS))
    for field, arrays in file["runs"][run]["state"].items():
        for parameter, expected in arrays.items():
            tolerance = TOLERANCE * np.abs(expected).max()
            np.testing.assert_allclose(getattr(state, field)[parameter], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", RECORDINGS.values())
def test_every_run_is_recorded_with_the_options_it_has_now(name):
    again = f"python tests/golden/record.py {recording(name)} records it again"
    assert golden_files.path_of(recording(name)).exists(), again
    file = recorded(name)
    assert file["optimizer"] == OPTIMISERS[name].torch, again
    assert file["steps"] == list(STEPS), again
    assert {run: found["options"] for run, found in file["runs"].items()} == OPTIMISERS[name].runs, again
    for part in file["problem"].values():
        assert {parameter: value.shape for parameter, value in part.items()} == OPTIMISERS[name].shapes, again


@pytest.mark.parametrize("name", RECORDINGS.values())
def test_every_option_leaves_its_mark(name):
    """No two trajectories are alike, and none has come to rest where it started."""
    file = recorded(name)
    paths = {
        run: np.concatenate([values.ravel() for values in found["trajectory"].values()])
        for run, found in file["runs"].items()
    }
    for a, b in combinations(paths, 2):
        assert relative_difference(paths[a], paths[b]) > 1e-3, f"{a} and {b}"
    for found in file["runs"].values():
        for parameter, start in file["problem"]["parameters"].items():
            assert found["trajectory"][parameter].shape == (len(STEPS), *start.shape)
            assert np.all(found["trajectory"][parameter][-1] != start)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_runs_use_every_option(name):
    optimiser = OPTIMISERS[name]
    taken = [*inspect.signature(optimiser.init).parameters][1:] + [*inspect.signature(optimiser.update).parameters][3:]
    assert {option for options in optimiser.runs.values() for option in options} == set(taken)


def test_the_table_is_complete():
    public = {name.removesuffix("_update") for name in vars(optim) if name.endswith("_update")}
    assert set(OPTIMISERS) == public - {"reduce_lr_on_plateau"}  # a schedule, whose state is its own
    for name, optimiser in OPTIMISERS.items():
        assert optimiser.init is getattr(optim, f"{name}_init")
        assert optimiser.update is getattr(optim, f"{name}_update")
