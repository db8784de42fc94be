"""linear_cross_entropy is linear followed by cross_entropy, however the rows are cut."""

import math

import numpy as np
import pytest

from refimpl import (
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_cross_entropy_backward,
    linear_cross_entropy_forward,
    linear_forward,
)
from refimpl.cases import CASES

rng = np.random.default_rng(0)


def two_steps(input, linear_weight, target, linear_bias=None, ignore_index=None, **options):
    """The output, and the gradients for a random grad_output, of the pairs of linear and cross_entropy."""
    classes, *inner = linear_weight.shape[:-1]
    flat_bias = None if linear_bias is None else linear_bias.reshape(-1)
    z, linear_cache = linear_forward(
        input, linear_weight.reshape(classes * math.prod(inner), input.shape[-1]), flat_bias
    )
    scores = z.reshape(*input.shape[:-1], classes, *inner)
    ignored = {} if ignore_index is None else {"ignore_index": ignore_index}
    output, cache = cross_entropy_forward(scores, target, **ignored, **options)
    g = rng.standard_normal(output.shape)
    gradients = cross_entropy_backward(g, cache)
    below = linear_backward(gradients.pop("input").reshape(z.shape), linear_cache)
    gradients["input"] = below["input"]
    gradients["linear_weight"] = below["weight"].reshape(linear_weight.shape)
    if linear_bias is not None:
        gradients["linear_bias"] = below["bias"].reshape(linear_bias.shape)
    return output, g, gradients


def assert_the_same(arguments, tolerance=1e-14):
    expected, g, expected_gradients = two_steps(**arguments)
    output, cache = linear_cross_entropy_forward(**arguments)
    np.testing.assert_allclose(output, expected, rtol=tolerance, atol=1e-300)
    gradients = linear_cross_entropy_backward(g, cache)
    assert set(gradients) == set(expected_gradients)
    for name, expected in expected_gradients.items():
        atol = tolerance * np.abs(expected).max(initial=0.0)
        np.testing.assert_allclose(gradients[name], expected, rtol=0, atol=atol, err_msg=name)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES["linear_cross_entropy"]])
def test_it_is_linear_and_cross_entropy(case):
    assert_the_same(case.arguments)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("inner", [(), (2, 3)])
@pytest.mark.parametrize("probabilities", [False, True])
def test_many_blocks_are_one(reduction, inner, probabilities):
    """61 rows of 7000 classes: blocks of at most 9 rows of input, the last one shorter."""
    classes = 7000 if not inner else 1200
    shape = (61, classes, *inner)
    labels = rng.integers(0, classes, (61, *inner))
    labels[::7] = -100
    target = rng.random(shape) / classes if probabilities else labels
    arguments = {
        "input": rng.standard_normal((61, 3)),
        "linear_weight": rng.standard_normal((classes, *inner, 3)),
        "linear_bias": rng.standard_normal((classes, *inner)),
        "weight": rng.uniform(0.5, 2, classes),
        "target": target,
        "label_smoothing": 0.1,
        "reduction": reduction,
    }
    assert_the_same(arguments, tolerance=1e-13)


def test_by_hand():
    """Rows (1, 0) and (0, 2) with W = log of ((1, 1), (3, 1)): the scores are log (1, 3) and log (1, 1)."""
    x, w = np.array([[1.0, 0.0], [0.0, 2.0]]), np.log([[1.0, 1.0], [3.0, 1.0]])
    loss, cache = linear_cross_entropy_forward(x, w, [0, 1])
    assert loss == pytest.approx((np.log(4) + np.log(2)) / 2, rel=1e-15)
    gradients = linear_cross_entropy_backward(2.0, cache)
    # p - onehot is (-3/4, 3/4) and (1/2, -1/2)
    np.testing.assert_allclose(gradients["linear_weight"], [[-3 / 4, 1], [3 / 4, -1]], rtol=1e-15)
    np.testing.assert_allclose(gradients["input"], [[3 / 4 * np.log(3), 0], [-np.log(3) / 2, 0]], rtol=1e-15)


def test_the_mean_of_nothing_is_nan():
    w = rng.standard_normal((3, 2))
    assert np.isnan(linear_cross_entropy_forward(np.zeros((0, 2)), w, np.zeros(0, dtype=int))[0])
    assert np.isnan(linear_cross_entropy_forward(np.zeros((2, 2)), w, [-100, -100])[0])
