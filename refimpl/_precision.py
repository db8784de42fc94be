"""In which dtype an op computes, and in which it answers.

Arguments of one dtype are computed and answered in it; of several, in the widest. float16 is computed in float32 and
rounded once, at the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._validate import Array

HALF = np.dtype(np.float16)
SINGLE = np.dtype(np.float32)


def result_dtype(*arguments: Array | None) -> np.dtype[Any]:
    """The dtype that forward answers in. From dtypes alone: NumPy 1 lets a 0-d array's value decide."""
    return np.result_type(*(argument.dtype for argument in arguments if argument is not None))


def working_dtype(*arguments: Array | None) -> np.dtype[Any]:
    dtype = result_dtype(*arguments)
    return SINGLE if dtype == HALF else dtype


def working(*arguments: Array | None) -> tuple[Any, ...]:
    """The arguments in the dtype that the op computes in; None stays None."""
    dtype = working_dtype(*arguments)
    return tuple(None if argument is None else argument.astype(dtype, copy=False) for argument in arguments)


def answer(output: Any, *arguments: Array | None) -> Array:
    """`output` as an array in the dtype that the arguments call for."""
    with np.errstate(all="ignore"):  # what float16 cannot hold is infinite or 0
        return np.asarray(output, dtype=result_dtype(*arguments))


def gradient(grad: Any, argument: Array) -> Array:
    """`grad` as an array in the dtype of the argument that it belongs to."""
    with np.errstate(all="ignore"):
        return np.asarray(grad, dtype=argument.dtype)
