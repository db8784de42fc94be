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
    # linear
    Op(
        "linear", layers.linear_forward, layers.linear_backward,
        differentiable=("input", "weight", "bias"), constant=(),
        derivation="linear.md#linear", torch="torch.nn.functional.linear",
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
