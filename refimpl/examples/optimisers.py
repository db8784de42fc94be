"""The paths of all optimisers on two classic surfaces: Rosenbrock's bent valley and Beale's plain with steep corners.

Every optimiser of refimpl.optim takes a thousand steps from the same start on each surface, at the learning rate of
1, 2 or 5 times a power of ten that brings it closest soonest. The tables say after how many steps it is near the
minimum for good, and where it ends; the plot shows how it goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from refimpl import optim
from refimpl.examples._lesson import open_lesson

STEPS = 1000
NEAR, NEARER = 0.1, 0.01  # distances from the minimum


class Optimiser(NamedTuple):
    init: Callable[..., Any]
    update: Callable[..., Any]
    rates: tuple[float, float]  # the learning rate on each surface, the best of those tried from three starts
    options: Mapping[str, Any] = MappingProxyType({})
    rate_at_init: bool = False  # the rate is where it starts from
    by_closure: bool = False  # update takes the surface in the place of the gradient
    averaged: bool = False  # the answer is the state's average, not the point where the next gradient is due


class Surface(NamedTuple):
    value_and_gradient: Callable[[Any], tuple[float, Any]]  # at a point of shape (1, 2): Muon wants a matrix
    start: tuple[float, float]
    minimum: tuple[float, float]
    window: tuple[tuple[float, float], tuple[float, float]]  # of the plot


def rosenbrock(point: Any) -> tuple[float, Any]:
    """(1 - x)^2 + 100 (y - x^2)^2: along the parabola a valley, almost flat, between steep walls."""
    x, y = point[0]
    u, v = 1 - x, y - x * x
    return u * u + 100 * v * v, np.array([[-2 * u - 400 * x * v, 200 * v]])


def beale(point: Any) -> tuple[float, Any]:
    """sum over k of (c_k - x + x y^k)^2 with c = 1.5, 2.25, 2.625: flat towards the minimum, a saddle at (0, 1)."""
    x, y = point[0]
    value = slope_x = slope_y = 0.0
    for k, c in enumerate((1.5, 2.25, 2.625), 1):
        r = c - x + x * y**k
        value += r * r
        slope_x += 2 * r * (y**k - 1)
        slope_y += 2 * r * x * k * y ** (k - 1)
    return value, np.array([[slope_x, slope_y]])


SURFACES = {
    "Rosenbrock": Surface(rosenbrock, (-1.2, 1.0), (1.0, 1.0), ((-1.8, 1.8), (-0.8, 2.4))),
    "Beale": Surface(beale, (1.0, 1.0), (3.0, 0.5), ((-0.2, 4.2), (-1.2, 1.6))),
}
GROUPS = {
    "along the gradient": {
        "SGD": Optimiser(optim.sgd_init, optim.sgd_update, (0.002, 0.02)),
        "SGD with momentum": Optimiser(optim.sgd_init, optim.sgd_update, (0.002, 0.02), {"momentum": 0.9}),
        "ASGD": Optimiser(optim.asgd_init, optim.asgd_update, (0.002, 0.02)),
        "schedule-free SGD": Optimiser(
            optim.schedule_free_sgd_init, optim.schedule_free_sgd_update, (0.005, 0.05), averaged=True
        ),
        "LARS": Optimiser(
            optim.lars_init, optim.lars_update, (0.01, 0.005), {"weight_decay": 0.0, "trust_coefficient": 1.0}
        ),
        "L-BFGS": Optimiser(
            optim.lbfgs_init,
            optim.lbfgs_update,
            (1.0, 1.0),
            {"max_iter": 1, "max_eval": 25, "line_search_fn": "strong_wolfe"},
            by_closure=True,
        ),
    },
    "every entry at its own rate": {
        "Rprop": Optimiser(optim.rprop_init, optim.rprop_update, (0.1, 0.5), rate_at_init=True),
        "Adagrad": Optimiser(optim.adagrad_init, optim.adagrad_update, (2.0, 1.0)),
        "Adadelta": Optimiser(optim.adadelta_init, optim.adadelta_update, (0.5, 2.0)),
        "RMSprop": Optimiser(optim.rmsprop_init, optim.rmsprop_update, (0.02, 0.02)),
        "Adafactor": Optimiser(optim.adafactor_init, optim.adafactor_update, (1.0, 0.02)),
    },
    "Adam": {
        "Adam": Optimiser(optim.adam_init, optim.adam_update, (0.5, 0.2)),
        "AdamW": Optimiser(optim.adamw_init, optim.adamw_update, (0.1, 0.2)),
        "SparseAdam": Optimiser(optim.sparse_adam_init, optim.sparse_adam_update, (0.5, 0.2)),
        "Adamax": Optimiser(optim.adamax_init, optim.adamax_update, (1.0, 0.5)),
        "NAdam": Optimiser(optim.nadam_init, optim.nadam_update, (0.05, 0.1)),
        "RAdam": Optimiser(optim.radam_init, optim.radam_update, (0.005, 0.05)),
    },
    "after Adam": {
        "AdaBelief": Optimiser(optim.adabelief_init, optim.adabelief_update, (0.5, 0.2)),
        "Adan": Optimiser(optim.adan_init, optim.adan_update, (0.1, 0.05)),
        "LAMB": Optimiser(optim.lamb_init, optim.lamb_update, (0.05, 0.005), {"weight_decay": 0.0}),
        "Lion": Optimiser(optim.lion_init, optim.lion_update, (0.01, 0.02)),
        "Muon": Optimiser(optim.muon_init, optim.muon_update, (0.02, 0.05), {"weight_decay": 0.0}),
    },
}
OPTIMISERS = {name: optimiser for group in GROUPS.values() for name, optimiser in group.items()}


def start_of(surface: str, seed: int) -> Any:
    """The classic start, moved by up to a twentieth along each axis."""
    moved = np.random.default_rng(seed).uniform(-0.05, 0.05, (1, 2))
    return np.array([SURFACES[surface].start]) + moved


def path(name: str, surface: str, seed: int, steps: int = STEPS) -> Any:
    """The points (steps + 1, 2) that the optimiser comes to, the start first."""
    optimiser, function = OPTIMISERS[name], SURFACES[surface].value_and_gradient
    rate = {"lr": optimiser.rates[list(SURFACES).index(surface)]}
    point = start_of(surface, seed)
    state = optimiser.init(point, **(rate if optimiser.rate_at_init else {}))
    options = optimiser.options if optimiser.rate_at_init else {**optimiser.options, **rate}
    points = [point]
    for _ in range(steps):
        what = function if optimiser.by_closure else function(point)[1]
        point, state = optimiser.update(point, what, state, **options)
        points.append(state.average if optimiser.averaged else point)
    return np.concatenate(points)


def distances(points: Any, surface: str) -> Any:
    """Of the points from the minimum."""
    return np.linalg.norm(points - SURFACES[surface].minimum, axis=1)


def arrival(points: Any, surface: str, within: float) -> int | None:
    """After how many steps the points stay within that distance of the minimum; None if they do not."""
    outside = np.flatnonzero(~(distances(points, surface) <= within))
    step = int(outside[-1]) + 1 if outside.size else 0
    return step if step < len(points) else None


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("optimisers", __doc__, "the start, near the classic one", arguments) as lesson:
        found = {}
        with lesson.progress(len(SURFACES) * len(OPTIMISERS)) as advance:
            for surface in SURFACES:
                for name in OPTIMISERS:
                    found[surface, name] = path(name, surface, lesson.seed)
                    advance(f"{surface}, {name}")
        for i, (surface, (_, _, minimum, _)) in enumerate(SURFACES.items()):
            x, y = start_of(surface, lesson.seed)[0]
            lesson.heading(f"{surface}, from ({x:.3f}, {y:.3f}) towards ({minimum[0]:g}, {minimum[1]:g})")
            rows = [
                (
                    f"{name}",
                    f"{optimiser.rates[i]:g}",
                    *_arrivals(found[surface, name], surface),
                    *(f"{entry:.4f}" for entry in found[surface, name][-1]),
                    f"{distances(found[surface, name], surface)[-1]:.0e}",
                )
                for name, optimiser in OPTIMISERS.items()
            ]
            within = (f"within {distance} after" for distance in (NEAR, NEARER))
            lesson.table(("optimiser", "rate", *within, "ends at x", "y", "off by"), rows)
            lesson.line()
        lesson.line(
            "The rate of L-BFGS is where its line search begins: a step may evaluate the surface several times."
        )
        lesson.plot(lambda figure: _draw(figure, found), size=(13.0, 6.0))


def _arrivals(points: Any, surface: str) -> list[str]:
    steps = [arrival(points, surface, distance) for distance in (NEAR, NEARER)]
    return ["-" if step is None else f"{step}" for step in steps]


def _draw(figure: Any, found: dict[tuple[str, str], Any]) -> None:
    """A column for each group, a row for each surface: lines of equal height, and the paths over them."""
    grid = figure.subplots(len(SURFACES), len(GROUPS), squeeze=False)
    for row, (surface, (function, _, minimum, window)) in zip(grid, SURFACES.items(), strict=True):
        x, y = (np.linspace(*limits, 150) for limits in window)
        height = np.array([[function(np.array([[a, b]]))[0] for a in x] for b in y])
        for axes, (group, members) in zip(row, GROUPS.items(), strict=True):
            axes.contour(x, y, np.log10(height + 1e-3), levels=14, colors="#cbd5e1", linewidths=0.6)
            for name in members:
                axes.plot(*found[surface, name].T, linewidth=1, label=name)
            axes.plot(*minimum, "*", color="black", markersize=8)
            axes.set(title=f"{surface}: {group}", xlim=window[0], ylim=window[1])
            axes.legend(frameon=False, fontsize=7)


if __name__ == "__main__":
    main()
