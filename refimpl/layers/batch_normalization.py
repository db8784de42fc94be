"""Normalizations of channels by statistics of the batch, or by running ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._precision import answer, gradient, working
from .._reduction import unbroadcast
from .._validate import Array
from ._moments import Moments, Rows, normalize, normalize_backward, row_statistics

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_running_stats",
    "instance_norm_backward",
    "instance_norm_forward",
    "instance_norm_running_stats",
]


class BatchNormCache(NamedTuple):
    input: Array  # (N, C, ...)
    running_mean: Array | None  # (C,); None where the batch's own statistics count
    running_var: Array | None  # (C,); likewise
    weight: Array | None  # (C,)
    bias: Array | None  # (C,)
    eps: float
    moments: Moments | None  # four numbers per channel; None where running statistics count


class InstanceNormCache(NamedTuple):
    input: Array  # (N, C, ...)
    running_mean: Array | None  # (C,); None where each channel's own statistics count
    running_var: Array | None  # (C,); likewise
    weight: Array | None  # (C,)
    bias: Array | None  # (C,)
    eps: float
    moments: Moments | None  # four numbers per channel of each sample; None where running statistics count


def batch_norm_forward(
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, BatchNormCache]:
    """Each channel taken to mean 0 and variance 1, then scaled and shifted.

    y = w_c (x - m_c) / sqrt(v_c + eps) + b_c
    training: m_c and v_c are the mean and the biased variance of channel c over the batch and all positions
    else: m_c and v_c are running_mean and running_var, constants

    Shapes: input (N, C, ...), all others (C,), output like input.
    Raises: TypeError where an array is not floating or training not a bool; ValueError where a shape does not match,
        eps is negative (in training: not above 0), a running statistic is missing in evaluation, only one of them is
        given, or training meets one value per channel.
    Extremes: in training all digits at any offset and any magnitude, and a constant channel gives b; in evaluation the
        difference comes first, so that x = running_mean gives b.
    Source: torch.nn.functional.batch_norm; Ioffe and Szegedy 2015. Nothing is updated: the new running statistics are
        those of batch_norm_running_stats, which is what momentum belongs to; here it has no effect.
    Derived: derivations/batch_normalization.md#batch_norm.
    """
    op = "batch_norm_forward"
    arrays = _check(op, input, running_mean, running_var, weight, bias)
    training = _validate.boolean(op, "training", training)
    _validate.number(op, "momentum", momentum)
    eps = _validate.number(op, "eps", eps, at_least=None if training else 0, above=0 if training else None)
    _check_statistics(op, arrays, "training=False", wanted=not training)
    x, _, _, w, b = arrays
    if not training:
        return _evaluate(arrays, eps), BatchNormCache(*arrays, eps, None)
    _check_values(op, x)
    y, moments = normalize(x, w, b, _channels(x), eps, centred=True)
    return y, BatchNormCache(x, None, None, w, b, eps, moments)


def batch_norm_backward(grad_output: ArrayLike, cache: BatchNormCache) -> dict[str, Array]:
    """training: grad_x = (h - mean(h) - x_hat mean(h x_hat)) / sqrt(v + eps) with h = g w, the means over the channel;
    else: grad_x = g w / sqrt(v + eps). grad_w = sum of g x_hat and grad_b = sum of g over the channel, with
    x_hat = (x - m) / sqrt(v + eps).
    """
    op = "batch_norm_backward"
    cache = _validate.is_cache(op, cache, BatchNormCache)
    if cache.moments is None:
        return _evaluate_backward(op, grad_output, cache)
    arguments, rows = (cache.input, cache.weight, cache.bias), _channels(cache.input)
    return normalize_backward(op, grad_output, arguments, rows, cache.eps, cache.moments)


def batch_norm_running_stats(
    input: ArrayLike, running_mean: ArrayLike, running_var: ArrayLike, momentum: float = 0.1
) -> tuple[Array, Array]:
    """The new running mean and variance after a batch; the old ones stay as they are.

    (1 - momentum) r + momentum s, with s the channel's mean, and its unbiased variance sum (x - m)^2 / (n - 1)

    Shapes: input (N, C, ...), the statistics (C,).
    Raises: as batch_norm_forward in training.
    Source: torch.nn.functional.batch_norm, which normalizes by the biased variance and keeps the unbiased one. A batch
        without samples changes nothing.
    """
    op = "batch_norm_running_stats"
    x, mean, var = _check_running(op, input, running_mean, running_var)
    momentum = _validate.number(op, "momentum", momentum)
    _check_values(op, x)
    return _blend(x, _channels(x), mean, var, momentum)


def instance_norm_forward(
    input: ArrayLike,
    running_mean: ArrayLike | None = None,
    running_var: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Array, InstanceNormCache]:
    """Each channel of each sample taken to mean 0 and variance 1, then scaled and shifted.

    y = w_c (x - m_nc) / sqrt(v_nc + eps) + b_c
    use_input_stats: m_nc and v_nc are the mean and the biased variance of channel c of sample n over all positions
    else: they are running_mean and running_var at c, constants

    Shapes: input (N, C, ...), all others (C,), output like input.
    Raises: TypeError where an array is not floating or use_input_stats not a bool; ValueError where a shape does not
        match, eps is negative, a running statistic is missing where it is needed, only one of them is given, or input
        statistics meet a single position.
    Extremes: as batch_norm.
    Source: torch.nn.functional.instance_norm; Ulyanov, Vedaldi and Lempitsky 2016. Nothing is updated: the new running
        statistics are those of instance_norm_running_stats; momentum has no effect here.
    Derived: derivations/batch_normalization.md#instance_norm.
    """
    op = "instance_norm_forward"
    arrays = _check(op, input, running_mean, running_var, weight, bias)
    use_input_stats = _validate.boolean(op, "use_input_stats", use_input_stats)
    _validate.number(op, "momentum", momentum)
    eps = _validate.number(op, "eps", eps, at_least=0)
    _check_statistics(op, arrays, "use_input_stats=False", wanted=not use_input_stats)
    x, _, _, w, b = arrays
    if not use_input_stats:
        return _evaluate(arrays, eps), InstanceNormCache(*arrays, eps, None)
    _check_positions(op, x)
    y, moments = normalize(x, w, b, _instances(x), eps, centred=True)
    return y, InstanceNormCache(x, None, None, w, b, eps, moments)


def instance_norm_backward(grad_output: ArrayLike, cache: InstanceNormCache) -> dict[str, Array]:
    """use_input_stats: grad_x = (h - mean(h) - x_hat mean(h x_hat)) / sqrt(v + eps) with h = g w, the means over the
    channel of one sample; else: grad_x = g w / sqrt(v + eps). grad_w = sum of g x_hat and grad_b = sum of g over all
    but the channels, with x_hat = (x - m) / sqrt(v + eps).
    """
    op = "instance_norm_backward"
    cache = _validate.is_cache(op, cache, InstanceNormCache)
    if cache.moments is None:
        return _evaluate_backward(op, grad_output, cache)
    arguments, rows = (cache.input, cache.weight, cache.bias), _instances(cache.input)
    return normalize_backward(op, grad_output, arguments, rows, cache.eps, cache.moments)


def instance_norm_running_stats(
    input: ArrayLike, running_mean: ArrayLike, running_var: ArrayLike, momentum: float = 0.1
) -> tuple[Array, Array]:
    """The new running mean and variance after a batch; the old ones stay as they are.

    (1 - momentum) r + momentum s, with s the mean over the samples of the channel's mean, and of its unbiased variance

    Shapes: input (N, C, ...), the statistics (C,).
    Raises: as instance_norm_forward with input statistics.
    Source: torch.nn.functional.instance_norm. A batch without samples changes nothing.
    """
    op = "instance_norm_running_stats"
    x, mean, var = _check_running(op, input, running_mean, running_var)
    momentum = _validate.number(op, "momentum", momentum)
    _check_positions(op, x)
    return _blend(x, _instances(x), mean, var, momentum)


def _evaluate(arrays: tuple[Array | None, ...], eps: float) -> Array:
    """y = w (x - m) / sqrt(v + eps) + b in this order: the difference first, where the digits are."""
    x, m, v, w, b = working(*arrays)
    column = _column(x)
    with np.errstate(all="ignore"):
        y = _x_hat(x, m.reshape(column), np.sqrt(v + x.dtype.type(eps)).reshape(column))
        if w is not None:
            y = y * w.reshape(column)
        if b is not None:
            y = y + b.reshape(column)
    return answer(y, *arrays)


def _evaluate_backward(
    op: str, grad_output: ArrayLike, cache: BatchNormCache | InstanceNormCache
) -> dict[str, Array]:  # fmt: skip
    x, m, v, w, _ = working(cache.input, cache.running_mean, cache.running_var, cache.weight, cache.bias)
    g = _validate.output_gradient(op, grad_output, x.shape, x.dtype)
    column, grads = _column(x), {}
    with np.errstate(all="ignore"):
        s = np.sqrt(v + x.dtype.type(cache.eps)).reshape(column)
        if cache.bias is not None:  # y = w x_hat + b
            grads["bias"] = gradient(unbroadcast(g, column).reshape(-1), cache.bias)
        if cache.weight is not None:
            x_hat = _x_hat(x, m.reshape(column), s)
            grads["weight"] = gradient(unbroadcast(g * x_hat, column).reshape(-1), cache.weight)
            g = g * w.reshape(column)
        grads["input"] = gradient(g / s, cache.input)
    return grads


def _x_hat(x: Array, m: Array, s: Array) -> Array:
    """(x - m) / s, also where the difference overflows: there x and m have opposite signs, and nothing cancels."""
    d = x - m
    return np.where(np.isinf(d), x / s - m / s, d / s) if np.isinf(d).any() else d / s


def _blend(x: Array, rows: Rows, mean: Array, var: Array, momentum: float) -> tuple[Array, Array]:
    if not x.size:
        return mean.copy(), var.copy()
    new_mean, new_var = row_statistics(x.reshape(rows.view))
    with np.errstate(all="ignore"):  # rows are channels, or channels within samples
        pairs = ((mean, new_mean), (var, new_var))
        return tuple(  # type: ignore[return-value]
            answer((1 - momentum) * old + momentum * new.reshape(-1, x.shape[1]).mean(axis=0), old)
            for old, new in pairs
        )


def _column(x: Array) -> tuple[int, ...]:
    """The shape of one number per channel that broadcasts against x."""
    return (x.shape[1], *(1 for _ in x.shape[2:]))


def _channels(x: Array) -> Rows:
    """One row per channel, of all samples and positions."""
    return Rows((x.shape[0], x.shape[1], math.prod(x.shape[2:])), _column(x))


def _instances(x: Array) -> Rows:
    """One row per channel of each sample."""
    return Rows((1, x.shape[0] * x.shape[1], math.prod(x.shape[2:])), _column(x))


def _check(
    op: str,
    input: ArrayLike,
    running_mean: ArrayLike | None,
    running_var: ArrayLike | None,
    weight: ArrayLike | None,
    bias: ArrayLike | None,
) -> tuple[Array, Array | None, Array | None, Array | None, Array | None]:
    x = _validate.floating(op, "input", input)
    _validate.at_least_dimensions(op, "input", x, 2)
    given = {"running_mean": running_mean, "running_var": running_var, "weight": weight, "bias": bias}
    arrays = {name: _validate.optional_floating(op, name, value) for name, value in given.items()}
    for name, array in arrays.items():
        if array is not None:
            _validate.has_shape(op, name, array, "(channels,)", (x.shape[1],))
    return x, arrays["running_mean"], arrays["running_var"], arrays["weight"], arrays["bias"]


def _check_statistics(op: str, arrays: tuple[Array | None, ...], mode: str, *, wanted: bool) -> None:
    """Both running statistics or none, and both where they are wanted."""
    missing = [name for name, array in zip(("running_mean", "running_var"), arrays[1:3], strict=True) if array is None]
    if wanted and missing:
        raise ValueError(
            f"{op}: running_mean and running_var must be given with {mode}, got no {' and no '.join(missing)}"
        )
    if len(missing) == 1:
        raise ValueError(f"{op}: running_mean and running_var must be given both or neither, got no {missing[0]}")


def _check_running(
    op: str, input: ArrayLike, running_mean: ArrayLike, running_var: ArrayLike
) -> tuple[Array, Array, Array]:
    mean, var = (
        _validate.floating(op, name, array)
        for name, array in (("running_mean", running_mean), ("running_var", running_var))
    )
    return _check(op, input, mean, var, None, None)[0], mean, var


def _check_values(op: str, x: Array) -> None:
    if x.shape[0] * math.prod(x.shape[2:]) == 1:
        raise ValueError(f"{op}: input must have more than one value per channel in training, got shape {x.shape}")


def _check_positions(op: str, x: Array) -> None:
    if math.prod(x.shape[2:]) == 1:
        raise ValueError(f"{op}: input must have more than one position per channel, got shape {x.shape}")
