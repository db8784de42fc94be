"""`refimpl bench`: how fast the pairs are and what they hold, beside PyTorch and the bare work; a row per size."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ..bench import JUDGED, ROWS, Memory, Ratio, Result, Row, geometric_mean, measure, memory
from ..bench.growth import FACTORS, GROWING, Growth, grow
from ..bench.method import SECONDS, environment
from .machine import print_json
from .screen import Screen, Table
from .selection import UnknownName, nearest, positive

NAME = "bench"
SUMMARY = "measure forward and backward beside PyTorch and the bare work: ratios, and the memory held"
DESCRIPTION = f"""\
Measure ops, forward and backward together, each at a realistic size. The contenders take turns in one process, by the
processor's clock, on one thread: our pair; PyTorch's op, where it is installed; and the bare work that no form avoids,
which is the matrix products of the op, or a copy of the bytes that it must read and write. What is printed is the
median of the ratios of neighbours in time, and its quartiles: a machine that slows down slows all contenders.

columns:
  ms          the median time of forward and backward
  /PyTorch    our time as a multiple of PyTorch's [quartiles]; below 1 we are faster
  /bare       our time as a multiple of the bare work's [quartiles]
  kept MB     what is held between forward and backward, beyond the arguments and the output; ours, PyTorch's
  peak MB     the most that is held at once while both run, with the output and the gradients

The geometric means come last: of the {len(JUDGED)} sizes by which the speed is judged, and of all that were measured.
derivations/performance.md tells what they mean. On a busy machine the ratios hold better than the times.
"""
EPILOG = f"""\
examples:
  refimpl bench                      every row, which takes some minutes
  refimpl bench softmax 'conv2d_*'   some rows, by their names or by those of their ops
  refimpl bench judged               the {len(JUDGED)} sizes
  refimpl bench --memory             what is held, without timing: quick, and the same in every run
  refimpl bench --growth             time and memory as the batch grows by a factor of {FACTORS[-1]}, an op per family

--json prints {{"dtype", "threads", "rows": [{{name, op, family, ...}}], "geometric_means": {{judged, all}}}}: of a row
{{seconds, to_torch, to_bare, memory: {{kept, torch_kept, peak}}}}, with --memory {{kept, torch_kept, peak}}, with
--growth {{batches, seconds, peaks, time_exponent, memory_exponent}}. A ratio is {{low, median, high}}, and a geometric
mean {{to_torch, to_bare}} is one of medians; null is what PyTorch has nothing to compare with. Memory is in bytes.

An interrupt prints what has been measured before it.
"""

EVERY_JUDGED = "judged"  # the name of the sizes by which the speed is judged
MEGA = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "patterns", nargs="*", metavar="NAME", help="a row, an op, or a pattern with * and ? (default: every row)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--memory", action="store_true", help="measure only the memory that is held")
    what.add_argument("--growth", action="store_true", help="measure how time and memory grow with the batch")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32", help="(default: float32)")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="for the libraries (default: 1)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        metavar="S",
        help=f"to spend on the turns of a row (default: {SECONDS})",
    )


def run(arguments: argparse.Namespace, screen: Screen) -> int:
    mode = GROWTH if arguments.growth else MEMORY if arguments.memory else RATIOS
    rows = _select(mode.rows, arguments.patterns)
    lacking = environment(arguments.threads)
    if lacking:
        return _again(arguments, lacking)
    table = Table(mode.headings, mode.align, [max(len(row.name) for row in rows), *mode.widths])
    results: dict[Row, Any] = {}
    if not arguments.json:
        screen.line(*table.heading())
    try:
        with screen.progress(len(rows)) as advance:
            for row in rows:
                results[row] = mode.measure(row, arguments)
                if not arguments.json:
                    screen.line(*table.row((row.name, *mode.texts(results[row])), ("name",)))
                advance(row.name)
    finally:  # an interrupt ends the measuring, and not what it has found
        if arguments.json:
            entries = [{"name": row.name, "op": row.op, "family": row.pair().family} | mode.entry(result)
                       for row, result in results.items()]  # fmt: skip
            settings = {"dtype": arguments.dtype, "threads": arguments.threads}
            print_json(settings | {"rows": entries} | mode.summary(results))
        else:
            for line in _lines(mode.summary(results), results):
                screen.line((line, "heading"))
    return 0


def _select(rows: Sequence[Row], patterns: Sequence[str]) -> list[Row]:
    """The rows that any of the patterns matches, in the table's order; without a pattern all."""

    def matches(row: Row, pattern: str) -> bool:
        names = (row.name, row.op, EVERY_JUDGED) if row in JUDGED else (row.name, row.op)
        return any(fnmatchcase(name, pattern) for name in names)

    for pattern in patterns:
        if not any(matches(row, pattern) for row in rows):
            names = dict.fromkeys(name for row in rows for name in (row.name, row.op))
            raise UnknownName(f"no row matches {pattern!r}{nearest(pattern, names)}")
    return [row for row in rows if not patterns or any(matches(row, pattern) for pattern in patterns)]


