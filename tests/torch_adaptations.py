"""What PyTorch needs otherwise than the catalog's call, op by op: one literal table, each row with its reason."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch
from catalog_cases import is_floating
from torch.utils._python_dispatch import TorchDispatchMode


@dataclass(frozen=True)
class Adaptation:
    """What PyTorch needs otherwise for one op, in those of its cases that `applies` is true of."""

    op: str
    reason: str
    applies: Callable[[dict[str, Any]], bool] = lambda arguments: True
    unevaluated: bool = False  # PyTorch cannot evaluate the case at all
    undetermined: bool = False  # PyTorch answers, but not the same every time
    unrecorded: bool = False  # compared live alone: another NumPy may draw other numbers than a golden file would hold
    undifferentiated: tuple[str, ...] = ()  # arguments that refimpl differentiates here and PyTorch does not
    without: tuple[str, ...] = ()  # arguments that PyTorch does not have
    call: Callable[..., Any] | None = None  # called in place of the catalog's function, with tensors by keyword
    warning: str = ""  # how a warning begins that PyTorch gives here, as a regular expression


def _triplets_with_distance(distance_function, **others):
    """With PyTorch's function for the pair that the case gives as a distance."""
    if not _is_of_pytorch(distance_function):
        raise TypeError(f"PyTorch has no distance {distance_function[0].__name__}")
    distance = getattr(torch.nn.functional, _name(distance_function))
    return torch.nn.functional.triplet_margin_with_distance_loss(distance_function=distance, **others)


def _is_of_pytorch(pair):
    return hasattr(torch.nn.functional, _name(pair))


def _name(pair):
    return pair[0].__name__.removesuffix("_forward")


def _gumbel_softmax(logits, rng, **options):
    noise = torch.from_numpy(np.asarray(np.random.default_rng(rng).gumbel(size=tuple(logits.shape))))
    with mock.patch.object(torch.Tensor, "exponential_", lambda self: self.copy_(torch.exp(-noise))):
        return torch.nn.functional.gumbel_softmax(logits, **options)


def _rrelu_in_training(input, rng, training, lower=1 / 8, upper=1 / 3):
    slope = torch.from_numpy(np.asarray(np.random.default_rng(rng).uniform(lower, upper, tuple(input.shape))))
    return torch.where(input > 0, input, slope.to(input.dtype) * input)


def _spectral_norm(weight, u, v, dim=0):
    module = torch.nn.utils.parametrizations._SpectralNorm(weight.detach(), dim=dim)
    module._u, module._v = u.detach(), v.detach()  # buffers, which PyTorch does not differentiate
    return module.eval()(weight)


class _Noise(TorchDispatchMode):
    """PyTorch with the masks that a seed gives in NumPy in place of its bernoulli_; all else is its own.

    The numbers drawn are compared with p, and where they are below it an entry is left out.
    """

    def __init__(self, seed: int, p: float) -> None:
        super().__init__()
        self.rng, self.p = np.random.default_rng(seed), p

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is not torch.ops.aten.bernoulli_.float:
            return function(*args, **(kwargs or {}))
        noise, *keep_rate = args
        assert keep_rate in ([1 - self.p], [] if self.p == 0.5 else None)
        drawn = self.rng.random(tuple(noise.shape), dtype=np.float32)
        return noise.copy_(torch.as_tensor(drawn >= np.float32(self.p)))


def _masked(name):
    """The dropout of this name, with a mask that the seed gives."""

    def call(input, p=0.5, rng=None, **options):
        with _Noise(rng, p):
            return getattr(torch.nn.functional, name)(input, p, **options)

    return call


def _attention_with_dropout(name):
    """The attention of this name, with a mask of dropout that the seed gives."""

    def call(rng, dropout_p, **others):
        with _Noise(rng, dropout_p):
            return getattr(torch.nn.functional, name)(dropout_p=dropout_p, **others)

    return call


