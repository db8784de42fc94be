"""Losses of bounding boxes: how far two rectangles (x1, y1, x2, y2) are from covering each other."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._numerics import two_sum
from .._precision import answer, gradient, working
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array

__all__ = [
    "box_iou_loss_backward",
    "box_iou_loss_forward",
    "complete_box_iou_loss_backward",
    "complete_box_iou_loss_forward",
    "distance_box_iou_loss_backward",
    "distance_box_iou_loss_forward",
    "generalized_box_iou_loss_backward",
    "generalized_box_iou_loss_forward",
]


class BoxIouLossCache(NamedTuple):
    boxes1: Array  # (..., 4)
    boxes2: Array  # the same
    reduction: str
    eps: float


def box_iou_loss_forward(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = 1e-7
) -> tuple[Array, BoxIouLossCache]:
    """What the intersection over union lacks of 1.

    l_n = 1 - I / (U + eps), with I and U the areas of intersection and union
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, and 0 for no boxes

    Shapes: boxes1 (..., 4), boxes2 the same; output (...) (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes do not match, x2 < x1 or y2 < y1 in a box,
        eps is negative, or the reduction is unknown.
    Extremes: full relative precision for nearly equal boxes: the loss is a sum of areas, not a difference from 1.
        Areas are scaled, and neither overflow nor vanish. Boxes apart, or touching, have no gradient.
    Source: H. Rezatofighi et al., Generalized intersection over union, 2019, equation 1; arguments as torchvision's.
    Derived: derivations/boxes.md#box_iou_loss.
    """
    cache = BoxIouLossCache(*_check("box_iou_loss_forward", boxes1, boxes2, reduction, eps))
    return _reduced(_uncovered(_geometry(cache)).value, cache), cache


def box_iou_loss_backward(grad_output: ArrayLike, cache: BoxIouLossCache) -> dict[str, Array]:
    """grad_e = g ((I / (U + eps)) dU/de - dI/de) / (U + eps) for each edge e, with U = A1 + A2 - I. Where two edges
    coincide, the intersection and the enclosing box depend on each by half. Under mean g_n = g / N.
    """
    op = "box_iou_loss_backward"
    cache = _validate.is_cache(op, cache, BoxIouLossCache)
    g, geometry = _pull_back(op, grad_output, cache)
    return _gradients(cache, g, _edges(_uncovered(geometry), geometry))


class GeneralizedBoxIouLossCache(NamedTuple):
    boxes1: Array  # (..., 4)
    boxes2: Array  # the same
    reduction: str
    eps: float


def generalized_box_iou_loss_forward(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = 1e-7
) -> tuple[Array, GeneralizedBoxIouLossCache]:
    """The intersection over union's lack of 1, and the share of the enclosing box that neither box covers.

    l_n = 1 - I / (U + eps) + (C - U) / (C + eps), with C the area of the smallest box around both
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, and 0 for no boxes

    Shapes: boxes1 (..., 4), boxes2 the same; output (...) (none) or ().
    Raises: as box_iou_loss.
    Extremes: as box_iou_loss; C - U is a sum of areas as well, and full relative precision holds where it vanishes.
    Source: torchvision.ops.generalized_box_iou_loss; H. Rezatofighi et al., 2019.
    Derived: derivations/boxes.md#generalized_box_iou_loss.
    """
    cache = GeneralizedBoxIouLossCache(*_check("generalized_box_iou_loss_forward", boxes1, boxes2, reduction, eps))
    geometry = _geometry(cache)
    return _reduced(_uncovered(geometry).value + _hull(geometry).value, cache), cache


def generalized_box_iou_loss_backward(grad_output: ArrayLike, cache: GeneralizedBoxIouLossCache) -> dict[str, Array]:
    """The gradient of box_iou_loss, and g (d(C - U)/de - Q dC/de) / (C + eps) for each edge e, with
    Q = (C - U) / (C + eps); under mean g_n = g / N.
    """
    op = "generalized_box_iou_loss_backward"
    cache = _validate.is_cache(op, cache, GeneralizedBoxIouLossCache)
    g, geometry = _pull_back(op, grad_output, cache)
    return _gradients(cache, g, _edges(_uncovered(geometry), geometry) + _edges(_hull(geometry), geometry))


class DistanceBoxIouLossCache(NamedTuple):
    boxes1: Array  # (..., 4)
    boxes2: Array  # the same
    reduction: str
    eps: float


def distance_box_iou_loss_forward(
    boxes1: ArrayLike, boxes2: ArrayLike, reduction: str = "none", eps: float = 1e-7
) -> tuple[Array, DistanceBoxIouLossCache]:
    """The intersection over union's lack of 1, and the distance of the centres against the enclosing box's diagonal.

    l_n = 1 - I / (U + eps) + r^2 / (d^2 + eps), with r the distance of the centres and d the diagonal of the smallest
    box around both
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, and 0 for no boxes

    Shapes: boxes1 (..., 4), boxes2 the same; output (...) (none) or ().
    Raises: as box_iou_loss.
    Extremes: as box_iou_loss; the distance of centres that nearly coincide keeps its digits.
    Source: torchvision.ops.distance_box_iou_loss; Z. Zheng et al., Distance-IoU loss, 2020.
    Derived: derivations/boxes.md#distance_box_iou_loss.
    """
    cache = DistanceBoxIouLossCache(*_check("distance_box_iou_loss_forward", boxes1, boxes2, reduction, eps))
    geometry = _geometry(cache)
    return _reduced(_uncovered(geometry).value + _separation(geometry)[0], cache), cache


def distance_box_iou_loss_backward(grad_output: ArrayLike, cache: DistanceBoxIouLossCache) -> dict[str, Array]:
    """The gradient of box_iou_loss, and g (d(r^2)/de - R d(d^2)/de) / (d^2 + eps) for each edge e, with
    R = r^2 / (d^2 + eps); under mean g_n = g / N.
    """
    op = "distance_box_iou_loss_backward"
    cache = _validate.is_cache(op, cache, DistanceBoxIouLossCache)
    g, geometry = _pull_back(op, grad_output, cache)
    return _gradients(cache, g, _edges(_uncovered(geometry), geometry) + _separation(geometry)[1])


class CompleteBoxIouLossCache(NamedTuple):
    boxes1: Array  # (..., 4)
    boxes2: Array  # the same
    reduction: str
    eps: float
    constant_alpha: bool


def complete_box_iou_loss_forward(
    boxes1: ArrayLike,
    boxes2: ArrayLike,
    reduction: str = "none",
    eps: float = 1e-7,
    *,
    constant_alpha: bool = True,
) -> tuple[Array, CompleteBoxIouLossCache]:
    """The distance loss, and a penalty on sides of another ratio.

    l_n = D + alpha v, with D the value of distance_box_iou_loss, v = (2 / pi (atan(w2 / h2) - atan(w1 / h1)))^2 of the
    widths and heights, alpha = v / (S + v + eps), and S the value of box_iou_loss
    none: l;  sum: sum_n l_n;  mean: sum_n l_n / N, and 0 for no boxes

    Shapes: boxes1 (..., 4), boxes2 the same; output (...) (none) or ().
    Raises: as box_iou_loss; TypeError where constant_alpha is not True or False.
    Extremes: as distance_box_iou_loss; a box that is a point has no ratio of sides, and gives NaN.
    Source: torchvision.ops.complete_box_iou_loss; Z. Zheng et al., Distance-IoU loss, 2020. constant_alpha=True is the
        published gradient, in which alpha counts as a constant; False is the true gradient of the value returned.
    Derived: derivations/boxes.md#complete_box_iou_loss.
    """
    op = "complete_box_iou_loss_forward"
    checked = _check(op, boxes1, boxes2, reduction, eps)
    cache = CompleteBoxIouLossCache(*checked, _validate.boolean(op, "constant_alpha", constant_alpha))
    geometry = _geometry(cache)
    uncovered = _uncovered(geometry).value
    v, alpha, _ = _aspect(geometry, uncovered)
    return _reduced(uncovered + _separation(geometry)[0] + alpha * v, cache), cache


def complete_box_iou_loss_backward(grad_output: ArrayLike, cache: CompleteBoxIouLossCache) -> dict[str, Array]:
    """The gradient of distance_box_iou_loss, and g alpha dv/de for each edge e: the published gradient. The true one,
    with constant_alpha=False, is g (alpha (2 - alpha) dv/de - alpha^2 dS/de) in its place. Under mean g_n = g / N.
    """
    op = "complete_box_iou_loss_backward"
    cache = _validate.is_cache(op, cache, CompleteBoxIouLossCache)
    g, geometry = _pull_back(op, grad_output, cache)
    uncovered = _uncovered(geometry)
    _, alpha, grad_v = _aspect(geometry, uncovered.value)
    alpha = alpha[:, None, None, None]
    with np.errstate(all="ignore"):
        of_s, of_v = (1, alpha) if cache.constant_alpha else ((1 - alpha) * (1 + alpha), alpha * (2 - alpha))
        grad = of_s * _edges(uncovered, geometry) + _separation(geometry)[1] + of_v * grad_v
    return _gradients(cache, g, grad)


# What the losses share. The two axes of the plane are treated alike: arrays (rows, 2) hold x and y.


class _Geometry(NamedTuple):
    """Two boxes as the lengths that they cut each axis into, each axis scaled by a power of two.

    Areas are sums of products of these lengths. None of them is negative, so that no digits are lost where the boxes
    nearly coincide, and none of the products overflows or vanishes.
    """

    both: Array  # (rows, 2): covered by both boxes
    only1: Array  # (rows, 2): covered by the first alone
    only2: Array  # (rows, 2): covered by the second alone
    gap: Array  # (rows, 2): between the boxes
    offset: Array  # (rows, 2): from the second centre to the first, not scaled
    into: Array  # (rows, 2, 2, 2) [box, edge, axis]: d both / d edge
    around: Array  # (rows, 2, 2, 2): d (the enclosing box's length) / d edge
    exponent: Any  # (rows, 2): the scale is 2^-exponent
    eps: float

    @property
    def extent(self) -> Array:
        return self.both + self.only1 + self.only2 + self.gap

    def scaled_eps(self) -> Array:
        """eps in the unit of the scaled areas (rows,)."""
        return np.ldexp(self.both.dtype.type(self.eps), -self.exponent.sum(axis=1))


class _Term(NamedTuple):
    """A part of the loss and its gradient in the scaled lengths."""

    value: Array  # (rows,)
    both: Any  # (rows, 2)
    only1: Any
    only2: Any
    gap: Any


def _check(
    op: str, boxes1: ArrayLike, boxes2: ArrayLike, reduction: str, eps: float
) -> tuple[Array, Array, str, float]:
    b1 = _validate.floating(op, "boxes1", boxes1)
    b2 = _validate.floating(op, "boxes2", boxes2)
    if b1.shape[-1:] != (4,):
        raise ValueError(f"{op}: boxes1 must have shape (..., 4), got {b1.shape}")
    _validate.has_shape(op, "boxes2", b2, "of boxes1", b1.shape)
    for name, boxes in (("boxes1", b1), ("boxes2", b2)):
        reversed_ = (boxes[..., 2:] < boxes[..., :2]).any(axis=-1)
        if reversed_.any():
            where = tuple(int(i) for i in np.argwhere(reversed_)[0])
            found = ", ".join(f"{edge:g}" for edge in boxes[where])
            raise ValueError(f"{op}: {name} must have x1 <= x2 and y1 <= y2, got ({found}) at index {where}")
    check_reduction(op, reduction)
    return b1, b2, reduction, _validate.number(op, "eps", eps, at_least=0)


@np.errstate(all="ignore")
def _geometry(cache: Any) -> _Geometry:
    low1, high1, low2, high2 = _corners(cache)
    low, high = np.maximum(low1, low2), np.minimum(high1, high2)
    overlap = high > low
    both = np.where(overlap, high - low, 0)
    only1 = np.where(overlap, (low - low1) + (high1 - high), high1 - low1)
    only2 = np.where(overlap, (low - low2) + (high2 - high), high2 - low2)
    gap = np.where(overlap, 0, low - high)

    left, left_error = two_sum(low1, -low2)
    right, right_error = two_sum(high1, -high2)
    total, error = two_sum(left, right)
    offset = (total + (error + (left_error + right_error))) / 2

    # The share of each edge in the inner edges; half where two edges coincide.
    first = np.stack([_share(low1, low2), _share(high2, high1)], axis=1)
    share = np.stack([first, 1 - first], axis=1)
    sign = np.array([-1, 1], dtype=low.dtype)[:, None]
    into, around = sign * share * overlap[:, None, None], sign * (1 - share)

    limits = np.finfo(low.dtype)
    _, exponent = np.frexp(both + only1 + only2 + gap)
    if cache.eps:  # beside eps the area of a box this small is nothing, and eps must remain a number
        exponent = np.maximum(exponent, int(0.44 * limits.minexp))
    both, only1, only2, gap = (np.ldexp(length, -exponent) for length in (both, only1, only2, gap))
    return _Geometry(both, only1, only2, gap, offset, into, around, exponent, cache.eps)


def _corners(cache: Any) -> tuple[Any, Any, Any, Any]:
    """low1, high1, low2, high2, each (rows, 2), in the working dtype."""
    boxes1, boxes2 = (boxes.reshape(-1, 4) for boxes in working(cache.boxes1, cache.boxes2))
    return boxes1[:, :2], boxes1[:, 2:], boxes2[:, :2], boxes2[:, 2:]


def _share(a: Any, b: Any) -> Any:
    """d max(a, b) / da."""
    return np.where(a == b, 0.5, a > b).astype(a.dtype)


def _other(lengths: Any) -> Any:
    return lengths[:, ::-1]


@np.errstate(all="ignore")
def _uncovered(s: _Geometry) -> _Term:
    """1 - I / (U + eps) as (U - I + eps) / (U + eps); U - I is what only one of the boxes covers."""
    corners = s.only1.prod(axis=1) + s.only2.prod(axis=1)
    only = s.only1 + s.only2
    both = s.both.prod(axis=1)
    lacking = (_other(s.both) * only).sum(axis=1) + corners + s.scaled_eps()
    union = (both + lacking)[:, None]
    part = (both[:, None] / union) / union
    across = (_other(s.both) * only + (corners + s.scaled_eps())[:, None]) / union
    return _Term(
        lacking / union[:, 0],
        -_other(s.both) / union * across,
        _other(s.both + s.only1) * part,
        _other(s.both + s.only2) * part,
        0,
    )


@np.errstate(all="ignore")
def _hull(s: _Geometry) -> _Term:
    """Q = (C - U) / (C + eps); C - U is the corners beside both boxes, and the gaps."""
    filled = s.both + s.only1 + s.only2
    empty = (s.only1 * _other(s.only2)).sum(axis=1) + s.gap[:, 0] * s.extent[:, 1] + s.gap[:, 1] * filled[:, 0]
    area = (s.extent.prod(axis=1) + s.scaled_eps())[:, None]
    value = empty[:, None] / area
    covered = (s.both.prod(axis=1) + (_other(s.both) * (s.only1 + s.only2)).sum(axis=1))[:, None]
    rest = (covered + (s.only1.prod(axis=1) + s.only2.prod(axis=1) + s.scaled_eps())[:, None]) / area
    # dQ = (d(C - U) - Q dC) / (C + eps) = ((1 - Q) dC - dU) / (C + eps): the form without the larger of Q and 1 - Q.
    near, far = value * _other(s.extent), rest * _other(s.extent)
    beside = (_other(s.gap), _other(s.gap + s.only2), _other(s.gap + s.only1), _other(s.extent))
    within = (_other(filled), _other(s.both + s.only1), _other(s.both + s.only2), 0)
    both, only1, only2, gap = (
        np.where(value < 0.5, a - near, far - b) / area for a, b in zip(beside, within, strict=True)
    )
    return _Term(value[:, 0], both, only1, only2, gap)


@np.errstate(all="ignore")
def _edges(term: _Term, s: _Geometry) -> Array:
    """The gradient in the edges (rows, 2, 2, 2) [box, edge, axis]. The coefficients of each slope are added up first:
    they are small exact numbers."""
    into, around = s.into, s.around
    sign = np.array([-1, 1], dtype=into.dtype)[:, None]
    own = sign - into  # d (the length of the edge's own box, without what both cover)
    only = np.stack(np.broadcast_arrays(term.only1, term.only2), axis=1)[:, :, None]
    grad = into * np.asarray(term.both)[:, None, None] + own * only - into * only[:, ::-1]
    if np.ndim(term.gap):
        grad = grad + (around + into - sign) * term.gap[:, None, None]
    return np.asarray(np.ldexp(grad, -s.exponent[:, None, None]))


@np.errstate(all="ignore")
def _separation(s: _Geometry) -> tuple[Array, Array]:
    """r^2 / (d^2 + eps) and its gradient in the edges. Lengths along both axes add here, and have one scale."""
    exponent = s.exponent.max(axis=1, keepdims=True)
    extent = np.ldexp(s.extent, s.exponent - exponent)
    offset = np.ldexp(s.offset, -exponent)
    diagonal = (extent**2).sum(axis=1, keepdims=True) + np.ldexp(extent.dtype.type(s.eps), -2 * exponent)
    value = (offset**2).sum(axis=1, keepdims=True) / diagonal
    sign = np.array([1, -1], dtype=extent.dtype)[:, None, None]
    grad = sign * (offset / diagonal)[:, None, None] - s.around * (2 * value * extent / diagonal)[:, None, None]
    return value[:, 0], np.ldexp(grad, -exponent[:, None, None])


@np.errstate(all="ignore")
def _aspect(s: _Geometry, uncovered: Array) -> tuple[Array, Array, Array]:
    """v, alpha, and dv / d edge (rows, 2, 2, 2)."""
    exponent = s.exponent.max(axis=1, keepdims=True)
    both, only1, only2 = (np.ldexp(length, s.exponent - exponent) for length in (s.both, s.only1, s.only2))
    sides = np.stack([both + only1, both + only2], axis=1)
    # The angle between the diagonals (h, w): of like boxes its sine is small, and a difference of angles would lose it.
    unlike = both * _other(only1 - only2) + only2 * _other(only1)
    sine, cosine = unlike[:, 0] - unlike[:, 1], sides.prod(axis=1).sum(axis=1)
    square = (sides**2).sum(axis=2, keepdims=True)
    between = (2 / math.pi) * np.where(square.prod(axis=1)[:, 0] == 0, np.nan, np.arctan2(sine, cosine))
    v = between**2
    alpha = np.where(v == 0, v, v / (uncovered + v + s.eps))
    # d atan(w / h) is h dw - w dh over w^2 + h^2, and a side is its high edge less its low one.
    sign = np.array([-1, 1], dtype=v.dtype)
    turn = sides[:, :, ::-1] / square * -sign
    slope = (4 / math.pi) * between[:, None, None] * sign[:, None] * turn
    return v, alpha, np.ldexp(slope[:, :, None] * sign[:, None], -exponent[:, None, None])


def _reduced(values: Array, cache: Any) -> Array:
    """Of no boxes the mean is 0, as in torchvision."""
    shape = cache.boxes1.shape[:-1]
    output = reduce_forward(values.reshape(shape), cache.reduction, divisor=max(values.size, 1))
    return answer(output, cache.boxes1, cache.boxes2)


def _pull_back(op: str, grad_output: ArrayLike, cache: Any) -> tuple[Array, _Geometry]:
    """The gradient of each value, and the geometry."""
    shape, geometry = cache.boxes1.shape[:-1], _geometry(cache)
    g = _validate.output_gradient(op, grad_output, shape if cache.reduction == "none" else (), geometry.both.dtype)
    return reduce_backward(g, shape, cache.reduction, divisor=max(math.prod(shape), 1)).reshape(-1), geometry


@np.errstate(all="ignore")
def _gradients(cache: Any, g: Array, grad: Array) -> dict[str, Array]:
    """Edges (rows, 2, 2, 2) [box, edge, axis] as the gradients of both arrays of boxes."""
    grad = g[:, None, None, None] * grad
    both = {"boxes1": cache.boxes1, "boxes2": cache.boxes2}
    return {name: gradient(grad[:, k].reshape(boxes.shape), boxes) for k, (name, boxes) in enumerate(both.items())}
