"""What the tests of the command share."""

import dataclasses

import pytest

from refimpl.cases import CASES
from refimpl.catalog import OPS
from refimpl.cli import main


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
