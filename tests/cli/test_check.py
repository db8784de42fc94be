"""`refimpl check`: rows, verdicts, what is wrong and where, and that nothing unconfirmed passes."""

import dataclasses
import json
import re

import numpy as np
import pytest
from command import ORIGINAL, TWO, backward_with, numbered, one_wrong_element, start, without_figures

from refimpl.cases import CASES, case
from refimpl.catalog import OPS
from refimpl.gradcheck import catalog_check


def test_check_shows_a_row_per_op_and_argument(run, plant):
    plant("linear", cases=numbered(3))
    plant("tanh", cases=[case("some", input=np.ones(3))])
    expected = """\
op      argument  cases  largest difference  verdict
tanh    input         1             <1e-8    pass
linear  input         3             <1e-8    pass
linear  weight        3             <1e-8    pass
linear  bias          3             <1e-8    pass
2 ops, 4 gradients, 4 cases: 4 passed, 0 failed, 0 inconclusive in * s
"""
    status, out, err = run("check", "linear", "tanh")
    assert (status, without_figures(out), err) == (0, expected, "")


def test_check_as_json_has_the_documented_fields(run, plant):
    plant("linear", cases=numbered(2))
    plant("tanh", cases=[case("some", input=np.ones(3))])
    status, out, _ = run("check", "tanh", "linear", "--json")
    answer = json.loads(out)
    summary, (tanh, linear) = answer["summary"], answer["ops"]
    assert status == 0
    assert summary.pop("seconds") > 0
    assert summary == {
        "verdict": "pass",
        "ops": 2,
        "gradients": 4,
        "cases": 3,
        "passed": 4,
        "failed": 0,
        "inconclusive": 0,
        "departing_cases": 0,
    }
    assert [argument["name"] for argument in linear["arguments"]] == ["input", "weight", "bias"]
    assert tanh.pop("seconds") > 0
    assert 0 <= tanh["arguments"][0].pop("difference") < 1e-8
    assert tanh == {
        "name": "tanh",
        "source": "",
        "verdict": "pass",
        "cases": 1,
        "departing_cases": 0,
        "notes": [],
        "arguments": [{"name": "input", "cases": 1, "verdict": "pass"}],
        "findings": [],
    }


ELEMENT = r"analytic (\S+), numeric (\S+) \+- (\S+)"


def test_a_wrong_gradient_names_case_element_and_both_values(run, plant):
    plant("sigmoid", backward=backward_with("sigmoid", one_wrong_element), cases=TWO)
    plant("tanh", cases=TWO)
    status, out, _ = run("check", "sigmoid", "tanh")
    lines = out.splitlines()
    assert status == 1
    assert re.fullmatch(r"sigmoid  input         2             \d\.\de-0[345]  fail", lines[1])
    found = re.fullmatch(rf"    fail  case 'ones': input\[1, 2\] {ELEMENT}", lines[2])
    analytic, numeric, error = map(float, found.groups())
    assert analytic / numeric == pytest.approx(1.001, abs=1e-8)
    assert error < 1e-6
    assert lines[3].startswith("          diagnosis: element: right but for input[1, 2]: ")
    assert re.fullmatch(r"tanh     input         2             \d\.\de-\d\d  pass", lines[4])
    assert lines[5].startswith("2 ops, 2 gradients, 4 cases: 1 passed, 1 failed, 0 inconclusive in ")


def test_a_wrong_gradient_as_json(run, plant):
    plant("relu", backward=backward_with("relu", one_wrong_element), cases=TWO)
    status, out, _ = run("check", "relu", "--json")
    answer = json.loads(out)
    assert status == 1
    assert (answer["summary"]["verdict"], answer["summary"]["failed"], answer["ops"][0]["verdict"]) == (
        "fail",
        1,
        "fail",
    )
    (finding,) = answer["ops"][0]["findings"]
    (element,) = finding.pop("elements")
    assert finding.pop("message").startswith("input[1, 2] analytic ")
    diagnosis = finding.pop("diagnosis")
    assert diagnosis.pop("message").startswith("right but for input[1, 2]: ")
    assert diagnosis.pop("evidence") | {"analytic": 0, "numeric": 0} == {"index": [1, 2], "analytic": 0, "numeric": 0}
    assert diagnosis == {"argument": "input", "kind": "element", "also": []}
    assert finding == {"case": "ones", "argument": "input", "verdict": "fail"}
    assert element["index"] == [1, 2]
    assert element["analytic"] / element["numeric"] == pytest.approx(1.001, abs=1e-8)
    assert set(element) == {"index", "analytic", "numeric", "error", "verdict", "note", "slopes"}


