"""The transformer's layers where rows are empty, large, narrow or spoilt; the true values are exact or mpmath's."""

import mpmath
import numpy as np
import pytest

from refimpl import (
    transformer_decoder_layer_backward,
    transformer_decoder_layer_forward,
    transformer_encoder_layer_backward,
    transformer_encoder_layer_forward,
)

L, N, E, F = 3, 2, 4, 3
SHAPES = {
    "self_attn.in_proj_weight": (3 * E, E), "self_attn.in_proj_bias": (3 * E,), "self_attn.out_proj.weight": (E, E),
    "self_attn.out_proj.bias": (E,), "linear1.weight": (F, E), "linear1.bias": (F,), "linear2.weight": (E, F),
    "linear2.bias": (E,), "norm1.weight": (E,), "norm1.bias": (E,), "norm2.weight": (E,), "norm2.bias": (E,),
}  # fmt: skip
rng = np.random.default_rng(0)
WEIGHTS = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
DECODER = {
    **WEIGHTS,
    **{name.replace("self", "multihead"): a[::-1].copy() for name, a in WEIGHTS.items() if "attn" in name},
    **{name.replace("norm2", "norm3"): a[::-1].copy() for name, a in WEIGHTS.items() if "norm2" in name},
}
X, MEMORY, G = rng.standard_normal((L, N, E)), rng.standard_normal((5, N, E)), rng.standard_normal((L, N, E))
SILENT = {**WEIGHTS, "self_attn.out_proj.weight": np.zeros((E, E))}
EMPTY_ROW = np.arange(L)[:, None] * np.ones((1, L)) == 1


@pytest.mark.parametrize("mask", [EMPTY_ROW, np.where(EMPTY_ROW, -np.inf, 0.0)], ids=["boolean", "floating"])
@pytest.mark.parametrize("norm_first", [False, True])
def test_a_position_that_sees_none_gets_the_last_bias_of_attention(mask, norm_first):
    """As if attention were silent there, which it is for no other; and nothing is NaN."""
    options = {"dropout": 0.0, "norm_first": norm_first}
    y, cache = transformer_encoder_layer_forward(X, WEIGHTS, 2, mask, **options)
    silent, silent_cache = transformer_encoder_layer_forward(X, SILENT, 2, **options)
    np.testing.assert_allclose(y[1], silent[1], rtol=1e-13)
    assert np.abs(y[0] - silent[0]).min() > 1e-3
    g = np.zeros_like(G)
    g[1] = G[1]
    grads = transformer_encoder_layer_backward(g, cache)
    expected = transformer_encoder_layer_backward(g, silent_cache)
    np.testing.assert_allclose(grads["src"], expected["src"], rtol=1e-10, atol=1e-13)
    assert not grads["src"][0].any()
    assert not grads["weights"]["self_attn.in_proj_weight"].any()


def test_memory_that_is_all_padded_is_silent():
    padded = np.array([[True] * 5, [False] * 5])
    y, cache = transformer_decoder_layer_forward(
        X, MEMORY, DECODER, 2, memory_key_padding_mask=padded, dropout=0.0, norm_first=True
    )
    grads = transformer_decoder_layer_backward(G, cache)
    assert np.isfinite(y).all()
    assert not grads["memory"][:, 0].any()
    assert grads["memory"][:, 1].all()
    assert all(np.isfinite(grad).all() for grad in grads["weights"].values())


