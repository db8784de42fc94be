"""Random geometries of windows, for hypothesis to draw, and the settings to draw them with."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# The same draws in every run: a test that fails must fail again.
drawn = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@st.composite
def windows(draw, axes=None, padding_over_half=True):
    """Per axis an extent, a kernel, a stride, a dilation and a padding with at least one window, as dicts of tuples."""
    axes = draw(st.integers(1, 3)) if axes is None else axes
    rows = []
    for _ in range(axes):
        kernel, dilation, stride = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 4))
        padding = draw(st.integers(0, 3 if padding_over_half else kernel // 2))
        least = max(1, dilation * (kernel - 1) + 1 - 2 * padding)
        extent = draw(st.integers(least, least + (5, 3, 2)[axes - 1]))
        rows.append((extent, kernel, stride, dilation, padding))
    return dict(zip(("extent", "kernel", "stride", "dilation", "padding"), zip(*rows, strict=True), strict=True))


def positions(*extents):
    """All indices of an array of these extents."""
    return itertools.product(*map(range, extents))


def adjoint(first, second, roundings=64):
    """Whether two pairings <A x, y> and <x, A* y> agree to rounding; each is given as its two arrays."""
    a, b = (np.vdot(*pair) for pair in (first, second))
    size = max(
        np.linalg.norm(first[0]) * np.linalg.norm(first[1]), np.linalg.norm(second[0]) * np.linalg.norm(second[1])
    )
    terms = max(math.prod(first[0].shape), 1)
    return abs(a - b) <= roundings * math.sqrt(terms) * np.finfo(np.float64).eps * size


def integers(seed, *shape):
    """Small integers as floats: sums of their products are exact, so that a loop can be compared to the bit."""
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(float)
