"""The table's rows of layers on grids of positions: convolution, pooling, padding, resampling."""

from __future__ import annotations

from .. import layers
from ._op import Op

ROWS = (
    # adaptive_pooling
    Op(
        "adaptive_avg_pool1d", layers.adaptive_avg_pool1d_forward, layers.adaptive_avg_pool1d_backward,
        differentiable=("input",), constant=("output_size",),
        derivation="adaptive_pooling.md#adaptive_avg_pool1d", torch="torch.nn.functional.adaptive_avg_pool1d",
    ),
    Op(
        "adaptive_avg_pool2d", layers.adaptive_avg_pool2d_forward, layers.adaptive_avg_pool2d_backward,
        differentiable=("input",), constant=("output_size",),
        derivation="adaptive_pooling.md#adaptive_avg_pool2d", torch="torch.nn.functional.adaptive_avg_pool2d",
    ),
    Op(
        "adaptive_avg_pool3d", layers.adaptive_avg_pool3d_forward, layers.adaptive_avg_pool3d_backward,
        differentiable=("input",), constant=("output_size",),
        derivation="adaptive_pooling.md#adaptive_avg_pool3d", torch="torch.nn.functional.adaptive_avg_pool3d",
    ),
    Op(
        "adaptive_max_pool1d", layers.adaptive_max_pool1d_forward, layers.adaptive_max_pool1d_backward,
        differentiable=("input",), constant=("output_size", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="adaptive_pooling.md#adaptive_max_pool1d", torch="torch.nn.functional.adaptive_max_pool1d",
    ),
    Op(
        "adaptive_max_pool2d", layers.adaptive_max_pool2d_forward, layers.adaptive_max_pool2d_backward,
        differentiable=("input",), constant=("output_size", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="adaptive_pooling.md#adaptive_max_pool2d", torch="torch.nn.functional.adaptive_max_pool2d",
    ),
    Op(
        "adaptive_max_pool3d", layers.adaptive_max_pool3d_forward, layers.adaptive_max_pool3d_backward,
        differentiable=("input",), constant=("output_size", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="adaptive_pooling.md#adaptive_max_pool3d", torch="torch.nn.functional.adaptive_max_pool3d",
    ),
    # average_pooling
    Op(
        "avg_pool1d", layers.avg_pool1d_forward, layers.avg_pool1d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
        derivation="average_pooling.md#avg_pool1d", torch="torch.nn.functional.avg_pool1d",
    ),
    Op(
        "avg_pool2d", layers.avg_pool2d_forward, layers.avg_pool2d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        derivation="average_pooling.md#avg_pool2d", torch="torch.nn.functional.avg_pool2d",
    ),
    Op(
        "avg_pool3d", layers.avg_pool3d_forward, layers.avg_pool3d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        derivation="average_pooling.md#avg_pool3d", torch="torch.nn.functional.avg_pool3d",
    ),
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
    # fractional_pooling
    Op(
        "fractional_max_pool2d", layers.fractional_max_pool2d_forward, layers.fractional_max_pool2d_backward,
        differentiable=("input",),
        constant=("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples", "rng"),
        kinks="equal largest entries in a window",
        derivation="fractional_pooling.md#fractional_max_pool2d", torch="torch.nn.functional.fractional_max_pool2d",
    ),
    Op(
        "fractional_max_pool3d", layers.fractional_max_pool3d_forward, layers.fractional_max_pool3d_backward,
        differentiable=("input",),
        constant=("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples", "rng"),
        kinks="equal largest entries in a window",
        derivation="fractional_pooling.md#fractional_max_pool3d", torch="torch.nn.functional.fractional_max_pool3d",
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
    # lp_pooling
    Op(
        "lp_pool1d", layers.lp_pool1d_forward, layers.lp_pool1d_backward,
        differentiable=("input",),
        constant=("norm_type", "kernel_size", "stride", "ceil_mode"),
        kinks="a window of zeros; equal extremes, for an infinite norm_type",
        departs="0 where the powers of a window sum to 0",
        derivation="lp_pooling.md#lp_pool1d", torch="torch.nn.functional.lp_pool1d",
    ),
    Op(
        "lp_pool2d", layers.lp_pool2d_forward, layers.lp_pool2d_backward,
        differentiable=("input",),
        constant=("norm_type", "kernel_size", "stride", "ceil_mode"),
        kinks="a window of zeros; equal extremes, for an infinite norm_type",
        departs="0 where the powers of a window sum to 0",
        derivation="lp_pooling.md#lp_pool2d", torch="torch.nn.functional.lp_pool2d",
    ),
    Op(
        "lp_pool3d", layers.lp_pool3d_forward, layers.lp_pool3d_backward,
        differentiable=("input",),
        constant=("norm_type", "kernel_size", "stride", "ceil_mode"),
        kinks="a window of zeros; equal extremes, for an infinite norm_type",
        departs="0 where the powers of a window sum to 0",
        derivation="lp_pooling.md#lp_pool3d", torch="torch.nn.functional.lp_pool3d",
    ),
    # max_pooling
    Op(
        "max_pool1d", layers.max_pool1d_forward, layers.max_pool1d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="max_pooling.md#max_pool1d", torch="torch.nn.functional.max_pool1d",
    ),
    Op(
        "max_pool2d", layers.max_pool2d_forward, layers.max_pool2d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="max_pooling.md#max_pool2d", torch="torch.nn.functional.max_pool2d",
    ),
    Op(
        "max_pool3d", layers.max_pool3d_forward, layers.max_pool3d_backward,
        differentiable=("input",),
        constant=("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
        kinks="equal largest entries in a window",
        derivation="max_pooling.md#max_pool3d", torch="torch.nn.functional.max_pool3d",
    ),
    # padding
    Op(
        "pad", layers.pad_forward, layers.pad_backward,
        differentiable=("input",), constant=("pad", "mode", "value"),
        derivation="padding.md#pad", torch="torch.nn.functional.pad",
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
    # unpooling
    Op(
        "max_unpool1d", layers.max_unpool1d_forward, layers.max_unpool1d_backward,
        differentiable=("input",),
        constant=("indices", "kernel_size", "stride", "padding", "output_size"),
        departs="an index that comes twice gives its gradient to both entries",
        derivation="unpooling.md#max_unpool1d", torch="torch.nn.functional.max_unpool1d",
    ),
    Op(
        "max_unpool2d", layers.max_unpool2d_forward, layers.max_unpool2d_backward,
        differentiable=("input",),
        constant=("indices", "kernel_size", "stride", "padding", "output_size"),
        departs="an index that comes twice gives its gradient to both entries",
        derivation="unpooling.md#max_unpool2d", torch="torch.nn.functional.max_unpool2d",
    ),
    Op(
        "max_unpool3d", layers.max_unpool3d_forward, layers.max_unpool3d_backward,
        differentiable=("input",),
        constant=("indices", "kernel_size", "stride", "padding", "output_size"),
        departs="an index that comes twice gives its gradient to both entries",
        derivation="unpooling.md#max_unpool3d", torch="torch.nn.functional.max_unpool3d",
    ),
)  # fmt: skip