def _transformer(module):
    """The module of this name with the weights of the case, and the masks of dropout that the seed gives."""

    def call(weights, nhead, dropout=0.1, rng=None, training=True, **others):
        options = {name: others.pop(name) for name in list(others) if name in TRANSFORMER_OPTIONS}
        inputs, width = others, len(weights["linear1.weight"])
        features, bias = weights["linear2.weight"].shape[0], "linear1.bias" in weights
        dtype = weights["linear1.weight"].dtype
        layer = getattr(torch.nn, module)(features, nhead, width, dropout, bias=bias, dtype=dtype, **options)
        with contextlib.nullcontext() if rng is None else _Noise(rng, dropout):
            return torch.func.functional_call(layer.train(training), weights, (), inputs)

    return call


def _gpt2_block(
    hidden_states, weights, n_head, attn_pdrop=0.1, resid_pdrop=0.1, layer_norm_epsilon=1e-5, training=True, rng=None
):
    """PyTorch's encoder layer, set up to be GPT-2's block."""
    length, features = hidden_states.shape[-2:]
    width, dtype = len(weights["mlp.c_proj.weight"]), hidden_states.dtype
    layer = torch.nn.TransformerEncoderLayer(
        features, n_head, width, resid_pdrop, lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        layer_norm_epsilon, batch_first=True, norm_first=True, dtype=dtype,
    ).train(training)  # fmt: skip
    layer.self_attn.dropout, layer.dropout.p = attn_pdrop, 0.0
    parameters = {}
    for name, weight in weights.items():
        for theirs, ours in GPT2_NAMES.items():
            name = name.replace(theirs, ours)
        parameters[name] = weight.t()
    mask = torch.full((length, length), -torch.inf, dtype=dtype).triu(1)
    with contextlib.nullcontext() if rng is None else _Noise(rng, resid_pdrop):
        return torch.func.functional_call(layer, parameters, (hidden_states, mask))


GPT2_NAMES = {
    "ln_": "norm", "attn.c_attn.": "self_attn.in_proj_", "attn.c_proj": "self_attn.out_proj", "mlp.c_fc": "linear1",
    "mlp.c_proj": "linear2",
}  # fmt: skip
TRANSFORMER_OPTIONS = ("activation", "layer_norm_eps", "batch_first", "norm_first")


def _kinds_differ(arguments):
    masks = [arguments[name] for name in ("attn_mask", "key_padding_mask") if name in arguments]
    return len({is_floating(mask) for mask in masks}) == 2


def _grouped_mm(mat_a, mat_b, offs=None):
    """PyTorch's, in its widest dtype on the CPU, without what it leaves uninitialised."""
    end = int(offs[-1]) if offs is not None and len(offs) else None
    a, b = mat_a.float(), mat_b.float()
    if offs is not None and b.ndim == 3:
        a = a[:end]
    elif offs is not None and a.ndim == 3:
        b = b[:, :end]
    elif offs is not None:
        a, b = a[:, :end], b[:end]
    y = torch.nn.functional.grouped_mm(a, b, offs=offs)
    beyond = (0, mat_b.shape[-1] - y.shape[-1], 0, mat_a.shape[-2] - y.shape[-2])
    return torch.nn.functional.pad(y, beyond).to(mat_a.dtype)


def _attention(query, key, value, is_causal=False, scale=None, window=None, query_block=128, key_block=128):
    """PyTorch's dense attention, with a mask in place of a window."""
    if window is None:
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=is_causal, scale=scale)
    distance = torch.arange(query.shape[-2])[:, None] - torch.arange(key.shape[-2])
    mask = (distance < window) & (distance > (-1 if is_causal else -window))
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


class _LogProb(torch.nn.AdaptiveLogSoftmaxWithLoss):
    """The module with its log_prob as what a call computes; it takes batches alone."""

    def forward(self, input):
        return self.log_prob(input) if input.ndim == 2 else self.log_prob(input[None])[0]


