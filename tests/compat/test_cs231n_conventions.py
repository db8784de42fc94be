"""The course's conventions: loops as references, what is kept in the dicts, the order of the gates, and refusals."""

import numpy as np
import pytest
from scipy.special import expit

from refimpl.compat import cs231n as course

rng = np.random.default_rng(231)


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


# Loops.


def test_conv_is_its_loops():
    x, w, b = rng.standard_normal((2, 3, 7, 6)), rng.standard_normal((4, 3, 3, 2)), rng.standard_normal(4)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    expected = np.empty((2, 4, 4, 4))
    dout = rng.standard_normal(expected.shape)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for n, f, i, j in np.ndindex(expected.shape):
        window = padded[n, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2]
        expected[n, f, i, j] = (window * w[f]).sum() + b[f]
        dpadded[n, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 2] += dout[n, f, i, j] * w[f]
        dw[f] += dout[n, f, i, j] * window
    out, cache = course.conv_forward_naive(x, w, b, {"stride": 2, "pad": 1})
    close(out, expected)
    found = course.conv_backward_naive(dout, cache)
    for gradient, loops in zip(found, (dpadded[:, :, 1:-1, 1:-1], dw, dout.sum(axis=(0, 2, 3))), strict=True):
        close(gradient, loops)


def test_max_pool_is_its_loops():
    x = rng.standard_normal((2, 3, 6, 7))
    expected, dx = np.empty((2, 3, 3, 3)), np.zeros_like(x)
    dout = rng.standard_normal(expected.shape)
    for n, c, i, j in np.ndindex(expected.shape):
        window = x[n, c, 2 * i : 2 * i + 2, 2 * j : 2 * j + 3]
        expected[n, c, i, j] = window.max()
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, 2 * i + row, 2 * j + column] += dout[n, c, i, j]
    out, cache = course.max_pool_forward_naive(x, {"pool_height": 2, "pool_width": 3, "stride": 2})
    close(out, expected)
    close(course.max_pool_backward_naive(dout, cache), dx)


def scored():
    return rng.standard_normal((4, 3)), rng.standard_normal((6, 4)), rng.integers(0, 3, 6)


@pytest.mark.parametrize("name", ["svm_loss_naive", "svm_loss_vectorized"])
def test_svm_is_its_loops(name):
    W, X, y = scored()
    loss, dW = 0.0, 2 * 0.3 * W
    for features, label in zip(X, y, strict=True):
        scores = features @ W
        for c in range(3):
            if c != label and scores[c] - scores[label] + 1 > 0:
                loss += (scores[c] - scores[label] + 1) / 6
                dW[:, c] += features / 6
                dW[:, label] -= features / 6
    found, gradient = getattr(course, name)(W, X, y, 0.3)
    close(found, loss + 0.3 * (W**2).sum())
    close(gradient, dW)
    close(course.svm_loss(X @ W, y)[0], loss)


@pytest.mark.parametrize("name", ["softmax_loss_naive", "softmax_loss_vectorized"])
def test_softmax_is_its_loops(name):
    W, X, y = scored()
    loss, dW = 0.0, 2 * 0.3 * W
    for features, label in zip(X, y, strict=True):
        p = np.exp(features @ W) / np.exp(features @ W).sum()
        loss -= np.log(p[label]) / 6
        p[label] -= 1
        dW += np.outer(features, p) / 6
    found, gradient = getattr(course, name)(W, X, y, 0.3)
    close(found, loss + 0.3 * (W**2).sum())
    close(gradient, dW)
    close(course.softmax_loss(X @ W, y)[0], loss)


def test_lstm_gates_stand_in_the_order_i_f_o_g():
    x, h, c = rng.standard_normal((2, 3)), rng.standard_normal((2, 4)), rng.standard_normal((2, 4))
    Wx, Wh, b = rng.standard_normal((3, 16)), rng.standard_normal((4, 16)), rng.standard_normal(16)
    a = x @ Wx + h @ Wh + b
    i, f, o, g = expit(a[:, :4]), expit(a[:, 4:8]), expit(a[:, 8:12]), np.tanh(a[:, 12:])
    next_h, next_c, _ = course.lstm_step_forward(x, h, c, Wx, Wh, b)
    close(next_c, f * c + i * g)
    close(next_h, o * np.tanh(f * c + i * g))


