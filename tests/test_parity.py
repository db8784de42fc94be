"""PyTorch beside refimpl, live: in float64 and float32, on every case and on random inputs near it."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch_reference  # noqa: E402
from agreement import assert_agree, assert_pair_agrees  # noqa: E402
from catalog_cases import ALL, is_floating, random_like  # noqa: E402
from torch_adaptations import Adaptation  # noqa: E402

from refimpl import OPS, Op  # noqa: E402
from refimpl._structure import map_leaves  # noqa: E402
from refimpl.cases import CASES, case  # noqa: E402

DRAWS = 3
BOTH = [parameter for parameter in ALL if parameter.values[0].torch]
SHARED = [p for p in BOTH if not torch_reference.unevaluated(*p.values)]


def changed(op, case, change):
    """The case with `change(array, name)` applied to every floating array."""
    arguments = {
        name: map_leaves(lambda leaf, name=name: change(leaf, name) if is_floating(leaf) else leaf, value)
        for name, value in case.arguments.items()
    }
    return replace(case, arguments=arguments)


def nearby(array, rng):
    """Each row moved up to half the way to another row, and each entry up to a thousandth of the way to 0.

    Whatever an op demands of its rows (an interval, an order, a sum) holds for what lies between two of them.
    """
    if array.ndim and len(array) > 1:
        other = array[rng.permutation(len(array))]
        share = rng.uniform(0, 0.5, (len(array),) + (1,) * (array.ndim - 1))
        movable = np.isfinite(array) & np.isfinite(other)
        array = np.where(movable, array + share * (np.where(movable, other, 0) - np.where(movable, array, 0)), array)
    return np.asarray(array * (1 - rng.uniform(0, 1e-3, array.shape)))


def compare(op, case, seed):
    expected, theirs = torch_reference.forward(op, case)
    output, ours = op.forward(**case.arguments)
    grad_output = random_like(expected, seed)
    gradients = op.backward(grad_output, ours)
    assert_pair_agrees(op.name, case.name, output, gradients, expected, torch_reference.backward(grad_output, theirs))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "case"), SHARED)
def test_parity(op, case, dtype):
    compare(op, changed(op, case, lambda array, name: array.astype(dtype)), seed=0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("op", "case"), SHARED)
def test_parity_nearby(op, case, dtype):
    for seed in range(1, DRAWS + 1):
        rng = np.random.default_rng(seed)
        drawn = changed(op, case, lambda a, name, rng=rng: nearby(a, rng) if name in op.differentiable else a)
        compare(op, changed(op, drawn, lambda array, name: array.astype(dtype)), seed)


@pytest.mark.parametrize(("op", "case"), SHARED)
def test_gradients_are_given_for_the_arguments_that_pytorch_differentiates(op, case):
    """And for those alone, but for the ones that refimpl differentiates beyond PyTorch, by a row of ADAPTATIONS."""
    output, cache = op.forward(**case.arguments)
    keys = set(op.backward(random_like(output), cache))
    beyond = set(torch_reference.undifferentiated(op, case))
    assert beyond <= keys
    assert torch_reference.differentiated(op, case) == keys - beyond


def test_every_adaptation_is_used_and_needed():
    for adaptation in torch_reference.ADAPTATIONS:
        op = OPS[adaptation.op]
        samples = [case for case in CASES[op.name] if adaptation in torch_reference.adaptations_of(op, case)]
        assert samples, adaptation
        if adaptation.unevaluated:
            for sample in samples:
                assert cannot_be_evaluated(op, sample), sample.name


def cannot_be_evaluated(op, case):
    try:
        torch_reference.forward(op, case)
    except (RuntimeError, ValueError, TypeError):
        return True
    return False


# The reference itself: what a row of the catalog may bring that no op of the present table has.


def reference(row, sample):
    """PyTorch's output and gradients on a sample, for a grad_output of random numbers."""
    output, cache = torch_reference.forward(row, sample)
    grad_output = random_like(output)
    return output, grad_output, torch_reference.backward(grad_output, cache)


def row(name, *differentiable, torch):
    return Op(name, None, None, differentiable, (), f"{name}.md#{name}", torch)


