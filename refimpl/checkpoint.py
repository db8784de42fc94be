"""Checkpoints: parameters, an optimiser's state and the step in one .npz file, without pickle.

A file is an archive of arrays that numpy.load reads. Its member `structure` is the UTF-8 text of a JSON object with
`format`, `version`, `parameters`, `state`, `step` and `rng`, in which

    {"$array": name}            stands for the array in the member of that name
    {"$scalar": name}           for the NumPy number in it
    {"$tuple": [...]}           for a tuple
    {"$named": [kind, {...}]}   for a named tuple of refimpl.optim, by its fields
    {"$dict": [[key, ...], ...]}  for a dict whose keys JSON cannot have
    {"$number": "nan"}          for nan, inf and -inf
"""

from __future__ import annotations

import json
import math
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from . import _validate, optim

__all__ = ["Checkpoint", "load_checkpoint", "save_checkpoint"]

FORMAT, VERSION = "refimpl checkpoint", 1
GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


class Checkpoint(NamedTuple):
    parameters: Any
    state: Any
    step: int
    rng: np.random.Generator | None


def save_checkpoint(
    path: str | os.PathLike[str],
    parameters: Any,
    state: Any = None,
    step: int = 0,
    *,
    rng: np.random.Generator | None = None,
) -> None:
    """Write parameters, state, step and the state of a random generator to one file.

    Parameters and state are any structure of dicts, lists, tuples and the states of refimpl.optim, whose leaves are
    arrays, numbers, strings, True, False and None: several states at once are a dict of them. The arrays keep their
    dtype and every bit.

    The file is written under another name in the same folder and takes the name of the old one when it is whole and on
    the disk. If anything fails before, the old file stays as it was, and what was begun is removed.

    Raises: TypeError where the structure holds anything else, by the path to it; ValueError where step is below 0.
    """
    op = "save_checkpoint"
    step = _validate.integer(op, "step", step)
    if step < 0:
        raise ValueError(f"{op}: step must be at least 0, got {step}")
    members: dict[str, Any] = {}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "parameters": _encoded(parameters, "parameters", members),
        "state": _encoded(state, "state", members),
        "step": step,
        "rng": None if rng is None else _encoded(_generator_state(op, rng), "rng", members),
    }
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    members["structure"] = np.frombuffer(text.encode(), dtype=np.uint8)
    with _replacing(Path(path)) as file:
        np.savez(file, **members)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """What save_checkpoint wrote: parameters, state, step and rng, a new generator that goes on where it stood.

    Everything is read and checked before anything is returned. Nothing in the file is run: it holds arrays and JSON.

    Raises: OSError where the file cannot be opened; ValueError with its name where it is no checkpoint, is cut short or
        damaged, or of a version that this one does not know.
    """
    with open(path, "rb") as file:
        try:
            return _loaded(file)
        except MemoryError:
            raise
        except Exception as error:  # of zipfile, zlib, NumPy, json and the decoding: whatever damage comes to
            reason = f"no {error}" if isinstance(error, KeyError) else str(error) or type(error).__name__
            raise ValueError(
                f"load_checkpoint: {os.fspath(path)} must be a whole file that save_checkpoint wrote, got {reason}"
            ) from error


def _loaded(file: IO[bytes]) -> Checkpoint:
    members = _members(file)
    content = json.loads(members["structure"].tobytes().decode())
    if content["format"] != FORMAT:
        raise ValueError(f"the format {content['format']!r}")
    if content["version"] != VERSION:
        raise ValueError(f"version {content['version']!r} where {VERSION} is known")
    parameters, state, rng = (_decoded(content[part], members) for part in ("parameters", "state", "rng"))
    return Checkpoint(parameters, state, content["step"], None if rng is None else _generator(rng))


