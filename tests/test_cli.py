"""The command `refimpl`: what it prints, and with which exit status it ends."""

import configparser
import dataclasses
import importlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refimpl.cases import CASES, case
from refimpl.catalog import OPS
from refimpl.cli import machine, main, show
from refimpl.gradcheck import catalog_check

ROOT = Path(__file__).parent.parent
ORIGINAL = dict(OPS)
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals, pipes or terminals")


@pytest.fixture
def plant(monkeypatch):
    """Changes an op's row in the catalog, and its cases, for the time of a test."""

    def change(name, cases=None, **row):
        monkeypatch.setitem(OPS, name, dataclasses.replace(OPS[name], **row))
        monkeypatch.setitem(CASES, name, tuple(CASES[name] if cases is None else cases))

    return change


@pytest.fixture
def run(capsys):
    """Runs the command in this process: exit status, stdout, stderr."""

    def call(*arguments):
        try:
            status = main(arguments)
        except SystemExit as ended:
            status = ended.code
        return status, *capsys.readouterr()

    return call


def start(*arguments, **options):
    """The command in a process of its own, from the tree's root."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "refimpl", *arguments], cwd=ROOT, **(streams | options))


def without_figures(text):
    """Differences and seconds vary with the machine; everything else must not."""
    return re.sub(r"\b\d\.\de-\d\d\b", "<1e-8  ", re.sub(r"in \d+\.\d s", "in * s", text))


def backward_with(name, change):
    """The op's backward, with change(gradients) made to what it returns."""

    def backward(grad_output, cache):
        gradients = {key: gradient.copy() for key, gradient in ORIGINAL[name].backward(grad_output, cache).items()}
        change(gradients)
        return gradients

    return backward


def one_wrong_element(gradients):
    if gradients["input"].ndim == 2 and gradients["input"].size:
        gradients["input"][1, 2] *= 1.001


# list


def test_list_shows_a_row_per_op(run):
    expected = """\
op      kind    differentiable       PyTorch                     derivation
relu    layers  input                torch.nn.functional.relu    activations.md#relu
linear  layers  input, weight, bias  torch.nn.functional.linear  linear.md#linear
"""
    assert run("list", "lin*", "relu", "r?lu") == (0, expected, "")


