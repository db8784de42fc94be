"""What PyTorch needs otherwise than the catalog's call, op by op: one literal table, each row with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from catalog_cases import is_floating
from torch_calls import (
    LogProb,
    adaptive_log_softmax,
    an_index_repeats,
    as_a_batch,
    attention,
    attention_with_dropout,
    fractional,
    gpt2_block,
    grouped_mm,
    gumbel_softmax,
    is_of_pytorch,
    kinds_differ,
    masked,
    recurrent,
    rrelu_in_training,
    spectral_norm,
    transformer,
    triplets_with_distance,
)


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


ADAPTATIONS = (
    *(
        Adaptation(
            op,
            "PyTorch has it as a module, which holds the weights",
            call=adaptive_log_softmax(kind),
        )
        for op, kind in (
            ("adaptive_log_softmax_log_prob", LogProb),
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
            call=fractional(op),
            unrecorded=True,
        )
        for op in ("fractional_max_pool2d", "fractional_max_pool3d")
    ),
    *(
        Adaptation(
            f"max_unpool{axes}d",
            "PyTorch writes entries of one index in any order",
            applies=lambda arguments, axes=axes: an_index_repeats(arguments["indices"], axes),
            undetermined=True,
        )
        for axes in (1, 2, 3)
    ),
    *(
        Adaptation(
            op,
            "PyTorch draws the mask of its dropout from a generator of its own",
            applies=lambda arguments: "rng" in arguments,
            call=attention_with_dropout(op + ending),
            unrecorded=True,
        )
        for op, ending in (("multi_head_attention", "_forward"), ("scaled_dot_product_attention", ""))
    ),
    Adaptation(
        "multi_head_attention",
        "PyTorch warns that masks of two kinds are deprecated",
        applies=kinds_differ,
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
            call=masked(op),
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
        call=attention,
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
        call=gpt2_block,
    ),
    Adaptation(
        "grouped_mm",
        "PyTorch takes only rows of 16 bytes or a multiple of it, and no empty matrices",
        applies=lambda arguments: (
            arguments["mat_a"].shape[-1] % 4 != 0 or not arguments["mat_a"].size or not arguments["mat_b"].size
        ),
        unevaluated=True,
    ),
    Adaptation("grouped_mm", "PyTorch has no float64 on the CPU, and leaves memory uninitialised", call=grouped_mm),
    Adaptation(
        "gumbel_softmax",
        "PyTorch draws exponential numbers for its noise: it is handed those that give the noise of the seed",
        call=gumbel_softmax,
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
        Adaptation(op, "PyTorch has it as a module, which holds the weights", call=transformer(module))
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
        call=triplets_with_distance,
    ),
    Adaptation(
        "triplet_margin_with_distance_loss",
        "the distance is a pair of NumPy functions that PyTorch does not have",
        applies=lambda arguments: (
            "distance_function" in arguments and not is_of_pytorch(arguments["distance_function"])
        ),
        unevaluated=True,
    ),
    Adaptation(
        "rrelu",
        "PyTorch draws slopes of its own in training and takes none: its formula is written out with those of the seed",
        applies=lambda arguments: arguments.get("training", False),
        call=rrelu_in_training,
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
            call=recurrent(module),
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
            call=as_a_batch(op),
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
        call=spectral_norm,
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