@pytest.mark.parametrize("net", ["rnn", "lstm"])
def test_a_sequence_is_its_steps(net):
    """Forward step by step from c = 0, and backward through the steps in reverse."""
    gates = 4 if net == "lstm" else 1
    x, h0 = rng.standard_normal((2, 3, 5)), rng.standard_normal((2, 4))
    weights = [rng.standard_normal(shape) for shape in ((5, 4 * gates), (4, 4 * gates), (4 * gates,))]
    forward, backward = getattr(course, f"{net}_forward"), getattr(course, f"{net}_backward")
    step, step_backward = getattr(course, f"{net}_step_forward"), getattr(course, f"{net}_step_backward")
    h, cache = forward(x, h0, *weights)
    state, caches = ((h0, np.zeros((2, 4))) if net == "lstm" else (h0,)), []
    for t in range(3):
        *state, kept = step(x[:, t], *state, *weights)
        caches.append(kept)
        close(h[:, t], state[0])
    dh = rng.standard_normal(h.shape)
    carried, totals, dx = [np.zeros_like(part) for part in state], [0, 0, 0], np.empty_like(x)
    for t in reversed(range(3)):
        carried[0] = carried[0] + dh[:, t]
        dx[:, t], *rest = step_backward(*carried, caches[t])
        carried, parts = list(rest[: len(state)]), rest[len(state) :]
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    for found, expected in zip(backward(dh, cache), (dx, carried[0], *totals), strict=True):
        close(found, expected)


# What the dictionaries hold.


def test_running_statistics_take_the_biased_variance():
    gamma, beta, param = np.ones(3), np.zeros(3), {"mode": "train", "momentum": 0.75}
    mean, var = np.zeros(3), np.zeros(3)
    for _ in range(4):
        x = 3 * rng.standard_normal((5, 3)) + 1
        course.batchnorm_forward(x, gamma, beta, param)
        mean, var = 0.75 * mean + 0.25 * x.mean(axis=0), 0.75 * var + 0.25 * x.var(axis=0)
        close(param["running_mean"], mean)
        close(param["running_var"], var)
    param["mode"] = "test"
    out, cache = course.batchnorm_forward(x, gamma, beta, param)
    close(out, (x - mean) / np.sqrt(var + 1e-5))
    close(course.batchnorm_backward(x, cache)[0], x / np.sqrt(var + 1e-5))


def test_spatial_batchnorm_is_batchnorm_of_all_positions():
    x, gamma, beta = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(3), rng.standard_normal(3)
    one, other = {"mode": "train"}, {"mode": "train"}
    out, _ = course.spatial_batchnorm_forward(x, gamma, beta, one)
    rows, _ = course.batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, 3), gamma, beta, other)
    close(out, rows.reshape(2, 4, 5, 3).transpose(0, 3, 1, 2))
    close(one["running_var"], other["running_var"])


def test_group_norm_takes_a_flat_gamma_too():
    x, gamma, beta = rng.standard_normal((2, 4, 3, 3)), rng.standard_normal(4), rng.standard_normal(4)
    out, cache = course.spatial_groupnorm_forward(x, gamma, beta, 2, {})
    shaped, _ = course.spatial_groupnorm_forward(x, gamma.reshape(1, 4, 1, 1), beta.reshape(1, 4, 1, 1), 2, {})
    close(out, shaped)
    assert [grad.shape for grad in course.spatial_groupnorm_backward(x, cache)] == [x.shape, (4,), (4,)]


def test_update_rules_fill_in_and_return_the_config():
    w, dw = rng.standard_normal(3), rng.standard_normal(3)
    for rule, keys in (
        (course.sgd, {"learning_rate"}),
        (course.sgd_momentum, {"learning_rate", "momentum", "velocity"}),
        (course.rmsprop, {"learning_rate", "decay_rate", "epsilon", "cache"}),
        (course.adam, {"learning_rate", "beta1", "beta2", "epsilon", "m", "v", "t"}),
    ):
        given = {}
        assert rule(w, dw, given)[1] is given
        assert set(given) == keys == set(rule(w, dw)[1])