def _adaptive_log_softmax(kind):
    """The module of this kind as a function of its parameters, which keep their names in it."""

    def call(input, head_weight, tail_weights, n_classes, cutoffs, target=None, head_bias=None):
        cutoffs = [int(cutoff) for cutoff in cutoffs]
        module = kind(input.shape[-1], n_classes, cutoffs, div_value=1, head_bias=head_bias is not None)
        parameters = {"head.weight": head_weight} | ({} if head_bias is None else {"head.bias": head_bias})
        for i, pair in enumerate(tail_weights):
            parameters |= {f"tail.{i}.{j}.weight": weight for j, weight in enumerate(pair)}
        found = torch.func.functional_call(module, parameters, (input,) if target is None else (input, target))
        return tuple(found) if isinstance(found, tuple) else found  # without the names that PyTorch gives the two

    return call


def _recurrent(module):
    """PyTorch's module with the weights of the case, and the masks between the layers that the seed draws here."""

    def call(input, weights, hx=None, lengths=None, dropout=0.0, training=True, rng=None, **options):
        batch_first = options.get("batch_first", False) and input.ndim == 3
        hidden = len(weights["weight_ih_l0"]) // {"RNN": 1, "LSTM": 4, "GRU": 3}[module]
        layers = options.get("num_layers", 1)
        net = getattr(torch.nn, module)(
            input.shape[-1], hidden, dropout=dropout if layers > 1 else 0.0, dtype=input.dtype, **options
        )
        extents = (input.shape[1], input.shape[0]) if batch_first else input.shape[:-1]
        inputs = input
        if lengths is not None:
            inputs = torch.nn.utils.rnn.pack_padded_sequence(input, lengths, batch_first, enforce_sorted=False)
        with _Masks(rng, dropout, extents, lengths) if dropout else contextlib.nullcontext():
            y, h_n = torch.func.functional_call(net.train(training), weights, (inputs, hx))
        if lengths is not None:
            y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first, total_length=extents[0])
        return y, h_n

    return call


class _Masks(TorchDispatchMode):
    """PyTorch with the masks of a seed, one after the other, between the layers of a recurrent net."""

    def __init__(self, seed, p, extents, lengths):
        super().__init__()
        self.rng, self.p, self.extents = np.random.default_rng(seed), p, extents
        self.rows = slice(None)
        if lengths is not None:  # PyTorch draws for the steps that there are: the longest sequences first in each
            order = np.argsort(-lengths.numpy(), kind="stable")
            step, place = np.nonzero(np.arange(extents[0])[:, None] < lengths.numpy()[order])
            self.rows = step * extents[1] + order[place]

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is not torch.ops.aten.bernoulli_.float:
            return function(*args, **(kwargs or {}))
        noise = args[0]
        drawn = self.rng.random((int(np.prod(self.extents)), noise.shape[-1]), dtype=np.float32)[self.rows]
        return noise.copy_(torch.as_tensor(drawn >= np.float32(self.p)).reshape(noise.shape))


def _as_a_batch(name):
    """PyTorch's function of a cell, on a batch of one."""

    def call(input, hx, **weights):
        pair = isinstance(hx, tuple)
        output = getattr(torch, name)(input[None], tuple(h[None] for h in hx) if pair else hx[None], **weights)
        return tuple(part[0] for part in output) if pair else output[0]

    return call


def _an_index_repeats(indices, axes):
    planes = indices.reshape(-1, int(np.prod(indices.shape[-axes:])))
    return any(len(np.unique(plane)) < len(plane) for plane in planes)


def _fractional(op):
    """PyTorch's function with the samples that the seed draws here."""

    def call(input, rng, **options):
        axes = int(op[-2])
        shape = (*(input.shape[:1] if input.ndim == axes + 2 else (1,)), input.shape[-axes - 1], axes)
        samples = torch.from_numpy(np.random.default_rng(rng).random(shape)).to(input.dtype)
        return getattr(torch.nn.functional, op)(input, _random_samples=samples, **options)

    return call


