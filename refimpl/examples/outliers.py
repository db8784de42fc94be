"""Regression with outliers: squared error, absolute error and Huber's loss, and how far each fitted line is off.

A hundred points of a line with some noise, of which a share is far above it. The squared error lets every point pull
as hard as it is far away, the absolute error lets all pull alike, and Huber's loss does the one near the line and the
other far from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import refimpl as ri
from refimpl.examples._lesson import open_lesson
from refimpl.optim import adam_init, adam_update, cosine_annealing_lr

POINTS, SLOPE, INTERCEPT, NOISE = 100, 2.0, -1.0, 0.3
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)
SHOWN = 0.2  # the share of outliers of the lines that are printed and drawn
STEPS, LEARNING_RATE = 400, 0.1
LOSSES: dict[str, Any] = {
    "MSE": (ri.mse_loss_forward, ri.mse_loss_backward, {}),
    "L1": (ri.l1_loss_forward, ri.l1_loss_backward, {}),
    "Huber": (ri.huber_loss_forward, ri.huber_loss_backward, {"delta": NOISE}),
}


def points(seed: int, share: float) -> tuple[Any, Any, Any]:
    """Points (x, y), and which of them are outliers: 5 to 15 too high, and more of them to the right."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (POINTS, 1))
    y = SLOPE * x + INTERCEPT + NOISE * rng.standard_normal(x.shape)
    height, chance = rng.uniform(5, 15, x.shape), rng.uniform(0, 1, x.shape) / (2 + x)
    wrong = chance.argsort(axis=0).argsort(axis=0) < round(share * POINTS)
    return x, np.where(wrong, y + height, y), wrong


def fit(loss: str, x: Any, y: Any, advance: Callable[[], None] = lambda: None) -> tuple[float, float]:
    """The slope and the intercept after STEPS steps of Adam, whose learning rate falls to 0."""
    forward, backward, options = LOSSES[loss]
    parameters = {"weight": np.zeros((1, 1)), "bias": np.zeros(1)}
    state = adam_init(parameters)
    for step in range(STEPS):
        line, line_cache = ri.linear_forward(x, **parameters)
        _, loss_cache = forward(line, y, **options)
        gradients = ri.linear_backward(backward(1.0, loss_cache)["input"], line_cache)
        del gradients["input"]
        lr = cosine_annealing_lr(step, LEARNING_RATE, STEPS)
        parameters, state = adam_update(parameters, gradients, state, lr=lr)
        advance()
    return parameters["weight"].item(), parameters["bias"].item()


def off(slope: float, intercept: float) -> float:
    """How far a line is off from the one that the points come from: the root of the mean square over -1 <= x <= 1."""
    return float(np.sqrt((slope - SLOPE) ** 2 / 3 + (intercept - INTERCEPT) ** 2))


def compare(seed: int, advance: Callable[[str], None]) -> dict[tuple[str, float], tuple[float, float]]:
    """The fitted line by loss and share of outliers."""
    found = {}
    for share in SHARES:
        x, y, _ = points(seed, share)
        for loss in LOSSES:
            found[loss, share] = fit(loss, x, y, partial(advance, f"{loss}, {share:.0%} outliers"))
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("outliers", __doc__, "the points", arguments) as lesson:
        with lesson.progress(len(SHARES) * len(LOSSES) * STEPS) as advance:
            found = compare(lesson.seed, advance)
        lesson.heading(f"Lines fitted to points of which {SHOWN:.0%} are outliers")
        rows = [(loss, *(f"{figure:.3f}" for figure in found[loss, SHOWN])) for loss in LOSSES]
        lesson.table(("loss", "slope", "intercept"), [("the truth", f"{SLOPE:.3f}", f"{INTERCEPT:.3f}"), *rows])
        lesson.line()
        lesson.heading("How far the line is off, by the share of outliers")
        rows = [(loss, *(f"{off(*found[loss, share]):.3f}" for share in SHARES)) for loss in LOSSES]
        lesson.table(("loss", *(f"{share:.0%}" for share in SHARES)), rows)
        lesson.plot(lambda figure: _draw(figure, lesson.seed, found), size=(8.0, 3.6))


def _draw(figure: Any, seed: int, found: dict[tuple[str, float], tuple[float, float]]) -> None:
    left, right = figure.subplots(1, 2)
    left.set(xlabel="x", ylabel="y", title=f"{SHOWN:.0%} outliers")
    right.set(xlabel="share of outliers", ylabel="how far the line is off", yscale="log")
    x, y, wrong = points(seed, SHOWN)
    left.scatter(x[~wrong], y[~wrong], s=8, color="#94a3b8")
    left.scatter(x[wrong], y[wrong], s=12, marker="x", color="#94a3b8")
    for loss in LOSSES:
        slope, intercept = found[loss, SHOWN]
        left.plot([-1, 1], [intercept - slope, intercept + slope], label=loss)
        right.plot(SHARES, [off(*found[loss, share]) for share in SHARES], marker=".", label=loss)
    left.legend(frameon=False)


if __name__ == "__main__":
    main()
