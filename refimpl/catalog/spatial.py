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
