"""A row measured: how long its op takes beside its contenders, and what it holds."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any, NamedTuple

from .method import SECONDS, Ratio, in_turn, kept, peak, pinned, ratio
from .pytorch import compared
from .row import Called, Row, Work


class Memory(NamedTuple):
    """Bytes."""

    kept: int  # between forward and backward, beyond the arguments and the output
    torch_kept: int | None
    peak: int  # while forward and backward run, with the output and the gradients


class Result(NamedTuple):
    seconds: float  # the median of a call of forward and one of backward
    to_torch: Ratio | None
    to_bare: Ratio
    memory: Memory


def measure(row: Row, dtype: str = "float32", threads: int = 1, seconds: float = SECONDS) -> Result:
    """The row's op, forward and backward, beside its contenders."""
    with pinned(threads) as torch:
        called = row.called(dtype)
        theirs = compared(torch, row, called)
        held = Memory(_kept(called), theirs.kept() if theirs else None, peak(ours(row, called)))
        contenders: dict[str, Work] = {"ours": ours(row, called), "bare": row.bare(called)}
        if theirs:
            contenders["torch"] = theirs.work
        times = in_turn(contenders, seconds)
    return Result(
        statistics.median(times["ours"]),
        ratio(times["ours"], times["torch"]) if theirs else None,
        ratio(times["ours"], times["bare"]),
        held,
    )


def memory(row: Row, dtype: str = "float32") -> Memory:
    """What the row's op holds; the same in every run."""
    with pinned(1) as torch:
        called = row.called(dtype)
        theirs = compared(torch, row, called)
        return Memory(_kept(called), theirs.kept() if theirs else None, peak(ours(row, called)))


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """None of no ratios."""
    found = list(ratios)
    return statistics.geometric_mean(found) if found else None


def ours(row: Row, called: Called) -> Work:
    """Forward and backward, and what both return."""
    op = row.pair()

    def both() -> Any:
        output, cache = op.forward(**called.arguments)
        return output, op.backward(called.grad_output, cache)

    return both


def _kept(called: Called) -> int:
    return kept(called.cache, called.arguments, called.output)
