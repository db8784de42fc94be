"""`refimpl list` and `refimpl show`."""

import io
import json
import re
import sys

import numpy as np
import pytest

from refimpl.cases import CASES, case
from refimpl.catalog import OPS, Op
from refimpl.cli import main, show


def slope_forward(input, factor, *, clamp=True):
    """A straight line through
    the origin.

    y = λ x
      for all x

    Shapes: input any, factor () or none;
        output like input.
    Raises: TypeError where input is not floating, and where the factor is not; ValueError where the factor is no
        number.
    Extremes: exact.
    Source: Euclid.
    Derived: derivations/lines.md#slope.
    """


def slope_backward(grad_output, cache):
    """grad_x = λ g,
    grad_λ = sum of g x.
    """


@pytest.fixture
def slope(plant, monkeypatch):
    """An op whose every word is known here."""
    monkeypatch.setattr(slope_forward, "__module__", "refimpl.layers.lines")
    given = {"input": np.ones(2), "factor": np.ones(())}
    monkeypatch.setitem(
        OPS,
        "slope",
        Op(
            "slope",
            slope_forward,
            slope_backward,
            differentiable=("input", "factor"),
            constant=("clamp",),
            derivation="lines.md#slope",
            kinks="input = 7",
            departs="the clamp lets the gradient through",
        ),
    )
    monkeypatch.setitem(
        CASES, "slope", (case("inside", **given), case("beyond 1", departs="straight through", **given))
    )


def test_list_shows_a_row_per_op(run):
    expected = """\
op      kind    differentiable       PyTorch                     derivation
linear  layers  input, weight, bias  torch.nn.functional.linear  linear.md#linear
relu    layers  input                torch.nn.functional.relu    rectifiers.md#relu
"""
    assert run("list", "linea?", "relu", "r?lu") == (0, expected, "")


def test_list_without_a_pattern_has_every_op_in_the_catalogs_order(run):
    status, out, _ = run("list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["op", *OPS]


def test_list_says_that_pytorch_lacks_an_op(run, plant):
    plant("tanh", torch=None)
    assert run("list", "tanh")[1].splitlines()[1] == "tanh  layers  input           -        activations.md#tanh"


def test_list_as_json(run):
    status, out, _ = run("list", "l1_loss", "--json")
    assert status == 0
    assert json.loads(out) == {
        "ops": [
            {
                "name": "l1_loss",
                "kind": "losses",
                "family": "regression",
                "differentiable": ["input", "target", "weight"],
                "constant": ["reduction"],
                "torch": "torch.nn.functional.l1_loss",
                "derivation": "regression.md#l1_loss",
                "kinks": "input = target",
                "departs": "",
            }
        ]
    }


# show


def test_show_is_a_page_on_the_pair(run, slope):
    expected = """\
slope  (layers)
  A straight line through the origin.

Calls
  output, cache = slope_forward(input, factor, *, clamp=True)
  grads = slope_backward(grad_output, cache)

Formula
  y = λ x
    for all x

Gradients
  grad_x = λ g,
  grad_λ = sum of g x.

Arguments
  differentiable: input, factor
  constant: clamp

Shapes
  input any, factor () or none; output like input.

Raises
  TypeError where input is not floating, and where the factor is not; ValueError where the factor is
  no number.

Extremes
  exact.

Kinks
  input = 7

Not the derivative
  the clamp lets the gradient through
  case 'beyond 1': straight through

Source
  Euclid.

Derivation
  derivations/lines.md#slope

Cases
  2, which --json names
"""
    assert run("show", "slope") == (0, expected, "")


def test_show_as_json_has_every_part_as_a_field(run, slope):
    status, out, _ = run("show", "slope", "--json")
    assert status == 0
    assert json.loads(out) == {
        "name": "slope",
        "kind": "layers",
        "torch": None,
        "sentence": "A straight line through the origin.",
        "forward": "slope_forward(input, factor, *, clamp=True)",
        "backward": "slope_backward(grad_output, cache)",
        "formula": "y = λ x\n  for all x",
        "gradients": "grad_x = λ g,\ngrad_λ = sum of g x.",
        "shapes": "input any, factor () or none; output like input.",
        "raises": "TypeError where input is not floating, and where the factor is not; "
        "ValueError where the factor is no number.",
        "extremes": "exact.",
        "source": "Euclid.",
        "differentiable": ["input", "factor"],
        "constant": ["clamp"],
        "kinks": "input = 7",
        "departs": "the clamp lets the gradient through",
        "departing_cases": [{"case": "beyond 1", "departs": "straight through"}],
        "cases": ["inside", "beyond 1"],
        "derivation": "derivations/lines.md#slope",
    }


def test_show_names_the_pytorch_function_and_leaves_out_what_does_not_apply(run):
    lines = run("show", "linear")[1].splitlines()
    assert lines[0] == "linear  (layers, torch.nn.functional.linear)"
    assert "  output, cache = linear_forward(input, weight, bias=None)" in lines
    assert "  constant: none" in lines
    assert not {"Kinks", "Not the derivative"} & set(lines)


def test_every_op_has_every_part():
    for name, op in OPS.items():
        facts = show.describe(op)
        parts = ("sentence", "formula", "gradients", "shapes", "raises", "extremes", "source")
        missing = [part for part in parts if not facts[part]]
        assert not missing, f"{name} lacks {missing}"
        assert not re.search(r"\b(Shapes|Raises|Extremes|Source|Derived):", " ".join(facts[p] for p in parts)), name


def test_greek_letters_survive_a_terminal_without_them(slope, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    assert main(["show", "slope"]) == 0
    assert b"  y = \\u03bb x" in written.getvalue().splitlines()
