"""Faults of every kind, planted in ops of the catalog: the table that the diagnosis is held to."""

import functools
from typing import Any, NamedTuple

import numpy as np
from planted import softmax_of

from refimpl import OPS

rng = np.random.default_rng(5)


def normal(*shape):
    return rng.standard_normal(shape)


def away(*shape):
    """Of both signs, no element near 0 or 1."""
    return rng.choice([-1.0, 1.0], shape) * rng.uniform(0.2, 0.8, shape) * rng.choice([1.0, 3.0], shape)


X, W, B = normal(5, 3), normal(4, 3), normal(4)
IMAGE, KERNEL = normal(2, 2, 3, 3), normal(2, 2, 2, 2)
LABELS, WORDS = np.array([3, 0, 1, 1, 2]), np.array([[1, 4, 1], [2, 0, 1]])
GIVEN = {
    "add": {"input": normal(4, 5), "other": normal(5)},

    "batch_norm": {
        "input": normal(3, 2, 4), "running_mean": None, "running_var": None, "weight": normal(2), "bias": normal(2),
        "training": True,
    },
    "bilinear": {"input1": normal(5, 3), "input2": normal(5, 3), "weight": normal(4, 3, 3), "bias": normal(4)},
    "binary_cross_entropy": {
        "input": rng.uniform(0.1, 0.9, (4, 3)), "target": rng.uniform(0, 1, (4, 3)),
        "weight": rng.uniform(1, 2, (4, 3)), "reduction": "none",
    },
    "conv1d": {"input": normal(2, 2, 5), "weight": normal(3, 2, 3), "bias": normal(3)},
    "conv2d": {"input": IMAGE, "weight": KERNEL, "bias": normal(2)},
    "conv_transpose1d": {"input": normal(2, 2, 4), "weight": normal(2, 2, 3), "bias": normal(2)},
    "cosine_similarity": {"x1": normal(4, 3), "x2": normal(4, 3)},
    "cross_entropy": {"input": normal(5, 4), "target": LABELS},
    "ignoring": {"input": normal(5, 4), "target": np.where(LABELS == 1, -100, LABELS)},
    "dropout": {"input": normal(4, 5), "p": 0.3, "rng": 3},
    "einsum": {"equation": "ij,jk->ik", "operand1": normal(4, 4), "operand2": normal(4, 4)},
    "embedding": {"input": WORDS, "weight": normal(6, 4)},
    "group_norm": {"input": normal(2, 4, 3), "num_groups": 2},
    "hardtanh": {"input": away(4, 5)},
    "huber_loss": {
        "input": 2 * normal(4, 3), "target": normal(4, 3), "weight": rng.uniform(1, 2, (4, 3)), "reduction": "none",
    },
    "instance_norm": {"input": normal(2, 2, 5)},
    "l1_loss": {
        "input": normal(4, 3), "target": normal(4, 3), "weight": rng.uniform(1, 2, (4, 3)), "reduction": "none",
    },
    "layer_norm": {"input": normal(5, 4), "normalized_shape": (4,), "weight": normal(4), "bias": normal(4)},
    "linear": {"input": X, "weight": W, "bias": B},
    "square": {"input": normal(4, 4), "weight": normal(4, 4), "bias": normal(4)},
    "matmul": {"input": normal(4, 4), "other": normal(4, 4)},
    "max_pool1d": {"input": normal(2, 2, 6), "kernel_size": 2},
    "mse_loss": {"input": normal(3, 4), "target": normal(3, 4)},
    "weighted": {
        "input": normal(4, 3), "target": normal(4, 3), "weight": rng.uniform(1, 2, (4, 3)), "reduction": "none",
    },
    "multiply": {"input": normal(4, 5), "other": normal(5)},
    "pairwise": {"input": normal(4, 5), "other": normal(4, 5)},
    "nll_loss": {"input": normal(5, 4), "target": LABELS},
    "pad": {"input": normal(3, 5), "pad": (1, 2)},
    "prelu": {"input": away(4, 3, 2), "weight": rng.uniform(0.1, 0.4, 3)},
    "rms_norm": {"input": normal(5, 4), "normalized_shape": (4,), "weight": normal(4)},
    "softmax": {"input": normal(5, 4), "dim": 1},
    "transpose": {"input": normal(3, 4), "dim0": 0, "dim1": 1},
}  # fmt: skip
ELEMENTWISE = {"input": away(4, 5)}
SMALL = {  # for what is not about single numbers
    "tanh": {"input": away(3)},
    "linear": {"input": normal(2, 3), "weight": normal(2, 3)},
    "softmax": {"input": normal(2, 3), "dim": 1},
    "conv1d": {"input": normal(1, 1, 4), "weight": normal(1, 1, 2)},
    "matmul": {"input": normal(2, 2), "other": normal(2, 2)},
    "mse_loss": {"input": normal(2, 2), "target": normal(2, 2)},
}
TIED = np.array([[1.0, 1.0, 3.0, 2.0], [0.5, 0.2, 0.7, 0.7]])


