"""Vectors written: every case of every op as it is called, what it answers, and its gradients."""

from __future__ import annotations

import inspect
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from .._structure import map_leaves
from ..cases import CASES, Case
from ..catalog import OPS, Op
from ..gradcheck.pair import is_floating
from ._draws import RecordingGenerator
from ._encoding import Encoder
from ._folder import FORMAT, PRECISIONS, VERSION, whole_folder, write_arrays, write_index


@dataclass(frozen=True)
class Exported:
    """What was written."""

    ops: int
    cases: int
    arrays: int
    bytes: int


def export(
    directory: str | os.PathLike[str],
    names: Iterable[str] | None = None,
    on_case: Callable[[str, str], None] | None = None,
) -> Exported:
    """Write the vectors of ops, by default all, into a folder: whole, or not at all.

    The folder must not be there yet, or be empty, or hold an earlier export, which is replaced; its results stay. The
    same versions of the libraries on the same machine write the same bytes; another machine's last digits may differ.

    names: keys of the catalog, in the order in which they are to stand.
    on_case: called with op and case as each is done, to show progress.

    Raises VectorsError where the folder cannot be made, or something else is in its place.
    """
    ops = [OPS[name] for name in (OPS if names is None else names)]
    entries, arrays = [], 0
    with whole_folder(Path(directory)) as folder:
        for op in ops:
            entry, written = _op_vectors(op, on_case)
            file = f"{op.name}.npz"
            entries.append({**entry, "file": file, "sha256": write_arrays(folder / file, written)})
            arrays += len(written)
        write_index(folder, {"format": FORMAT, "version": VERSION, "made_with": _versions(), "ops": entries})
        size = sum(path.stat().st_size for path in folder.iterdir())
    return Exported(len(ops), sum(len(entry["cases"]) for entry in entries), arrays, size)


def _versions() -> dict[str, str]:
    from .. import __version__  # here, since the package imports this module before it says its version

    return {"refimpl": __version__, "numpy": np.__version__, "scipy": scipy.__version__}


def _op_vectors(op: Op, on_case: Callable[[str, str], None] | None) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The op's entry in the index, and its arrays."""
    parameters = inspect.signature(op.forward).parameters
    defaults = {name: p.default for name, p in parameters.items() if p.default is not inspect.Parameter.empty}
    cases, arrays = [], {}
    for i, case in enumerate(CASES.get(op.name, ())):
        entry: dict[str, Any] = {"name": case.name, "at_kink": case.at_kink, "departs": case.departs}
        for precision in PRECISIONS:
            encoder = Encoder(f"{i}/{precision}/")
            entry[precision] = {part: _encoded(encoder, part, value) for part, value in _call(op, case, precision)}
            arrays.update(encoder.arrays)
        cases.append(entry)
        if on_case:
            on_case(op.name, case.name)
    return {
        "name": op.name,
        "kind": op.kind,
        "torch": op.torch,
        "derivation": op.derivation,
        "arguments": list(parameters),
        "defaults": {name: Encoder().encode(value, name) for name, value in defaults.items()},
        "differentiable": list(op.differentiable),
        "cases": cases,
    }, arrays


def _encoded(encoder: Encoder, part: str, value: Any) -> Any:
    """An array of arguments or gradients is called ``gradients/NAME``, and its path in NAME, if that is a structure."""
    if part in ("arguments", "gradients"):
        return {name: encoder.encode(entry, f"{part}/{name}") for name, entry in value.items()}
    return encoder.encode(value, part)


def _call(op: Op, case: Case, precision: str) -> tuple[tuple[str, Any], ...]:
    """The pair called with every floating array in this dtype: the parts of the index's `call`."""
    arguments = {name: _prepared(name, value, precision) for name, value in case.arguments.items()}
    output, cache = op.forward(**arguments)
    grad_output = _random_like(output, zlib.crc32(f"{op.name} {case.name}".encode()))
    gradients = op.backward(grad_output, cache)
    parts = {"arguments": arguments, "output": output, "grad_output": grad_output, "gradients": gradients}
    return tuple(parts.items())


def _prepared(name: str, value: Any, precision: str) -> Any:
    """The argument in this dtype, and its random numbers from a generator that remembers them."""
    if name == "rng" and isinstance(value, (int, np.integer)):
        return RecordingGenerator(int(value))

    def prepare(leaf: Any) -> Any:
        if isinstance(leaf, np.random.Generator):
            return RecordingGenerator(leaf)
        return np.array(leaf, dtype=precision, order="C") if is_floating(leaf) else leaf

    return map_leaves(prepare, value)


def _random_like(output: Any, seed: int) -> Any:
    """Seeded normal numbers that float32 holds, the same in either dtype: None for integers, 0 where not finite."""
    rng = np.random.default_rng(seed)

    def draw(y: Any) -> Any:
        y = np.asarray(y)
        numbers = rng.standard_normal(y.shape, dtype=np.float32)
        return np.where(np.isfinite(y), numbers, 0).astype(y.dtype) if y.dtype.kind == "f" else None

    return map_leaves(draw, output)
