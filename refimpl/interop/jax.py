"""Pairs as functions of JAX: any op, or a pair of one's own, with custom_vjp; and functions of JAX held against the
catalog.

    cross_entropy = refimpl.interop.jax.function("cross_entropy")
    jax.grad(lambda scores: cross_entropy(scores, labels, label_smoothing=0.1))(scores)

    print(refimpl.interop.jax.compare(fused_cross_entropy, "cross_entropy", dtype="float32"))

NumPy computes, on the host: directly where the arrays are there, and through pure_callback under jit and vmap (which
calls it once for each entry). The gradient runs forward again, so nothing but the arguments is kept. Arrays have the
dtypes that JAX gives them: without jax_enable_x64 what is float64 becomes float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np

try:
    import jax
    import jax.numpy as jnp
    from jax.custom_derivatives import SymbolicZero
except ImportError as error:
    raise ImportError(
        "refimpl.interop.jax: JAX must be installed, got none; the extra `parity` brings it: "
        "pip install 'refimpl[parity]'"
    ) from error

from .._structure import leaves, map_leaves
from .._validate import FLOATING
from ._comparison import ArrayComparison, ComparisonReport, Vjp, compared
from ._pair import Call, Pair, form_of, named_after, of_catalog, own_pair, replaced

__all__ = ["ArrayComparison", "ComparisonReport", "as_function", "compare", "function"]


def function(name: str) -> Callable[..., Any]:
    """An op of the catalog as a function of JAX's arrays, which grad, vjp, jit and vmap take.

    It takes forward's arguments and returns arrays in the structure of the output. Options are Python's values, and rng
    an integer seed. Under jit the output's shape must follow from the arguments' shapes; where it cannot be told, as
    for concatenated targets of ctc_loss, a ValueError says so. A gradient of an argument that has none raises a
    ValueError, one of a gradient a TypeError.
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
    """Hold a function of JAX, a fused kernel say, against an op: output and gradients at the catalog's cases.

    The arguments are those of refimpl.interop.torch.compare. float64 needs jax_enable_x64.
    """
    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise ValueError(
            "compare: dtype 'float64' must be enabled in JAX, by jax.config.update('jax_enable_x64', True), "
            "got jax_enable_x64 = False"
        )
    return compared(_evaluate, function, of_catalog("compare", name), dtype, tolerance, wrt, cases)


def _function(pair: Pair) -> Callable[..., Any]:
    def function(*args: Any, **options: Any) -> Any:
        name = pair.name
        call = Call(
            pair, args, options, lambda path, leaf: _stand_in(name, path, leaf), lambda leaf: _known(name, leaf)
        )
        traced = call.release()
        if not traced:
            return map_leaves(jnp.asarray, call.forward({})[0])
        return _differentiable(call, tuple(traced))(*traced.values())

    return named_after(function, pair)


def _differentiable(call: Call, paths: tuple[str, ...]) -> Callable[..., Any]:
    """A function of the arrays at these paths, with the pair's own gradients."""

    def answer(*arrays: Any) -> Any:
        return call.forward(dict(zip(paths, map(np.asarray, arrays), strict=True)))[0]

    def gradients(asked: Sequence[str], given: Mapping[str, Any], *arrays: Any) -> list[Any]:
        output, cache = call.forward(dict(zip(paths, map(np.asarray, arrays), strict=True)))
        grad_output = replaced(output, "", lambda path, _: np.asarray(given[path]) if path in given else None)
        found = call.gradients(grad_output, cache, asked)
        dtypes = dict(zip(paths, (array.dtype for array in arrays), strict=True))
        return [np.asarray(gradient, dtypes[path]) for path, gradient in zip(asked, found, strict=True)]

    @jax.custom_vjp
    def evaluated(*arrays: Any) -> Any:
        return _on_host(answer, lambda: _output_form(call, paths, arrays), *arrays)

    def forward(*arrays: Any) -> Any:
        values = tuple(array.value for array in arrays)
        # What is differentiated, as a structure: () and None hold no arrays, and JAX keeps them apart.
        return evaluated(*values), (values, tuple(() if array.perturbed else None for array in arrays))

    def backward(kept: Any, grad_output: Any) -> Any:
        arrays, perturbed = kept
        asked = [i for i, mark in enumerate(perturbed) if mark is not None]
        dense = {path: _dense(g) for path, g in leaves(grad_output)}
        given = {path: g for path, g in dense.items() if g.dtype != jax.dtypes.float0}
        forms = [jax.ShapeDtypeStruct(arrays[i].shape, arrays[i].dtype) for i in asked]
        host = partial(gradients, [paths[i] for i in asked])
        found = _once(call.pair.name, lambda *values: _on_host(host, lambda: forms, *values))(given, *arrays)
        result: list[Any] = [None] * len(arrays)
        for i, gradient in zip(asked, found, strict=True):
            result[i] = gradient
        return tuple(result)

    evaluated.defvjp(forward, backward, symbolic_zeros=True)
    return evaluated


