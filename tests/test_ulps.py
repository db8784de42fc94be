"""How far computed arrays are from true ones."""

import numpy as np
import pytest

from refimpl._ulps import distance

EPS = 2.0**-23


@pytest.mark.parametrize(
    ("found", "expected", "ulps", "difference"),
    [
        ([1, 2], [1, 2], 0, 0),
        ([1 + EPS, 2], [1, 2], 1, EPS / 2),  # relative to the largest entry
        ([1, 2 + 4 * EPS], [1, 2], 2, 2 * EPS),  # the last place is eps from 1 to 2, and 2 eps from 2 to 4
        ([1], [1 + EPS / 4], 0.25, EPS / 4 / (1 + EPS / 4)),  # the expected number is not rounded
        ([1e-3], [0], 1e-3 / 2.0**-149, 1e-3),  # relative to 1
        ([np.inf, np.nan, -np.inf], [np.inf, np.nan, -np.inf], 0, 0),
        ([np.inf], [1e39], 0, 0),  # beyond what float32 holds
        ([], [], 0, 0),
    ],
)
def test_of_known_numbers(found, expected, ulps, difference):
    far = distance(np.array(found, np.float32), np.array(expected, np.float64))
    assert far.ulps == pytest.approx(ulps, rel=1e-6)
    assert far.difference == pytest.approx(difference, rel=1e-6)
    assert bool(far.message) == (difference > 0)


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (np.zeros((2, 1)), np.zeros(2), " has shape (2, 1), must have (2,)"),
        (np.array([1.0, np.nan]), np.ones(2), "[1] is nan, must be 1"),
        (np.array([np.inf]), np.array([-np.inf]), "[0] is inf, must be -inf"),
        (np.array(1.0), np.array(np.nan), " is 1, must be nan"),
        (np.array([[1, 2]]), np.array([[1, 3]]), "[0, 1] is 2, must be 3"),
        (np.array([1]), np.array([1.0]), " has dtype int64, must have one like float64"),
    ],
)
def test_what_cannot_be_compared_is_infinitely_far(found, expected, message):
    assert distance(found, expected) == (np.inf, np.inf, message)


def test_the_worst_is_named():
    far = distance(np.array([1.0, 2.5, 3.0]), np.array([1.0, 2.0, 3.25]))
    assert far.message == "[1] is 2.5, must be 2"
