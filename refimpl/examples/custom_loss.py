"""Losses of one's own, written as pairs: a weighted MSE and an IoU loss of boxes, checked, then trained with.

Both are judged by gradcheck, each beside a version with a mistake that is easily made, and then used. Weights tell
the squared error which points to trust: a line through points of unequal precision. The intersection over union
measures a box by its own size: boxes large and small are looked for with it, and with the squared error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import refimpl as ri
from refimpl.examples._lesson import PALETTE, open_lesson
from refimpl.graph import apply, data_of, gradients_of, variables
from refimpl.optim import adam_init, adam_update, sgd_init, sgd_update

LINE_STEPS, BOX_STEPS = 100, 300
SLOPE, INTERCEPT = 2.0, -1.0
NOISE = (0.05, 1.0)  # of the points that can be trusted, and of the others
SMALL = 0.1  # a box is small if its longer side is


def weighted_mse_forward(input: Any, target: Any, weight: Any) -> tuple[Any, Any]:
    """L = sum_i w_i (x_i - t_i)^2 / sum_i w_i."""
    difference, total = input - target, weight.sum()
    loss = (weight * difference**2).sum() / total
    return loss, (difference, weight, total, loss)


def weighted_mse_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    """grad_x = 2 g w (x - t) / sum w, grad_t = -grad_x, grad_w = g ((x - t)^2 - L) / sum w."""
    difference, weight, total, loss = cache
    grad_input = grad_output * 2 * weight * difference / total
    return {"input": grad_input, "target": -grad_input, "weight": grad_output * (difference**2 - loss) / total}


def careless_mse_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    """The mistake: the sum of the weights is divided by as if it were a constant, and the weights change it."""
    difference, _, total, _ = cache
    return {**weighted_mse_backward(grad_output, cache), "weight": grad_output * difference**2 / total}


def iou_loss_forward(boxes: Any, target: Any) -> tuple[Any, Any]:
    """L = mean of 1 - I / U over boxes (n, 4) as x1, y1, x2, y2: I the intersection's area, U the union's."""
    overlap = np.minimum(boxes[:, 2:], target[:, 2:]) - np.maximum(boxes[:, :2], target[:, :2])
    overlap = np.maximum(overlap, 0)
    areas = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, target)]
    intersection = overlap.prod(axis=1)
    union = areas[0] + areas[1] - intersection
    return np.mean(1 - intersection / union), (boxes, target, overlap, intersection, union)


def iou_loss_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    """grad_I = -g (1 / U + I / U^2) / n and grad_A = g I / U^2 / n, taken on to the sides, and to the corners."""
    _, _, _, intersection, union = cache
    g = grad_output / len(union)
    return {"boxes": _corners(-g * (1 / union + intersection / union**2), g * intersection / union**2, cache)}


def careless_iou_backward(grad_output: Any, cache: Any) -> dict[str, Any]:
    """The mistake: the union holds the intersection, and what that does to it is forgotten."""
    _, _, _, intersection, union = cache
    g = grad_output / len(union)
    return {"boxes": _corners(-g / union, g * intersection / union**2, cache)}


def _corners(grad_intersection: Any, grad_area: Any, cache: Any) -> Any:
    """From the areas to the corners. Each side of an area is multiplied by the other one."""
    boxes, target, overlap, _, _ = cache
    grad_overlap = grad_intersection[:, None] * overlap[:, ::-1] * (overlap > 0)
    grad_sides = grad_area[:, None] * (boxes[:, 2:] - boxes[:, :2])[:, ::-1]
    low = -grad_sides - grad_overlap * (boxes[:, :2] > target[:, :2])
    high = grad_sides + grad_overlap * (boxes[:, 2:] < target[:, 2:])
    return np.concatenate([low, high], axis=1)


def overlapping(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Two lots of boxes, each box with a partner that it overlaps."""
    centre, size = rng.uniform(0, 1, (count, 2)), rng.uniform(0.2, 0.6, (count, 2))
    others = centre + rng.uniform(-0.15, 0.15, (count, 2)), size * rng.uniform(0.6, 1.6, (count, 2))
    first, second = (np.concatenate([c - s / 2, c + s / 2], axis=1) for c, s in ((centre, size), others))
    return first, second


