"""The transformer's layers in numbers by hand, position by position, and what their options must not change."""

import numpy as np
import pytest

import refimpl
from refimpl import (
    dropout_forward,
    layer_norm_forward,
    linear_forward,
    multi_head_attention_forward,
    relu_forward,
    transformer_decoder_layer_backward,
    transformer_decoder_layer_forward,
    transformer_encoder_layer_backward,
    transformer_encoder_layer_forward,
)

L, S, N, E, F, HEADS = 3, 5, 2, 4, 6, 2
rng = np.random.default_rng(0)


def drawn_weights(*attentions):
    weights = {}
    for name in attentions:
        weights |= {f"{name}.in_proj_weight": rng.standard_normal((3 * E, E)) / 2}
        weights |= {f"{name}.in_proj_bias": rng.standard_normal(3 * E)}
        weights |= {f"{name}.out_proj.weight": rng.standard_normal((E, E)) / 2}
        weights |= {f"{name}.out_proj.bias": rng.standard_normal(E)}
    weights |= {"linear1.weight": rng.standard_normal((F, E)), "linear1.bias": rng.standard_normal(F)}
    weights |= {"linear2.weight": rng.standard_normal((E, F)), "linear2.bias": rng.standard_normal(E)}
    for i in range(len(attentions) + 1):
        weights |= {f"norm{i + 1}.weight": rng.uniform(0.5, 1.5, E), f"norm{i + 1}.bias": rng.standard_normal(E)}
    return weights


WEIGHTS = {"encoder": drawn_weights("self_attn"), "decoder": drawn_weights("self_attn", "multihead_attn")}
SEQUENCES = {"encoder": [rng.standard_normal((L, N, E))], "decoder": [rng.standard_normal((n, N, E)) for n in (L, S)]}
G = rng.standard_normal((L, N, E))
KINDS = ["encoder", "decoder"]


def both(kind, *sequences, weights=None, g=G, **options):
    """The output, and the gradients as a flat dict."""
    weights = WEIGHTS[kind] if weights is None else weights
    forward = getattr(refimpl, f"transformer_{kind}_layer_forward")
    output, cache = forward(*(sequences or SEQUENCES[kind]), weights, HEADS, **{"dropout": 0.0, **options})
    grads = getattr(refimpl, f"transformer_{kind}_layer_backward")(g, cache)
    return output, {**{name: grad for name, grad in grads.items() if name != "weights"}, **grads["weights"]}


def test_dropout_draws_in_the_order_of_the_steps():
    """Pair by pair, all drawing on from one generator; norms last."""
    weights, (x,), draws, p = WEIGHTS["encoder"], SEQUENCES["encoder"], np.random.default_rng(5), 0.4

    def of(name):
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def dropped(a):
        return dropout_forward(a, p, rng=draws)[0]

    attention = weights["self_attn.in_proj_weight"], weights["self_attn.in_proj_bias"], None, None, False, p
    (s, _), _ = multi_head_attention_forward(
        x, x, x, E, HEADS, *attention, *of("self_attn.out_proj"), need_weights=False, rng=draws
    )
    z, _ = layer_norm_forward(x + dropped(s), E, *of("norm1"))
    h = dropped(relu_forward(linear_forward(z, *of("linear1"))[0])[0])
    y, _ = layer_norm_forward(z + dropped(linear_forward(h, *of("linear2"))[0]), E, *of("norm2"))
    np.testing.assert_array_equal(both("encoder", dropout=p, rng=5)[0], y)


def test_dropout_of_everything_leaves_the_norms():
    (x,), w = SEQUENCES["encoder"], WEIGHTS["encoder"]
    z, _ = layer_norm_forward(x, E, w["norm1.weight"], w["norm1.bias"])
    y, _ = layer_norm_forward(z, E, w["norm2.weight"], w["norm2.bias"])
    np.testing.assert_array_equal(both("encoder", dropout=1.0)[0], y)
    output, grads = both("decoder", dropout=1.0, norm_first=True)
    np.testing.assert_array_equal(output, SEQUENCES["decoder"][0])
    np.testing.assert_array_equal(grads["tgt"], G)
    assert not grads["memory"].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"norm_first": True}, {"dropout": 0.4, "rng": 2}], ids=str)
