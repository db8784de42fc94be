"""What another implementation answered: results/NAME.npz, or results/NAME.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._folder import RESULTS, VectorsError, read_arrays, read_bytes

NOT_FINITE = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}


class Flat(np.ndarray[Any, Any]):
    """Numbers from a list that tells no shape."""


def read_results(directory: Path, names: list[str]) -> dict[str, dict[str, NDArray[Any]]]:
    """The arrays of each op that there are results of, by their names; every file there must be one of an op's.

    names: of all ops in the folder.
    """
    folder = directory / RESULTS
    if not folder.is_dir():
        raise VectorsError(
            f"{folder} is missing: it is where the implementation to verify writes NAME.npz or NAME.json"
        )
    found: dict[str, dict[str, NDArray[Any]]] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):  # an editor's or the system's
            continue
        if path.suffix not in (".npz", ".json") or path.stem not in names:
            raise VectorsError(
                f"{path} belongs to no op: results are called NAME.npz or NAME.json, as the ops in the index"
            )
        if path.stem in found:
            raise VectorsError(f"{path} and {path.stem}.json are both there: of each op one file is read")
        found[path.stem] = read_arrays(path) if path.suffix == ".npz" else arrays_in(path, read_bytes(path))
    return found


def arrays_in(path: Path, text: str | bytes) -> dict[str, NDArray[Any]]:
    """The arrays of a JSON text, which stands in the file at `path`."""
    try:
        value = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        raise VectorsError(f"{path} is damaged: it is no JSON") from None
    if not isinstance(value, dict):
        raise VectorsError(f"{path} must be one object, arrays by their names, got a {type(value).__name__}")
    return {name: _array(path, name, entry) for name, entry in value.items()}


def _array(path: Path, name: str, value: Any) -> NDArray[Any]:
    """Nested lists as the array of their form; a list without nesting may be any array's numbers in C order."""
    try:
        array = np.array(_numbers(value))
    except ValueError as error:
        reason = error if str(error).startswith("got ") else "got lists of unequal length"
        raise VectorsError(f"{path}: {name} must be numbers, in a list or in nested ones, {reason}") from None
    return array.view(Flat) if array.ndim == 1 else array


def _integer(text: str) -> int | float:
    """JavaScript writes the number 1e20 in 21 digits: what is longer than an index is a floating number."""
    return int(text) if len(text) < 18 else float(text)


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(entry) for entry in value]
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if isinstance(value, (int, float)):  # Python reads the bare words NaN and Infinity as well
        return value
    raise ValueError(f"got {json.dumps(value)[:40]}: 'NaN', 'Infinity' and '-Infinity' stand for what JSON has not")
