"""ALiBi's bias, sliding windows and sinusoidal positions, from their definitions; and what they refuse."""

import mpmath
import numpy as np
import pytest
from ulps import OF_NUMPY

import refimpl
from refimpl import (
    OPS,
    alibi_bias,
    blockwise_attention_forward,
    scaled_dot_product_attention_forward,
    sinusoidal_positions,
    sliding_window_mask,
)


def test_they_are_no_ops():
    """Nothing in their arguments has a gradient: they stand in no catalog and have no backward."""
    for name in ("alibi_bias", "sinusoidal_positions", "sliding_window_mask"):
        assert name not in OPS
        assert not hasattr(refimpl, f"{name}_forward")


@pytest.mark.parametrize(
    ("heads", "exponents"),
    [
        (1, [8]),
        (2, [4, 8]),
        (3, [4, 8, 2]),
        (4, [2, 4, 6, 8]),
        (6, [2, 4, 6, 8, 1, 3]),
        (8, [1, 2, 3, 4, 5, 6, 7, 8]),
        (12, [1, 2, 3, 4, 5, 6, 7, 8, 0.5, 1.5, 2.5, 3.5]),
    ],
)
def test_slopes_of_alibi(heads, exponents):
    """Twelve heads take the slopes of eight, and every second one of sixteen."""
    bias = alibi_bias(heads, 2, 2)
    assert bias.shape == (heads, 2, 2)
    np.testing.assert_allclose(-bias[:, 1, 0], 2.0 ** -np.array(exponents), rtol=1e-15)


def test_alibi_grows_with_the_distance():
    bias = alibi_bias(8, 3, 4)
    np.testing.assert_array_equal(bias[0], -np.array([[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1]]) / 2)
    np.testing.assert_array_equal(bias[7], bias[0] / 128)
    assert not np.signbit(bias[0, 0, 0])
    later = alibi_bias(8, 5, 5)[:, 3:]  # two queries after three keys: the nearest key is their own
    np.testing.assert_array_equal(later[0], -np.array([[3, 2, 1, 0, 1], [4, 3, 2, 1, 0]]) / 2)
    single = alibi_bias(3, 2, 5, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, alibi_bias(3, 2, 5).astype(np.float32))
    assert alibi_bias(2, 0, 3).shape == (2, 0, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_alibi_is_a_mask_of_attention(dtype):
    """Without features all scores are the bias; attention stays in the dtype that the bias is asked for in."""
    values = np.broadcast_to(np.eye(4, dtype=dtype), (2, 3, 4, 4))
    nothing = np.zeros((2, 3, 4, 0), dtype)
    bias = alibi_bias(3, 4, 4, dtype=dtype)
    weights, _ = scaled_dot_product_attention_forward(nothing, nothing, values, bias)
    assert weights.dtype == dtype
    distance = np.abs(np.arange(4)[:, None] - np.arange(4))
    for head, slope in enumerate((2**-4, 2**-8, 2**-2)):
        e = np.exp(-slope * distance)
        np.testing.assert_allclose(weights[1, head], e / e.sum(axis=1, keepdims=True), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize(("queries", "keys"), [(5, 5), (3, 6), (6, 3), (0, 2), (2, 0)])
@pytest.mark.parametrize("window", [1, 2, 4, 100])
@pytest.mark.parametrize("is_causal", [False, True])
def test_windows_pair_by_pair(queries, keys, window, is_causal):
    mask = sliding_window_mask(queries, keys, window, is_causal)
    assert mask.dtype == bool
    assert mask.shape == (queries, keys)
    for i in range(queries):
        for j in range(keys):
            assert mask[i, j] == (i - window < j <= i if is_causal else i - window < j < i + window)


@pytest.mark.parametrize("is_causal", [False, True])
def test_the_window_is_that_of_blockwise_attention(is_causal):
    """Values that are unit vectors show which keys have weight."""
    ones = np.ones((7, 2))
    weights, _ = blockwise_attention_forward(ones, ones, np.eye(7), is_causal, window=3, query_block=2, key_block=3)
    np.testing.assert_array_equal(weights > 0, sliding_window_mask(7, 7, 3, is_causal))


def test_sinusoids_by_hand():
    """Four features: angles p and p / 100."""
    expected = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]]
    np.testing.assert_allclose(sinusoidal_positions(2, 4), expected, rtol=1e-15)
    expected = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.5), np.cos(0.5)]]
    np.testing.assert_allclose(sinusoidal_positions(2, 4, base=4), expected, rtol=1e-15)
    single = sinusoidal_positions(3, 4, dtype=np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, sinusoidal_positions(3, 4).astype(np.float32))
    assert sinusoidal_positions(0, 4).shape == (0, 4)
    assert sinusoidal_positions(3, 0).shape == (3, 0)


