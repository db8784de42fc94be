"""Interpolation against a loop over every output and every input in exact positions, its adjoint, and by hand."""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl import interpolate_backward, interpolate_forward
from refimpl.layers import interpolation

SPATIAL = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
    "lanczos": (2,),
}


@st.composite
def geometries(draw):
    """An input's spatial extents and the options of a call; factors are eighths, exact in floating point."""
    mode = draw(st.sampled_from(sorted(SPATIAL)))
    spatial = draw(st.sampled_from(SPATIAL[mode]))
    extents = tuple(draw(st.lists(st.integers(1, 7 if spatial < 3 else 4), min_size=spatial, max_size=spatial)))
    options = {"mode": mode}
    if draw(st.booleans()):
        options["size"] = tuple(draw(st.lists(st.integers(1, 9), min_size=spatial, max_size=spatial)))
    else:
        options["scale_factor"] = tuple(draw(st.integers(-(-8 // n), 20)) / 8 for n in extents)
        options["recompute_scale_factor"] = draw(st.booleans())
    if mode in ("linear", "bilinear", "bicubic", "trilinear"):
        options["align_corners"] = draw(st.booleans())
    if mode in ("bilinear", "bicubic"):
        options["antialias"] = draw(st.booleans())
    if mode == "lanczos":
        options["antialias"] = True
    return extents, options


def kernel(mode, antialias, x):
    """The weight of an input at a distance."""
    x = abs(x)
    if mode == "lanczos":
        if x == 0 or x >= 3:
            return float(x == 0)
        x = math.pi * float(x)
        return 3 * math.sin(x) * math.sin(x / 3) / x**2
    if mode != "bicubic":
        return max(1 - x, 0)
    a = Fraction(-1, 2) if antialias else Fraction(-3, 4)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0


def weights(i, n, m, factor, mode, align_corners=False, antialias=False, **_):
    """What each input counts for in output i: the definition, one input at a time."""
    found = [Fraction(0)] * n
    step = Fraction(n, m) if factor is None else 1 / Fraction(factor)
    if mode == "area":
        low, high = math.floor(Fraction(i * n, m)), math.ceil(Fraction((i + 1) * n, m))
        return [Fraction(1, high - low) if low <= j < high else 0 for j in range(n)]
    if mode in ("nearest", "nearest-exact"):
        found[min(math.floor((i + (Fraction(1, 2) if mode == "nearest-exact" else 0)) * step), n - 1)] = 1
        return found
    if align_corners:
        step = Fraction(n - 1, m - 1) if m > 1 else Fraction(0)
    if n == m and (antialias or mode != "bicubic"):
        step = Fraction(1)
    if antialias:
        center = (i + Fraction(1, 2)) * step - Fraction(1, 2)
        raw = [kernel(mode, True, (j - center) / max(step, 1)) for j in range(n)]
        return [w / sum(raw) for w in raw]
    position = i * step if align_corners else (i + Fraction(1, 2)) * step - Fraction(1, 2)
    if mode != "bicubic":
        position = max(position, Fraction(0))
    for j in range(math.floor(position) - 2, math.floor(position) + 4):
        found[min(max(j, 0), n - 1)] += kernel(mode, False, j - position)
    return found


def loop(x, size=None, scale_factor=None, recompute_scale_factor=False, **options):
    """Every output of x (spatial axes alone) as a sum over every input."""
    sizes = size or tuple(math.floor(n * Fraction(f)) for n, f in zip(x.shape, scale_factor, strict=True))
    factors = (None,) * x.ndim if size or recompute_scale_factor or options["mode"] == "area" else scale_factor
    tables = [
        [weights(i, n, m, factor, **options) for i in range(m)]
        for n, m, factor in zip(x.shape, sizes, factors, strict=True)
    ]
    y = np.zeros(sizes)
    for place in product(*map(range, sizes)):
        rows = [table[i] for table, i in zip(tables, place, strict=True)]
        for source in product(*map(range, x.shape)):
            weight = math.prod(float(row[j]) for row, j in zip(rows, source, strict=True))
            y[place] += weight * x[source]
    return y


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries())
def test_every_output_is_the_sum_of_the_definition(geometry):
    extents, options = geometry
    x = np.random.default_rng(0).standard_normal((1, 2, *extents))
    y, _ = interpolate_forward(x, **options)
    expected = np.stack([loop(channel, **options) for channel in x[0]])[None]
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-13)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(geometries(), st.sampled_from([0, 2**40]))
def test_backward_is_the_adjoint(geometry, dense):
    """<A x, g> = <x, A* g> to rounding, whether the matrices are multiplied as dense or as sparse ones."""
    extents, options = geometry
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interpolation, "DENSE", dense)
        x = rng.standard_normal((2, 3, *extents))
        y, cache = interpolate_forward(x, **options)
        g = rng.standard_normal(y.shape)
        grad = interpolate_backward(g, cache)["input"]
    scale = np.linalg.norm(y) * np.linalg.norm(g)
    assert abs(np.vdot(y, g) - np.vdot(x, grad)) <= 1e-14 * scale + 1e-300


@settings(max_examples=100, deadline=None, derandomize=True)
@given(geometries())
def test_a_constant_stays_a_constant(geometry):
    """The weights of an output sum to 1."""
    extents, options = geometry
    y, _ = interpolate_forward(np.full((1, 1, *extents), 0.7), **options)
    np.testing.assert_allclose(y, 0.7, rtol=1e-14)


def test_long_axes_take_no_square_of_memory():
    """From 30,000 to 60,000 entries: the matrix as a dense one would take 14 GB."""
    x = np.arange(30_000.0)[None, None]
    y, cache = interpolate_forward(x, scale_factor=2, mode="linear", align_corners=False)
    np.testing.assert_allclose(y[0, 0, 1:-1], np.arange(1, 59_999) / 2 - 0.25, rtol=1e-15)
    grad = interpolate_backward(np.ones_like(y), cache)["input"]
    np.testing.assert_allclose(grad[0, 0], 2, rtol=1e-15)


def test_factors_are_divided_by_not_multiplied_with_their_inverse():
    """49 (1 / 49) is below 1 in float64, and its floor 0: PyTorch takes entry 0 for output 49. 49 / 49 is 1."""
    y, _ = interpolate_forward(np.array([[[0.0, 1.0]]]), scale_factor=49.0)
    assert 49 * (1 / 49) < 1
    np.testing.assert_array_equal(y[0, 0], np.repeat([0.0, 1.0], 49))


def test_antialiased_to_a_single_column_mixes_no_channels():
    """PyTorch 2.13 returns other numbers for several channels than for each alone where the output is one wide."""
    x = np.random.default_rng(0).standard_normal((2, 3, 9, 3))
    options = {"size": (10, 1), "mode": "bicubic", "antialias": True}
    together, _ = interpolate_forward(x, **options)
    for channel in range(3):
        alone, _ = interpolate_forward(x[:, channel : channel + 1], **options)
        np.testing.assert_allclose(together[:, channel : channel + 1], alone, rtol=0, atol=1e-15)
