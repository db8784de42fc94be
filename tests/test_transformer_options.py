"""Every combination of the options of the transformer's layers beside PyTorch's modules, in float64."""

import warnings
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_reference  # noqa: E402
from catalog_cases import random_like  # noqa: E402

from refimpl import OPS  # noqa: E402
from refimpl._structure import leaves, mismatch  # noqa: E402
from refimpl.cases._case import Draw, case  # noqa: E402

E, F, HEADS, N, T, S = 4, 6, 2, 2, 3, 5
FLAGS = (False, True)
KINDS = ("none", "boolean", "floating", "floating per head")
PADDINGS = ("none", "boolean", "floating")
X = {"encoder": "src", "decoder": "tgt"}
# A row of the mask and a sequence of the padding are all masked out.
EMPTY_ROW, EMPTY_SEQUENCE = 1, 1


def drawn_weights(draw, kind, bias):
    weights = {}
    for name in ("self_attn", "multihead_attn")[: 1 if kind == "encoder" else 2]:
        weights |= {f"{name}.in_proj_weight": draw.normal(3 * E, E) / 2, f"{name}.in_proj_bias": draw.normal(3 * E)}
        weights |= {f"{name}.out_proj.weight": draw.normal(E, E) / 2, f"{name}.out_proj.bias": draw.normal(E)}
    weights |= {"linear1.weight": draw.normal(F, E) / 2, "linear1.bias": draw.normal(F)}
    weights |= {"linear2.weight": draw.normal(E, F) / 2, "linear2.bias": draw.normal(E)}
    for number in (1, 2) if kind == "encoder" else (1, 2, 3):
        weights |= {f"norm{number}.weight": draw.uniform(0.5, 1.5, E), f"norm{number}.bias": draw.normal(E)}
    return {name: weight for name, weight in weights.items() if bias or not name.endswith("bias")}


def mask_of(draw, kind, batch, queries, keys, empty):
    shape = (batch * HEADS, queries, keys) if "head" in kind else (queries, keys)
    hidden = draw.uniform(0, 1, *shape) < 0.3
    hidden[..., 0] = False
    hidden[..., EMPTY_ROW, :] |= empty
    return hidden if kind == "boolean" else np.where(hidden, -np.inf, draw.normal(*shape))


def padding_of(draw, kind, batch, keys, empty):
    padded = np.zeros((*batch, keys), dtype=bool)
    padded[..., -1] = True
    if empty and batch:
        padded[EMPTY_SEQUENCE] = True
    return padded if kind == "boolean" else np.where(padded, -np.inf, draw.normal(*padded.shape))


def sample(draw, kind, norm_first, activation, layout, bias, mask, padding, empty, causal):
    batch = () if layout == "no batch" else (N,)

    def drawn(rows):
        return draw.normal(*((N, rows) if layout == "batch first" else (rows, *batch)), E)

    arguments = {X[kind]: drawn(T)}
    options = {"norm_first": norm_first, "activation": activation, "batch_first": layout == "batch first"}
    names = {X[kind]: T} if kind == "encoder" else {X[kind]: T, "memory": S}
    if kind == "decoder":
        arguments["memory"] = drawn(S)
    for name, keys in names.items():
        if mask != "none":
            options[f"{name}_mask"] = mask_of(draw, mask, *batch or (1,), T, keys, empty)
            options["is_causal" if kind == "encoder" else f"{name}_is_causal"] = causal
        if padding != "none":
            options[f"{name}_key_padding_mask"] = padding_of(draw, padding, batch, keys, empty)
    return case(kind, **arguments, weights=drawn_weights(draw, kind, bias), nhead=HEADS, dropout=0.0, **options)


def close(ours, theirs, what):
    """To 1e-10 of the largest entry; where a gradient is 0 but for rounding, of what the others are like."""
    assert mismatch(ours, theirs) is None, what
    found = dict(leaves(ours))
    for path, value in leaves(theirs):
        size = max(1e-2, np.max(np.abs(value), initial=0.0))
        np.testing.assert_allclose(found[path], value, rtol=0, atol=1e-10 * size, err_msg=f"{path} {what}")


# Of all combinations every seventh, which divides no number of choices: so all pairs of choices meet.
COMBINATIONS = [*product(("relu", "gelu"), ("batch", "batch first", "no batch"), FLAGS, KINDS, PADDINGS, FLAGS, FLAGS)][
    ::7
]


@pytest.mark.parametrize("norm_first", FLAGS)
@pytest.mark.parametrize("kind", ["encoder", "decoder"])
def test_combinations_of_options_are_pytorchs(kind, norm_first):
    op, draw = OPS[f"transformer_{kind}_layer"], Draw(7)
    for options in COMBINATIONS:
        given = sample(draw, kind, norm_first, *options)
        padding, _, causal = options[-3:]
        unused = {f"{name}_mask" for name in (X[kind], "memory") if causal and padding == "none"}
        output, cache = op.forward(**given.arguments)
        gradients = op.backward(random_like(output, seed=1), cache)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # masks of two kinds
            expected, theirs = torch_reference.forward(op, given, tuple(gradients.keys() - unused))
        close(output, expected, options)
        for name in unused & gradients.keys():  # is_causal stands for it
            assert not gradients.pop(name).any(), options
        close(gradients, torch_reference.backward(random_like(output, seed=1), theirs), options)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize(("norm_first", "activation"), [(False, "gelu"), (True, "relu")])
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_dropout_is_in_pytorchs_places(kind, norm_first, activation, p):
    op, draw = OPS[f"transformer_{kind}_layer"], Draw(8)
    given = sample(draw, kind, norm_first, activation, "batch", True, "floating", "floating", False, False)
    given.arguments.update(dropout=p, rng=3)
    expected, theirs = torch_reference.forward(op, given)
    output, cache = op.forward(**given.arguments)
    grad_output = random_like(expected, seed=1)
    close(output, expected, p)
    close(op.backward(grad_output, cache), torch_reference.backward(grad_output, theirs), p)


@pytest.mark.parametrize("norm_first", FLAGS)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_evaluation_is_pytorchs_fast_path(norm_first, activation):
    """Without gradients PyTorch takes a fused kernel for the whole layer; its numbers are the same."""
    draw = Draw(9)
    given = sample(draw, "encoder", norm_first, activation, "batch first", True, "none", "boolean", False, False)
    weights, x = given.arguments["weights"], given.arguments["src"]
    module = torch.nn.TransformerEncoderLayer(
        E, HEADS, F, activation=activation, batch_first=True, norm_first=norm_first, dtype=torch.float64
    )
    module.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    padding = torch.from_numpy(given.arguments["src_key_padding_mask"])
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x), src_key_padding_mask=padding).numpy()
    del given.arguments["dropout"]
    close(OPS["transformer_encoder_layer"].forward(**given.arguments, training=False)[0], expected, "")
