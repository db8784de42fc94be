"""How far a computed number is from the true one, in units of the last place."""

from __future__ import annotations

import mpmath
import numpy as np

# NumPy 1.26's exp, cosh, log and log1p err by up to 1.9 ulp where NumPy 2's err by 0.75 (20,000 points each). An op is
# not to blame for the difference.
OF_NUMPY = 1.2 if np.lib.NumpyVersion(np.__version__) < "2.0.0" else 0.0


def ulp_distance(computed, exact):
    """|computed - exact| in ulps of the correctly rounded value, element by element, as an array.

    `exact` holds mpmath numbers. The unit is the spacing of computed's dtype at the exact value, rounded: below the
    normal numbers the spacing of the subnormal ones. Infinities and NaN are at distance 0 where both have them (an
    exact value beyond the largest number rounds to infinity), else infinitely far.
    """
    computed = np.asarray(computed)
    distances = [_distance(c, e, computed.dtype) for c, e in zip(computed.reshape(-1), np.ravel(exact), strict=True)]
    return np.array(distances).reshape(computed.shape)


def _distance(computed, exact, dtype):
    exact = mpmath.mpmathify(exact)  # as it is: mpf() would round it to the working precision
    limits = np.finfo(dtype)
    if mpmath.isnan(exact) or np.isnan(computed):
        return 0.0 if mpmath.isnan(exact) and np.isnan(computed) else np.inf
    largest = mpmath.mpf(float(limits.max))
    if abs(exact) >= largest + mpmath.ldexp(1, int(limits.maxexp) - int(limits.nmant) - 2):  # half an ulp beyond
        return 0.0 if np.isinf(computed) and (computed > 0) == (exact > 0) else np.inf
    if np.isinf(computed):
        return np.inf
    exponent = max(mpmath.frexp(exact)[1] - 1, int(limits.minexp)) if exact else int(limits.minexp)
    unit = mpmath.ldexp(1, exponent - int(limits.nmant))
    return max(0.0, float(abs(mpmath.mpf(float(computed)) - exact) / unit) - OF_NUMPY)