def test_three_updates_are_the_formulas():
    """Momentum, RMSprop and Adam as the course writes them, each from its own config."""
    w, gradients = rng.standard_normal((2, 3)), rng.standard_normal((3, 2, 3))
    configs = {"sgd_momentum": {"momentum": 0.8}, "rmsprop": {}, "adam": {}}
    found = dict.fromkeys(configs, w)
    expected = dict.fromkeys(configs, w)
    v = s = m = u = np.zeros((2, 3))
    for t, dw in enumerate(gradients, 1):
        for rule, config in configs.items():
            found[rule], configs[rule] = getattr(course, rule)(found[rule], dw, config)
        v, s = 0.8 * v - 1e-2 * dw, 0.99 * s + 0.01 * dw**2
        m, u = 0.9 * m + 0.1 * dw, 0.999 * u + 0.001 * dw**2
        expected["sgd_momentum"] = expected["sgd_momentum"] + v
        expected["rmsprop"] = expected["rmsprop"] - 1e-2 * dw / (np.sqrt(s) + 1e-8)
        step = m / (1 - 0.9**t) / (np.sqrt(u / (1 - 0.999**t)) + 1e-8)
        expected["adam"] = expected["adam"] - 1e-3 * step
    for rule in configs:
        close(found[rule], expected[rule])
    close(configs["sgd_momentum"]["velocity"], v)


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_momentum_0_is_sgd(rate):
    w, dw, config = rng.standard_normal(3), rng.standard_normal(3), {"learning_rate": rate, "momentum": 0}
    close(course.sgd_momentum(w, dw, config)[0], course.sgd(w, dw, {"learning_rate": rate})[0])
    close(config["velocity"], -rate * dw)


# Dropout's mask.


def test_dropout_with_a_seed_has_the_courses_mask():
    x = rng.standard_normal((4, 5))
    state = np.random.get_state()  # noqa: NPY002
    out, cache = course.dropout_forward(x, {"mode": "train", "p": 0.3, "seed": 123})
    for one, other in zip(state, np.random.get_state(), strict=True):  # noqa: NPY002
        np.testing.assert_array_equal(one, other)
    np.random.seed(123)  # noqa: NPY002
    mask = (np.random.rand(4, 5) < 0.3) / 0.3  # noqa: NPY002
    np.random.set_state(state)  # noqa: NPY002
    np.testing.assert_array_equal(out, x * mask)
    np.testing.assert_array_equal(course.dropout_backward(x, cache), x * mask)


def test_dropout_without_a_seed_draws_from_numpys_stream():
    x, param, masks = np.ones((20, 5)), {"mode": "train", "p": 0.5}, []
    state = np.random.get_state()  # noqa: NPY002
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        masks.append([course.dropout_forward(x, param)[0] for _ in range(2)])
    np.random.set_state(state)  # noqa: NPY002
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0][0] != masks[0][1]).any()


def test_a_masked_step_is_not_read():
    x, y = rng.standard_normal((2, 3, 4)), rng.integers(0, 4, (2, 3))
    mask = np.array([[True, True, False], [True, False, False]])
    loss, dx = course.temporal_softmax_loss(x, y, mask)
    spoilt, other_y = np.where(mask[:, :, None], x, np.nan), np.where(mask, y, -1)
    for other in (mask, mask.astype(int), mask.astype(float)):
        again, dspoilt = course.temporal_softmax_loss(spoilt, other_y, other, True)
        close(again, loss)
        np.testing.assert_array_equal(dspoilt, dx)
    log_p = x - np.log(np.exp(x).sum(axis=2, keepdims=True))
    close(loss, -(mask * np.take_along_axis(log_p, y[:, :, None], axis=2)[:, :, 0]).sum() / 2)


# Refusals.

X, LABELS, IMAGES = np.ones((3, 4)), np.zeros(3, dtype=int), np.ones((2, 3, 4, 4))
KEPT = course.affine_forward(X, np.ones((4, 2)), np.ones(2))[1]
CONV = {"stride": 1, "pad": 0}
FLOATING = "must be a floating-point array (float16, float32, float64), got dtype int64"