def checks(seed: int) -> list[tuple[str, ri.GradientReport]]:
    """Each pair, right and careless, against finite differences."""
    rng = np.random.default_rng(seed)
    x, t, w = rng.standard_normal((4, 3)), rng.standard_normal((4, 3)), rng.uniform(0.1, 2, (4, 3))
    boxes, others = overlapping(rng, 5)
    return [
        ("weighted MSE", ri.gradcheck(weighted_mse_forward, weighted_mse_backward, x, t, w)),
        ("weighted MSE, sum of weights held fixed", ri.gradcheck(weighted_mse_forward, careless_mse_backward, x, t, w)),
        ("IoU loss", ri.gradcheck(iou_loss_forward, iou_loss_backward, boxes, others)),
        (
            "IoU loss, intersection in the union forgotten",
            ri.gradcheck(iou_loss_forward, careless_iou_backward, boxes, others),
        ),
    ]


def points(seed: int) -> tuple[Any, Any, Any]:
    """A hundred points of a line, every other one measured well, and how well each was."""
    rng = np.random.default_rng(seed)
    x, noise = rng.uniform(-1, 1, (100, 1)), np.tile(NOISE, 50)[:, None]
    return x, SLOPE * x + INTERCEPT + noise * rng.standard_normal(x.shape), noise


def fit_line(x: Any, y: Any, weight: Any) -> Iterator[float]:
    """How far the line is off, as the root of its mean square over the points, after each step."""
    parameters = {"slope": np.zeros((1, 1)), "intercept": np.zeros(1)}
    state = sgd_init(parameters)
    for _ in range(LINE_STEPS):
        leaves = variables(parameters)
        line = x @ leaves["slope"] + leaves["intercept"]
        apply(weighted_mse_forward, weighted_mse_backward, line, y, weight).backward()
        parameters, state = sgd_update(data_of(leaves), gradients_of(leaves), state, lr=0.4)
        difference = x @ parameters["slope"] + parameters["intercept"] - (SLOPE * x + INTERCEPT)
        yield float(np.sqrt((difference**2).mean()))


def pictures(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """Features that say where a box is, its centre and the logarithms of its sides, and the box, large or small."""
    size = np.exp(rng.uniform(np.log(0.03), np.log(0.6), (count, 2)))
    centre = rng.uniform(size / 2, 1 - size / 2)
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    return np.concatenate([4 * centre - 2, np.log(size) + 2], axis=1), boxes


def predict(parameters: Any, features: Any) -> Any:
    """Corners from centres and sizes: x1, y1 = c - s / 2 and x2, y2 = c + s / 2.

    The sides are a softplus of what is linear in their logarithms, which cannot be right for large and small alike.
    """
    centre, size = (
        apply(ri.linear_forward, ri.linear_backward, features, **parameters[name]) for name in ("centre", "size")
    )
    size = apply(ri.softplus_forward, ri.softplus_backward, size, 5)
    return apply(ri.concatenate_forward, ri.concatenate_backward, [centre - size / 2, centre + size / 2], 1)


def mse(boxes: Any, target: Any) -> Any:
    return apply(ri.mse_loss_forward, ri.mse_loss_backward, boxes, target)


def iou_loss(boxes: Any, target: Any) -> Any:
    return apply(iou_loss_forward, iou_loss_backward, boxes, target)


def fit_boxes(loss: Callable[[Any, Any], Any], features: Any, boxes: Any) -> Iterator[dict[str, Any]]:
    """The parameters after each step. Every box starts in the middle and large: one that overlaps nothing would get
    no gradient from its intersection."""
    parameters = {
        name: {"weight": np.zeros((2, 4)), "bias": np.full(2, 0.5)} for name in ("centre", "size")
    }  # fmt: skip
    state = adam_init(parameters)
    for step in range(BOX_STEPS):
        leaves = variables(parameters)
        loss(predict(leaves, features), boxes).backward()
        lr = 0.05 * (1 - step / BOX_STEPS)
        parameters, state = adam_update(data_of(leaves), gradients_of(leaves), state, lr=lr)
        yield parameters


def measure(parameters: Any, features: Any, boxes: Any) -> dict[str, float]:
    """The root of the corners' mean square error, and the mean IoU of all boxes and of the small ones."""
    found = predict(parameters, features).data
    small = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) < SMALL
    overlaps = [1 - float(iou_loss_forward(found[kind], boxes[kind])[0]) for kind in (slice(None), small)]
    return {"error": float(np.sqrt(((found - boxes) ** 2).mean())), "all": overlaps[0], "small": overlaps[1]}


