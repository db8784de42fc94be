"""Outputs and gradients that PyTorch was recorded to give in float64, without PyTorch."""

import golden_files
import numpy as np
import pytest
from agreement import LOST_BY_PYTORCH, assert_agree, assert_pair_agrees, relative_difference
from catalog_cases import assert_identical
from optimisers import RECORDINGS

import refimpl
from refimpl import OPS
from refimpl.cases import CASES

IN_PYTORCH = [name for name, op in OPS.items() if op.torch]
RECORDED = [
    pytest.param(name, case, id=f"{name}-{case}")
    for name in golden_files.stored()
    if name in OPS
    for case in golden_files.load(name)["cases"]
]
AGAIN = "python tests/golden/record.py {} records it again"


@pytest.mark.parametrize(("name", "case"), RECORDED)
def test_output_and_gradients_are_the_recorded_ones(name, case):
    op, recorded = OPS[name], golden_files.load(name)["cases"][case]
    output, cache = op.forward(**recorded["arguments"])
    gradients = op.backward(recorded["grad_output"], cache)
    assert set(gradients) == set(recorded["gradients"]) | set(recorded["undifferentiated"])
    assert_pair_agrees(name, case, output, gradients, recorded["output"], recorded["gradients"])


@pytest.mark.parametrize("name", IN_PYTORCH)
def test_every_case_is_recorded(name):
    """Each case of the catalog that PyTorch can evaluate, with the options, shapes and dtypes that it has now."""
    again = AGAIN.format(name)
    assert golden_files.path_of(name).exists(), again
    file = golden_files.load(name)
    assert (file["op"], file["function"]) == (name, OPS[name].torch), again
    assert set(file["cases"]) | set(file["left_out"]) == {case.name for case in CASES[name]}, again
    for case in CASES[name]:
        if case.name not in file["left_out"]:
            recorded = file["cases"][case.name]["arguments"]
            assert golden_files.outline(recorded) == golden_files.outline(case.arguments), f"{case.name}: {again}"


def test_no_file_is_left_over():
    assert set(golden_files.stored()) == {*IN_PYTORCH, *golden_files.RUNS, *RECORDINGS}


def test_exceptions_belong_to_cases():
    for name, case, array in LOST_BY_PYTORCH:
        assert case in {"*", *(case.name for case in CASES[name])}
        assert array == "output" or array in OPS[name].differentiable


# What is called agreement.


def test_the_comparison_sees_differences():
    """Each of these is off by more than rounding in one place."""
    x = np.array([1.0, np.nan, np.inf, 1e-3])
    assert_agree({"a": x, "b": None}, {"b": None, "a": x * (1 + 1e-15)})
    for wrong in (
        x[:3],
        x.astype(np.float32),
        x + np.array([0, 0, 0, 1e-13]),
        np.array([1.0, 0.0, np.inf, 1e-3]),
        np.array([1.0, np.nan, -np.inf, 1e-3]),
        np.array([np.nan, np.nan, np.inf, 1e-3]),
        None,
        [x],
    ):
        with pytest.raises(AssertionError):
            assert_agree({"a": wrong, "b": None}, {"a": x, "b": None})
    with pytest.raises(AssertionError, match="differs by inf"):
        assert_agree(np.array([0.0, 1e-300]), np.zeros(2))
    with pytest.raises(AssertionError):
        assert_agree(np.array([1, 2]), np.array([1, 3]))


# A training run; that refimpl reproduces it is tested with the examples.


def test_linear_regression_learns_the_line():
    run = golden_files.load("linear_regression")
    assert run["losses"].shape == (run["epochs"],) == (1000,)
    assert np.all(np.diff(run["losses"]) < 0)
    first = np.mean((run["input"] @ run["initial"]["weight"].T + run["initial"]["bias"] - run["target"]) ** 2)
    assert relative_difference(run["losses"][0], first) < 1e-15
    assert abs(run["final"]["weight"].item() - 2) < 0.05
    assert abs(run["final"]["bias"].item()) < 0.15


# The files themselves.


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(golden_files, "FOLDER", tmp_path)
    golden_files.load.cache_clear()
    yield tmp_path
    golden_files.load.cache_clear()


STRUCTURE = {
    "arrays": [np.arange(6.0).reshape(2, 3).T, np.array(0.5), np.zeros((0, 3)), np.array([np.nan, np.inf, -0.0])],
    "kinds": (np.array([1, 2]), np.array([True, False]), np.ones(2, dtype=np.float32), None),
    "options": {"reduction": "mean", "eps": 1e-5, "p": float("inf"), "n": 3, "flag": False, "betas": (0.9, 0.99)},
    "again": np.arange(6.0).reshape(2, 3).T,
    "empty": {},
}


def test_what_is_saved_is_loaded(elsewhere):
    assert golden_files.save("sample", STRUCTURE)
    loaded = golden_files.load("sample")
    assert_identical(loaded, STRUCTURE)
    assert golden_files.outline(loaded) == golden_files.outline(STRUCTURE)
    assert np.signbit(loaded["arrays"][3][2])
    assert isinstance(loaded["kinds"], tuple)
    with pytest.raises(ValueError, match="read-only"):
        loaded["again"][0] = 1


def test_dtypes_and_pairs_are_loaded_as_such(elsewhere):
    golden_files.save("sample", {"dtype": np.float32, "distance": refimpl.relu_forward})
    loaded = golden_files.load("sample")
    assert loaded == {"dtype": np.float32, "distance": refimpl.relu_forward}


def test_saving_the_same_again_changes_nothing(elsewhere):
    golden_files.save("sample", STRUCTURE)
    first = (elsewhere / "sample.npz").read_bytes()
    assert not golden_files.save("sample", STRUCTURE)
    (elsewhere / "sample.npz").unlink()
    assert golden_files.save("sample", STRUCTURE)
    assert (elsewhere / "sample.npz").read_bytes() == first
    assert golden_files.save("sample", {**STRUCTURE, "again": np.arange(6.0).reshape(2, 3).T + 1e-15})


@pytest.mark.parametrize("value", [object(), {1: 2.0}, {"$array": 1}, np.random.default_rng(0), lambda x: x])
def test_what_a_file_cannot_hold_is_refused(elsewhere, value):
    with pytest.raises(TypeError, match="a golden file holds arrays, options and pairs of refimpl"):
        golden_files.save("sample", {"value": value})
    assert golden_files.stored() == []