def _again(arguments: argparse.Namespace, lacking: Mapping[str, str]) -> int:
    """In a process of its own, whose environment holds NumPy to the threads, as threadpoolctl would in this one."""
    flags = [f"--{name}" for name in ("memory", "growth", "json") if getattr(arguments, name)]
    settings = [f"--{name}={getattr(arguments, name)}" for name in ("dtype", "threads", "seconds")]
    command = [sys.executable, "-m", "refimpl", NAME, *flags, *settings, "--", *arguments.patterns]
    return subprocess.call(command, env=os.environ | lacking)


class Mode(NamedTuple):
    """What is measured of a row, and how it is told."""

    rows: Sequence[Row]
    headings: Sequence[str]
    align: str
    widths: Sequence[int]  # of all columns but the first
    measure: Callable[[Row, argparse.Namespace], Any]
    texts: Callable[[Any], Sequence[str]]
    entry: Callable[[Any], dict[str, Any]]
    summary: Callable[[Mapping[Row, Any]], dict[str, Any]] = lambda results: {}


def _texts(result: Result) -> list[str]:
    return [f"{1000 * result.seconds:.3g}", *_ratio(result.to_torch), *_ratio(result.to_bare), *_sizes(result.memory)]


def _ratio(ratio: Ratio | None) -> tuple[str, str]:
    if ratio is None:
        return "-", ""
    return f"{ratio.median:.2f}", f"[{ratio.low:.2f}, {ratio.high:.2f}]"


def _sizes(held: Memory) -> list[str]:
    return ["-" if size is None else f"{size / MEGA:.2f}" for size in held]


def _growth_texts(growth: Growth) -> list[str]:
    times = [f"{1000 * seconds:.3g}" for seconds in growth.seconds]
    peaks = [f"{size / MEGA:.3g}" for size in growth.peaks]
    batches = ", ".join(map(str, growth.batches))
    return [batches, *times, f"{growth.time_exponent:.2f}", *peaks, f"{growth.memory_exponent:.2f}"]


def _entry(result: Result | Memory) -> dict[str, Any]:
    return {name: value._asdict() if hasattr(value, "_asdict") else value for name, value in result._asdict().items()}


def _growth_entry(growth: Growth) -> dict[str, Any]:
    exponents = {name: getattr(growth, name) for name in ("time_exponent", "memory_exponent")}
    return growth._asdict() | exponents


def _means(results: Mapping[Row, Result]) -> dict[str, Any]:
    judged = [result for row, result in results.items() if row in JUDGED]
    found = {EVERY_JUDGED: judged, "all": list(results.values())}
    return {"geometric_means": {name: {to: _mean(of, to) for to in RATIO_TO} for name, of in found.items()}}


def _mean(results: Sequence[Result], to: str) -> float | None:
    return geometric_mean(ratio.median for result in results if (ratio := getattr(result, to)) is not None)


def _lines(summary: Mapping[str, Any], results: Mapping[Row, Any]) -> Iterator[str]:
    """The geometric means in words, where there are any."""
    for name, means in summary.get("geometric_means", {}).items():
        number = len(results) if name == "all" else sum(row in JUDGED for row in results)
        told = [f"{mean:.2f} {RATIO_TO[to]}" for to, mean in means.items() if mean is not None]
        if told:
            yield f"geometric mean of {name} {number}: {', '.join(told)}"


RATIO_TO = {"to_torch": "to PyTorch", "to_bare": "to the bare work"}
RATIOS = Mode(
    ROWS,
    ("row", "ms", "/PyTorch", "", "/bare", "", "kept MB", "PyTorch's", "peak MB"), "<>><><>>>",
    (8, 6, 14, 7, 16, 7, 9, 7),
    lambda row, given: measure(row, given.dtype, given.threads, given.seconds),
    _texts, _entry, _means,
)  # fmt: skip
MEMORY = Mode(
    ROWS, ("row", "kept MB", "PyTorch's", "peak MB"), "<>>>", (7, 9, 7),
    lambda row, given: memory(row, given.dtype), _sizes, _entry,
)  # fmt: skip
GROWTH = Mode(
    GROWING,
    ("op", "batches", "ms", "", "", "exponent", "peak MB", "", "", "exponent"), "<<>>>>>>>>",
    (18, *[8] * 8),
    lambda row, given: grow(row, given.dtype, given.threads),
    _growth_texts, _growth_entry,
)  # fmt: skip
