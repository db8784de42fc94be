"""What the graph refuses, and in which words."""

import numpy as np
import pytest
from graph_values import leaf, op

import refimpl
from refimpl.graph import Value, apply


def refuse(error, message, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def twice_forward(x):
    return 2 * x, None


def test_refused_values():
    refuse(
        TypeError,
        "Value: data must be a floating-point array (float16, float32, float64), got dtype int64",
        lambda: Value(np.array([1, 2]), requires_grad=True),
    )
    refuse(
        TypeError,
        "Value: data must be a floating-point or an integer array, got dtype bool",
        lambda: Value(np.array([True])),
    )
    x = leaf([1, 2])
    refuse(
        ValueError, "Value: data must have shape of the value = (2,), got (3,)", lambda: setattr(x, "data", np.ones(3))
    )
    refuse(
        TypeError,
        "Value: data must keep the value's dtype float64, got float32",
        lambda: setattr(x, "data", np.ones(2, np.float32)),
    )
    refuse(
        TypeError,
        "Value: a value is no array; give it to apply(forward, backward, ...) or take its data",
        lambda: refimpl.relu_forward(x),
    )


def test_refused_backwards():
    x = leaf([1, 2])
    refuse(
        ValueError,
        "Value.backward: gradient must be given for a value of shape (2,), got None",
        lambda: (x * x).backward(),
    )
    refuse(
        ValueError,
        "Value.backward: gradient must have shape of the value = (2,), got (3,)",
        lambda: (x * x).backward(np.ones(3)),
    )
    refuse(
        ValueError,
        "Value.backward: the value must come from a leaf with requires_grad=True, got one that does not",
        lambda: Value(1.0).backward(),
    )


def test_refused_pairs():
    x = leaf([1, 2])
    refuse(
        TypeError,
        "apply: the arguments must fit linear_forward, got missing a required argument: 'weight'",
        lambda: op("linear", x),
    )
    refuse(TypeError, "apply: forward and backward must be functions, got 3 and 4", lambda: apply(3, 4, x))
    refuse(
        TypeError,
        "apply: <lambda> must return (output, cache), got ndarray",
        lambda: apply(lambda x: x, None.__eq__, x),
    )
    for backward, error, message in (
        (lambda g, _: g, TypeError, "Value.backward: twice's backward must return a dict, got ndarray"),
        (
            lambda g, _: {"y": g},
            ValueError,
            "Value.backward: twice's backward must give a gradient of x, got gradients of y; "
            "detach() what is to count as constant",
        ),
        (
            lambda g, _: {"x": g[:1]},
            ValueError,
            "Value.backward: twice's gradient of x must have shape of the argument = (2,), got (1,)",
        ),
        (
            lambda g, _: {"x": np.array([1, 2])},
            TypeError,
            "Value.backward: twice's gradient of x must be a floating-point array (float16, float32, float64), "
            "got dtype int64",
        ),
    ):
        before = leaf([1, 2])
        y = apply(twice_forward, backward, x) + before
        refuse(error, message, lambda y=y: y.backward([1.0, 1.0]))
        assert x.grad is None
        assert before.grad is None  # either all or none
