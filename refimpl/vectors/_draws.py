"""Random numbers that are remembered: a port cannot draw NumPy's, and is given what was drawn."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class RecordingGenerator(np.random.Generator):
    """A generator that keeps what it gives, call by call, as (the method's name, the numbers)."""

    def __init__(self, source: int | np.random.Generator) -> None:
        """source: a seed, or a generator, which stays as it is: its copy draws."""
        generator = copy.deepcopy(source) if isinstance(source, np.random.Generator) else np.random.default_rng(source)
        super().__init__(generator.bit_generator)
        self.seed = None if isinstance(source, np.random.Generator) else source
        self.draws: list[tuple[str, NDArray[Any]]] = []
        self._drawing = False


def _recorded(name: str) -> Callable[..., Any]:
    method = getattr(np.random.Generator, name)

    @functools.wraps(method)
    def draw(self: RecordingGenerator, *args: Any, **options: Any) -> Any:
        if self._drawing:  # one method of NumPy's calls another
            return method(self, *args, **options)
        self._drawing = True
        try:
            drawn = method(self, *args, **options)
        finally:
            self._drawing = False
        # A copy: a buffer given as `out` is soon filled again. shuffle returns None and changes its argument.
        self.draws.append((name, np.array(args[0] if drawn is None else drawn)))
        return drawn

    return draw


for _name in dir(np.random.Generator):
    if not _name.startswith("_") and _name not in ("bit_generator", "spawn"):
        setattr(RecordingGenerator, _name, _recorded(_name))
