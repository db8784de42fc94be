"""What the tests of the course's functions share."""

import numpy as np
import pytest


@pytest.fixture
def rand():
    """The notebooks' own stream of random numbers, so that the errors are those they print."""
    return np.random.RandomState(231)
