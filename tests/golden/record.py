"""Record golden files: python tests/golden/record.py [NAME ...]

NAME is an op of the catalog that PyTorch has, one of the training runs of golden_files.RUNS, or optim/OPTIMISER.
Without a NAME all are recorded, and files that belong to nothing are removed. Needs torch. What a file holds is said in
tests/golden_files.py and, for the training runs, in tests/torch_runs.py and tests/torch_schedules.py.

Recording again what has not changed leaves the file as it is, byte for byte. An op whose cases were added to, renamed
or given other options or shapes must be recorded again, and so must an optimiser whose runs were; tests/test_golden.py
and tests/optim/test_trajectories.py say so.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # refimpl
sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests' own modules

import golden_files
import numpy as np
import torch
import torch_reference
import torch_runs
from catalog_cases import is_floating

from refimpl import OPS
from refimpl._structure import map_leaves
from refimpl.cases import CASES


def record_op(op):
    """Every case of the op that PyTorch can evaluate and a file can hold."""
    left_out = {case.name: reason for case in CASES[op.name] if (reason := torch_reference.unrecorded(op, case))}
    return {
        "op": op.name,
        "function": op.torch,
        "cases": {case.name: _record_case(op, case) for case in CASES[op.name] if case.name not in left_out},
        "left_out": left_out,
    }


def _record_case(op, case):
    # A seed of its own, so that a case added leaves the others as they are.
    rng = np.random.default_rng(zlib.crc32(f"{op.name} {case.name}".encode()))
    try:
        output, cache = torch_reference.forward(op, case)
        grad_output = map_leaves(lambda y: np.asarray(rng.standard_normal(y.shape)) if is_floating(y) else None, output)
        gradients = torch_reference.backward(grad_output, cache)
    except Exception as error:
        raise RuntimeError(f"PyTorch cannot evaluate {op.name} on {case.name!r}") from error
    return {
        "arguments": case.arguments,
        "output": output,
        "grad_output": grad_output,
        "gradients": gradients,
        "undifferentiated": torch_reference.undifferentiated(op, case),
    }


RECORDERS = {
    **{name: (lambda op=op: record_op(op)) for name, op in OPS.items() if op.torch},
    **torch_runs.RUNS,
}


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Record what PyTorch returns into tests/golden.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="an op, a training run or optim/OPTIMISER; default all"
    )
    names = parser.parse_args(arguments).names
    unknown = [name for name in names if name not in RECORDERS]
    if unknown:
        parser.error(f"no recording is called {', '.join(unknown)}; there are {', '.join(RECORDERS)}")

    for name in names or RECORDERS:
        written = golden_files.save(name, {"torch": torch.__version__.partition("+")[0], **RECORDERS[name]()})
        size = golden_files.path_of(name).stat().st_size
        print(f"{name}: {'written' if written else 'unchanged'}, {size / 1000:.1f} kB")
    for name in () if names else set(golden_files.stored()) - set(RECORDERS):
        golden_files.path_of(name).unlink()
        print(f"{name}: removed")


if __name__ == "__main__":
    main()
