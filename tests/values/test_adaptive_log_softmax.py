"""The adaptive softmax by its definition, row by row, and the two ops against each other."""

from typing import NamedTuple

import numpy as np
import pytest

from refimpl import (
    adaptive_log_softmax_log_prob_backward,
    adaptive_log_softmax_log_prob_forward,
    adaptive_log_softmax_with_loss_backward,
    adaptive_log_softmax_with_loss_forward,
)
from refimpl._structure import leaves
from refimpl.cases import CASES

rng = np.random.default_rng(0)
WITH_LOSS = [pytest.param(c.arguments, id=c.name) for c in CASES["adaptive_log_softmax_with_loss"]]


def probability(x, k, head_weight, tail_weights, n_classes, cutoffs, head_bias=0):
    """Of class k for one row: of the head's entry, times that within the cluster."""

    def softmax(scores):
        return np.exp(scores) / np.exp(scores).sum()

    head = softmax(head_weight @ x + head_bias)
    if k < cutoffs[0]:
        return head[k]
    ends = [*cutoffs[1:], n_classes]
    i = next(i for i, end in enumerate(ends) if k < end)
    projection, output = tail_weights[i]
    return head[cutoffs[0] + i] * softmax(output @ (projection @ x))[k - cutoffs[i]]


def without(arguments, *names):
    return {name: value for name, value in arguments.items() if name not in names}


@pytest.mark.parametrize("arguments", WITH_LOSS)
def test_each_target_by_the_definition(arguments):
    (y, loss), _ = adaptive_log_softmax_with_loss_forward(**arguments)
    model = without(arguments, "input", "target")
    rows, targets = np.atleast_2d(arguments["input"]), np.ravel(arguments["target"])
    expected = np.log([probability(x, k, **model) for x, k in zip(rows, targets, strict=True)])
    np.testing.assert_allclose(np.ravel(y), expected, rtol=1e-13)
    np.testing.assert_allclose(loss, -expected.mean(), rtol=1e-13)


@pytest.mark.parametrize(
    "arguments", [pytest.param(c.arguments, id=c.name) for c in CASES["adaptive_log_softmax_log_prob"]]
)
def test_all_classes_by_the_definition(arguments):
    y, _ = adaptive_log_softmax_log_prob_forward(**arguments)
    model = without(arguments, "input")
    for x, row in zip(np.atleast_2d(arguments["input"]), np.atleast_2d(y), strict=True):
        expected = [probability(x, k, **model) for k in range(arguments["n_classes"])]
        np.testing.assert_allclose(np.exp(row), expected, rtol=1e-13)
        np.testing.assert_allclose(np.exp(row).sum(), 1, rtol=1e-14)


@pytest.mark.parametrize("arguments", WITH_LOSS)
def test_the_loss_is_one_entry_of_each_row(arguments):
    """The loss's gradients are those of all log-probabilities, asked at the targets alone."""
    arguments = {**arguments, "target": np.asarray(arguments["target"], dtype=int)}
    (y, _), cache = adaptive_log_softmax_with_loss_forward(**arguments)
    every, every_cache = adaptive_log_softmax_log_prob_forward(**without(arguments, "target"))
    k = np.expand_dims(arguments["target"], -1)
    np.testing.assert_allclose(y, np.take_along_axis(every, k, -1)[..., 0], rtol=1e-15)
    of_y, of_loss = rng.standard_normal(y.shape), np.array(1.5)
    g = np.zeros_like(every)
    np.put_along_axis(g, k, np.expand_dims(of_y - of_loss / y.size, -1), -1)
    expected = dict(leaves(adaptive_log_softmax_log_prob_backward(g, every_cache)))
    found = dict(leaves(adaptive_log_softmax_with_loss_backward((of_y, of_loss), cache)))
    assert set(found) == set(expected)
    for path, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[path], rtol=0, atol=1e-14, err_msg=path)


def test_a_part_of_the_output_that_is_not_used_has_no_gradient():
    arguments = CASES["adaptive_log_softmax_with_loss"][1].arguments
    (y, _), cache = adaptive_log_softmax_with_loss_forward(**arguments)
    for without_one, with_zero in (
        ((None, np.array(2.0)), (np.zeros_like(y), np.array(2.0))),
        ((np.ones_like(y), None), (np.ones_like(y), np.array(0.0))),
        ([np.ones_like(y), None], (np.ones_like(y), np.array(0.0))),
    ):
        found, expected = (
            dict(leaves(adaptive_log_softmax_with_loss_backward(g, cache))) for g in (without_one, with_zero)
        )
        for path, gradient in found.items():
            np.testing.assert_array_equal(gradient, expected[path], err_msg=path)


