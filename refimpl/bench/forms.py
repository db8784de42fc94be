"""What the forms of the ops save: each beside the plain one, by turns. `python -m refimpl.bench.forms` prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .._blocks import elementwise
from .._numerics import above_zero, choose
from .._sampling import channel_rows
from .._validate import Array
from .method import Ratio, in_turn, pinned, ratio
from .row import Work

SINGLE = np.dtype(np.float32)


class Form(NamedTuple):
    name: str
    draw: Callable[[np.random.Generator, int], tuple[Any, ...]]
    size: int
    plain: Callable[..., Any]
    used: Callable[..., Any]

    def contenders(self, size: int) -> dict[str, Work]:
        drawn = self.draw(np.random.default_rng(0), size)
        return {"plain": lambda: self.plain(*drawn), "used": lambda: self.used(*drawn)}


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return np.asarray(rng.standard_normal(shape, SINGLE))


def _several_steps(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return x * e / (1 + e) + np.tanh(x) * (1 - e)


def _windows(n: int, bins: int) -> Array:
    """A row of 0 and 1 for each of the windows that adaptive pooling cuts an axis of n into."""
    start, end = np.arange(bins) * n // bins, -(-np.arange(1, bins + 1) * n // bins)
    places = np.arange(n)
    return ((places >= start[:, None]) & (places < end[:, None])).astype(SINGLE)


def _window_sums(x: Array, bins: int) -> Array:
    bounds = [(i * x.shape[-1] // bins, -(-(i + 1) * x.shape[-1] // bins)) for i in range(bins)]
    return np.stack([x[..., start:end].sum(axis=-1) for start, end in bounds], axis=-1)


def _added_at(index: Any, g: Array, rows: int) -> Array:
    out = np.zeros((rows, g.shape[1]), SINGLE)
    np.add.at(out, index, g)
    return out


def _added_by_product(index: Any, g: Array, rows: int) -> Any:
    ones = np.ones(len(index), SINGLE)
    return csr_array((ones, index, np.arange(len(index) + 1)), shape=(len(index), rows)).T @ g


FORMS = (
    Form("np.where, a choice by bits", lambda rng, n: (rng.random(n) < 0.5, _normal(rng, n), _normal(rng, n)), 2**16,
         np.where, choose),
    Form("np.maximum, np.clip", lambda rng, n: (_normal(rng, n),), 2**16, lambda x: np.maximum(x, 0), above_zero),
    Form("x**3, x * x * x", lambda rng, n: (_normal(rng, n),), 2**16, lambda x: x**3, lambda x: x * x * x),
    Form("whole arrays, blocks", lambda rng, n: (_normal(rng, n),), 2**22, _several_steps,
         lambda x: elementwise(_several_steps, x, dtype=SINGLE)),
    Form("rows 4096 apart, 4112 apart", lambda rng, n: (_normal(rng, n, 64, 64),), 64,
         lambda x: np.ascontiguousarray(x.reshape(len(x), -1).T), lambda x: channel_rows(x, SINGLE)),
    Form("sums of slices, a product with 0 and 1", lambda rng, n: (_normal(rng, n, 56),), 2**15,
         lambda x: _window_sums(x, 7), lambda x: x @ _windows(56, 7).T),
    Form("a product per step, one for all", lambda rng, n: (_normal(rng, 64, 32, n), _normal(rng, n, 4 * n)), 256,
         lambda x, w: np.stack([x_t @ w for x_t in x]), lambda x, w: (x.reshape(-1, len(w)) @ w).reshape(64, 32, -1)),
    Form("np.add.at, a sparse product", lambda rng, n: (rng.integers(0, 1000, n), _normal(rng, n, 128), 1000), 2**12,
         _added_at, _added_by_product),
)  # fmt: skip


def measure_form(form: Form, seconds: float = 1.0) -> Ratio:
    """The plain form's time as a multiple of that of the one that is used."""
    with pinned(1):
        times = in_turn(form.contenders(form.size), seconds)
    return ratio(times["plain"], times["used"])


def main() -> None:
    for form in FORMS:
        low, median, high = measure_form(form)
        print(f"{form.name:40} {median:6.2f} [{low:.2f}, {high:.2f}]", flush=True)


if __name__ == "__main__":
    main()
