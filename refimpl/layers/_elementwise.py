"""What the ops of one number in, one number out share: the check of the input, and the map over its elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._precision import working_dtype
from .._validate import Array


def map_forward(op: str, input: ArrayLike, formula: Callable[[Any], Any]) -> tuple[Array, Array]:
    """Check the input and map the formula over it; returns the output and the input as an array."""
    x = _validate.floating(op, "input", input)
    return elementwise(formula, x, dtype=x.dtype), x


def map_backward(op: str, grad_output: ArrayLike, x: Array, formula: Callable[[Any, Any], Any]) -> dict[str, Array]:
    """Map formula(g, x) over grad_output and the input: each element's gradient depends on no other."""
    g = _validate.output_gradient(op, grad_output, x.shape, working_dtype(x))
    return {"input": elementwise(formula, g, x, dtype=x.dtype)}