def test_list_without_a_pattern_has_every_op_in_the_catalogs_order(run):
    status, out, _ = run("list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["op", *OPS]


def test_list_says_that_pytorch_lacks_an_op(run, plant):
    plant("tanh", torch=None)
    assert run("list", "tanh")[1].splitlines()[1] == "tanh  layers  input           -        activations.md#tanh"


def test_list_as_json(run):
    status, out, _ = run("list", "l1_loss", "--json")
    assert status == 0
    assert json.loads(out) == {
        "ops": [
            {
                "name": "l1_loss",
                "kind": "losses",
                "family": "regression",
                "differentiable": ["input", "target", "weight"],
                "constant": ["reduction"],
                "torch": "torch.nn.functional.l1_loss",
                "derivation": "regression.md#l1_loss",
                "kinks": "input = target",
                "departs": "",
            }
        ]
    }


# show


def test_show_is_a_page_on_the_pair(run):
    expected = """\
mse_loss  (losses, torch.nn.functional.mse_loss)
  The squared error, its mean or its sum.

Calls
  output, cache = mse_loss_forward(input, target, reduction='mean', weight=None)
  grads = mse_loss_backward(grad_output, cache)

Formula
  l_i = w_i (x_i - t_i)^2
  none: l;  sum: sum_i l_i;  mean: sum_i l_i / sum_i w_i, which without a weight is the mean

Gradients
  grad_x_i = g_i 2 w_i (x_i - t_i), grad_t = -grad_x, grad_w_i = g_i (x_i - t_i)^2;
  under mean g_i = g / sum(w), and grad_w_i = g_i ((x_i - t_i)^2 - L).

Arguments
  differentiable: input, target, weight
  constant: reduction

Shapes
  input any, target and weight the same; output the same (none) or ().

Raises
  TypeError where an array is not floating; ValueError where shapes differ or the reduction is
  unknown.

Extremes
  a residual above 1.3e154 overflows when squared; the mean of nothing is NaN.

Source
  torch.nn.functional.mse_loss.

Derivation
  derivations/regression.md#mse_loss

Cases
  11, which --json names
"""
    assert run("show", "mse_loss") == (0, expected, "")


def test_show_as_json_has_every_part_as_a_field(run):
    status, out, _ = run("show", "relu", "--json")
    assert status == 0
    assert json.loads(out) == {
        "name": "relu",
        "kind": "layers",
        "torch": "torch.nn.functional.relu",
        "sentence": "The rectifier.",
        "forward": "relu_forward(input)",
        "backward": "relu_backward(grad_output, cache)",
        "formula": "y = max(x, 0)",
        "gradients": "grad_x = g where x > 0, else 0; at the kink x = 0 it is 0.",
        "shapes": "input any, output the same.",
        "raises": "TypeError where input is not floating.",
        "extremes": "exact; NaN stays NaN.",
        "source": "torch.nn.functional.relu.",
        "differentiable": ["input"],
        "constant": [],
        "kinks": "input = 0",
        "departs": "",
        "departing_cases": [],
        "cases": ["both signs", "at the kink", "a single number", "no elements"],
        "derivation": "derivations/activations.md#relu",
    }


def test_every_op_has_every_part(run):
    for name, op in OPS.items():
        facts = show.describe(op)
        parts = ("sentence", "formula", "gradients", "shapes", "raises", "extremes", "source")
        missing = [part for part in parts if not facts[part]]
        assert not missing, f"{name} lacks {missing}"
        assert not re.search(r"\b(Shapes|Raises|Extremes|Source|Derived):", " ".join(facts[p] for p in parts)), name


def test_show_says_where_the_gradient_is_not_the_derivative(run, plant):
    plant("tanh", cases=[case("far out", departs="straight through", input=np.ones(2))], departs="beyond 1")
    assert "\nNot the derivative\n  beyond 1\n  case 'far out': straight through\n" in run("show", "tanh")[1]
    assert json.loads(run("show", "tanh", "--json")[1])["departing_cases"] == [
        {"case": "far out", "departs": "straight through"}
    ]


def test_greek_letters_survive_a_terminal_without_them(plant, monkeypatch):
    def tanh_forward(input):
        """The tangent.

        y = tanh(λ)
        """

    bytes_out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_out, encoding="ascii"))
    tanh_forward.__module__ = ORIGINAL["tanh"].forward.__module__
    plant("tanh", forward=tanh_forward)
    assert main(["show", "tanh"]) == 0
    assert b"\nFormula\n  y = tanh(\\u03bb)\n" in bytes_out.getvalue()


# check


def test_check_shows_a_row_per_op_and_argument(run):
    expected = """\
op      argument  cases  largest difference  verdict
relu    input         4             <1e-8    pass
linear  input         9             <1e-8    pass
linear  weight        9             <1e-8    pass
linear  bias          7             <1e-8    pass
2 ops, 4 gradients, 13 cases: 4 passed, 0 failed, 0 inconclusive in * s
"""
    status, out, err = run("check", "linear", "relu")
    assert (status, without_figures(out), err) == (0, expected, "")


def test_check_as_json_has_the_documented_fields(run):
    status, out, _ = run("check", "relu", "linear", "--json")
    answer = json.loads(out)
    summary, (relu, linear) = answer["summary"], answer["ops"]
    assert status == 0
    assert summary.pop("seconds") > 0
    assert summary == {
        "verdict": "pass",
        "ops": 2,
        "gradients": 4,
        "cases": 13,
        "passed": 4,
        "failed": 0,
        "inconclusive": 0,
        "departing_cases": 0,
    }
    assert [argument["name"] for argument in linear["arguments"]] == ["input", "weight", "bias"]
    assert relu.pop("seconds") > 0
    assert 0 < relu["arguments"][0].pop("difference") < 1e-8
    assert relu == {
        "name": "relu",
        "verdict": "pass",
        "cases": 4,
        "departing_cases": 0,
        "arguments": [{"name": "input", "cases": 4, "verdict": "pass"}],
        "findings": [],
    }


