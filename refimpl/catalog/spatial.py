"""The table's rows of layers on grids of positions: convolution, pooling, padding, resampling."""

from __future__ import annotations

from .. import layers
from ._op import Op

ROWS = (
    # convolution
    Op(
        "conv1d", layers.conv1d_forward, layers.conv1d_backward,
        differentiable=("input", "weight", "bias"), constant=("stride", "padding", "dilation", "groups"),
        derivation="convolution.md#conv1d", torch="torch.nn.functional.conv1d",
    ),
    Op(
        "conv2d", layers.conv2d_forward, layers.conv2d_backward,
        differentiable=("input", "weight", "bias"), constant=("stride", "padding", "dilation", "groups"),
        derivation="convolution.md#conv2d", torch="torch.nn.functional.conv2d",
    ),
    Op(
        "conv3d", layers.conv3d_forward, layers.conv3d_backward,
        differentiable=("input", "weight", "bias"), constant=("stride", "padding", "dilation", "groups"),
        derivation="convolution.md#conv3d", torch="torch.nn.functional.conv3d",
    ),
    Op(
        "conv_tbc", layers.conv_tbc_forward, layers.conv_tbc_backward,
        differentiable=("input", "weight", "bias"), constant=("pad",),
        derivation="convolution.md#conv_tbc", torch="torch.nn.functional.conv_tbc",
    ),
    # folding
    Op(
        "fold", layers.fold_forward, layers.fold_backward,
        differentiable=("input",), constant=("output_size", "kernel_size", "dilation", "padding", "stride"),
        derivation="folding.md#fold", torch="torch.nn.functional.fold",
    ),
    Op(
        "unfold", layers.unfold_forward, layers.unfold_backward,
        differentiable=("input",), constant=("kernel_size", "dilation", "padding", "stride"),
        derivation="folding.md#unfold", torch="torch.nn.functional.unfold",
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
    # transposed_convolution
    Op(
        "conv_transpose1d", layers.conv_transpose1d_forward, layers.conv_transpose1d_backward,
        differentiable=("input", "weight", "bias"),
        constant=("stride", "padding", "output_padding", "groups", "dilation"),
        derivation="transposed_convolution.md#conv_transpose1d", torch="torch.nn.functional.conv_transpose1d",
    ),
    Op(
        "conv_transpose2d", layers.conv_transpose2d_forward, layers.conv_transpose2d_backward,
        differentiable=("input", "weight", "bias"),
        constant=("stride", "padding", "output_padding", "groups", "dilation"),
        derivation="transposed_convolution.md#conv_transpose2d", torch="torch.nn.functional.conv_transpose2d",
    ),
    Op(
        "conv_transpose3d", layers.conv_transpose3d_forward, layers.conv_transpose3d_backward,
        differentiable=("input", "weight", "bias"),
        constant=("stride", "padding", "output_padding", "groups", "dilation"),
        derivation="transposed_convolution.md#conv_transpose3d", torch="torch.nn.functional.conv_transpose3d",
    ),
)  # fmt: skip
