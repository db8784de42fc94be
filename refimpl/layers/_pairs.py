"""Two arrays of rows that broadcast against each other: what measures of one against the other share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import fold
from .._precision import gradient, working
from .._reduction import unbroadcast
from .._validate import Array


def check_pair(op: str, x1: ArrayLike, x2: ArrayLike) -> tuple[Array, Array, tuple[int, ...]]:
    """Both as arrays, and the shape that they broadcast to."""
    one, two = _validate.floating(op, "x1", x1), _validate.floating(op, "x2", x2)
    return one, two, broadcast_shape(op, one, two, one.shape, two.shape)


def broadcast_shape(
    op: str, x1: Array, x2: Array, shape1: tuple[int, ...], shape2: tuple[int, ...]
) -> tuple[int, ...]:  # fmt: skip
    """What two shapes, all of the arrays' or a part, broadcast to."""
    try:
        return np.broadcast_shapes(shape1, shape2)
    except ValueError:
        raise ValueError(f"{op}: x1 and x2 must broadcast against each other, got {x1.shape} and {x2.shape}") from None


def folded_pair(x1: Array, x2: Array, axis: int) -> tuple[Any, Any]:
    """Both as (rows, n) in the dtype to compute in, broadcast against each other, `axis` last."""
    one, two = (fold(x, axis) for x in np.broadcast_arrays(*working(x1, x2)))
    return one, two


def pair_gradients(x1: Array, x2: Array, grad1: Array, grad2: Array) -> dict[str, Array]:
    """The gradients of the broadcast arrays as those of the arrays that were given."""
    return {
        "x1": gradient(unbroadcast(grad1, x1.shape), x1),
        "x2": gradient(unbroadcast(grad2, x2.shape), x2),
    }
