"""A student's file, in a process of its own: loaded, its functions called, stopped when the time is over."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from .._structure import leaves
from . import child
from .child import Foreign

__all__ = ["Kept", "Raised", "Remote", "Stopped", "Student"]

POSIX = os.name == "posix"
SHOWN = 10_000  # bytes of what it prints that are kept, for each function
MARK = 32  # bytes that tell where in what it prints one function's part ends
TOGETHER = 100  # calls in one message
ENDING = 1.0  # seconds that a process whose connection is cut has to end by itself
MOST = 256 << 20  # bytes of one answer
KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD,
)
ALONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Raised(Exception):
    """A function of the file raised an exception, or returned what is no plain data; its process goes on."""


class RaisedValueError(Raised, ValueError):
    """The same of a ValueError: a step of the finite differences out of the domain may raise it."""


class Stopped(Exception):
    """The process ended, or was stopped: for its time, or for what it sent."""


class Kept:
    """A cache, which stays in the student's process."""

    def __init__(self, number: int, life: int) -> None:
        self.number, self.life = number, life  # life: of the process that has it
        self.given: Any = None  # what its forward was called with: backward may write to it


class Student:
    """The process of one file. It is started when first needed, and anew after it was stopped."""

    def __init__(self, path: Path, timeout: float, memory: int) -> None:
        """timeout: seconds for each function, and for loading the file. memory: MiB that it may take, 0 for any."""
        self.path, self.timeout, self.memory = path.resolve(), timeout, memory
        self.deadline = time.monotonic()
        self.life = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._dropped: list[int] = []
        self._printed = bytearray()
        self._mark, self._settled = os.urandom(MARK), threading.Event()

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self) -> None:
        """The time of the next function begins; what was printed before it is forgotten. Loads the file if need be."""
        self._settle()
        if self._process is None:
            self.load()
            self._settle()
        self._printed.clear()
        self.deadline = time.monotonic() + self.timeout

    def load(self) -> dict[str, inspect.Signature | None]:
        """The file's functions. Raises Raised where loading it does, and Stopped."""
        self.deadline = time.monotonic() + self.timeout
        self._start()
        functions = self._request({"do": "load", "path": str(self.path)}).get("functions")
        if not isinstance(functions, dict):
            raise self._give_up("what it sent cannot be read")
        return {name: _signature(parameters) for name, parameters in functions.items()}

    def call(
        self, function: str, args: Sequence[Any], options: Mapping[str, Any], keep: bool = False, cache: Any = None
    ) -> tuple[Any, Kept | None, Any]:
        """What the function returns, its cache, and its arguments again if it wrote to any."""
        if self._process is None or (cache is not None and cache.life != self.life):
            raise Stopped("its process was stopped before")
        number = None if cache is None else cache.number
        answer = self._request(
            {"do": "call", "function": function, "args": list(args), "options": dict(options), "keep": keep,
             "cache": number, "drop": self._dropped_now()},
        )  # fmt: skip
        value, kept = self._plain(answer), None
        if keep:
            kept = Kept(int(answer["kept"]), self.life)
            weakref.finalize(kept, self._dropped.append, kept.number)
        return value, kept, answer.get("changed")

    def outputs(self, function: str, calls: Sequence[tuple[Sequence[Any], Mapping[str, Any]]]) -> list[Any]:
        """What the function returns before its last entry, for many arguments; None where it raises a ValueError."""
        found = self._plain(self._request({"do": "outputs", "function": function, "calls": list(calls)}))
        if not isinstance(found, list) or len(found) != len(calls):
            raise self._give_up("what it sent cannot be read")
        return found

    def _plain(self, answer: dict[str, Any]) -> Any:
        if "value" not in answer:
            raise self._give_up("what it sent cannot be read")
        foreign = next((leaf.kind for _, leaf in leaves(answer["value"]) if isinstance(leaf, Foreign)), None)
        if foreign is not None:
            raise Raised(f"returned a {foreign}, which is no array and no number")
        return answer["value"]

    def printed(self) -> str:
        """What the file printed since the last function began, the beginning of it."""
        self._settle()
        return bytes(self._printed[:SHOWN]).decode("utf-8", "replace")

    def stop(self) -> int | None:
        """End the process and all that it started in its session; its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        self._channel.close()
        if POSIX:
            # It may be gone; macOS says the second of one that has just ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
        else:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        status = process.wait()
        self._reader.join(0.2)  # something that left the session may hold the other end for ever
        return status

    def _start(self) -> None:
        self._dropped.clear()
        self.life += 1
        mine, theirs = socket.socketpair()
        self._channel = mine
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-B", child.__file__],
            stdin=theirs.fileno() if POSIX else subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=POSIX, env={**os.environ, **ALONE},
        )  # fmt: skip
        if not POSIX:
            self._share(theirs)
        theirs.close()
        self._reader = threading.Thread(target=self._read_prints, args=(self._process.stdout,), daemon=True)
        self._reader.start()
        self._send({"folder": str(self.path.parent), "memory": self.memory})

    def _share(self, theirs: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        shared = theirs.share(self._process.pid)
        self._process.stdin.write(len(shared).to_bytes(4, "big") + shared)
        self._process.stdin.flush()

    def _read_prints(self, stream: Any) -> None:
        """Reads all of it, so that no print waits for ever, and keeps the beginning."""
        with stream:
            tail = b""
            while chunk := stream.read1(1 << 16):
                tail = tail[-MARK:] + chunk
                self._printed += chunk[: max(0, SHOWN + MARK - len(self._printed))]
                if self._mark in tail:
                    if self._mark in self._printed:
                        del self._printed[self._printed.index(self._mark) :]
                    self._settled.set()

    def _settle(self) -> None:
        """Wait for what the process has printed; a second at most, as a file may have closed its stdout."""
        if self._process is None:
            return
        self._settled.clear()
        self._mark = os.urandom(MARK // 2).hex().encode()
        self.deadline = time.monotonic() + ENDING
        with contextlib.suppress(Raised, Stopped):
            self._request({"do": "mark", "text": self._mark.decode()})
            self._settled.wait(ENDING)

    def _dropped_now(self) -> list[int]:
        dropped, self._dropped[:] = self._dropped[:], []
        return dropped

    def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        answer: Any = None
        try:
            self._send({"number": self._number, **request})
            answer = self._receive()
        except TimeoutError:
            self.stop()
            raise Stopped(f"it was stopped after {self.timeout:g} s") from None
        except (EOFError, OSError):
            assert self._process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(ENDING)  # to know how it ended before it is ended
            raise Stopped(_ended(self.stop())) from None
        except ValueError:
            pass
        if not isinstance(answer, dict) or answer.get("number") != self._number:
            raise self._give_up("what it sent cannot be read")
        if "raised" in answer:
            kind, message, line = answer["raised"], answer.get("message"), answer.get("line")
            place = f" (line {line})" if line is not None else ""
            text = f"raised {kind}: {message}{place}" if kind else str(message)
            raise (RaisedValueError if kind == "ValueError" else Raised)(" ".join(text.split()))
        return answer

    def _give_up(self, why: str) -> Stopped:
        self.stop()
        return Stopped(why)

    def _send(self, message: dict[str, Any]) -> None:
        data = memoryview(child.encode(message))
        while data:
            self._channel.settimeout(self._left())
            data = data[self._channel.send(data) :]

    def _receive(self) -> Any:
        length, text = child.HEAD.unpack(self._exactly(child.HEAD.size))
        if max(length, text) > MOST:
            raise ValueError("a message that is too long")
        return child.decode(self._exactly(length), text)

    def _exactly(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            self._channel.settimeout(self._left())
            chunk = self._channel.recv(min(count - len(found), 1 << 20))
            if not chunk:
                raise EOFError
            found += chunk
        return bytes(found)

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Remote:
    """A function of the student's, as a function: the checker calls it as it calls any other."""

    def __init__(
        self, student: Student, name: str, signature: inspect.Signature, keep: bool = False, course: bool = False
    ) -> None:
        """keep: it returns (output, cache). course: a dict is not written to here, and grad_outputs are arguments."""
        self.student, self.__name__, self.__signature__ = student, name, signature
        self.keep, self.course = keep, course

    def __call__(self, *args: Any, **options: Any) -> Any:
        """What it returns; with keep (output, cache). What it writes to is written to here as well."""
        cache = args[-1] if args and isinstance(args[-1], Kept) else None
        given = args if cache is None else args[:-1]
        if self.course and cache is not None and isinstance(given[0], tuple):
            given = given[0]
        value, kept, changed = self.student.call(self.__name__, given, options, self.keep, cache)
        if kept is not None:
            kept.given = (given, options)
        if changed is not None:
            _write((given, options, cache.given if cache is not None else None), changed, not self.course)
        return (value, kept) if self.keep else value

    def many(self, calls: Iterable[inspect.BoundArguments]) -> Iterator[Any]:
        """The outputs of many calls, in few messages: a message takes far longer than a call."""
        calls = iter(calls)
        while together := [(bound.args, bound.kwargs) for bound in islice(calls, TOGETHER)]:
            yield from self.student.outputs(self.__name__, together)


