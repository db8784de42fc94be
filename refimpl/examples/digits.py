"""Handwritten digits of 8 x 8 pixels: an MLP and a small convolutional net read them, and which digits they confuse.

The 1797 digits are real and come with scikit-learn (extra `examples`). A fifth of them is held out, and neither net
sees it in training. Both are trained by AdamW on the cross entropy with smoothed labels, and with dropout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import refimpl as ri
from refimpl import init
from refimpl.examples._lesson import PALETTE, needed, open_lesson
from refimpl.optim import adamw_init, adamw_update, cosine_annealing_lr

HELD_OUT, BATCH, SMOOTHING = 360, 64, 0.1
LINEAR = ri.linear_forward, ri.linear_backward
RELU = ri.relu_forward, ri.relu_backward
CONV = ri.conv2d_forward, ri.conv2d_backward, {"padding": 1}
POOL = ri.max_pool2d_forward, ri.max_pool2d_backward, {"kernel_size": 2}


def flat(size: int) -> tuple[Any, ...]:
    return ri.reshape_forward, ri.reshape_backward, {"shape": (-1, size)}


def dropout(p: float) -> tuple[Any, ...]:
    return ri.dropout_forward, ri.dropout_backward, {"p": p}


class Net(NamedTuple):
    model: ri.Sequential
    weights: dict[str, tuple[int, ...]]  # the shape of each layer's weight
    epochs: int
    learning_rate: float


NETS = {
    "MLP": Net(
        ri.Sequential(
            {
                "pixels": flat(64),
                "dropout_0": dropout(0.1),
                "linear_1": LINEAR,
                "relu_1": RELU,
                "dropout_1": dropout(0.3),
                "linear_2": LINEAR,
                "relu_2": RELU,
                "dropout_2": dropout(0.3),
                "scores": LINEAR,
            }
        ),
        {"linear_1": (256, 64), "linear_2": (256, 256), "scores": (10, 256)},
        epochs=20,
        learning_rate=0.004,
    ),
    "convolutional": Net(
        ri.Sequential(
            {
                "conv_1": CONV,  # 32 maps of 8 x 8
                "relu_1": RELU,
                "pool": POOL,  # 4 x 4
                "conv_2": CONV,  # 64 maps of 4 x 4
                "relu_2": RELU,
                "features": flat(64 * 4 * 4),
                "dropout": dropout(0.5),
                "scores": LINEAR,
            }
        ),
        {"conv_1": (32, 1, 3, 3), "conv_2": (64, 32, 3, 3), "scores": (10, 64 * 4 * 4)},
        epochs=12,
        learning_rate=0.003,
    ),
}


class Digits(NamedTuple):
    images: Any  # (N, 1, 8, 8), from 0 to 1
    labels: Any  # (N,)


def load(seed: int) -> tuple[Digits, Digits]:
    """The digits to train on, and those held out."""
    bundle = needed("sklearn.datasets", "scikit-learn", "examples").load_digits()
    images, labels = (bundle.images[:, None] / 16).astype(np.float32), bundle.target
    order = np.random.default_rng(seed).permutation(len(labels))
    training, test = order[HELD_OUT:], order[:HELD_OUT]
    return Digits(images[training], labels[training]), Digits(images[test], labels[test])


def initial_parameters(net: Net, rng: np.random.Generator) -> dict[str, Any]:
    return {
        name: {
            "weight": init.kaiming_normal(shape, nonlinearity="relu", rng=rng, dtype=np.float32),
            "bias": np.zeros(shape[0], np.float32),
        }
        for name, shape in net.weights.items()
    }


def train(net: Net, digits: Digits, seed: int) -> Iterator[tuple[float, dict[str, Any]]]:
    """After each epoch the mean loss of its batches, and the parameters."""
    rng = np.random.default_rng([seed, 1])
    parameters = initial_parameters(net, rng)
    state, step = adamw_init(parameters), 0
    batches = len(digits.labels) // BATCH
    for _ in range(net.epochs):
        losses, order = [], rng.permutation(len(digits.labels))
        for some in np.split(order[: batches * BATCH], batches):
            scores, cache = net.model.forward(digits.images[some], parameters, training=True, rng=rng)
            loss, loss_cache = ri.cross_entropy_forward(scores, digits.labels[some], label_smoothing=SMOOTHING)
            grad_scores = ri.cross_entropy_backward(1.0, loss_cache)["input"]
            gradients = net.model.backward(grad_scores, cache)["parameters"]
            lr = cosine_annealing_lr(step, net.learning_rate, net.epochs * batches)
            parameters, state = adamw_update(parameters, gradients, state, lr=lr)
            losses.append(float(loss))
            step += 1
        yield float(np.mean(losses)), parameters


def read(net: Net, parameters: dict[str, Any], images: Any) -> Any:
    """The digit with the highest score, for each image."""
    scores, _ = net.model.forward(images, parameters, training=False)
    return scores.argmax(axis=1)


def misreadings(labels: Any, answers: Any) -> dict[int, str]:
    """By digit, what else it was read as, and how often where more than once, most often first."""
    wrong: dict[int, Counter[int]] = {}
    for label, answer in zip(labels.tolist(), answers.tolist(), strict=True):
        if label != answer:
            wrong.setdefault(label, Counter())[answer] += 1
    return {
        label: ", ".join(
            f"{answer}" if count == 1 else f"{answer} ({count} times)"
            for answer, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        )
        for label, counts in sorted(wrong.items())
    }


class Trained(NamedTuple):
    curve: list[float]  # the accuracy on what was held out, after each epoch
    training: float  # the accuracy on what was trained on, at the end
    answers: Any  # to what was held out, at the end


def learn(net: Net, digits: Digits, held_out: Digits, seed: int, advance: Callable[[str], None]) -> Trained:
    curve: list[float] = []
    answers: Any = None
    parameters: dict[str, Any] = {}
    for loss, parameters in train(net, digits, seed):
        answers = read(net, parameters, held_out.images)
        curve.append(float((answers == held_out.labels).mean()))
        advance(f"loss {loss:.3f}, held out {curve[-1]:.1%}")
    training = float((read(net, parameters, digits.images) == digits.labels).mean())
    return Trained(curve, training, answers)


def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("digits", __doc__, "the split, the weights, the batches, dropout", arguments) as lesson:
        digits, held_out = load(lesson.seed)
        lesson.line(f"{len(digits.labels)} digits to train on, {len(held_out.labels)} held out")
        with lesson.progress(sum(net.epochs for net in NETS.values())) as advance:
            found = {name: learn(net, digits, held_out, lesson.seed, advance) for name, net in NETS.items()}
        lesson.line()
        rows = []
        for name, net in NETS.items():
            numbers = sum(int(np.prod(shape)) + shape[0] for shape in net.weights.values())
            wrong = (found[name].answers != held_out.labels).sum()
            rows.append((name, f"{numbers}", f"{found[name].training:.1%}", f"{found[name].curve[-1]:.1%}", f"{wrong}"))
        lesson.table(("net", "parameters", "right in training", "right held out", "misread"), rows)
        lesson.line()
        wrong = {name: misreadings(held_out.labels, trained.answers) for name, trained in found.items()}
        confused = sorted({digit for each in wrong.values() for digit in each})
        rows = [(f"{digit}", *(each.get(digit, "-") for each in wrong.values())) for digit in confused]
        lesson.table(("digit", *(f"{name} read" for name in wrong)), rows)
        lesson.plot(lambda figure: _draw(figure, held_out, found), size=(9.0, 3.6))


def _draw(figure: Any, held_out: Digits, found: dict[str, Trained]) -> None:
    """The accuracy over the epochs, and digits that were misread."""
    left, right = figure.subfigures(1, 2)
    axes = left.add_subplot(xlabel="epoch", ylabel="right, of those held out", ylim=(0.9, 1), xticks=range(0, 21, 5))
    for name, trained in found.items():
        axes.plot(range(1, len(trained.curve) + 1), trained.curve, label=name)
    axes.legend(frameon=False)
    for row, trained, color in zip(right.subplots(2, 5), found.values(), PALETTE, strict=False):
        wrong = np.flatnonzero(trained.answers != held_out.labels)
        for place, i in zip(row, wrong, strict=False):
            place.imshow(held_out.images[i, 0], cmap="gray_r")
            place.set_title(f"{held_out.labels[i]} read as {trained.answers[i]}", fontsize=8, color=color)
    for place in right.axes:
        place.set_axis_off()


if __name__ == "__main__":
    main()
