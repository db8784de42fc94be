"""The course's layers.py: layers and losses of fully connected and convolutional networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import _validate
from ... import layers as pairs
from ..._validate import Array
from ...layers.dropout import DropoutCache
from . import _scores
from ._terms import Kept, array, dictionary, entry, kept_by, parameter, refusing_as, training

__all__ = [
    "affine_backward",
    "affine_forward",
    "batchnorm_backward",
    "batchnorm_backward_alt",
    "batchnorm_forward",
    "conv_backward_naive",
    "conv_forward_naive",
    "dropout_backward",
    "dropout_forward",
    "layernorm_backward",
    "layernorm_forward",
    "max_pool_backward_naive",
    "max_pool_forward_naive",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
    "spatial_batchnorm_backward",
    "spatial_batchnorm_forward",
    "spatial_groupnorm_backward",
    "spatial_groupnorm_forward",
    "svm_loss",
]

DOUT = {"grad_output": "dout"}


def affine_forward(x: Any, w: Any, b: Any) -> tuple[Array, Kept]:
    """out = x w + b, each sample of x flattened: linear with weight w^T.

    Shapes: x (N, d_1, ..., d_k), w (D, M) with D = d_1 ... d_k, b (M,), out (N, M).
    """
    op = "affine_forward"
    x = _validate.floating(op, "x", x)
    _validate.at_least_dimensions(op, "x", x, 1)
    rows = x.reshape(len(x), math.prod(x.shape[1:]))
    out, cache = affine(op, rows, w, b)
    return out, Kept(op, cache, x.shape)


def affine_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx = dout w^T in the shape of x, dw = x^T dout, db = sum of dout over the samples."""
    op = "affine_backward"
    kept = kept_by(op, cache, "affine_forward")
    dx, dw, db = affine_gradients(op, dout, kept.pair)
    return dx.reshape(kept.shape), dw, db


def affine(op: str, x: Array, w: Any, b: Any) -> tuple[Array, Any]:
    """x w + b over the last axis of x, and the cache of linear."""
    w = array(op, "w", w, "(D, M)")
    if len(w) != x.shape[-1]:
        raise ValueError(f"{op}: w must have one row per feature of x, got w {w.shape} for D = {x.shape[-1]}")
    b = parameter(op, "b", b, "(M,)", w.shape[1:])
    return pairs.linear_forward(x, w.T, b)


