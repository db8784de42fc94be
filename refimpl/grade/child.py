"""The process that a student's file runs in: it calls the file's functions on request and sends back plain data.

Run as a script, by its path, so that it does without the rest of the package: the reference is not there to be called.
A message is a tree of None, numbers, texts, tuples, lists, dicts and arrays: a JSON text with the arrays' bytes behind
it. Nothing is pickled, so what comes back can be nothing but data, whatever the file did to this process.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import json
import math
import os
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

HEAD = struct.Struct(">QQ")  # the lengths of a whole message and of the JSON text in it
SCALARS = (bool, int, float, str)
KINDS = "biufc"  # of dtypes: what is only numbers


class Foreign:
    """In the place of what is no plain data: the name of its type."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def encode(value: Any) -> bytes:
    """A whole message. An object of another type goes as the name of its type."""
    arrays: list[bytes] = []
    text = json.dumps(_tree(value, arrays)).encode()
    body = b"".join([text, *arrays])
    return HEAD.pack(len(body), len(text)) + body


def _tree(value: Any, arrays: list[bytes]) -> Any:
    kind = type(value)
    if value is None or kind in SCALARS:
        return value
    if kind in (tuple, list):
        return {kind.__name__: [_tree(entry, arrays) for entry in value]}
    if isinstance(value, dict) and all(type(key) is str for key in value):
        return {"dict": [[key, _tree(entry, arrays)] for key, entry in value.items()]}
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in KINDS:
        arrays.append(value.tobytes())
        return {"array" if isinstance(value, np.ndarray) else "number": [value.dtype.str, list(value.shape)]}
    if kind is type and issubclass(value, np.generic):
        return {"dtype": value.__name__}
    if isinstance(value, tuple):
        return {"tuple": [_tree(entry, arrays) for entry in value]}
    return {"foreign": f"{kind.__name__} of objects" if isinstance(value, np.ndarray) else kind.__name__}


def decode(body: bytes, length: int) -> Any:
    """What encode was given, from the message behind its head; `length` is that of the JSON text.

    Raises ValueError where it is damaged.
    """
    try:
        value, end = _value(json.loads(body[:length]), body, length)
    except (LookupError, TypeError, AttributeError, OverflowError, RecursionError, MemoryError) as error:
        raise ValueError(f"the message is damaged: {error}") from None
    if end != len(body):
        raise ValueError("the message is damaged: it is too long")
    return value


def _value(tree: Any, body: bytes, at: int) -> tuple[Any, int]:
    """The value of a tree whose arrays begin at `at`, and where they end."""
    if tree is None or isinstance(tree, SCALARS):
        return tree, at
    ((kind, content),) = tree.items()
    if kind in ("tuple", "list"):
        entries = []
        for entry in content:
            value, at = _value(entry, body, at)
            entries.append(value)
        return (tuple(entries) if kind == "tuple" else entries), at
    if kind == "dict":
        named = {}
        for key, entry in content:
            named[str(key)], at = _value(entry, body, at)
        return named, at
    if kind in ("array", "number"):
        return _array(content, body, at, kind)
    if kind == "dtype":
        return np.dtype(content).type, at
    return Foreign(str(content)), at


def _array(content: Any, body: bytes, at: int, kind: str) -> tuple[Any, int]:
    dtype, shape = np.dtype(str(content[0])), tuple(map(int, content[1]))
    end = at + dtype.itemsize * math.prod(shape)
    if dtype.kind not in KINDS or min(shape, default=0) < 0 or end > len(body):
        raise ValueError("the message is damaged: an array that does not fit")
    array = np.frombuffer(bytearray(body[at:end]), dtype) if end > at else np.zeros(0, dtype)
    array = array.reshape(shape)
    return (array[()] if kind == "number" else array), end


def receive(channel: socket.socket) -> tuple[bytes, int]:
    """A message's body and the length of its JSON text. Raises EOFError where the other side is gone."""
    length, text = HEAD.unpack(_exactly(channel, HEAD.size))
    return _exactly(channel, length), text


def _exactly(channel: socket.socket, count: int) -> bytes:
    found = bytearray()
    while len(found) < count:
        chunk = channel.recv(min(count - len(found), 1 << 20))
        if not chunk:
            raise EOFError
        found += chunk
    return bytes(found)


