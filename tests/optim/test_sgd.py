"""What gradient descent promises, and what it alone refuses."""

from functools import partial

import numpy as np
import pytest
from optimisers import assert_refused

from refimpl.optim import sgd_init, sgd_update


def test_sgd_starts_its_velocity_when_momentum_starts():
    start = {"w": np.array([1.0])}
    g = {"w": np.array([2.0])}
    moved, state = sgd_update(start, g, sgd_init(start), lr=0.1)
    assert state.velocity is None
    moved, state = sgd_update(moved, g, state, lr=0.1, momentum=0.5, dampening=0.25)
    np.testing.assert_array_equal(state.velocity["w"], [2.0])  # not dampened: the first velocity is the gradient
    moved, state = sgd_update(moved, g, state, lr=0.1, momentum=0.5, dampening=0.25)
    np.testing.assert_array_equal(state.velocity["w"], [0.5 * 2 + 0.75 * 2])


@pytest.mark.parametrize(
    ("options", "got"),
    [
        ({}, "momentum 0 and dampening 0"),
        ({"momentum": 0.9, "dampening": 0.5}, "momentum 0.9 and dampening 0.5"),
    ],
)
def test_nesterov_asks_for_momentum_without_dampening(options, got):
    start = {"w": np.ones(2)}
    call = partial(sgd_update, start, start, sgd_init(start), nesterov=True, **options)
    rule = "nesterov must have a momentum above 0 and a dampening of 0"
    assert_refused(call, ValueError, f"sgd_update: {rule}, got {got}")
