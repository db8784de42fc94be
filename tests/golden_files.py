"""Golden files: what PyTorch was seen to return, stored with all that it was given.

`load(name)` reads tests/golden/NAME.npz, `save(name, structure)` writes it. A file holds one nested structure of dicts,
lists, tuples, arrays, numbers, strings and None. Its member `structure` is the UTF-8 bytes of a JSON text; an array
stands there as {"$array": [dtype, start, shape]}, its elements in C order from `start` on in the flat member that is
named after the dtype. An array that occurs again is stored once. Reading a file takes npz and JSON, and no pickle.

The file of an op, NAME being the op's:

    op, function, torch                         its name, PyTorch's function, PyTorch's version
    cases.CASE.arguments                        by name, as forward takes them
    cases.CASE.output, .grad_output             grad_output is random, and None at an integer output
    cases.CASE.gradients                        by the argument's name
    cases.CASE.undifferentiated                 argument: why PyTorch gives no gradient of it
    left_out                                    case: why PyTorch cannot evaluate it, or a file not hold it

What the training runs hold is said in torch_runs.py and torch_schedules.py.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np

import refimpl

FOLDER = Path(__file__).parent / "golden"
RUNS = (
    "linear_regression",
    "clip_grad_norm",
    "searches",
    "schedules",
    "averaging",
    "initialisers",
)  # and those in optim/; every other file is an op's


def path_of(name):
    return FOLDER / f"{name}.npz"


def stored():
    """The names of all files there are; that of a file in a folder is FOLDER/NAME."""
    return sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.npz"))


@cache
def load(name):
    """The structure in tests/golden/NAME.npz; its arrays are read-only."""
    members = _members(path_of(name))

    def array(dtype, start, shape):
        found = members[dtype][start : start + math.prod(shape)].reshape(shape)
        found.flags.writeable = False
        return found

    return _decoded(json.loads(members["structure"].tobytes()), array)


def save(name, structure):
    """Write the structure unless the file holds exactly this already; returns whether it was written."""
    path, members = path_of(name), _packed(structure)
    if path.exists():
        before = _members(path)
        if before.keys() == members.keys() and all(_same_bits(before[key], members[key]) for key in members):
            return False
    np.savez_compressed(path, **members)
    return True


def outline(structure):
    """The structure with each array reduced to its dtype and shape: what a golden file must share with a case."""
    return encoded(structure, lambda array: [array.dtype.name, list(array.shape)])


def encoded(value, array):
    """The value as JSON has it, array(a) standing for an array a. What JSON lacks is an object with one `$` key."""
    if isinstance(value, np.ndarray):
        return {"$array": array(value)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return {"$dtype": np.dtype(value).name}
    if isinstance(value, dict) and not any(not isinstance(key, str) or key.startswith("$") for key in value):
        return {key: encoded(entry, array) for key, entry in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [encoded(entry, array) for entry in value]}
    if isinstance(value, list):
        return [encoded(entry, array) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if callable(value) and getattr(refimpl, getattr(value, "__name__", ""), None) is value:
        return {"$function": value.__name__}
    raise TypeError(f"a golden file holds arrays, options and pairs of refimpl, got {value!r}")


def _decoded(value, array):
    if isinstance(value, list):
        return [_decoded(entry, array) for entry in value]
    if not isinstance(value, dict):
        return value
    kind, content = next(iter(value.items()), ("", None))
    special = {
        "$array": lambda: array(*content),
        "$dtype": lambda: np.dtype(content).type,
        "$tuple": lambda: tuple(_decoded(entry, array) for entry in content),
        "$number": lambda: float(content),
        "$function": lambda: getattr(refimpl, content),
    }
    return special[kind]() if kind in special else {key: _decoded(entry, array) for key, entry in value.items()}


def _packed(structure):
    """The members of the file: one flat array per dtype, each distinct array in it once, and the JSON text."""
    flat, sizes, known = {}, {}, {}

    def array(a):
        dtype = a.dtype.name
        contents = (dtype, a.shape, a.tobytes())
        if contents not in known:
            known[contents] = [dtype, sizes.get(dtype, 0), list(a.shape)]
            flat.setdefault(dtype, []).append(a.reshape(-1))
            sizes[dtype] = sizes.get(dtype, 0) + a.size
        return known[contents]

    text = json.dumps(encoded(structure, array), separators=(",", ":"), allow_nan=False)
    members = {dtype: np.concatenate(arrays) for dtype, arrays in sorted(flat.items())}
    return {"structure": np.frombuffer(text.encode(), dtype=np.uint8), **members}


def _members(path):
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _same_bits(a, b):
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()
