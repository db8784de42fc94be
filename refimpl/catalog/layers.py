"""The table's rows of layers."""

from __future__ import annotations

from .. import layers
from ._op import Op

ROWS = (
    # activations
    Op(
        "relu", layers.relu_forward, layers.relu_backward,
        differentiable=("input",), constant=(), elementwise=True, kinks="input = 0",
        derivation="activations.md#relu", torch="torch.nn.functional.relu",
    ),
    Op(
        "sigmoid", layers.sigmoid_forward, layers.sigmoid_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#sigmoid", torch="torch.nn.functional.sigmoid",
    ),
    Op(
        "tanh", layers.tanh_forward, layers.tanh_backward,
        differentiable=("input",), constant=(), elementwise=True,
        derivation="activations.md#tanh", torch="torch.nn.functional.tanh",
    ),
    # grid_sampling
    Op(
        "affine_grid", layers.affine_grid_forward, layers.affine_grid_backward,
        differentiable=("theta",), constant=("size", "align_corners"),
        derivation="grid_sampling.md#affine_grid", torch="torch.nn.functional.affine_grid",
    ),
    Op(
        "grid_sample", layers.grid_sample_forward, layers.grid_sample_backward,
        differentiable=("input", "grid"), constant=("mode", "padding_mode", "align_corners"),
        kinks="bilinear at a pixel's middle, and where the padding mode holds or turns a position",
        derivation="grid_sampling.md#grid_sample", torch="torch.nn.functional.grid_sample",
    ),
    # interpolation
    Op(
        "interpolate", layers.interpolate_forward, layers.interpolate_backward,
        differentiable=("input",),
        constant=("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias"),
        derivation="interpolation.md#interpolate", torch="torch.nn.functional.interpolate",
    ),
    # linear
    Op(
        "linear", layers.linear_forward, layers.linear_backward,
        differentiable=("input", "weight", "bias"), constant=(),
        derivation="linear.md#linear", torch="torch.nn.functional.linear",
    ),
    # roi_align
    Op(
        "roi_align", layers.roi_align_forward, layers.roi_align_backward,
        differentiable=("input",),
        constant=("boxes", "output_size", "spatial_scale", "sampling_ratio", "aligned"),
        derivation="roi_align.md#roi_align",
    ),
    # shuffling
    Op(
        "channel_shuffle", layers.channel_shuffle_forward, layers.channel_shuffle_backward,
        differentiable=("input",), constant=("groups",),
        derivation="shuffling.md#channel_shuffle", torch="torch.nn.functional.channel_shuffle",
    ),
    Op(
        "pixel_shuffle", layers.pixel_shuffle_forward, layers.pixel_shuffle_backward,
        differentiable=("input",), constant=("upscale_factor",),
        derivation="shuffling.md#pixel_shuffle", torch="torch.nn.functional.pixel_shuffle",
    ),
    Op(
        "pixel_unshuffle", layers.pixel_unshuffle_forward, layers.pixel_unshuffle_backward,
        differentiable=("input",), constant=("downscale_factor",),
        derivation="shuffling.md#pixel_unshuffle", torch="torch.nn.functional.pixel_unshuffle",
    ),
    # softmax
    Op(
        "log_softmax", layers.log_softmax_forward, layers.log_softmax_backward,
        differentiable=("input",), constant=("dim", "dtype"),
        derivation="softmax.md#log_softmax", torch="torch.nn.functional.log_softmax",
    ),
    Op(
        "softmax", layers.softmax_forward, layers.softmax_backward,
        differentiable=("input",), constant=("dim", "dtype"),
        derivation="softmax.md#softmax", torch="torch.nn.functional.softmax",
    ),
)  # fmt: skip
