"""`refimpl export`: what it says, and that it writes all or nothing."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from command import ROOT
from vector_folders import contents, index_of

from refimpl import vectors
from refimpl.cases import CASES, case
from refimpl.cli import export as command
from refimpl.cli import screen


@pytest.fixture(autouse=True)
def small(plant):
    plant("relu", cases=[case("some", input=np.array([1.0, -2.0]))])


def test_export_writes_the_ops_named_and_says_so_in_a_line(run, tmp_path):
    folder = tmp_path / "out"
    status, out, err = run("export", str(folder), "relu", "logsig*")
    assert (status, err) == (0, "")
    cases = 1 + len(CASES["logsigmoid"])
    assert re.fullmatch(rf"2 ops, {cases} cases, {8 * cases} arrays, \d+\.\d kB in \d+\.\d s: {folder}\n", out)
    assert [op["name"] for op in index_of(folder)["ops"]] == ["logsigmoid", "relu"]
    assert sorted(contents(folder)) == ["index.json", "logsigmoid.npz", "relu.npz", "schema.json"]


def test_one_of_each_is_said_so(run, tmp_path):
    assert run("export", str(tmp_path / "out"), "relu")[1].startswith("1 op, 1 case, 8 arrays, ")


def test_a_size_is_said_in_kilobytes_or_megabytes():
    assert [command._size(count) for count in (1_250, 999_949, 10_610_870)] == ["1.2 kB", "999.9 kB", "10.6 MB"]


def test_export_as_json_has_the_documented_fields(run, tmp_path):
    folder = tmp_path / "out"
    status, out, _ = run("export", str(folder), "relu", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer.pop("seconds") >= 0
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert answer == {"directory": str(folder), "ops": 1, "cases": 1, "arrays": 8, "bytes": size}


def test_another_process_writes_the_same_bytes(tmp_path):
    """Without the changes that this process has made to the catalog: the orders of sets and dicts are others there."""
    for name, seed in (("first", "1"), ("second", "2")):
        arguments = [sys.executable, "-m", "refimpl", "export", str(tmp_path / name), "dropout", "linear"]
        subprocess.run(arguments, check=True, cwd=ROOT, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed})
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_progress_counts_every_case(run, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(screen.Screen, "_draw", lambda self, text: drawn.append(text))
    run("export", str(tmp_path / "out"), "relu", "logsigmoid")
    total = 1 + len(CASES["logsigmoid"])
    assert [text for text in drawn if text][-1] == f"{total}/{total} relu: some"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("out", "relu", "qqq"), "no op is called 'qqq' (refimpl list has all)"),
        (("out", "x*y"), "no op matches 'x*y' (refimpl list has all)"),
        (("no/out", "relu"), "{}/no is no folder to make out in"),
        (("mine", "relu"), "{}/mine is there already, is not empty and is no export that could be replaced"),
        (("mine/file", "relu"), "{}/mine/file is there already, and is no folder"),
        (("mine/file/out", "relu"), "{}/mine/file is no folder to make out in"),
    ],
)
def test_bad_input_is_a_line_and_leaves_everything_as_it_was(run, tmp_path, monkeypatch, arguments, message):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    before = contents(tmp_path)
    assert run("export", *arguments) == (2, "", f"refimpl: {message.format(tmp_path)}\n")
    assert contents(tmp_path) == before


def test_a_full_disc_is_said_and_leaves_nothing(run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vectors._export, "write_arrays", full)
    monkeypatch.setattr("refimpl.cli.abandon_output", lambda: None)
    status, out, err = run("export", str(tmp_path / "out"), "relu")
    assert (status, out) == (1, "")
    assert err == "refimpl: the output cannot be written: [Errno 28] No space left on device\n"
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing(run, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(vectors._export, "write_index", interrupted)
    assert run("export", str(tmp_path / "out"), "relu") == (130, "", "refimpl: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_help_names_the_files_and_the_json_fields(run, tmp_path):
    status, out, _ = run("export", "--help")
    assert status == 0
    run("export", str(tmp_path / "out"), "relu")
    for name in ("index.json", "schema.json", "NAME.npz", "results/"):
        assert f"\n  {name} " in out
    answer = json.loads(run("export", str(tmp_path / "out"), "relu", "--json")[1])
    assert all(f'"{key}"' in out for key in answer)
