"""The loss of unaligned sequences against the enumeration of all alignments, and its gradient below log_softmax."""

import itertools

import numpy as np
import pytest

from refimpl import (
    ctc_loss_backward,
    ctc_loss_forward,
    gradcheck,
    log_softmax_backward,
    log_softmax_forward,
)
from refimpl.cases import CASES

rng = np.random.default_rng(0)


def merged(alignment, blank):
    """The labels that an alignment gives: repeated symbols merged, then blanks taken out."""
    return [symbol for symbol, _ in itertools.groupby(alignment) if symbol != blank]


def enumerated(log_probs, target, blank):
    """The loss of one sequence and the share of its alignments at each symbol, from all C^T alignments."""
    steps, classes = log_probs.shape
    total, shares = 0.0, np.zeros((steps, classes))
    for alignment in itertools.product(range(classes), repeat=steps):
        if merged(alignment, blank) == list(target):
            probability = np.exp(log_probs[np.arange(steps), list(alignment)].sum())
            total += probability
            shares[np.arange(steps), list(alignment)] += probability
    with np.errstate(all="ignore"):
        return -np.log(total), shares / total


@pytest.mark.parametrize(
    ("steps", "classes", "target", "blank"),
    [
        (6, 3, [1, 2], 0),
        (6, 3, [1, 1], 0),
        (5, 3, [1, 1, 2], 0),
        (5, 3, [0, 2, 0], 1),
        (5, 4, [3, 1, 1, 3], 2),
        (6, 3, [0, 1, 0, 0], 2),
        (4, 2, [1], 0),
        (4, 3, [], 0),
        (3, 4, [1, 2, 3], 0),
        (1, 4, [3], 0),
        (1, 1, [], 0),
    ],
)
def test_every_alignment_is_counted_once(steps, classes, target, blank):
    for log_probs in (rng.standard_normal((steps, classes)), -30 * rng.random((steps, classes))):
        expected, shares = enumerated(log_probs, target, blank)
        labels = np.array(target, dtype=int)
        loss, cache = ctc_loss_forward(log_probs, labels, steps, len(target), blank, reduction="sum")
        np.testing.assert_allclose(loss, expected, rtol=1e-13)
        gradient = ctc_loss_backward(1.0, cache)["log_probs"]
        np.testing.assert_allclose(gradient, np.exp(log_probs) - shares, rtol=1e-12, atol=1e-14)


def test_target_without_alignment_by_enumeration():
    """Two equal labels need a blank between them: three steps, and there are two."""
    log_probs = rng.standard_normal((2, 3))
    assert enumerated(log_probs, [1, 1], 0)[0] == np.inf
    loss, cache = ctc_loss_forward(log_probs, [1, 1], 2, 2)
    assert loss == np.inf
    assert np.isnan(ctc_loss_backward(1.0, cache)["log_probs"]).all()
    loss, cache = ctc_loss_forward(log_probs, [1, 1], 2, 2, zero_infinity=True)
    assert loss == 0
    np.testing.assert_array_equal(ctc_loss_backward(1.0, cache)["log_probs"], np.zeros((2, 3)))


# The gradient is that of the scores. Composed with log_softmax it must be the derivative, in every case.


def composed_forward(scores, options):
    log_probs, softmax_cache = log_softmax_forward(scores, dim=-1)
    loss, cache = ctc_loss_forward(log_probs, **options)
    return loss, (cache, softmax_cache)


def composed_backward(grad_output, caches):
    grad_log_probs = ctc_loss_backward(grad_output, caches[0])["log_probs"]
    return {"scores": log_softmax_backward(grad_log_probs, caches[1])["input"]}


def handed_on_backward(grad_output, caches):
    """What ctc_loss returns taken as the gradient of the scores, without log_softmax's backward."""
    return {"scores": ctc_loss_backward(grad_output, caches[0])["log_probs"]}


COMPOSED = [
    pytest.param(case, id=case.name) for case in CASES["ctc_loss"] if not case.departs.startswith("PyTorch returns NaN")
]


@pytest.mark.parametrize("backward", [composed_backward, handed_on_backward])
@pytest.mark.parametrize("case", COMPOSED)
def test_it_is_the_gradient_of_the_scores(case, backward):
    scores, *options = case.arguments.items()
    report = gradcheck(composed_forward, backward, scores[1], dict(options), wrt="scores")
    assert report.passed, str(report)


def test_adding_y_makes_it_the_derivative():
    """Without log_softmax: -q is what finite differences of log_probs see, that is the gradient less exp(log_probs)."""
    case = next(case for case in CASES["ctc_loss"] if case.name == "rows that are no distribution")

    def derivative(grad_output, cache):
        grad = ctc_loss_backward(grad_output, cache)["log_probs"]
        spoken = np.arange(6)[:, None] < case.arguments["input_lengths"]
        return {"log_probs": grad - (grad_output * spoken)[..., None] * np.exp(case.arguments["log_probs"])}

    report = gradcheck(ctc_loss_forward, derivative, **case.arguments)
    assert report.passed, str(report)


