"""`refimpl list`: the catalog, a row per op."""

from __future__ import annotations

import argparse

from .machine import print_json
from .screen import Screen, Table
from .selection import select

NAME = "list"
SUMMARY = "list the ops: a row for each, from the catalog"
DESCRIPTION = """\
List the ops of the catalog: name, kind (losses or layers), the arguments that carry a gradient, the PyTorch
function it is, and the page and section of its derivation below derivations/.
"""
EPILOG = """\
examples:
  refimpl list                    all of them
  refimpl list '*loss*'           those with loss in their name
  refimpl list --json             {"ops": [...]}, each with name, kind, family, differentiable, constant, torch,
                                  derivation, kinks, departs
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help="a name, or a pattern with * and ? (default: every op)"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    ops = select(arguments.patterns)
    if arguments.json:
        fields = ("name", "kind", "family", "differentiable", "constant", "torch", "derivation", "kinks", "departs")
        print_json({"ops": [{field: getattr(op, field) for field in fields} for op in ops]})
        return 0
    rows = [(op.name, op.kind, ", ".join(op.differentiable), op.torch or "-", op.derivation) for op in ops]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = Table(("op", "kind", "differentiable", "PyTorch", "derivation"), "<<<<<", widths)
    screen.line(*table.heading())
    for row in rows:
        screen.line(*table.row(row, ("name",)))
    return 0
