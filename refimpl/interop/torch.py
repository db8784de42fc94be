"""Pairs as functions of PyTorch: any op, or a pair of one's own, as a torch.autograd.Function; and functions of
PyTorch held against the catalog.

    cross_entropy = refimpl.interop.torch.function("cross_entropy")
    loss = cross_entropy(scores, labels, label_smoothing=0.1)       # tensors in, a tensor out
    loss.backward()

    print(refimpl.interop.torch.compare(fused_cross_entropy, "cross_entropy", dtype="float32"))

It computes with NumPy, on the CPU, in float16, float32 and float64.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError(
        "refimpl.interop.torch: PyTorch must be installed, got none; the extra `parity` brings it: "
        "pip install 'refimpl[parity]'"
    ) from error

from .._structure import leaves, map_leaves
from ._comparison import ArrayComparison, ComparisonReport, Vjp, compared
from ._pair import Call, Pair, form_of, named_after, of_catalog, own_pair, replaced

__all__ = ["ArrayComparison", "ComparisonReport", "as_function", "compare", "function"]

DTYPES = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.int64: np.int64,
    torch.int32: np.int32,
    torch.int16: np.int16,
    torch.int8: np.int8,
    torch.uint8: np.uint8,
    torch.bool: np.bool_,
}


def function(name: str) -> Callable[..., Any]:
    """An op of the catalog as a function of tensors that PyTorch differentiates.

    It takes forward's arguments, with tensors (or structures of tensors) for arrays and PyTorch's dtypes for NumPy's,
    and returns tensors in the structure of the output. Gradients are computed for what requires one, from the op's own
    backward; one of an argument that has none raises a ValueError. A gradient of a gradient is refused.
    """
    op = of_catalog("function", name)
    return _function(Pair(name, op.forward, op.backward))


def as_function(forward: Callable[..., Any], backward: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a pair of one's own, in any of the styles that gradcheck takes."""
    return _function(own_pair(forward, backward))


def compare(
    function: Callable[..., Any],
    name: str,
    *,
    dtype: str = "float64",
    tolerance: float | None = None,
    wrt: str | Sequence[str] | None = None,
    cases: Sequence[str] | None = None,
) -> ComparisonReport:
    """Hold a function of PyTorch, a fused kernel say, against an op: output and gradients at the catalog's cases.

    function: takes tensors by the names of the op's arguments; where its own have other names, by their order. Cases
        with arguments that it has no place for are left out. It may be a Function's `apply`.
    dtype: "float64" or "float32", of all floating tensors. The reference is computed in float64.
    tolerance: on the largest difference, relative to the largest entry of an array; by default 1e-12 in float64 and
        1e-5 in float32, or 8 times what the op itself reaches in that dtype, where that is worse.
    wrt: the arguments whose gradients are compared, by default all that the op differentiates.
    cases: names of cases, by default all.

    What the function raises is a failure at that case. At a kink, and where the op's gradient is by convention not the
    derivative, another gradient is reported but is no failure.
    """
    return compared(_evaluate, _by_name(function), of_catalog("compare", name), dtype, tolerance, wrt, cases)


def _function(pair: Pair) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        call = Call(pair, args, options, lambda path, leaf: _stand_in(pair.name, path, leaf), _option)
        tensors = call.release()
        form: list[Any] = []
        outputs = iter(_Function.apply(call, tuple(tensors), form, *tensors.values()))
        return map_leaves(lambda _: next(outputs), form[0])

    return named_after(function, pair)


class _Function(torch.autograd.Function):
    """Any pair: its cache is what is kept, and only where a gradient is asked for."""

    @staticmethod
    def forward(ctx: Any, call: Call, paths: tuple[str, ...], form: list[Any], *tensors: torch.Tensor) -> Any:
        """form: receives the output's structure, with True at its floating arrays."""
        arrays = dict(zip(paths, (tensor.numpy(force=True) for tensor in tensors), strict=True))
        output, cache = call.forward(arrays)
        form.append(map_leaves(lambda y: np.asarray(y).dtype.kind == "f", output))
        outputs = tuple(_tensor(y) for _, y in leaves(output))
        ctx.mark_non_differentiable(*(y for y in outputs if not y.is_floating_point()))
        if any(ctx.needs_input_grad):
            ctx.call, ctx.paths, ctx.form, ctx.cache = call, paths, form[0], cache
            # What the cache looks at: PyTorch then notices if it is written to before backward.
            kept = [leaf for _, leaf in leaves(cache) if isinstance(leaf, np.ndarray)]
            seen = (any(np.may_share_memory(arrays[path], leaf) for leaf in kept) for path in paths)
            ctx.save_for_backward(*(tensor for tensor, is_seen in zip(tensors, seen, strict=True) if is_seen))
        return outputs

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> Any:
        _ = ctx.saved_tensors  # raises where one of them was written to
        given = iter(grad_outputs)
        grad_output = map_leaves(lambda floating: _taken(next(given), floating), ctx.form)
        asked = [path for path, needed in zip(ctx.paths, ctx.needs_input_grad[3:], strict=True) if needed]
        gradients = tuple(map(_tensor, ctx.call.gradients(grad_output, ctx.cache, asked)))
        if torch.is_grad_enabled():  # a graph of the gradients is recorded: it must not end here unnoticed
            gradients = _Once.apply(ctx.call.pair.name, *(gradient.requires_grad_() for gradient in gradients))
        found = dict(zip(asked, gradients, strict=True))
        return None, None, None, *(found.get(path) for path in ctx.paths)


