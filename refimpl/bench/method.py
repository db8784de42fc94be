"""How it is measured: by turns, by the processor's clock, on a fixed number of threads; and what memory is held."""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._structure import leaves
from .._validate import Array
from .row import Work

Clock = Callable[[], float]
LEAST = 0.01  # seconds that one measurement takes at least: the call is repeated until it does
TURNS = (5, 25)  # of all contenders: at least and at most
SECONDS = 1.5  # that the turns of one row take together, where that is more than the least number of them
VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")  # read when NumPy is imported, not later


class Ratio(NamedTuple):
    low: float  # the first quartile
    median: float
    high: float  # the third


def in_turn(
    contenders: Mapping[str, Work], seconds: float = SECONDS, clock: Clock = time.process_time
) -> dict[str, list[float]]:
    """The seconds of a call of each contender, by turns: the times at one index of two lists are neighbours."""
    calls, turn = {}, 0.0
    for name, work in contenders.items():
        once = _once(work, clock)
        calls[name] = max(1, math.ceil(LEAST / once))
        turn += once * calls[name]
    least, most = TURNS
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(min(most, max(least, int(seconds / turn)))):
        for name, work in contenders.items():
            start = clock()
            for _ in range(calls[name]):
                work()
            times[name].append((clock() - start) / calls[name])
    return times


def _once(work: Work, clock: Clock) -> float:
    """The seconds of the second call: the first one warms up."""
    work()
    start = clock()
    work()
    return max(clock() - start, 1e-6)


def ratio(times: Sequence[float], others: Sequence[float]) -> Ratio:
    """The quartiles of the ratios of neighbours."""
    ratios = [a / b for a, b in zip(times, others, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    return Ratio(*statistics.quantiles(ratios, n=4, method="inclusive"))


def peak(work: Work) -> int:
    """The most bytes that a call holds at once beyond what stood before it, with what it returns."""
    work()  # what is made once, and stays, is not the call's
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def kept(cache: Any, *others: Any) -> int:
    """The bytes of memory that the arrays in a cache hold, without what the other structures hold anyway."""
    held = {id(root): root for root in _roots(cache)}
    for root in (root for other in others for root in _roots(other)):
        held.pop(id(root), None)
    return sum(root.nbytes for root in held.values())


def _roots(structure: Any) -> Iterator[Array]:
    """The arrays whose memory the arrays of a structure are views of; those of a sparse matrix too."""
    for _, leaf in leaves(structure):
        if isinstance(leaf, np.ndarray):
            while isinstance(leaf.base, np.ndarray):
                leaf = leaf.base
            yield leaf
        elif hasattr(leaf, "indptr"):
            yield from _roots((leaf.data, leaf.indices, leaf.indptr))


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[Any]:
    """Holds the libraries to a number of threads; gives PyTorch, or None without it."""
    torch, control = module("torch"), module("threadpoolctl")
    before = torch.get_num_threads() if torch else None
    with contextlib.ExitStack() as held:
        if control:
            held.enter_context(control.threadpool_limits(threads))
        if torch:
            torch.set_num_threads(threads)
            held.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")  # PyTorch tells of its plans wherever a default is taken
        try:
            yield torch
        finally:
            if torch:
                torch.set_num_threads(before)


def environment(threads: int) -> dict[str, str]:
    """What the environment lacks to hold NumPy to so many threads; nothing where threadpoolctl can do it."""
    if module("threadpoolctl"):
        return {}
    return {name: str(threads) for name in VARIABLES if os.environ.get(name) != str(threads)}


def module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
