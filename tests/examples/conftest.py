"""What the tests of the lessons share."""

import functools
import subprocess
import sys

import lessons
import pytest
from command import ROOT


@pytest.fixture(scope="session")
def printed():
    """printed(NAME): what `python -m refimpl.examples.NAME` writes into a pipe; each is run once, and quickly."""

    @functools.cache
    def run(name):
        command = [sys.executable, "-m", f"refimpl.examples.{name}", *lessons.QUICK.get(name, [])]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)

    def output(name):
        process = run(name)
        if process.returncode == 1 and "which the extra" in process.stderr:
            pytest.skip(process.stderr.strip())
        assert (process.returncode, process.stderr) == (0, "")
        return process.stdout

    return output
