"""One rare case to fifty common ones: cross entropy, weighted cross entropy and focal loss, and what each one finds.

A small network tells the two classes from two measurements, which overlap. It is trained with each loss, and asked
about cases that it has not seen: how many of the rare ones it finds (recall), how many of those it reports are rare
(precision), and how many answers are right (accuracy), of which there are 98 % for who never reports any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import refimpl as ri
from refimpl import init
from refimpl.examples._lesson import open_lesson
from refimpl.optim import adam_init, adam_update, cosine_annealing_lr

RATIO = 50  # common cases for each rare one
TRAINING, TEST = 60, 400  # rare cases to train on, and to be asked about
HIDDEN, STEPS, LEARNING_RATE = 8, 250, 0.05
BCE = ri.binary_cross_entropy_with_logits_forward, ri.binary_cross_entropy_with_logits_backward, "input"
FOCAL = ri.sigmoid_focal_loss_forward, ri.sigmoid_focal_loss_backward, "inputs"
LOSSES: dict[str, Any] = {  # a pair, its argument for the scores, its options
    "cross entropy": (*BCE, {}),
    f"cross entropy, rare class weighted {RATIO}": (*BCE, {"pos_weight": np.array([float(RATIO)])}),
    "focal loss, alpha 0.75": (*FOCAL, {"alpha": 0.75, "reduction": "mean"}),
    "focal loss without alpha": (*FOCAL, {"alpha": -1, "reduction": "mean"}),
}
MODEL = ri.Sequential(
    {
        "hidden": (ri.linear_forward, ri.linear_backward),
        "activation": (ri.tanh_forward, ri.tanh_backward),
        "score": (ri.linear_forward, ri.linear_backward),
    }
)


class Found(NamedTuple):
    recall: float
    precision: float
    accuracy: float


def cases(rng: np.random.Generator, rare: int) -> tuple[Any, Any]:
    """Two measurements of each case, and 1 where it is rare: common ones around 0, rare ones to the right or above."""
    common = rng.standard_normal((RATIO * rare, 2))
    centres = np.array([[2.6, 0.0], [0.0, 2.6]])[rng.integers(0, 2, rare)]
    measured = np.concatenate([common, centres + 0.6 * rng.standard_normal((rare, 2))])
    return measured, np.repeat([0.0, 1.0], [RATIO * rare, rare])[:, None]


def train(loss: str, seed: int, advance: Callable[[], None] = lambda: None) -> Any:
    """The network's parameters; the cases and the initial weights are the same for every loss."""
    rng = np.random.default_rng(seed)
    measured, rare = cases(rng, TRAINING)
    parameters: Any = {
        name: {"weight": init.xavier_normal((outputs, inputs), rng=rng), "bias": np.zeros(outputs)}
        for name, inputs, outputs in (("hidden", 2, HIDDEN), ("score", HIDDEN, 1))
    }
    forward, backward, argument, options = LOSSES[loss]
    state = adam_init(parameters)
    for step in range(STEPS):
        scores, cache = MODEL.forward(measured, parameters)
        _, loss_cache = forward(scores, rare, **options)
        gradients = MODEL.backward(backward(1.0, loss_cache)[argument], cache)["parameters"]
        lr = cosine_annealing_lr(step, LEARNING_RATE, STEPS)
        parameters, state = adam_update(parameters, gradients, state, lr=lr)
        advance()
    return parameters


def score(parameters: Any, measured: Any) -> Any:
    scores, _ = MODEL.forward(measured, parameters)
    return scores


def judge(scores: Any, rare: Any, threshold: float = 0.0) -> Found:
    """What comes of reporting every case whose score is above the threshold. Nothing reported has precision 1."""
    reported, truly = scores > threshold, rare == 1
    right = int((reported & truly).sum())
    precision = right / reported.sum() if reported.any() else 1.0
    return Found(right / truly.sum(), float(precision), float((reported == truly).mean()))


def compare(seed: int, advance: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, Found]]:
    """The parameters by loss, and what each finds; and what cross entropy finds when less certainty will do."""
    parameters, found = {}, {}
    measured, rare = cases(np.random.default_rng([seed, 1]), TEST)
    for loss in LOSSES:
        parameters[loss] = train(loss, seed, partial(advance, loss))
        found[loss] = judge(score(parameters[loss], measured), rare)
    scores = score(parameters["cross entropy"], measured)
    found[f"cross entropy, reported from p = 1/{RATIO + 1}"] = judge(scores, rare, -np.log(RATIO))
    return parameters, found


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("imbalanced", __doc__, "the cases and the initial weights", arguments) as lesson:
        with lesson.progress(len(LOSSES) * STEPS) as advance:
            parameters, found = compare(lesson.seed, advance)
        lesson.heading(f"{TEST} rare cases among {TEST * RATIO} common ones")
        lesson.table(("trained with", *Found._fields), [(n, *(f"{x:.1%}" for x in row)) for n, row in found.items()])
        lesson.plot(lambda figure: _draw(figure, lesson.seed, parameters), size=(8.0, 3.6))


def _draw(figure: Any, seed: int, parameters: dict[str, Any]) -> None:
    """The training cases with the line beyond which each network reports, and what other thresholds would find."""
    left, right = figure.subplots(1, 2)
    measured, rare = cases(np.random.default_rng(seed), TRAINING)
    for value, marker, color in ((0, ".", "#cbd5e1"), (1, "x", "#334155")):
        left.scatter(*measured[rare[:, 0] == value].T, s=12, marker=marker, color=color)
    left.set(xlabel="first measurement", ylabel="second measurement")
    right.set(xlabel="recall", ylabel="precision")
    grid = np.linspace(-4, 5, 120)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    test, truth = cases(np.random.default_rng([seed, 1]), TEST)
    for i, (loss, trained) in enumerate(parameters.items()):
        left.contour(grid, grid, score(trained, points.reshape(-1, 2)).reshape(120, 120), levels=[0], colors=f"C{i}")
        scores = score(trained, test)
        curve = [judge(scores, truth, t) for t in np.quantile(scores, np.linspace(0.5, 0.999, 60))]
        right.plot([c.recall for c in curve], [c.precision for c in curve], color=f"C{i}", linewidth=1)
        chosen = judge(scores, truth)
        right.plot(chosen.recall, chosen.precision, "o", color=f"C{i}", label=loss)
    right.legend(frameon=False, fontsize=7)


if __name__ == "__main__":
    main()
