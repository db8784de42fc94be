"""Initialisers: the numbers that weights start from.

Each returns a new array of a shape, in the dtype asked for. What is random takes rng, an integer seed or a
numpy.random.Generator, and refuses to run without; it is drawn in float64 and rounded once. A weight has the shape
(out, in, ...), as everywhere in this package.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import log_ndtr, ndtri_exp

from . import _validate
from ._validate import Array

__all__ = [
    "calculate_fan_in_and_fan_out",
    "calculate_gain",
    "constant",
    "dirac",
    "eye",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "ones",
    "orthogonal",
    "sparse",
    "trunc_normal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Shape = Any  # an integer or a sequence of them
LAYERS = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
NONLINEARITIES = (*LAYERS, "sigmoid", "tanh", "relu", "leaky_relu", "selu")


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor of the standard deviation that makes up for what a nonlinearity takes from the signal.

    1 for linear, sigmoid and every convolution, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + param^2)) for leaky_relu
    with the slope param (0.01 if None), 3/4 for selu

    Raises: ValueError where nonlinearity is none of these.
    Source: torch.nn.init.calculate_gain. Those of tanh and selu were found by trying.
    Derived: derivations/init.md.
    """
    op = "calculate_gain"
    _validate.one_of(op, "nonlinearity", nonlinearity, NONLINEARITIES)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else _validate.number(op, "param", param)
        return math.sqrt(2 / (1 + slope**2))
    return {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}.get(nonlinearity, 1.0)


def calculate_fan_in_and_fan_out(shape: Shape) -> tuple[int, int]:
    """From how many inputs one output of a weight (out, in, ...) is computed, and how many outputs use one input.

    fan_in = in k, fan_out = out k, with k the number of positions of the kernel

    Raises: ValueError where the shape has fewer than two dimensions.
    Source: torch.nn.init, for its Xavier's and Kaiming's.
    Derived: derivations/init.md.
    """
    return _fans(_shape("calculate_fan_in_and_fan_out", shape, 2))


def uniform(shape: Shape, a: float = 0.0, b: float = 1.0, *, rng: Any = None, dtype: DTypeLike = np.float64) -> Array:
    """Numbers spread evenly from a to b: their mean is (a + b) / 2, their variance (b - a)^2 / 12.

    Raises: ValueError where a is above b or rng is missing.
    Source: torch.nn.init.uniform_.
    Derived: derivations/init.md.
    """
    op = "uniform"
    shape, dtype = _shape(op, shape), _dtype(op, dtype)
    a, b = _interval(op, a, b)
    return _rounded(_validate.generator(op, rng).uniform(a, b, shape), dtype)


def normal(
    shape: Shape, mean: float = 0.0, std: float = 1.0, *, rng: Any = None, dtype: DTypeLike = np.float64
) -> Array:
    """Numbers of a normal distribution: their mean is mean, their variance std^2.

    Raises: ValueError where std is below 0 or rng is missing.
    Source: torch.nn.init.normal_.
    Derived: derivations/init.md.
    """
    op = "normal"
    shape, dtype = _shape(op, shape), _dtype(op, dtype)
    mean = _finite(op, "mean", mean)
    std = _validate.number(op, "std", std, at_least=0, below=math.inf)
    return _rounded(_validate.generator(op, rng).normal(mean, std, shape), dtype)


