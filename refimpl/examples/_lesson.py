"""What every lesson shares: its arguments, its lines on the screen, its progress, its plot.

def main(arguments: Sequence[str] | None = None) -> None:
    with open_lesson("NAME", __doc__, "the initial weights", arguments) as lesson:
        with lesson.progress(epochs) as advance:
            ...                                     advance("what this step was") after each step
        lesson.table(("loss", "recall"), rows)
        lesson.plot(draw)                           draw(figure) is called if there is a --plot FILE

The first sentence of __doc__ says what the lesson shows, and stands in the README. What an extra brings, other than
matplotlib, a lesson imports by needed(...).
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from refimpl.cli.screen import Screen, Table, abandon_output, open_screen

FORMATS = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}  # and what keeps the file the same
PALETTE = ("#1f4e9c", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#525252")


class Lesson:
    """A run of a lesson: what it was asked, and where its lines, its progress and its plot go."""

    def __init__(self, name: str, asked: argparse.Namespace, screen: Screen) -> None:
        self.name, self.asked, self.seed = name, asked, asked.seed
        self._file, self._screen = asked.plot, screen

    def line(self, text: str = "") -> None:
        self._screen.line((text, ""))

    def heading(self, text: str) -> None:
        self._screen.line((text, "heading"))

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns: the first to the left, the others, which are numbers, to the right."""
        widths = [max(len(row[i]) for row in rows) for i in range(len(headings))]
        table = Table(headings, "<" + ">" * (len(headings) - 1), widths)
        self._screen.line(*table.heading())
        for row in rows:
            self._screen.line(*table.row(row, ["name"]))

    def progress(self, total: int) -> AbstractContextManager[Callable[[str], None]]:
        """A function to call after each of `total` steps; what it shows stands on a terminal alone, and goes again."""
        return self._screen.progress(total)

    def plot(self, draw: Callable[[Any], None], size: tuple[float, float] = (6.4, 4.0)) -> None:
        """Save what draw(figure) draws, with --plot FILE; the same seed gives the same bytes."""
        if self._file is None:
            return
        matplotlib, figures = importlib.import_module("matplotlib"), importlib.import_module("matplotlib.figure")
        cycle = importlib.import_module("cycler").cycler(color=PALETTE)
        settings = {"svg.hashsalt": "refimpl", "font.size": 9, "axes.prop_cycle": cycle}
        whole = io.BytesIO()  # the file that was there before is replaced only by a whole one
        with matplotlib.rc_context({**matplotlib.rcParamsDefault, **settings}):
            figure = figures.Figure(figsize=size, layout="constrained")
            draw(figure)
            suffix = self._file.suffix.lower()
            figure.savefig(whole, format=suffix[1:], dpi=150, metadata=FORMATS[suffix])
        try:
            self._file.write_bytes(whole.getvalue())
        except OSError as error:
            sys.exit(f"{self.name}: the plot cannot be written: {error}")
        self.line(f"The plot is in {self._file}")


@contextmanager
def open_lesson(
    name: str,
    about: str | None,
    seeded: str,
    arguments: Sequence[str] | None = None,
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> Iterator[Lesson]:
    """The lesson `name`, as the command line asks for it; `seeded` says what the seed is of.

    What `options` adds to the parser is found in the lesson's `asked`.

    SystemExit comes from a wrong option (2), an interrupt (130), a reader that left (141), and from output or a plot
    that cannot be written (1).
    """
    parser = argparse.ArgumentParser(
        f"python -m refimpl.examples.{name}",
        description=inspect.cleandoc(about or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help=f"of {seeded} (default 0)")
    parser.add_argument("--plot", type=_plot_file, metavar="FILE", help=f"save a plot ({', '.join(FORMATS)})")
    options(parser)
    asked = parser.parse_args(arguments)
    try:
        yield Lesson(name, asked, open_screen())
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        abandon_output()
        sys.exit(141)  # as a shell reports a program that its reader left
    except OSError as error:
        print(f"{name}: the output cannot be written: {error}", file=sys.stderr)
        abandon_output()
        sys.exit(1)


def needed(module: str, package: str, extra: str) -> Any:
    """A module that an extra brings; without it the lesson ends before it has begun, and says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError:
        sys.exit(f"{package} is needed, which the extra `{extra}` brings: pip install '.[{extra}]'")


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be an integer of at least 0, got {text!r}")
    return int(text)


def at_least_one(text: str) -> int:
    """The type of an option that counts."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, got {text!r}")
    return int(text)


def _plot_file(text: str) -> Path:
    """A file that a plot can be written to. All that could prevent it is asked before the work, not after."""
    path = Path(text)
    if path.suffix.lower() not in FORMATS:
        *others, last = FORMATS
        raise argparse.ArgumentTypeError(f"must end in {', '.join(others)} or {last}, got {text!r}")
    existed = path.exists()
    try:
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"must be a file that can be written, got {error}") from None
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        raise argparse.ArgumentTypeError(
            "needs matplotlib, which the extra `plots` brings: pip install '.[plots]'"
        ) from None
    return path
