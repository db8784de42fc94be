"""Short names for the tests of the graph."""

import numpy as np

import refimpl
from refimpl.graph import Value, apply


def leaf(values):
    """A leaf that requires a gradient, in float64."""
    return Value(np.array(values, dtype=float), requires_grad=True)


def op(name, *args, **options):
    """An op of refimpl by its name."""
    return apply(getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward"), *args, **options)
