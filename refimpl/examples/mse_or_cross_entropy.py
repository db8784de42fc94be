"""Squared error or cross entropy behind a softmax: the gradient on a confidently wrong prediction, and two curves.

A prediction that is wrong by a large margin has a squared error near its largest and a gradient of almost nothing:
the softmax is flat there. The cross entropy undoes the softmax's exponential, and its gradient is the error itself.
Then both train one linear classifier from one start at which it is sure, and wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import refimpl as ri
from refimpl.examples._lesson import open_lesson

CLASSES, POINTS = 3, 150
STEPS, LEARNING_RATE = 400, 0.1
MARGINS = (0, 1, 2, 4, 8, 16, 32)
SHOWN = (0, 10, 50, 100, 200, 400)


def squared_error(scores: Any, labels: Any) -> tuple[Any, Any]:
    """The loss sum_c (p_c - y_c)^2, mean over rows, and its gradient in the scores: back through loss and softmax."""
    p, softmax_cache = ri.softmax_forward(scores, 1)
    loss, loss_cache = ri.mse_loss_forward(p, np.eye(scores.shape[1])[labels], reduction="sum")
    grad_p = ri.mse_loss_backward(1 / len(scores), loss_cache)["input"]
    return loss / len(scores), ri.softmax_backward(grad_p, softmax_cache)["input"]


def cross_entropy(scores: Any, labels: Any) -> tuple[Any, Any]:
    """The loss -log p of the label, mean over rows, and its gradient in the scores, (p - y) / N."""
    loss, cache = ri.cross_entropy_forward(scores, labels)
    return loss, ri.cross_entropy_backward(1.0, cache)["input"]


LOSSES = {"squared error": squared_error, "cross entropy": cross_entropy}


def confidently_wrong(margin: float) -> dict[str, tuple[float, float]]:
    """By loss, its value and the largest entry of its gradient, where class 0 leads by the margin and 1 is right."""
    scores, label = np.array([[margin, 0.0, 0.0]]), np.array([1])
    found = {}
    for name, loss in LOSSES.items():
        value, gradient = loss(scores, label)
        found[name] = float(value), float(np.abs(gradient).max())
    return found


def problem(seed: int) -> tuple[Any, Any, Any]:
    """Points around three corners, their classes, and weights that are sure of another corner for each of them."""
    rng = np.random.default_rng(seed)
    angles = 2 * np.pi * np.arange(CLASSES) / CLASSES
    corners = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    labels = np.arange(POINTS) % CLASSES
    points = corners[labels] + 0.25 * rng.standard_normal((POINTS, 2))
    return points, labels, 8 * np.roll(corners, 1, axis=0)


def train(loss: Callable[..., Any], seed: int, advance: Callable[[], None]) -> dict[str, list[float]]:
    """The loss, its gradient's norm and the accuracy before each step, and after the last."""
    points, labels, weight = problem(seed)
    curves: dict[str, list[float]] = {"loss": [], "gradient": [], "accuracy": []}
    for _ in range(STEPS + 1):
        scores, cache = ri.linear_forward(points, weight)
        value, grad_scores = loss(scores, labels)
        gradient = ri.linear_backward(grad_scores, cache)["weight"]
        curves["loss"].append(float(value))
        curves["gradient"].append(float(np.linalg.norm(gradient)))
        curves["accuracy"].append(float((scores.argmax(axis=1) == labels).mean()))
        weight = weight - LEARNING_RATE * gradient
        advance()
    return curves


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("mse_or_cross_entropy", __doc__, "the points", arguments) as lesson:
        lesson.heading("One prediction, wrong by a margin")
        rows = []
        for margin in MARGINS:
            pairs = confidently_wrong(margin).values()
            rows.append([str(margin), *(f"{figure:.2e}" for pair in pairs for figure in pair)])
        lesson.table(("margin", *(f"{name}{part}" for name in LOSSES for part in ("", ", gradient"))), rows)
        lesson.line()

        with lesson.progress(len(LOSSES) * (STEPS + 1)) as advance:
            found = {name: train(loss, lesson.seed, partial(advance, name)) for name, loss in LOSSES.items()}
        lesson.heading("Training from a start that is sure and wrong")
        parts = ("gradient", "accuracy")
        lesson.table(
            ("step", *(f"{name}, {part}" for name in LOSSES for part in parts)),
            [[str(step), *(f"{found[name][part][step]:.2g}" for name in LOSSES for part in parts)] for step in SHOWN],
        )
        lesson.plot(lambda figure: _draw(figure, found), size=(8.0, 3.6))


def _draw(figure: Any, found: dict[str, dict[str, list[float]]]) -> None:
    left, right = figure.subplots(1, 2)
    left.set(xlabel="margin by which the prediction is wrong", ylabel="largest entry of the gradient", yscale="log")
    right.set(xlabel="step", ylabel="accuracy")
    margins = np.linspace(0, MARGINS[-1], 100)
    for name, curves in found.items():
        left.plot(margins, [confidently_wrong(margin)[name][1] for margin in margins], label=name)
        right.plot(curves["accuracy"], label=name)
    left.legend(frameon=False)


if __name__ == "__main__":
    main()
