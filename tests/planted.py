"""Faults planted in correct pairs, and promises broken: what the checker has to find."""

import numpy as np

from refimpl import OPS

rng = np.random.default_rng(0)
SCORES, LABELS = rng.standard_normal((5, 4)), np.array([3, 0, 1, 1, 2])
WEIGHTS = np.array([0.5, 2.0, 1.5, 1.0])
X, W, B = rng.standard_normal((5, 3)), rng.standard_normal((4, 3)), rng.standard_normal(4)
SQUARE_X, SQUARE_W = rng.standard_normal((4, 4)), rng.standard_normal((4, 4))
PREDICTION, TARGET = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
THOUSAND = rng.standard_normal(1000)


def changed(name, change):
    """The op's pair with its gradients changed: change(gradients, grad_output, cache)."""
    op = OPS[name]

    def backward(grad_output, cache):
        gradients = op.backward(grad_output, cache)
        change(gradients, grad_output, cache)
        return gradients

    return op.forward, backward


def scaled(name, argument, factor):
    def change(gradients, grad_output, cache):
        gradients[argument] = gradients[argument] * factor

    return changed(name, change)


def replaced(name, argument, formula):
    def change(gradients, grad_output, cache):
        gradients[argument] = formula(np.asarray(grad_output), cache)

    return changed(name, change)


def nudged(name, argument, index, by):
    def change(gradients, grad_output, cache):
        gradients[argument] = gradients[argument].copy()
        gradients[argument][index] += by

    return changed(name, change)


