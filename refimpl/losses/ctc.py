"""The loss of an unaligned sequence: connectionist temporal classification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .. import _validate
from .._blocks import row_blocks
from .._precision import answer
from .._reduction import check_reduction, reduce_backward, reduce_forward
from .._validate import Array, IntArray

__all__ = ["ctc_loss_backward", "ctc_loss_forward"]

LARGEST = np.finfo(np.float64).max
WIDE = np.dtype(np.float64)  # a product of a thousand probabilities outruns float32, whatever it is asked for in


class CtcLossCache(NamedTuple):
    log_probs: Array  # (T, N, C) or (T, C)
    labels: IntArray  # (N, S): the targets, blank beyond their lengths
    input_lengths: IntArray  # (N,)
    target_lengths: IntArray  # (N,)
    blank: int
    reduction: str
    zero_infinity: bool
    impossible: Any  # (N,) of bool: the targets that no alignment gives


def ctc_loss_forward(
    log_probs: ArrayLike,
    targets: ArrayLike,
    input_lengths: ArrayLike,
    target_lengths: ArrayLike,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> tuple[Array, CtcLossCache]:
    """The negative log probability of a sequence of labels, summed over its alignments to the steps of an input.

    l_n = -log sum_pi prod_t y_t,pi_t with y = exp(log_probs), over the alignments pi: a symbol for each step of the
    input that gives the target when repeated symbols are merged and blanks are taken out.
    none: l;  sum: sum_n l_n;  mean: mean_n (l_n / max(1, target_lengths_n))

    Shapes: log_probs (T, N, C) or (T, C); targets padded (N, S) or concatenated (sum of target_lengths,);
        both lengths (N,), or () without a batch; output (N,) or () (none), else ().
    Raises: TypeError where log_probs is not floating, or targets or lengths are not integers; ValueError where a
        length is longer than its sequence, a label or the blank is no class, shapes do not match or the reduction is
        unknown. A label that is the blank is taken as PyTorch takes it, as one more symbol to pass.
    Extremes: T in the thousands and losses up to 9e15 without loss of digits, losses near 0 to full relative
        precision. A target without alignment gives inf, or 0 with zero_infinity; so does one whose every alignment has
        probability 0.
    Source: torch.nn.functional.ctc_loss; Graves et al., Connectionist Temporal Classification, ICML 2006.
    Derived: derivations/ctc.md#ctc_loss.
    """
    op = "ctc_loss_forward"
    log_probs = _validate.floating(op, "log_probs", log_probs)
    targets = _validate.integers(op, "targets", targets)
    blank = _validate.integer(op, "blank", blank)
    zero_infinity = _validate.boolean(op, "zero_infinity", zero_infinity)
    check_reduction(op, reduction)
    steps, batch, classes = _extents(op, log_probs)
    if not 0 <= blank < classes:
        raise ValueError(f"{op}: blank must be a class from 0 to {classes - 1}, got {blank}")
    batched = log_probs.ndim == 3
    input_lengths = _check_lengths(op, "input_lengths", input_lengths, batch, batched)
    target_lengths = _check_lengths(op, "target_lengths", target_lengths, batch, batched)
    if (input_lengths > steps).any():
        raise ValueError(f"{op}: input_lengths must be at most T = {steps}, got {input_lengths.max()}")
    labels = _check_targets(op, targets, target_lengths, classes, blank)

    log_y = log_probs.reshape(steps, batch, classes)
    states = _states(labels, blank)
    values = np.empty(batch)
    with np.errstate(all="ignore"):
        spoken = np.take_along_axis(log_y, states[None], axis=2)
        for t, (whole, part) in enumerate(_arrivals(spoken, states)):
            ended = np.flatnonzero(input_lengths == t)
            # To arrive at the last blank is to have come through the last label or the last blank: the whole sum.
            end = ended, 2 * target_lengths[ended]
            values[ended] = 0 - (whole[end] + part[end])
        impossible = np.isposinf(values)
        if zero_infinity:
            values[impossible] = 0
        values = values / _per_sample(target_lengths, reduction)
        output = reduce_forward(values if batched else values[0], reduction)
    cache = CtcLossCache(log_probs, labels, input_lengths, target_lengths, blank, reduction, zero_infinity, impossible)
    return answer(output, log_probs), cache


def ctc_loss_backward(grad_output: ArrayLike, cache: CtcLossCache) -> dict[str, Array]:
    """grad_x_t,n,c = g_n (y_t,n,c - q_t,n,c) for t < input_lengths_n and 0 beyond, where q_t,n,c is the probability
    that an alignment of the target stands at symbol c at step t; under mean g_n = g / (N max(1, target_lengths_n)).

    This is PyTorch's convention, and not the derivative of forward, which is -g_n q. It is the gradient of the scores
    z of x = log_softmax(z); as the rows of y - q sum to 0, log_softmax_backward passes it on unchanged, and turns -g q
    into the same. A target without alignment has NaN, as in PyTorch, and 0 with zero_infinity.
    """
    op = "ctc_loss_backward"
    cache = _validate.is_cache(op, cache, CtcLossCache)
    steps, batch, classes = _extents(op, cache.log_probs)
    shape = () if cache.reduction != "none" or cache.log_probs.ndim == 2 else (batch,)
    g = _validate.output_gradient(op, grad_output, shape, WIDE)

    log_y = cache.log_probs.reshape(steps, batch, classes)
    states = _states(cache.labels, cache.blank)
    grad_x = np.zeros(log_y.shape, dtype=cache.log_probs.dtype)
    with np.errstate(all="ignore"):
        g = reduce_backward(g, (batch,), cache.reduction) / _per_sample(cache.target_lengths, cache.reduction)
        g = np.where(cache.impossible, 0 if cache.zero_infinity else np.nan, g)
        passages = _Passages(log_y, states, cache)
        for block in row_blocks(steps, batch * max(classes, states.shape[1])):
            q = passages.occupancy(block)
            grad = g[:, None] * _above(log_y[block].astype(WIDE, copy=False), q)
            beyond = np.arange(block.start, block.stop)[:, None] >= cache.input_lengths
            nothing = beyond | (cache.impossible & cache.zero_infinity)
            grad_x[block] = np.where(nothing[..., None], 0, grad)
    return {"log_probs": grad_x.reshape(cache.log_probs.shape)}


def _above(log_y: Any, q: Any) -> Any:
    """y - q. Where one symbol is nearly certain it is (1 - q) - (1 - y), with 1 - q the sum of the others."""
    likely = q > 0.5
    others = np.where(likely, 0, q).sum(axis=-1, keepdims=True)
    return np.where(likely, others + np.expm1(log_y), np.exp(log_y) - q)


def _per_sample(target_lengths: IntArray, reduction: str) -> Any:
    """What each sample is divided by before the mean over the batch."""
    return np.maximum(target_lengths, 1) if reduction == "mean" else 1


# The recursion. A probability is held by its logarithm, as a whole number and a part of size about 1: differences of
# whole numbers are exact however large they grow, and the part is small where the probability is near 1.


def _split(log_y: Any) -> tuple[Any, Any]:
    """The whole and the part of logarithms."""
    wide = log_y.astype(WIDE, copy=False)
    whole = np.rint(wide)
    return whole, np.where(np.isneginf(wide), 0, wide - whole)


def _arrivals(spoken: Any, states: IntArray) -> Iterator[tuple[Any, Any]]:
    """For each time 0 to T the log probability (N, L) of all ways to be about to speak in a state, whole and part.

    spoken (T, N, L) is the log probability of each state's symbol. From a state one stays, goes on to the next, or
    skips a blank between labels that differ.
    """
    _, batch, count = spoken.shape
    barred = np.zeros((3, batch, count))  # the ways from two states before, from the one before, and from the same
    barred[0, :, 2:] = np.where(states[:, 2:] != states[:, :-2], 0, -np.inf)
    # exp(through) (1 + excess) is the probability to have spoken in a state; the first two of these are no states.
    through, excess = np.full((batch, count + 2), -np.inf), np.zeros((batch, count + 2))
    through_from, excess_from = (
        np.moveaxis(np.lib.stride_tricks.sliding_window_view(a, count, axis=1), 1, 0) for a in (through, excess)
    )

    whole, part = np.full((batch, count), -np.inf), np.zeros((batch, count))
    whole[:, :2] = 0
    yield whole, part
    for log_y in spoken:
        symbol_whole, symbol_part = _split(log_y)
        part = part + symbol_part
        carry = np.rint(part)
        through[:, 2:] = whole + symbol_whole + carry
        np.expm1(part - carry, out=excess[:, 2:])

        sources = barred + through_from
        whole = sources.max(axis=0)
        w = np.exp(sources - np.maximum(whole, -LARGEST))  # the largest of the three is exactly 1, or all are 0
        others = np.minimum(w[0], w[1]) + np.minimum(np.maximum(w[0], w[1]), w[2])
        part = np.log1p(others + (w * excess_from).sum(axis=0))
        yield whole, part


class _Passages:
    """Through which state the alignments pass at each step: arrivals from the start, and from the end.

    What remains after step t, read backwards, is a problem of the same form; both run as one batch.
    """

    def __init__(self, log_y: Array, states: IntArray, cache: CtcLossCache) -> None:
        steps, self.batch, self.classes = log_y.shape
        self.states = states
        self.sample = np.arange(self.batch)[:, None]
        self.time = np.maximum(cache.input_lengths - 1 - np.arange(steps)[:, None], 0)[..., None]  # (T, N, 1)
        remaining = 2 * cache.target_lengths[:, None] - np.arange(states.shape[1])
        self.padding = remaining < 0  # (N, L): states of the longer targets of the batch
        self.state = np.maximum(remaining, 0)  # (N, L)
        self.spoken = np.take_along_axis(log_y, states[None], axis=2)
        mirrored = self.spoken[self.time, self.sample, self.state]
        both = np.concatenate([self.spoken, mirrored], axis=1)
        every = np.concatenate([states, np.take_along_axis(states, self.state, axis=1)])
        self.arrivals = np.empty((2, steps + 1, *both.shape[1:]))  # (2, T + 1, 2 N, L)
        for t, arrival in enumerate(_arrivals(both, every)):
            self.arrivals[:, t] = arrival

    def occupancy(self, block: slice) -> Any:
        """(block, N, C): the share of the alignments that stands at each symbol."""
        before = self.arrivals[:, block, : self.batch]
        after = self.arrivals[:, self.time[block], self.batch + self.sample, self.state]
        whole, part = before + _split(self.spoken[block]) + after
        whole[:, self.padding] = -np.inf
        share = np.exp(whole - whole.max(axis=-1, keepdims=True)) * np.exp(part)
        share /= share.sum(axis=-1, keepdims=True)
        rows = np.arange(share.shape[0] * share.shape[1]).reshape(*share.shape[:2], 1)
        place = rows * self.classes + self.states
        # Repeated labels and the blanks add up.
        q = np.bincount(place.reshape(-1), weights=share.reshape(-1), minlength=rows.size * self.classes)
        return q.reshape(*share.shape[:2], self.classes)


def _states(labels: IntArray, blank: int) -> IntArray:
    """(N, 2 S + 1): a blank before, between and after the labels."""
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank, dtype=np.int64)
    states[:, 1::2] = labels
    return states


def _extents(op: str, log_probs: Array) -> tuple[int, int, int]:
    """T, N and C, with N = 1 where there is no batch."""
    if log_probs.ndim not in (2, 3) or log_probs.shape[-1] == 0:
        raise ValueError(
            f"{op}: log_probs must have shape (T, N, C) or (T, C) with at least one class, got {log_probs.shape}"
        )
    return log_probs.shape[0], 1 if log_probs.ndim == 2 else log_probs.shape[1], log_probs.shape[-1]


def _check_lengths(op: str, name: str, value: ArrayLike, batch: int, batched: bool) -> IntArray:
    lengths = _validate.integers(op, name, value)
    if batched or lengths.ndim:
        _validate.has_shape(op, name, lengths, "(N,)", (batch,))
    if (lengths < 0).any():
        raise ValueError(f"{op}: {name} must be at least 0, got {lengths.min()}")
    return lengths.reshape(batch).astype(np.int64)


def _check_targets(op: str, targets: IntArray, lengths: IntArray, classes: int, blank: int) -> IntArray:
    """The labels as (N, longest), blank beyond their lengths, from either layout."""
    longest = int(lengths.max(initial=0))
    used = np.arange(longest) < lengths[:, None]
    labels = np.full(used.shape, blank, dtype=np.int64)
    if targets.ndim == 1:
        _validate.has_shape(op, "targets", targets, "(sum of target_lengths,)", (int(lengths.sum()),))
        _validate.class_indices(op, "targets", targets, classes)
        labels[used] = targets
        return labels
    if targets.ndim != 2 or len(targets) != len(lengths) or targets.shape[1] < longest:
        raise ValueError(
            f"{op}: targets must have shape (N, S) with N = {len(lengths)} and S at least {longest}, "
            f"the longest of target_lengths, or be concatenated, got {targets.shape}"
        )
    labels[used] = targets[:, :longest][used]
    _validate.class_indices(op, "targets", labels, classes)
    return labels