def _once(name: str, gradients: Callable[..., Any]) -> Callable[..., Any]:
    """Gradients as they are, which have none themselves."""

    def refuse(primals: Any, tangents: Any) -> Any:
        raise TypeError(f"{name}: a gradient of its gradients was asked for, and backward has none")

    once = jax.custom_jvp(gradients)
    once.defjvp(refuse)
    return once


def _on_host(function: Callable[..., Any], forms: Callable[[], Any], *arguments: Any) -> Any:
    """At once where all numbers are known; else when they are."""
    if not any(_is_traced(leaf) for leaf in jax.tree_util.tree_leaves(arguments)):
        return map_leaves(jnp.asarray, function(*arguments))
    form = forms()

    def call(*known: Any) -> Any:
        return map_leaves(lambda y, like: np.asarray(y, like.dtype), function(*known), form)

    return jax.pure_callback(call, form, *arguments, vmap_method="sequential")


def _output_form(call: Call, paths: Sequence[str], arrays: Sequence[Any]) -> Any:
    """What forward returns for arrays of these shapes: found with numbers in the place of those not known yet."""
    refused: Exception | None = None
    for number, integer in product((1, 0), (0, 1)):
        filled = {
            path: np.full(array.shape, number if array.dtype.kind == "f" else integer, array.dtype)
            if _is_traced(array)
            else np.asarray(array)
            for path, array in zip(paths, arrays, strict=True)
        }
        try:
            with np.errstate(all="ignore"):
                output, _ = call.forward(filled)
        except (ValueError, LookupError, ArithmeticError) as error:  # what such numbers may lead to
            refused = refused or error
            continue
        return map_leaves(lambda y: jax.ShapeDtypeStruct(y.shape, jax.dtypes.canonicalize_dtype(y.dtype)), output)
    raise ValueError(
        f"{call.pair.name}: the output's shape must be known before the arguments' values are, got none for these; "
        f"pass integer arguments as NumPy's arrays from outside of jit ({refused})"
    ) from refused


def _is_traced(leaf: Any) -> bool:
    return isinstance(leaf, jax.core.Tracer)


def _dense(g: Any) -> Any:
    return np.zeros(g.shape, g.dtype) if isinstance(g, SymbolicZero) else g


def _stand_in(name: str, path: str, leaf: Any) -> Any:
    if (
        isinstance(leaf, (jax.Array, np.ndarray))
        and jnp.issubdtype(leaf.dtype, jnp.floating)
        and leaf.dtype not in FLOATING
    ):
        raise TypeError(f"{name}: {path} must have dtype float16, float32 or float64, got {leaf.dtype}")
    return form_of(leaf.shape, leaf.dtype) if _is_traced(leaf) else None


def _known(name: str, leaf: Any) -> Any:
    """What is not traced, in the dtype that JAX gives it."""
    if isinstance(leaf, np.random.Generator):
        raise TypeError(f"{name}: rng must be an integer seed, since the gradient draws again, got a Generator")
    if isinstance(leaf, (jax.Array, np.ndarray)):
        return np.asarray(leaf, jax.dtypes.canonicalize_dtype(leaf.dtype))
    return leaf


def _evaluate(function: Callable[..., Any], arguments: Mapping[str, Any], wrt: Sequence[str]) -> tuple[Any, Vjp]:
    """The function's output in NumPy's arrays, and what gives the gradients of the arrays at these paths."""
    known = dict(leaf for name, value in arguments.items() for leaf in leaves(value, name))

    def call(*differentiated: Any) -> Any:
        arrays = dict(zip(wrt, differentiated, strict=True))

        def given(path: str, leaf: Any) -> Any:
            return arrays[path] if path in arrays else jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf

        return function(**{name: replaced(value, name, given) for name, value in arguments.items()})

    if not wrt:
        return map_leaves(np.asarray, call()), lambda grad_output: {}
    output, pull = jax.vjp(call, *(jnp.asarray(known[path]) for path in wrt))

    def vjp(grad_output: Any) -> dict[str, Any]:
        given_gradients = dict(leaves(grad_output))
        flat = iter(
            [
                jnp.asarray(given_gradients[path]) if path in given_gradients else np.zeros(y.shape, jax.dtypes.float0)
                for path, y in leaves(output)
            ]
        )
        found = pull(map_leaves(lambda _: next(flat), output))
        return {path: np.asarray(gradient) for path, gradient in zip(wrt, found, strict=True)}

    return map_leaves(np.asarray, output), vjp
