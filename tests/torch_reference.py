"""PyTorch's own version of an op on one of its cases, in refimpl's protocol. Imported only where torch is installed.

The function that the catalog names is called by keyword with the case's arguments: arrays become tensors of the same
dtype, NumPy's dtypes become PyTorch's, and options stay. The floating arrays of the differentiable arguments ask for a
gradient. What PyTorch needs otherwise stands in ADAPTATIONS.
"""

from __future__ import annotations

import pkgutil
import warnings
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from catalog_cases import is_floating
from torch_adaptations import ADAPTATIONS

from refimpl._structure import leaves, map_leaves
from refimpl.gradcheck.catalog_check import given


class TorchCache(NamedTuple):
    arguments: dict[str, Any]  # with tensors in place of arrays
    differentiable: tuple[str, ...]
    output: Any


def forward(op, case, differentiable=None):
    """PyTorch's output on the case, as NumPy arrays.

    The arguments named ask for a gradient, by default all that PyTorch can differentiate.
    """
    if differentiable is None:
        refused = undifferentiated(op, case)
        differentiable = tuple(name for name in given(op, case) if name not in refused)
    adaptations = adaptations_of(op, case)
    function = next((a.call for a in adaptations if a.call), None) or pkgutil.resolve_name(op.torch)
    left_out = {name for a in adaptations for name in a.without}
    arguments = {
        name: map_leaves(lambda leaf, wanted=name in differentiable: _as_torch(leaf, wanted), value)
        for name, value in case.arguments.items()
        if name not in left_out
    }
    with _silenced(a.warning for a in adaptations if a.warning):
        output = function(**arguments)
    return map_leaves(_as_numpy, output), TorchCache(arguments, differentiable, output)


def backward(grad_output, cache):
    """PyTorch's gradients for grad_output, in the form of refimpl's."""
    inputs = {name: [x for _, x in leaves(cache.arguments[name]) if _asks(x)] for name in cache.differentiable}
    given_grads = dict(leaves(grad_output))
    if not any(inputs.values()):
        return {}
    outputs = {path: y for path, y in leaves(cache.output) if _asks(y)}
    computed = torch.autograd.grad(
        list(outputs.values()),
        [x for name in inputs for x in inputs[name]],
        [_as_torch(given_grads[path], False) for path in outputs],
        retain_graph=True,
        allow_unused=True,
    )
    flat = iter(computed)
    gradients = {}
    for name in inputs:
        found = [next(flat) for _ in inputs[name]]
        if all(gradient is None for gradient in found):
            raise RuntimeError(f"PyTorch gives no gradient of {name}; ADAPTATIONS must say why")
        # An array of a structure that the output does not depend on: PyTorch says None, refimpl 0.
        dense = iter([x * 0 if g is None else g for x, g in zip(inputs[name], found, strict=True)])
        gradients[name] = map_leaves(lambda x, g=dense: _as_numpy(next(g)) if _asks(x) else None, cache.arguments[name])
    return gradients


def differentiated(op, case):
    """The arguments that PyTorch gives a gradient of, each asked for alone, whatever the catalog says."""
    return {name for name in case.arguments if _differentiates(op, case, name)}


def unevaluated(op, case):
    """Why PyTorch has no answer to compare with; empty where it has one."""
    return next((a.reason for a in adaptations_of(op, case) if a.unevaluated or a.undetermined), "")


def unrecorded(op, case):
    """Why no golden file can hold the case; empty where one can."""
    return unevaluated(op, case) or next((a.reason for a in adaptations_of(op, case) if a.unrecorded), "")


def undifferentiated(op, case):
    """The arguments given as floating arrays that refimpl differentiates and PyTorch does not, and why."""
    refused = {name: a.reason for a in adaptations_of(op, case) for name in a.undifferentiated}
    return {name: refused[name] for name in given(op, case) if name in refused}


def adaptations_of(op, case):
    return [a for a in ADAPTATIONS if a.op == op.name and a.applies(case.arguments)]


def _differentiates(op, case, name):
    if not any(is_floating(leaf) for _, leaf in leaves(case.arguments[name])):
        return False
    try:
        output, cache = forward(op, case, (name,))
        if name not in cache.arguments or not any(_asks(y) for _, y in leaves(cache.output)):
            return False
        gradient = backward(map_leaves(lambda y: np.ones_like(y) if y.dtype.kind == "f" else None, output), cache)
    except RuntimeError:  # PyTorch's word for an argument that it refuses to differentiate
        return False
    return name in gradient


def _as_torch(leaf, differentiable):
    if isinstance(leaf, np.ndarray):
        # A copy: some functions of PyTorch write to what they are given.
        return torch.from_numpy(leaf.copy()).requires_grad_(differentiable and is_floating(leaf))
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and issubclass(leaf, np.generic)):
        return torch.from_numpy(np.empty(0, dtype=leaf)).dtype
    return leaf.item() if isinstance(leaf, np.generic) else leaf


def _as_numpy(tensor):
    return tensor.detach().numpy().copy()


def _asks(leaf):
    """Whether the leaf is a tensor that asks for a gradient, or that depends on one that does."""
    return isinstance(leaf, torch.Tensor) and leaf.requires_grad


@contextmanager
def _silenced(messages):
    with warnings.catch_warnings():
        for message in messages:
            warnings.filterwarnings("ignore", message=message)
        yield
