"""Numbers from the whole range of a float, where a formula of one variable may lose digits."""

from __future__ import annotations

import mpmath
import numpy as np
from ulps import ulp_distance

from refimpl import OPS

FORWARD, BACKWARD = 4, 5  # ulps that an elementwise op may cost over the whole range
ROOT = 1 / 8  # next to a zero of the slope, its error is measured in ulps of this


def float_range(*points, dtype=np.float64, count=200, seed=0):
    """Uniform and logarithmic spreads of both signs, tails, subnormal numbers, the ends of the range, and the
    neighbourhoods of the points given, where a formula changes or the true value passes through 0."""
    rng = np.random.default_rng(seed)
    limits = np.finfo(dtype)
    low, high = np.log10(float(limits.smallest_subnormal)), np.log10(float(limits.max))
    spread = [rng.uniform(-width, width, count) for width in (1, 5, 40, 755)]
    spread.append(rng.choice([-1, 1], 2 * count) * 10 ** rng.uniform(low + 1, high - 0.01, 2 * count))
    for point in (0.0, *points):
        step = 10 ** rng.uniform(-17, -0.5, count // 2) * max(1.0, abs(point))
        spread.append(point + rng.choice([-1, 1], count // 2) * step)
        spread.append([point, np.nextafter(point, -np.inf), np.nextafter(point, np.inf)])
    ends = [limits.max, limits.tiny, limits.smallest_subnormal, 37 * float(limits.smallest_subnormal)]
    x = np.concatenate([*spread, ends, np.negative(ends, dtype=dtype)])
    with np.errstate(all="ignore"):
        x = x.astype(dtype)
    return x[np.isfinite(x)]


def worst(computed, exact, x, floor=0.0):
    """The largest distance in ulps, those of the floor at least, and the x that it was found at."""
    distance = ulp_distance(computed, exact)
    if floor:
        spacing = [np.spacing(np.abs(computed.dtype.type(e))) for e in exact]
        distance *= np.minimum(spacing / np.spacing(computed.dtype.type(floor)), 1)
    i = int(distance.argmax())
    return distance[i], f"{distance[i]:.3g} ulp at {x[i]!r}: {computed[i]!r}, exactly {mpmath.nstr(exact[i], 20)}"


def keeps_its_digits(name, value, slope, x, *, forward=FORWARD, backward=BACKWARD, digits=50, root=None, **options):
    """Asserts that an elementwise op is right to some ulps at every x, its value and slope being functions of one mpf.

    The slope's terms cancel next to a `root` of it: there the difference of its terms is known to an ulp of them, not
    of itself, and within 3/2 of the root its ulps are those of ROOT at least.
    """
    op = OPS[name]
    argument = op.differentiable[0]
    output, cache = op.forward(**{argument: x}, **options)
    gradient = op.backward(np.ones_like(x), cache)[argument]
    with mpmath.workdps(digits):
        numbers = [mpmath.mpf(float(v)) for v in x]
        values, slopes = [value(v) for v in numbers], np.array([mpmath.mpf(slope(v)) for v in numbers])
        near = np.zeros(len(x), dtype=bool) if root is None else np.abs(x - root) < 1.5
        found = [
            (forward, worst(output, values, x)),
            (backward, worst(gradient[~near], slopes[~near], x[~near])),
            *([(backward, worst(gradient[near], slopes[near], x[near], ROOT))] if near.any() else []),
        ]
    for bound, (distance, where) in found:
        assert distance <= bound, f"{name} {options}: {where}"
