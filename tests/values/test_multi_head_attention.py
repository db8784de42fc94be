"""Multi-head attention head by head, what its masks and its weights mean, and its options together."""

import warnings
from itertools import product

import numpy as np
import pytest
from agreement import relative_difference

from refimpl import (
    multi_head_attention_backward,
    multi_head_attention_forward,
    scaled_dot_product_attention_forward,
)

L, S, N, E, H = 3, 4, 2, 4, 2
rng = np.random.default_rng(0)


def draw(*shape):
    return rng.standard_normal(shape)


def arguments(**options):
    return {
        "query": draw(L, N, E), "key": draw(S, N, E), "value": draw(S, N, E), "embed_dim_to_check": E, "num_heads": H,
        "in_proj_weight": draw(3 * E, E) / 2, "in_proj_bias": draw(3 * E), "bias_k": None, "bias_v": None,
        "add_zero_attn": False, "dropout_p": 0.0, "out_proj_weight": draw(E, E) / 2, "out_proj_bias": draw(E),
        **options,
    }  # fmt: skip


def ones_like(output):
    return tuple(None if y is None else np.ones_like(y) for y in output)


def test_head_by_head():
    """The heads one after the other, each with its own columns of the projections, and one sample after the other."""
    given = arguments(attn_mask=draw(N * H, L, S), average_attn_weights=False)
    (output, weights), _ = multi_head_attention_forward(**given)
    third = np.split(given["in_proj_weight"], 3), np.split(given["in_proj_bias"], 3)
    for n in range(N):
        joined = []
        for h in range(H):
            part = slice(h * E // H, (h + 1) * E // H)
            inputs = (given[name][:, n] for name in ("query", "key", "value"))
            q, k, v = (x @ w[part].T + b[part] for x, w, b in zip(inputs, *third, strict=True))
            y, _ = scaled_dot_product_attention_forward(q, k, v, given["attn_mask"][n * H + h])
            np.testing.assert_allclose(weights[n, h] @ v, y, rtol=0, atol=1e-14)
            joined.append(y)
        expected = np.concatenate(joined, axis=1) @ given["out_proj_weight"].T + given["out_proj_bias"]
        np.testing.assert_allclose(output[:, n], expected, rtol=0, atol=1e-14)


def test_without_a_batch_is_a_batch_of_one():
    batched = arguments(query=draw(L, 1, E), key=draw(S, 1, E), value=draw(S, 1, E), key_padding_mask=draw(1, S))
    single = {**batched, **{name: batched[name][:, 0] for name in ("query", "key", "value")}}
    single["key_padding_mask"] = batched["key_padding_mask"][0]
    (output, weights), cache = multi_head_attention_forward(**batched)
    (one, one_weights), one_cache = multi_head_attention_forward(**single)
    np.testing.assert_array_equal(one, output[:, 0])
    np.testing.assert_array_equal(one_weights, weights[0])
    grads = multi_head_attention_backward(ones_like((output, weights)), cache)
    for name, grad in multi_head_attention_backward(ones_like((one, one_weights)), one_cache).items():
        np.testing.assert_array_equal(grad, grads[name].reshape(grad.shape), err_msg=name)


def test_weights_are_asked_for_or_not():
    """The same attention by two ways."""
    given = arguments(key_padding_mask=draw(N, S), attn_mask=draw(L, S), add_zero_attn=True)
    (output, weights), cache = multi_head_attention_forward(**given)
    (alone, none), alone_cache = multi_head_attention_forward(**given, need_weights=False)
    assert none is None
    np.testing.assert_allclose(alone, output, rtol=0, atol=1e-14)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-14)
    g = draw(L, N, E)
    grads = multi_head_attention_backward((g, np.zeros_like(weights)), cache)
    for name, grad in multi_head_attention_backward((g, None), alone_cache).items():
        np.testing.assert_allclose(grad, grads[name], rtol=0, atol=1e-13, err_msg=name)


def test_padded_keys_are_neither_read_nor_given_gradient():
    padded = np.zeros((N, S), dtype=bool)
    padded[0, 2:] = True
    given = arguments(key_padding_mask=padded)
    (output, weights), cache = multi_head_attention_forward(**given)
    changed = {**given, "key": given["key"].copy(), "value": given["value"].copy()}
    changed["key"][2:, 0] = changed["value"][2:, 0] = 100
    np.testing.assert_array_equal(multi_head_attention_forward(**changed)[0][0], output)
    grads = multi_head_attention_backward(ones_like((output, weights)), cache)
    for name in ("key", "value"):
        assert not grads[name][2:, 0].any()
        assert grads[name][2:, 1].any()


