"""What another implementation answered is judged rightly, array by array."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import vector_folders
from vector_folders import write_results

from refimpl.cases import CASES, case
from refimpl.vectors import VectorsError, _results, export, verify
from refimpl.vectors._results import Flat
from refimpl.vectors._verify import compare


def test_long_integers_in_json_are_floating_numbers():
    """JavaScript writes 1e20 in digits."""
    text = '{"a": [0.5, 100000000000000000000], "b": [1' + 400 * "0" + '], "c": [9007199254740993, -1]}'
    arrays = _results.arrays_in(Path("results/mse_loss.json"), text)
    np.testing.assert_array_equal(arrays["a"], [0.5, 1e20])
    np.testing.assert_array_equal(arrays["b"], [math.inf])
    assert (arrays["c"].dtype, arrays["c"].tolist()) == (np.int64, [9007199254740993, -1])


def as_json(folder, nested):
    """The results as JSON, in lists that are nested or flat."""
    path = folder / "results" / "relu.npz"
    with np.load(path) as file:
        arrays = {name: (file[name] if nested else file[name].reshape(-1)).tolist() for name in file.files}
    path.unlink()
    path.with_suffix(".json").write_text(json.dumps(arrays))


@pytest.mark.parametrize("form", ["npz", "nested", "flat"])
def test_the_expected_answers_pass(relu, form):
    write_results(relu)
    if form != "npz":
        as_json(relu, form == "nested")
    (verdict,) = verify(relu)
    assert (verdict.verdict, verdict.findings) == ("pass", ())
    assert [(row.dtype, row.cases, row.missing, row.ulp, row.difference) for row in verdict.precisions] == [
        (dtype, len(CASES["relu"]), 0, 0.0, 0.0) for dtype in ("float64", "float32")
    ]


def test_an_answer_within_the_tolerance_passes_with_its_distance(relu):
    def off(_, answers):
        name = "0/float64/output"
        answers[name] = answers[name] * (1 + 2.0**-40)

    write_results(relu, off)
    wide, narrow = verify(relu)[0].precisions
    assert wide.verdict == "pass"
    assert 2**12 <= wide.ulp <= 2**13
    assert wide.difference == pytest.approx(2.0**-40, rel=1e-3)
    assert (narrow.ulp, narrow.difference) == (0, 0)


def test_a_missing_array_is_counted_by_case_and_does_not_pass(relu):
    def lacking(_, answers):
        for name in ("1/float64/output", "1/float64/gradients/input", "2/float64/output"):
            del answers[name]

    write_results(relu, lacking)
    (verdict,) = verify(relu)
    assert [(row.missing, row.verdict) for row in verdict.precisions] == [(2, "missing"), (0, "pass")]
    assert verdict.verdict == "missing"
    assert len(verdict.findings) == 3
    assert verify(relu, dtypes=["float32"])[0].verdict == "pass"


def test_an_op_without_results_is_missing(tmp_path):
    export(tmp_path / "two", ["relu", "tanh"])
    write_results(tmp_path / "two")
    (tmp_path / "two" / "results" / "tanh.npz").unlink()
    relu, tanh = verify(tmp_path / "two")
    assert (relu.verdict, tanh.verdict, tanh.answered) == ("pass", "missing", False)
    assert [row.missing for row in tanh.precisions] == [len(CASES["tanh"])] * 2
    assert [verdict.name for verdict in verify(tmp_path / "two", ["relu"])] == ["relu"]
    with pytest.raises(VectorsError, match=r"has no vectors of softmax$"):
        verify(tmp_path / "two", ["softmax"])


def test_an_op_without_cases_does_not_pass(tmp_path, monkeypatch):
    monkeypatch.setitem(CASES, "relu", ())
    export(tmp_path / "none", ["relu"])
    (tmp_path / "none" / "results").mkdir()
    (tmp_path / "none" / "results" / "relu.json").write_text("{}")
    assert verify(tmp_path / "none")[0].verdict == "missing"


def test_a_name_that_is_not_asked_for_is_a_failure(relu):
    write_results(relu, lambda _, answers: answers.update({"0/float64/gradient/input": np.ones(3)}))
    (verdict,) = verify(relu)
    assert verdict.verdict == "fail"
    assert [finding.message for finding in verdict.findings] == [
        "0/float64/gradient/input is the name of no output and no gradient in the index"
    ]


ONE = np.array([1.0, 2.0, -4.0])


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (ONE[:2], ONE, " must have shape (3,), got shape (2,)"),
        (ONE[:2].view(Flat), ONE, " must have shape (3,), got 2 numbers"),
        (ONE[None].view(Flat), ONE.reshape(3, 1), ""),
        (np.ones((2, 3)), np.ones((3, 2)), " must have shape (3, 2), got shape (2, 3)"),
        (ONE.astype(np.float32), ONE, " must have dtype float64, got float32"),
        (ONE.astype(np.int8), ONE, ""),
        (ONE, ONE.astype(np.float32), ""),
        (np.array(["a", "b", "c"]), ONE, " must hold real numbers, got dtype <U1"),
        (np.array([1.0, math.nan, -4.0]), ONE, "[1] is nan, must be 2.0"),
        (ONE, np.array([1.0, math.nan, -4.0]), "[1] is 2.0, must be nan"),
        (np.array([math.nan, 1.0]), np.array([math.nan, 1.0]), ""),
        (np.array([math.inf, 1.0]), np.array([-math.inf, 1.0]), "[0] is inf, must be -inf"),
        (np.array([1e300, 1.0]), np.array([math.inf, 1.0]), "[0] is 1e+300, must be inf"),
        (np.array(3.0), np.array(2.0), " is 3.0, must be 2.0: off by 5.0e-01 of the largest entry"),
        (ONE * [1, 1, 1.5], ONE, "[2] is -6.0, must be -4.0: off by 5.0e-01 of the largest entry"),
        (np.array([[1, 2]]), np.array([[1, 3]]), "[0, 1] is 2, must be 3"),
        (np.array([1.0, 3.0]), np.array([1, 3]), ""),
        (np.array([1.0, math.nan]), np.array([1, 3]), "[1] is nan, must be 3"),
        (np.full(2, 1e-17), np.zeros(2), ""),
        (np.full(2, 1e-9), np.zeros(2), "[0] is 1e-09, must be 0.0: off by 1.0e-09"),
        (np.zeros(2), np.array([0.0, 8.7e-27]), "[1] is 0.0, must be 8.7e-27: off by 1.0e+00 of the largest entry"),
        (np.array([1e308, 1.0]), np.array([-1e308, 1.0]), "[0] is 1e+308, must be -1e+308: off by "),
        (np.zeros((0, 3)), np.zeros((0, 3)), ""),
        (np.zeros(0).view(Flat), np.zeros((0, 3)), ""),
    ],
)  # fmt: skip
def test_what_passes_and_what_is_said_of_what_does_not(found, expected, message):
    said = compare(found, expected, 1e-10).message
    assert said.startswith(message) if message.endswith("off by ") else said == message


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ulps_are_of_the_expected_number(dtype):
    expected = np.array([1.0, 1024.0, 0.0, math.nan], dtype=dtype)
    found = expected.copy()
    found[0] += 3 * np.finfo(dtype).eps
    found[1] += 2 * 1024 * np.finfo(dtype).eps
    distance = compare(found, expected, 1.0)
    assert distance.ulp == 3
    assert distance.difference == 2 * np.finfo(dtype).eps


def test_structures_are_judged_leaf_by_leaf(tmp_path, monkeypatch):
    vector_folders.plant_cell(monkeypatch, (case("nested", **vector_folders.cell_arguments()),))
    export(tmp_path / "cell", ["cell"])
    write_results(tmp_path / "cell")
    assert verify(tmp_path / "cell")[0].verdict == "pass"

    def wrong(_, answers):
        answers["0/float64/gradients/weights.b[0]"][2] += 1
        answers["0/float32/output[1].order"][0] += 1
        del answers["0/float32/gradients/states[0]"]

    write_results(tmp_path / "cell", wrong)
    (verdict,) = verify(tmp_path / "cell")
    assert [(f.dtype, f.verdict, f.array) for f in verdict.findings] == [
        ("float64", "fail", "0/float64/gradients/weights.b[0]"),
        ("float32", "fail", "0/float32/output[1].order"),
        ("float32", "missing", "0/float32/gradients/states[0]"),
    ]
