"""The model that chains pairs: its gradients, what it is told, and what it refuses."""

import numpy as np
import pytest

import refimpl
from refimpl import Sequential, gradcheck

rng = np.random.default_rng(0)
X = rng.standard_normal((5, 3))
PARAMETERS = {
    "hidden": {"weight": rng.standard_normal((4, 3)), "bias": rng.standard_normal(4)},
    "output": {"weight": rng.standard_normal((2, 4)), "bias": rng.standard_normal(2)},
}
NETWORK = Sequential(
    {
        "hidden": (refimpl.linear_forward, refimpl.linear_backward),
        "activation": (refimpl.tanh_forward, refimpl.tanh_backward),
        "output": (refimpl.linear_forward, refimpl.linear_backward),
        "scores": (refimpl.log_softmax_forward, refimpl.log_softmax_backward, {"dim": 1}),
    }
)


def test_forward_chains_the_pairs():
    hidden = X @ PARAMETERS["hidden"]["weight"].T + PARAMETERS["hidden"]["bias"]
    expected = np.tanh(hidden) @ PARAMETERS["output"]["weight"].T + PARAMETERS["output"]["bias"]
    expected -= np.log(np.exp(expected).sum(axis=1, keepdims=True))
    output, _ = NETWORK.forward(X, PARAMETERS)
    np.testing.assert_allclose(output, expected, rtol=1e-14)


def test_backward_is_the_chain_of_backwards_by_hand():
    output, cache = NETWORK.forward(X, PARAMETERS)
    g = np.random.default_rng(1).standard_normal(output.shape)
    gradients = NETWORK.backward(g, cache)

    h, hidden_cache = refimpl.linear_forward(X, **PARAMETERS["hidden"])
    a, activation_cache = refimpl.tanh_forward(h)
    o, output_cache = refimpl.linear_forward(a, **PARAMETERS["output"])
    _, scores_cache = refimpl.log_softmax_forward(o, dim=1)
    grad_o = refimpl.log_softmax_backward(g, scores_cache)["input"]
    grad_output = refimpl.linear_backward(grad_o, output_cache)
    grad_h = refimpl.tanh_backward(grad_output["input"], activation_cache)["input"]
    grad_hidden = refimpl.linear_backward(grad_h, hidden_cache)

    assert list(gradients) == ["input", "parameters"]
    assert list(gradients["parameters"]) == ["hidden", "output"]
    np.testing.assert_array_equal(gradients["input"], grad_hidden["input"])
    for name, expected in (("hidden", grad_hidden), ("output", grad_output)):
        assert set(gradients["parameters"][name]) == {"weight", "bias"}
        for argument in ("weight", "bias"):
            np.testing.assert_array_equal(gradients["parameters"][name][argument], expected[argument])


def test_the_model_is_a_pair_itself():
    report = gradcheck(NETWORK.forward, NETWORK.backward, X, PARAMETERS)
    assert report.passed, str(report)
    assert len(report.arguments) == 5


def test_models_chain_as_layers_of_models():
    inner = Sequential({"linear": (refimpl.linear_forward, refimpl.linear_backward)})
    outer = Sequential(
        {"inner": (inner.forward, inner.backward), "activation": (refimpl.relu_forward, refimpl.relu_backward)}
    )
    parameters = {"inner": {"parameters": {"linear": {"weight": PARAMETERS["hidden"]["weight"]}}}}
    assert gradcheck(outer.forward, outer.backward, X, parameters).passed


def test_it_holds_nothing_between_calls():
    """Two forwards, then their backwards in the other order: each cache gives its own gradients."""
    other = {name: {key: 2 * value for key, value in layer.items()} for name, layer in PARAMETERS.items()}
    output, cache = NETWORK.forward(X, PARAMETERS)
    g = np.ones_like(output) * np.arange(2)
    alone = NETWORK.backward(g, cache)
    _, first = NETWORK.forward(X, PARAMETERS)
    _, second = NETWORK.forward(-X, other)
    NETWORK.backward(g, second)
    again = NETWORK.backward(g, first)
    np.testing.assert_array_equal(again["input"], alone["input"])
    np.testing.assert_array_equal(again["parameters"]["hidden"]["weight"], alone["parameters"]["hidden"]["weight"])