def test_rows_sum_to_zero_and_shares_to_one():
    log_probs = log_softmax_forward(rng.standard_normal((20, 3, 5)), dim=2)[0]
    _, cache = ctc_loss_forward(log_probs, [[1, 2, 3]] * 3, [20, 13, 7], [3, 0, 2], reduction="none")
    gradient = ctc_loss_backward(np.ones(3), cache)["log_probs"]
    np.testing.assert_allclose(gradient.sum(axis=2), 0, atol=2e-15)
    assert not gradient[13:, 1].any()
    assert not gradient[7:, 2].any()


def test_both_layouts_and_any_batch_are_the_same():
    log_probs, lengths = rng.standard_normal((9, 3, 4)), ([9, 7, 8], [3, 1, 2])
    padded = np.array([[1, 1, 2], [3, 0, 0], [2, 3, 0]])
    concatenated = np.array([1, 1, 2, 3, 2, 3])
    one, cache = ctc_loss_forward(log_probs, padded, *lengths, reduction="none")
    other, other_cache = ctc_loss_forward(log_probs, concatenated, *map(tuple, lengths), reduction="none")
    np.testing.assert_array_equal(one, other)
    g = rng.standard_normal(3)
    gradient = ctc_loss_backward(g, cache)["log_probs"]
    np.testing.assert_array_equal(gradient, ctc_loss_backward(g, other_cache)["log_probs"])
    for n in range(3):
        steps, labels = lengths[0][n], lengths[1][n]
        alone, cache = ctc_loss_forward(log_probs[:steps, n], padded[n, :labels], steps, labels, reduction="none")
        assert alone.shape == ()
        np.testing.assert_allclose(alone, one[n], rtol=1e-15)
        found = ctc_loss_backward(g[n], cache)["log_probs"]
        np.testing.assert_allclose(found, gradient[:steps, n], rtol=1e-13, atol=1e-15)


def test_the_mean_divides_by_the_target_length_and_never_by_0():
    log_probs = rng.standard_normal((5, 3, 4))
    arguments = log_probs, [1, 2, 2, 3], [5, 5, 4], [3, 0, 1]
    losses, _ = ctc_loss_forward(*arguments, reduction="none")
    mean, _ = ctc_loss_forward(*arguments)
    assert mean == pytest.approx((losses[0] / 3 + losses[1] + losses[2]) / 3, rel=1e-15)


def test_nothing_said_in_no_time():
    """No step has the one empty alignment, of probability 1: it gives the empty target and no other."""
    losses, cache = ctc_loss_forward(np.zeros((0, 2, 3)), [[1], [1]], [0, 0], [0, 1], reduction="none")
    np.testing.assert_array_equal(losses, [0, np.inf])
    assert not np.signbit(losses[0])
    assert ctc_loss_backward(np.ones(2), cache)["log_probs"].shape == (0, 2, 3)
    assert np.isnan(ctc_loss_forward(np.zeros((3, 0, 2)), np.zeros((0, 1), int), *np.zeros((2, 0), int))[0])


@pytest.mark.parametrize("target", [[0, 1], [1, 0], [0, 0], [1, 0, 1], [0]])
def test_a_label_that_is_the_blank(target):
    """It is one more symbol to pass, and the gradient is that of the scores wherever it stands.

    PyTorch returns this too, but where the last label is the blank: its gradient of the last step is then of neither
    convention.
    """
    options = {"targets": [target], "input_lengths": [6], "target_lengths": [len(target)], "reduction": "sum"}
    report = gradcheck(composed_forward, composed_backward, rng.standard_normal((6, 1, 3)), options, wrt="scores")
    assert report.passed, str(report)


def test_many_blocks_are_one():
    """More steps than one block of the backward holds, against the same sequence in pieces that share no symbol.

    After 200 steps that can only be the blank, and before 200 others, nothing of the middle changes.
    """
    silence = np.full((200, 2, 400), -np.inf)
    silence[:, :, 0] = 0
    middle = log_softmax_forward(rng.standard_normal((12, 2, 400)), dim=2)[0]
    arguments = [[5, 5, 7], [399, 1, 0]], [412, 412], [3, 2]
    losses, cache = ctc_loss_forward(np.concatenate([silence, middle, silence]), *arguments, reduction="none")
    expected, short_cache = ctc_loss_forward(middle, arguments[0], [12, 12], [3, 2], reduction="none")
    np.testing.assert_array_equal(losses, expected)
    gradient = ctc_loss_backward(np.ones(2), cache)["log_probs"]
    np.testing.assert_array_equal(gradient[200:212], ctc_loss_backward(np.ones(2), short_cache)["log_probs"])
    assert not gradient[:200].any()
    assert not gradient[212:].any()
