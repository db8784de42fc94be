"""A folder of vectors on the disc: written whole or not at all, and believed only if it is whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _schema
from ._encoding import Reference, references

FORMAT, VERSION = "refimpl vectors", 1
INDEX, RESULTS = "index.json", "results"
PRECISIONS = ("float64", "float32")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can tell: the bytes must not depend on the hour
READABLE = 0o644 << 16


class VectorsError(Exception):
    """A folder or a file that is missing, damaged, of another version, or in the way."""


# Writing


@contextmanager
def whole_folder(directory: Path) -> Iterator[Path]:
    """A folder to fill, which takes `directory`'s place if the block ends well, and is removed if not.

    An earlier export there is replaced, and its results stay. Anything else but an empty folder is in the way.
    """
    directory = Path(os.path.realpath(directory))
    _refuse_what_is_in_the_way(directory)
    new, old = (directory.with_name(f".{directory.name}.{os.getpid()}.{word}") for word in ("new", "old"))
    try:
        new.mkdir()
    except OSError as error:
        raise VectorsError(f"{directory.parent} cannot be written to: {error.strerror}") from None
    try:
        yield new
        if directory.exists():
            if (directory / RESULTS).exists():
                shutil.copytree(directory / RESULTS, new / RESULTS)
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            if old.exists():
                old.rename(directory)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _refuse_what_is_in_the_way(directory: Path) -> None:
    if not directory.parent.is_dir():
        raise VectorsError(f"{directory.parent} is no folder to make {directory.name} in")
    if Path.cwd().is_relative_to(directory):
        raise VectorsError(f"{directory} cannot be replaced while the command runs in it: name another")
    if not directory.exists():
        return
    if not directory.is_dir():
        raise VectorsError(f"{directory} is there already, and is no folder")
    names = sorted(path.name for path in directory.iterdir())
    if not names:
        return
    try:
        ours = {INDEX, _schema.NAME, RESULTS, *(op["file"] for op in _index(directory)["ops"])}
    except VectorsError:
        raise VectorsError(
            f"{directory} is there already, is not empty and is no export that could be replaced"
        ) from None
    foreign = [name for name in names if name not in ours]
    if foreign:
        raise VectorsError(f"{directory} holds {foreign[0]}, which no export wrote: move it away, or export elsewhere")


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write an .npz file whose bytes depend on the arrays alone; return their SHA-256.

    Uncompressed: what a compressor writes depends on its version, and a reader without one is a page long.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as file:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            member.create_system, member.external_attr = 3, READABLE  # as on Unix, wherever it is written
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            file.writestr(member, content.getvalue())
    path.write_bytes(written.getvalue())
    return hashlib.sha256(written.getvalue()).hexdigest()


def write_index(directory: Path, index: Mapping[str, Any]) -> None:
    """index.json, a line for each case, and the schema beside it."""
    ops = []
    for op in index["ops"]:
        head = json.dumps({key: value for key, value in op.items() if key != "cases"})
        cases = ",\n".join(json.dumps(case, allow_nan=False) for case in op["cases"])
        ops.append(f'{head[:-1]}, "cases": [\n{cases}\n]}}')
    head = json.dumps({key: value for key, value in index.items() if key != "ops"})
    text = f'{head[:-1]}, "ops": [\n' + ",\n".join(ops) + "\n]}\n"
    (directory / INDEX).write_text(text, encoding="utf-8", newline="\n")
    (directory / _schema.NAME).write_text(_schema.text(), encoding="utf-8", newline="\n")


# Reading


def read_index(directory: Path) -> dict[str, Any]:
    """The index of a folder that is whole: of this version, in the form of the schema, each file as it was written."""
    index = _index(directory)
    for op in index["ops"]:
        path = directory / op["file"]
        if hashlib.sha256(read_bytes(path)).hexdigest() != op["sha256"]:
            raise VectorsError(f"{path} is damaged: it is not the file that {INDEX} was written with")
    return index


def _index(directory: Path) -> dict[str, Any]:
    if not directory.is_dir():
        raise VectorsError(f"{directory} is no folder: `refimpl export {directory}` makes one")
    path = directory / INDEX
    if not path.exists():
        raise VectorsError(f"{directory} is no folder of vectors: it has no {INDEX}")
    try:
        index = json.loads(read_bytes(path))
    except ValueError:
        raise VectorsError(f"{path} is damaged: it is no JSON") from None
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise VectorsError(f"{path} is no index of refimpl's vectors")
    if index.get("version") != VERSION:
        raise VectorsError(
            f"{path} has version {index.get('version')!r} of the form, and this refimpl reads version {VERSION}: "
            "export anew into another folder, or verify this one with the refimpl that made it"
        )
    problem = _schema.violation(index)
    if problem:
        raise VectorsError(f"{path} is damaged: {problem}")
    return index


def expected_arrays(directory: Path, op: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The op's arrays, each of them as the index tells it."""
    path = directory / op["file"]
    arrays = read_arrays(path)
    for reference in references(op["cases"]):
        array = arrays.get(reference.name)
        if array is None or Reference(reference.name, array.dtype.name, array.shape) != reference:
            raise VectorsError(f"{path} is damaged: it does not hold {reference.name} as {INDEX} has it")
    return arrays


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file, by whomever it was written."""
    content = io.BytesIO(read_bytes(path))
    try:
        with np.load(content, allow_pickle=False) as file:
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {name: file[name] for name in file.files}
    except Exception as error:  # NumPy, zipfile and zlib raise a dozen kinds, none of which is a fault of ours
        raise VectorsError(f"{path} is damaged: it is no .npz file of arrays ({_line(error)})") from None


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise VectorsError(f"{path} is missing") from None
    except OSError as error:
        raise VectorsError(f"{path} cannot be read: {error.strerror}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
