"""`refimpl verify`: rows, verdicts, what is wrong and where, and what cannot be judged."""

import json
import re

import numpy as np
import pytest
from vector_folders import contents, write_results

from refimpl.cases import case

SOME = case("some", input=np.array([[1.0, -2.0], [0.5, 3.0]]))


@pytest.fixture
def folder(run, plant, tmp_path):
    """An export of two small ops, answered rightly."""
    plant("relu", cases=[SOME, case("none", input=np.zeros((0, 2)))])
    plant("tanh", cases=[SOME])
    assert run("export", str(tmp_path / "out"), "relu", "tanh")[0] == 0
    write_results(tmp_path / "out")
    return tmp_path / "out"


def test_every_op_and_dtype_has_a_row(run, folder):
    expected = """\
op    dtype    cases  missing  worst ulp  largest difference  verdict
tanh  float64      1        0          0             0.0e+00  pass
tanh  float32      1        0          0             0.0e+00  pass
relu  float64      2        0          0             0.0e+00  pass
relu  float32      2        0          0             0.0e+00  pass
2 ops: 2 passed, 0 failed, 0 missing
"""
    before = contents(folder)
    assert run("verify", str(folder)) == (0, expected, "")
    assert contents(folder) == before


def test_a_wrong_answer_names_case_array_entry_and_both_numbers(run, folder):
    def wrong(name, answers):
        if name == "relu":
            answers["0/float64/gradients/input"][1, 0] = 0.25
            answers["0/float32/output"] = answers["0/float32/output"].T[:1]

    write_results(folder, wrong)
    status, out, _ = run("verify", str(folder))
    lines = out.splitlines()
    assert status == 1
    assert re.fullmatch(r"relu  float64      2        0 +\d\S*e\+15             \d\.\de-01  fail", lines[3])
    assert lines[4] == "relu  float32      2        0        inf                 inf  fail"
    wrong_entry = (
        r"    fail  case 'some': 0/float64/gradients/input\[1, 0\] is 0\.25, must be \S+: off by \S+ of the .*"
    )
    assert re.fullmatch(wrong_entry, lines[5])
    assert lines[6] == "    fail  case 'some': 0/float32/output must have shape (2, 2), got shape (1, 2)"
    assert lines[7:] == ["2 ops: 1 passed, 1 failed, 0 missing"]


def test_what_is_missing_is_counted_and_named(run, folder):
    def lacking(name, answers):
        if name == "relu":
            for array in [array for array in answers if "float32" in array]:
                del answers[array]

    write_results(folder, lacking)
    (folder / "results" / "tanh.npz").unlink()
    expected = """\
op    dtype    cases  missing  worst ulp  largest difference  verdict
relu  float64      2        0          0             0.0e+00  pass
relu  float32      2        2          -                   -  missing
    missing  case 'some': 0/float32/output is missing
    missing  case 'some': 0/float32/gradients/input is missing
    missing  case 'none': 1/float32/output is missing
    1 more: missing; --json has all
without results: tanh
2 ops: 0 passed, 0 failed, 2 missing
"""
    assert run("verify", str(folder)) == (1, expected, "")


def test_ops_and_a_dtype_can_be_chosen(run, folder):
    (folder / "results" / "tanh.npz").unlink()
    write_results(folder, lambda name, answers: answers.pop("0/float64/output"))
    status, out, _ = run("verify", str(folder), "r?lu", "--dtype", "float32")
    assert status == 0
    assert out.splitlines()[1:] == [
        "relu  float32      2        0          0             0.0e+00  pass",
        "1 op: 1 passed, 0 failed, 0 missing",
    ]


def test_without_any_results_there_is_no_table(run, folder):
    for path in (folder / "results").iterdir():
        path.unlink()
    expected = "without results: tanh, relu\n2 ops: 0 passed, 0 failed, 2 missing\n"
    assert run("verify", str(folder)) == (1, expected, "")


def test_json_has_the_documented_fields(run, folder):
    def wrong(name, answers):
        answers["0/float64/output"][0, 0] = np.nan

    write_results(folder, wrong)
    status, out, _ = run("verify", str(folder), "relu", "--json")
    assert status == 1
    assert json.loads(out) == {
        "summary": {"verdict": "fail", "ops": 1, "passed": 0, "failed": 1, "missing": 0},
        "ops": [
            {
                "name": "relu",
                "verdict": "fail",
                "answered": True,
                "precisions": [
                    {"dtype": "float64", "cases": 2, "missing": 0, "ulp": "Infinity", "difference": "Infinity",
                     "verdict": "fail"},
                    {"dtype": "float32", "cases": 2, "missing": 0, "ulp": 0.0, "difference": 0.0, "verdict": "pass"},
                ],
                "findings": [
                    {"dtype": "float64", "case": "some", "array": "0/float64/output", "verdict": "fail",
                     "message": "0/float64/output[0, 0] is nan, must be 1.0"}
                ],
            }
        ],
    }  # fmt: skip
    described = run("verify", "--help")[1]
    answer = json.loads(out)
    for part in (
        answer,
        answer["summary"],
        answer["ops"][0],
        *(answer["ops"][0][k][0] for k in ("precisions", "findings")),
    ):
        assert all(re.search(rf"\b{key}\b", described[described.index("--json prints") :]) for key in part)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "is no folder: `refimpl export "),
        (lambda folder: (folder / "tanh.npz").write_bytes(b"PK"), "/tanh.npz is damaged: it is not the file that"),
        (lambda folder: (folder / "results" / "tanh.npz").write_bytes(b"PK"), "/results/tanh.npz is damaged: it is no"),
        (lambda folder: (folder / "index.json").write_text("{}"), "/index.json is no index of refimpl's vectors"),
        (
            lambda folder: (folder / "index.json").write_text('{"format": "refimpl vectors", "version": 7}'),
            "/index.json has version 7 of the form, and this refimpl reads version 1: ",
        ),
    ],
)
def test_what_cannot_be_judged_is_a_line(run, folder, change, message):
    change(folder)
    status, out, err = run("verify", str(folder), "tanh")
    assert (status, out) == (2, "")
    assert err.startswith(f"refimpl: {folder}")
    assert message in err
    assert err.count("\n") == 1


def test_an_unknown_name_gets_the_nearest_of_the_folder(run, folder):
    message = f"no op is called 'rely'; nearest: relu ({folder}/index.json has all)"
    assert run("verify", str(folder), "rely") == (2, "", f"refimpl: {message}\n")
    assert run("verify", str(folder), "softmax")[0] == 2
