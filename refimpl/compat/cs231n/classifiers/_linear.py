"""Scores X W, a loss of them, and the penalty."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .... import _validate, layers
from ...._precision import answer, gradient, working
from ...._validate import Array
from .._scores import labels
from .._terms import array


def linear_classifier(
    op: str, loss_of_scores: Callable[[str, Any, Any], tuple[Any, Array]], W: Any, X: Any, y: Any, reg: Any
) -> tuple[Any, Array]:
    """loss_of_scores(op, X W, y) + reg sum(W^2), and dW."""
    W, X = array(op, "W", W, "(D, C)"), array(op, "X", X, "(N, D)")
    if len(W) != X.shape[1]:
        raise ValueError(f"{op}: W must have one row per feature of X, got W {W.shape} for D = {X.shape[1]}")
    y = labels(op, y, X.shape[:1], _validate.classes_last(op, "W", W))
    reg = _validate.number(op, "reg", reg)
    scores, cache = layers.linear_forward(X, W.T)
    loss, dscores = loss_of_scores(op, scores, y)
    dW = layers.linear_backward(dscores, cache)["weight"].T
    (w,) = working(W)
    with np.errstate(all="ignore"):
        penalty, grad_penalty = w.dtype.type(reg) * (w * w).sum(), 2 * reg * w
        return answer(loss + penalty, W, X)[()], gradient(dW + grad_penalty, W)