ELEMENT = r"analytic (\S+), numeric (\S+) \+- (\S+)"


def test_a_wrong_gradient_names_case_element_and_both_values(run, plant):
    plant("relu", backward=backward_with("relu", one_wrong_element))
    status, out, _ = run("check", "relu", "tanh")
    lines = out.splitlines()
    assert status == 1
    assert re.fullmatch(r"relu  input         4             1\.0e-03  fail", lines[1])
    found = re.fullmatch(rf"    fail  case 'both signs': input\[1, 2\] {ELEMENT}", lines[2])
    analytic, numeric, error = map(float, found.groups())
    assert analytic / numeric == pytest.approx(1.001, abs=1e-8)
    assert error < 1e-6
    assert re.fullmatch(r"tanh  input         4             \d\.\de-\d\d  pass", lines[3])
    assert lines[4].startswith("2 ops, 2 gradients, 8 cases: 1 passed, 1 failed, 0 inconclusive in ")


def test_a_wrong_gradient_as_json(run, plant):
    plant("relu", backward=backward_with("relu", one_wrong_element))
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
    assert finding == {"case": "both signs", "argument": "input", "verdict": "fail"}
    assert element["index"] == [1, 2]
    assert element["analytic"] / element["numeric"] == pytest.approx(1.001, abs=1e-8)
    assert set(element) == {"index", "analytic", "numeric", "error", "verdict", "note"}


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
    plant("linear", backward=backward_with("linear", lambda gradients: gradients.pop("bias", None)))
    status, out, _ = run("check", "linear", "softmax")
    rule = "backward must return a gradient of every argument in wrt, got none of bias"
    assert status == 1
    assert out.splitlines()[3] == "linear   bias          7                   -  fail"
    assert f"    fail  case 'unequal extents': ValueError: gradcheck: {rule} " in out
    assert "    4 more: fail; --json has all\n" in out
    assert re.search(r"^softmax  input +14 +\S+  pass$", out, re.MULTILINE)
    assert "2 ops, 4 gradients, 23 cases: 1 passed, 3 failed, 0 inconclusive in " in out


def test_an_exception_names_its_case_and_the_next_op_is_judged(run, plant):
    def broken(input):
        return [][input.ndim]

    broken.__module__ = ORIGINAL["relu"].forward.__module__
    plant("relu", forward=broken)
    status, out, _ = run("check", "relu", "tanh")
    assert status == 1
    assert out.splitlines()[1:4] == [
        "relu  input         4                   -  fail",
        "    fail  case 'both signs': IndexError: list index out of range",
        "    fail  case 'at the kink': IndexError: list index out of range",
    ]
    assert re.search(r"^tanh  input +4 +\S+  pass$", out, re.MULTILINE)


def test_a_broken_promise_is_a_failure_though_the_gradient_is_right(run, plant):
    def writing(grad_output, cache):
        gradients = ORIGINAL["tanh"].backward(grad_output, cache)
        grad_output *= 2
        return gradients

    plant("tanh", cases=[CASES["tanh"][0]], backward=writing)
    status, out, _ = run("check", "tanh")
    assert status == 1
    assert re.fullmatch(r"tanh  input         1             \d\.\de-\d\d  fail", out.splitlines()[1])
    assert "    fail  case 'both signs': backward writes to grad_output\n" in out


