"""Lines and progress: plain text anywhere, the same text in colour with a live bar on a terminal that has rich."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

Piece = tuple[str, str]  # a text and its role: a key of STYLES, or "" for none

STYLES = {
    "heading": "bold",
    "name": "cyan",
    "pass": "green",
    "fail": "bold red",
    "inconclusive": "yellow",
    "missing": "yellow",
    "note": "dim",
    "diagnosis": "magenta",
}


class Screen:
    """Plain lines on stdout, each as soon as it is known; between them, on a terminal, a progress line on stderr."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty() and sys.stderr.isatty()
        self._drawn = 0

    @property
    def terminal(self) -> bool:
        """Whether someone looks at it: what is only for the eye stays out of pipes and files."""
        return sys.stdout.isatty()

    def line(self, *pieces: Piece) -> None:
        self._draw("")
        print("".join(text for text, _ in pieces), flush=True)

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[str], None]]:
        """A function to call after each of `total` steps, with what the step was."""
        done = 0

        def advance(label: str) -> None:
            nonlocal done
            done += 1
            self._draw(f"{done}/{total} {label}")

        try:
            yield advance
        finally:
            self._draw("")

    def _draw(self, text: str) -> None:
        """Replace what was drawn before; the cursor stays at the start, where the next line begins."""
        if not self._live or not (text or self._drawn):
            return
        text = text[: shutil.get_terminal_size().columns - 1]
        blank = " " * max(0, self._drawn - len(text))
        print(f"\r{text}{blank}", end="\r", file=sys.stderr, flush=True)
        self._drawn = len(text)


class RichScreen(Screen):
    """The same lines in colour, and a bar below them while there is progress."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def line(self, *pieces: Piece) -> None:
        from rich.text import Text

        styled = Text.assemble(*((text, STYLES.get(role, "")) for text, role in pieces))
        self._console.print(styled, soft_wrap=True)

    @contextmanager
    def progress(self, total: int) -> Iterator[Callable[[str], None]]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        label = TextColumn("{task.description}", markup=False)
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), label)
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task("", total=total)
            yield lambda step: bar.update(task, advance=1, description=step)


def open_screen() -> Screen:
    """For stdout as it is now."""
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        with contextlib.suppress(ImportError):
            from rich.console import Console

            return RichScreen(Console(highlight=False, markup=False, emoji=False))
    return Screen()


def abandon_output() -> None:
    """Send what is still buffered nowhere, lest the interpreter complains of it when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Table:
    """Aligned columns whose widths are known before the first row is."""

    def __init__(self, headings: Sequence[str], align: str, widths: Sequence[int]) -> None:
        """align: `<` or `>` for each column. Nothing is padded at the end of a line."""
        self.headings, self.align = headings, align
        self.widths = [max(len(heading), width) for heading, width in zip(headings, widths, strict=True)]
        if align[-1] == "<":
            self.widths[-1] = 0

    def heading(self) -> list[Piece]:
        return self.row(self.headings, ["heading"] * len(self.headings))

    def row(self, values: Sequence[str], roles: Sequence[str] = ()) -> list[Piece]:
        """One line; roles colour the columns, from the first on."""
        roles = [*roles, *[""] * (len(values) - len(roles))]
        padded = [f"{v:{a}{w}}" for v, a, w in zip(values, self.align, self.widths, strict=True)]
        gaps = ["  "] * (len(values) - 1) + [""]
        return [(text + gap, role) for text, gap, role in zip(padded, gaps, roles, strict=True)]


def counted(number: int, nouns: str) -> str:
    return f"{number} {nouns.removesuffix('s') if number == 1 else nouns}"
