"""Dropout: entries, or whole channels, left out at random while training."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _validate
from .._blocks import BLOCK, elementwise, row_blocks
from .._precision import working, working_dtype
from .._validate import Array

__all__ = [
    "alpha_dropout_backward",
    "alpha_dropout_forward",
    "dropout1d_backward",
    "dropout1d_forward",
    "dropout2d_backward",
    "dropout2d_forward",
    "dropout3d_backward",
    "dropout3d_forward",
    "dropout_backward",
    "dropout_forward",
    "feature_alpha_dropout_backward",
    "feature_alpha_dropout_forward",
]

BoolArray = NDArray[np.bool_]
# What SELU tends to at -inf is -ALPHA: its scale 1.0507... times its alpha 1.6732..., in PyTorch's rounding.
ALPHA = 1.7580993408473766


class DropoutCache(NamedTuple):
    keep: BoolArray | None  # shape; None where nothing is random and all is kept
    scale: float  # 1 / (1 - p), and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def dropout_forward(
    input: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Any = None
) -> tuple[Array, DropoutCache]:
    """Each entry left out with probability p, the others scaled up so that the mean stays.

    y_i = m_i x_i / (1 - p) with m_i = 0 with probability p, else 1; y = x where not training

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: a single rounding beyond that of 1 / (1 - p); p = 1 gives zeros. 0 times infinity is NaN, so an infinite
        entry that is left out gives NaN, as in PyTorch.
    Source: torch.nn.functional.dropout; rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#dropout.
    """
    op = "dropout_forward"
    x = _validate.floating(op, "input", input)
    keep, p = draw_mask(op, x.shape, p, training, rng)
    cache = DropoutCache(keep, rescaling(p), x.shape, x.dtype)
    return _scaled(x, keep, cache.scale), cache


def dropout_backward(grad_output: ArrayLike, cache: DropoutCache) -> dict[str, Array]:
    """grad_x_i = m_i g_i / (1 - p): the same entries left out, the same scale."""
    return _backward("dropout_backward", grad_output, cache, DropoutCache)


class Dropout1dCache(NamedTuple):
    keep: BoolArray | None  # (N, C, 1) or (C, 1); None where nothing is random and all is kept
    scale: float  # 1 / (1 - p), and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def dropout1d_forward(
    input: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Any = None
) -> tuple[Array, Dropout1dCache]:
    """Each channel of a batch of sequences left out whole with probability p, the others scaled up.

    y_ncl = m_nc x_ncl / (1 - p) with m_nc = 0 with probability p, else 1; y = x where not training

    Shapes: input (N, C, L) or (C, L), output the same.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        input has another number of dimensions, p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: as dropout.
    Source: torch.nn.functional.dropout1d; rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#dropout1d.
    """
    op = "dropout1d_forward"
    x = _validate.floating(op, "input", input)
    channels = _channel_axes(op, x, {2: "(C, L)", 3: "(N, C, L)"}, batched=3)
    keep, p = draw_mask(op, channels, p, training, rng)
    cache = Dropout1dCache(keep, rescaling(p), x.shape, x.dtype)
    return _scaled(x, keep, cache.scale), cache


def dropout1d_backward(grad_output: ArrayLike, cache: Dropout1dCache) -> dict[str, Array]:
    """grad_x_ncl = m_nc g_ncl / (1 - p): the same channels left out, the same scale."""
    return _backward("dropout1d_backward", grad_output, cache, Dropout1dCache)


class Dropout2dCache(NamedTuple):
    keep: BoolArray | None  # (N, C, 1, 1) or (N, C, 1); None where nothing is random and all is kept
    scale: float  # 1 / (1 - p), and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def dropout2d_forward(
    input: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Any = None
) -> tuple[Array, Dropout2dCache]:
    """Each channel of a batch of images left out whole with probability p, the others scaled up.

    y_nchw = m_nc x_nchw / (1 - p) with m_nc = 0 with probability p, else 1; y = x where not training

    Shapes: input (N, C, H, W), output the same; three dimensions are (N, C, L), not an image without a batch.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        input has another number of dimensions, p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: as dropout.
    Source: torch.nn.functional.dropout2d, which warns of three dimensions, and of numbers of them that are refused
        here; rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#dropout2d.
    """
    op = "dropout2d_forward"
    x = _validate.floating(op, "input", input)
    channels = _channel_axes(op, x, {3: "(N, C, L)", 4: "(N, C, H, W)"}, batched=3)
    keep, p = draw_mask(op, channels, p, training, rng)
    cache = Dropout2dCache(keep, rescaling(p), x.shape, x.dtype)
    return _scaled(x, keep, cache.scale), cache


def dropout2d_backward(grad_output: ArrayLike, cache: Dropout2dCache) -> dict[str, Array]:
    """grad_x_nchw = m_nc g_nchw / (1 - p): the same channels left out, the same scale."""
    return _backward("dropout2d_backward", grad_output, cache, Dropout2dCache)


class Dropout3dCache(NamedTuple):
    keep: BoolArray | None  # (N, C, 1, 1, 1) or (C, 1, 1, 1); None where nothing is random and all is kept
    scale: float  # 1 / (1 - p), and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def dropout3d_forward(
    input: ArrayLike, p: float = 0.5, training: bool = True, *, rng: Any = None
) -> tuple[Array, Dropout3dCache]:
    """Each channel of a batch of volumes left out whole with probability p, the others scaled up.

    y_ncdhw = m_nc x_ncdhw / (1 - p) with m_nc = 0 with probability p, else 1; y = x where not training

    Shapes: input (N, C, D, H, W) or (C, D, H, W), output the same.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        input has another number of dimensions, p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: as dropout.
    Source: torch.nn.functional.dropout3d, which warns of numbers of dimensions that are refused here; rng, an integer
        seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#dropout3d.
    """
    op = "dropout3d_forward"
    x = _validate.floating(op, "input", input)
    channels = _channel_axes(op, x, {4: "(C, D, H, W)", 5: "(N, C, D, H, W)"}, batched=5)
    keep, p = draw_mask(op, channels, p, training, rng)
    cache = Dropout3dCache(keep, rescaling(p), x.shape, x.dtype)
    return _scaled(x, keep, cache.scale), cache


def dropout3d_backward(grad_output: ArrayLike, cache: Dropout3dCache) -> dict[str, Array]:
    """grad_x_ncdhw = m_nc g_ncdhw / (1 - p): the same channels left out, the same scale."""
    return _backward("dropout3d_backward", grad_output, cache, Dropout3dCache)


class AlphaDropoutCache(NamedTuple):
    keep: BoolArray | None  # shape; None where nothing is random and all is kept
    scale: float  # a, and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def alpha_dropout_forward(
    input: ArrayLike, p: float = 0.5, training: bool = False, *, rng: Any = None
) -> tuple[Array, AlphaDropoutCache]:
    """Each entry set, with probability p, to what SELU tends to at -inf; then mean 0 and variance 1 restored.

    y_i = a (m_i x_i - (1 - m_i) A + A p) with m_i = 0 with probability p, else 1;
    A = 1.7580993408473766 and a = 1 / sqrt((1 - p) (1 + p A^2)); y = x where not training, y = 0 where p = 1

    Shapes: input any, output the same.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: all digits also where x + A p nearly cancels. An infinite entry that is left out gives NaN, as in PyTorch.
    Source: torch.nn.functional.alpha_dropout; rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#alpha_dropout.
    """
    op = "alpha_dropout_forward"
    x = _validate.floating(op, "input", input)
    keep, p = draw_mask(op, x.shape, p, training, rng)
    cache = AlphaDropoutCache(keep, _alpha_scale(p), x.shape, x.dtype)
    return _alpha(x, keep, p), cache


def alpha_dropout_backward(grad_output: ArrayLike, cache: AlphaDropoutCache) -> dict[str, Array]:
    """grad_x_i = a m_i g_i: what was set to a constant gets nothing."""
    return _backward("alpha_dropout_backward", grad_output, cache, AlphaDropoutCache)


class FeatureAlphaDropoutCache(NamedTuple):
    keep: BoolArray | None  # (N, C, 1, ...); None where nothing is random and all is kept
    scale: float  # a, and 0 where p = 1
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def feature_alpha_dropout_forward(
    input: ArrayLike, p: float = 0.5, training: bool = False, *, rng: Any = None
) -> tuple[Array, FeatureAlphaDropoutCache]:
    """Each channel set whole, with probability p, to what SELU tends to at -inf; then mean and variance restored.

    y_nc... = a (m_nc x_nc... - (1 - m_nc) A + A p) with m_nc = 0 with probability p, else 1;
    A and a as in alpha_dropout; y = x where not training, y = 0 where p = 1

    Shapes: input (N, C, ...), output the same.
    Raises: TypeError where input is not floating, training no boolean or rng no source of randomness; ValueError where
        input has fewer than 2 dimensions, p is outside [0, 1], or rng is missing though training and 0 < p < 1.
    Extremes: as alpha_dropout.
    Source: torch.nn.functional.feature_alpha_dropout; rng, an integer seed or a numpy.random.Generator, is refimpl's.
    Derived: derivations/dropout.md#feature_alpha_dropout.
    """
    op = "feature_alpha_dropout_forward"
    x = _validate.floating(op, "input", input)
    _validate.at_least_dimensions(op, "input", x, 2)
    keep, p = draw_mask(op, x.shape[:2] + (1,) * (x.ndim - 2), p, training, rng)
    cache = FeatureAlphaDropoutCache(keep, _alpha_scale(p), x.shape, x.dtype)
    return _alpha(x, keep, p), cache


def feature_alpha_dropout_backward(grad_output: ArrayLike, cache: FeatureAlphaDropoutCache) -> dict[str, Array]:
    """grad_x_nc... = a m_nc g_nc...: what was set to a constant gets nothing."""
    return _backward("feature_alpha_dropout_backward", grad_output, cache, FeatureAlphaDropoutCache)


# What all six share: the mask, and a scale for what it keeps.


def _channel_axes(op: str, x: Array, shapes: dict[int, str], batched: int) -> tuple[int, ...]:
    """The shape of a mask with one entry per channel; from `batched` dimensions on the first axis is the batch."""
    if x.ndim not in shapes:
        raise ValueError(f"{op}: input must have shape {' or '.join(shapes.values())}, got {x.shape}")
    axes = 2 if x.ndim >= batched else 1
    return x.shape[:axes] + (1,) * (x.ndim - axes)


def draw_mask(
    op: str, shape: tuple[int, ...], p: Any, training: Any, rng: Any, name: str = "p"
) -> tuple[BoolArray | None, float]:
    """The entries to keep, None for all of them, and p; `name` is what the op calls p."""
    p = _validate.number(op, name, p, at_least=0, at_most=1)
    training = _validate.boolean(op, "training", training)
    if not training or p == 0:
        return None, 0.0
    if p == 1:
        return np.zeros(shape, dtype=np.bool_), p
    generator = _validate.generator(op, rng)
    keep = np.empty(math.prod(shape), dtype=np.bool_)
    draws = np.empty(min(keep.size, BLOCK), dtype=np.float32)
    for block in row_blocks(keep.size, 1):
        drawn = generator.random(dtype=np.float32, out=draws[: block.stop - block.start])
        np.greater_equal(drawn, np.float32(p), out=keep[block])
    return keep.reshape(shape), p


def rescaling(p: float) -> float:
    """What the entries that are kept are multiplied by."""
    return 0.0 if p == 1 else 1 / (1 - p)


def _alpha_scale(p: float) -> float:
    """a, rounded from its exact square."""
    if p == 1:
        return 0.0
    q, square = Fraction(p), Fraction(ALPHA) ** 2
    return 1 / math.sqrt((1 - q) * (1 + q * square))


def _scaled(x: Array, keep: BoolArray | None, scale: float) -> Array:
    """x m scale, in x's dtype; x itself, copied, where all is kept."""
    if keep is None:
        return x.copy()
    number = working_dtype(x).type(scale)
    return _masked(lambda x, m: x * (m * number), x, keep)


