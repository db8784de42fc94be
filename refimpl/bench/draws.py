"""Arguments that rows of several sizes draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..cases import Draw
from .row import Arguments


def recurrent_weights(d: Draw, gates: int, features: int, hidden: int) -> Arguments:
    return {
        "weight_ih_l0": d.normal(gates * hidden, features) / features**0.5,
        "weight_hh_l0": d.normal(gates * hidden, hidden) / hidden**0.5,
        "bias_ih_l0": d.normal(gates * hidden),
        "bias_hh_l0": d.normal(gates * hidden),
    }


def cell(d: Draw, n: int, gates: int, hidden: int) -> Arguments:
    """A cell with as many features as it has hidden units; the one with four gates has two states."""
    matrices = {name: d.normal(gates * hidden, hidden) / hidden**0.5 for name in ("w_ih", "w_hh")}
    state = (d.normal(n, hidden), d.normal(n, hidden)) if gates == 4 else d.normal(n, hidden)
    return {"input": d.normal(n, hidden), "hx": state} | matrices


def attention(d: Draw, n: int, heads: int, length: int, features: int, **options: Any) -> Arguments:
    return {name: d.normal(n, heads, length, features) for name in ("query", "key", "value")} | options


def multi_head(d: Draw, n: int, length: int, features: int, heads: int) -> Arguments:
    return {
        **{name: d.normal(length, n, features) for name in ("query", "key", "value")},
        "embed_dim_to_check": features, "num_heads": heads,
        "in_proj_weight": d.normal(3 * features, features) / features**0.5, "in_proj_bias": d.normal(3 * features),
        "bias_k": None, "bias_v": None, "add_zero_attn": False, "dropout_p": 0.0,
        "out_proj_weight": d.normal(features, features) / features**0.5, "out_proj_bias": d.normal(features),
        "need_weights": False,
    }  # fmt: skip


def ctc(d: Draw, n: int, steps: int, classes: int, longest: int) -> Arguments:
    """Targets of half of the longest length and more."""
    return {
        "log_probs": np.log(d.probabilities(steps, n, classes)),
        "targets": 1 + d.labels(classes - 1, n, longest),
        "input_lengths": np.full(n, steps),
        "target_lengths": longest // 2 + d.labels(longest // 2 + 1, n),
    }


def clusters(d: Draw, n: int) -> Arguments:
    """Rows for an adaptive softmax over 20000 classes in a head and two clusters."""
    return {
        "input": d.normal(n, 128),
        "head_weight": d.normal(2002, 128),
        "tail_weights": [(d.normal(32, 128), d.normal(8000, 32)), (d.normal(8, 128), d.normal(10000, 8))],
        "n_classes": 20000,
        "cutoffs": [2000, 10000],
    }


def pooled(d: Draw, n: int, channels: int, extents: Sequence[int]) -> Arguments:
    """What a pooling with a kernel of two leaves: each window's first or second place on every axis, as an index."""
    index: Any = np.zeros((n, channels, *extents), dtype=np.int64)
    for axis, extent in enumerate(extents):
        places = 2 * np.arange(extent).reshape(-1, *[1] * (len(extents) - axis - 1))
        index = index * 2 * extent + places + d.labels(2, n, channels, *extents)
    return {"input": d.normal(n, channels, *extents), "indices": index, "kernel_size": 2}


def regions(d: Draw, n: int, extent: int) -> Any:
    """Four boxes in every image: its number, then two corners within the extent."""
    corner, size = d.uniform(0, extent / 2, 4 * n, 2), d.uniform(4, extent / 2, 4 * n, 2)
    return np.concatenate([np.repeat(np.arange(n), 4)[:, None], corner, corner + size], axis=1)


def boxes(d: Draw, n: int) -> Any:
    low = d.uniform(0, 1, n, 2)
    return np.concatenate([low, low + d.uniform(0.1, 1, n, 2)], axis=1)


def signs(d: Draw, *shape: int) -> Any:
    return 2.0 * d.labels(2, *shape) - 1


def few_labels(d: Draw, n: int) -> Any:
    """Four classes of 64 in every row, then the sign that ends them."""
    target = np.full((n, 64), -1)
    target[:, :4] = np.arange(0, 64, 16) + d.labels(16, n, 4)
    return target


def transformer_weights(d: Draw, features: int, attentions: Sequence[str]) -> Arguments:
    """Of a layer with these attentions, four times as many hidden features, and a norm after each of its parts."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name in attentions:
        shapes |= {f"{name}.in_proj_weight": (3 * features, features), f"{name}.in_proj_bias": (3 * features,)}
        shapes |= {f"{name}.out_proj.weight": (features, features), f"{name}.out_proj.bias": (features,)}
    shapes |= {"linear1.weight": (4 * features, features), "linear1.bias": (4 * features,)}
    shapes |= {"linear2.weight": (features, 4 * features), "linear2.bias": (features,)}
    for i in range(1, len(attentions) + 2):
        shapes |= {f"norm{i}.weight": (features,), f"norm{i}.bias": (features,)}
    return {name: d.normal(*shape) / features**0.5 for name, shape in shapes.items()}


def gpt2_weights(d: Draw, features: int) -> Arguments:
    shapes = {
        "ln_1.weight": (features,), "ln_1.bias": (features,),
        "attn.c_attn.weight": (features, 3 * features), "attn.c_attn.bias": (3 * features,),
        "attn.c_proj.weight": (features, features), "attn.c_proj.bias": (features,),
        "ln_2.weight": (features,), "ln_2.bias": (features,),
        "mlp.c_fc.weight": (features, 4 * features), "mlp.c_fc.bias": (4 * features,),
        "mlp.c_proj.weight": (4 * features, features), "mlp.c_proj.bias": (features,),
    }  # fmt: skip
    return {name: d.normal(*shape) / features**0.5 for name, shape in shapes.items()}
