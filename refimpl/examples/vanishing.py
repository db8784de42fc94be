"""Gradients that vanish with depth: their norm per layer for sigmoid, tanh and relu, and what keeps it up.

Twenty layers, each a product with a matrix and an activation. The gradient enters at the top with norm 1 and is
followed down: with weights that are small, with weights drawn to the scale that the activation needs, and with the
small ones again but a batch normalization in each layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import refimpl as ri
from refimpl import init
from refimpl.examples._lesson import PALETTE, open_lesson

DEPTH, WIDTH, BATCH = 20, 100, 100
SMALL = 0.05  # the standard deviation of small weights: half of 1 / sqrt(WIDTH)
ACTIVATIONS: dict[str, Any] = {
    "sigmoid": (ri.sigmoid_forward, ri.sigmoid_backward),
    "tanh": (ri.tanh_forward, ri.tanh_backward),
    "relu": (ri.relu_forward, ri.relu_backward),
}
REMEDIES = ("small weights", "scaled weights", "small, normalized")
SHOWN = (20, 15, 10, 5, 1)


def draw_weight(activation: str, remedy: str, rng: np.random.Generator) -> Any:
    """Glorot's weights for the activations that are symmetric, or nearly so, He's for relu; or small ones."""
    shape = (WIDTH, WIDTH)
    if remedy != "scaled weights":
        return init.normal(shape, std=SMALL, rng=rng)
    if activation == "relu":
        return init.kaiming_normal(shape, nonlinearity="relu", rng=rng)
    return init.xavier_normal(shape, gain=init.calculate_gain(activation), rng=rng)


def gradient_norms(activation: str, remedy: str, seed: int) -> list[float]:
    """The norm of the gradient in what each layer is given, first layer first; at the top it is 1."""
    rng = np.random.default_rng(seed)
    forward, backward = ACTIVATIONS[activation]
    h: Any = rng.standard_normal((BATCH, WIDTH))
    caches: list[Any] = []
    for _ in range(DEPTH):
        z, product = ri.linear_forward(h, draw_weight(activation, remedy, rng))
        normalized = None
        if remedy == "small, normalized":
            z, normalized = ri.batch_norm_forward(z, None, None, training=True)
        h, squashed = forward(z)
        caches.append((product, normalized, squashed))

    g: Any = rng.standard_normal(h.shape)
    g, norms = g / np.linalg.norm(g), []
    for product, normalized, squashed in reversed(caches):
        g = backward(g, squashed)["input"]
        if normalized is not None:
            g = ri.batch_norm_backward(g, normalized)["input"]
        g = ri.linear_backward(g, product)["input"]
        norms.append(float(np.linalg.norm(g)))
    return norms[::-1]


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("vanishing", __doc__, "the weights, the inputs and the gradient", arguments) as lesson:
        found = {}
        with lesson.progress(len(ACTIVATIONS) * len(REMEDIES)) as advance:
            for activation in ACTIVATIONS:
                for remedy in REMEDIES:
                    found[activation, remedy] = gradient_norms(activation, remedy, lesson.seed)
                    advance(f"{activation}, {remedy}")
        lesson.heading("Norm of the gradient below a layer; above the last it is 1")
        rows = [
            [
                f"{activation:8} {remedy}",
                *(f"{norms[layer - 1]:.1e}" for layer in SHOWN),
                f"{(norms[0] / norms[-1]) ** (1 / (DEPTH - 1)):.2f}",
            ]
            for (activation, remedy), norms in found.items()
        ]
        lesson.table(("activation and weights", *(f"layer {layer}" for layer in SHOWN), "factor per layer"), rows)
        lesson.plot(lambda figure: _draw(figure, found), size=(9.0, 3.4))


def _draw(figure: Any, found: dict[tuple[str, str], list[float]]) -> None:
    for axes, activation in zip(figure.subplots(1, len(ACTIVATIONS), sharey=True), ACTIVATIONS, strict=True):
        axes.set(title=activation, xlabel="layer", yscale="log", xlim=(DEPTH, 1))
        for remedy, color in zip(REMEDIES, PALETTE, strict=False):
            axes.plot(range(1, DEPTH + 1), found[activation, remedy], color=color, label=remedy)
    figure.axes[0].set_ylabel("norm of the gradient")
    figure.axes[0].legend(frameon=False)


if __name__ == "__main__":
    main()
