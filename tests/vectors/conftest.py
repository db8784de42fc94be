"""What the tests of the vectors share."""

import pytest
from vector_folders import FEW

from refimpl.vectors import export


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """An export of a few ops, only to be read."""
    folder = tmp_path_factory.mktemp("vectors") / "few"
    export(folder, FEW)
    return folder


@pytest.fixture
def relu(tmp_path):
    export(tmp_path / "relu", ["relu"])
    return tmp_path / "relu"