def test_failures_are_shown_from_three_cases_and_the_rest_counted(run, plant):
    def doubled(gradients):
        gradients["target"] *= 2

    plant("mse_loss", backward=backward_with("mse_loss", doubled))
    out = run("check", "mse_loss")[1].splitlines()
    shown = [line for line in out if line.startswith("    fail  case ")]
    assert [re.search("'(.*)'", line)[1] for line in shown] == ["mean", "sum", "none"]
    assert "    5 more of target: fail; --json has all" in out
    findings = json.loads(run("check", "mse_loss", "--json")[1])["ops"][0]["findings"]
    assert [finding["case"] for finding in findings] == [
        *("mean", "sum", "none", "weighted mean", "weighted sum", "weighted none"),
        *("a weight of zero", "a single number"),
    ]


def test_a_large_array_with_a_wrong_element_names_it(run, plant):
    def wrong(gradients):
        gradients["input"][3, 7] += 1

    large = np.random.default_rng(0).uniform(0.1, 1, (50, 60))
    plant("relu", cases=[case("large", input=large)], elementwise=False, backward=backward_with("relu", wrong))
    status, out, _ = run("check", "relu")
    assert status == 1
    assert "    fail  case 'large': input[3, 7] analytic " in out


def test_cases_that_depart_are_counted_and_not_judged(run, plant):
    plant("tanh", cases=[*CASES["tanh"], case("far out", departs="straight through", input=np.ones(2))])
    status, out, _ = run("check", "tanh")
    assert status == 0
    assert "1 op, 1 gradient, 4 cases: 1 passed, 0 failed, 0 inconclusive in " in out
    last = "1 case where the gradient is by convention not the derivative (tanh): see refimpl show"
    assert out.splitlines()[-1] == last
    summary = json.loads(run("check", "tanh", "--json")[1])["summary"]
    assert (summary["cases"], summary["departing_cases"]) == (4, 1)


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
    names = ["tanh", "linear", "relu"]
    alone, shared = (list(catalog_check.check_catalog(names, jobs)) for jobs in (1, 2))
    assert [result.name for result in shared] == names
    assert [result.arguments for result in shared] == [result.arguments for result in alone]


# names and options that do not exist


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "sofmax"), "no op is called 'sofmax'; nearest: softmax, log_softmax"),
        (("show", "CrossEntropyLoss"), "no op is called 'CrossEntropyLoss'; nearest: cross_entropy"),
        (("list", "torch.nn.functional.sigmoid"), "no op is called 'torch.nn.functional.sigmoid'; nearest: sigmoid"),
        (("show", "linear_forward"), "no op is called 'linear_forward'; nearest: linear"),
        (("list", "relu", "sigmod*"), "no op matches 'sigmod*'; nearest: sigmoid"),
        (("check", "qqq", "--json"), "no op is called 'qqq'"),
        (("show", "sigmoi*"), "no op is called 'sigmoi*'; nearest: sigmoid"),
    ],
)
def test_an_unknown_name_gets_the_nearest(run, arguments, message):
    assert run(*arguments) == (2, "", f"refimpl: {message} (refimpl list has all)\n")


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5"])
def test_jobs_must_be_a_number_from_1_on(run, jobs):
    status, out, err = run("check", "relu", f"--jobs={jobs}")
    assert (status, out) == (2, "")
    assert err.endswith(f"error: argument --jobs: must be a number from 1 on, got '{jobs}'\n")


def test_without_a_command_the_help_goes_to_stderr(run):
    status, out, err = run()
    assert (status, out) == (2, "")
    assert err == run("--help")[1]


@pytest.mark.parametrize("command", ["list", "check", "show"])
def test_help_has_examples_and_the_json_fields(run, command):
    status, out, _ = run(command, "--help")
    assert status == 0
    assert out.startswith(f"usage: refimpl {command} ")
    assert f"\nexamples:\n  refimpl {command} " in out
    answer = json.loads(run(command, "relu", "--json")[1])
    described = out[out.index("examples:") :]

    def keys(value):
        for entry in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            yield from keys(entry)
        yield from value if isinstance(value, dict) else ()

    assert [key for key in keys(answer) if not re.search(rf"\b{key}\b", described)] == []


def test_version(run, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"refimpl": "1.2.3"}.__getitem__)
    assert run("--version") == (0, "refimpl 1.2.3\n", "")

    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert run("--version") == (0, "refimpl of unknown version: run from its files, not installed\n", "")


