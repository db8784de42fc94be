"""Rotary embedding as multiplication by complex numbers, and what makes it a position embedding: distances count."""

import numpy as np
import pytest

from refimpl import (
    rotary_embedding_half_backward,
    rotary_embedding_half_forward,
    rotary_embedding_interleaved_backward,
    rotary_embedding_interleaved_forward,
)
from refimpl.cases import CASES

rng = np.random.default_rng(0)
HALF = (rotary_embedding_half_forward, rotary_embedding_half_backward)
INTERLEAVED = (rotary_embedding_interleaved_forward, rotary_embedding_interleaved_backward)
BOTH = [pytest.param(HALF, id="half"), pytest.param(INTERLEAVED, id="interleaved")]


def turned(x, positions, base=10000.0):
    """Neighbouring features as one complex number each, times exp(i p theta)."""
    p = np.asarray(np.arange(x.shape[-2]) if positions is None else positions, dtype=float)
    theta = base ** (-np.arange(0, x.shape[-1], 2) / max(x.shape[-1], 1))
    z = (x[..., 0::2] + 1j * x[..., 1::2]) * np.exp(1j * p[..., None] * theta)
    return np.stack([z.real, z.imag], axis=-1).reshape(x.shape)


@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in CASES["rotary_embedding_interleaved"]])
def test_interleaved_is_a_complex_product(case):
    x, positions = case.arguments["input"], case.arguments.get("positions")
    count = case.arguments.get("rotary_dim", x.shape[-1])
    expected = x.copy()
    expected[..., :count] = turned(x[..., :count], positions, case.arguments.get("base", 10000.0))
    output, _ = rotary_embedding_interleaved_forward(**case.arguments)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-11)  # the angle of the expected at 131072


def test_half_by_hand():
    """Two pairs, of angles p and p / 10; position 2. The pairs are features (0, 2) and (1, 3)."""
    c, s, c10, s10 = np.cos(2), np.sin(2), np.cos(0.2), np.sin(0.2)
    output, _ = rotary_embedding_half_forward([[1.0, 2, 3, 4]], [2], base=100)
    np.testing.assert_allclose(
        output, [[c - 3 * s, 2 * c10 - 4 * s10, 3 * c + s, 4 * c10 + 2 * s10]], rtol=1e-15
    )  # fmt: skip


def test_interleaved_by_hand():
    """The pairs are features (0, 1) and (2, 3)."""
    c, s, c10, s10 = np.cos(2), np.sin(2), np.cos(0.2), np.sin(0.2)
    output, _ = rotary_embedding_interleaved_forward([[1.0, 2, 3, 4]], [2], base=100)
    np.testing.assert_allclose(
        output, [[c - 2 * s, 2 * c + s, 3 * c10 - 4 * s10, 4 * c10 + 3 * s10]], rtol=1e-15
    )  # fmt: skip


def test_half_as_rotate_half_writes_it():
    """x cos + rotate_half(x) sin, with the cosines and sines of all frequencies written twice."""
    x = rng.standard_normal((2, 5, 6))
    angle = np.arange(5)[:, None] * 10000.0 ** (-np.arange(0, 6, 2) / 6)
    cos, sin = (np.concatenate([f(angle), f(angle)], axis=-1) for f in (np.cos, np.sin))
    rotate_half = np.concatenate([-x[..., 3:], x[..., :3]], axis=-1)
    np.testing.assert_allclose(rotary_embedding_half_forward(x)[0], x * cos + rotate_half * sin, rtol=0, atol=1e-15)


def test_the_conventions_are_one_up_to_the_order_of_features():
    """A model of one convention is one of the other once the rows of its projections are reordered."""
    x, g = rng.standard_normal((2, 5, 8))
    order = np.arange(8).reshape(2, 4).T.reshape(-1)  # 0, 4, 1, 5, ...: the pairs of the halves side by side
    half, half_cache = rotary_embedding_half_forward(x)
    other, other_cache = rotary_embedding_interleaved_forward(x[:, order])
    np.testing.assert_array_equal(other, half[:, order])
    np.testing.assert_array_equal(
        rotary_embedding_interleaved_backward(g[:, order], other_cache)["input"],
        rotary_embedding_half_backward(g, half_cache)["input"][:, order],
    )
    assert not np.allclose(rotary_embedding_interleaved_forward(x)[0], half)


@pytest.mark.parametrize("pair", BOTH)
def test_scores_depend_on_the_distance_alone(pair):
    forward, _ = pair
    q, k = rng.standard_normal((2, 1, 6))

    def score(query_at, key_at):
        return (forward(q, [query_at])[0] * forward(k, [key_at])[0]).sum()

    for distance in (-7, 0, 3):
        for shift in (1, 500, 2**20):
            np.testing.assert_allclose(score(distance + shift, shift), score(distance, 0), rtol=0, atol=2e-15)
    assert abs(score(3, 0) - score(4, 0)) > 1e-3
    assert abs(score(3, 0) - score(-3, 0)) > 1e-3


@pytest.mark.parametrize("pair", BOTH)
def test_backward_turns_back(pair):
    """The rotation is orthogonal: backward of it undoes it, and keeps every pair's length as it does."""
    forward, backward = pair
    x = rng.standard_normal((3, 4, 10))
    y, cache = forward(x, rotary_dim=8)
    np.testing.assert_allclose(backward(y, cache)["input"], x, rtol=0, atol=2e-15)
    np.testing.assert_allclose((y**2).sum(axis=-1), (x**2).sum(axis=-1), rtol=1e-14)
    opposite, _ = forward(x, -np.arange(4.0), rotary_dim=8)
    np.testing.assert_array_equal(backward(x, cache)["input"], opposite)
    np.testing.assert_array_equal(y[..., 8:], x[..., 8:])
    np.testing.assert_array_equal(y[:, 0], x[:, 0])  # position 0 turns nothing


@pytest.mark.parametrize("pair", BOTH)
def test_positions_are_counted_from_0_where_none_are_given(pair):
    forward, _ = pair
    x = rng.standard_normal((2, 3, 4))
    given, _ = forward(x, np.arange(3))
    np.testing.assert_array_equal(forward(x)[0], given)
    np.testing.assert_array_equal(forward(x, np.arange(3.0))[0], given)
    np.testing.assert_array_equal(forward(x[:, 2:], [2])[0], given[:, 2:])  # what decoding one token at a time does