def test_an_inconclusive_gradient_does_not_pass(run, plant):
    plant("relu", cases=[case("on the kink unawares", input=np.array([2.0, 0.0]))])
    status, out, _ = run("check", "relu")
    assert status == 1
    lines = out.splitlines()
    assert re.fullmatch(r"relu  input         1             \d\.\de-01  inconclusive", lines[1])
    where = r"    inconclusive  case 'on the kink unawares': input\[1\]"
    assert re.fullmatch(rf"{where} {ELEMENT} \(a kink: .*; move the input off it\)", lines[2])
    assert lines[3].startswith("1 op, 1 gradient, 1 case: 0 passed, 0 failed, 1 inconclusive in ")


def test_an_argument_that_no_case_gives_is_not_confirmed(run, plant):
    plant("linear", cases=[case("no bias", input=np.ones((1, 2)), weight=np.ones((3, 2)))])
    status, out, _ = run("check", "linear")
    assert status == 1
    assert out.splitlines()[3:5] == [
        "linear  bias          0                   -  inconclusive",
        "    inconclusive  bias: no case gives it as a floating array",
    ]


def test_an_op_without_cases_is_not_confirmed(run, plant):
    plant("relu", cases=[])
    assert run("check", "relu")[0] == 1


def test_a_missing_gradient_is_a_failure_and_the_next_op_is_judged(run, plant):
    plant("linear", backward=backward_with("linear", lambda gradients: gradients.pop("bias")), cases=numbered(5))
    plant("softmax", cases=TWO)
    status, out, _ = run("check", "linear", "softmax")
    rule = "backward must return a gradient of every argument in wrt, got none of bias (keys: weight, input)"
    assert status == 1
    assert out.splitlines()[1:8] == [
        "linear   input         5                   -  fail",
        "linear   weight        5                   -  fail",
        "linear   bias          5                   -  fail",
        *(f"    fail  case 'number {i}': ValueError: gradcheck: {rule}" for i in range(3)),
        "    2 more: fail; --json has all",
    ]
    assert re.fullmatch(r"softmax  input         2             \d\.\de-\d\d  pass", out.splitlines()[8])
    assert "2 ops, 4 gradients, 7 cases: 1 passed, 3 failed, 0 inconclusive in " in out


def test_an_exception_names_its_case_and_the_next_op_is_judged(run, plant):
    def broken(input):
        return [][input.ndim]

    plant("sigmoid", forward=broken, cases=TWO)
    plant("tanh", cases=TWO)
    status, out, _ = run("check", "sigmoid", "tanh")
    assert status == 1
    assert out.splitlines()[1:4] == [
        "sigmoid  input         2                   -  fail",
        "    fail  case 'ones': IndexError: list index out of range",
        "    fail  case 'a row': IndexError: list index out of range",
    ]
    assert re.fullmatch(r"tanh     input         2             \d\.\de-\d\d  pass", out.splitlines()[4])


def test_a_case_that_cannot_be_checked_is_a_failure(run, plant):
    plant("relu", cases=[case("integers", input=np.arange(3))])
    status, out, _ = run("check", "relu")
    assert status == 1
    assert out.splitlines()[1] == "relu  input         1                   -  fail"
    assert out.splitlines()[2].startswith(
        "    fail  case 'integers': TypeError: gradcheck: relu_forward must be given "
    )


def test_a_broken_promise_is_a_failure_though_the_gradient_is_right(run, plant):
    def writing(grad_output, cache):
        gradients = ORIGINAL["tanh"].backward(grad_output, cache)
        grad_output *= 2
        return gradients

    plant("tanh", cases=TWO[1:], backward=writing)
    status, out, _ = run("check", "tanh")
    assert status == 1
    assert re.fullmatch(r"tanh  input         1             \d\.\de-\d\d  fail", out.splitlines()[1])
    assert "    fail  case 'a row': backward writes to grad_output\n" in out