ADAPTATIONS = (
    *(
        Adaptation(
            op,
            "PyTorch has it as a module, which holds the weights",
            call=_adaptive_log_softmax(kind),
        )
        for op, kind in (
            ("adaptive_log_softmax_log_prob", _LogProb),
            ("adaptive_log_softmax_with_loss", torch.nn.AdaptiveLogSoftmaxWithLoss),
        )
    ),
    Adaptation(
        "adaptive_log_softmax_with_loss",
        "PyTorch gives no gradient of clusters that no target enters, where refimpl gives 0",
        applies=lambda arguments: arguments["target"].max() < arguments["cutoffs"][0],
        undifferentiated=("tail_weights",),
    ),
    Adaptation(
        "adaptive_log_softmax_with_loss",
        "PyTorch's index_copy takes no integers of 8 bits",
        applies=lambda arguments: arguments["target"].dtype == np.uint8,
        unevaluated=True,
    ),
    Adaptation(
        "avg_pool3d",
        "PyTorch refuses a kernel larger than the input in three dimensions, and takes it in one and two",
        applies=lambda arguments: np.min(arguments["input"].shape[-3:]) < np.max(arguments["kernel_size"]),
        unevaluated=True,
    ),
    Adaptation(
        "fractional_max_pool3d",
        "PyTorch wants kernel_size + output_size - 1 below the extent in three dimensions, and at most it in two",
        applies=lambda a: np.any(np.add(a["kernel_size"], a.get("output_size", 0)) > a["input"].shape[-3:]),
        unevaluated=True,
    ),
    *(
        Adaptation(
            op,
            "PyTorch draws the samples from its own generator",
            applies=lambda arguments: "rng" in arguments,
            call=_fractional(op),
            unrecorded=True,
        )
        for op in ("fractional_max_pool2d", "fractional_max_pool3d")
    ),
    *(
        Adaptation(
            f"max_unpool{axes}d",
            "PyTorch writes entries of one index in any order",
            applies=lambda arguments, axes=axes: _an_index_repeats(arguments["indices"], axes),
            undetermined=True,
        )
        for axes in (1, 2, 3)
    ),
    *(
        Adaptation(
            op,
            "PyTorch draws the mask of its dropout from a generator of its own",
            applies=lambda arguments: "rng" in arguments,
            call=_attention_with_dropout(op + ending),
            unrecorded=True,
        )
        for op, ending in (("multi_head_attention", "_forward"), ("scaled_dot_product_attention", ""))
    ),
    Adaptation(
        "multi_head_attention",
        "PyTorch warns that masks of two kinds are deprecated",
        applies=_kinds_differ,
        warning="Support for mismatched key_padding_mask and attn_mask is deprecated",
    ),
    *(
        Adaptation(
            "multi_head_attention",
            f"{static} stands in for what is projected: PyTorch gives no gradient, and refimpl 0",
            applies=lambda arguments, static=static: static in arguments,
            undifferentiated=unused,
        )
        for static, unused in (("static_k", ("key", "k_proj_weight")), ("static_v", ("value", "v_proj_weight")))
    ),
    *(
        Adaptation(
            op,
            "PyTorch refuses the gradient of the class weights where the target holds classes",
            applies=lambda arguments: not is_floating(arguments["target"]),
            undifferentiated=("weight",),
        )
        for op in ("cross_entropy", "linear_cross_entropy")
    ),
    Adaptation(
        "ctc_loss",
        "PyTorch refuses an empty batch",
        applies=lambda arguments: arguments["log_probs"].size == 0,
        unevaluated=True,
    ),
    *(
        Adaptation(
            op,
            "PyTorch draws the mask from a generator of its own",
            applies=lambda arguments: "rng" in arguments,
            call=_masked(op),
            unrecorded=True,
        )
        for op in ("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout")
    ),
    Adaptation(
        "bilinear",
        "PyTorch refuses inputs without features",
        applies=lambda arguments: arguments["weight"].shape[1] == 0,
        unevaluated=True,
    ),
    Adaptation(
        "blockwise_attention",
        "PyTorch's attention takes no window, and chooses its blocks itself",
        call=_attention,
    ),
    Adaptation(
        "dropout2d",
        "PyTorch warns that it takes three dimensions for a batch of sequences, as refimpl does",
        applies=lambda arguments: arguments["input"].ndim == 3,
        warning="dropout2d: Received a 3D input",
    ),
    Adaptation(
        "einsum",
        "PyTorch takes any number of operands, without names",
        call=lambda equation, operand1, operand2: torch.einsum(equation, operand1, operand2),
    ),
    Adaptation(
        "embedding_bag",
        "PyTorch refuses rows of nothing",
        applies=lambda arguments: arguments["input"].ndim == 2 and arguments["input"].shape[1] == 0,
        unevaluated=True,
    ),
    Adaptation(
        "gpt2_block",
        "PyTorch's encoder layer is this with norms first, a causal mask, and no dropout between the linear maps",
        call=_gpt2_block,
    ),
    Adaptation(
        "grouped_mm",
        "PyTorch takes only rows of 16 bytes or a multiple of it, and no empty matrices",
        applies=lambda arguments: (
            arguments["mat_a"].shape[-1] % 4 != 0 or not arguments["mat_a"].size or not arguments["mat_b"].size
        ),
        unevaluated=True,
    ),
    Adaptation("grouped_mm", "PyTorch has no float64 on the CPU, and leaves memory uninitialised", call=_grouped_mm),
    Adaptation(
        "gumbel_softmax",
        "PyTorch draws exponential numbers for its noise: it is handed those that give the noise of the seed",
        call=_gumbel_softmax,
    ),
    Adaptation(
        "kl_div",
        "PyTorch warns that the mean over all elements is not the divergence, which batchmean is",
        applies=lambda arguments: arguments.get("reduction", "mean") == "mean",
        warning="reduction: 'mean' divides",
    ),
    *(
        Adaptation(
            op,
            "PyTorch warns that its default is no longer True",
            applies=lambda arguments: arguments.get("align_corners") is None,
            warning="Default grid_sample and affine_grid behavior has changed",
        )
        for op in ("affine_grid", "grid_sample")
    ),
    Adaptation(
        "affine_grid",
        "PyTorch warns that a single pixel no longer stands at -1",
        applies=lambda arguments: arguments.get("align_corners") is True and 1 in arguments["size"][2:],
        warning="Since version 1.3.0, affine_grid behavior has changed",
    ),
    Adaptation(
        "affine_grid",
        "PyTorch makes no grid of no samples",
        applies=lambda arguments: arguments["size"][0] == 0,
        unevaluated=True,
    ),
    Adaptation(
        "linear",
        "PyTorch's kernel for an input of two dimensions refuses a weight vector with a bias; with three it takes them",
        applies=lambda arguments: arguments["weight"].ndim == 1 and arguments["input"].ndim == 2,
        call=lambda input, **others: torch.nn.functional.linear(input[None], **others)[0],
    ),
    Adaptation(
        "pixel_shuffle",
        "PyTorch's backward of nothing is pixel_unshuffle, which leaves the shape as it is where there are no entries",
        applies=lambda arguments: not arguments["input"].size,
        undifferentiated=("input",),
    ),
    *(
        Adaptation(op, "PyTorch has it as a module, which holds the weights", call=_transformer(module))
        for op, module in (
            ("transformer_decoder_layer", "TransformerDecoderLayer"),
            ("transformer_encoder_layer", "TransformerEncoderLayer"),
        )
    ),
    *(
        Adaptation(
            op,
            "another NumPy may draw another mask from the seed",
            applies=lambda arguments: "rng" in arguments,
            unrecorded=True,
        )
        for op in ("gpt2_block", "transformer_decoder_layer", "transformer_encoder_layer")
    ),
    Adaptation(
        "triplet_margin_loss",
        "PyTorch's 0-norm counts and carries no gradient; refimpl says 0",
        applies=lambda arguments: arguments.get("p") == 0,
        undifferentiated=("anchor", "positive", "negative"),
    ),
    Adaptation(
        "triplet_margin_with_distance_loss",
        "PyTorch takes the distance as one function",
        applies=lambda arguments: "distance_function" in arguments,
        call=_triplets_with_distance,
    ),
    Adaptation(
        "triplet_margin_with_distance_loss",
        "the distance is a pair of NumPy functions that PyTorch does not have",
        applies=lambda arguments: (
            "distance_function" in arguments and not _is_of_pytorch(arguments["distance_function"])
        ),
        unevaluated=True,
    ),
    Adaptation(
        "rrelu",
        "PyTorch draws slopes of its own in training and takes none: its formula is written out with those of the seed",
        applies=lambda arguments: arguments.get("training", False),
        call=_rrelu_in_training,
    ),
    Adaptation(
        "group_norm",
        "PyTorch's backward fails where there is a bias and no weight",
        applies=lambda arguments: "bias" in arguments and "weight" not in arguments,
        call=lambda input, **others: torch.nn.functional.group_norm(
            input, weight=torch.ones(input.shape[1], dtype=input.dtype), **others
        ),
    ),
    *(
        Adaptation(
            op,
            "PyTorch's functions take a single extent as a tuple of one; its modules take both",
            applies=lambda arguments: isinstance(arguments["normalized_shape"], int),
            call=lambda normalized_shape, function=op, **others: getattr(torch.nn.functional, function)(
                normalized_shape=(normalized_shape,), **others
            ),
        )
        for op in ("layer_norm", "rms_norm")
    ),
    *(
        Adaptation(
            op,
            "PyTorch has a module that holds the weights, packed sequences for lengths, and its own masks",
            call=_recurrent(module),
        )
        for op, module in (("gru", "GRU"), ("lstm", "LSTM"), ("rnn", "RNN"))
    ),
    Adaptation(
        "lstm",
        "PyTorch warns that it has no fast kernel for a projection",
        applies=lambda arguments: "proj_size" in arguments,
        warning="LSTM with projections is not supported with oneDNN",
    ),
    *(
        Adaptation(
            op,
            "another NumPy may draw another mask from the seed",
            applies=lambda arguments: "rng" in arguments,
            unrecorded=True,
        )
        for op in ("gru", "lstm", "rnn")
    ),
    *(
        Adaptation(
            op,
            "PyTorch's functions of cells take a batch alone; its modules make one",
            applies=lambda arguments: arguments["input"].ndim == 1,
            call=_as_a_batch(op),
        )
        for op in ("gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell")
    ),
    Adaptation(
        "pairwise_distance",
        "PyTorch gives no gradient of a count, where refimpl gives 0",
        applies=lambda arguments: arguments.get("p") == 0,
        undifferentiated=("x1", "x2"),
    ),
    Adaptation(
        "spectral_norm",
        "PyTorch has it as the parametrization of a module, which holds the two vectors",
        call=_spectral_norm,
    ),
    Adaptation(
        "weight_norm",
        "PyTorch's function writes -1 for all axes, and has no names for its arguments",
        call=lambda v, g, dim=0: torch._weight_norm(v, g, -1 if dim is None else dim),
    ),
    *(
        Adaptation(
            op,
            "PyTorch takes keepdim only together with dim",
            applies=lambda arguments: "keepdim" in arguments and "dim" not in arguments,
            call=lambda op=op, **arguments: getattr(torch, op)(dim=None, **arguments),
        )
        for op in ("mean", "sum")
    ),
    *(
        Adaptation(
            op,
            "PyTorch warns where dim is left out, and chooses it by a rule that refimpl shares",
            applies=lambda arguments: arguments.get("dim") is None,
            warning="Implicit dimension choice",
        )
        for op in ("log_softmax", "softmax", "softmin")
    ),
    *(
        Adaptation(
            op,
            "PyTorch warns where same needs one zero more behind than in front, because it copies the input then",
            applies=lambda arguments: arguments.get("padding") == "same",
            warning="Using padding='same' with even kernel lengths",
        )
        for op in ("conv1d", "conv2d", "conv3d")
    ),
)