def compare_lines(seed: int, advance: Callable[[str], None]) -> dict[str, list[float]]:
    """By loss, how far the line is off after each step."""
    x, y, noise = points(seed)
    found: dict[str, list[float]] = {}
    for name, weight in (("MSE", np.ones_like(noise)), ("weighted MSE", noise**-2)):
        found[name] = []
        for error in fit_line(x, y, weight):
            found[name].append(error)
            advance(name)
    return found


def compare_boxes(seed: int, advance: Callable[[str], None]) -> dict[str, list[dict[str, float]]]:
    """By loss, what is measured after every tenth step on boxes that it was not trained on."""
    rng = np.random.default_rng(seed)
    training, test = pictures(rng, 256), pictures(rng, 400)
    found: dict[str, list[dict[str, float]]] = {}
    for name, loss in (("MSE", mse), ("IoU loss", iou_loss)):
        found[name] = []
        for step, parameters in enumerate(fit_boxes(loss, *training)):
            if step % 10 == 9:
                found[name].append(measure(parameters, *test))
            advance(name)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("custom_loss", __doc__, "the checks, the points and the boxes", arguments) as lesson:
        lesson.table(
            ("pair, checked", "largest difference", "verdict"),
            [(name, f"{report.difference:.0e}", report.verdict) for name, report in checks(lesson.seed)],
        )
        with lesson.progress(2 * (LINE_STEPS + BOX_STEPS)) as advance:
            lines = compare_lines(lesson.seed, advance)
            boxes = compare_boxes(lesson.seed, advance)
        lesson.line()
        lesson.table(
            ("line trained with", "off by"), [(name, f"{errors[-1]:.4f}") for name, errors in lines.items()]
        )  # fmt: skip
        lesson.line()
        lesson.table(
            ("boxes trained with", "error of corners", "IoU of all boxes", "IoU of small boxes"),
            [(name, *(f"{figure:.4f}" for figure in figures[-1].values())) for name, figures in boxes.items()],
        )
        lesson.plot(lambda figure: _draw(figure, lines, boxes), size=(8.0, 3.6))


def _draw(figure: Any, lines: dict[str, list[float]], boxes: dict[str, list[dict[str, float]]]) -> None:
    left, right = figure.subplots(1, 2)
    left.set(xlabel="step", ylabel="how far the line is off", yscale="log")
    right.set(xlabel="step", ylabel="mean IoU (dashed: of small boxes)", ylim=(0, 1))
    for color, (name, errors) in zip(PALETTE, lines.items(), strict=False):
        left.plot(range(1, LINE_STEPS + 1), errors, color=color, label=name)
    for color, (name, figures) in zip(PALETTE, boxes.items(), strict=False):
        for kind, style in (("all", "-"), ("small", "--")):
            label = name if kind == "all" else None
            right.plot(range(10, BOX_STEPS + 1, 10), [f[kind] for f in figures], style, color=color, label=label)
    left.legend(frameon=False)
    right.legend(frameon=False)


if __name__ == "__main__":
    main()
