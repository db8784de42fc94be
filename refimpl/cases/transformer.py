"""Samples of the layers of transformers. They have many arrays each, so there are few, with many options at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused

draw = Draw(92)

ATTENTIONS = {"encoder": ("self_attn",), "decoder": ("self_attn", "multihead_attn")}


def _weights(kind: str, features: int, bias: bool = True) -> dict[str, Any]:
    """Numbers with which neither attention nor the activations are flat."""
    e, f = features, 3 if features == 4 else 2
    weights: dict[str, Any] = {}
    for name in ATTENTIONS[kind]:
        weights |= {f"{name}.in_proj_weight": draw.normal(3 * e, e) / 2, f"{name}.in_proj_bias": draw.normal(3 * e)}
        weights |= {f"{name}.out_proj.weight": draw.normal(e, e) / 2, f"{name}.out_proj.bias": draw.normal(e)}
    weights |= {"linear1.weight": draw.normal(f, e) / 2, "linear1.bias": draw.normal(f)}
    weights |= {"linear2.weight": draw.normal(e, f) / 2, "linear2.bias": draw.normal(e)}
    for number in range(1, len(ATTENTIONS[kind]) + 2):
        weights |= {f"norm{number}.weight": draw.uniform(0.5, 1.5, e), f"norm{number}.bias": draw.normal(e)}
    return {name: weight for name, weight in weights.items() if bias or not name.endswith("bias")}


def _encoder(name: str, *src: int, nhead: int, bias: bool = True, at_kink: bool = False, **options: Any) -> Case:
    arguments = {"src": draw.normal(*src), "weights": _weights("encoder", src[-1], bias), "nhead": nhead}
    return _sample(name, at_kink, {**arguments, "dropout": 0.0, **options})


def _decoder(
    name: str, tgt: tuple[int, ...], memory: tuple[int, ...], nhead: int, bias: bool = True, at_kink: bool = False,
    **options: Any,
) -> Case:  # fmt: skip
    arguments = {"tgt": draw.normal(*tgt), "memory": draw.normal(*memory), "nhead": nhead}
    return _sample(
        name, at_kink, {**arguments, "weights": _weights("decoder", tgt[-1], bias), "dropout": 0.0, **options}
    )


def _sample(name: str, at_kink: bool, arguments: dict[str, Any]) -> Case:
    if at_kink:  # one activation is 0 at every position
        arguments["weights"]["linear1.weight"][1] = 0
    return case(name, at_kink=at_kink, **arguments)


def _causal(length: int) -> Any:
    return np.triu(np.ones((length, length), dtype=bool), 1)


def _excluding(*shape: int) -> Any:
    """A floating mask of moderate numbers, one of which is -inf."""
    mask = draw.normal(*shape)
    mask[..., 0, 1] = -np.inf
    return mask


CASES: dict[str, tuple[Case, ...]] = {
    "transformer_encoder_layer": (
        _encoder("norms last", 3, 2, 4, nhead=2),
        _encoder("norms first, gelu, batch first, a large eps, floating masks", 2, 3, 3, nhead=3, norm_first=True,
                 activation="gelu", batch_first=True, layer_norm_eps=0.3, src_mask=_excluding(6, 3, 3),
                 src_key_padding_mask=draw.normal(2, 3)),
        _encoder("norms first, without a batch or biases, causal, said, in evaluation", 3, 4, nhead=2, bias=False,
                 norm_first=True, src_mask=_causal(3), is_causal=True, training=False, dropout=0.1),
        _encoder("dropout, boolean masks", 3, 2, 4, nhead=1, bias=False, dropout=0.4, rng=0, src_mask=_causal(3),
                 src_key_padding_mask=np.array([[False, True, False], [False, False, False]])),
        _encoder("at a kink", 1, 1, 3, nhead=1, bias=False, layer_norm_eps=0.5, at_kink=True),
        _encoder("an empty batch", 3, 0, 1, nhead=1),
    ),
    "transformer_decoder_layer": (
        _decoder("norms last, a large eps", (2, 2, 4), (3, 2, 4), nhead=2, layer_norm_eps=0.1),
        _decoder("norms first, gelu, batch first, a large eps, floating masks", (1, 2, 3), (1, 3, 3), nhead=3,
                 norm_first=True, activation="gelu", batch_first=True, layer_norm_eps=0.3, tgt_mask=_excluding(2, 2),
                 memory_mask=_excluding(3, 2, 3), tgt_key_padding_mask=draw.normal(1, 2),
                 memory_key_padding_mask=draw.normal(1, 3)),
        _decoder("norms first, without a batch or biases, causal, said, in evaluation", (3, 3), (2, 3), nhead=1,
                 bias=False, norm_first=True, tgt_mask=_causal(3), tgt_is_causal=True,
                 memory_mask=np.array([[False, True], [True, False], [False, False]]), training=False, dropout=0.1),
        _decoder("dropout, boolean masks", (2, 1, 4), (3, 1, 4), nhead=1, bias=False, dropout=0.4, rng=0,
                 tgt_mask=_causal(2), memory_key_padding_mask=np.array([[False, True, False]])),
        _decoder("at a kink", (1, 1, 3), (1, 1, 3), nhead=1, bias=False, layer_norm_eps=0.5, at_kink=True),
        _decoder("an empty batch", (2, 0, 1), (1, 0, 1), nhead=1),
    ),
}  # fmt: skip


def _given(kind: str, changes: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """L = 3, N = 2, E = 4 and F = 3, with S = 5; a weight changed to None is left out."""
    weights = {name: np.ones_like(weight) for name, weight in _weights(kind, 4).items()} | changes
    sequences = {"src": np.ones((3, 2, 4))} if kind == "encoder" else {
        "tgt": np.ones((3, 2, 4)), "memory": np.ones((5, 2, 4)),
    }  # fmt: skip
    kept = {name: weight for name, weight in weights.items() if weight is not None}
    return {**sequences, "weights": kept, "nhead": 2, "dropout": 0.0, **options}


def _refused(
    name: str, message: str, error: type[Exception] = ValueError, kind: str = "encoder",
    changes: dict[str, Any] | None = None, **options: Any,
) -> Refusal:  # fmt: skip
    op = f"transformer_{kind}_layer_forward"
    return refused(name, error, f"{op}: {message}", **_given(kind, changes or {}, options))


FLOATING = "must be a floating-point array (float16, float32, float64), got dtype int64"
MASK = "must be a boolean or a floating-point array, got dtype int64"


def _named(kind: str, missing: str, unknown: str) -> str:
    module = f"torch.nn.Transformer{kind.capitalize()}Layer"
    return f"weights must have the names of {module}, got missing {missing}, unknown {unknown}"


def _weight(name: str, rule: str, expected: tuple[int, ...], *found: int, kind: str = "encoder") -> Refusal:
    message = f"weights.{name} must have shape {rule} = {expected}, got {found}"
    return _refused(f"{name} of another shape", message, kind=kind, changes={name: np.ones(found)})


def _shared(kind: str, x: str) -> tuple[Refusal, ...]:
    """What both layers refuse; x is what self-attention sees."""
    rule = "(L, L)" if x == "src" else "(T, T)"
    letter = rule[1]

    def value(name: str, message: str, **options: Any) -> Refusal:
        return _refused(name, message, ValueError, kind, **options)

    def wrong_kind(name: str, message: str, **options: Any) -> Refusal:
        return _refused(name, message, TypeError, kind, **options)

    causal = "is_causal" if x == "src" else "tgt_is_causal"
    return (
        wrong_kind(f"integer {x}", f"{x} {FLOATING}", **{x: np.ones((3, 2, 4), dtype=np.int64)}),
        wrong_kind("integer weights", f"weights.linear1.bias {FLOATING}",
                   changes={"linear1.bias": np.ones(3, dtype=np.int64)}),
        wrong_kind("an integer mask", f"{x}_mask {MASK}", **{f"{x}_mask": np.ones((3, 3), dtype=np.int64)}),
        value("four axes", f"{x} must have shape ({letter}, N, E) or ({letter}, E), got (3, 2, 4, 1)",
              **{x: np.ones((3, 2, 4, 1))}),
        value("four axes, batch first", f"{x} must have shape (N, {letter}, E) or ({letter}, E), got (3, 2, 4, 1)",
              batch_first=True, **{x: np.ones((3, 2, 4, 1))}),
        wrong_kind("weights in a list", "weights must be a dict of arrays by the names of "
                   f"torch.nn.Transformer{kind.capitalize()}Layer, got list", weights=[np.ones(4)]),
        value("a missing weight", _named(kind, "linear2.weight", "nothing"), changes={"linear2.weight": None}),
        value("a missing bias", _named(kind, "norm1.bias", "nothing"), changes={"norm1.bias": None}),
        value("unknown weights", _named(kind, "nothing", "norm4.weight, linear3"),
              changes={"norm4.weight": np.ones(4), "linear3": np.ones(4)}),
        *(_weight(*rule, kind=kind) for rule in (
            ("self_attn.in_proj_weight", "(3 E, E)", (12, 4), 4, 12), ("self_attn.in_proj_bias", "(3 E,)", (12,), 4),
            ("self_attn.out_proj.weight", "(E, E)", (4, 4), 4, 3), ("self_attn.out_proj.bias", "(E,)", (4,), 1),
            ("linear1.weight", "(F, E)", (3, 4), 3), ("linear1.bias", "(F,)", (3,), 4),
            ("linear2.weight", "(E, F)", (4, 3), 3, 4), ("norm1.weight", "(E,)", (4,), 4, 1),
        )),
        value("heads that do not divide", f"nhead must divide the number of {x}'s features = 4, got 3", nhead=3),
        value("no heads", f"nhead must divide the number of {x}'s features = 4, got 0", nhead=0),
        wrong_kind("half a head", "nhead must be an integer, got 0.5", nhead=0.5),
        value("a mask of another shape", f"{x}_mask must have shape {rule} = (3, 3) or (N nhead, {rule[1:]} = "
              "(4, 3, 3), got (2, 3, 3)", **{f"{x}_mask": np.ones((2, 3, 3), dtype=bool)}),
        value("padding of another shape", f"{x}_key_padding_mask must have shape (N, {letter}) = (2, 3), got (3, 2)",
              **{f"{x}_key_padding_mask": np.ones((3, 2), dtype=bool)}),
        value("causal without its mask", f"{x}_mask must be given where {causal} is True, got None",
              **{causal: True}),
        wrong_kind("causal in numbers", f"{causal} must be True or False, got 1", **{causal: 1}),
        value("another activation", "activation must be one of 'relu', 'gelu', got 'tanh'", activation="tanh"),
        value("dropout above 1", "dropout must be at least 0 and at most 1, got 1.5", dropout=1.5, rng=0),
        value("dropout without rng", "rng must be an integer seed or a numpy.random.Generator, got None",
              dropout=0.1),
        value("a negative eps", "layer_norm_eps must be at least 0, got -1", layer_norm_eps=-1.0),
        wrong_kind("batch_first no boolean", "batch_first must be True or False, got 1", batch_first=1),
        wrong_kind("norm_first no boolean", "norm_first must be True or False, got None", norm_first=None),
        wrong_kind("training no boolean", "training must be True or False, got 'yes'", training="yes"),
    )  # fmt: skip


def _memory(name: str, *shape: int, **options: Any) -> Refusal:
    message = f"memory must have the batch and the features of tgt, got tgt (3, 2, 4) and memory {shape}"
    return _refused(name, message, kind="decoder", memory=np.ones(shape), **options)


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "transformer_encoder_layer": (
        *_shared("encoder", "src"),
        _refused("padding without a batch", "src_key_padding_mask must have shape (L,) = (3,), got (1, 3)",
                 src=np.ones((3, 4)), src_key_padding_mask=np.ones((1, 3), dtype=bool)),
    ),
    "transformer_decoder_layer": (
        *_shared("decoder", "tgt"),
        _refused("integer memory", f"memory {FLOATING}", TypeError, "decoder",
                 memory=np.ones((5, 2, 4), dtype=np.int64)),
        _memory("another batch", 5, 3, 4),
        _memory("another batch, batch first", 2, 5, 4, batch_first=True),
        _memory("other features", 5, 2, 3),
        _memory("memory without a batch", 5, 4),
        _weight("multihead_attn.in_proj_weight", "(3 E, E)", (12, 4), 4, 12, kind="decoder"),
        _weight("norm3.bias", "(E,)", (4,), 3, kind="decoder"),
        _refused("a memory mask of another shape",
                 "memory_mask must have shape (T, S) = (3, 5) or (N nhead, T, S) = (4, 3, 5), got (5, 3)",
                 kind="decoder", memory_mask=np.ones((5, 3), dtype=bool)),
        _refused("memory padding of another shape", "memory_key_padding_mask must have shape (N, S) = (2, 5), got (5,)",
                 kind="decoder", memory_key_padding_mask=np.ones(5)),
        _refused("an integer padding of memory", f"memory_key_padding_mask {MASK}", TypeError, "decoder",
                 memory_key_padding_mask=np.ones((2, 5), dtype=np.int64)),
        _refused("memory causal without its mask", "memory_mask must be given where memory_is_causal is True, got None",
                 kind="decoder", memory_is_causal=True),
    ),
}  # fmt: skip
