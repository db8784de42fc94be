"""`refimpl check FILE.py`: pairs found, given arguments and judged, and what is said where they cannot be."""

import json
import re

import pytest
from command import start, without_figures

SOFTMAX = """\
import numpy as np

print("hello from the file")


def softmax_forward(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return y, y


def softmax_backward(grad_output, y):
    return grad_output * y


def softmax_cases():
    return {"two rows": (np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]]),)}
"""
SQUARE = """\
import numpy as np
from refimpl.cases import case


def square_forward(x, scale=1.0):
    return scale * x**2, (x, scale)


def square_backward(grad_output, cache):
    x, scale = cache
    return FORM


def square_cases():
    return CASES
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a file into an empty folder, which is the current one; returns its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])

    def file(text, name="mine.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        return name

    return file


def square(cases="[np.array([1.0, 2.0])]", form="2 * grad_output * scale * x"):
    return SQUARE.replace("FORM", form).replace("CASES", cases)


def test_a_wrong_pair_has_its_rows_its_element_and_its_diagnosis(run, write):
    status, out, err = run("check", write(SOFTMAX))
    lines = out.splitlines()
    assert (status, err) == (1, "hello from the file\n")
    assert lines[0] == "op       argument  cases  largest difference  verdict"
    assert re.fullmatch(r"softmax  x             1             \d\.\de-01  fail", lines[1])
    assert re.fullmatch(r"    fail  case 'two rows': x\[\d, \d\] analytic \S+, numeric \S+ \+- \S+", lines[2])
    assert lines[3] == (
        "          diagnosis: row_constant: what is missing is, along axis 1, a multiple of output: "
        "the projection there is left out or wrong"
    )
    assert lines[4].startswith("1 op, 1 gradient, 1 case: 0 passed, 1 failed, 0 inconclusive in ")
    assert len(lines) == 5


def test_the_diagnosis_as_json_and_nothing_else_on_stdout(run, write):
    name = write(SOFTMAX)
    status, out, _ = run("check", name, "--json")
    (op,) = json.loads(out)["ops"]
    assert (status, op["source"], op["name"], op["verdict"]) == (1, name, "softmax", "fail")
    diagnosis = op["findings"][0]["diagnosis"]
    assert (diagnosis["argument"], diagnosis["kind"], diagnosis["also"]) == ("x", "row_constant", [])
    assert diagnosis["evidence"] == {"along": "axis 1", "direction": "a multiple of output"}


RIGHT = {
    "an array": ("[np.array([1.0, 2.0])]", ["1"]),
    "tuples": ("[(np.ones(2),), (np.ones(3), 2.0)]", ["1", "2"]),
    "dicts": ("[{'x': np.ones(2), 'scale': 2.0}]", ["1"]),
    "one dict of arguments": ("{'x': np.ones(2), 'scale': 2.0}", ["1"]),
    "arguments and options": ("[((np.ones(2),), {'scale': 2.0})]", ["1"]),
    "named": ("{'ones': (np.ones(2),), 'twos': {'x': 2 * np.ones(2)}}", ["ones", "twos"]),
    "a generator": ("(np.ones(n) for n in (1, 2, 3))", ["1", "2", "3"]),
    "the catalog's form": ("[case('ones', x=np.ones(2)), case('at 0', at_kink=True, x=np.zeros(1))]", ["ones", "at 0"]),
    "lists of numbers": ("[([1.0, 2.0],)]", ["1"]),
}


@pytest.mark.parametrize("form", RIGHT)
def test_every_form_of_cases(write, form):
    from refimpl.userfile import check_pair, load_pairs

    cases, names = RIGHT[form]
    seen = []
    (pair,) = load_pairs(write(square(cases).replace("return scale * x", "x = np.asarray(x); return scale * x")))
    result = check_pair(pair, on_case=seen.append)
    assert [case.case for case in seen] == names
    assert [(row.name, row.cases, row.verdict) for row in result.arguments] == [("x", len(names), "pass")]


@pytest.mark.parametrize("form", ["{'x': 2 * grad_output * scale * x}", "(2 * grad_output * scale * x,)"])
def test_both_styles_of_backward(run, write, form):
    status, out, err = run("check", write(square(form=form)))
    assert (status, err) == (0, "")
    assert without_figures(out) == (
        "op      argument  cases  largest difference  verdict\n"
        "square  x             1             <1e-8    pass\n"
        "1 op, 1 gradient, 1 case: 1 passed, 0 failed, 0 inconclusive in * s\n"
    )


def test_an_op_of_the_catalog_takes_its_cases(run, write):
    """By name where the names are the same, else in order; those with arguments that have no place are left out."""
    text = "import numpy as np\n\n\ndef tanh_forward(z):\n    return np.tanh(z), z\n\n\n"
    text += "def tanh_backward(g, z):\n    return g / np.cosh(z) ** 2\n\n\n"
    text += "def mse_loss_forward(prediction, target, reduction='mean'):\n    error = prediction - target\n"
    text += "    return (error**2).mean() if reduction == 'mean' else (error**2).sum(), (error, reduction)\n\n\n"
    text += "def mse_loss_backward(g, cache):\n    error, reduction = cache\n"
    text += "    return {'prediction': 2 * g * error / (error.size if reduction == 'mean' else 1)}\n"
    status, out, _ = run("check", write(text), "--json")
    tanh, loss = json.loads(out)["ops"]
    assert (tanh["name"], tanh["verdict"], tanh["notes"]) == ("tanh", "pass", [])
    assert [row["name"] for row in loss["arguments"]] == ["prediction"]
    assert len(loss["notes"]) == 2
    assert re.fullmatch(r"\d+ of the catalog's \d+ cases have arguments that it does not take", loss["notes"][0])
    assert loss["notes"][1] == "backward gives no gradient of target: not checked"
    assert (status, loss["verdict"]) == (0, "pass")


def test_ops_files_and_modules_are_mixed(run, write):
    write("", "package/__init__.py")
    write(square(), "package/ops.py")
    status, out, _ = run("check", write(SOFTMAX), "tanh", "package.ops", "--json")
    assert status == 1
    found = [(op["name"], op["source"], op["verdict"]) for op in json.loads(out)["ops"]]
    assert found == [("tanh", "", "pass"), ("softmax", "mine.py", "fail"), ("square", "package.ops", "pass")]


def test_a_file_in_another_folder_imports_its_neighbours(run, write):
    write("FACTOR = 2\n", "folder/neighbour.py")
    text = "from neighbour import FACTOR\n" + square(form="FACTOR * grad_output * scale * x")
    assert run("check", write(text, "folder/mine.py"))[0] == 0


def test_a_pair_that_raises_or_exits_is_a_failure_and_the_next_is_judged(run, write):
    text = square() + square(form="exit(3)").replace("square", "cube") + square(form="[][0]").replace("square", "root")
    status, out, _ = run("check", write(text))
    assert status == 1
    assert "    fail  case '1': SystemExit: 3\n" in out
    assert "    fail  case '1': IndexError: list index out of range\n" in out
    assert re.search(r"square  x +1 .* pass", out)


def test_options_may_be_called_as_gradchecks_own(run, write):
    text = square("[{'x': np.ones(2), 'seed': 3.0}]").replace("x, scale=1.0", "x, at_kink=1, scale=1.0")
    text = text.replace("scale", "seed")
    assert run("check", write(text))[0] == 0


@pytest.mark.parametrize("kind", ["written", "nondeterministic"])
def test_a_broken_promise_is_diagnosed(run, write, kind):
    spoiled = {"written": "x += 1; y = x", "nondeterministic": "y = x * (1 + 1e-3 * np.random.random())"}[kind]
    text = square(form="grad_output * scale").replace("return scale * x**2", f"{spoiled}; return scale * y")
    status, out, _ = run("check", write(text))
    assert status == 1
    assert f"          diagnosis: {kind}: " in out


NO_CASES = square().partition("def square_cases")[0]
REFUSED = {
    "no file": (None, "there is no such file"),
    "no pair": ("import numpy as np\nx = 3\n", "there is no pair NAME_forward, NAME_backward in it"),
    "an empty file": ("", "there is no pair NAME_forward, NAME_backward in it"),
    "only pairs of refimpl's": ("from refimpl import *\n", "there is no pair NAME_forward, NAME_backward in it"),
    "no backward": ("def f_forward(x):\n    return x, x\n", "f_backward is missing: there is f_forward without it"),
    "no forward": ("def f_backward(g, x):\n    return g\n", "f_forward is missing: there is f_backward without it"),
    "a syntax error": ("def f(:\n    pass\n", r", line 1: invalid syntax"),
    "an indentation": ("def f():\npass\n", r", line 2: expected an indented block"),
    "an exception on import": (
        "x = 1\ny = 1 / 0\n",
        ", line 2: importing it raised ZeroDivisionError: division by zero",
    ),
    "two lines": ("raise ValueError('one\\ntwo')\n", ", line 1: importing it raised ValueError: one two"),
    "a missing import": (
        "import not_there\n",
        ", line 1: importing it raised ModuleNotFoundError: No module named 'not_there'",
    ),
    "an exit": ("import sys\nsys.exit(0)\n", "it exits when it is imported"),
    "no cases": (
        NO_CASES,
        "square_forward has no cases: there is no function square_cases beside it, and the catalog has no op square",
    ),
    "no case in them": (square("[]"), "square_cases gives no case"),
    "cases that raise": (square("[1 / 0]"), ", line 15: square_cases() raised ZeroDivisionError: division by zero"),
    "cases of no known form": (
        square("[3]"),
        "case 1 of square_cases must be a tuple or a dict of arguments, (arguments, options) or an array, got int",
    ),
    "arguments that do not fit": (
        square("{'three': (1, 2, 3)}"),
        "case three of square_cases does not fit square_forward: too many positional arguments",
    ),
    "a catalog's op with other arguments": (
        NO_CASES.replace("square", "tanh").replace("scale=1.0", "y, z, scale"),
        "the arguments of tanh_forward fit none of the catalog's cases of tanh, "
        "and there is no function tanh_cases beside it",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_cannot_be_judged_is_said_in_one_line(run, write, refusal):
    text, message = REFUSED[refusal]
    name = "mine.py" if text is None else write(text)
    status, out, err = run("check", name, "tanh")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(f"refimpl: {name}")
    assert message in line


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("folder/", "refimpl: folder/: it is a folder"),
        ("folder/notes.txt", "refimpl: folder/notes.txt: it must be a Python file, whose name ends in .py"),
        ("no.such.module", "refimpl: no.such.module: there is no module of this name"),
        (
            "no_such.relu_forward",
            "refimpl: no_such.relu_forward: there is no module of this name; the op is called relu",
        ),
    ],
)
def test_what_is_no_file_and_no_module(run, write, argument, message):
    write("", "folder/notes.txt")
    assert run("check", argument) == (2, "", f"{message}\n")


def test_a_file_whose_ending_was_forgotten(run, write):
    write(square(), "cubic.py")
    status, _, err = run("check", "cubic")
    assert status == 2
    assert err.endswith("(refimpl list has all); the file is cubic.py\n")


def test_a_file_is_read_anew_and_nothing_stays_beside_it(run, write, tmp_path):
    assert run("check", write(square()))[0] == 0
    assert run("check", write(square(form="3 * grad_output * scale * x")))[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.py"]


def test_in_a_process_of_its_own(tmp_path):
    (tmp_path / "mine.py").write_text(square())
    with start("check", str(tmp_path / "mine.py")) as process:
        assert "1 op, 1 gradient, 1 case: 1 passed" in process.stdout.read()
        assert process.stderr.read() == ""
    assert process.returncode == 0
