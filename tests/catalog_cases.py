"""What the catalog's tests share: every op with every one of its cases, and what they do with the arrays in them."""

from __future__ import annotations

import numpy as np
import pytest

from refimpl import OPS
from refimpl._structure import leaves, map_leaves
from refimpl.cases import CASES

ALL = [pytest.param(OPS[name], case, id=f"{name}-{case.name}") for name in OPS for case in CASES[name]]


def is_floating(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def converted(arguments, convert):
    """The arguments with `convert` applied to every array."""
    return {
        name: map_leaves(lambda leaf: convert(leaf) if isinstance(leaf, np.ndarray) else leaf, value)
        for name, value in arguments.items()
    }


def random_like(output, seed=0):
    """A seeded normal grad_output: None for an integer output, 0 where it is not finite."""
    rng = np.random.default_rng(seed)

    def draw(y):
        if y.dtype.kind != "f":
            return None
        return np.where(np.isfinite(y), rng.standard_normal(y.shape), 0.0).astype(y.dtype)

    return map_leaves(draw, output)


def assert_identical(a, b):
    """The same structure of the same arrays, bit for bit, dtype and NaN included."""
    a, b = list(leaves(a)), list(leaves(b))
    assert [path for path, _ in a] == [path for path, _ in b]
    for (path, x), (_, y) in zip(a, b, strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype, path
        np.testing.assert_array_equal(x, y, err_msg=path)
