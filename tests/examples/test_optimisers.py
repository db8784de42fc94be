"""The paths that every optimiser takes down two surfaces, and what tells them apart."""

import re

import numpy as np
import pytest

from refimpl import gradcheck, optim
from refimpl.examples import optimisers as lesson


def test_every_optimiser_is_there():
    """Under its own name, with its init and its update."""
    updates = {name for name in dir(optim) if name.endswith("_update")} - {"reduce_lr_on_plateau_update"}
    assert {optimiser.update.__name__ for optimiser in lesson.OPTIMISERS.values()} == updates
    for name, optimiser in lesson.OPTIMISERS.items():
        stem = optimiser.update.__name__.removesuffix("_update")
        assert optimiser.init.__name__ == f"{stem}_init"
        assert re.sub("[^a-z]", "", name.lower()).removesuffix("withmomentum") == stem.replace("_", "")


@pytest.mark.parametrize("name", lesson.SURFACES)
def test_the_surfaces(name):
    function, start, minimum, _ = lesson.SURFACES[name]
    for point in (start, (0.3, -0.7)):
        report = gradcheck(function, lambda g, gradient: {"point": g * gradient}, np.array([point]))
        assert report.passed, str(report)
    value, gradient = function(np.array([minimum]))
    assert value == 0
    np.testing.assert_array_equal(gradient, np.zeros((1, 2)))


def test_values_by_hand():
    """Rosenbrock at (-1.2, 1): 2.2^2 + 100 0.44^2. Beale at (1, 1): the c_k alone, as at its saddle (0, 1)."""
    assert lesson.rosenbrock(np.array([[-1.2, 1.0]]))[0] == pytest.approx(24.2)
    for x in (0.0, 1.0):
        assert lesson.beale(np.array([[x, 1.0]]))[0] == 1.5**2 + 2.25**2 + 2.625**2
    np.testing.assert_array_equal(lesson.beale(np.array([[0.0, 1.0]]))[1], [[0, 0]])


def test_arrivals_by_hand():
    """To be counted, a point must be near and all after it as well."""
    offsets = np.array([2.0, 0.05, 0.3, 0.1, 0.05, 0.02])
    points = np.stack([1 + offsets, np.ones(6)], axis=1)
    assert lesson.arrival(points, "Rosenbrock", 0.11) == 3
    assert lesson.arrival(points, "Rosenbrock", 0.03) == 5
    assert lesson.arrival(points, "Rosenbrock", 0.01) is None
    assert lesson.arrival(points, "Rosenbrock", 3) == 0
    points[-1] = np.nan
    assert lesson.arrival(points, "Rosenbrock", 3) is None


@pytest.mark.parametrize("surface", lesson.SURFACES)
def test_the_first_step(surface):
    """Along the gradient, or of the length of the rate in each entry, or of that length in all."""
    start = lesson.start_of(surface, 3)
    gradient = lesson.SURFACES[surface].value_and_gradient(start)[1]
    column = list(lesson.SURFACES).index(surface)
    for name in ("SGD", "SGD with momentum", "Adam", "Lion", "Rprop", "LARS"):
        rate = lesson.OPTIMISERS[name].rates[column]
        points = lesson.path(name, surface, 3, steps=1)
        np.testing.assert_array_equal(points[:1], start)
        step = points[1:] - start
        if name == "LARS":
            expected = -rate * np.linalg.norm(start) * gradient / np.linalg.norm(gradient)
        elif name.startswith("SGD"):
            expected = -rate * gradient
        else:
            expected = -rate * np.sign(gradient)
        np.testing.assert_allclose(step, expected, rtol=1e-6, err_msg=name)


def test_momentum_finds_its_way_along_the_valley():
    far = lesson.distances(lesson.path("SGD", "Rosenbrock", 0), "Rosenbrock")[-1]
    near = lesson.distances(lesson.path("SGD with momentum", "Rosenbrock", 0), "Rosenbrock")[-1]
    assert near < 1e-3 < 0.3 < far


def test_curvature_finds_it_in_a_fraction_of_the_steps():
    for seed in range(3):
        for surface, steps in (("Rosenbrock", 60), ("Beale", 30)):
            points = lesson.path("L-BFGS", surface, seed, steps)
            assert lesson.arrival(points, surface, lesson.NEARER) is not None


def test_those_with_steps_of_one_length_do_not_come_to_rest():
    points = lesson.path("Lion", "Beale", 0)
    np.testing.assert_allclose(np.abs(np.diff(points, axis=0)), lesson.OPTIMISERS["Lion"].rates[1], rtol=1e-12)
    assert lesson.arrival(points, "Beale", lesson.NEAR / 100) is None


def test_on_dense_gradients_sparse_adam_is_adam():
    for surface in lesson.SURFACES:
        sparse, dense = (lesson.path(name, surface, 0) for name in ("SparseAdam", "Adam"))
        np.testing.assert_allclose(sparse, dense, atol=1e-6)


def test_what_is_printed_makes_the_point(printed):
    tables = printed("optimisers").split("\n\n")
    arrived = {}
    for text, surface in zip(tables, lesson.SURFACES, strict=False):
        heading, _, *rows = text.splitlines()
        assert heading.startswith(f"{surface}, from (")
        rows = [re.split("  +", row) for row in rows]
        assert [row[0] for row in rows] == list(lesson.OPTIMISERS)
        assert [float(row[1]) for row in rows] == [
            optimiser.rates[list(lesson.SURFACES).index(surface)] for optimiser in lesson.OPTIMISERS.values()
        ]
        arrived[surface] = {row[0]: row[2] != "-" for row in rows}
    assert all(arrived["Beale"].values())
    assert not arrived["Rosenbrock"]["SGD"]
    assert arrived["Rosenbrock"]["SGD with momentum"]
    assert arrived["Rosenbrock"]["L-BFGS"]
