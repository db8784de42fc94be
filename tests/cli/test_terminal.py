"""The command's output on terminals and into pipes, and how it ends when it is stopped."""

import io
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from command import ROOT, on_a_terminal, screen, start, without_figures

from refimpl.cases import CASES
from refimpl.cli.screen import Screen
from refimpl.gradcheck import catalog_check

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals, pipes or terminals")


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
    time.sleep(0.2)  # the workers are starting: the moment when an interrupt would make them speak
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "refimpl: interrupted\n")


@posix
def test_a_reader_that_leaves_ends_the_command_quietly():
    # So little, and buffered, that it is not written before the end.
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = start("list", "relu", "--json", env=buffered)
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


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_progress_line_leaves_no_trace(monkeypatch):
    both = Terminal()
    monkeypatch.setattr(sys, "stdout", both)
    monkeypatch.setattr(sys, "stderr", both)
    plain = Screen()
    with plain.progress(3) as advance:
        advance("a long name")
        advance("short")
        assert screen(both.getvalue()) == ["2/3 short"]
        plain.line(("row", "name"))
        assert screen(both.getvalue()) == ["row"]
        advance("last")
        assert screen(both.getvalue()) == ["row", "3/3 last"]
    assert screen(both.getvalue()) == ["row"]


@posix
def test_a_terminal_with_rich_shows_the_same_rows_in_colour(run):
    pytest.importorskip("rich")
    plain = without_figures(run("check", "relu")[1]).splitlines()
    written = on_a_terminal("check", "relu")
    assert list(map(without_figures, screen(written))) == plain
    assert "\x1b[36mrelu" in written
    assert "\x1b[32mpass" in written
    assert f"{len(CASES['relu'])}/{len(CASES['relu'])}" in written


@posix
def test_no_color_is_respected():
    pytest.importorskip("rich")
    written = on_a_terminal("list", "relu", NO_COLOR="1")
    assert re.findall(r"\x1b\[(?:[0-9]+;)*[349][0-9](?:;[0-9]+)*m", written) == []
    assert screen(written)[1].startswith("relu  layers")


@posix
def test_a_terminal_without_rich_shows_plain_rows_and_a_progress_line(run, tmp_path):
    (tmp_path / "rich").mkdir()
    (tmp_path / "rich" / "__init__.py").write_text("raise ImportError('not here')")
    plain = without_figures(run("check", "relu")[1]).splitlines()
    written = on_a_terminal("check", "relu", PYTHONPATH=str(tmp_path))
    assert list(map(without_figures, screen(written))) == plain
    assert "\x1b" not in written
    second = CASES["relu"][1].name
    assert f"\r2/{len(CASES['relu'])} relu: {second}" in written
