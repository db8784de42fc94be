"""The command's names, options and helps, and what it says of those that do not exist."""

import configparser
import importlib
import json
import re

import pytest
from command import ROOT

from refimpl.catalog import OPS
from refimpl.cli import machine, main, selection


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
def test_an_unknown_name_gets_the_nearest(run, monkeypatch, arguments, message):
    few = ("relu", "sigmoid", "linear", "log_softmax", "softmax", "cross_entropy")
    monkeypatch.setattr(selection, "OPS", {name: OPS[name] for name in few})
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
