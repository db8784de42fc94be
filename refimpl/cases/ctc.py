"""Samples of the loss of unaligned sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._case import Case, Draw, Refusal, case, refused, refused_integers

draw = Draw(23)
SOFTMAX_MINUS_OCCUPANCY = "PyTorch returns the gradient of the scores below log_softmax, y - q, and not -q"
IMPOSSIBLE = "PyTorch returns NaN for a target that no alignment gives"

log_probs = np.log(draw.probabilities(6, 3, 4))
ragged: dict[str, Any] = {
    "log_probs": log_probs,
    "targets": np.array([[1, 2, 2], [3, 1, 1], [2, 3, 1]]),
    "input_lengths": np.array([6, 4, 5]),
    "target_lengths": np.array([3, 1, 2]),
}
pair: dict[str, Any] = {"log_probs": log_probs[:, :2], "input_lengths": np.array([6, 5])}
single: dict[str, Any] = {"log_probs": log_probs[:, 0], "input_lengths": np.array(6), "target_lengths": np.array(2)}


def _departing(name: str, **arguments: Any) -> Case:
    return case(name, departs=SOFTMAX_MINUS_OCCUPANCY, **arguments)


CASES: dict[str, tuple[Case, ...]] = {
    "ctc_loss": (
        *(_departing(f"ragged, {reduction}", **ragged, reduction=reduction) for reduction in ("mean", "sum", "none")),
        _departing("concatenated targets", **(ragged | {"targets": np.array([1, 2, 2, 3, 2, 3])}), reduction="none"),
        _departing(
            "lengths as tuples",
            log_probs=log_probs[:, :2],
            targets=np.array([[1, 2], [3, 0]]),
            input_lengths=(6, 5),
            target_lengths=(2, 1),
        ),
        _departing(
            "a blank between the symbols",
            **pair,
            targets=np.array([[0, 1, 3], [3, 3, 0]]),
            target_lengths=np.array([3, 3]),
            blank=2,
            reduction="none",
        ),
        _departing("the last symbol as the blank", **(ragged | {"targets": ragged["targets"] - 1}), blank=3),
        _departing(
            "a label three times", **pair, targets=np.array([[1] * 3, [2] * 3]), target_lengths=np.array([3, 3])
        ),
        _departing(
            "padding that is no symbol",
            **(ragged | {"targets": np.array([[1, 2, 2, 9], [3, -1, -100, 9], [2, 3, 9, 9]])}),
            reduction="none",
        ),
        _departing(
            "an empty target, mean", **pair, targets=np.array([[1, 2], [1, 2]]), target_lengths=np.array([0, 2])
        ),
        _departing("only empty targets", **pair, targets=np.zeros((2, 0), dtype=int), target_lengths=np.array([0, 0])),
        _departing(
            "only empty targets, concatenated", **pair, targets=np.zeros(0, dtype=int), target_lengths=np.array([0, 0])
        ),
        _departing(
            "as many steps as labels",
            log_probs=log_probs[:3, :1],
            targets=np.array([[1, 2, 1]]),
            input_lengths=np.array([3]),
            target_lengths=np.array([3]),
        ),
        _departing(
            "one step",
            log_probs=log_probs[:1],
            targets=np.array([1, 3]),
            input_lengths=np.array([1, 1, 1]),
            target_lengths=np.array([1, 0, 1]),
            reduction="sum",
        ),
        _departing(
            "one symbol",
            **(pair | {"log_probs": draw.normal(6, 2, 1)}),
            targets=np.zeros((2, 0), dtype=int),
            target_lengths=np.array([0, 0]),
        ),
        _departing("rows that are no distribution", **(ragged | {"log_probs": draw.normal(6, 3, 4)}), reduction="none"),
        _departing(
            "confident steps",
            **(ragged | {"log_probs": np.log(draw.probabilities(6, 3, 4) ** 8)}),
            reduction="none",
        ),
        _departing(
            "a label that is the blank",
            **pair,
            targets=np.array([[1, 0, 2], [0, 1, 1]]),
            target_lengths=np.array([3, 2]),
        ),
        _departing("without a batch, mean", **single, targets=np.array([1, 2])),
        _departing("without a batch, none", **single, targets=np.array([1, 2]), reduction="none"),
        _departing("without a batch, padded", **single, targets=np.array([[1, 2, 3]]), reduction="sum"),
        _departing(
            "an input of length 0",
            log_probs=log_probs[:, :2],
            targets=np.array([[1, 2], [1, 2]]),
            input_lengths=np.array([0, 5]),
            target_lengths=np.array([0, 2]),
            reduction="none",
        ),
        case(
            "no alignment, none",
            departs=IMPOSSIBLE,
            **pair,
            targets=np.array([[1, 1, 1, 1], [3, 2, 1, 1]]),
            target_lengths=np.array([4, 2]),
            reduction="none",
        ),
        case(
            "no alignment, mean",
            departs=IMPOSSIBLE,
            **pair,
            targets=np.array([[1, 1, 1, 1], [3, 2, 1, 1]]),
            target_lengths=np.array([4, 2]),
        ),
        _departing(
            "no alignment counts 0",
            **pair,
            targets=np.array([[1, 1, 1, 1], [3, 2, 1, 1]]),
            target_lengths=np.array([4, 2]),
            zero_infinity=True,
        ),
        case(
            "no alignment at all, counts 0",
            **pair,
            targets=np.array([[1, 1, 1, 1], [3, 3, 3, 3]]),
            target_lengths=np.array([4, 4]),
            reduction="sum",
            zero_infinity=True,
        ),
        case(
            "an empty batch summed",
            log_probs=np.zeros((3, 0, 4)),
            targets=np.zeros((0, 2), dtype=int),
            input_lengths=np.zeros(0, dtype=int),
            target_lengths=np.zeros(0, dtype=int),
            reduction="sum",
        ),
    ),
}


def _refused(name: str, error: type[Exception], message: str, **changes: Any) -> Refusal:
    return refused(name, error, f"ctc_loss_forward: {message}", **(ragged | changes))


REFUSALS: dict[str, tuple[Refusal, ...]] = {
    "ctc_loss": (
        refused_integers("ctc_loss", "log_probs", targets=[1], input_lengths=3, target_lengths=1),
        _refused(
            "log_probs of four dimensions",
            ValueError,
            "log_probs must have shape (T, N, C) or (T, C) with at least one class, got (6, 3, 4, 1)",
            log_probs=log_probs[..., None],
        ),
        _refused(
            "no classes",
            ValueError,
            "log_probs must have shape (T, N, C) or (T, C) with at least one class, got (6, 3, 0)",
            log_probs=log_probs[..., :0],
        ),
        _refused(
            "floating targets",
            TypeError,
            "targets must be an integer array, got dtype float64",
            targets=ragged["targets"] + 0.0,
        ),
        _refused(
            "a label out of range",
            ValueError,
            "targets must hold classes from 0 to 3, got 4 at index (1, 0)",
            targets=np.array([[1, 2, 2], [4, 1, 1], [2, 3, 1]]),
        ),
        _refused(
            "a negative label, concatenated",
            ValueError,
            "targets must hold classes from 0 to 3, got -1 at index (3,)",
            targets=np.array([1, 2, 2, -1, 2, 3]),
        ),
        _refused(
            "concatenated targets of another length",
            ValueError,
            "targets must have shape (sum of target_lengths,) = (6,), got (5,)",
            targets=np.array([1, 2, 2, 3, 2]),
        ),
        _refused(
            "targets narrower than the longest",
            ValueError,
            "targets must have shape (N, S) with N = 3 and S at least 3, the longest of target_lengths, "
            "or be concatenated, got (3, 2)",
            targets=ragged["targets"][:, :2],
        ),
        _refused(
            "targets of another batch",
            ValueError,
            "targets must have shape (N, S) with N = 3 and S at least 3, the longest of target_lengths, "
            "or be concatenated, got (2, 3)",
            targets=ragged["targets"][:2],
        ),
        _refused(
            "a length beyond the input",
            ValueError,
            "input_lengths must be at most T = 6, got 7",
            input_lengths=np.array([6, 7, 5]),
        ),
        _refused(
            "a negative input length",
            ValueError,
            "input_lengths must be at least 0, got -1",
            input_lengths=np.array([6, -1, 5]),
        ),
        _refused(
            "a negative target length",
            ValueError,
            "target_lengths must be at least 0, got -2",
            target_lengths=np.array([3, -2, 1]),
        ),
        _refused(
            "too few lengths", ValueError, "input_lengths must have shape (N,) = (3,), got (2,)", input_lengths=(6, 4)
        ),
        _refused(
            "one length for a batch", ValueError, "target_lengths must have shape (N,) = (3,), got ()", target_lengths=3
        ),
        _refused(
            "floating lengths",
            TypeError,
            "input_lengths must be an integer array, got dtype float64",
            input_lengths=np.array([6.0, 4.0, 5.0]),
        ),
        _refused("a blank out of range", ValueError, "blank must be a class from 0 to 3, got 4", blank=4),
        _refused("a negative blank", ValueError, "blank must be a class from 0 to 3, got -1", blank=-1),
        _refused("a blank that is no integer", TypeError, "blank must be an integer, got 0.5", blank=0.5),
        _refused(
            "zero_infinity no truth value", TypeError, "zero_infinity must be True or False, got 1", zero_infinity=1
        ),
        _refused(
            "an unknown reduction",
            ValueError,
            "reduction must be one of 'none', 'mean', 'sum', got 'batchmean'",
            reduction="batchmean",
        ),
    ),
}
