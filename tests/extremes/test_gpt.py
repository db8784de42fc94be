"""GPT-2's block with large streams, narrow dtypes and a single position; the true values are exact."""

import numpy as np
import pytest

from refimpl import gpt2_block_backward, gpt2_block_forward

T, C, F = 3, 4, 5
SHAPES = {
    "ln_1.weight": (C,), "ln_1.bias": (C,), "attn.c_attn.weight": (C, 3 * C), "attn.c_attn.bias": (3 * C,),
    "attn.c_proj.weight": (C, C), "attn.c_proj.bias": (C,), "ln_2.weight": (C,), "ln_2.bias": (C,),
    "mlp.c_fc.weight": (C, F), "mlp.c_fc.bias": (F,), "mlp.c_proj.weight": (F, C), "mlp.c_proj.bias": (C,),
}  # fmt: skip
rng = np.random.default_rng(0)
WEIGHTS = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
X, G = rng.standard_normal((2, T, C))
P = {"attn_pdrop": 0.0, "resid_pdrop": 0.0}


@pytest.mark.parametrize("size", [2.0**100, 2.0**500, 2.0**1000])
def test_what_a_branch_adds_does_not_grow_with_the_stream(size):
    """The norms take the size out, so the weights learn the same from a stream of any size; what is added vanishes."""
    y, cache = gpt2_block_forward(X * size, WEIGHTS, 2, **P)
    np.testing.assert_array_equal(y, X * size)
    grads = gpt2_block_backward(G, cache)
    np.testing.assert_array_equal(grads["hidden_states"], G)
    expected = gpt2_block_backward(G, gpt2_block_forward(X * 2.0**90, WEIGHTS, 2, **P)[1])["weights"]
    for name, grad in grads["weights"].items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-13, atol=1e-13, err_msg=name)


def test_float16_is_computed_in_float32_and_rounded_once():
    """300 times 300 is no float16, but what is left of it in the stream is."""
    w = {name: 0 * a.astype(np.float16) for name, a in WEIGHTS.items()}
    w["mlp.c_fc.bias"] = np.full(F, 300, np.float16)
    w["mlp.c_proj.weight"][0, 0], w["mlp.c_proj.bias"][0] = 300, -60000
    x = X.astype(np.float16)
    y, cache = gpt2_block_forward(x, w, 2, **P)
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y[:, 0], (x[:, 0].astype(np.float32) + 30000).astype(np.float16))
    np.testing.assert_array_equal(y[:, 1:], x[:, 1:])
    grads = gpt2_block_backward(G.astype(np.float16), cache)
    assert {grad.dtype for grad in (grads["hidden_states"], *grads["weights"].values())} == {np.dtype(np.float16)}


def test_a_nan_stays_in_its_sequence():
    """In it, it is everywhere, as in PyTorch: what comes before it gives it a weight of 0, and 0 times NaN is NaN."""
    x = np.stack([X, X])
    x[0, 1, 0] = np.nan
    y, _ = gpt2_block_forward(x, WEIGHTS, 2, **P)
    assert np.isnan(y[0]).all()
    np.testing.assert_allclose(y[1], gpt2_block_forward(X, WEIGHTS, 2, **P)[0], rtol=1e-13)