@pytest.mark.parametrize("grad_output", [np.ones(4), 1.0, (np.ones(4),)])
def test_a_grad_output_of_one_part_is_refused(grad_output):
    _, cache = adaptive_log_softmax_with_loss_forward(**CASES["adaptive_log_softmax_with_loss"][0].arguments)
    with pytest.raises(TypeError) as caught:
        adaptive_log_softmax_with_loss_backward(grad_output, cache)
    assert str(caught.value) == (
        "adaptive_log_softmax_with_loss_backward: grad_output must be (of y, of loss) as output is, "
        f"got {type(grad_output).__name__}"
    )


def test_clusters_that_no_target_enters_get_zeros():
    arguments = CASES["adaptive_log_softmax_with_loss"][0].arguments
    arguments = {**arguments, "input": arguments["input"][:2], "target": np.array([1, 4])}
    _, cache = adaptive_log_softmax_with_loss_forward(**arguments)
    first, second = adaptive_log_softmax_with_loss_backward((None, 1.0), cache)["tail_weights"]
    assert all(np.any(gradient != 0) for gradient in first)
    assert all(np.all(gradient == 0) for gradient in second)


class Pair(NamedTuple):
    projection: np.ndarray
    output: np.ndarray


def test_the_gradient_comes_in_the_containers_of_the_tail():
    """Lists where those are lists, tuples where they are tuples, which may have names."""
    arguments = without(CASES["adaptive_log_softmax_log_prob"][0].arguments, "tail_weights")
    pairs = CASES["adaptive_log_softmax_log_prob"][0].arguments["tail_weights"]
    for tails, kinds in (
        ([list(pair) for pair in pairs], (list, list, list)),
        (tuple(tuple(pair) for pair in pairs), (tuple, tuple, tuple)),
        ([Pair(*pairs[0]), list(pairs[1])], (list, tuple, list)),
    ):
        y, cache = adaptive_log_softmax_log_prob_forward(tail_weights=tails, **arguments)
        gradient = adaptive_log_softmax_log_prob_backward(np.ones_like(y), cache)["tail_weights"]
        assert (type(gradient), *(type(pair) for pair in gradient)) == kinds
        assert [[g.shape for g in pair] for pair in gradient] == [[w.shape for w in pair] for pair in tails]


def test_the_mean_of_nothing_is_nan():
    arguments = CASES["adaptive_log_softmax_with_loss"][0].arguments
    arguments = {**arguments, "input": np.zeros((0, 4)), "target": np.zeros(0, dtype=int)}
    (y, loss), cache = adaptive_log_softmax_with_loss_forward(**arguments)
    assert y.shape == (0,)
    assert np.isnan(loss)
    gradients = adaptive_log_softmax_with_loss_backward((np.zeros(0), np.array(1.0)), cache)
    assert all(np.all(gradient == 0) for _, gradient in leaves(gradients))


def test_by_hand():
    """Scores of the head (log 2, 0, 0) and of the cluster (log 3, 0): 1/2, 1/4 and 1/4 times (3/4, 1/4)."""
    arguments = {
        "input": [[1.0], [1.0]],
        "head_weight": np.log([[2.0], [1], [1]]),
        "tail_weights": [(np.ones((1, 1)), np.log([[3.0], [1]]))],
        "n_classes": 4,
        "cutoffs": [2],
    }
    every, _ = adaptive_log_softmax_log_prob_forward(**arguments)
    np.testing.assert_allclose(np.exp(every[0]), [1 / 2, 1 / 4, 3 / 16, 1 / 16], rtol=1e-15)
    (y, loss), cache = adaptive_log_softmax_with_loss_forward(target=[0, 3], **arguments)
    np.testing.assert_allclose(y, np.log([1 / 2, 1 / 16]), rtol=1e-15)
    np.testing.assert_allclose(loss, 5 / 2 * np.log(2), rtol=1e-15)
    gradients = adaptive_log_softmax_with_loss_backward((None, 2.0), cache)
    # softmax - onehot: (-1/2, 1/4, 1/4) and (1/2, 1/4, -3/4) in the head, (3/4, -3/4) in the cluster
    np.testing.assert_allclose(gradients["head_weight"], [[0], [1 / 2], [-1 / 2]], rtol=0, atol=1e-15)
    np.testing.assert_allclose(gradients["tail_weights"][0][1], [[3 / 4], [-3 / 4]], rtol=1e-15)
    np.testing.assert_allclose(gradients["tail_weights"][0][0], [[3 / 4 * np.log(3)]], rtol=1e-15)
    expected = [-np.log(2) / 2, np.log(2) / 2 + 3 / 4 * np.log(3)]
    np.testing.assert_allclose(gradients["input"][:, 0], expected, rtol=1e-14)