REFUSED = [
    (
        "affine_forward",
        (X, np.ones((2, 4)), np.ones(2)),
        "w must have one row per feature of x, got w (2, 4) for D = 4",
    ),
    ("affine_forward", (X, np.ones((4, 2)), np.ones(4)), "b must have shape (M,) = (2,), got (4,)"),
    ("affine_forward", (X, np.ones(4), np.ones(4)), "w must have shape (D, M), got (4,)"),
    ("affine_backward", (np.ones((2, 3)), KEPT), "dout must have shape of output = (3, 2), got (2, 3)"),
    ("svm_loss", (X, LABELS + 4), "y must hold classes from 0 to 3, got 4 at index (0,)"),
    ("softmax_loss", (X, LABELS[:2]), "y must have shape of the scores without their classes = (3,), got (2,)"),
    (
        "svm_loss_naive",
        (np.ones((3, 2)), X, LABELS, 0.1),
        "W must have one row per feature of X, got W (3, 2) for D = 4",
    ),
    ("softmax_loss_vectorized", (X.T, X, LABELS + 3, 0.1), "y must hold classes from 0 to 2, got 3 at index (0,)"),
    (
        "batchnorm_forward",
        (X, np.ones(3), np.ones(4), {"mode": "train"}),
        "gamma must have shape (D,) = (4,), got (3,)",
    ),
    ("batchnorm_forward", (X, np.ones(4), np.ones(4), {}), "bn_param must have the key 'mode', got []"),
    (
        "batchnorm_forward",
        (X, np.ones(4), np.ones(4), {"mode": "eval"}),
        "bn_param['mode'] must be one of 'train', 'test', got 'eval'",
    ),
    (
        "batchnorm_forward",
        (X[:1], np.ones(4), np.ones(4), {"mode": "train"}),
        "x must have more than one value per channel in training, got shape (1, 4)",
    ),
    (
        "batchnorm_forward",
        (X, np.ones(4), np.ones(4), {"mode": "train", "eps": 0}),
        "bn_param['eps'] must be above 0, got 0",
    ),
    (
        "spatial_batchnorm_forward",
        (IMAGES, np.ones(3), np.ones(3), {"mode": "test", "running_mean": np.ones(2)}),
        "bn_param['running_mean'] must have shape (C,) = (3,), got (2,)",
    ),
    ("layernorm_forward", (X, np.ones(4), np.ones(4), {"eps": -1}), "ln_param['eps'] must be at least 0, got -1"),
    (
        "spatial_groupnorm_forward",
        (IMAGES, np.ones((1, 3, 1, 1)), np.ones((1, 3, 1, 1)), 2, {}),
        "G must be at least 1 and divide the channels, got 2 of 3",
    ),
    (
        "spatial_groupnorm_forward",
        (IMAGES, np.ones((3, 1)), np.ones((3, 1)), 1, {}),
        "gamma must have shape (1, C, 1, 1) = (1, 3, 1, 1), got (3, 1)",
    ),
    ("dropout_forward", (X, {"mode": "train", "p": 0}), "dropout_param['p'] must be above 0 and at most 1, got 0"),
    (
        "dropout_forward",
        (X, {"mode": "train", "p": 0.5, "seed": 2**32}),
        "dropout_param['seed'] must be at least 0 and at most 4.29497e+09, got 4.29497e+09",
    ),
    ("dropout_forward", (X, {"mode": "train"}), "dropout_param must have the key 'p', got ['mode']"),
    (
        "conv_forward_naive",
        (IMAGES, IMAGES, np.ones(2), {"stride": 1}),
        "conv_param must have the key 'pad', got ['stride']",
    ),
    ("conv_forward_naive", (IMAGES[0], IMAGES, np.ones(2), CONV), "x must have shape (N, C, H, W), got (3, 4, 4)"),
    ("max_pool_forward_naive", (IMAGES, {}), "pool_param must have the key 'pool_height', got []"),
    (
        "rnn_step_forward",
        (X, np.ones((3, 2)), np.ones((2, 4)), np.ones((2, 2)), np.ones(2)),
        "Wx must have shape (D, H) = (4, 2), got (2, 4)",
    ),
    (
        "lstm_step_forward",
        (X, np.ones((3, 2)), np.ones((3, 2)), np.ones((4, 8)), np.ones((8, 2)), np.ones(8)),
        "Wh must have shape (H, 4 H) with H at least 1, got (8, 2)",
    ),
    (
        "lstm_forward",
        (X[None], np.ones((3, 2)), np.ones((4, 8)), np.ones((2, 8)), np.ones(8)),
        "h0 must have shape (N, H) = (1, 2), got (3, 2)",
    ),
    (
        "word_embedding_forward",
        (LABELS + 3, X),
        "x must hold indices of the 3 rows of W, from 0 on, got 3 at index (0,)",
    ),
    ("temporal_affine_forward", (X, X.T, np.ones(3)), "x must have shape (N, T, D), got (3, 4)"),
    ("temporal_softmax_loss", (X[None], LABELS[None], np.ones(3)), "mask must have shape of y = (1, 3), got (3,)"),
    ("sgd", (X, X[:2]), "dw must have shape of w = (3, 4), got (2, 4)"),
    ("sgd", (X, X, {"learning_rate": -1}), "config['learning_rate'] must be at least 0, got -1"),
    ("sgd_momentum", (X, X, {"momentum": -1}), "config['momentum'] must be at least 0, got -1"),
    ("rmsprop", (X, X, {"decay_rate": 2}), "config['decay_rate'] must be at least 0 and at most 1, got 2"),
    ("rmsprop", (X, X, {"cache": X[:1]}), "config['cache'] must have shape of w = (3, 4), got (1, 4)"),
    ("adam", (X, X, {"beta2": 1}), "config['beta2'] must be at least 0 and below 1, got 1"),
    ("adam", (X, X, {"t": -1}), "config['t'] must be at least 0, got -1"),
]
REFUSED_KINDS = [
    ("affine_forward", (X.astype(int), X.T, np.ones(3)), f"x {FLOATING}"),
    ("affine_backward", (X, (X, X)), "cache must be the one that affine_forward returned, got tuple"),
    ("relu_backward", (X, KEPT), "cache must be the one that relu_forward returned, got that of affine_forward"),
    ("affine_relu_backward", (X, KEPT), "cache must be a tuple (fc_cache, relu_cache), got Kept"),
    (
        "batchnorm_backward_alt",
        (X, KEPT),
        "cache must be the one that batchnorm_forward returned, got that of affine_forward",
    ),
    ("svm_loss", (X, LABELS * 1.0), "y must be an integer array, got dtype float64"),
    ("dropout_forward", (X, 0.5), "dropout_param must be a dict, got float"),
    (
        "conv_forward_naive",
        (IMAGES, IMAGES, np.ones(2), {"stride": 1.0, "pad": 0}),
        "conv_param['stride'] must be an integer, got 1.0",
    ),
    ("sgd", (X, X, 0.1), "config must be a dict, got float"),
]
ALL = [(*row, ValueError) for row in REFUSED] + [(*row, TypeError) for row in REFUSED_KINDS]


@pytest.mark.parametrize(
    ("name", "arguments", "message", "kind"), ALL, ids=lambda value: value if type(value) is str else ""
)
def test_refusals_speak_of_the_courses_function(name, arguments, message, kind):
    with pytest.raises(kind) as caught:
        getattr(course, name)(*arguments)
    assert str(caught.value) == f"{name}: {message}"
    assert type(caught.value) is kind


def test_what_is_refused_updates_nothing():
    config, param = {"learning_rate": 0.1, "velocity": X[:1]}, {"mode": "train"}
    with pytest.raises(ValueError, match="velocity"):
        course.sgd_momentum(X, X, config)
    with pytest.raises(ValueError, match="more than one value"):
        course.batchnorm_forward(X[:1], np.ones(4), np.ones(4), param)
    assert set(config) == {"learning_rate", "velocity"}
    assert set(param) == {"mode"}
