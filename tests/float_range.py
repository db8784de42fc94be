"""Numbers from the whole range of a float, where a formula of one variable may lose digits."""

from __future__ import annotations

import mpmath
import numpy as np
from ulps import ulp_distance

from refimpl import OPS


def float_range(*points, dtype=np.float64, count=40, seed=0):
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
    x = np.concatenate([*spread, ends, np.negative(ends, dtype=dtype)]).astype(dtype)
    return x[np.isfinite(x)]


def worst(computed, exact, x):
    """The largest distance in ulps, and the x that it was found at."""
    distance = ulp_distance(computed, exact)
    i = int(distance.argmax())
    return distance[i], f"{distance[i]:.3g} ulp at {x[i]!r}: {computed[i]!r}, exactly {mpmath.nstr(exact[i], 20)}"


def measured(name, value, slope, x, *, digits=50, **options):
    """The two halves of an elementwise op over x against its exact value and slope, functions of one mpf."""
    op = OPS[name]
    argument = op.differentiable[0]
    output, cache = op.forward(**{argument: x}, **options)
    gradient = op.backward(np.ones_like(x), cache)[argument]
    with mpmath.workdps(digits):
        numbers = [mpmath.mpf(float(v)) for v in x]
        return (
            worst(output, [value(v) for v in numbers], x),
            worst(gradient, [slope(v) for v in numbers], x),
        )


def keeps_its_digits(name, value, slope, x, *, forward=4, backward=5, digits=50, **options):
    """Asserts the bounds of numerics.md for an elementwise op: 4 ulp forward and 5 backward."""
    (forward_ulps, found), (backward_ulps, found_backward) = measured(name, value, slope, x, digits=digits, **options)
    assert forward_ulps <= forward, found
    assert backward_ulps <= backward, found_backward
