"""The pytest plugin: the fixture `gradcheck`.

    def test_cube(gradcheck):
        gradcheck(cube_forward, cube_backward, np.array([1.0, -2.0]))

A module of its own beside the package, because pytest imports the plugins of every installed package whenever it
starts: a module inside refimpl would import NumPy and SciPy with it. This one imports refimpl where a test first asks
for the fixture. `pytest -p no:pytest_refimpl` turns it off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., Any]:
    """refimpl.assert_gradients: gradcheck(forward, backward, *args, **options) fails the test with the report and the
    diagnosis unless every gradient agrees with finite differences, and returns the report."""
    from refimpl import assert_gradients

    return assert_gradients