def test_the_console_script_is_main():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    (script,) = setup["options.entry_points"]["console_scripts"].split("\n")[1:]
    name, _, target = script.partition(" = ")
    module, _, function = target.partition(":")
    assert name == "refimpl"
    assert getattr(importlib.import_module(module), function) is main


def test_json_has_no_number_that_json_lacks(capsys):
    machine.print_json({"a": [float("nan"), float("inf"), (-float("inf"), 1.5)]})
    assert json.loads(capsys.readouterr().out) == {"a": ["NaN", "Infinity", ["-Infinity", 1.5]]}


# interrupts, pipes and terminals


def test_an_interrupt_ends_with_130_and_a_line(run, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog_check, "gradcheck", interrupted)
    status, out, err = run("check", "relu")
    assert (status, err) == (130, "refimpl: interrupted\n")
    assert out == "op    argument  cases  largest difference  verdict\n"


@posix
def test_an_interrupt_of_shared_work_ends_as_quietly():
    process = start("check", "--jobs", "2", start_new_session=True)
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, which are starting, as well
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "refimpl: interrupted\n")


@posix
def test_a_reader_that_leaves_ends_the_command_quietly():
    process = start("list")
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_said():
    with open("/dev/full", "w") as full, start("list", stdout=full) as process:
        assert process.stderr.read() == "refimpl: the output cannot be written: [Errno 28] No space left on device\n"
    assert process.returncode == 1


def test_into_a_pipe_the_rows_are_plain_and_rich_is_not_loaded(run):
    code = "import sys; from refimpl.cli import main; main(['check', 'relu']); sys.exit('rich' in sys.modules)"
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, cwd=ROOT, timeout=30, env=os.environ | {"FORCE_COLOR": "1"},
    )  # fmt: skip
    assert (process.returncode, process.stderr) == (0, "")
    assert without_figures(process.stdout) == without_figures(run("check", "relu")[1])


def on_a_terminal(*arguments, **environment):
    """What the command writes to a terminal, stdout and stderr together."""
    import pty  # not on every system

    mine, theirs = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TERM")}
    env = plain | {"TERM": "xterm-256color", "COLUMNS": "100"} | environment
    with start(*arguments, stdout=theirs, stderr=theirs, env=env) as process:
        os.close(theirs)
        written = b""
        while chunk := _read(mine):
            written += chunk
        os.close(mine)
    assert process.returncode == 0
    return written.decode()


def _read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""


def rows(written):
    """The lines that stay on the screen: without escape codes, and without what a return goes back over."""
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written).replace("\r\n", "\n").split("\n")
    return [last for line in lines if (last := line.rpartition("\r")[2].strip())]


@posix
def test_a_terminal_with_rich_shows_the_same_rows_in_colour(run):
    pytest.importorskip("rich")
    plain = without_figures(run("check", "relu")[1]).splitlines()
    written = on_a_terminal("check", "relu")
    assert [line for line in map(without_figures, rows(written)) if "━" not in line] == plain
    assert "\x1b[36mrelu" in written
    assert "\x1b[32mpass" in written
    assert "4/4" in written


@posix
def test_no_color_is_respected():
    pytest.importorskip("rich")
    written = on_a_terminal("list", "relu", NO_COLOR="1")
    assert re.findall(r"\x1b\[(?:[0-9]+;)*[349][0-9](?:;[0-9]+)*m", written) == []
    assert rows(written)[1].startswith("relu  layers")


@posix
def test_a_terminal_without_rich_shows_plain_rows_and_a_progress_line(run, tmp_path):
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text("raise ImportError('not here')")
    plain = without_figures(run("check", "relu")[1]).splitlines()
    written = on_a_terminal("check", "relu", PYTHONPATH=str(tmp_path))
    assert list(map(without_figures, rows(written))) == plain
    assert "\x1b" not in written
    assert "\r2/4 relu: at the kink" in written
