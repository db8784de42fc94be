"""Losses of preferences: of two answers, which is the better."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import elementwise
from .._numerics import three_sum
from .._precision import gradient, working_dtype
from .._reduction import check_reduction, reduce_backward, reduced_elementwise
from .._validate import Array

__all__ = ["bradley_terry_loss_backward", "bradley_terry_loss_forward"]


class BradleyTerryLossCache(NamedTuple):
    rewards_chosen: Array  # any shape
    rewards_rejected: Array  # the same
    margin: Array | None  # the same
    center_rewards_coefficient: float
    reduction: str


def bradley_terry_loss_forward(
    rewards_chosen: ArrayLike,
    rewards_rejected: ArrayLike,
    margin: ArrayLike | None = None,
    center_rewards_coefficient: float | None = None,
    reduction: str = "mean",
) -> tuple[Array, BradleyTerryLossCache]:
    """The negative log likelihood that the chosen answer wins, its odds being the exponential of the rewards' gap.

    l_i = log(1 + exp(-z_i)) + c (a_i + b_i)^2 with z_i = a_i - b_i - m_i, a = rewards_chosen, b = rewards_rejected,
    m = margin or 0, and c = center_rewards_coefficient or 0, which draws the rewards toward 0
    none: l;  sum: sum_i l_i;  mean: sum_i l_i / N, where N is the number of elements

    Shapes: rewards_chosen any, rewards_rejected and margin the same; output the same (none) or ().
    Raises: TypeError where an array is not floating; ValueError where shapes differ, the coefficient is negative or the
        reduction is unknown.
    Extremes: full relative precision in both tails, also where z is the small rest of large rewards. The mean of
        nothing is NaN.
    Source: R. A. Bradley, M. E. Terry, Rank analysis of incomplete block designs, 1952; arguments as in the
        RewardTrainer of trl, which takes the mean. PyTorch has none.
    Derived: derivations/preference.md#bradley_terry_loss.
    """
    op = "bradley_terry_loss_forward"
    a = _validate.floating(op, "rewards_chosen", rewards_chosen)
    b = _validate.floating(op, "rewards_rejected", rewards_rejected)
    m = _validate.optional_floating(op, "margin", margin)
    _validate.has_shape(op, "rewards_rejected", b, "of rewards_chosen", a.shape)
    if m is not None:
        _validate.has_shape(op, "margin", m, "of rewards_chosen", a.shape)
    coefficient = 0 if center_rewards_coefficient is None else center_rewards_coefficient
    c = _validate.number(op, "center_rewards_coefficient", coefficient, at_least=0)
    check_reduction(op, reduction)

    def formula(s: Any, a: Any, b: Any, m: Any = 0) -> Any:
        lag, tail = _lag(a, b, m)
        loss = s * (np.maximum(lag, 0) + np.log1p(tail))
        return loss + s * c * (a + b) * (a + b) if c else loss

    arrays = (a, b) if m is None else (a, b, m)
    return reduced_elementwise(formula, *arrays, reduction=reduction), BradleyTerryLossCache(a, b, m, c, reduction)


def bradley_terry_loss_backward(grad_output: ArrayLike, cache: BradleyTerryLossCache) -> dict[str, Array]:
    """grad_a_i = g_i (2 c (a_i + b_i) - s(-z_i)), grad_b_i = g_i (2 c (a_i + b_i) + s(-z_i)), grad_m_i = g_i s(-z_i)
    with s the sigmoid; under mean g_i = g / N.
    """
    op = "bradley_terry_loss_backward"
    cache = _validate.is_cache(op, cache, BradleyTerryLossCache)
    a, b, m, c, _ = cache
    arrays = (a, b) if m is None else (a, b, m)
    dtype = working_dtype(*arrays)
    g = _validate.output_gradient(op, grad_output, a.shape if cache.reduction == "none" else (), dtype)
    g = reduce_backward(g, a.shape, cache.reduction)

    def share(g: Any, a: Any, b: Any, m: Any = 0) -> Any:
        """g times the probability that the model gives to the wrong answer."""
        lag, tail = _lag(a, b, m)
        return g * np.where(lag >= 0, 1, tail) / (1 + tail)

    wrong = elementwise(share, g, *arrays, dtype=dtype)
    center = elementwise(lambda g, a, b: 2 * g * c * (a + b) if c else 0 * g, g, a, b, dtype=dtype)
    with np.errstate(all="ignore"):
        grads = {"rewards_chosen": gradient(center - wrong, a), "rewards_rejected": gradient(center + wrong, b)}
    if m is not None:
        grads["margin"] = gradient(wrong, m)
    return grads


def _lag(a: Any, b: Any, m: Any) -> tuple[Any, Any]:
    """-z = b - a + m and exp(-|z|). In the tails the rounding of z would count as often as z is large: what it leaves
    out goes into the exponential."""
    lag, error = three_sum(b, -a, m + 0 * a)
    return lag, np.exp(-np.abs(lag)) * (1 - np.sign(lag) * error)