def test_integer_outputs_take_no_gradient():
    pool = row("pool", "input", torch="torch.nn.functional.max_pool1d")
    x = np.array([[[1.0, 3.0, 2.0, 0.0]]])
    output, (g, none), gradients = reference(pool, case("pairs", input=x, kernel_size=2, return_indices=True))
    assert none is None
    assert_agree(output, (np.array([[[3.0, 2.0]]]), np.array([[[1, 2]]])))
    assert_agree(gradients, {"input": np.array([[[0.0, g[0, 0, 0], g[0, 0, 1], 0.0]]])})


def test_structures_of_arrays_get_gradients_of_their_form():
    stack = row("stack", "tensors", torch="torch.stack")
    _, g, gradients = reference(stack, case("two", tensors=[np.array([1.0, 2.0]), np.array([3.0, 4.0])], dim=1))
    assert_agree(gradients, {"tensors": [g[:, 0], g[:, 1]]})


def test_adaptations_change_the_call(monkeypatch):
    """A function of another form, an argument that PyTorch lacks, and an array that the output does not depend on."""
    scaled = row("scaled", "input", "weights", torch="torch.mul")
    sample = case(
        "sample",
        input=np.array([1.0, 2.0]),
        weights={"factor": np.array([3.0, 4.0]), "unused": np.ones(3), "index": np.array([1])},
        rng=0,
        dtype=np.float32,
    )

    def call(input, weights, dtype):
        assert dtype is torch.float32
        assert weights["index"].dtype is torch.int64
        return {"product": input * weights["factor"], "nothing": None}

    adaptation = Adaptation("scaled", "a test", call=call, without=("rng",))
    monkeypatch.setattr(torch_reference, "ADAPTATIONS", (adaptation,))
    output, grad_output, gradients = reference(scaled, sample)
    g = grad_output["product"]
    assert_agree(output, {"product": np.array([3.0, 8.0]), "nothing": None})
    assert_agree(gradients["input"], g * np.array([3.0, 4.0]))
    assert_agree(gradients["weights"], {"factor": g * np.array([1.0, 2.0]), "unused": np.zeros(3), "index": None})
    assert torch_reference.differentiated(scaled, sample) == {"input", "weights"}


def test_an_argument_without_a_gradient_must_be_declared(monkeypatch):
    first = row("first", "input", "other", torch="torch.mul")
    adaptation = Adaptation("first", "a test", call=lambda input, other: input * 2)
    sample = case("sample", input=np.ones(2), other=np.ones(2))
    monkeypatch.setattr(torch_reference, "ADAPTATIONS", (adaptation,))
    with pytest.raises(RuntimeError, match="PyTorch gives no gradient of other; ADAPTATIONS must say why"):
        reference(first, sample)
    assert torch_reference.differentiated(first, sample) == {"input"}
    declared = Adaptation("first", "it is ignored", undifferentiated=("other",))
    monkeypatch.setattr(torch_reference, "ADAPTATIONS", (adaptation, declared))
    assert set(reference(first, sample)[2]) == {"input"}
    assert torch_reference.undifferentiated(first, sample) == {"other": "it is ignored"}


def test_functions_that_write_to_their_arguments_leave_the_case_alone():
    norm = row("norm", "input", torch="torch.nn.functional.batch_norm")
    sample = case(
        "training", input=np.array([[1.0], [3.0]]), running_mean=np.zeros(1), running_var=np.ones(1), training=True
    )
    reference(norm, sample)
    assert_agree(sample.arguments["running_mean"], np.zeros(1))
    assert torch_reference.differentiated(norm, sample) == {"input"}


def test_what_cannot_be_evaluated_is_known_by_its_reason(monkeypatch):
    matmul = row("matmul", "input", "other", torch="torch.matmul")
    adaptation = Adaptation(
        "matmul", "a test", applies=lambda arguments: arguments["input"].ndim == 0, unevaluated=True
    )
    monkeypatch.setattr(torch_reference, "ADAPTATIONS", (adaptation,))
    number = case("a number", input=np.array(1.0), other=np.ones(2))
    rows = case("rows", input=np.ones((2, 2)), other=np.ones(2))
    assert torch_reference.unevaluated(matmul, number) == "a test"
    assert torch_reference.unevaluated(matmul, rows) == ""
    assert cannot_be_evaluated(matmul, number)
    assert not cannot_be_evaluated(matmul, rows)
