"""The chain rule through W2 s(W1 x): every gradient by hand, by the pairs and by the graph, the same numbers.

A network of two layers with a sigmoid between them and half the squared error behind it, for one input. Each gradient
is computed three times: written out in NumPy, chained from the pairs' backwards, and left by the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import refimpl as ri
from refimpl.examples._lesson import PALETTE, open_lesson
from refimpl.graph import apply, variables

FEATURES, HIDDEN, OUTPUTS = 3, 2, 2
RULES = {  # in the order in which the chain rule comes upon them, with gy for dL/dy
    "y": "y - t",
    "W2": "gy h^T",
    "h": "W2^T gy",
    "z": "gh h (1 - h)",
    "W1": "gz x^T",
    "x": "W1^T gz",
}


def problem(seed: int) -> tuple[dict[str, Any], Any]:
    """W1, W2 and x, of one decimal so that they can be typed in and never 0, and the target."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return rng.choice([-1, 1], shape) * rng.integers(1, 21, shape) / 10

    return {"W1": draw(HIDDEN, FEATURES), "W2": draw(OUTPUTS, HIDDEN), "x": draw(FEATURES)}, draw(OUTPUTS)


def loss(W1: Any, W2: Any, x: Any, target: Any) -> Any:
    h = 1 / (1 + np.exp(-(W1 @ x)))
    return ((W2 @ h - target) ** 2).sum() / 2


def by_hand(W1: Any, W2: Any, x: Any, target: Any) -> dict[str, Any]:
    """The chain rule, written out."""
    z = W1 @ x
    h = 1 / (1 + np.exp(-z))
    y = W2 @ h

    grad_y = y - target
    grad_W2 = np.outer(grad_y, h)
    grad_h = W2.T @ grad_y
    grad_z = grad_h * h * (1 - h)
    grad_W1 = np.outer(grad_z, x)
    grad_x = W1.T @ grad_z
    return {"y": grad_y, "W2": grad_W2, "h": grad_h, "z": grad_z, "W1": grad_W1, "x": grad_x}


def by_pairs(W1: Any, W2: Any, x: Any, target: Any) -> dict[str, Any]:
    """The same from the backwards, each with the cache of its forward."""
    z, first = ri.linear_forward(x, W1)
    h, squashed = ri.sigmoid_forward(z)
    y, second = ri.linear_forward(h, W2)
    _, error = ri.mse_loss_forward(y, target, reduction="sum")

    grad_y = ri.mse_loss_backward(1 / 2, error)["input"]
    outer = ri.linear_backward(grad_y, second)
    grad_z = ri.sigmoid_backward(outer["input"], squashed)["input"]
    inner = ri.linear_backward(grad_z, first)
    return {
        "y": grad_y, "W2": outer["weight"], "h": outer["input"], "z": grad_z, "W1": inner["weight"], "x": inner["input"]
    }  # fmt: skip


def by_graph(W1: Any, W2: Any, x: Any, target: Any) -> dict[str, Any]:
    """The same, recorded while it is computed. Only leaves get a gradient: W1, W2 and x."""
    leaves = variables({"W1": W1, "W2": W2, "x": x})
    h = apply(ri.sigmoid_forward, ri.sigmoid_backward, leaves["W1"] @ leaves["x"])
    e = leaves["W2"] @ h - target
    ((e * e).sum() / 2).backward()
    return {name: leaf.grad for name, leaf in leaves.items()}


def by_differences(target: Any, step: float = 1e-5, **arrays: Any) -> dict[str, Any]:
    """Central differences of the loss, entry by entry: the witness that knows no chain rule."""
    gradients = {}
    for name, array in arrays.items():
        slopes = np.empty(array.shape)
        for where in np.ndindex(array.shape):
            up, down = ({**arrays, name: array.copy()} for _ in range(2))
            up[name][where] += step
            down[name][where] -= step
            slopes[where] = (loss(**up, target=target) - loss(**down, target=target)) / (2 * step)
        gradients[name] = slopes
    return gradients


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("two_layer_network", __doc__, "the weights, the input and the target", arguments) as lesson:
        arrays, target = problem(lesson.seed)
        lesson.heading("L = |W2 s(W1 x) - t|^2 / 2")
        for name, array in {**arrays, "t": target}.items():
            lesson.line(f"{name:2} = {array.tolist()}")
        lesson.line(f"L  = {loss(**arrays, target=target):.10f}")
        lesson.line()

        ways: dict[str, Any] = {
            "by hand": by_hand,
            "by the pairs": by_pairs,
            "by the graph": by_graph,
            "by differences": by_differences,
        }
        found: dict[str, dict[str, Any]] = {}
        with lesson.progress(len(ways)) as advance:
            for way, compute in ways.items():
                found[way] = compute(**arrays, target=target)
                advance(way)
        rows = []
        for name, rule in RULES.items():
            for where in np.ndindex(found["by hand"][name].shape):
                label = f"dL/d{name}{list(where)}"
                figures = (f"{grads[name][where]:.10f}" if name in grads else "-" for grads in found.values())
                rows.append([label if any(where) else f"{label:12}  {rule}", *figures])
        lesson.table(("gradient      rule", *found), rows)
        lesson.line()
        for way in ("by the pairs", "by the graph", "by differences"):
            difference = max(np.abs(grad - found["by hand"][name]).max() for name, grad in found[way].items())
            lesson.line(f"Largest difference {way} from those by hand: {difference:.0e}")
        lesson.plot(lambda figure: _draw(figure, found))


def _draw(figure: Any, found: dict[str, dict[str, Any]]) -> None:
    """Each gradient of a leaf: bars by hand, marks for the others."""
    axes = figure.add_subplot(ylabel="gradient")
    names = ("W1", "W2", "x")
    flat = {way: np.concatenate([gradients[name].ravel() for name in names]) for way, gradients in found.items()}
    labels = [f"{name}{list(where)}" for name in names for where in np.ndindex(found["by hand"][name].shape)]
    axes.bar(labels, flat["by hand"], color="#cbd5e1", label="by hand")
    marks = {"by the pairs": ("o", 10), "by the graph": ("s", 6), "by differences": (".", 4)}
    for (way, (marker, size)), color in zip(marks.items(), PALETTE, strict=False):
        axes.plot(labels, flat[way], marker, markersize=size, fillstyle="none", color=color, label=way)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.tick_params(axis="x", rotation=60)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
