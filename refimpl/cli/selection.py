"""Names and patterns from the command line to rows of the catalog."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ..catalog import OPS, Op
from ..userfile import UserFileError, UserPair, is_source, load_pairs

GLOB = "*?[]"
NEAREST = 3
ALL = "refimpl list has all"


class UnknownName(Exception):
    """A name that no op has, or a pattern that none matches."""


def divide(arguments: Sequence[str]) -> tuple[list[Op], list[UserPair]]:
    """The ops and the pairs of files and modules that the arguments name; without an argument all ops."""
    patterns = [text for text in arguments if not is_source(text)]
    ops = select(patterns) if patterns or not arguments else []
    return ops, [pair for text in dict.fromkeys(arguments) if is_source(text) for pair in _pairs(text)]


def _pairs(source: str) -> tuple[UserPair, ...]:
    """People write torch.nn.functional.relu as well: what is no module may be meant as an op."""
    try:
        return load_pairs(source)
    except UserFileError as error:
        name = source.rpartition(".")[2].removesuffix("_forward").removesuffix("_backward")
        if name in OPS:
            raise UserFileError(f"{error}; the op is called {name}") from None
        raise


def select(patterns: Sequence[str]) -> list[Op]:
    """The ops that any of the patterns matches, in the catalog's order; without a pattern all."""
    return [OPS[name] for name in matching(patterns, list(OPS))]


def matching(patterns: Sequence[str], names: Sequence[str], where: str = ALL) -> list[str]:
    """Those of the names that any of the patterns matches; without a pattern all. `where` says what has them all."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            verb = "matches" if any(sign in pattern for sign in GLOB) else "is called"
            raise UnknownName(_unknown(verb, pattern, names, where))
    return [name for name in names if not patterns or any(fnmatchcase(name, p) for p in patterns)]


def find(name: str) -> Op:
    """The op of this name."""
    if name not in OPS:
        raise UnknownName(_unknown("is called", name, list(OPS), ALL))
    return OPS[name]


def _unknown(verb: str, name: str, names: Sequence[str], where: str) -> str:
    # People write torch.nn.functional.relu, relu_forward or CrossEntropyLoss as well.
    word = name.lower().rpartition(".")[2].removesuffix("_forward").removesuffix("_backward").strip(GLOB)
    nearest = difflib.get_close_matches(word, names, n=NEAREST, cutoff=0.5)
    meant = f"; the file is {name}.py" if os.path.isfile(f"{name}.py") else ""
    return f"no op {verb} {name!r}{'; nearest: ' if nearest else ''}{', '.join(nearest)} ({where}){meant}"
