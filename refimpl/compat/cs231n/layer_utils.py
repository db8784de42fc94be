"""The course's layer_utils.py: layers that follow each other, as one; their cache is the tuple of the parts' caches."""

from __future__ import annotations

from typing import Any

from ..._validate import Array
from ._terms import parts_of
from .layers import (
    affine_backward,
    affine_forward,
    conv_backward_naive,
    conv_forward_naive,
    max_pool_backward_naive,
    max_pool_forward_naive,
    relu_backward,
    relu_forward,
    spatial_batchnorm_backward,
    spatial_batchnorm_forward,
)

__all__ = [
    "affine_relu_backward",
    "affine_relu_forward",
    "conv_bn_relu_backward",
    "conv_bn_relu_forward",
    "conv_relu_backward",
    "conv_relu_forward",
    "conv_relu_pool_backward",
    "conv_relu_pool_forward",
]

Caches = tuple[Any, ...]


def affine_relu_forward(x: Any, w: Any, b: Any) -> tuple[Array, Caches]:
    """affine, then relu."""
    a, fc_cache = affine_forward(x, w, b)
    out, relu_cache = relu_forward(a)
    return out, (fc_cache, relu_cache)


def affine_relu_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx, dw, db."""
    fc_cache, relu_cache = parts_of("affine_relu_backward", cache, "(fc_cache, relu_cache)", 2)
    return affine_backward(relu_backward(dout, relu_cache), fc_cache)


def conv_relu_forward(x: Any, w: Any, b: Any, conv_param: Any) -> tuple[Array, Caches]:
    """conv, then relu."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    out, relu_cache = relu_forward(a)
    return out, (conv_cache, relu_cache)


def conv_relu_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx, dw, db."""
    conv_cache, relu_cache = parts_of("conv_relu_backward", cache, "(conv_cache, relu_cache)", 2)
    return conv_backward_naive(relu_backward(dout, relu_cache), conv_cache)


def conv_bn_relu_forward(
    x: Any, w: Any, b: Any, gamma: Any, beta: Any, conv_param: Any, bn_param: Any
) -> tuple[Array, Caches]:  # fmt: skip
    """conv, then spatial_batchnorm, then relu."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    normalized, bn_cache = spatial_batchnorm_forward(a, gamma, beta, bn_param)
    out, relu_cache = relu_forward(normalized)
    return out, (conv_cache, bn_cache, relu_cache)


def conv_bn_relu_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array, Array, Array]:
    """dx, dw, db, dgamma, dbeta."""
    names = "(conv_cache, bn_cache, relu_cache)"
    conv_cache, bn_cache, relu_cache = parts_of("conv_bn_relu_backward", cache, names, 3)
    da, dgamma, dbeta = spatial_batchnorm_backward(relu_backward(dout, relu_cache), bn_cache)
    return *conv_backward_naive(da, conv_cache), dgamma, dbeta


def conv_relu_pool_forward(x: Any, w: Any, b: Any, conv_param: Any, pool_param: Any) -> tuple[Array, Caches]:
    """conv, then relu, then max_pool."""
    a, conv_cache = conv_forward_naive(x, w, b, conv_param)
    active, relu_cache = relu_forward(a)
    out, pool_cache = max_pool_forward_naive(active, pool_param)
    return out, (conv_cache, relu_cache, pool_cache)


def conv_relu_pool_backward(dout: Any, cache: Any) -> tuple[Array, Array, Array]:
    """dx, dw, db."""
    names = "(conv_cache, relu_cache, pool_cache)"
    conv_cache, relu_cache, pool_cache = parts_of("conv_relu_pool_backward", cache, names, 3)
    return conv_backward_naive(relu_backward(max_pool_backward_naive(dout, pool_cache), relu_cache), conv_cache)