def trunc_normal(
    shape: Shape,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    *,
    rng: Any = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Numbers of a normal distribution, of which only those from a to b are kept.

    The density is that of normal(mean, std) between a and b, divided by the share of it that lies there. a and b are
    numbers themselves, not multiples of std.

    Raises: ValueError where std is not above 0, a is not below b, or rng is missing.
    Extremes: right also where a and b lie far out on one side, which PyTorch warns of.
    Source: torch.nn.init.trunc_normal_.
    Derived: derivations/init.md.
    """
    op = "trunc_normal"
    shape, dtype = _shape(op, shape), _dtype(op, dtype)
    mean = _finite(op, "mean", mean)
    std = _validate.number(op, "std", std, above=0, below=math.inf)
    a, b = _interval(op, a, b, apart=True)
    u = 1 - _validate.generator(op, rng).random(shape)  # above 0, up to 1
    low, high = (a - mean) / std, (b - mean) / std
    # The inverse of the distribution function, from logarithms: they keep the digits of the left tail, and what lies
    # right of the mean is mirrored there.
    mirrored = low > 0
    if mirrored:
        low, high = -high, -low
    with np.errstate(all="ignore"):
        log_share = np.logaddexp(log_ndtr(low) + np.log(u), log_ndtr(high) + np.log1p(-u))
        z = ndtri_exp(np.minimum(log_share, 0.0))
        return _rounded(np.clip(mean + std * (-z if mirrored else z), a, b), dtype)


def constant(shape: Shape, val: float, *, dtype: DTypeLike = np.float64) -> Array:
    """The same number everywhere.

    Source: torch.nn.init.constant_.
    """
    op = "constant"
    shape, dtype = _shape(op, shape), _dtype(op, dtype)
    return _rounded(np.full(shape, _validate.number(op, "val", val)), dtype)


def ones(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    """1 everywhere.

    Source: torch.nn.init.ones_.
    """
    return np.ones(_shape("ones", shape), dtype=_dtype("ones", dtype))


def zeros(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    """0 everywhere.

    Source: torch.nn.init.zeros_.
    """
    return np.zeros(_shape("zeros", shape), dtype=_dtype("zeros", dtype))


def eye(shape: Shape, *, dtype: DTypeLike = np.float64) -> Array:
    """1 on the diagonal: a linear layer that hands on its inputs, as many as it has outputs for.

    Raises: ValueError where the shape has not two dimensions.
    Source: torch.nn.init.eye_.
    """
    op = "eye"
    shape, dtype = _shape(op, shape, 2, 2), _dtype(op, dtype)
    return np.eye(*shape, dtype=dtype)


def dirac(shape: Shape, groups: int = 1, *, dtype: DTypeLike = np.float64) -> Array:
    """1 at the kernel's middle, from channel i to output i of each group: a convolution that hands on its input.

    The middle of k positions is k // 2, the right one of two.

    Raises: ValueError where the shape has not three to five dimensions, or groups does not divide out.
    Source: torch.nn.init.dirac_.
    Derived: derivations/init.md.
    """
    op = "dirac"
    shape, dtype = _shape(op, shape, 3, 5), _dtype(op, dtype)
    groups = _validate.integer(op, "groups", groups)
    if groups < 1 or shape[0] % groups:
        raise ValueError(f"{op}: groups must divide shape[0] = {shape[0]}, got {groups}")
    weight = np.zeros(shape, dtype=dtype)
    if weight.size:
        outputs = shape[0] // groups
        i = np.arange(min(outputs, shape[1]))
        middle = (slice(None), i, i, *(k // 2 for k in shape[2:]))
        weight.reshape(groups, outputs, *shape[1:])[middle] = 1
    return weight


def xavier_uniform(shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: DTypeLike = np.float64) -> Array:
    """Uniform from -a to a with a = gain sqrt(6 / (fan_in + fan_out)): the variance is gain^2 2 / (fan_in + fan_out).

    Raises: ValueError where the shape has fewer than two dimensions, gain is below 0 or rng is missing.
    Source: torch.nn.init.xavier_uniform_; Glorot and Bengio 2010.
    Derived: derivations/init.md.
    """
    op = "xavier_uniform"
    shape, dtype = _shape(op, shape, 2), _dtype(op, dtype)
    bound = math.sqrt(3) * _xavier_std(op, shape, gain)
    return _rounded(_validate.generator(op, rng).uniform(-bound, bound, shape), dtype)


def xavier_normal(shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: DTypeLike = np.float64) -> Array:
    """Normal with the mean 0 and the variance gain^2 2 / (fan_in + fan_out).

    Raises: as xavier_uniform.
    Source: torch.nn.init.xavier_normal_; Glorot and Bengio 2010.
    Derived: derivations/init.md.
    """
    op = "xavier_normal"
    shape, dtype = _shape(op, shape, 2), _dtype(op, dtype)
    std = _xavier_std(op, shape, gain)
    return _rounded(_validate.generator(op, rng).normal(0, std, shape), dtype)


def kaiming_uniform(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Any = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Uniform from -b to b with b = gain sqrt(3 / fan): the variance is gain^2 / fan.

    fan is fan_in or fan_out, as mode says; gain is calculate_gain(nonlinearity, a), with a the slope of leaky_relu.

    Raises: ValueError where the shape has fewer than two dimensions, mode or nonlinearity is unknown, or rng is
        missing.
    Source: torch.nn.init.kaiming_uniform_; He et al. 2015.
    Derived: derivations/init.md.
    """
    op = "kaiming_uniform"
    shape, dtype = _shape(op, shape, 2), _dtype(op, dtype)
    bound = math.sqrt(3) * _kaiming_std(op, shape, a, mode, nonlinearity)
    return _rounded(_validate.generator(op, rng).uniform(-bound, bound, shape), dtype)


def kaiming_normal(
    shape: Shape,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Any = None,
    dtype: DTypeLike = np.float64,
) -> Array:
    """Normal with the mean 0 and the variance gain^2 / fan, both as in kaiming_uniform.

    Raises: as kaiming_uniform.
    Source: torch.nn.init.kaiming_normal_; He et al. 2015.
    Derived: derivations/init.md.
    """
    op = "kaiming_normal"
    shape, dtype = _shape(op, shape, 2), _dtype(op, dtype)
    std = _kaiming_std(op, shape, a, mode, nonlinearity)
    return _rounded(_validate.generator(op, rng).normal(0, std, shape), dtype)


def orthogonal(shape: Shape, gain: float = 1.0, *, rng: Any = None, dtype: DTypeLike = np.float64) -> Array:
    """A random matrix (out, in k) whose rows, or columns if there are fewer, are orthogonal and have the length gain.

    All such matrices are equally likely.

    Raises: ValueError where the shape has fewer than two dimensions or rng is missing.
    Source: torch.nn.init.orthogonal_; Saxe et al. 2014; Mezzadri 2007.
    Derived: derivations/init.md.
    """
    op = "orthogonal"
    shape, dtype = _shape(op, shape, 2), _dtype(op, dtype)
    gain = _finite(op, "gain", gain)
    rows, columns = shape[0], math.prod(shape[1:])
    drawn = _validate.generator(op, rng).standard_normal((max(rows, columns), min(rows, columns)))
    if not drawn.size:
        return np.zeros(shape, dtype=dtype)
    q, r = np.linalg.qr(drawn)
    q *= np.where(np.diagonal(r) < 0, -1, 1)  # the factorization with a positive diagonal is the one that is unique
    return np.asarray(gain * (q if rows >= columns else q.T).reshape(shape), dtype)


def sparse(
    shape: Shape, sparsity: float, std: float = 0.01, *, rng: Any = None, dtype: DTypeLike = np.float64
) -> Array:
    """Normal with the standard deviation std, but for ceil(sparsity rows) entries of each column, which are 0.

    Raises: ValueError where the shape has not two dimensions, sparsity lies outside 0 to 1, std is below 0 or rng is
        missing.
    Source: torch.nn.init.sparse_; Martens 2010.
    Derived: derivations/init.md.
    """
    op = "sparse"
    shape, dtype = _shape(op, shape, 2, 2), _dtype(op, dtype)
    sparsity = _validate.number(op, "sparsity", sparsity, at_least=0, at_most=1)
    std = _validate.number(op, "std", std, at_least=0, below=math.inf)
    generator = _validate.generator(op, rng)
    weight = generator.normal(0, std, shape)
    silent = np.broadcast_to(np.arange(shape[0])[:, None] < math.ceil(sparsity * shape[0]), shape)
    return _rounded(np.where(generator.permuted(silent, axis=0), 0, weight), dtype)


def _shape(op: str, value: Shape, at_least: int = 0, at_most: float = math.inf) -> tuple[int, ...]:
    """The shape as a tuple, with as many dimensions as the initialiser is for."""
    extents = value if isinstance(value, (tuple, list)) else (value,)
    shape = tuple(_validate.integer(op, f"shape[{i}]", extent) for i, extent in enumerate(extents))
    if any(extent < 0 for extent in shape):
        raise ValueError(f"{op}: shape must hold numbers of at least 0, got {shape}")
    if not at_least <= len(shape) <= at_most:
        most = "" if at_least == at_most else " or more" if at_most == math.inf else f" to {at_most}"
        raise ValueError(f"{op}: shape must have {at_least}{most} dimensions, got {shape}")
    return shape


def _dtype(op: str, value: DTypeLike) -> np.dtype[Any]:
    try:
        dtype = np.dtype(value)
    except TypeError:
        raise TypeError(f"{op}: dtype must be float16, float32 or float64, got {value!r}") from None
    if dtype not in _validate.FLOATING:
        raise TypeError(f"{op}: dtype must be float16, float32 or float64, got {dtype}")
    return dtype


def _rounded(drawn: Any, dtype: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"):  # what float16 or float32 cannot hold is infinite or 0
        return np.asarray(drawn, dtype=dtype)


def _finite(op: str, name: str, value: float) -> float:
    return _validate.number(op, name, value, above=-math.inf, below=math.inf)


def _interval(op: str, a: float, b: float, apart: bool = False) -> tuple[float, float]:
    a, b = _validate.number(op, "a", a), _validate.number(op, "b", b)
    if not (a < b or (a == b and not apart)):
        raise ValueError(f"{op}: a must be {'below' if apart else 'at most'} b = {b:g}, got {a:g}")
    return a, b


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _xavier_std(op: str, shape: tuple[int, ...], gain: float) -> float:
    gain = _validate.number(op, "gain", gain, at_least=0, below=math.inf)
    return gain * math.sqrt(2 / max(sum(_fans(shape)), 1))  # without entries there is nothing to spread


def _kaiming_std(op: str, shape: tuple[int, ...], a: float, mode: str, nonlinearity: str) -> float:
    _validate.one_of(op, "mode", mode, ("fan_in", "fan_out"))
    _validate.one_of(op, "nonlinearity", nonlinearity, NONLINEARITIES)
    fan = _fans(shape)[mode == "fan_out"]
    return calculate_gain(nonlinearity, _validate.number(op, "a", a)) / math.sqrt(max(fan, 1))
