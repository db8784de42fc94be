"""Nested values as JSON has them; what it lacks is an object with a key that begins with `$`, as schema.json says."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._draws import RecordingGenerator


class Reference(NamedTuple):
    """Where an array stands, and what it is."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Encoder:
    """Encodes values and collects the arrays in them, by names that tell their places."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.arrays: dict[str, NDArray[Any]] = {}

    def encode(self, value: Any, path: str) -> Any:
        """path: where the value stands; an array in it is called by `prefix` and its path: ``weights.bias[0]``."""
        if isinstance(value, (np.ndarray, np.floating)):
            return self._array(np.asarray(value, order="C"), path)
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, RecordingGenerator):
            draws = [
                {"method": method, "values": self.encode(values, f"{path}.draws[{i}]")}
                for i, (method, values) in enumerate(value.draws)
            ]
            return {"$rng": value.seed, "draws": draws}
        if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
            return {"$dtype": np.dtype(value).name}
        if isinstance(value, float) and not math.isfinite(value):
            return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, (Mapping, list, tuple)):
            return self._structure(value, path)
        if callable(value) and hasattr(value, "__name__"):
            says = (inspect.getdoc(value) or "").partition("\n")[0]
            return {"$function": value.__name__, "module": getattr(value, "__module__", ""), "says": says}
        raise TypeError(f"vectors hold arrays, numbers, strings and structures of them, got {value!r} at {path}")

    def _structure(self, value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            if any(not isinstance(key, str) or key.startswith("$") for key in value):
                raise TypeError(f"vectors hold dicts whose keys are names, got {list(value)} at {path}")
            return {key: self.encode(entry, f"{path}.{key}") for key, entry in value.items()}
        entries = [self.encode(entry, f"{path}[{i}]") for i, entry in enumerate(value)]
        if hasattr(value, "_fields"):
            return {"$tuple": entries, "names": list(value._fields)}
        return entries if isinstance(value, list) else {"$tuple": entries}

    def _array(self, array: NDArray[Any], path: str) -> dict[str, Any]:
        if array.dtype.kind not in "biuf":
            raise TypeError(f"vectors hold arrays of numbers, got dtype {array.dtype} at {path}")
        name = self.prefix + path
        if name in self.arrays:
            raise ValueError(f"vectors hold each array under a name of its own, got two at {path}")
        self.arrays[name] = array.astype(array.dtype.newbyteorder("<"), copy=False)
        return {"$array": name, "dtype": array.dtype.name, "shape": list(array.shape)}


def references(value: Any) -> Iterator[Reference]:
    """The arrays that an encoded value names, in order."""
    if isinstance(value, list):
        for entry in value:
            yield from references(entry)
    elif isinstance(value, dict):
        if "$array" in value:
            yield Reference(value["$array"], value["dtype"], tuple(value["shape"]))
        else:
            for entry in value.values():
                yield from references(entry)
