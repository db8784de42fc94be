"""PyTorch called as the catalog's ops are, where its own signature or its draws are other ones."""

from __future__ import annotations

import contextlib
from unittest import mock

import numpy as np
import torch
from catalog_cases import is_floating
from torch.utils._python_dispatch import TorchDispatchMode


def triplets_with_distance(distance_function, **others):
    """With PyTorch's function for the pair that the case gives as a distance."""
    if not is_of_pytorch(distance_function):
        raise TypeError(f"PyTorch has no distance {distance_function[0].__name__}")
    distance = getattr(torch.nn.functional, _name(distance_function))
    return torch.nn.functional.triplet_margin_with_distance_loss(distance_function=distance, **others)


def is_of_pytorch(pair):
    return hasattr(torch.nn.functional, _name(pair))


def _name(pair):
    return pair[0].__name__.removesuffix("_forward")


def gumbel_softmax(logits, rng, **options):
    noise = torch.from_numpy(np.asarray(np.random.default_rng(rng).gumbel(size=tuple(logits.shape))))
    with mock.patch.object(torch.Tensor, "exponential_", lambda self: self.copy_(torch.exp(-noise))):
        return torch.nn.functional.gumbel_softmax(logits, **options)


def rrelu_in_training(input, rng, training, lower=1 / 8, upper=1 / 3):
    slope = torch.from_numpy(np.asarray(np.random.default_rng(rng).uniform(lower, upper, tuple(input.shape))))
    return torch.where(input > 0, input, slope.to(input.dtype) * input)


def spectral_norm(weight, u, v, dim=0):
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


def masked(name):
    """The dropout of this name, with a mask that the seed gives."""

    def call(input, p=0.5, rng=None, **options):
        with _Noise(rng, p):
            return getattr(torch.nn.functional, name)(input, p, **options)

    return call


def attention_with_dropout(name):
    """The attention of this name, with a mask of dropout that the seed gives."""

    def call(rng, dropout_p, **others):
        with _Noise(rng, dropout_p):
            return getattr(torch.nn.functional, name)(dropout_p=dropout_p, **others)

    return call


def transformer(module):
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


def gpt2_block(
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


def kinds_differ(arguments):
    masks = [arguments[name] for name in ("attn_mask", "key_padding_mask") if name in arguments]
    return len({is_floating(mask) for mask in masks}) == 2


def grouped_mm(mat_a, mat_b, offs=None):
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


def attention(query, key, value, is_causal=False, scale=None, window=None, query_block=128, key_block=128):
    """PyTorch's dense attention, with a mask in place of a window."""
    if window is None:
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=is_causal, scale=scale)
    distance = torch.arange(query.shape[-2])[:, None] - torch.arange(key.shape[-2])
    mask = (distance < window) & (distance > (-1 if is_causal else -window))
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=scale)


class LogProb(torch.nn.AdaptiveLogSoftmaxWithLoss):
    """The module with its log_prob as what a call computes; it takes batches alone."""

    def forward(self, input):
        return self.log_prob(input) if input.ndim == 2 else self.log_prob(input[None])[0]


def adaptive_log_softmax(kind):
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


def recurrent(module):
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


def as_a_batch(name):
    """PyTorch's function of a cell, on a batch of one."""

    def call(input, hx, **weights):
        pair = isinstance(hx, tuple)
        output = getattr(torch, name)(input[None], tuple(h[None] for h in hx) if pair else hx[None], **weights)
        return tuple(part[0] for part in output) if pair else output[0]

    return call


def an_index_repeats(indices, axes):
    planes = indices.reshape(-1, int(np.prod(indices.shape[-axes:])))
    return any(len(np.unique(plane)) < len(plane) for plane in planes)


def fractional(op):
    """PyTorch's function with the samples that the seed draws here."""

    def call(input, rng, **options):
        axes = int(op[-2])
        shape = (*(input.shape[:1] if input.ndim == axes + 2 else (1,)), input.shape[-axes - 1], axes)
        samples = torch.from_numpy(np.random.default_rng(rng).random(shape)).to(input.dtype)
        return getattr(torch.nn.functional, op)(input, _random_samples=samples, **options)

    return call
