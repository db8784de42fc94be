"""What Adadelta promises."""

import numpy as np
import pytest

from refimpl.optim import adadelta_init, adadelta_update


def run(gradients, start, **options):
    p, state = np.array(start), adadelta_init(np.array(start))
    for g in gradients:
        p, state = adadelta_update(p, np.asarray(g), state, **options)
    return p, state


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_a_parameter_in_another_unit_takes_the_same_steps(unit):
    """But for eps, which is given in the unit of the step: in that of the gradient it is nothing here."""
    g = np.random.default_rng(0).uniform(1e9, 2e9, (30, 2)) * [1, -1]
    one, _ = run(g, [0.0, 0.0], eps=1e-6)
    other, _ = run(g / unit, [0.0, 0.0], eps=1e-6 * unit**2)
    np.testing.assert_allclose(other, unit * one, rtol=1e-6)


def test_the_learning_rate_is_no_part_of_what_is_remembered():
    g = np.random.default_rng(0).standard_normal((30, 4))
    one, first = run(g, np.zeros(4), lr=1.0)
    other, second = run(g, np.zeros(4), lr=0.25)
    np.testing.assert_allclose(other, one / 4, rtol=1e-12)
    np.testing.assert_array_equal(first.square_delta, second.square_delta)


def test_the_square_is_that_of_the_step_and_not_of_the_gradient():
    """One large gradient after none: u stays below eps, however large the gradient is."""
    for size in (1e2, 1e8):
        _, state = run([[size]], [0.0], rho=0.5, eps=1e-6)
        np.testing.assert_allclose(state.square_delta, 0.5 * 1e-6 / 0.5, rtol=1e-6)
        np.testing.assert_allclose(state.square, 0.5 * size**2)
