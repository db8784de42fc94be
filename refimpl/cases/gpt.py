"""Samples of GPT-2's block. It has many arrays, so there are few."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused

draw = Draw(91)


def _weights(features: int, inner: int) -> dict[str, Any]:
    """Numbers with which neither attention nor the activations are flat."""
    c, f = features, inner
    return {
        "ln_1.weight": draw.uniform(0.5, 1.5, c), "ln_1.bias": draw.normal(c),
        "attn.c_attn.weight": draw.normal(c, 3 * c) / 2, "attn.c_attn.bias": draw.normal(3 * c),
        "attn.c_proj.weight": draw.normal(c, c) / 2, "attn.c_proj.bias": draw.normal(c),
        "ln_2.weight": draw.uniform(0.5, 1.5, c), "ln_2.bias": draw.normal(c),
        "mlp.c_fc.weight": draw.normal(c, f) / 2, "mlp.c_fc.bias": draw.normal(f),
        "mlp.c_proj.weight": draw.normal(f, c) / 2, "mlp.c_proj.bias": draw.normal(c),
    }  # fmt: skip


def _sample(name: str, *shape: int, n_head: int = 2, inner: int = 3, **options: Any) -> Case:
    arguments = {"hidden_states": draw.normal(*shape), "weights": _weights(shape[-1], inner), "n_head": n_head}
    return case(name, **{**arguments, "attn_pdrop": 0.0, "resid_pdrop": 0.0, **options})


CASES: dict[str, tuple[Case, ...]] = {
    "gpt2_block": (
        _sample("unequal extents", 2, 3, 4),
        _sample("without a batch, a large epsilon, in evaluation", 3, 4, layer_norm_epsilon=0.3, training=False,
                attn_pdrop=0.1, resid_pdrop=0.1),
        _sample("dropout, one head", 1, 3, 4, n_head=1, attn_pdrop=0.4, resid_pdrop=0.4, rng=0),
        _sample("an empty batch", 0, 3, 1, n_head=1, inner=1),
    ),
}  # fmt: skip


def _given(changes: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """N = 2, T = 3, C = 4 and F = 5; a weight changed to None is left out."""
    weights = {name: np.ones_like(weight) for name, weight in _weights(4, 5).items()} | changes
    kept = {name: weight for name, weight in weights.items() if weight is not None}
    pdrop = {"attn_pdrop": 0.0, "resid_pdrop": 0.0}
    return {"hidden_states": np.ones((2, 3, 4)), "weights": kept, "n_head": 2, **pdrop, **options}


def _value(name: str, message: str, changes: dict[str, Any] | None = None, **options: Any) -> Refusal:
    return refused(name, ValueError, f"gpt2_block_forward: {message}", **_given(changes or {}, options))


def _kind(name: str, message: str, changes: dict[str, Any] | None = None, **options: Any) -> Refusal:
    return refused(name, TypeError, f"gpt2_block_forward: {message}", **_given(changes or {}, options))


def _weight(name: str, rule: str, expected: tuple[int, ...], *found: int) -> Refusal:
    message = f"weights.{name} must have shape {rule} = {expected}, got {found}"
    return _value(f"{name} of another shape", message, {name: np.ones(found)})


FLOATING = "must be a floating-point array (float16, float32, float64), got dtype int64"
NAMES = "weights must have the names of a block of GPT-2, got missing"
NO_RNG = "rng must be an integer seed or a numpy.random.Generator, got None"

REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "gpt2_block": (
        _kind("integer hidden_states", f"hidden_states {FLOATING}", hidden_states=np.ones((2, 3, 4), dtype=np.int64)),
        _kind("integer weights", f"weights.ln_1.bias {FLOATING}", {"ln_1.bias": np.ones(4, dtype=np.int64)}),
        _kind("weights in a list", "weights must be a dict of arrays by the names of a block of GPT-2, got list",
              weights=[np.ones(4)]),
        _value("a missing weight", f"{NAMES} mlp.c_fc.bias, unknown nothing", {"mlp.c_fc.bias": None}),
        _value("the mask of the checkpoint", f"{NAMES} nothing, unknown attn.bias",
               {"attn.bias": np.ones((1, 1, 3, 3))}),
        _value("four axes", "hidden_states must have shape (N, T, C) or (T, C), got (1, 2, 3, 4)",
               hidden_states=np.ones((1, 2, 3, 4))),
        _weight("attn.c_attn.weight", "(C, 3 C)", (4, 12), 12, 4),
        _weight("attn.c_attn.bias", "(3 C,)", (12,), 4),
        _weight("attn.c_proj.weight", "(C, C)", (4, 4), 4, 3),
        _weight("mlp.c_fc.weight", "(C, F)", (4, 5), 5, 4),
        _weight("mlp.c_proj.weight", "(F, C)", (5, 4), 5),
        _weight("ln_2.weight", "(C,)", (4,), 4, 1),
        _value("heads that do not divide", "n_head must divide the number of hidden_states's features = 4, got 3",
               n_head=3),
        _kind("half a head", "n_head must be an integer, got 0.5", n_head=0.5),
        _value("attn_pdrop above 1", "attn_pdrop must be at least 0 and at most 1, got 1.5", attn_pdrop=1.5),
        _value("resid_pdrop below 0", "resid_pdrop must be at least 0 and at most 1, got -0.5", resid_pdrop=-0.5),
        _value("attn_pdrop without rng", NO_RNG, attn_pdrop=0.1),
        _value("resid_pdrop without rng", NO_RNG, resid_pdrop=0.1),
        _value("a negative epsilon", "layer_norm_epsilon must be at least 0, got -1", layer_norm_epsilon=-1.0),
        _kind("training no boolean", "training must be True or False, got 0", training=0),
    ),
}  # fmt: skip
