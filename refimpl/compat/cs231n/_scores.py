"""The two losses of class scores, for the layers and for the linear classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import _validate, losses
from ..._validate import Array
from ._terms import array


def svm(op: str, x: Any, y: Any) -> tuple[Any, Array]:
    """The mean over the rows of sum_{c != y} max(0, x_c - x_y + 1), and its gradient."""
    x, y = _check(op, x, y)
    # multi_margin_loss divides by the number of classes; weights of that number leave the sum as it is.
    classes = x.shape[1]
    loss, cache = losses.multi_margin_loss_forward(x, y, weight=np.full(classes, classes, dtype=x.dtype))
    return loss[()], losses.multi_margin_loss_backward(np.ones((), dtype=x.dtype), cache)["input"]


def softmax(op: str, x: Any, y: Any) -> tuple[Any, Array]:
    """The mean over the rows of -log softmax(x)_y, and its gradient."""
    x, y = _check(op, x, y)
    loss, cache = losses.cross_entropy_forward(x, y)
    return loss[()], losses.cross_entropy_backward(np.ones((), dtype=x.dtype), cache)["input"]


def _check(op: str, x: Any, y: Any) -> tuple[Array, Any]:
    x = array(op, "x", x, "(N, C)")
    return x, labels(op, y, x.shape[:1], _validate.classes_last(op, "x", x))


def labels(op: str, y: Any, shape: tuple[int, ...], classes: int) -> Any:
    """y as classes, one per row; also unsigned ones, as CIFAR-10's files hold them."""
    y = _validate.integers(op, "y", y)
    _validate.has_shape(op, "y", y, "of the scores without their classes", shape)
    _validate.class_indices(op, "y", y, classes)
    return y.astype(np.int64, copy=False)