def test_batch_first_says_only_how_the_axes_stand(kind, options):
    output, grads = both(kind, **options)
    swapped = [x.swapaxes(0, 1) for x in SEQUENCES[kind]]
    other, other_grads = both(kind, *swapped, g=G.swapaxes(0, 1), batch_first=True, **options)
    np.testing.assert_allclose(other, output.swapaxes(0, 1), rtol=0, atol=1e-14)
    for name, grad in other_grads.items():
        expected = grads[name].swapaxes(0, 1) if name in ("src", "tgt", "memory") else grads[name]
        np.testing.assert_allclose(grad, expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm_first", [False, True])
def test_samples_of_a_batch_do_not_see_each_other(kind, norm_first):
    output, grads = both(kind, norm_first=norm_first)
    parts = [both(kind, *(x[:, n] for x in SEQUENCES[kind]), g=G[:, n], norm_first=norm_first) for n in range(N)]
    np.testing.assert_allclose(output, np.stack([y for y, _ in parts], axis=1), rtol=0, atol=1e-13)
    for name, grad in grads.items():
        alone = [found[name] for _, found in parts]
        expected = np.stack(alone, axis=1) if name in ("src", "tgt", "memory") else sum(alone)
        np.testing.assert_allclose(grad, expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm_first", [False, True])
def test_no_biases_are_biases_of_0(kind, norm_first):
    zero = {name: 0 * a if name.endswith("bias") else a for name, a in WEIGHTS[kind].items()}
    none = {name: a for name, a in zero.items() if not name.endswith("bias")}
    output, grads = both(kind, weights=zero, norm_first=norm_first)
    other, other_grads = both(kind, weights=none, norm_first=norm_first)
    np.testing.assert_allclose(other, output, rtol=0, atol=1e-14)
    assert set(grads) - set(other_grads) == set(zero) - set(none)
    for name, grad in other_grads.items():
        np.testing.assert_allclose(grad, grads[name], rtol=0, atol=1e-13, err_msg=name)


def test_true_masks_out_as_minus_infinity_does():
    hidden = np.triu(np.ones((L, L), dtype=bool), 1)
    padded = np.array([[False, False, True], [False, True, False]])
    as_numbers = {"src_mask": np.where(hidden, -np.inf, 0.0), "src_key_padding_mask": np.where(padded, -np.inf, 0.0)}
    output, grads = both("encoder", src_mask=hidden, src_key_padding_mask=padded)
    other, other_grads = both("encoder", **as_numbers)
    np.testing.assert_array_equal(other, output)
    for name, grad in grads.items():
        np.testing.assert_array_equal(other_grads[name], grad, err_msg=name)
    said, _ = both("encoder", src_mask=hidden, is_causal=True)
    np.testing.assert_allclose(said, both("encoder", src_mask=hidden)[0], rtol=0, atol=1e-14)


def test_padded_memory_is_neither_read_nor_given_gradient():
    padded = np.zeros((N, S), dtype=bool)
    padded[0, 2:] = True
    x, memory = SEQUENCES["decoder"]
    output, grads = both("decoder", memory_key_padding_mask=padded)
    changed = memory.copy()
    changed[2:, 0] = 100
    np.testing.assert_array_equal(both("decoder", x, changed, memory_key_padding_mask=padded)[0], output)
    assert not grads["memory"][2:, 0].any()
    assert grads["memory"][2:, 1].all()


def test_the_order_of_the_weights_is_nothing():
    weights = dict(reversed(WEIGHTS["encoder"].items()))
    output, _ = both("encoder")
    np.testing.assert_array_equal(both("encoder", weights=weights)[0], output)


def test_nothing_is_copied_that_is_given():
    """The caches hold the arrays themselves, and no sum of a residual connection twice."""
    (x,), w = SEQUENCES["encoder"], WEIGHTS["encoder"]
    _, cache = transformer_encoder_layer_forward(x, w, HEADS, dropout=0.0)
    assert cache.arguments["src"] is x
    assert all(cache.weights[name] is w[name] for name in w)
    caches = {step.name: found for step, found in zip(cache.steps, cache.caches, strict=True)}
    assert list(caches) == ["self_attn", "residual1", "norm1", "linear1", "activation", "linear2", "residual2", "norm2"]
    assert caches["residual1"] is caches["residual2"] is None
    assert caches["linear1"].weight is w["linear1.weight"]


@pytest.mark.parametrize("wrong", [np.ones((N, L, E)), np.ones((L, N, 1))])
def test_a_gradient_of_another_shape_is_refused(wrong):
    _, cache = transformer_encoder_layer_forward(*SEQUENCES["encoder"], WEIGHTS["encoder"], HEADS, dropout=0.0)
    with pytest.raises(ValueError, match=r"^transformer_encoder_layer_backward: grad_output must have shape"):
        transformer_encoder_layer_backward(wrong, cache)


def test_the_cache_of_the_other_layer_is_refused():
    _, cache = transformer_decoder_layer_forward(*SEQUENCES["decoder"], WEIGHTS["decoder"], HEADS, dropout=0.0)
    with pytest.raises(TypeError, match=r"got TransformerDecoderLayerCache$"):
        transformer_encoder_layer_backward(G, cache)
    assert set(transformer_decoder_layer_backward(G, cache)) == {"tgt", "memory", "weights"}
