"""GPT-2's block pair by pair, and which of its dropouts is where."""

import numpy as np
import pytest

from refimpl import (
    dropout_forward,
    gelu_forward,
    gpt2_block_backward,
    gpt2_block_forward,
    layer_norm_forward,
    scaled_dot_product_attention_forward,
)

N, T, C, F, HEADS = 2, 3, 4, 5, 2
rng = np.random.default_rng(0)
SHAPES = {
    "ln_1.weight": (C,), "ln_1.bias": (C,), "attn.c_attn.weight": (C, 3 * C), "attn.c_attn.bias": (3 * C,),
    "attn.c_proj.weight": (C, C), "attn.c_proj.bias": (C,), "ln_2.weight": (C,), "ln_2.bias": (C,),
    "mlp.c_fc.weight": (C, F), "mlp.c_fc.bias": (F,), "mlp.c_proj.weight": (F, C), "mlp.c_proj.bias": (C,),
}  # fmt: skip
WEIGHTS = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
X = rng.standard_normal((N, T, C))


def of(name):
    return WEIGHTS[f"{name}.weight"], WEIGHTS[f"{name}.bias"]


def through(name, x):
    weight, bias = of(name)
    return np.einsum("ntc,cd->ntd", x, weight) + bias


@pytest.mark.parametrize(("attn", "resid"), [(0.0, 0.0), (0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])
def test_pair_by_pair(attn, resid):
    """Each dropout by its own share, drawing on from one generator; the heads one after the other."""
    draws = np.random.default_rng(3)
    joined = np.split(through("attn.c_attn", layer_norm_forward(X, C, *of("ln_1"))[0]), 3, axis=-1)
    q, k, v = (np.stack([part[..., :2], part[..., 2:]], axis=1) for part in joined)
    y, _ = scaled_dot_product_attention_forward(q, k, v, None, attn, True, rng=draws)
    s = np.concatenate([y[:, 0], y[:, 1]], axis=-1)
    z = X + dropout_forward(through("attn.c_proj", s), resid, rng=draws)[0]
    h, _ = gelu_forward(through("mlp.c_fc", layer_norm_forward(z, C, *of("ln_2"))[0]), approximate="tanh")
    expected = z + dropout_forward(through("mlp.c_proj", h), resid, rng=draws)[0]
    output, _ = gpt2_block_forward(X, WEIGHTS, HEADS, attn_pdrop=attn, resid_pdrop=resid, rng=3)
    np.testing.assert_allclose(output, expected, rtol=0, atol=1e-13)


def test_evaluation_leaves_nothing_out():
    plain, _ = gpt2_block_forward(X, WEIGHTS, HEADS, attn_pdrop=0.0, resid_pdrop=0.0)
    np.testing.assert_array_equal(gpt2_block_forward(X, WEIGHTS, HEADS, training=False)[0], plain)


def test_without_a_batch_is_a_batch_of_one():
    p = {"attn_pdrop": 0.4, "resid_pdrop": 0.4, "rng": 1}
    output, cache = gpt2_block_forward(X[:1], WEIGHTS, HEADS, **p)
    single, single_cache = gpt2_block_forward(X[0], WEIGHTS, HEADS, **p)
    np.testing.assert_allclose(single, output[0], rtol=0, atol=1e-14)
    g = rng.standard_normal((1, T, C))
    grads, alone = gpt2_block_backward(g, cache), gpt2_block_backward(g[0], single_cache)
    np.testing.assert_allclose(alone["hidden_states"], grads["hidden_states"][0], rtol=0, atol=1e-13)
    for name, grad in grads["weights"].items():
        np.testing.assert_allclose(alone["weights"][name], grad, rtol=0, atol=1e-12, err_msg=name)


def test_a_prefix_gives_the_prefix():
    p = {"attn_pdrop": 0.0, "resid_pdrop": 0.0}
    output, _ = gpt2_block_forward(X, WEIGHTS, HEADS, **p)
    np.testing.assert_allclose(gpt2_block_forward(X[:, :2], WEIGHTS, HEADS, **p)[0], output[:, :2], rtol=0, atol=1e-13)
