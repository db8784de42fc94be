"""What holds for every lesson; that each makes its point is tested in a file of its own."""

import argparse
import builtins
import importlib
import os
import re

import lessons
import pytest
from command import ROOT, on_a_terminal, screen
from pages import code_blocks, headings

from refimpl.examples import _lesson, linear_regression

NAMES = pytest.mark.parametrize("name", lessons.NAMES)
SECTIONS = ["The point", "Why", "In numbers", "To try"]


@NAMES
def test_into_a_pipe_it_prints_plain_lines(name, printed):
    out = printed(name)
    assert out.strip()
    assert out.isascii()
    assert "\x1b" not in out
    assert "\r" not in out
    assert max(map(len, out.splitlines())) <= 120


@NAMES
def test_it_saves_a_plot_and_prints_the_same_again(name, printed, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    expected = printed(name)
    file = tmp_path / "plot.svg"
    importlib.import_module(f"refimpl.examples.{name}").main([*lessons.QUICK.get(name, []), "--plot", str(file)])
    assert capsys.readouterr() == (f"{expected}The plot is in {file}\n", "")
    assert len(re.findall(r'<g id="line2d_|<g id="PathCollection_|<g id="patch_', file.read_text())) > 5


@NAMES
def test_help_says_what_the_seed_is_of(name, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"refimpl.examples.{name}").main(["--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert lessons.summary(name) in out
    assert re.search(r"--seed N +of \S", out)


@NAMES
def test_it_has_a_page_and_a_test_of_its_own(name):
    page = (lessons.PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert [h.title for h in headings(page) if h.level == 2] == SECTIONS
    assert f"python -m refimpl.examples.{name}\n" in "".join(code for _, _, code in code_blocks(page))
    assert "assert" in "".join(code for language, _, code in code_blocks(page) if language == "python")
    assert (ROOT / "tests" / "examples" / f"test_{name}.py").exists()


def test_every_page_is_of_a_lesson():
    assert sorted(path.stem for path in lessons.PAGES.glob("*.md")) == lessons.NAMES


# The scaffold, by the smallest lesson.


def refused(capsys, *arguments):
    """The last line that the lesson says when it refuses its arguments, and that it says nothing else."""
    with pytest.raises(SystemExit) as ended:
        linear_regression.main(arguments)
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    return err.splitlines()[-1].removeprefix("python -m refimpl.examples.linear_regression: error: ")


def test_seeds(capsys):
    linear_regression.main(["--seed", "1"])
    one = capsys.readouterr().out
    linear_regression.main(["--seed", "1"])
    assert capsys.readouterr().out == one
    linear_regression.main([])
    assert capsys.readouterr().out != one


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_what_is_no_seed_is_refused(capsys, seed):
    expected = f"argument --seed: must be an integer of at least 0, got {seed!r}"
    assert refused(capsys, f"--seed={seed}") == expected


@pytest.mark.parametrize("count", ["0", "-1", "x", "1.5"])
def test_what_is_no_count_is_refused(count):
    with pytest.raises(argparse.ArgumentTypeError, match="must be an integer of at least 1, got"):
        _lesson.at_least_one(count)


def test_an_option_of_its_own_is_found_in_what_was_asked():
    def options(parser):
        parser.add_argument("--steps", type=_lesson.at_least_one)

    with _lesson.open_lesson("linear_regression", "", "nothing", ["--steps", "3"], options) as lesson:
        assert (lesson.asked.steps, lesson.seed) == (3, 0)


def test_plots_that_could_not_be_saved_are_refused_before_the_work(capsys, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    file = tmp_path / "plot.gif"
    assert refused(capsys, f"--plot={file}") == (f"argument --plot: must end in .png, .svg or .pdf, got {str(file)!r}")
    (tmp_path / "folder.png").mkdir()
    for name in ("nowhere/plot.png", "folder.png"):
        message = refused(capsys, f"--plot={tmp_path / name}")
        assert message.startswith("argument --plot: must be a file that can be written, got [Errno ")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_without_matplotlib_the_extra_is_named(capsys, tmp_path, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_lesson.importlib, "import_module", missing)
    assert refused(capsys, f"--plot={tmp_path / 'plot.png'}") == (
        "argument --plot: needs matplotlib, which the extra `plots` brings: pip install '.[plots]'"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(SystemExit) as ended:
        _lesson.needed("there_is_no_such_module", "scikit-learn", "examples")
    assert ended.value.code == ("scikit-learn is needed, which the extra `examples` brings: pip install '.[examples]'")
    assert _lesson.needed("builtins", "Python", "none") is builtins


@pytest.mark.parametrize("suffix", _lesson.FORMATS)
def test_the_same_seed_gives_the_same_file(suffix, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    file = tmp_path / f"plot{suffix}"
    file.write_text("what was there before")
    linear_regression.main(["--plot", str(file)])
    first = file.read_bytes()
    linear_regression.main(["--plot", str(file)])
    assert file.read_bytes() == first
    assert first.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix])


def test_a_plot_that_fails_leaves_the_old_file(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    file = tmp_path / "plot.png"
    file.write_text("what was there before")

    def fail(figure):
        raise RuntimeError("in the middle")

    with (
        pytest.raises(RuntimeError, match="in the middle"),
        _lesson.open_lesson("linear_regression", "", "nothing", ["--plot", str(file)]) as lesson,
    ):
        lesson.plot(fail)
    assert file.read_text() == "what was there before"


def test_tables_are_aligned(capsys):
    with _lesson.open_lesson("linear_regression", "", "nothing", []) as lesson:
        lesson.table(("loss", "recall", "error"), [("cross entropy", "0.5", "12.25"), ("focal", "0.875", "3")])
    assert capsys.readouterr().out == (
        "loss           recall  error\ncross entropy     0.5  12.25\nfocal           0.875      3\n"
    )


def test_an_interrupt_ends_quietly(capsys):
    with pytest.raises(SystemExit) as ended, _lesson.open_lesson("linear_regression", "", "nothing", []):
        raise KeyboardInterrupt
    assert (ended.value.code, *capsys.readouterr()) == (130, "", "linear_regression: interrupted\n")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals")
def test_a_terminal_shows_progress_and_keeps_the_same_lines(printed):
    pytest.importorskip("rich")
    written = on_a_terminal(module="refimpl.examples.linear_regression")
    assert "1000/1000" in written
    assert screen(written) == printed("linear_regression").splitlines()