def _write(ours: Any, theirs: Any, dicts: bool) -> None:
    """What was written to the copies, written to the arguments themselves, as far as the form is the same."""
    if isinstance(ours, np.ndarray):
        if isinstance(theirs, np.ndarray) and theirs.shape == ours.shape and ours.flags.writeable:
            np.copyto(ours, theirs, casting="unsafe")
    elif isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in theirs.items():
            if isinstance(ours.get(key), (np.ndarray, dict, list, tuple)) and type(value) is type(ours[key]):
                _write(ours[key], value, dicts)
            elif dicts:
                ours[key] = value
    elif isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        for mine, other in zip(ours, theirs, strict=False):
            _write(mine, other, dicts)


def _signature(parameters: Any) -> inspect.Signature | None:
    """None where the file's own function has none that can be told."""
    if not isinstance(parameters, list):
        return None
    try:
        return inspect.Signature(
            [
                inspect.Parameter(
                    str(name),
                    KINDS[kind],
                    default=inspect.Parameter.empty if not has else None if isinstance(default, Foreign) else default,
                )
                for name, kind, has, default in parameters
            ]
        )
    except (TypeError, ValueError, IndexError):
        return None


def _ended(status: int | None) -> str:
    if status is None or status >= 0:
        return f"it ended its process, with exit status {status}"
    if -status == signal.SIGKILL:
        return "its process was killed, or cut its connection"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    return f"its process crashed ({name})"