def test_failures_are_shown_from_three_cases_and_the_rest_counted(run, plant):
    def doubled(gradients):
        gradients["weight"] *= 2

    plant("linear", backward=backward_with("linear", doubled), cases=numbered(5))
    lines = [line for line in run("check", "linear")[1].splitlines() if not line.startswith("     ")]
    assert [line.rpartition("  ")[2] for line in lines[1:4]] == ["pass", "fail", "pass"]
    assert [line.partition("[")[0] for line in lines[4:8]] == [
        *(f"    fail  case 'number {i}': weight" for i in range(3)),
        "    2 more of weight: fail; --json has all",
    ]
    told = [line.strip() for line in run("check", "linear")[1].splitlines() if "diagnosis" in line]
    assert told == [
        "diagnosis: twice: 2 times the derivative, while the gradients of input, bias are right: accumulated twice"
    ]
    findings = json.loads(run("check", "linear", "--json")[1])["ops"][0]["findings"]
    assert [finding["case"] for finding in findings] == [f"number {i}" for i in range(5)]


def test_a_large_array_with_a_wrong_element_names_it(run, plant):
    def wrong(gradients):
        gradients["input"][3, 7] += 1

    large = np.random.default_rng(0).uniform(0.1, 1, (50, 60))
    plant("relu", cases=[case("large", input=large)], elementwise=False, backward=backward_with("relu", wrong))
    status, out, _ = run("check", "relu")
    assert status == 1
    assert "    fail  case 'large': input[3, 7] analytic " in out


def test_cases_that_depart_are_counted_and_not_judged(run, plant):
    wrong = backward_with("tanh", one_wrong_element)
    departing = [dataclasses.replace(TWO[0], name=name, departs="on purpose") for name in ("first", "second")]
    plant("tanh", cases=[TWO[1], *departing], backward=wrong)
    status, out, _ = run("check", "tanh")
    assert status == 0
    assert out.splitlines()[-2].startswith("1 op, 1 gradient, 1 case: 1 passed, 0 failed, 0 inconclusive in ")
    last = "2 cases where the gradient is by convention not the derivative (tanh): see refimpl show"
    assert out.splitlines()[-1] == last
    summary = json.loads(run("check", "tanh", "--json")[1])["summary"]
    assert (summary["cases"], summary["departing_cases"]) == (1, 2)


def test_a_structure_is_one_argument(plant):
    def forward(input):
        return input["a"] * input["b"][0], input

    def backward(grad_output, cache):
        a, b = cache["a"], cache["b"][0]
        return {"input": {"a": grad_output * b, "b": [grad_output * a * factor]}}

    given = [case("two arrays", input={"a": np.array([1.0, 2.0]), "b": [np.array([3.0, 4.0])]})]
    factor = 1
    plant("tanh", cases=given, forward=forward, backward=backward, elementwise=False)
    (right,) = catalog_check.check_catalog(["tanh"])
    assert [(row.name, row.cases, row.verdict) for row in right.arguments] == [("input", 1, "pass")]
    factor = 2
    (wrong,) = catalog_check.check_catalog(["tanh"])
    assert [(row.name, row.cases, row.verdict) for row in wrong.arguments] == [("input", 1, "fail")]
    (finding,) = wrong.findings
    assert finding.argument == "input"
    assert finding.message.startswith("input.b[0][1] analytic ")


def test_results_come_op_by_op_and_case_by_case():
    seen = []
    results = catalog_check.check_catalog(["relu", "tanh"], on_case=lambda done: seen.append((done.op, done.case)))
    assert next(results).name == "relu"
    assert seen == [("relu", one.name) for one in CASES["relu"]]
    assert next(results).name == "tanh"
    assert len(seen) == len(CASES["relu"]) + len(CASES["tanh"])


def test_shared_work_gives_the_same_rows_in_the_same_order():
    names = [name for name in OPS if name in ("tanh", "linear", "relu")]
    with start("check", *reversed(names), "--jobs", "2", "--json") as process:
        shared = json.load(process.stdout)["ops"]
        assert process.stderr.read() == ""
    alone = list(catalog_check.check_catalog(names))
    assert [result["name"] for result in shared] == names
    assert [result["arguments"] for result in shared] == [list(map(vars, result.arguments)) for result in alone]
