"""The graph's gradients are those of Sequential bit for bit, of finite differences, and of PyTorch."""

import numpy as np
import pytest
import random_programs
from graph_values import leaf

import refimpl
from refimpl import Sequential, gradcheck
from refimpl.graph import Value, apply, gradients_of, variables

LINEAR = (refimpl.linear_forward, refimpl.linear_backward)
MODELS = {
    "two layers": (
        {"a": LINEAR, "b": (refimpl.relu_forward, refimpl.relu_backward), "c": LINEAR},
        (5, 3),
        {"a": {"weight": (4, 3), "bias": (4,)}, "c": {"weight": (2, 4), "bias": (2,)}},
    ),
    "scores with options": (
        {
            "a": LINEAR,
            "b": (refimpl.gelu_forward, refimpl.gelu_backward, {"approximate": "tanh"}),
            "norm": (refimpl.layer_norm_forward, refimpl.layer_norm_backward, {"normalized_shape": (4,), "eps": 0.1}),
            "scores": (refimpl.log_softmax_forward, refimpl.log_softmax_backward, {"dim": 1}),
        },
        (5, 3),
        {"a": {"weight": (4, 3)}, "norm": {"weight": (4,), "bias": (4,)}},
    ),
    "convolutions": (
        {
            "conv": (refimpl.conv2d_forward, refimpl.conv2d_backward, {"padding": 1, "stride": 2}),
            "act": (refimpl.silu_forward, refimpl.silu_backward),
            "drop": (refimpl.dropout_forward, refimpl.dropout_backward, {"p": 0.3, "rng": 7}),
            "pool": (refimpl.max_pool2d_forward, refimpl.max_pool2d_backward, {"kernel_size": 2}),
            "flat": (refimpl.reshape_forward, refimpl.reshape_backward, {"shape": (2, 24)}),
            "out": LINEAR,
        },
        (2, 2, 7, 8),
        {"conv": {"weight": (6, 2, 3, 3), "bias": (6,)}, "out": {"weight": (3, 24), "bias": (3,)}},
    ),
    "thirty layers": (
        {
            f"{kind}{i}": LINEAR if kind == "linear" else (refimpl.tanh_forward, refimpl.tanh_backward)
            for i in range(30)
            for kind in ("linear", "tanh")
        },
        (3, 4),
        {f"linear{i}": {"weight": (4, 4), "bias": (4,)} for i in range(30)},
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_those_of_sequential_bit_for_bit(name, dtype):
    layers, shape, shapes = MODELS[name]
    draw = np.random.default_rng(1)
    x = draw.standard_normal(shape).astype(dtype)
    arrays = {
        layer: {key: draw.standard_normal(s).astype(dtype) for key, s in parts.items()}
        for layer, parts in shapes.items()
    }
    model = Sequential(layers)
    expected, cache = model.forward(x, arrays)
    g = draw.standard_normal(expected.shape).astype(dtype)
    by_hand = model.backward(g, cache)

    input, parameters = Value(x, requires_grad=True), variables(arrays)
    output = input
    for layer, (forward, backward, *options) in layers.items():
        output = apply(forward, backward, output, **dict(*options), **parameters.get(layer, {}))
    np.testing.assert_array_equal(output.data, expected)
    output.backward(g)
    np.testing.assert_array_equal(input.grad, by_hand["input"], strict=True)
    assert by_hand["parameters"].keys() == arrays.keys()
    for layer, gradients in by_hand["parameters"].items():
        for key, gradient in gradients.items():
            np.testing.assert_array_equal(parameters[layer][key].grad, gradient, strict=True)


def program_forward(leaves, steps):
    values = variables(list(leaves))
    loss = random_programs.run(random_programs.Graph, values, steps)
    return loss.data, (loss, values)


def program_backward(grad_output, cache):
    loss, values = cache
    for value in values:
        value.zero_grad()
    loss.backward(grad_output, retain_graph=True)
    return {"leaves": gradients_of(values)}


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_by_finite_differences(seed):
    leaves, steps = random_programs.program(seed, length=8)
    report = gradcheck(program_forward, program_backward, leaves, steps)
    assert report.passed, str(report)
    assert len(report.arguments) == len(leaves)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_by_pytorch(seed):
    torch = pytest.importorskip("torch")

    class Torch:
        tanh = staticmethod(torch.tanh)
        softmax = staticmethod(lambda a: torch.softmax(a, -1))
        join_and_split = staticmethod(lambda a, b: a * b)

    arrays, steps = random_programs.program(seed, length=25)
    values = variables(arrays)
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    ours, theirs = (random_programs.run(*run, steps) for run in ((random_programs.Graph, values), (Torch, tensors)))
    np.testing.assert_allclose(float(ours), theirs.item(), rtol=1e-12)
    for backward in (ours.backward, theirs.backward):  # twice: both add up
        backward(retain_graph=True)
        backward()
    for value, tensor in zip(values, tensors, strict=True):
        scale = float(tensor.grad.abs().max())
        np.testing.assert_allclose(value.grad, tensor.grad.numpy(), rtol=1e-11, atol=1e-12 * scale)


def test_pytorch_frees_and_adds_up_likewise():
    torch = pytest.importorskip("torch")
    for x, errors in ((leaf([1, 2]), ValueError), (torch.tensor([1.0, 2.0], requires_grad=True), RuntimeError)):
        y = x * x
        with pytest.raises(errors):  # no number, no gradient
            y.backward()
        y.sum().backward()
        with pytest.raises(RuntimeError, match="retain_graph=True"):
            y.sum().backward()
        (x * x).sum().backward()
        assert list(map(float, x.grad)) == [4, 8]
