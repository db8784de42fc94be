"""The arguments of recurrent nets over sequences, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import _validate
from .._validate import Array, IntArray
from ._recurrence import Given, Net, name_of


class Options(NamedTuple):
    num_layers: Any
    bias: Any
    batch_first: Any
    dropout: Any
    bidirectional: Any
    training: Any
    rng: Any
    proj_size: Any = 0


def check(
    op: str, net: Net, input: Any, weights: Any, hx: Any, lengths: Any, options: Options
) -> tuple[Given, float, Any]:
    """The arguments as arrays that fit each other, the share that is left out between layers, and its generator."""
    array = _validate.floating(op, "input", input)
    if array.ndim not in (2, 3):
        rule = "(N, T, I) or (T, I)" if options.batch_first else "(T, N, I) or (T, I)"
        raise ValueError(f"{op}: input must have shape {rule}, got {array.shape}")
    layers = _validate.integer(op, "num_layers", options.num_layers)
    if layers < 1:
        raise ValueError(f"{op}: num_layers must be at least 1, got {layers}")
    bias = _validate.boolean(op, "bias", options.bias)
    batch_first = _validate.boolean(op, "batch_first", options.batch_first)
    directions = 2 if _validate.boolean(op, "bidirectional", options.bidirectional) else 1
    projection = _validate.integer(op, "proj_size", options.proj_size)
    dropout, rng = _dropout(op, layers, options)

    time = 1 if batch_first and array.ndim == 3 else 0
    if not array.shape[time]:
        raise ValueError(f"{op}: input must have at least one step, got shape {array.shape}")
    arrays, widths = _weights(op, net, weights, array.shape[-1], layers, directions, bias, projection)
    lead = (layers * directions, *((array.shape[1 - time],) if array.ndim == 3 else ()))
    states = None if hx is None else _states(op, net, hx, lead, widths)
    spans = None if lengths is None else _lengths(op, lengths, array, time)
    return Given(array, arrays, states, spans, batch_first), dropout, rng


def _dropout(op: str, layers: int, options: Options) -> tuple[float, Any]:
    """How much is left out between the layers, and by which generator; there is nothing between them for one."""
    dropout = _validate.number(op, "dropout", options.dropout, at_least=0, at_most=1)
    if not _validate.boolean(op, "training", options.training) or layers == 1:
        return 0.0, None
    return dropout, _validate.generator(op, options.rng) if 0 < dropout < 1 else None


def _weights(
    op: str, net: Net, weights: Any, features: int, layers: int, directions: int, bias: bool, projection: int
) -> tuple[dict[str, Array], tuple[int, ...]]:
    """The weights as arrays of the right names and shapes, and the widths of the parts of the state."""
    if not isinstance(weights, Mapping):
        raise TypeError(f"{op}: weights must be a dict of arrays by PyTorch's names, got {type(weights).__name__}")
    parts = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if bias else []), *(["weight_hr"] * bool(projection))]
    wanted = [name_of(part, layer, d) for layer in range(layers) for d in range(directions) for part in parts]
    missing = [name for name in wanted if name not in weights]
    unknown = [str(name) for name in weights if name not in wanted]
    if missing or unknown:
        raise ValueError(
            f"{op}: weights must have PyTorch's names for the options given, "
            f"got missing {', '.join(missing) or 'nothing'}, unknown {', '.join(unknown) or 'nothing'}"
        )
    arrays = {str(name): _validate.floating(op, f"weights.{name}", weight) for name, weight in weights.items()}

    rows = "H" if net.rows == 1 else f"{net.rows} H"
    width = "P" if projection else "H"
    found = arrays["weight_hh_l0"].shape
    size = found[0] // net.rows if found else 0
    if len(found) != 2 or size < 1 or found[0] != net.rows * size:
        raise ValueError(f"{op}: weights.weight_hh_l0 must have shape ({rows}, {width}) with H at least 1, got {found}")
    if not 0 <= projection < size:
        raise ValueError(f"{op}: proj_size must be from 0 to H - 1 = {size - 1}, got {projection}")
    out = projection or size
    for layer in range(layers):
        inner = (features, "I") if layer == 0 else (directions * out, f"2 {width}" if directions == 2 else width)
        shapes = {
            "weight_ih": ((net.rows * size, inner[0]), f"({rows}, {inner[1]})"),
            "weight_hh": ((net.rows * size, out), f"({rows}, {width})"),
            "bias_ih": ((net.rows * size,), f"({rows},)"),
            "bias_hh": ((net.rows * size,), f"({rows},)"),
            "weight_hr": ((out, size), "(P, H)"),
        }
        for d in range(directions):
            for part in parts:
                name, (shape, rule) = name_of(part, layer, d), shapes[part]
                _validate.has_shape(op, f"weights.{name}", arrays[name], rule, shape)
    return arrays, (out, size)[: len(net.parts)]


def _states(op: str, net: Net, hx: Any, lead: tuple[int, ...], widths: tuple[int, ...]) -> tuple[Array, ...]:
    names = ["hx"] if len(net.parts) == 1 else [f"hx[{i}]" for i in range(len(net.parts))]
    parts = (hx,) if len(net.parts) == 1 else _validate.pair(op, "hx", hx, f"({', '.join(net.parts)})")
    arrays = []
    for name, part, width, letter in zip(
        names, parts, widths, ("H" if widths[0] == widths[-1] else "P", "H"), strict=False
    ):
        array = _validate.floating(op, name, part)
        rule = f"(num_layers * directions, N, {letter})" if len(lead) == 2 else f"(num_layers * directions, {letter})"
        _validate.has_shape(op, name, array, rule, (*lead, width))
        arrays.append(array)
    return tuple(arrays)


def _lengths(op: str, lengths: Any, input: Array, time: int) -> IntArray:
    array = _validate.integers(op, "lengths", lengths)
    if input.ndim == 2:
        raise ValueError(f"{op}: lengths must be None for an input without a batch, got shape {array.shape}")
    _validate.has_shape(op, "lengths", array, "(N,)", (input.shape[1 - time],))
    most = input.shape[time]
    _validate.holds(op, "lengths", array, (array >= 1) & (array <= most), f"numbers of steps from 1 to T = {most}")
    return array
