"""The line y = 2x learnt from four points: a linear layer, the mean squared error, gradient descent.

The whole of training with pairs: forward, loss, backward through both, update. From the same initial weight and bias
the losses are PyTorch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from refimpl import Sequential, linear_backward, linear_forward, mse_loss_backward, mse_loss_forward
from refimpl.examples._lesson import open_lesson
from refimpl.optim import sgd_init, sgd_update

EPOCHS = 1000
X = np.array([[1.0], [2.0], [3.0], [4.0]])
Y = 2 * X
MODEL = Sequential({"linear": (linear_forward, linear_backward)})


def initial_parameters(seed: int) -> dict[str, Any]:
    """As torch.nn.Linear draws them: uniform within 1 / sqrt(the number of inputs), which is 1."""
    rng = np.random.default_rng(seed)
    return {"linear": {"weight": rng.uniform(-1, 1, (1, 1)), "bias": rng.uniform(-1, 1, 1)}}


def train(parameters: dict[str, Any], epochs: int = EPOCHS, lr: float = 0.01) -> Iterator[tuple[float, dict[str, Any]]]:
    """The loss before each epoch's update, and the parameters after it."""
    state = sgd_init(parameters)
    for _ in range(epochs):
        output, model_cache = MODEL.forward(X, parameters)
        loss, loss_cache = mse_loss_forward(output, Y)
        grad_output = mse_loss_backward(1.0, loss_cache)["input"]
        gradients = MODEL.backward(grad_output, model_cache)["parameters"]
        parameters, state = sgd_update(parameters, gradients, state, lr=lr)
        yield float(loss), parameters


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("linear_regression", __doc__, "the initial weight and bias", arguments) as lesson:
        parameters, losses = initial_parameters(lesson.seed), []
        with lesson.progress(EPOCHS) as advance:
            for epoch, (loss, trained) in enumerate(train(parameters)):
                parameters = trained
                losses.append(loss)
                if epoch % 100 == 0:
                    lesson.line(f"Epoch {epoch}, Loss: {loss:.6g}")
                advance(f"loss {loss:.3g}")
        weight, bias = parameters["linear"]["weight"].item(), parameters["linear"]["bias"].item()
        sign = "+" if bias >= 0 else "-"
        lesson.line(f"Learnt y = {weight:.4f} x {sign} {abs(bias):.4f}; the data are y = 2 x")

        def draw(figure: Any) -> None:
            axes = figure.add_subplot(xlabel="epoch", ylabel="mean squared error", yscale="log")
            axes.plot(losses)

        lesson.plot(draw)


if __name__ == "__main__":
    main()
