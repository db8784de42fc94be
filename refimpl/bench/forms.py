"""What the forms of the ops save: each beside the plain one, by turns. `python -m refimpl.bench.forms` prints it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special
from scipy.sparse import csr_array

from .. import layers
from .._blocks import elementwise, rowwise
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


def _softmax(x: Array) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _layer_norm(x: Array) -> Any:
    d = x - x.mean(axis=-1, keepdims=True)
    return d / np.sqrt((d * d).mean(axis=-1, keepdims=True) + SINGLE.type(1e-5))


def _blocked(formula: Callable[[Array], Any]) -> Callable[[Array], Array]:
    """The plain formula with the same walk in blocks, so that what differs are the digits."""
    return lambda x: rowwise(formula, x, axis=1, dtype=SINGLE)


# The plain formula in float32 beside the pair's forward, which has more of its digits.
DIGITS = (
    Form("softmax", lambda rng, n: (_normal(rng, n, 1024),), 4096, _blocked(_softmax),
         lambda x: layers.softmax_forward(x, -1)[0]),
    Form("layer_norm", lambda rng, n: (_normal(rng, n, 768),), 4096, _blocked(_layer_norm),
         lambda x: layers.layer_norm_forward(x, (768,))[0]),
    Form("sigmoid", lambda rng, n: (_normal(rng, n, 1024),), 2048, _blocked(lambda x: 1 / (1 + np.exp(-x))),
         lambda x: layers.sigmoid_forward(x)[0]),
    Form("softplus", lambda rng, n: (_normal(rng, n, 1024),), 2048,
         _blocked(lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))), lambda x: layers.softplus_forward(x)[0]),
    Form("gelu", lambda rng, n: (_normal(rng, n, 1024),), 2048, _blocked(lambda x: x * special.ndtr(x)),
         lambda x: layers.gelu_forward(x)[0]),
)  # fmt: skip


def measure_form(form: Form, seconds: float = 1.0) -> Ratio:
    """The plain form's time as a multiple of that of the one that is used."""
    with pinned(1):
        times = in_turn(form.contenders(form.size), seconds)
    return ratio(times["plain"], times["used"])


def main() -> None:
    for heading, forms in (("a plain form, the one used: how often faster", FORMS), ("plain float32 of ours", DIGITS)):
        print(heading)
        for form in forms:
            low, median, high = measure_form(form)
            print(f"{form.name:40} {median:6.2f} [{low:.2f}, {high:.2f}]", flush=True)


if __name__ == "__main__":
    main()
