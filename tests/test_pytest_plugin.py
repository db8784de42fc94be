"""The pytest plugin: the fixture, failures that read well, and nothing that is loaded where it is not used."""

import configparser
import os
import re

import pytest
from command import ROOT

import pytest_refimpl
import refimpl

pytest_plugins = ["pytester"]

PAIR = """
import numpy as np


def cube_forward(input):
    return input**3, input


def cube_backward(grad_output, input):
    return {"input": grad_output * FACTOR * input**2}

"""
RIGHT, WRONG = PAIR.replace("FACTOR", "3"), PAIR.replace("FACTOR", "2")


@pytest.fixture
def elsewhere(pytester, monkeypatch):
    """A user's project in a folder of its own, where refimpl can be imported and no entry point is looked for."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


@pytest.fixture
def installed(elsewhere, monkeypatch):
    """And where the entry point that setup.cfg names is installed."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    folder = elsewhere.mkdir("installed") / "pluginof-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: pluginof\nVersion: 1\n")
    points = setup["options.entry_points"]["pytest11"]
    (folder / "entry_points.txt").write_text(f"[pytest11]{points}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder.parent), str(ROOT)]))
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    return elsewhere


def run(project, *arguments):
    """In a process of its own."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def here(project):
    """In this process, which has refimpl already."""
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "pytest_refimpl")


@pytest.mark.parametrize("named", [False, True], ids=["installed alone", "installed and named"])
def test_fixture_judges_and_returns_the_report(installed, named):
    installed.makepyfile(
        RIGHT + "def test_cube(gradcheck):\n"
        "    assert gradcheck(cube_forward, cube_backward, np.array([1.0, -2.0])).difference < 1e-10\n"
    )
    run(installed, *["-p", "pytest_refimpl"] * named).assert_outcomes(passed=1)


def test_without_an_installed_entry_point(elsewhere):
    elsewhere.makepyfile(RIGHT + "def test_cube(gradcheck):\n    gradcheck(cube_forward, cube_backward, np.ones(2))\n")
    run(elsewhere, "-p", "pytest_refimpl").assert_outcomes(passed=1)


FAILURE = """
    def test_cube({fixture}):
>       {call}(cube_forward, cube_backward, np.array([1.0, -2.0]))
E       AssertionError: gradcheck of cube_forward: fail
E         argument  difference  verdict
E         input        3.3e-01  fail
E           input[[]1] analytic -*, numeric -*
E           input[[]0] analytic 0.*, numeric 0.*
E           diagnosis: factor: 0.666666667 times the derivative, in every element

test_failure.py:*: AssertionError
"""


@pytest.mark.parametrize(
    ("fixture", "call"), [("gradcheck", "gradcheck"), ("", "assert_gradients")], ids=["fixture", "function"]
)
def test_failure_is_the_report_at_the_line_of_the_test(elsewhere, fixture, call):
    elsewhere.makepyfile(
        test_failure=WRONG + "from refimpl import assert_gradients\n\n\n"
        f"def test_cube({fixture}):\n    {call}(cube_forward, cube_backward, np.array([1.0, -2.0]))\n"
    )
    result = here(elsewhere)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(FAILURE.format(fixture=fixture, call=call).strip("\n").splitlines(), consecutive=True)


def test_readme_shows_what_a_failure_looks_like(elsewhere):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    files = dict(re.findall(r"^```python (\S+)\.py\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    elsewhere.makepyfile(mine=files["mine"], test_mine=files["test_mine"])
    shown = re.search(r"^```text pytest\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[1]
    # the last digits of the finite differences and their error estimates vary with the machine
    shown = re.sub(r"(numeric -?\d\.\d{6})\d+ \+- \S+", r"\1*", shown.replace("[", "[[]"))
    here(elsewhere).stdout.fnmatch_lines([line for line in shown.splitlines() if line.strip()])


def test_misuse_is_shown_at_the_line_of_the_test(elsewhere):
    elsewhere.makepyfile(
        test_misuse=RIGHT + "def test_cube(gradcheck):\n    gradcheck(cube_forward, cube_backward, 3)\n"
    )
    result = here(elsewhere)
    result.stdout.fnmatch_lines(
        [
            ">       gradcheck(cube_forward, cube_backward, 3)",
            "E       TypeError: gradcheck: cube_forward must be given*",
        ],
        consecutive=True,
    )
    result.stdout.no_fnmatch_line("*pair.py*")


def test_what_the_pair_itself_raises_keeps_its_traceback(elsewhere):
    broken = RIGHT.replace("return input**3, input", 'raise ZeroDivisionError("of its own")')
    elsewhere.makepyfile(test_raise=broken + "def test_it(gradcheck):\n    gradcheck(cube_forward, None, np.ones(2))\n")
    result = here(elsewhere)
    result.stdout.fnmatch_lines(["*pair.py:*", "test_raise.py:*: ZeroDivisionError"])


def test_costs_nothing_where_it_is_not_used(installed):
    installed.makepyfile(
        "import sys\n\n\n"
        "def test_loaded(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('pytest_refimpl')\n"
        "    assert not {'numpy', 'scipy', 'refimpl', 'refimpl.catalog'} & set(sys.modules)\n"
    )
    run(installed).assert_outcomes(passed=1)


def test_can_be_turned_off(installed):
    installed.makepyfile("def test_it(gradcheck):\n    pass\n")
    result = run(installed, "-p", "no:pytest_refimpl")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'gradcheck' not found"])


def test_is_in_the_distribution():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options"]["py_modules"] == pytest_refimpl.__name__
    assert refimpl.assert_gradients is pytest_refimpl.gradcheck.__wrapped__()
