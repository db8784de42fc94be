"""The recorded graph as Graphviz text, and as an SVG."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from .value import Node, Value, recorded

HEAD = """\
digraph recorded {
    rankdir=LR
    node [fontname="Helvetica", fontsize=11]
    edge [fontname="Helvetica", fontsize=9, color="#525252"]
"""


def to_dot(value: Value) -> str:
    """What `value` depends on, in Graphviz's language: boxes are arrays, ellipses ops, in the order of recording.

    Leaves that get a gradient are filled, constants dashed. An edge carries the shape of what flows along it forward,
    and, where an op has several arguments with gradients, the argument's name.
    """
    nodes = recorded(value)[::-1]
    ids: dict[Any, str] = {node: f"op{i}" for i, node in enumerate(nodes)}
    lines = []
    for node in nodes:
        for source in node.sources:
            leaf = source.origin[0]
            if leaf not in ids:
                ids[leaf] = f"leaf{len(ids) - len(nodes)}"
                lines.append(_leaf(ids[leaf], leaf, source.path))
        lines.append(f"{ids[node]} [label={_quoted(node.name)}]")
        for source in node.sources:
            label = _shape(source.shape) if len(node.sources) == 1 else f"{source.path} {_shape(source.shape)}"
            lines.append(f"{ids[source.origin[0]]} -> {ids[node]} [label={_quoted(label)}]")
        for i, (name, shape) in enumerate(node.constants):
            constant = f"{ids[node]}_constant{i}"
            lines.append(f"{constant} [shape=box, style=dashed, label={_quoted(name + chr(10) + _shape(shape))}]")
            lines.append(f"{constant} -> {ids[node]} [style=dashed]")
    end = value.origin[0]
    text = f"{value.name or 'output'}\n{_shape(value.shape)}"
    if isinstance(end, Node):
        lines += [f"end [shape=box, label={_quoted(text)}]", f"{ids[end]} -> end"]
    else:
        lines.append(_leaf("leaf0", value, "leaf"))
    return HEAD + "".join(f"    {line}\n" for line in lines) + "}\n"


def save_svg(value: Value, path: str | Path) -> None:
    """Write the drawing of to_dot to a file. Needs the package graphviz (extra `plots`) and Graphviz's program dot."""
    text = to_dot(value)
    try:
        graphviz = importlib.import_module("graphviz")
    except ImportError:
        raise ImportError(
            "save_svg: the package graphviz must be installed, got none; the extra `plots` brings it: "
            "pip install '.[plots]'"
        ) from None
    try:
        drawing = graphviz.Source(text).pipe(format="svg")
    except graphviz.ExecutableNotFound:
        raise RuntimeError(
            "save_svg: Graphviz's program dot must be on the path, got none; to_dot gives the text without it"
        ) from None
    Path(path).write_bytes(drawing)


def _leaf(name: str, leaf: Any, path: str) -> str:
    style = 'style=filled, fillcolor="#dbeafe"' if leaf.requires_grad else "style=dashed"
    return f"{name} [shape=box, {style}, label={_quoted(f'{leaf.name or path}{chr(10)}{_shape(leaf.shape)}')}]"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "number"


def _quoted(text: str) -> str:
    """A string of Graphviz's language; a line break in it is written as the escape that centres the lines."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
