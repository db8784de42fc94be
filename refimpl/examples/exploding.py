"""Gradients that explode in a recurrent net: their norm at each step, without clipping and clipped by norm.

A recurrent net with relu reads thirty numbers and says their sum. Its recurrent weights are the identity times a
factor; where that is above 1, the gradient grows by it with each step back in time. Then the net is trained by
gradient descent, once as the gradients come and once scaled to a norm of at most 1, from one start on the same data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import refimpl as ri
from refimpl.examples._lesson import open_lesson
from refimpl.optim import clip_grad_norm, cosine_annealing_lr, sgd_init, sgd_update

LENGTH, HIDDEN, BATCH = 30, 16, 32
FACTORS, FACTOR = (0.9, 1.0, 1.1, 1.2), 1.1  # those whose gradients are shown, and that of the net that is trained
BACK = (1, 5, 10, 20, 30)
STEPS, LEARNING_RATE, MAX_NORM = 300, 0.02, 1.0
SHOWN = (0, 1, 2, 3, 4, 5, 10, 20, 50, 100, 200, 299)
WAYS = {"not clipped": math.inf, "clipped": MAX_NORM}


class Step(NamedTuple):
    loss: float
    norm: float  # of the gradient, before it is clipped


def initial_parameters(factor: float, rng: np.random.Generator) -> dict[str, Any]:
    return {
        "rnn": {
            "weight_ih_l0": rng.normal(0, 0.3, (HIDDEN, 1)),
            "weight_hh_l0": factor * np.eye(HIDDEN),
            "bias_ih_l0": np.zeros(HIDDEN),
            "bias_hh_l0": np.zeros(HIDDEN),
        },
        "sum": {"weight": rng.normal(0, 0.1, (1, HIDDEN)), "bias": np.zeros(1)},
    }


def sequences(rng: np.random.Generator) -> tuple[Any, Any]:
    """Numbers (LENGTH, BATCH, 1) between -1 and 1, and their sums, over the root of how many they are."""
    numbers = rng.uniform(-1, 1, (LENGTH, BATCH, 1))
    return numbers, numbers.sum(axis=0) / np.sqrt(LENGTH)


def loss_and_gradients(parameters: dict[str, Any], numbers: Any, sums: Any) -> tuple[float, dict[str, Any], Any]:
    """The squared error of what is said after the last number, and its gradients in the parameters and the numbers."""
    (_, last), rnn_cache = ri.rnn_forward(numbers, parameters["rnn"], nonlinearity="relu")
    said, sum_cache = ri.linear_forward(last[0], **parameters["sum"])
    loss, loss_cache = ri.mse_loss_forward(said, sums)

    of_sum = ri.linear_backward(ri.mse_loss_backward(1.0, loss_cache)["input"], sum_cache)
    of_rnn = ri.rnn_backward((None, of_sum.pop("input")[None]), rnn_cache)
    return float(loss), {"rnn": of_rnn["weights"], "sum": of_sum}, of_rnn["input"]


def norms_back_in_time(factor: float, seed: int) -> list[float]:
    """The norm of the gradient in the numbers: in the last one, in the one before, and so on back to the first."""
    rng = np.random.default_rng(seed)
    _, _, gradient = loss_and_gradients(initial_parameters(factor, rng), *sequences(rng))
    return [float(np.linalg.norm(of_number)) for of_number in gradient[::-1]]


def train(max_norm: float, seed: int, factor: float = FACTOR) -> Iterator[Step]:
    """The loss and the norm of its gradient before each update, as long as they are numbers."""
    rng = np.random.default_rng(seed)
    parameters = initial_parameters(factor, rng)
    state = sgd_init(parameters)
    for step in range(STEPS):
        with np.errstate(all="ignore"):  # a run that diverges shows it in its numbers
            loss, gradients, _ = loss_and_gradients(parameters, *sequences(rng))
            clipped, norm = clip_grad_norm(gradients, max_norm)
        yield Step(loss, norm)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return
        lr = cosine_annealing_lr(step, LEARNING_RATE, STEPS)
        parameters, state = sgd_update(parameters, clipped, state, lr=lr)


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("exploding", __doc__, "the weights and the numbers", arguments) as lesson:
        back = {factor: norms_back_in_time(factor, lesson.seed) for factor in FACTORS}
        lesson.heading("Norm of the gradient in a number, by how many steps back from the end it was read")
        rows = [(f"{factor}", *(f"{norms[i - 1]:.1e}" for i in BACK)) for factor, norms in back.items()]
        lesson.table(("factor", *(f"{i}" for i in BACK)), rows)
        lesson.line()

        runs: dict[str, list[Step]] = {}
        with lesson.progress(len(WAYS) * STEPS) as advance:
            for way, max_norm in WAYS.items():
                runs[way] = []
                for step in train(max_norm, lesson.seed):
                    runs[way].append(step)
                    advance(f"{way}, loss {step.loss:.3g}")
        lesson.heading(f"Training with a factor of {FACTOR}, as it comes and clipped to a norm of {MAX_NORM:g}")
        rows = [
            (f"{step}", *(figure for run in runs.values() for figure in _figures(run[step : step + 1])))
            for step in SHOWN
        ]
        lesson.table(("step", *(f"{way}, {part}" for way in runs for part in ("loss", "gradient"))), rows)
        lesson.plot(lambda figure: _draw(figure, back, runs), size=(9.0, 3.4))


def _figures(step: list[Step]) -> list[str]:
    """Of a step that may no more have been made."""
    return [f"{figure:.2g}" for figure in step[0]] if step else ["-"] * len(Step._fields)


def _draw(figure: Any, back: dict[float, list[float]], runs: dict[str, list[Step]]) -> None:
    left, middle, right = figure.subplots(1, 3)
    left.set(xlabel="steps back from the end", ylabel="norm of the gradient in a number", yscale="log")
    for factor, norms in back.items():
        left.plot(range(1, LENGTH + 1), norms, label=f"factor {factor}")
    for axes, field in ((middle, "loss"), (right, "norm")):
        axes.set(xlabel="step", ylabel={"loss": "loss", "norm": "norm of the gradient"}[field], yscale="log")
        for way, run in runs.items():
            figures = [getattr(step, field) for step in run]
            axes.plot(np.where(np.isfinite(figures), figures, np.nan), marker="." if len(run) < 50 else "", label=way)
    left.legend(frameon=False)
    middle.legend(frameon=False)


if __name__ == "__main__":
    main()