def halve_forward(x, p=0.5, training=False, *, rng=None):
    """A user's pair that drops elements when training."""
    mask = rng.random(x.shape) >= p if training else np.ones(x.shape)
    return x * mask, mask


def halve_backward(grad_output, mask):
    return {"x": grad_output * mask}


RANDOM = Sequential(
    {
        "hidden": (refimpl.linear_forward, refimpl.linear_backward),
        "first": (halve_forward, halve_backward, {"p": 0.4}),
        "second": (halve_forward, halve_backward, {"p": 0.4}),
    }
)


def test_training_and_rng_are_told_to_the_layers_that_take_them():
    parameters = {"hidden": PARAMETERS["hidden"]}
    still, _ = RANDOM.forward(X, parameters)
    once, cache = RANDOM.forward(X, parameters, training=True, rng=3)
    again, _ = RANDOM.forward(X, parameters, training=True, rng=3)
    other, _ = RANDOM.forward(X, parameters, training=True, rng=4)
    np.testing.assert_array_equal(once, again)
    assert (once == 0).any()
    assert not (still == 0).any()
    assert ((once == 0) != (other == 0)).any()
    assert (cache.caches[1] != cache.caches[2]).any()  # one seed, but each layer draws on
    assert gradcheck(RANDOM.forward, RANDOM.backward, X, parameters, training=True, rng=3).passed


def test_parameters_of_a_call_override_the_options():
    model = Sequential({"scores": (refimpl.softmax_forward, refimpl.softmax_backward, {"dim": 1})})
    output, _ = model.forward(X, {"scores": {"dim": 0}})
    np.testing.assert_allclose(output.sum(axis=0), 1)


def lookup_forward(input, table):
    return table[input], (input, table.shape)


def lookup_backward(grad_output, cache):
    input, shape = cache
    grad_table = np.zeros(shape)
    np.add.at(grad_table, input, grad_output)
    return {"table": grad_table}


def test_a_first_layer_without_gradient_of_its_input():
    model = Sequential(
        {"table": (lookup_forward, lookup_backward), "output": (refimpl.linear_forward, refimpl.linear_backward)}
    )
    words = np.array([0, 2, 2])
    parameters = {"table": {"table": rng.standard_normal((3, 4))}, "output": PARAMETERS["output"]}
    output, cache = model.forward(words, parameters)
    assert list(model.backward(np.ones_like(output), cache)) == ["parameters"]
    assert gradcheck(model.forward, model.backward, words, parameters).passed


def refuse(error, message, call):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message


def test_refused():
    linear = (refimpl.linear_forward, refimpl.linear_backward)
    model = Sequential({"a": linear, "b": linear})
    refuse(ValueError, "Sequential: layers must hold at least one pair, got none", lambda: Sequential({}))
    refuse(
        TypeError,
        "Sequential: layer a must be (forward, backward) or (forward, backward, options), got 3",
        lambda: Sequential({"a": 3}),
    )
    refuse(
        ValueError,
        "Sequential.forward: parameters must be named after layers (a, b), got c",
        lambda: model.forward(X, {"c": {}}),
    )
    refuse(
        ValueError,
        "Sequential.forward: parameters of layer a must be among weight, bias, got weights",
        lambda: model.forward(X, {"a": {"weights": X}}),
    )
    refuse(
        TypeError,
        "Sequential.forward: layer a must be given weight, got bias",
        lambda: model.forward(X, {"a": {"bias": X}}),
    )
    refuse(
        TypeError,
        "Sequential.backward: cache must be the SequentialCache that Sequential.forward returned, got tuple",
        lambda: model.backward(X, ()),
    )
    _, cache = NETWORK.forward(X, PARAMETERS)
    refuse(
        ValueError,
        "Sequential.backward: cache must come from a model with the layers a, b, "
        "got one of hidden, activation, output, scores",
        lambda: model.backward(X, cache),
    )
    weight = {"weight": np.ones((1, 3))}
    cut = Sequential(
        {"output": linear, "table": (lambda input, table: (table[:5], (np.arange(5), table.shape)), lookup_backward)}
    )
    output, cache = cut.forward(X, {"output": weight, "table": {"table": np.ones((5, 2))}})
    refuse(
        ValueError,
        "Sequential.backward: layer table must give a gradient of its input, got gradients of table",
        lambda: cut.backward(output, cache),
    )
