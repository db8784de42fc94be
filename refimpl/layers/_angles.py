"""The angles of positions, shared by rotary embedding and sinusoidal positions."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from .._numerics import two_prod
from .._validate import Array

DIGITS = 40  # decimal ones: of a frequency two float64 hold 32


def cos_and_sin(positions: Any, pairs: int, base: float) -> tuple[Array, Array]:
    """The cosine and the sine of p theta_i with theta_i = base^(-i / pairs), i = 0, ..., pairs - 1: positions' shape
    with one axis more, in float64.

    An angle of 1e6 rounded to float64 is known to 1e-10 only, and so are its cosine and sine. Here the frequency is
    held in two numbers and the angle in another two, high and low, whose cosine and sine the angle addition gives.
    """
    frequency, rest = _frequencies(pairs, base)
    p = np.asarray(positions, dtype=np.float64)[..., None]
    with np.errstate(all="ignore"):
        high, error = two_prod(*np.broadcast_arrays(p, frequency))
        low = error + p * rest
        cos, sin, cos_low, sin_low = np.cos(high), np.sin(high), np.cos(low), np.sin(low)
        return cos * cos_low - sin * sin_low, sin * cos_low + cos * sin_low


@lru_cache(maxsize=32)
def _frequencies(pairs: int, base: float) -> tuple[Array, Array]:
    """The frequencies as numbers of float64, and what their rounding leaves out."""
    context = Context(prec=DIGITS)
    exact = [context.power(Decimal(base), context.divide(Decimal(-i), Decimal(pairs))) for i in range(pairs)]
    rounded = [float(value) for value in exact]
    rest = [float(context.subtract(value, Decimal(near))) for value, near in zip(exact, rounded, strict=True)]
    frequency, left_out = np.array(rounded, dtype=np.float64), np.array(rest, dtype=np.float64)
    for array in (frequency, left_out):
        array.flags.writeable = False  # they are handed out again
    return frequency, left_out