class _Once(torch.autograd.Function):
    """Gradients as they are, which have none themselves."""

    @staticmethod
    def forward(ctx: Any, name: str, *gradients: torch.Tensor) -> Any:
        ctx.name = name
        return tuple(gradient.view_as(gradient) for gradient in gradients)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> Any:
        raise RuntimeError(f"{ctx.name}: a gradient of its gradients was asked for, and backward has none")


def _taken(grad_output: torch.Tensor, floating: bool) -> Any:
    return grad_output.numpy(force=True) if floating else None


def _stand_in(name: str, path: str, leaf: Any) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return None
    if leaf.device.type != "cpu":
        raise ValueError(f"{name}: {path} must be on the CPU, where NumPy computes, got a tensor on {leaf.device}")
    if leaf.layout is not torch.strided:
        raise ValueError(f"{name}: {path} must be a dense tensor, got layout {leaf.layout}")
    if leaf.dtype not in DTYPES:
        raise TypeError(f"{name}: {path} must have a dtype that NumPy has too, got {leaf.dtype}")
    return form_of(leaf.shape, DTYPES[leaf.dtype])


def _option(leaf: Any) -> Any:
    return np.dtype(DTYPES[leaf]) if isinstance(leaf, torch.dtype) and leaf in DTYPES else leaf


def _tensor(array: Any) -> torch.Tensor:
    """In memory of its own: autograd may write to it, and to what an array looks at it must not."""
    return torch.from_numpy(np.array(array, order="C"))


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Function's apply, which takes no names, as a function with the parameters of its forward."""
    owner: Any = getattr(function, "__self__", None)
    applies = isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    if not applies:
        return function
    with_context = owner.setup_context is torch.autograd.Function.setup_context
    parameters = list(inspect.signature(owner.forward).parameters.values())[1 if with_context else 0 :]

    def call(**options: Any) -> Any:
        bound = inspect.Signature(parameters).bind(**options)
        bound.apply_defaults()
        return function(*bound.args)

    call.__name__ = owner.__name__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _evaluate(function: Callable[..., Any], arguments: Mapping[str, Any], wrt: Sequence[str]) -> tuple[Any, Vjp]:
    """The function's output in NumPy's arrays, and what gives the gradients of the arrays at these paths."""
    tensors: dict[str, torch.Tensor] = {}

    def given(path: str, leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray):
            tensors[path] = _tensor(leaf).requires_grad_(path in wrt)
            return tensors[path]
        return _of_torch(leaf)

    output = function(**{name: replaced(value, name, given) for name, value in arguments.items()})

    def vjp(grad_output: Any) -> dict[str, Any]:
        answers, given_gradients = dict(leaves(output)), dict(leaves(grad_output))
        through = [path for path in given_gradients if answers[path].requires_grad]
        inputs = [tensors[path] for path in wrt]
        found: Sequence[Any] = [None] * len(inputs)
        if through:
            found = torch.autograd.grad(
                [answers[path] for path in through],
                inputs,
                [_tensor(given_gradients[path]) for path in through],
                allow_unused=True,
            )
        # PyTorch's None is a gradient of 0
        return {
            p: np.zeros(x.shape, DTYPES[x.dtype]) if g is None else _array(g)
            for p, x, g in zip(wrt, inputs, found, strict=True)
        }

    return map_leaves(_array, output), vjp


def _array(leaf: Any) -> Any:
    return leaf.numpy(force=True) if isinstance(leaf, torch.Tensor) else leaf


def _of_torch(leaf: Any) -> Any:
    """An argument of a case that is no array, as PyTorch writes it."""
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and issubclass(leaf, np.generic)):
        return next(theirs for theirs, ours in DTYPES.items() if np.dtype(ours) == leaf)
    return leaf.item() if isinstance(leaf, np.generic) else leaf