def affine_gradients(op: str, dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    with refusing_as(op, DOUT):
        grads = pairs.linear_backward(dout, cache)
    return grads["input"], grads["weight"].T, grads["bias"]


def relu_forward(x: Any) -> tuple[Array, Kept]:
    """out = max(x, 0), for x of any shape: relu."""
    op = "relu_forward"
    out, cache = pairs.relu_forward(_validate.floating(op, "x", x))
    return out, Kept(op, cache)


def relu_backward(dout: Any, cache: Any) -> Array:
    """dx = dout where x > 0, else 0."""
    op = "relu_backward"
    kept = kept_by(op, cache, "relu_forward")
    with refusing_as(op, DOUT):
        return pairs.relu_backward(dout, kept.pair)["input"]


def svm_loss(x: Any, y: Any) -> tuple[Any, Array]:
    """The mean over the samples of sum_{c != y} max(0, x_c - x_y + 1), and dx: multi_margin_loss times C.

    Shapes: scores x (N, C), classes y (N,).
    """
    return _scores.svm("svm_loss", x, y)


def softmax_loss(x: Any, y: Any) -> tuple[Any, Array]:
    """The mean over the samples of -log softmax(x)_y, and dx: cross_entropy.

    Shapes: scores x (N, C), classes y (N,).
    """
    return _scores.softmax("softmax_loss", x, y)


def batchnorm_forward(x: Any, gamma: Any, beta: Any, bn_param: Any) -> tuple[Array, Kept]:
    """out = gamma (x - m) / sqrt(v + eps) + beta, m and v the mean and the biased variance per feature: batch_norm.

    Shapes: x (N, D), gamma and beta (D,). bn_param: mode ('train' or 'test'), eps = 1e-5, momentum = 0.9 (what is kept
    of the old statistics), running_mean and running_var (D,) = 0, which are replaced in bn_param itself and, other than
    PyTorch's, take the biased variance.
    """
    op = "batchnorm_forward"
    return _batch_norm(op, array(op, "x", x, "(N, D)"), gamma, beta, bn_param)


def batchnorm_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """With h = dout gamma: dx = (h - mean(h) - x_hat mean(h x_hat)) / sqrt(v + eps), in 'test' h / sqrt(v + eps);
    dgamma = sum of dout x_hat, dbeta = sum of dout.
    """
    op = "batchnorm_backward"
    return _norm_gradients(op, pairs.batch_norm_backward, dout, kept_by(op, cache, "batchnorm_forward"))


def batchnorm_backward_alt(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """As batchnorm_backward, which has the closed form that the course asks for here."""
    op = "batchnorm_backward_alt"
    return _norm_gradients(op, pairs.batch_norm_backward, dout, kept_by(op, cache, "batchnorm_forward"))


def layernorm_forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> tuple[Array, Kept]:
    """out = gamma (x - m) / sqrt(v + eps) + beta, m and v the mean and the biased variance per sample: layer_norm.

    Shapes: x (N, D), gamma and beta (D,). ln_param: eps = 1e-5.
    """
    op = "layernorm_forward"
    x = array(op, "x", x, "(N, D)")
    gamma = parameter(op, "gamma", gamma, "(D,)", x.shape[1:])
    beta = parameter(op, "beta", beta, "(D,)", x.shape[1:])
    eps = dictionary(op, "ln_param", ln_param).get("eps", 1e-5)
    with refusing_as(op, {"eps": "ln_param['eps']"}):
        out, cache = pairs.layer_norm_forward(x, x.shape[1:], gamma, beta, eps)
    return out, Kept(op, cache, gamma.shape)


def layernorm_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """As batchnorm_backward, with the means of dx over the features of each sample."""
    op = "layernorm_backward"
    return _norm_gradients(op, pairs.layer_norm_backward, dout, kept_by(op, cache, "layernorm_forward"))


def dropout_forward(x: Any, dropout_param: Any) -> tuple[Array, Kept]:
    """out = m x / p in 'train', with m = 1 with probability p, which is that of keeping an entry; out = x in 'test'.

    dropout_param: p, mode ('train' or 'test'), and seed, for which the mask is the one that the course's own numbers,
    np.random.rand after np.random.seed(seed), give; here NumPy's global state stays. Without a seed that is drawn from.
    """
    op = "dropout_forward"
    x = _validate.floating(op, "x", x)
    parameters = dictionary(op, "dropout_param", dropout_param)
    p = entry(op, "dropout_param", parameters, "p")
    p = _validate.number(op, "dropout_param['p']", p, above=0, at_most=1)
    keep = _mask(op, x.shape, p, parameters.get("seed")) if training(op, "dropout_param", parameters) else None
    cache = DropoutCache(keep, 1 / p, x.shape, x.dtype)
    # Each entry is multiplied by a number of its own: what takes a gradient back takes x forward.
    return pairs.dropout_backward(x, cache)["input"], Kept(op, cache)


def dropout_backward(dout: Any, cache: Any) -> Array:
    """dx = m dout / p in 'train', dout in 'test'."""
    op = "dropout_backward"
    kept = kept_by(op, cache, "dropout_forward")
    with refusing_as(op, DOUT):
        return pairs.dropout_backward(dout, kept.pair)["input"]


def conv_forward_naive(x: Any, w: Any, b: Any, conv_param: Any) -> tuple[Array, Kept]:
    """Kernels moved over images, with zeros around: conv2d.

    Shapes: x (N, C, H, W), w (F, C, HH, WW), b (F,), out (N, F, H', W') with H' = 1 + (H + 2 pad - HH) // stride.
    conv_param: stride, pad.
    """
    op = "conv_forward_naive"
    x, w = array(op, "x", x, "(N, C, H, W)"), array(op, "w", w, "(F, C, HH, WW)")
    b = parameter(op, "b", b, "(F,)", w.shape[:1])
    parameters = dictionary(op, "conv_param", conv_param)
    stride, pad = (entry(op, "conv_param", parameters, key) for key in ("stride", "pad"))
    pad = _validate.integer(op, "conv_param['pad']", pad, at_least=0)
    names = {"input": "x", "weight": "w", "stride": "conv_param['stride']", "padding": "conv_param['pad']"}
    with refusing_as(op, names):
        out, cache = pairs.conv2d_forward(x, w, b, stride=stride, padding=pad)
    return out, Kept(op, cache)


def conv_backward_naive(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx, dw, db: those of conv2d."""
    op = "conv_backward_naive"
    kept = kept_by(op, cache, "conv_forward_naive")
    with refusing_as(op, DOUT):
        grads = pairs.conv2d_backward(dout, kept.pair)
    return grads["input"], grads["weight"], grads["bias"]


def max_pool_forward_naive(x: Any, pool_param: Any) -> tuple[Array, Kept]:
    """The largest entry of each window: max_pool2d; of equal entries the first gets the gradient.

    Shapes: x (N, C, H, W), out (N, C, H', W') with H' = 1 + (H - pool_height) // stride.
    pool_param: pool_height, pool_width, stride.
    """
    op = "max_pool_forward_naive"
    x = array(op, "x", x, "(N, C, H, W)")
    parameters = dictionary(op, "pool_param", pool_param)
    height, width, stride = (
        _validate.integer(op, f"pool_param[{key!r}]", entry(op, "pool_param", parameters, key), at_least=1)
        for key in ("pool_height", "pool_width", "stride")
    )
    with refusing_as(op, {"input": "x", "kernel_size": "(pool_height, pool_width)"}):
        out, cache = pairs.max_pool2d_forward(x, (height, width), stride)
    return np.asarray(out), Kept(op, cache)  # indices, which would stand beside it, were not asked for


def max_pool_backward_naive(dout: Any, cache: Any) -> Array:
    """dx: each window's dout at the entry that it took."""
    op = "max_pool_backward_naive"
    kept = kept_by(op, cache, "max_pool_forward_naive")
    with refusing_as(op, DOUT):
        return pairs.max_pool2d_backward(dout, kept.pair)["input"]


def spatial_batchnorm_forward(x: Any, gamma: Any, beta: Any, bn_param: Any) -> tuple[Array, Kept]:
    """As batchnorm_forward for images: the mean and the variance per channel, over samples and positions: batch_norm.

    Shapes: x (N, C, H, W), gamma and beta (C,), in bn_param running_mean and running_var (C,).
    """
    op = "spatial_batchnorm_forward"
    return _batch_norm(op, array(op, "x", x, "(N, C, H, W)"), gamma, beta, bn_param)


def spatial_batchnorm_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """As batchnorm_backward, per channel."""
    op = "spatial_batchnorm_backward"
    return _norm_gradients(op, pairs.batch_norm_backward, dout, kept_by(op, cache, "spatial_batchnorm_forward"))


def spatial_groupnorm_forward(x: Any, gamma: Any, beta: Any, G: Any, gn_param: Any) -> tuple[Array, Kept]:
    """As layernorm_forward for images, over each of G groups of a sample's channels: group_norm.

    Shapes: x (N, C, H, W), gamma and beta (1, C, 1, 1), or (C,) as in the course's first years. gn_param: eps = 1e-5.
    """
    op = "spatial_groupnorm_forward"
    x = array(op, "x", x, "(N, C, H, W)")
    gamma, beta = _validate.floating(op, "gamma", gamma), _validate.floating(op, "beta", beta)
    if gamma.ndim != 1:
        _validate.has_shape(op, "gamma", gamma, "(1, C, 1, 1)", (1, x.shape[1], 1, 1))
    _validate.has_shape(op, "beta", beta, "of gamma", gamma.shape)
    eps = dictionary(op, "gn_param", gn_param).get("eps", 1e-5)
    names = {"input": "x", "weight": "gamma", "num_groups": "G", "eps": "gn_param['eps']"}
    with refusing_as(op, names):
        out, cache = pairs.group_norm_forward(x, G, gamma.reshape(-1), beta.reshape(-1), eps)
    return out, Kept(op, cache, gamma.shape)


def spatial_groupnorm_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """As batchnorm_backward, with the means of dx over each group; dgamma and dbeta have the shape of gamma."""
    op = "spatial_groupnorm_backward"
    return _norm_gradients(op, pairs.group_norm_backward, dout, kept_by(op, cache, "spatial_groupnorm_forward"))


# What the normalizations, and dropout, do.


def _batch_norm(op: str, x: Array, gamma: Any, beta: Any, bn_param: Any) -> tuple[Array, Kept]:
    rule, shape = ("(D,)" if x.ndim == 2 else "(C,)"), x.shape[1:2]
    gamma, beta = parameter(op, "gamma", gamma, rule, shape), parameter(op, "beta", beta, rule, shape)
    parameters = dictionary(op, "bn_param", bn_param)
    train, eps = training(op, "bn_param", parameters), parameters.get("eps", 1e-5)
    momentum = _validate.number(op, "bn_param['momentum']", parameters.get("momentum", 0.9))
    mean, var = (
        parameter(op, f"bn_param[{key!r}]", parameters.get(key, np.zeros(shape, dtype=x.dtype)), rule, shape)
        for key in ("running_mean", "running_var")
    )
    with refusing_as(op, {"input": "x", "eps": "bn_param['eps']"}):
        out, cache = pairs.batch_norm_forward(x, mean, var, gamma, beta, training=train, eps=eps)
    if train:
        mean, var = _running_statistics(x, mean, var, momentum)
    parameters.update(running_mean=mean, running_var=var)
    return out, Kept(op, cache, gamma.shape)


def _running_statistics(x: Array, mean: Array, var: Array, momentum: float) -> tuple[Array, Array]:
    """momentum times the old and 1 - momentum times the batch's; the variance over n, not over n - 1."""
    count = max(x.size // x.shape[1], 1) if x.shape[1] else 1
    batch_mean, unbiased = pairs.batch_norm_running_stats(x, mean, var, momentum=1.0)
    with np.errstate(all="ignore"):
        biased = unbiased * unbiased.dtype.type((count - 1) / count)
        return momentum * mean + (1 - momentum) * batch_mean, momentum * var + (1 - momentum) * biased


def _norm_gradients(op: str, backward: Any, dout: Any, kept: Kept) -> tuple[Array, Array, Array]:
    with refusing_as(op, DOUT):
        grads = backward(dout, kept.pair)
    return grads["input"], grads["weight"].reshape(kept.shape), grads["bias"].reshape(kept.shape)


def _mask(op: str, shape: tuple[int, ...], p: float, seed: Any) -> Any:
    """Which entries to keep, in the course's stream of numbers."""
    if seed is None:
        return np.random.random_sample(shape) < p  # noqa: NPY002
    seed = _validate.integer(op, "dropout_param['seed']", seed)
    _validate.number(op, "dropout_param['seed']", seed, at_least=0, at_most=2**32 - 1)
    return np.random.RandomState(seed).random_sample(shape) < p