def _alpha(x: Array, keep: BoolArray | None, p: float) -> Array:
    """a (x + A p) where kept, -a A (1 - p) elsewhere; 0 where p = 1."""
    if keep is None or p == 1:
        return _scaled(x, keep, 0.0)
    number = working_dtype(x).type
    # A p in two parts, since x + A p may cancel: what the first leaves out is then all that is left.
    shift = Fraction(ALPHA) * Fraction(p)
    high = number(float(shift))
    low = number(float(shift - Fraction(float(high))))
    a, dropped = number(_alpha_scale(p)), number(-_alpha_scale(p) * ALPHA * (1 - p))
    return _masked(lambda x, m: m * (a * ((x + high) + low)) + (1 - m) * dropped, x, keep)


def _masked(formula: Callable[[Any, Any], Any], x: Array, keep: Any) -> Array:
    """formula(x, m) with the mask as numbers, in x's dtype."""
    if keep.shape == x.shape:
        return elementwise(formula, x, keep, dtype=x.dtype)
    (x_working,) = working(x)
    with np.errstate(all="ignore"):
        return np.asarray(formula(x_working, keep.astype(x_working.dtype)), dtype=x.dtype)


def _backward(op: str, grad_output: ArrayLike, cache: Any, kind: type[Any]) -> dict[str, Array]:
    cache = _validate.is_cache(op, cache, kind)
    g = _validate.output_gradient(op, grad_output, cache.shape, working_dtype(np.empty(0, cache.dtype)))
    return {"input": _scaled(g, cache.keep, cache.scale).astype(cache.dtype, copy=False)}