def test_sinusoids_far_out():
    """To the last digits of numbers around 1, from mpmath at 50 digits."""
    found = sinusoidal_positions(100_001, 6)[[99_991, 100_000]]
    with mpmath.workdps(50):
        for row, p in zip(found, (99_991, 100_000), strict=True):
            for i in range(3):
                angle = p * mpmath.mpf(10000) ** (-mpmath.mpf(2 * i) / 6)
                for got, true in ((row[2 * i], mpmath.sin(angle)), (row[2 * i + 1], mpmath.cos(angle))):
                    assert float(abs(mpmath.mpf(float(got)) - true)) <= (2 + OF_NUMPY) * 2.0**-53


REFUSED = {
    "alibi_bias: num_heads must be at least 1, got 0": lambda: alibi_bias(0, 2, 2),
    "alibi_bias: query_length must be at least 0, got -1": lambda: alibi_bias(2, -1, 2),
    "alibi_bias: key_length must be an integer, got 2.0": lambda: alibi_bias(2, 2, 2.0),
    "alibi_bias: num_heads must be an integer, got True": lambda: alibi_bias(True, 2, 2),
    "alibi_bias: dtype must be float16, float32 or float64, got int64": lambda: alibi_bias(2, 2, 2, dtype=np.int64),
    "sliding_window_mask: window must be at least 1, got 0": lambda: sliding_window_mask(2, 2, 0),
    "sliding_window_mask: window must be an integer, got None": lambda: sliding_window_mask(2, 2, None),
    "sliding_window_mask: query_length must be at least 0, got -2": lambda: sliding_window_mask(-2, 2, 1),
    "sliding_window_mask: key_length must be at least 0, got -2": lambda: sliding_window_mask(2, -2, 1),
    "sliding_window_mask: is_causal must be True or False, got 1": lambda: sliding_window_mask(2, 2, 1, 1),
    "sinusoidal_positions: dim must be even, got 3": lambda: sinusoidal_positions(2, 3),
    "sinusoidal_positions: dim must be at least 0, got -2": lambda: sinusoidal_positions(2, -2),
    "sinusoidal_positions: length must be at least 0, got -1": lambda: sinusoidal_positions(-1, 2),
    "sinusoidal_positions: length must be an integer, got 1.5": lambda: sinusoidal_positions(1.5, 2),
    "sinusoidal_positions: base must be above 0 and below inf, got 0": lambda: sinusoidal_positions(2, 2, 0),
    "sinusoidal_positions: base must be above 0 and below inf, got inf": lambda: sinusoidal_positions(2, 2, np.inf),
    "sinusoidal_positions: dtype must be float16, float32 or float64, got complex128": lambda: sinusoidal_positions(
        2, 2, dtype=complex
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    with pytest.raises((TypeError, ValueError)) as caught:
        REFUSED[message]()
    assert str(caught.value) == message
    a_kind = "must be an integer" in message or "dtype" in message or "True or False" in message
    assert type(caught.value) is (TypeError if a_kind else ValueError)
