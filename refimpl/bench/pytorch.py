"""The same work in PyTorch: its own op on tensors of the same numbers, and what its autograd keeps."""

from __future__ import annotations

import pkgutil
from typing import Any

from .._structure import leaves, map_leaves
from .._validate import Array
from ..gradcheck.pair import is_floating
from .row import Called, Row, Work

OURS = ("rng",)  # arguments that PyTorch has not: it draws from its own generator


class Compared:
    """A row's op in PyTorch: forward and backward as one piece of work, and the bytes kept between them."""

    def __init__(self, torch: Any, row: Row, called: Called) -> None:
        self.torch = torch
        self.arguments = {
            name: map_leaves(lambda leaf, wanted=name in called.gradients: _as_torch(torch, leaf, wanted), value)
            for name, value in called.arguments.items()
            if name not in OURS
        }
        self.inputs = [
            x for name in called.gradients for _, x in leaves(self.arguments[name]) if _differentiable(torch, x)
        ]
        self.grads = [torch.from_numpy(leaf) for _, leaf in leaves(called.grad_output) if leaf is not None]
        self.forward = row.torch(torch, self.arguments) if callable(row.torch) else self._by_name(row)

    def _by_name(self, row: Row) -> Work:
        function = pkgutil.resolve_name(str(row.pair().torch))
        return lambda: function(**self.arguments)

    def work(self) -> Any:
        outputs = [y for _, y in leaves(self.forward()) if _differentiable(self.torch, y)]
        return self.torch.autograd.grad(outputs, self.inputs, self.grads, allow_unused=True)

    def kept(self) -> int:
        """The bytes of the storages that autograd saves, without those of the arguments and the output."""
        saved: dict[int, int] = {}

        def pack(tensor: Any) -> Any:
            storage = tensor.untyped_storage()
            saved[storage.data_ptr()] = storage.nbytes()
            return tensor

        with self.torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            output = self.forward()
        for _, tensor in leaves((self.arguments, output)):
            if isinstance(tensor, self.torch.Tensor):
                saved.pop(tensor.untyped_storage().data_ptr(), None)
        return sum(saved.values())


def compared(torch: Any, row: Row, called: Called) -> Compared | None:
    """None where there is no PyTorch, or nothing in it to compare with."""
    if torch is None or row.torch is False or not (row.torch or row.pair().torch):
        return None
    return Compared(torch, row, called)


def _as_torch(torch: Any, leaf: Any, wanted: bool) -> Any:
    if not hasattr(leaf, "__array__"):
        return leaf
    tensor = torch.from_numpy(_own(leaf))
    return tensor.requires_grad_() if wanted and is_floating(leaf) else tensor


def _own(array: Array) -> Array:
    """A copy: some functions of PyTorch write to what they are given."""
    return array.copy()


def _differentiable(torch: Any, tensor: Any) -> bool:
    return isinstance(tensor, torch.Tensor) and bool(tensor.requires_grad)
