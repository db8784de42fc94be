"""`refimpl show`: how a pair is called, what it computes, and what its gradients are."""

from __future__ import annotations

import argparse
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from ..cases import CASES
from ..catalog import Op
from .machine import print_json
from .screen import Screen
from .selection import find

NAME = "show"
SUMMARY = "show a pair: how it is called, its formula, its gradients, where its derivation is"
DESCRIPTION = """\
Show one op: the signatures of forward and backward, the formula, the gradients, shapes, what is refused, how it
behaves at the extremes, its source, where it has kinks, and where its derivation is.
"""
EPILOG = """\
examples:
  refimpl show linear
  refimpl show cross_entropy --json

--json prints one object: name, kind, torch, sentence, forward and backward (the signatures), formula, gradients,
shapes, raises, extremes, source, differentiable, constant, kinks, departs, departing_cases (a list of {case, departs}),
cases (their names), derivation.
"""

PARTS = ("Shapes", "Raises", "Extremes", "Source", "Derived")
WIDTH = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an op, as `refimpl list` has it")


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    facts = describe(find(arguments.name))
    if arguments.json:
        print_json(facts)
        return 0
    torch = f", {facts['torch']}" if facts["torch"] else ""
    screen.line((facts["name"], "name"), (f"  ({facts['kind']}{torch})", ""))
    screen.line(("  " + facts["sentence"], ""))
    for heading, text in _sections(facts):
        screen.line()
        screen.line((heading, "heading"))
        for line in text.splitlines():
            screen.line(("  " + line if line else "", ""))
    return 0


def describe(op: Op) -> dict[str, Any]:
    """Everything that is shown of an op, from its row, its functions and its cases."""
    forward, backward = _parts(inspect.getdoc(op.forward) or ""), inspect.getdoc(op.backward) or ""
    cases = CASES.get(op.name, ())
    return {
        "name": op.name,
        "kind": op.kind,
        "torch": op.torch,
        "sentence": forward["sentence"],
        "forward": _signature(op.forward),
        "backward": _signature(op.backward),
        "formula": forward["formula"],
        "gradients": backward,
        "shapes": forward["shapes"],
        "raises": forward["raises"],
        "extremes": forward["extremes"],
        "source": forward["source"],
        "differentiable": op.differentiable,
        "constant": op.constant,
        "kinks": op.kinks,
        "departs": op.departs,
        "departing_cases": [{"case": case.name, "departs": case.departs} for case in cases if case.departs],
        "cases": [case.name for case in cases],
        "derivation": f"derivations/{op.derivation}",
    }


def _sections(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Heading and text of what there is to say, in the order of reading."""
    keys = ", ".join(facts["differentiable"])
    calls = f"output, cache = {facts['forward']}\ngrads = {facts['backward']}"
    arguments = f"differentiable: {keys}\nconstant: {', '.join(facts['constant']) or 'none'}"
    departing = [f"case '{entry['case']}': {entry['departs']}" for entry in facts["departing_cases"]]
    sections = (
        ("Calls", "\n".join(_wrapped(line, indent=4) for line in calls.splitlines())),
        ("Formula", facts["formula"]),
        ("Gradients", facts["gradients"]),
        ("Arguments", arguments),
        ("Shapes", _wrapped(facts["shapes"])),
        ("Raises", _wrapped(facts["raises"])),
        ("Extremes", _wrapped(facts["extremes"])),
        ("Kinks", _wrapped(facts["kinks"])),
        ("Not the derivative", "\n".join(_wrapped(line) for line in (facts["departs"], *departing) if line)),
        ("Source", _wrapped(facts["source"])),
        ("Derivation", facts["derivation"]),
        ("Cases", f"{len(facts['cases'])}, which --json names"),
    )
    return (section for section in sections if section[1])


def _wrapped(text: str, indent: int = 0) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * indent, break_long_words=False)


def _parts(doc: str) -> dict[str, str]:
    """A docstring's sentence, formula and labelled parts; prose in one line, the formula in its own lines."""
    sentence, _, rest = doc.partition("\n\n")
    parts: dict[str, list[str]] = {"formula": [], **{part.lower(): [] for part in PARTS}}
    current = "formula"
    for line in rest.splitlines():
        label, colon, text = line.partition(":")
        if colon and label in PARTS:
            current, line = label.lower(), text
        parts[current].append(line)
    prose = {name: " ".join(" ".join(lines).split()) for name, lines in parts.items()}
    return {"sentence": " ".join(sentence.split()), **prose, "formula": "\n".join(parts["formula"]).strip()}


def _signature(function: Callable[..., Any]) -> str:
    """Names and defaults: the annotations of an op say no more than its shapes do."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    text = signature.replace(parameters=bare, return_annotation=inspect.Signature.empty)
    return f"{getattr(function, '__name__', function)}{text}"
