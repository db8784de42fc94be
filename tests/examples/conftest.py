"""What the tests of the lessons share."""

import functools
import subprocess
import sys

import pytest
from command import ROOT


@pytest.fixture(scope="session")
def printed():
    """printed(NAME): what `python -m refimpl.examples.NAME` writes into a pipe; each lesson is run once."""

    @functools.cache
    def run(name):
        return subprocess.run(
            [sys.executable, "-m", f"refimpl.examples.{name}"], capture_output=True, text=True, cwd=ROOT, timeout=120
        )

    def output(name):
        process = run(name)
        if process.returncode == 1 and "which the extra" in process.stderr:
            pytest.skip(process.stderr.strip())
        assert (process.returncode, process.stderr) == (0, "")
        return process.stdout

    return output
