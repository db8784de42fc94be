"""`refimpl grade FILE.py`: what is shown, written and refused."""

import json
import os
import re
from xml.etree import ElementTree

import pytest
from command import start

TANH = """\
import numpy as np


def tanh_forward(x):
    y = np.tanh(x)
    return y, y


def tanh_backward(grad_output, y):
    return grad_output * (1 - y**2)
"""
SQUARED = TANH.replace("(1 - y**2)", "2 * (1 - y**2)")


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into an empty folder, which is the current one; returns its name."""
    monkeypatch.chdir(tmp_path)

    def file(text, name="mine.py"):
        (tmp_path / name).write_text(text)
        return name

    return file


def without_seconds(text):
    return re.sub(r"in \d+\.\d s", "in * s", text)


def test_a_right_file_has_all_points(run, write):
    status, out, err = run("grade", write(TANH))
    assert (status, err) == (0, "")
    assert without_seconds(out) == (
        "function       values  form  gradient   points\n"
        "tanh_forward      4/4   4/4         -      3/3\n"
        "tanh_backward     4/4   4/4       4/4      5/5\n"
        "2 functions: 8 of 8 points in * s\n"
    )


def test_a_wrong_backward_has_its_diagnosis_once(run, write):
    status, out, err = run("grade", write(SQUARED))
    lines = out.splitlines()
    assert (status, err) == (1, "")
    assert lines[2] == "tanh_backward     0/4   4/4       0/4      1/5"
    assert re.fullmatch(
        r"    values, gradient  case 'both signs': input\[\d, \d\] is \S+, and it must be \S+ \(and at 3 more cases\)",
        lines[3],
    )
    assert lines[4] == "          diagnosis: factor: 2 times the derivative: a factor 2 too much, or a lost 1/2"
    assert lines[-1].startswith("2 functions: 4 of 8 points in ")


def test_points_are_what_is_asked_for(run, write):
    status, out, _ = run("grade", write(SQUARED), "tanh_backward", "--points", "form=0.5,gradient=7", "--json")
    (function,) = json.loads(out)["functions"]
    assert status == 1
    assert [(a["aspect"], a["points"], a["possible"]) for a in function["aspects"]] == [
        ("values", 0, 2),
        ("form", 0.5, 0.5),
        ("gradient", 0, 7),
    ]
    assert (function["points"], function["possible"], function["full"]) == (0.5, 9.5, False)


def test_json_has_everything_and_alone(run, write):
    status, out, err = run(
        "grade", write("print('loading')\n" + SQUARED.replace("y = np", "print(7); y = np")), "--json"
    )
    answer = json.loads(out)
    assert (status, err) == (1, "")
    assert {**answer["summary"], "seconds": 0} == {
        "file": "mine.py", "against": "refimpl", "points": 4.0, "possible": 8.0, "full": False, "functions": 2,
        "seconds": 0,
    }  # fmt: skip
    forward, backward = answer["functions"]
    assert (forward["flaws"], forward["stopped"], forward["full"]) == ([], "", True)
    assert forward["printed"] == "7\n" * 4
    kinds = {(flaw["aspect"], flaw["argument"], flaw["diagnosis"]["kind"]) for flaw in backward["flaws"][:2]}
    assert kinds == {("values", "input", "factor"), ("gradient", "input", "factor")}
    assert backward["flaws"][0]["diagnosis"]["evidence"]["factor"] == pytest.approx(2)


def test_help_has_examples_and_the_json_fields(run, write):
    status, text, _ = run("grade", "--help")
    assert (status, text[:21]) == (0, "usage: refimpl grade ")
    described = text[text.index("--json prints") :]

    def keys(value):
        for entry in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            yield from keys(entry)
        yield from value if isinstance(value, dict) else ()

    answer = json.loads(run("grade", write(SQUARED), "--json")[1])
    for function in answer["functions"]:
        for flaw in function["flaws"]:
            flaw["diagnosis"] and flaw["diagnosis"].pop("evidence")
    assert [key for key in keys(answer) if not re.search(rf"\b{key}\b", described)] == []


def test_junit(run, write, tmp_path):
    text = SQUARED.replace("y = np", "print('\\x1b[31m<&>'); y = np")
    text += "\n\ndef sigmoid_forward(x):\n    import os\n    os._exit(3)\n"
    assert run("grade", write(text), "--junit", "grade.xml")[0] == 1
    root = ElementTree.parse(tmp_path / "grade.xml").getroot()
    assert root.tag == "testsuites"
    assert {key: root.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "2", "errors": "2", "skipped": "0",
    }  # fmt: skip
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == ["sigmoid_forward", "tanh_forward", "tanh_backward"]
    properties = {p.get("name"): p.get("value") for p in suites["tanh_backward"].find("properties")}
    assert properties == {"file": "mine.py", "against": "refimpl", "points": "1", "possible": "5"}
    cases = {case.get("name"): case for case in suites["tanh_backward"].findall("testcase")}
    assert list(cases) == ["values", "form", "gradient"]
    assert [cases[name].find("failure") is not None for name in cases] == [True, False, True]
    assert cases["values"].get("classname") == "mine.tanh_backward"
    assert cases["values"].find("failure").get("type") == "factor"
    assert "diagnosis: factor: 2 times the derivative" in cases["values"].find("failure").text
    assert suites["tanh_forward"].find("system-out").text.startswith("\ufffd[31m<&>\n")
    (error,) = suites["sigmoid_forward"].find("testcase").findall("error")
    assert error.get("message") == "it ended its process, with exit status 3"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grade.xml", "mine.py"]


REFUSED = {
    "no file": (None, (), "there is no such file"),
    "no function": ("x = 3\n", (), "there is no function in it that the reference has"),
    "no function of the course": (
        TANH,
        ("--against", "cs231n"),
        "there is no function in it that the reference cs231n",
    ),
    "a syntax error": ("def f(:\n    pass\n", (), "loading it: raised SyntaxError: invalid syntax"),
    "an exception": ("x = 1\ny = 1 / 0\n", (), "loading it: raised ZeroDivisionError: division by zero (line 2)"),
    "an exit": ("import sys\nsys.exit(0)\n", (), "loading it: raised SystemExit: 0 (line 2)"),
    "an end": ("import os\nos._exit(0)\n", (), "loading it: it ended its process, with exit status 0"),
    "a loop": ("while True: pass\n", ("--timeout", "0.8"), "loading it: it was stopped after 0.8 s"),
    "the reference": ("from refimpl import *\n", (), "a file that is graded must do without refimpl, the reference"),
    "an unknown name": (TANH, ("sofmax",), "the reference has no function 'sofmax'"),
    "an unknown reference": (TANH, ("--against", "cs229"), "no reference is called 'cs229'; there are refimpl, cs231n"),
    "no folder for it": (TANH, ("--junit", "no/grade.xml"), "no/grade.xml: it cannot be written"),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_cannot_be_graded_is_said_in_one_line(run, write, tmp_path, refusal):
    text, options, message = REFUSED[refusal]
    name = "mine.py" if text is None else write(text)
    junit = () if "--junit" in options else ("--junit", "grade.xml")
    status, out, err = run("grade", name, *options, *junit)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("refimpl: ")
    assert message in line
    assert not (tmp_path / "grade.xml").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--points", "value=2"), "must be values=2,form=1,gradient=2 or other numbers from 0 on, got 'value=2'"),
        (("--points", "form=-1"), "must be values=2,form=1,gradient=2 or other numbers from 0 on, got 'form=-1'"),
        (("--points", "form=nan"), "must be values=2,form=1,gradient=2 or other numbers from 0 on, got 'form=nan'"),
        (("--timeout", "0"), "must be a number above 0, got '0'"),
        (("--memory", "much"), "must be a number from 0 on, got 'much'"),
    ],
)
def test_wrong_options(run, option, message):
    status, out, err = run("grade", "mine.py", *option)
    assert (status, out) == (2, "")
    assert err.endswith(f"{message}\n")


def test_a_missing_function_that_is_asked_for_has_no_points(run, write):
    status, out, _ = run("grade", write(TANH.partition("def tanh_backward")[0]), "tanh")
    assert status == 1
    assert "tanh_backward     0/1   0/1       0/1      0/5\n" in out
    assert "    values, form, gradient  there is no function tanh_backward in the file\n" in out


def test_strict_counts_what_a_function_does_not_take(run, write):
    text = "import numpy as np\n\n\ndef softplus_forward(x):\n    return np.logaddexp(0, x), x\n"
    status, out, _ = run("grade", write(text))
    assert (status, "softplus_forward     3/3   3/3         -      3/3\n" in out) == (0, True)
    assert "    note  5 of the 9 cases have arguments that it does not take\n" in out
    status, out, _ = run("grade", "mine.py", "--strict")
    assert (status, "softplus_forward     4/9   4/9 " in out) == (1, True)
    assert "it does not take the arguments of this case (and at 4 more cases)" in out


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_in_a_process_of_its_own(tmp_path):
    (tmp_path / "mine.py").write_text(TANH)
    with start("grade", str(tmp_path / "mine.py")) as process:
        assert "2 functions: 8 of 8 points" in process.stdout.read()
        assert process.stderr.read() == ""
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]
