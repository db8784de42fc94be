"""How fast the pairs are, as ratios measured side by side: to PyTorch, and to the bare work that the op cannot avoid.

    python -m refimpl.bench [NAME ...] [--dtype float64] [--repetitions 15]

NAME is an op or a row of ROWS; without one all rows run. The contenders take turns in one process, on one thread, by
the processor's clock, and what is printed is the median of the ratios of neighbours, with its quartiles: a machine that
slows down for a while slows all of them. PyTorch's column is empty where it is not installed. Without threadpoolctl the
number of threads is the environment's: set OPENBLAS_NUM_THREADS and OMP_NUM_THREADS to 1.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import math
import pkgutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ._validate import Array
from .catalog import OPS

Arguments = dict[str, Array]
Work = Callable[[], Any]
LEAST = 0.01  # seconds that one measurement takes at least: the call is repeated until it does


class Row(NamedTuple):
    name: str
    op: str
    shapes: dict[str, tuple[int, ...]]  # of the floating arguments, which are drawn
    options: dict[str, Any]
    bare: Callable[[Row, Arguments, Array], Work] | None = None  # the work that forward and backward cannot avoid


class Ratio(NamedTuple):
    low: float  # the first quartile
    median: float
    high: float  # the third


class Result(NamedTuple):
    milliseconds: float  # the median of a call of forward and one of backward
    to_torch: Ratio | None
    to_bare: Ratio | None


def products(row: Row, arguments: Arguments, output: Array) -> Work:
    """The matrix products of a convolution: one forward, and one for the gradient of each of input and weight."""
    groups, rows, inner, columns = product_extents(row, arguments["input"], arguments["weight"], output)
    rng = np.random.default_rng(0)
    w = rng.standard_normal((groups, rows, inner)).astype(output.dtype)
    u = rng.standard_normal((groups, inner, columns)).astype(output.dtype)
    v = rng.standard_normal((groups, rows, columns)).astype(output.dtype)
    return lambda: (w @ u, w.swapaxes(1, 2) @ v, v @ u.swapaxes(1, 2))


def product_extents(row: Row, input: Array, weight: Array, output: Array) -> tuple[int, int, int, int]:
    """(groups, rows, inner, columns): rows x inner weights per group, and a column per sample and window."""
    groups = row.options.get("groups", 1)
    windows = input if "transpose" in row.op else output
    return groups, len(weight) // groups, math.prod(weight.shape[1:]), len(input) * math.prod(windows.shape[2:])


ROWS = (
    Row("conv1d", "conv1d", {"input": (16, 64, 1024), "weight": (64, 64, 5)}, {"padding": 2}, products),
    Row("conv2d_3x3", "conv2d", {"input": (16, 64, 32, 32), "weight": (64, 64, 3, 3)}, {"padding": 1}, products),
    Row("conv2d_1x1", "conv2d", {"input": (16, 256, 28, 28), "weight": (64, 256, 1, 1)}, {}, products),
    Row("conv2d_7x7s2", "conv2d", {"input": (4, 3, 224, 224), "weight": (64, 3, 7, 7)}, {"stride": 2, "padding": 3},
        products),
    Row("conv2d_grouped", "conv2d", {"input": (16, 64, 32, 32), "weight": (64, 16, 3, 3)},
        {"padding": 1, "groups": 4}, products),
    Row("conv2d_depthwise", "conv2d", {"input": (16, 64, 32, 32), "weight": (64, 1, 3, 3)},
        {"padding": 1, "groups": 64}),
    Row("conv2d_small_images", "conv2d", {"input": (256, 16, 8, 8), "weight": (32, 16, 3, 3)}, {"padding": 1},
        products),
    Row("conv2d_deep", "conv2d", {"input": (16, 512, 4, 4), "weight": (512, 512, 3, 3)}, {"padding": 1}, products),
    Row("conv3d", "conv3d", {"input": (2, 16, 8, 24, 24), "weight": (16, 16, 3, 3, 3)}, {"padding": 1}, products),
    Row("conv_transpose2d", "conv_transpose2d", {"input": (16, 64, 16, 16), "weight": (64, 32, 4, 4)},
        {"stride": 2, "padding": 1}, products),
)  # fmt: skip


def measure(row: Row, dtype: str = "float32", repetitions: int = 15) -> Result:
    """The row's op, forward and backward, beside its contenders."""
    op = OPS[row.op]
    rng = np.random.default_rng(0)
    arguments = {name: rng.standard_normal(shape).astype(dtype) for name, shape in row.shapes.items()}
    output, _ = op.forward(**arguments, **row.options)
    g = rng.standard_normal(output.shape).astype(dtype)

    def ours() -> Any:
        return op.backward(g, op.forward(**arguments, **row.options)[1])

    contenders: dict[str, Work] = {"ours": ours}
    with one_thread() as torch:
        if torch is not None and op.torch:
            contenders["torch"] = _torch_work(torch, op.torch, arguments, row.options, g)
        if row.bare is not None:
            contenders["bare"] = row.bare(row, arguments, output)
        times = in_turn(contenders, repetitions)
    return Result(
        1000 * statistics.median(times["ours"]),
        ratio(times["ours"], times["torch"]) if "torch" in times else None,
        ratio(times["ours"], times["bare"]) if "bare" in times else None,
    )


