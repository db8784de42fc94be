"""What a failed check shows of a wrong gradient: a map on a terminal, and a drawing with --plot."""

import builtins
import re

import numpy as np
import pytest
from command import backward_with, numbered

from refimpl.cases import case
from refimpl.cli import error_map
from refimpl.cli.screen import Screen
from refimpl.gradcheck import gradcheck
from refimpl.gradcheck.report import ArgumentReport


def report_of(analytic, numeric, wrong=None):
    wrong = analytic != numeric if wrong is None else wrong
    return ArgumentReport(
        "x", numeric.shape, "fail", 1.0, (), "every element", analytic=analytic, numeric=numeric, wrong=wrong
    )


def lines(report):
    return ["".join(text for text, _ in pieces) for pieces in error_map.error_map(report)]


@pytest.fixture
def shades(monkeypatch):
    monkeypatch.setattr(error_map, "_characters", lambda: (error_map.SHADES, error_map.RIGHT))


def test_a_matrix_is_shown_as_it_lies(shades):
    numeric = np.ones((2, 4))
    analytic = numeric + np.array([[0.0, 0.1, 0.3, 1.0], [0.0, 0.0, 0.0, 0.6]])
    assert lines(report_of(analytic, numeric)) == [
        "· right, ░ to █ wrong by up to 0.5 of the largest entry",
        "·░▒█",
        "···▓",
    ]


def test_a_vector_is_one_row_and_what_is_not_known_blank(shades):
    numeric = np.array([1.0, np.nan, 3.0])
    assert lines(report_of(np.array([1.0, 2.0, -3.0]), numeric, np.array([False, False, True]))) == [
        "· right, ░ to █ wrong by up to 2 of the largest entry, blank not compared",
        "· █",
    ]


def test_of_more_axes_the_slices_that_are_worst(shades):
    numeric = np.ones((2, 3, 2, 2))
    analytic = numeric.copy()
    analytic[1, 2, 0] = 2
    analytic[0, 1, 1, 1] = 2
    assert lines(report_of(analytic, numeric))[1:] == ["x[0, 1, :, :]", "··", "·█", "x[1, 2, :, :]", "██", "··"]


def test_a_large_array_is_shown_by_the_worst_of_each_block(shades):
    numeric = np.ones((40, 300))
    analytic = numeric.copy()
    analytic[39, 0] = np.inf
    shown = lines(report_of(analytic, numeric))[1:]
    assert [len(line) for line in shown] == [error_map.COLUMNS] * error_map.ROWS
    assert [line.count("█") for line in shown] == [0] * 11 + [1]
    assert shown[-1][0] == "█"


def test_nothing_is_shown_of_a_wrong_shape_or_a_single_number():
    assert lines(report_of(np.ones(3), np.ones((2, 3)), np.ones((2, 3), dtype=bool))) == []
    assert lines(report_of(np.array(2.0), np.array(1.0))) == []
    assert lines(gradcheck(lambda x: (x**2, x), lambda g, x: 2 * g * x, np.ones(3))["x"]) == []


def broken(plant):
    def wrong(gradients):
        gradients["weight"][1, 2] += 1

    plant("linear", backward=backward_with("linear", wrong), cases=numbered(2))


def test_a_terminal_shows_the_map_and_a_pipe_does_not(run, plant, monkeypatch):
    broken(plant)
    piped = run("check", "linear")[1]
    monkeypatch.setattr(Screen, "terminal", True)
    shown = run("check", "linear")[1].splitlines()
    assert [line for line in shown if line not in piped.splitlines()][:2] != []
    where = next(i for i, line in enumerate(shown) if "right, " in line)
    assert re.fullmatch(r" {10}. right, . to . wrong by up to \S+ of the largest entry", shown[where])
    assert [re.sub(r"[^ .·]", "X", line.strip()).replace("·", ".") for line in shown[where + 1 : where + 3]] == [
        "....",
        "..X.",
    ]
    assert len(shown) == len(piped.splitlines()) + 3


def test_plot_draws_what_is_wrong(run, plant, tmp_path):
    pytest.importorskip("matplotlib")
    broken(plant)
    for suffix, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        picture = tmp_path / f"wrong{suffix}"
        status, out, err = run("check", "linear", "--plot", str(picture))
        assert (status, err) == (1, f"refimpl: {picture} shows 1\n")
        assert picture.read_bytes().startswith(magic)
        assert "linear" in out


def test_plot_of_several_axes(run, plant, tmp_path):
    pytest.importorskip("matplotlib")

    def wrong(gradients):
        gradients["input"] *= 2

    given = [case("cube", input=np.ones((2, 3, 4))), case("a vector", input=np.ones(3))]
    plant("tanh", backward=backward_with("tanh", wrong), cases=given)
    assert run("check", "tanh", "--plot", str(tmp_path / "wrong.png"))[0] == 1
    assert (tmp_path / "wrong.png").exists()


def test_plot_writes_nothing_where_all_is_right(run, plant, tmp_path):
    pytest.importorskip("matplotlib")
    plant("tanh", cases=[case("ones", input=np.ones(3))])
    status, _, err = run("check", "tanh", "--plot", str(tmp_path / "wrong.png"))
    assert (status, err) == (0, "refimpl: nothing to draw\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("wrong.bmp", "--plot: the name must end in .png, .svg, .pdf, got {file}"),
        ("wrong", "--plot: the name must end in .png, .svg, .pdf, got {file}"),
        ("missing/wrong.png", "--plot: there is no folder {folder}"),
    ],
)
def test_plot_refuses_before_any_work(run, tmp_path, file, message):
    path = tmp_path / file
    said = message.format(file=path, folder=path.parent)
    assert run("check", "--plot", str(path)) == (2, "", f"refimpl: {said}\n")


def test_plot_without_matplotlib_is_said_before_any_work(run, tmp_path, monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    expected = "refimpl: --plot needs matplotlib: pip install 'refimpl[plots]'\n"
    assert run("check", "--plot", str(tmp_path / "wrong.png")) == (2, "", expected)
