"""The course's linear_svm.py; loops or not, the answer is one."""

from __future__ import annotations

from typing import Any

from ...._validate import Array
from .._scores import svm
from ._linear import linear_classifier

__all__ = ["svm_loss_naive", "svm_loss_vectorized"]


def svm_loss_naive(W: Any, X: Any, y: Any, reg: Any) -> tuple[Any, Array]:
    """svm_loss of the scores X W plus reg sum(W^2), and dW: multi_margin_loss times C, of linear.

    Shapes: W (D, C), X (N, D), classes y (N,), dW (D, C).
    """
    return linear_classifier("svm_loss_naive", svm, W, X, y, reg)


def svm_loss_vectorized(W: Any, X: Any, y: Any, reg: Any) -> tuple[Any, Array]:
    """As svm_loss_naive."""
    return linear_classifier("svm_loss_vectorized", svm, W, X, y, reg)