def in_turn(
    contenders: Mapping[str, Work], repetitions: int, clock: Callable[[], float] = time.process_time
) -> dict[str, list[float]]:
    """The seconds of a call of each contender, by turns: the times at one index of two lists are neighbours."""
    calls = {name: _calls(work, clock) for name, work in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, work in contenders.items():
            start = clock()
            for _ in range(calls[name]):
                work()
            times[name].append((clock() - start) / calls[name])
    return times


def _calls(work: Work, clock: Callable[[], float]) -> int:
    """How many calls take LEAST seconds, by the second call: the first one warms up."""
    work()
    start = clock()
    work()
    return max(1, math.ceil(LEAST / max(clock() - start, 1e-6)))


def ratio(times: Sequence[float], others: Sequence[float]) -> Ratio:
    """The quartiles of the ratios of neighbours."""
    ratios = [a / b for a, b in zip(times, others, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0])
    return Ratio(*statistics.quantiles(ratios, n=4, method="inclusive"))


@contextlib.contextmanager
def one_thread() -> Iterator[Any]:
    """Holds the libraries to one thread, as far as that can be done from here; gives PyTorch, or None without it."""
    torch, threads = _module("torch"), _module("threadpoolctl")
    before = torch.get_num_threads() if torch else None
    with threads.threadpool_limits(1) if threads else contextlib.nullcontext():
        if torch:
            torch.set_num_threads(1)
        try:
            yield torch
        finally:
            if torch:
                torch.set_num_threads(before)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _torch_work(torch: Any, function: str, arguments: Arguments, options: dict[str, Any], g: Array) -> Work:
    call = pkgutil.resolve_name(function)
    tensors = {name: torch.from_numpy(array).requires_grad_() for name, array in arguments.items()}
    grad_output = torch.from_numpy(g)
    return lambda: torch.autograd.grad(call(**tensors, **options), list(tensors.values()), [grad_output])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m refimpl.bench", description="Ratios measured side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="an op or a row; default all rows")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--repetitions", type=int, default=15)
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if not any(name in (row.name, row.op) for row in ROWS)]
    if unknown:
        parser.error(f"there is no row of {', '.join(unknown)}; the rows are {', '.join(row.name for row in ROWS)}")
    print(f"forward and backward, {given.dtype}, one thread, processor time; medians of paired ratios [quartiles]")
    print(f"{'':20} {'ms':>8}  {'to PyTorch':>20}  {'to the bare work':>20}")
    for row in ROWS:
        if not given.names or row.name in given.names or row.op in given.names:
            result = measure(row, given.dtype, given.repetitions)
            ratios = f"{_shown(result.to_torch):>20}  {_shown(result.to_bare):>20}"
            print(f"{row.name:20} {result.milliseconds:8.2f}  {ratios}", flush=True)


def _shown(ratio: Ratio | None) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else ""


if __name__ == "__main__":
    main()
