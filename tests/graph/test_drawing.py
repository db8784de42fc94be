"""The recorded graph as text for Graphviz, and what stands between the text and a picture."""

import os
import stat
import sys

import numpy as np
import pytest

import refimpl
from refimpl.graph import Value, apply, drawing, save_svg, to_dot


def affine():
    W = Value(np.ones((2, 3)), requires_grad=True, name="W")
    b = Value(np.ones(2), requires_grad=True, name='b, the "bias"')
    return W @ np.ones(3) + b


TEXT = r"""digraph recorded {
    rankdir=LR
    node [fontname="Helvetica", fontsize=11]
    edge [fontname="Helvetica", fontsize=9, color="#525252"]
    leaf0 [shape=box, style=filled, fillcolor="#dbeafe", label="W\n2 x 3"]
    op0 [label="matmul"]
    leaf0 -> op0 [label="2 x 3"]
    op0_constant0 [shape=box, style=dashed, label="other\n3"]
    op0_constant0 -> op0 [style=dashed]
    leaf1 [shape=box, style=filled, fillcolor="#dbeafe", label="b, the \"bias\"\n2"]
    op1 [label="add"]
    op0 -> op1 [label="input 2"]
    leaf1 -> op1 [label="other 2"]
    end [shape=box, label="output\n2"]
    op1 -> end
}
"""


def test_text():
    assert to_dot(affine()) == TEXT


def test_what_is_used_twice_is_drawn_once_with_two_edges():
    x = Value(2.0, requires_grad=True, name="x")
    y = x * x
    text = to_dot(y + y * Value(3.0, name="three"))
    assert text.count('label="x\\nnumber"') == 1
    assert text.count("leaf0 -> op0 ") == 2
    assert text.count("op0 -> op1 ") == text.count("op0 -> op2 ") == 1
    assert 'label="three\\nnumber"' in text


def test_all_uses_of_a_structure_are_named():
    a, b = (Value(np.ones(2), requires_grad=True) for _ in range(2))
    text = to_dot(apply(refimpl.concatenate_forward, refimpl.concatenate_backward, [a, b]))
    assert 'leaf1 -> op0 [label="tensors[1] 2"]' in text


@pytest.mark.parametrize(("requires_grad", "style"), [(True, "filled"), (False, "dashed")])
def test_a_leaf_alone(requires_grad, style):
    text = to_dot(Value(1.0, requires_grad=requires_grad, name="x"))
    assert f"leaf0 [shape=box, style={style}" in text
    assert "->" not in text


def test_a_freed_graph_can_still_be_drawn():
    y = affine()
    y.backward(np.ones(2))
    assert to_dot(y) == TEXT


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError) as caught:
        save_svg(affine(), tmp_path / "graph.svg")
    assert str(caught.value) == (
        "save_svg: the package graphviz must be installed, got none; "
        "the extra `plots` brings it: pip install '.[plots]'"
    )


def test_without_the_program(tmp_path, monkeypatch):
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError) as caught:
        save_svg(affine(), tmp_path / "graph.svg")
    assert str(caught.value) == (
        "save_svg: Graphviz's program dot must be on the path, got none; to_dot gives the text without it"
    )
    assert not (tmp_path / "graph.svg").exists()


@pytest.mark.skipif(os.name == "nt", reason="the program that stands in for dot is a script")
def test_the_program_gets_the_text_and_its_picture_is_saved(tmp_path, monkeypatch):
    """dot itself need not be there: a program of its name says what it was given."""
    pytest.importorskip("graphviz")
    program = tmp_path / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:], sys.stdin.read())\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    save_svg(affine(), str(tmp_path / "graph.svg"))
    arguments, text = (tmp_path / "graph.svg").read_text().split(" digraph", 1)
    assert "-Tsvg" in arguments
    assert f"digraph{text}".strip() == TEXT.strip()
    assert drawing.to_dot(affine()) == TEXT