def softmax_of(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def onehot(labels, classes=4):
    return np.eye(classes)[labels]


def stateful_mask():
    """relu whose backward uses the mask of the forward before: the mask is kept outside the cache."""
    masks = [np.ones((3, 4), dtype=bool)]

    def forward(input):
        masks.append(input > 0)
        return np.maximum(input, 0), len(masks)

    return forward, lambda grad_output, cache: {"input": grad_output * masks[0]}


def consumed_cache():
    """A backward that changes its cache: right the first time, wrong the second."""

    def backward(grad_output, cache):
        cache *= 2
        return {"input": grad_output * cache}

    return lambda input: (input**2, input.copy()), backward


def written_grad_output():
    def backward(grad_output, cache):
        grad_output *= cache
        return {"input": grad_output.copy()}

    return lambda input: (3 * input, 3.0), backward


def written_argument():
    def forward(input):
        input *= 2
        return input.copy(), None

    return forward, lambda grad_output, cache: {"input": 2 * grad_output}


# name: the pair, its arguments, and the argument whose gradient is wrong
FAULTS = {
    "a lost 1/N": (scaled("mse_loss", "input", 12), {"input": PREDICTION, "target": TARGET}, "input"),
    "a flipped sign": (scaled("mse_loss", "target", -1), {"input": PREDICTION, "target": TARGET}, "target"),
    "a lost factor 2": (scaled("mse_loss", "input", 0.5), {"input": PREDICTION, "target": TARGET}, "input"),
    "a square weight not transposed": (
        replaced("linear", "input", lambda g, cache: g @ cache.weight.T),
        {"input": SQUARE_X, "weight": SQUARE_W},
        "input",
    ),
    "a square weight's gradient transposed": (
        replaced("linear", "weight", lambda g, cache: cache.input.T @ g),
        {"input": SQUARE_X, "weight": SQUARE_W},
        "weight",
    ),
    "a bias summed over the wrong axis": (
        replaced("linear", "bias", lambda g, cache: g.sum(axis=1)),
        {"input": SQUARE_X, "weight": SQUARE_W, "bias": B},
        "bias",
    ),
    "a bias averaged, not summed": (scaled("linear", "bias", 1 / 5), {"input": X, "weight": W, "bias": B}, "bias"),
    "the softmax projection forgotten": (
        replaced("softmax", "input", lambda g, cache: softmax_of(cache.input) * g),
        {"input": SCORES, "dim": 1},
        "input",
    ),
    "the softmax projected along the other axis": (
        replaced(
            "softmax",
            "input",
            lambda g, cache: softmax_of(cache.input) * (g - (g * softmax_of(cache.input)).sum(axis=0)),
        ),
        {"input": SCORES, "dim": 1},
        "input",
    ),
    "log_softmax without the sum of g": (
        replaced("log_softmax", "input", lambda g, cache: g - softmax_of(cache.input)),
        {"input": SCORES, "dim": 1},
        "input",
    ),
    "the label's one on the wrong row": (
        replaced("cross_entropy", "input", lambda g, c: g * (softmax_of(c.input) - np.roll(onehot(LABELS), 1, 0)) / 5),
        {"input": SCORES, "target": LABELS},
        "input",
    ),
    "a weighted mean over the number of rows": (
        replaced(
            "cross_entropy",
            "input",
            lambda g, c: g * WEIGHTS[LABELS, None] * (softmax_of(c.input) - onehot(LABELS)) / len(LABELS),
        ),
        {"input": SCORES, "target": LABELS, "weight": WEIGHTS},
        "input",
    ),
    "ignored rows that still pull": (
        replaced("cross_entropy", "input", lambda g, c: g * (softmax_of(c.input) - onehot(LABELS)) / 4),
        {"input": SCORES, "target": np.where(LABELS == 0, -100, LABELS)},
        "input",
    ),
    "label smoothing forgotten in the gradient": (
        replaced("cross_entropy", "input", lambda g, c: g * (softmax_of(c.input) - onehot(LABELS)) / 5),
        {"input": SCORES, "target": LABELS, "label_smoothing": 0.1},
        "input",
    ),
    "the divisor's share of the weight's gradient forgotten": (
        replaced("mse_loss", "weight", lambda g, c: g * (c.input - c.target) ** 2 / c.weight.sum()),
        {"input": PREDICTION, "target": TARGET, "weight": np.abs(TARGET)},
        "weight",
    ),
    "the reduction's gradient not passed on": (
        replaced("l1_loss", "input", lambda g, c: np.sign(c.input - c.target) / 12),
        {"input": PREDICTION, "target": TARGET},
        "input",
    ),
    "a constant wrong in the sixth digit": (scaled("tanh", "input", 1 + 1e-6), {"input": X}, "input"),
    "one wrong element in a thousand": (nudged("sigmoid", "input", 617, 1e-6), {"input": THOUSAND}, "input"),
    "one lost element of a weight": (nudged("linear", "weight", (3, 2), -1.0), {"input": X, "weight": W}, "weight"),
    "the derivative of the wrong branch": (
        replaced("relu", "input", lambda g, c: g * (c.input < 0)),
        {"input": PREDICTION},
        "input",
    ),
    "a mask from another call": (stateful_mask(), {"input": PREDICTION}, "input"),
    "y (1 + y) for y (1 - y)": (
        replaced("sigmoid", "input", lambda g, c: g / (1 + np.exp(-c.input)) * (1 + 1 / (1 + np.exp(-c.input)))),
        {"input": X},
        "input",
    ),
    "a gradient of zero": (scaled("nll_loss", "input", 0.0), {"input": SCORES, "target": LABELS}, "input"),
    "a gradient that is not a number": (nudged("tanh", "input", (0, 0), np.nan), {"input": X}, "input"),
    "NaN for a gradient of zero": (scaled("relu", "input", np.nan), {"input": -np.abs(X)}, "input"),
    "a gradient added up twice": (scaled("linear", "weight", 2.0), {"input": X, "weight": W}, "weight"),
}
PROMISES = {
    "a mutated cache": (consumed_cache(), "backward called a second time answers differently: it changes its cache"),
    "a mutated grad_output": (written_grad_output(), "backward writes to grad_output"),
    "a mutated argument": (written_argument(), "forward writes to its arguments"),
}
