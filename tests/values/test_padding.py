"""Padding against NumPy's own, and as a linear map."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl import pad_backward, pad_forward

NUMPYS = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@st.composite
def geometries(draw):
    shape = tuple(draw(st.integers(1, 5)) for _ in range(draw(st.integers(1, 4))))
    mode = draw(st.sampled_from(sorted(NUMPYS)))
    amounts = []
    for n in shape:
        low = draw(st.integers(-n, 0)), draw(st.integers(-n, 0))
        crop = low if sum(low) >= -n else (0, 0)
        most = {"constant": 7, "replicate": 7, "reflect": n - 1, "circular": n + sum(crop)}[mode]
        amounts.append(tuple(c if c else draw(st.integers(0, most)) for c in crop))
    return shape, mode, amounts


def expected(x, mode, amounts):
    """np.pad, and what the crop takes off: before it for circular, after it for the others."""
    more = [(max(b, 0), max(a, 0)) for b, a in amounts]
    less = [(max(-b, 0), max(-a, 0)) for b, a in amounts]
    if mode == "circular":
        x = x[tuple(slice(b, n - a) for n, (b, a) in zip(x.shape, less, strict=True))]
        return np.pad(x, [pair if n else (0, 0) for n, pair in zip(x.shape, more, strict=True)], mode="wrap")
    y = np.pad(x, more, mode=NUMPYS[mode])
    return y[tuple(slice(b, n - a) for n, (b, a) in zip(y.shape, less, strict=True))]


@settings(max_examples=500, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_entries_and_the_adjoint(geometry, seed):
    """<A x, g> = <x, A* g>, in integers."""
    shape, mode, amounts = geometry
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 10, shape).astype(float)
    output, cache = pad_forward(x, [amount for pair in reversed(amounts) for amount in pair], mode)
    np.testing.assert_array_equal(output, expected(x, mode, amounts))
    g = rng.integers(-9, 10, output.shape).astype(float)
    assert (g * output).sum() == (pad_backward(g, cache)["input"] * x).sum()


def test_any_value_pads():
    output, cache = pad_forward([1.0, np.nan, 3], (1, 1), value=-np.inf)
    np.testing.assert_array_equal(output, [-np.inf, 1, np.nan, 3, -np.inf])
    np.testing.assert_array_equal(pad_backward([np.inf, 1, 2, 3, np.nan], cache)["input"], [1, 2, 3])


def test_float16_copies_are_added_in_float32():
    """2048 copies of 1 and one of 0.5: float16 would stop counting at 2048, and the sum is rounded once."""
    x = np.ones(1, dtype=np.float16)
    _, cache = pad_forward(x, (2047, 2), "replicate")
    g = np.ones(2050, dtype=np.float16)
    grad_x = pad_backward(g, cache)["input"]
    assert grad_x.dtype == np.float16
    assert grad_x == 2050