def test_a_position_that_is_masked_out_may_be_large():
    """It is not read by the others, as long as its scores are finite: 0 times infinity would be NaN."""
    padded = np.array([[False, False, True], [False, False, False]])
    options = {"src_key_padding_mask": padded, "dropout": 0.0}
    y, cache = transformer_encoder_layer_forward(X, WEIGHTS, 2, **options)
    large = X.copy()
    large[2, 0] = [1e100, -1e100, 1e100, 0]
    other, other_cache = transformer_encoder_layer_forward(large, WEIGHTS, 2, **options)
    np.testing.assert_array_equal(other[:2], y[:2])
    assert np.isfinite(other).all()
    g = G.copy()
    g[2, 0] = 0
    grads = (transformer_encoder_layer_backward(g, found)["src"] for found in (cache, other_cache))
    np.testing.assert_array_equal(*(grad[:2] for grad in grads))


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150, 1e300])
def test_norms_last_take_any_size(size):
    """Branches of 0: the norm of the norm of the input, for rows of any size, and a gradient in proportion."""
    w = {name: np.full(shape, 1.0 if name.endswith("weight") else 0.0) for name, shape in SHAPES.items()}
    w |= {name: 0 * a for name, a in w.items() if not name.startswith("norm")}
    x = np.array([[3.0, 1.0, -2.0, 0.5]]) * size
    y, cache = transformer_encoder_layer_forward(x, w, 2, dropout=0.0, layer_norm_eps=0.0)
    grad = transformer_encoder_layer_backward(np.array([[1.0, -2, 3, 5]]), cache)["src"]
    with mpmath.workdps(60):
        row = [mpmath.mpf(v) for v in x[0]]
        mean = sum(row) / 4
        root = mpmath.sqrt(sum((v - mean) ** 2 for v in row) / 4)
        x_hat = [(v - mean) / root for v in row]
        g = [mpmath.mpf(v) for v in (1, -2, 3, 5)]

        def through(h, scale):  # layer norm's backward
            inner = sum(a * b for a, b in zip(h, x_hat, strict=True)) / 4
            return [(a - sum(h) / 4 - b * inner) / scale for a, b in zip(h, x_hat, strict=True)]

        slope = through(through(g, 1), root)
        for found, true in ((y[0], x_hat), (grad[0], slope)):
            largest = max(abs(v) for v in true)
            off = max(abs(mpmath.mpf(a) - b) for a, b in zip(found, true, strict=True))
            assert off <= 16 * largest * mpmath.mpf(2) ** -53


def test_large_activations_pass_the_norms():
    """Scores, products and sums of the branches may be large: what comes out of the last norm is not."""
    w = {name: a * (1e100 if name.startswith(("linear", "self")) else 1) for name, a in WEIGHTS.items()}
    y, cache = transformer_encoder_layer_forward(X, w, 2, dropout=0.0)
    assert np.abs(y).max() < 20
    assert all(np.isfinite(a).all() for a in transformer_encoder_layer_backward(G, cache)["weights"].values())


def test_float16_is_computed_in_float32_and_rounded_once():
    """A weight of 300 on an activation of 300 is no float16; that times 1 / 1024 is."""
    x, w = X.astype(np.float16), {name: 0 * a.astype(np.float16) for name, a in WEIGHTS.items()}
    w["norm2.weight"] = w["norm2.weight"] + np.float16(1)
    w["linear1.bias"] = np.full(F, 300, np.float16)
    w["linear2.weight"][0, 0], w["linear2.bias"][0] = 300, -60000
    y, cache = transformer_encoder_layer_forward(x, w, 2, dropout=0.0, norm_first=True)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y[..., 0], (x[..., 0].astype(np.float32) + 30000).astype(np.float16))
    np.testing.assert_array_equal(y[..., 1:], x[..., 1:])
    grads = transformer_encoder_layer_backward(G.astype(np.float16), cache)
    assert grads["src"].dtype == np.float16
    assert {grad.dtype for grad in grads["weights"].values()} == {np.dtype(np.float16)}


def test_mixed_dtypes_are_computed_in_the_widest():
    narrow = {name: a.astype(np.float32) for name, a in WEIGHTS.items()}
    y, cache = transformer_encoder_layer_forward(X, narrow, 2, dropout=0.0)
    wide, _ = transformer_encoder_layer_forward(X, {n: a.astype(np.float64) for n, a in narrow.items()}, 2, dropout=0.0)
    np.testing.assert_array_equal(y, wide)
    grads = transformer_encoder_layer_backward(G, cache)
    assert grads["src"].dtype == np.float64
    assert {grad.dtype for grad in grads["weights"].values()} == {np.dtype(np.float32)}


def test_a_nan_stays_in_its_sequence():
    """And is everywhere in it."""
    x = X.copy()
    x[0, 0, 0] = np.nan
    y, _ = transformer_encoder_layer_forward(x, WEIGHTS, 2, dropout=0.0)
    assert np.isnan(y[:, 0]).all()
    np.testing.assert_array_equal(y[:, 1], transformer_encoder_layer_forward(X, WEIGHTS, 2, dropout=0.0)[0][:, 1])
