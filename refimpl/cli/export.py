"""`refimpl export`: vectors to port with."""

from __future__ import annotations

import argparse
import time

from ..cases import CASES
from ..vectors import export
from .machine import print_json
from .screen import Screen, counted
from .selection import select

NAME = "export"
SUMMARY = "write vectors to port with: inputs, outputs and gradients of every case"
DESCRIPTION = """\
Write what the ops answer at all their cases into a folder, for a port in another language to be held to: the
arguments, the output, a grad_output and the gradients, in float64 and in float32.

  index.json     every case of every op: its options, and of each array the name, the dtype and the shape
  schema.json    the JSON Schema that says the form of index.json in full
  NAME.npz       the arrays of one op. An .npz file is a zip file of .npy files, here uncompressed, and any language
                 reads it in a page of code
  results/       not written, and left alone: here your port puts its answers, and `refimpl verify DIR` judges them

The folder is written whole or not at all. It must not be there yet, or be empty, or hold an earlier export, which is
replaced. The same versions of refimpl, NumPy and SciPy on one machine write the same bytes.
"""
EPILOG = """\
examples:
  refimpl export vectors                  every op, some 13 MB
  refimpl export vectors relu '*loss'     one op, and all whose names end in loss
  refimpl verify vectors                  judge what your port wrote into vectors/results

--json prints {"directory", "ops", "cases", "arrays", "bytes", "seconds"}.

exit status: 0 if the folder was written, 1 if the disc would not take it, 2 for an unknown name or a folder that is
in the way.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="DIR", help="the folder to write")
    parser.add_argument(
        "patterns", nargs="*", metavar="NAME", help="an op, or a pattern with * and ? (default: every op)"
    )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    names = [op.name for op in select(arguments.patterns)]
    started = time.perf_counter()
    if arguments.json:
        written = export(arguments.directory, names)
    else:
        with screen.progress(sum(len(CASES.get(name, ())) for name in names)) as advance:
            written = export(arguments.directory, names, lambda op, case: advance(f"{op}: {case}"))
    seconds = time.perf_counter() - started
    if arguments.json:
        print_json({"directory": arguments.directory, **vars(written), "seconds": round(seconds, 3)})
        return 0
    counts = ", ".join(counted(getattr(written, nouns), nouns) for nouns in ("ops", "cases", "arrays"))
    screen.line((f"{counts}, {_size(written.bytes)} in {seconds:.1f} s: ", ""), (arguments.directory, "name"))
    return 0


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