class Planted(NamedTuple):
    kind: str
    op: str
    argument: str  # whose gradient is made wrong; "" for the pair
    change: Any  # (gradient, grad_output, the arguments) -> the wrong gradient; for the pair: pair -> pair
    words: str  # in the message
    given: Any = None  # the arguments: a key of GIVEN, or themselves

    @property
    def arguments(self):
        if isinstance(self.given, dict):
            return self.given
        if not self.argument and self.op in SMALL:
            return SMALL[self.op]
        return GIVEN.get(self.given or self.op, ELEMENTWISE)

    @property
    def pair(self):
        op = OPS[self.op]
        if not self.argument:
            return self.change(op.forward, op.backward)

        def backward(grad_output, cache):
            gradients = op.backward(grad_output, cache)
            changed = self.change(gradients[self.argument].copy(), np.asarray(grad_output), self.arguments)
            return gradients | {self.argument: np.asarray(changed)}

        return op.forward, backward


def times(factor):
    return lambda d, g, a: factor * d


def setting(index, value):
    def change(d, g, a):
        d[index] = value
        return d

    return change


def adding(index, value):
    def change(d, g, a):
        d[index] += value
        return d

    return change


def order(*axes):
    return lambda d, g, a: d.transpose(axes)


def mean_left_out(axes):
    """The projection that takes the mean out, undone: a constant is added along the axes."""
    return lambda d, g, a: (
        d
        + (1 + np.arange(d.size // np.prod([d.shape[i] for i in axes]))).reshape(
            [1 if i in axes else n for i, n in enumerate(d.shape)]
        )
    )


def along_itself(name, axis=-1):
    """The projection that takes out the argument's own direction, undone."""
    return lambda d, g, a: d + a[name] * (a[name] * d.std()).sum(axis=axis, keepdims=True)


def doubled_where(mask):
    return lambda d, g, a: np.where(mask(a), 2 * d, d)


def by_words(d, g, a):
    """grad[index] += g, which counts a repeated index once."""
    wrong = np.zeros_like(d)
    wrong[a["input"]] += g
    return wrong


def in_single(forward, backward):
    """A forward that computes in float32."""

    def rounded(*args, **options):
        output, cache = forward(*args, **options)
        return np.asarray(output).astype(np.float32).astype(np.float64), cache

    return functools.wraps(forward)(rounded), backward


def answering_in_single(forward, backward):
    """A backward that rounds to float32."""

    def rounded(g, cache):
        return {name: np.asarray(d, dtype=np.float32).astype(np.float64) for name, d in backward(g, cache).items()}

    return forward, rounded


def noisy(forward, backward):
    noise = np.random.default_rng(0)

    def random(*args, **options):
        output, cache = forward(*args, **options)
        return output * (1 + 1e-3 * noise.random()), cache

    return functools.wraps(forward)(random), backward


def writing_forward(forward, backward):
    def writing(*args, **options):
        first = args[0] if args else next(iter(options.values()))
        answer = forward(*args, **options)
        first += 1.0
        return answer

    return functools.wraps(forward)(writing), backward


def writing_backward(forward, backward):
    def writing(g, cache):
        gradients = backward(g, cache)
        g *= 2.0
        return gradients

    return forward, writing


def writing_through_the_cache(forward, backward):
    kept = []

    def keeping(*args, **options):
        kept.append(args[0] if args else next(iter(options.values())))
        return forward(*args, **options)

    def writing(g, cache):
        gradients = {name: d.copy() for name, d in backward(g, cache).items()}
        kept[0] += 1.0
        return gradients

    return functools.wraps(forward)(keeping), writing


def adding_up(forward, backward):
    """A backward that adds to the gradients of the calls before."""
    kept: dict[str, Any] = {}

    def summing(g, cache):
        for name, d in backward(g, cache).items():
            kept[name] = kept.get(name, 0) + d
        return kept

    def fresh(*args, **options):
        kept.clear()
        return forward(*args, **options)

    return functools.wraps(forward)(fresh), summing


def fading(forward, backward):
    """A backward that consumes what it kept: it answers 0 when it is called again."""
    calls = [0]

    def fade(g, cache):
        calls[0] += 1
        return {name: d * (calls[0] == 1) for name, d in backward(g, cache).items()}

    return forward, fade


def unlike(d, g, a):
    return np.sin(3 * np.arange(d.size)).reshape(d.shape) * d + 0.3 * np.cos(np.arange(d.size) ** 2).reshape(d.shape)


def no_number(d, g, a):
    d.reshape(-1)[1] = np.nan
    return d


PLANTED = [
    # a constant factor, and what it equals
    Planted("factor", "mse_loss", "input", times(12), "12 = the number of elements of input"),
    Planted("factor", "cross_entropy", "input", times(1 / 4), "1/4, 4 = the number of classes"),
    Planted("factor", "tanh", "input", times(-1), "the sign is flipped"),
    Planted("factor", "linear", "bias", times(1 / 5), "1/5, 5 = the extent of axis 0 of input"),
    Planted("factor", "sigmoid", "input", times(2), "a factor 2 too much"),
    Planted("factor", "silu", "input", times(0.5), "a lost factor 2"),
    Planted("factor", "dropout", "input", times(0.7), "1 - p, p = 0.3"),
    Planted("factor", "layer_norm", "input", times(-2), "-2 times the derivative: the sign is flipped, and a factor 2"),
    Planted("factor", "softplus", "input", times(1.000001), "1.000001 times the derivative, in every element"),
    Planted("factor", "nll_loss", "input", times(5), "5 = the extent of axis 0 of input"),
    Planted("factor", "matmul", "input", times(0.5), "a lost factor 2"),
    # transposed
    Planted("transpose", "linear", "weight", order(1, 0), "the transpose of the derivative", "square"),
    Planted("transpose", "linear", "weight", order(1, 0), "shape (3, 4), and it must be (4, 3)"),
    Planted("transpose", "linear", "input", lambda d, g, a: g @ a["weight"].T, "grad_output @ weight.T", "square"),
    Planted("transpose", "matmul", "other", lambda d, g, a: a["input"] @ g, "this is input @ grad_output"),
    Planted("transpose", "einsum", "operand2", order(1, 0), "the transpose of the derivative"),
    Planted("transpose", "bilinear", "weight", order(0, 2, 1), "axes 1, 2 exchanged"),
    Planted("transpose", "transpose", "input", order(1, 0), "shape (4, 3)"),
    Planted("transpose", "cdist", "x1", order(1, 0), "shape (2, 4)", {"x1": normal(4, 2), "x2": normal(3, 2)}),
    # axes
    Planted("axis", "conv2d", "weight", order(1, 0, 2, 3), "its axes in the order (1, 0, 2, 3)"),
    Planted("axis", "conv1d", "weight", lambda d, g, a: d[..., ::-1], "axis 2 reversed"),
    Planted("axis", "linear", "bias", lambda d, g, a: g.sum(axis=1), "grad_output summed over axis 1", "square"),
    Planted("axis", "conv_transpose1d", "weight", order(1, 0, 2), "its axes in the order (1, 0, 2)"),
    Planted("axis", "pad", "input", lambda d, g, a: np.roll(d, 1, 1), "axis 1 shifted by 1"),
    Planted("axis", "add", "other", lambda d, g, a: g[0], "entry 0 of grad_output along axis 0"),
    Planted("axis", "softmax", "input", lambda d, g, a: d.T.reshape(d.shape), "reshaped"),
    Planted("axis", "batch_norm", "input", order(2, 0, 1), "shape (4, 3, 2), and it must be (3, 2, 4)"),
    # a missing sum
    Planted("broadcast", "linear", "bias", lambda d, g, a: g, "the sum over axis 0 is missing"),
    Planted("broadcast", "add", "other", lambda d, g, a: g, "along which other is broadcast"),
    Planted("broadcast", "multiply", "other", lambda d, g, a: g * a["input"], "the sum over axis 0 is missing"),
    Planted("broadcast", "layer_norm", "bias", lambda d, g, a: g, "shape (5, 4), and summed it is right"),
    Planted("broadcast", "batch_norm", "bias", lambda d, g, a: g.sum(axis=2), "the sum over axis 0 is missing"),
    Planted("broadcast", "batch_norm", "bias", lambda d, g, a: g, "the sum over axes 0, 2 is missing"),
    Planted("broadcast", "conv2d", "bias", lambda d, g, a: g, "the sum over axes 0, 2, 3 is missing"),
    Planted("broadcast", "prelu", "weight", lambda d, g, a: g * np.minimum(a["input"], 0), "over axes 0, 2 is missing"),
    # other wrong shapes
    Planted("shape", "linear", "bias", lambda d, g, a: d[None], "and it must be (4,); reshaped it is right"),
    Planted("shape", "tanh", "input", lambda d, g, a: d.sum(axis=0), "it is summed over axis 0 as well"),
    Planted("shape", "mse_loss", "input", lambda d, g, a: d.reshape(-1), "shape (12,), and it must be (3, 4)"),
    Planted("shape", "conv1d", "bias", lambda d, g, a: d.sum(), "shape (), and it must be (3,); it is summed"),
    Planted("shape", "embedding", "weight", lambda d, g, a: g, "shape (2, 3, 4), and it must be (6, 4)"),
    Planted("shape", "softmax", "input", lambda d, g, a: d[:, 1:], "shape (5, 3), and it must be (5, 4)"),
    # row constants
    Planted("row_constant", "softmax", "input", lambda d, g, a: softmax_of(a["input"]) * g, "multiple of output"),
    Planted("row_constant", "softmin", "input", lambda d, g, a: -softmax_of(-a["input"]) * g, "output", "softmax"),
    Planted("row_constant", "log_softmax", "input", lambda d, g, a: g - softmax_of(a["input"]), "softmax", "softmax"),
    Planted("row_constant", "layer_norm", "input", mean_left_out((1,)), "along axis 1, constant"),
    Planted("row_constant", "layer_norm", "input", along_itself("input"), "a multiple of input"),
    Planted("row_constant", "rms_norm", "input", along_itself("input"), "along axis 1, a multiple of input"),
    Planted("row_constant", "batch_norm", "input", mean_left_out((0, 2)), "along axes 0, 2, constant"),
    Planted("row_constant", "instance_norm", "input", mean_left_out((2,)), "along axis 2, constant"),
    Planted("row_constant", "group_norm", "input", lambda d, g, a: d + np.repeat(np.arange(4.0), 6).reshape(d.shape),
            "along the 2 groups of axis 1, constant"),
    Planted("row_constant", "normalize", "input",
            lambda d, g, a: g / np.linalg.norm(a["input"], axis=1, keepdims=True), "a multiple of output"),
    # masks
    Planted("masked", "relu", "input", lambda d, g, a: g, "the derivative is not 0"),
    Planted("masked", "relu", "input", lambda d, g, a: g * (a["input"] < 0), "the mask is inverted"),
    Planted("masked", "dropout", "input", lambda d, g, a: g / 0.7, "the derivative is not 0"),
    Planted("masked", "leaky_relu", "input", lambda d, g, a: g, "input > 0"),
    Planted("masked", "elu", "input", lambda d, g, a: g, "input > 0"),
    Planted("masked", "hardtanh", "input", lambda d, g, a: g, "the derivative is not 0"),
    Planted("masked", "embedding", "weight", by_words, "input selects the row once"),
    Planted("masked", "cross_entropy", "input", lambda d, g, a: g * softmax_of(a["input"]) / 5,
            "target does not select along axis 1"),
    Planted("masked", "nll_loss", "input", lambda d, g, a: d - g / 5 * (d == 0), "the derivative is not 0"),
    Planted("masked", "cross_entropy", "input",
            lambda d, g, a: g * (softmax_of(a["input"]) - np.eye(4)[abs(a["target"]) % 4]) / 3,
            "the derivative is not 0", "ignoring"),
    Planted("masked", "huber_loss", "input", lambda d, g, a: g * a["weight"] * (a["input"] - a["target"]),
            "|input - target| < 1"),
    # zero
    Planted("zero", "tanh", "input", times(0), "zero everywhere"),
    Planted("zero", "linear", "bias", times(0), "zero everywhere"),
    Planted("zero", "cross_entropy", "input", lambda d, g, a: d * np.eye(4)[a["target"]], "zero at 15 of 20 elements"),
    Planted("zero", "conv2d", "input", lambda d, g, a: d * np.pad(np.ones((1, 1)), 1), "right elsewhere"),
    Planted("zero", "leaky_relu", "input", lambda d, g, a: d * (a["input"] > 0), "where the derivative is not"),
    Planted("zero", "embedding", "weight", setting(1, 0), "zero at 4 of 24 elements"),
    # one element
    Planted("element", "tanh", "input", adding((1, 2), 1e-5), "right but for input[1, 2]"),
    Planted("element", "linear", "weight", adding((3, 1), -1), "right but for weight[3, 1]"),
    Planted("element", "conv2d", "weight", setting((0, 0, 0, 0), 0), "right but for weight[0, 0, 0, 0]: 0 in place of"),
    Planted("element", "layer_norm", "bias", adding(2, 0.1), "right but for bias[2]"),
    Planted("element", "cross_entropy", "input", adding((4, 3), 0.1), "right but for input[4, 3]"),
    Planted("element", "softmax", "input", adding((0, 0), 1e-6), "right but for input[0, 0]"),
    Planted("element", "relu", "input", setting(3, 0.5), "right but for input[3]: 0.5 in place of 0", {
        "input": -np.arange(1.0, 6)}),
    # kinks and ties
    Planted("kink", "relu", "input", setting((0, 1), 9.0), "a kink", {"input": np.array([[1.0, 0.0, -1.0, 2.0]])}),
    Planted("kink", "hardtanh", "input", setting(1, -9.0), "a kink", {"input": np.array([0.3, 1.0, -0.2, 3.0])}),
    Planted("kink", "leaky_relu", "input", setting(2, 9.0), "a kink", {"input": np.array([0.3, 2.0, 0.0, 3.0])}),
    Planted("kink", "l1_loss", "input", setting(1, 9.0), "a tie", {
        "input": np.array([0.3, 1.0, 2.0]), "target": np.array([0.2, 1.0, 5.0])}),
    Planted("kink", "max_pool1d", "input", setting((0, 0), 9.0), "a tie", {"input": TIED, "kernel_size": 2}),
    Planted("kink", "softshrink", "input", setting(0, 9.0), "a kink", {"input": np.array([0.5, 2.0, -1.0])}),
    Planted("kink", "relu6", "input", lambda d, g, a: np.where(a["input"] == 6, -9.0, d), "wrong only at a tie, 2 of 4",
            {"input": np.array([6.0, 3.0, 6.0, 1.0])}),
    # twice
    Planted("twice", "linear", "weight", times(2), "while the gradients of"),
    Planted("twice", "conv2d", "weight", times(2), "accumulated twice"),
    Planted("twice", "layer_norm", "bias", times(2), "accumulated twice"),
    Planted("twice", "embedding", "weight", doubled_where(lambda a: np.isin(np.arange(6), WORDS[0])[:, None]),
            "2 times the derivative at 8 of 24 elements"),
    Planted("twice", "matmul", "input", lambda d, g, a: d + a["input"].T @ g, "the gradient of other is added"),
    Planted("twice", "tanh", "", adding_up, "changed"),
    Planted("twice", "bilinear", "", adding_up, "changed"),
    # grad_output
    Planted("grad_output", "tanh", "input", lambda d, g, a: 1 - np.tanh(a["input"]) ** 2, "grad_output is left out"),
    Planted("grad_output", "mse_loss", "input", lambda d, g, a: d / g, "grad_output is left out"),
    Planted("grad_output", "cross_entropy", "input", lambda d, g, a: d / g, "grad_output is left out"),
    Planted("grad_output", "softplus", "input", lambda d, g, a: d * g, "multiplied in once too often"),
    Planted("grad_output", "cosine_similarity", "x1", lambda d, g, a: d / g[:, None], "grad_output is left out"),
    # an argument as a factor
    Planted("argument", "multiply", "input", lambda d, g, a: g, "other is left out"),
    Planted("argument", "mse_loss", "input", lambda d, g, a: d / a["weight"], "weight is left out", "weighted"),
    Planted("argument", "l1_loss", "input", lambda d, g, a: d * a["weight"], "weight is multiplied in once too often"),
    Planted("argument", "binary_cross_entropy", "input", lambda d, g, a: d / a["weight"], "weight is left out"),
    Planted("argument", "huber_loss", "input", lambda d, g, a: d / a["weight"], "weight is left out"),
    Planted("argument", "silu", "input", lambda d, g, a: d / a["input"], "input is left out"),
    # another's gradient
    Planted("exchanged", "matmul", "input", lambda d, g, a: a["input"].T @ g, "the gradient of other"),
    Planted("exchanged", "multiply", "input", lambda d, g, a: g * a["input"], "the gradient of other", "pairwise"),
    Planted("exchanged", "bilinear", "input1", lambda d, g, a: np.einsum("nk,kij,ni->nj", g, a["weight"], a["input1"]),
            "the gradient of input2"),
    Planted("exchanged", "linear", "weight", lambda d, g, a: g @ a["weight"], "the gradient of input", "square"),
    Planted("exchanged", "layer_norm", "weight", lambda d, g, a: g.sum(axis=0), "the gradient of bias"),
    Planted("exchanged", "cosine_similarity", "x1",
            lambda d, g, a: OPS["cosine_similarity"].backward(g, OPS["cosine_similarity"].forward(**a)[1])["x2"], "x2"),
    # rows, parts, numbers, and what has no name
    *(Planted("slices", op, "input", lambda d, g, a: d * (1.3 + np.arange(len(d))).reshape((-1,) + (1,) * (d.ndim - 1)),
              "constant along ax") for op in ("tanh", "cross_entropy", "conv2d", "softmax", "mse_loss")),
    *(Planted("region", op, "input", lambda d, g, a: np.concatenate([unlike(d[:1], g, a), d[1:]]),
              "wrong only in input[0, :") for op in ("tanh", "cross_entropy", "linear", "softmax", "conv1d")),
    *(Planted("not_finite", op, "input", no_number, "not finite at 1 of ")
      for op in ("tanh", "cross_entropy", "linear", "softmax", "conv1d")),
    *(Planted("unknown", op, "input", unlike, "none of the known mistakes")
      for op in ("tanh", "cross_entropy", "linear", "softmax", "conv1d")),
    # rounding and broken promises
    *(Planted("float32", op, "", in_single, "rounding, and not an error")
      for op in ("tanh", "linear", "softmax", "conv1d", "matmul")),
    *(Planted("float32", op, "", answering_in_single, "within the rounding of backward")
      for op in ("tanh", "cross_entropy", "layer_norm", "conv1d", "matmul")),
    *(Planted("nondeterministic", op, "", noisy, "output changed at ")
      for op in ("tanh", "linear", "softmax", "conv1d", "mse_loss")),
    *(Planted("written", op, "", writing_forward, "input changed at ")
      for op in ("tanh", "linear", "softmax", "conv1d", "mse_loss")),
    *(Planted("written", op, "", writing_backward, "grad_output changed at ")
      for op in ("tanh", "linear", "softmax", "conv1d", "matmul")),
    *(Planted("written", op, "", writing_through_the_cache, "input changed at ")
      for op in ("tanh", "linear", "softmax", "conv1d", "matmul")),
    *(Planted("repeated", op, "", fading, " changed at ") for op in ("tanh", "linear", "softmax", "conv1d", "matmul")),
]  # fmt: skip