def test_what_is_not_used_gets_0():
    """A floating mask that is_causal stands for; the projection of what a static array stands in for."""
    given = arguments(attn_mask=draw(L, S), is_causal=True, need_weights=False, static_v=draw(N * H, S, E // H))
    (output, _), cache = multi_head_attention_forward(**given)
    grads = multi_head_attention_backward((draw(*output.shape), None), cache)
    assert not grads["attn_mask"].any()
    assert not grads["value"].any()
    assert not grads["in_proj_weight"][2 * E :].any()
    assert not grads["in_proj_bias"][2 * E :].any()
    assert grads["in_proj_weight"][: 2 * E].any()


@pytest.mark.parametrize("g", [np.ones((L, N, E)), (np.ones((L, N, E)),), (np.ones((L, N, E)), np.ones((N, L, S)))])
def test_grad_output_is_a_pair_as_the_output_is(g):
    _, cache = multi_head_attention_forward(**arguments(need_weights=False))
    with pytest.raises(TypeError, match=r"^multi_head_attention_backward: grad_output(\[1\])? must be "):
        multi_head_attention_backward(g, cache)


# The options that meet each other, beside PyTorch.

MASKS = {"none": None, "boolean": (L, S), "floating": (L, S), "boolean per head": (N * H, L, S),
         "floating per head": (N * H, L, S)}  # fmt: skip
KINDS = ("none", "boolean", "floating")
WEIGHTS = ({"need_weights": False}, {}, {"average_attn_weights": False})
ADDED = ({}, {"bias": True}, {"add_zero_attn": True}, {"bias": True, "add_zero_attn": True}, {"static": True})


def masks(attn, padding, empty_row):
    found = {}
    if MASKS[attn]:
        hidden = np.random.default_rng(1).random(MASKS[attn]) < 0.3
        hidden[..., 0] = False
        hidden[..., 1, :] |= empty_row
        found["attn_mask"] = hidden if "boolean" in attn else np.where(hidden, -np.inf, draw(*MASKS[attn]))
    if padding != "none":
        padded = np.array([[False, False, True, True], [False, False, False, True]])
        found["key_padding_mask"] = padded if padding == "boolean" else np.where(padded, -np.inf, draw(N, S))
    return found


# Of all combinations every eleventh, here; 11 divides no number of choices, so all pairs of choices meet.
COMBINATIONS = [*product(MASKS, KINDS, (False, True), WEIGHTS, ADDED, (False, True), (False, True))][::11]


@pytest.mark.parametrize("attn", MASKS)
def test_combinations_of_options_are_pytorchs(attn):
    """To 1e-10 in outputs and all gradients, NaN where PyTorch has it."""
    torch = pytest.importorskip("torch")
    for mask, padding, empty_row, weights, added, separate, causal in COMBINATIONS:
        if mask != attn or (attn == "none" and causal):
            continue
        given = arguments(**masks(attn, padding, empty_row), **weights, is_causal=causal)
        given["add_zero_attn"] = added.get("add_zero_attn", False)
        if "bias" in added:
            given["bias_k"], given["bias_v"] = draw(1, 1, E), draw(1, 1, E)
        if "static" in added:
            given["static_k"], given["static_v"] = draw(N * H, S, E // H), draw(N * H, S, E // H)
        if separate:
            given |= {"use_separate_proj_weight": True, "in_proj_weight": None}
            given |= {f"{name}_proj_weight": draw(E, E) / 2 for name in "qkv"}
        compare(torch, given)


def compare(torch, given):
    tensors = {
        name: torch.from_numpy(x.copy()).requires_grad_(x.dtype != bool) if isinstance(x, np.ndarray) else x
        for name, x in given.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # masks of two kinds
        expected = torch.nn.functional.multi_head_attention_forward(**tensors)
    output, cache = multi_head_attention_forward(**given)
    g = tuple(None if y is None else draw(*y.shape) for y in output)
    pairs = [(y, torch.from_numpy(h)) for y, h in zip(expected, g, strict=True) if y is not None]
    torch.autograd.backward([y for y, _ in pairs], [h for _, h in pairs])
    for ours, theirs in zip(output, expected, strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or relative_difference(ours, theirs.detach().numpy()) < 1e-10
    for name, grad in multi_head_attention_backward(g, cache).items():
        theirs = tensors[name].grad
        if theirs is None:
            assert not grad.any(), name
        else:  # those that are 0 but for rounding are compared in the size of the others
            np.testing.assert_allclose(grad, theirs.numpy(), rtol=1e-10, atol=1e-12, err_msg=name)
