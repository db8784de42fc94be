"""Directions and angles over the whole range of float64; true values by mpmath at exactly these numbers."""

import mpmath
import numpy as np
import pytest
from exact_rows import DIGITS, entry_ulps, exact, norm, row_ulps
from mpmath import mpf

from refimpl import cosine_similarity_backward, cosine_similarity_forward, normalize_backward, normalize_forward

FORWARD, BACKWARD = 3, 8  # ulps
POWER = 4  # and a power of each entry, for p other than 1, 2 and inf


def rows():
    rng = np.random.default_rng(0)
    for n in (2, 3, 8, 60):
        z = rng.standard_normal(n)
        for scale in (1.0, 1e8, 1e160, 1e307, 1e-160, 1e-300):
            yield pytest.param(scale * z, id=f"{scale:g}, {n}")
        yield pytest.param(z * 10 ** rng.uniform(-150, 150, n), id=f"many magnitudes, {n}")


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 1.5, np.inf, -1.0, -2.0])
@pytest.mark.parametrize("x", list(rows()))
def test_a_direction_keeps_its_digits(x, p):
    g = np.random.default_rng(1).standard_normal(len(x))
    y, cache = normalize_forward(x[None], p=p, eps=0.0)
    gradient = normalize_backward(g[None], cache)["input"][0]
    with mpmath.workdps(DIGITS):
        size, numbers, g = norm(exact(x), mpf(p)), exact(x), exact(g)
        unit = [v / size for v in numbers]
        assert entry_ulps(y[0], unit) <= (FORWARD if p in (1, 2, np.inf) else FORWARD + POWER)
        products = [a * b for a, b in zip(g, unit, strict=True)]
        along = mpmath.fsum(products)
        if np.isinf(p):
            slope = [mpmath.sign(v) * (abs(v) == size) for v in numbers]
        else:
            slope = [mpmath.sign(v) * (abs(v) / size) ** (mpf(p) - 1) for v in numbers]
        true = [(a - s * along) / size for a, s in zip(g, slope, strict=True)]
        if (
            max(map(abs, true)) > np.finfo(float).max
        ):  # p < 0: the smallest entry counts, and the largest is far from it
            return
        terms = [a / size for a in g] + [s * mpmath.fsum(map(abs, products)) / size for s in slope]
        assert row_ulps(gradient, true, terms) <= (BACKWARD if p in (1, 2, np.inf) else BACKWARD + POWER)


def test_subnormal_rows_and_rows_of_zeros():
    y, cache = normalize_forward(np.array([[3e-320, -4e-320], [0.0, 0.0]]), eps=0.0)
    np.testing.assert_allclose(y[0], [0.6, -0.8], rtol=1e-3)  # 3e-320 itself is known to so many digits
    y, cache = normalize_forward(np.array([[5e-324, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(y, [[5e-324 / 1e-12, 0], [0, 0]])
    np.testing.assert_array_equal(
        normalize_backward([[1.0, -2], [3, 4]], cache)["input"], [[1e12, -2e12], [3e12, 4e12]]
    )


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1e160, 1e160), (1e160, 1e-160), (1e307, 1e307), (1e-300, 1e-300)])
@pytest.mark.parametrize("n", [2, 3, 8, 60])
def test_the_cosine_keeps_its_digits(n, scales):
    """The sum of products may cancel: it is measured in ulps of the sum of their magnitudes."""
    a, b = np.random.default_rng(n).standard_normal((2, n)) * np.array(scales)[:, None]
    y, cache = cosine_similarity_forward(a, b, dim=0, eps=0.0)
    gradients = cosine_similarity_backward(1.0, cache)
    with mpmath.workdps(DIGITS):
        one, two = exact(a), exact(b)
        u, v = ([c / norm(row, 2) for c in row] for row in (one, two))
        products = [c * d for c, d in zip(u, v, strict=True)]
        cosine = mpmath.fsum(products)
        assert row_ulps([y], [cosine], [mpmath.fsum(abs(c) for c in products)]) <= FORWARD
        for name, row, this, that in (("x1", one, u, v), ("x2", two, v, u)):
            size = norm(row, 2)
            true = [(d - cosine * c) / size for c, d in zip(this, that, strict=True)]
            assert row_ulps(gradients[name], true, [d / size for d in that]) <= BACKWARD


def test_parallel_rows():
    """A row with a multiple of itself: 1 or -1 to a rounding, and no direction in which the cosine grows."""
    x = 1e200 * np.random.default_rng(2).standard_normal((50, 7))
    for factor, cosine in ((4.0, 1.0), (-0.125, -1.0)):
        y, cache = cosine_similarity_forward(x, factor * x)
        np.testing.assert_allclose(y, cosine, rtol=4e-16)
        gradients = cosine_similarity_backward(np.ones(50), cache)
        assert np.abs(gradients["x1"]).max() < 1e-215  # 1e-16 of 1 / |x|