class _Server:
    """The file, loaded, and the caches that its forwards returned: they stay here, whatever they are."""

    def __init__(self) -> None:
        self.module = ModuleType("")
        self.kept: dict[int, tuple[Any, Any]] = {}
        self.count = 0

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        for key in request.pop("drop", ()):
            self.kept.pop(key, None)
        try:
            return getattr(self, request.pop("do"))(**request)
        except BaseException as error:  # also SystemExit: a function may raise anything
            return {"raised": type(error).__name__, "message": str(error)[:1000], "line": _line(error, self.module)}

    def load(self, path: str) -> dict[str, Any]:
        """The module's public functions, each with what its signature is made of."""
        name = Path(path).stem
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        self.module = importlib.util.module_from_spec(spec)
        sys.modules[name] = self.module
        exec(compile(Path(path).read_bytes(), path, "exec"), vars(self.module))
        found = {key: value for key, value in vars(self.module).items() if not key.startswith("_") and callable(value)}
        return {"functions": {key: _parameters(value) for key, value in found.items()}}

    def call(
        self, function: str, args: list[Any], options: dict[str, Any], keep: bool, cache: int | None
    ) -> dict[str, Any]:
        """function(*args, **options), with a cache that was kept as the last of args.

        keep: the last entry of what it returns is a cache, and stays here under a number.
        The answer has the arguments again if any is not what it was, those of the forward with its cache included.
        """
        value = getattr(self.module, function)
        known = () if cache is None else self.kept[cache]
        earlier = known[0] if known else None
        before = encode((args, options, earlier))
        result = value(*args, *known[1:], **options)
        answer: dict[str, Any] = {}
        if keep:
            if not isinstance(result, (tuple, list)) or len(result) < 2:
                return {"raised": "", "message": f"must return (output, cache), got {_named(result)}", "line": None}
            self.count += 1
            self.kept[self.count] = ((args, options), result[-1])
            answer["kept"] = self.count
            result = result[0] if len(result) == 2 else tuple(result[:-1])
        answer["value"] = result
        if encode((args, options, earlier)) != before:
            answer["changed"] = (args, options, earlier)
        return answer

    def mark(self, text: str) -> dict[str, Any]:
        """Print a mark: what was printed before it is there when the mark is."""
        os.write(1, text.encode())
        return {"value": None}

    def outputs(self, function: str, calls: list[tuple[list[Any], dict[str, Any]]]) -> dict[str, Any]:
        """The first entry of what the function returns, for many arguments; None where it raises a ValueError."""
        found: list[Any] = []
        for args, options in calls:
            try:
                result = getattr(self.module, function)(*args, **options)
            except ValueError:
                found.append(None)
                continue
            found.append(result[0] if len(result) == 2 else tuple(result[:-1]))
        return {"value": found}


def _named(value: Any) -> str:
    return f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (tuple, list)) else "")


def _line(error: BaseException, module: ModuleType) -> int | None:
    """The last line of the file that the exception went through."""
    path = getattr(module, "__file__", None)
    if isinstance(error, SyntaxError) and error.filename == path:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return lines[-1] if lines else None


def _parameters(function: Callable[..., Any]) -> list[Any] | None:
    """(name, kind, whether it has a default, the default) of each; None where there is no telling."""
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, int(p.kind), p.default is not p.empty, None if p.default is p.empty else p.default) for p in found]


class _WithoutReference:
    """Refuses to import the reference: a file that calls it would be graded against itself."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] == "refimpl":
            raise ImportError("a file that is graded must do without refimpl, the reference")
        return None


def _confine(limits: Mapping[str, Any]) -> None:
    """Memory limited and no core files, where the system can; and where it can, no life after the grader's."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits["memory"]:
        most = limits["memory"] << 20
        with contextlib.suppress(ValueError, OSError):  # macOS takes none below what is in use
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _channel() -> socket.socket:
    """The parent's socket, moved away from stdin, which is then empty: a file that reads it finds its end."""
    if sys.platform == "win32":
        length = int.from_bytes(sys.stdin.buffer.read(4), "big")
        channel = socket.fromshare(sys.stdin.buffer.read(length))
    else:
        channel = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return channel


def main() -> None:
    """Answer requests until the parent closes the channel."""
    channel, server, owner = _channel(), _Server(), os.getpid()
    first = decode(*receive(channel))
    sys.path[0] = first["folder"]
    sys.meta_path.insert(0, _WithoutReference())
    _confine(first)
    while True:
        try:
            request = decode(*receive(channel))
        except EOFError:
            return
        number = request.pop("number")
        answer = server.answer(request)
        if os.getpid() != owner:  # a copy that the file made of this process, which came back from the call as well
            os._exit(0)
        try:
            message = encode({"number": number, **answer})
        except BaseException as error:
            failure = {"raised": type(error).__name__, "message": f"{error}, in what it returned", "line": None}
            message = encode({"number": number, **failure})
        channel.sendall(message)


if __name__ == "__main__":
    main()