def _encoded(value: Any, path: str, members: dict[str, Any]) -> Any:
    """The value as JSON has it; its arrays go to members."""
    if isinstance(value, (np.ndarray, np.generic)):
        return _encoded_array(value, path, members)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$number": repr(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        kind = type(value).__name__
        if getattr(optim, kind, None) is not type(value):
            raise TypeError(f"save_checkpoint: {path} must be a state of refimpl.optim or a plain tuple, got {kind}")
        fields = zip(value._fields, value, strict=True)
        return {"$named": [kind, {name: _encoded(entry, f"{path}.{name}", members) for name, entry in fields}]}
    if isinstance(value, (tuple, list)):
        entries = [_encoded(entry, f"{path}[{i}]", members) for i, entry in enumerate(value)]
        return {"$tuple": entries} if isinstance(value, tuple) else entries
    if isinstance(value, Mapping):
        return _encoded_mapping(value, path, members)
    raise TypeError(
        f"save_checkpoint: {path} must be a structure of arrays, numbers, strings and None, got {type(value).__name__}"
    )


def _encoded_array(value: Any, path: str, members: dict[str, Any]) -> dict[str, str]:
    if value.dtype.hasobject or isinstance(value, np.ma.MaskedArray):
        kind = "a masked array" if isinstance(value, np.ma.MaskedArray) else f"dtype {value.dtype}"
        raise TypeError(f"save_checkpoint: {path} must be a plain array of numbers, got {kind}")
    name = f"array_{len(members)}"
    members[name] = np.asarray(value)
    return {"$array" if isinstance(value, np.ndarray) else "$scalar": name}


def _encoded_mapping(value: Mapping[Any, Any], path: str, members: dict[str, Any]) -> dict[str, Any]:
    entries = {key: _encoded(entry, f"{path}.{key}", members) for key, entry in value.items()}
    if all(type(key) is str and not key.startswith("$") for key in entries):
        return entries
    return {"$dict": [[_encoded(key, f"the key {key!r} of {path}", members), entry] for key, entry in entries.items()]}


def _decoded(value: Any, members: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_decoded(entry, members) for entry in value]
    if not isinstance(value, dict):
        return value
    kind: str = next(iter(value), "")
    if not kind.startswith("$"):
        return {key: _decoded(entry, members) for key, entry in value.items()}
    content = value[kind]
    if kind == "$array":
        return members[content]
    if kind == "$scalar":
        return members[content][()]
    if kind == "$tuple":
        return tuple(_decoded(entry, members) for entry in content)
    if kind == "$dict":
        return {_decoded(key, members): _decoded(entry, members) for key, entry in content}
    if kind == "$number":
        return float(content)
    if kind == "$named":
        return _named(content[0], {name: _decoded(entry, members) for name, entry in content[1].items()})
    raise ValueError(f"an entry {kind}")


def _named(kind: str, fields: dict[str, Any]) -> Any:
    found = getattr(optim, kind, None)
    if not (isinstance(found, type) and issubclass(found, tuple) and hasattr(found, "_fields")):
        raise ValueError(f"a state {kind}, which refimpl.optim does not have")
    if set(found._fields) != set(fields):
        raise ValueError(f"a state {kind} of {', '.join(fields)} where this version has {', '.join(found._fields)}")
    return found(**fields)


def _generator_state(op: str, rng: Any) -> Mapping[str, Any]:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{op}: rng must be a numpy.random.Generator, got {type(rng).__name__}")
    state = rng.bit_generator.state
    if state["bit_generator"] not in GENERATORS:
        raise TypeError(f"{op}: rng must have one of NumPy's bit generators, got {state['bit_generator']}")
    return state


def _generator(state: Mapping[str, Any]) -> np.random.Generator:
    if state["bit_generator"] not in GENERATORS:
        raise ValueError(f"the bit generator {state['bit_generator']!r}")
    bit_generator = getattr(np.random, state["bit_generator"])(0)
    bit_generator.state = state
    return np.random.Generator(bit_generator)


def _members(file: IO[bytes]) -> dict[str, Any]:
    """All arrays of the file, each checked against its sum."""
    if not zipfile.is_zipfile(file):
        raise ValueError("no archive, or one that is cut short")
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()  # to the end of each member, where its sum is: NumPy reads as far as a shape says
    if damaged is not None:
        raise ValueError(f"a damaged member {damaged}")
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes the place of that at `path` once it is whole, or is removed."""
    path = Path(os.path.realpath(path))  # what a symbolic link points to is replaced, not the link
    begun = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(begun, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(begun, path)
    except BaseException:
        begun.unlink(missing_ok=True)
        raise
    with suppress(OSError):  # the new name is on the disk with its folder, where a folder can be opened at all
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
