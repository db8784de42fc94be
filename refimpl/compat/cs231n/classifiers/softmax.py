"""The course's softmax.py; loops or not, the answer is one."""

from __future__ import annotations

from typing import Any

from ...._validate import Array
from .._scores import softmax
from ._linear import linear_classifier

__all__ = ["softmax_loss_naive", "softmax_loss_vectorized"]


def softmax_loss_naive(W: Any, X: Any, y: Any, reg: Any) -> tuple[Any, Array]:
    """softmax_loss of the scores X W plus reg sum(W^2), and dW: cross_entropy of linear.

    Shapes: W (D, C), X (N, D), classes y (N,), dW (D, C).
    """
    return linear_classifier("softmax_loss_naive", softmax, W, X, y, reg)


def softmax_loss_vectorized(W: Any, X: Any, y: Any, reg: Any) -> tuple[Any, Array]:
    """As softmax_loss_naive."""
    return linear_classifier("softmax_loss_vectorized", softmax, W, X, y, reg)
