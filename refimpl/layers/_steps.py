"""A layer as a list of named steps, each a pair applied to named arrays: forward takes them, backward goes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._precision import answer, gradient, working_dtype
from .._validate import Array
from .dropout import dropout_backward, dropout_forward
from .linear import linear_backward, linear_forward
from .normalization import layer_norm_backward, layer_norm_forward

Arrays = dict[str, NDArray[Any]]


class Step(NamedTuple):
    name: str  # of what it gives
    forward: Callable[..., tuple[Any, Any]]
    backward: Callable[..., dict[str, Any]]
    inputs: Mapping[str, str]  # forward's arguments: the names of arrays; one that was not given is left out
    options: Mapping[str, Any] = {}  # forward's other arguments
    random: bool = False  # whether forward takes rng


Steps = tuple[Step, ...]


def run(steps: Steps, given: Mapping[str, NDArray[Any]], rng: Any) -> tuple[Array, tuple[Any, ...]]:
    """What the last step gives, and the cache of each. All steps draw on from the one rng."""
    dtype = working_dtype(*_floating(given).values())
    values: dict[str, Any] = {
        name: array if array.dtype == np.bool_ else array.astype(dtype, copy=False) for name, array in given.items()
    }
    caches = []
    with np.errstate(all="ignore"):
        for step in steps:
            inputs = {argument: values[name] for argument, name in step.inputs.items() if name in values}
            drawn = {"rng": rng} if step.random else {}
            values[step.name], cache = step.forward(**inputs, **step.options, **drawn)
            caches.append(cache)
    return answer(values[steps[-1].name], *_floating(given).values()), tuple(caches)


def run_backward(
    grad_output: Array, steps: Steps, caches: tuple[Any, ...], given: Mapping[str, NDArray[Any]]
) -> dict[str, Array]:  # fmt: skip
    """The steps last to first; an array that several steps took gets the sum of what they give it."""
    grads: dict[str, Any] = {steps[-1].name: grad_output}
    with np.errstate(all="ignore"):
        for step, cache in zip(reversed(steps), reversed(caches), strict=True):
            found = step.backward(grads.pop(step.name), cache)
            for argument, name in step.inputs.items():
                if argument in found:
                    grads[name] = grads[name] + found[argument] if name in grads else found[argument]
    return {name: gradient(grads[name], array) for name, array in _floating(given).items()}


def _floating(given: Mapping[str, NDArray[Any]]) -> Arrays:
    return {name: array for name, array in given.items() if array.dtype != np.bool_}


# The steps that transformers are made of. The weights of a step have its name before theirs.


def linear(name: str, x: str) -> Step:
    return Step(name, linear_forward, linear_backward, weighted(name, x))


def layer_norm(name: str, x: str, features: int, eps: float) -> Step:
    options = {"normalized_shape": features, "eps": eps}
    return Step(name, layer_norm_forward, layer_norm_backward, weighted(name, x), options)


def weighted(name: str, x: str) -> dict[str, str]:
    return {"input": x, "weight": f"{name}.weight", "bias": f"{name}.bias"}


def dropout_steps(name: str, x: str, p: float) -> Steps:
    """No step where nothing is left out."""
    return (Step(name, dropout_forward, dropout_backward, {"input": x}, {"p": p}, random=True),) if p else ()


def residual(name: str, x: str, branch: str) -> Step:
    """x + branch. As PyTorch, it keeps neither for backward."""
    return Step(name, _sum_forward, _sum_backward, {"input": x, "branch": branch})


def _sum_forward(input: Any, branch: Any) -> tuple[Any, None]:
    return input + branch, None


def _sum_backward(grad_output: Any, cache: None) -> dict[str, Any]:
    return {"input": grad_output, "branch": grad_output}
