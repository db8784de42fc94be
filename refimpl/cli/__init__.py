"""The command `refimpl`, which is also `python -m refimpl`: ops listed, checked, shown, ported; pairs of one's own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from importlib import metadata

from ..userfile import UserFileError
from ..vectors import VectorsError
from . import check, export, listing, show, verify
from .plot import CannotPlot
from .screen import abandon_output, open_screen
from .selection import UnknownName

__all__ = ["main"]

COMMANDS = (listing, check, show, export, verify)

DESCRIPTION = """\
The reference implementation of backpropagation: losses and layers as pairs of functions, forward and backward,
in NumPy. This command lists the pairs, checks their gradients against SciPy's finite differences, and shows how
a pair is called and what it computes. `check` also judges the pairs of a file of your own, `export` writes vectors to
port the ops with, and `verify` judges a port by them.
"""
EPILOG = """\
examples:
  refimpl list                    every op, with its arguments and its derivation
  refimpl check                   check every gradient of every op
  refimpl check relu '*loss'      check one op, and all whose names end in loss
  refimpl check mine.py           check the pairs in a file of your own
  refimpl show cross_entropy      how it is called, its formula, its gradients
  refimpl export vectors          write what every op answers into a folder, to port with
  refimpl verify vectors          judge what a port answered

exit status:
  0    done; for check: every gradient passed; for verify: every op passed
  1    check found a gradient that is wrong or that it cannot judge, verify an answer that is wrong or missing, or
       the output could not be written
  2    a name, a file, a folder or an option that does not exist or cannot be used
  130  interrupted

`refimpl COMMAND --help` tells more of each command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; SystemExit comes from a wrong option, --help and --version."""
    try:
        try:
            return _run(argv)
        finally:
            sys.stdout.flush()
    except (UnknownName, UserFileError, CannotPlot, VectorsError) as error:
        print(f"refimpl: {error}", file=sys.stderr)
        return 2
    except BrokenExecutor:
        print("refimpl: a process that shared the work ended abruptly; --jobs 1 does without", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("refimpl: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        abandon_output()
        return 141  # as a shell reports a program that its reader left
    except OSError as error:
        abandon_output()
        print(f"refimpl: the output cannot be written: {error}", file=sys.stderr)
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return 2
    if sys.stdout.encoding and not sys.stdout.encoding.lower().startswith("utf"):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # formulas hold Greek letters
    status: int = arguments.run(arguments, open_screen())
    return status


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("refimpl", description=DESCRIPTION, epilog=EPILOG, formatter_class=raw)
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for module in COMMANDS:
        command = commands.add_parser(
            module.NAME, help=module.SUMMARY, description=module.DESCRIPTION, epilog=module.EPILOG, formatter_class=raw
        )
        module.add_arguments(command)
        command.add_argument("--json", action="store_true", help="print JSON instead of text")
        command.set_defaults(run=module.run)
    return parser


class _Version(argparse.Action):
    """The installed version, looked up only when asked for: it takes longer than the rest of the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        try:
            version = metadata.version("refimpl")
        except metadata.PackageNotFoundError:
            version = "of unknown version: run from its files, not installed"
        print(f"refimpl {version}")
        parser.exit()
