"""Pairs as functions of PyTorch, and functions of PyTorch held against the catalog."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from catalog_cases import assert_identical, is_floating, random_like  # noqa: E402

import refimpl.interop.torch as interop  # noqa: E402
from refimpl import OPS  # noqa: E402
from refimpl._structure import leaves, map_leaves  # noqa: E402
from refimpl.cases import CASES  # noqa: E402
from refimpl.gradcheck.catalog_check import given  # noqa: E402

F = torch.nn.functional
FEW = [pytest.param(OPS[name], case, id=f"{name}-{case.name}") for name in OPS for case in CASES[name][:2]]


def tensors_of(op, case):
    wanted = given(op, case)

    def convert(name):
        def tensor(leaf):
            if not isinstance(leaf, np.ndarray):
                return leaf
            return torch.tensor(leaf).requires_grad_(name in wanted and is_floating(leaf))

        return tensor

    return {name: map_leaves(convert(name), value) for name, value in case.arguments.items()}


@pytest.mark.parametrize(("op", "case"), FEW)
def test_every_op_gives_its_own_numbers(op, case):
    arguments = tensors_of(op, case)
    output, cache = op.forward(**case.arguments)
    found = interop.function(op.name)(**arguments)
    assert_identical(map_leaves(lambda y: y.detach().numpy(), found), output)
    grad_output = random_like(output)
    expected = op.backward(grad_output, cache)
    through = [(y, torch.tensor(g)) for (p, g) in leaves(grad_output) for y in [dict(leaves(found))[p]]]
    torch.autograd.backward([y for y, _ in through], [g for _, g in through])
    gradients = {name: map_leaves(lambda x: getattr(x, "grad", None), arguments[name]) for name in expected}
    assert_identical(map_leaves(lambda g: g.numpy(), gradients), expected)


SPREAD = ["cross_entropy", "layer_norm", "conv2d", "lstm", "max_pool2d", "concatenate", "gelu", "bilinear", "embedding"]


@pytest.mark.parametrize("name", SPREAD)
def test_passes_pytorchs_own_gradcheck(name):
    op, sample = OPS[name], next(c for c in CASES[name] if given(OPS[name], c) and not c.departs and not c.at_kink)
    arguments = tensors_of(op, sample)
    inputs = [leaf for value in arguments.values() for _, leaf in leaves(value) if isinstance(leaf, torch.Tensor)]

    def call(*tensors):
        given_tensors = iter(tensors)
        filled = map_leaves(lambda x: next(given_tensors) if isinstance(x, torch.Tensor) else x, arguments)
        output = interop.function(name)(**filled)
        return tuple(y for _, y in leaves(output) if y.is_floating_point())

    assert torch.autograd.gradcheck(call, inputs)


def test_a_model_learns():
    class Classifier(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.out = torch.nn.Linear(4, 8), torch.nn.Linear(8, 3)

        def forward(self, x):
            linear, tanh = interop.function("linear"), interop.function("tanh")
            return linear(tanh(linear(x, self.hidden.weight, self.hidden.bias)), self.out.weight, self.out.bias)

    torch.manual_seed(0)
    model, x, labels = Classifier(), torch.randn(16, 4), torch.arange(16) % 3
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = interop.function("cross_entropy")(model(x), labels)
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 < 1 < losses[0]
    assert all(p.grad.dtype is torch.float32 for p in model.parameters())


def test_the_weights_of_a_module_as_a_structure():
    net = torch.nn.LSTM(3, 4, num_layers=2, dtype=torch.float64)
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    expected, (h, _) = net(x)
    weights = dict(net.named_parameters())
    y, (h_n, _) = interop.function("lstm")(x, weights, num_layers=2)
    torch.testing.assert_close((y, h_n), (expected, h))
    mine = torch.autograd.grad(y.sum() + h_n.square().sum(), list(weights.values()))
    torch.testing.assert_close(mine, torch.autograd.grad(expected.sum() + h.square().sum(), list(weights.values())))


def cube_forward(x, y=None):
    return x**3 if y is None else x**3 * y, (x, y)


def cube_backward(grad_output, cache):
    x, y = cache
    return grad_output * 3 * x**2 if y is None else (grad_output * 3 * x**2 * y, grad_output * x**3)


def test_a_pair_of_ones_own():
    cube = interop.as_function(cube_forward, cube_backward)
    x, y = (torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in ([1.0, -2.0], [3.0, 0.5]))
    assert torch.autograd.gradcheck(cube, (x,))
    assert torch.autograd.gradcheck(cube, (x, y))
    assert cube.__name__ == "cube"


def test_gradients_are_computed_and_caches_kept_only_where_asked():
    asked = []

    def backward(grad_output, cache):
        asked.append(cache)
        return cube_backward(grad_output, cache)

    cube = interop.as_function(cube_forward, backward)
    x = torch.ones(2, requires_grad=True)
    assert cube(torch.ones(2)).grad_fn is None
    with torch.no_grad():
        assert cube(x).grad_fn is None
    y = cube(x, torch.ones(2))
    assert not asked
    y.sum().backward()
    assert len(asked) == 1


def test_an_integer_output_carries_no_gradient():
    x = torch.tensor([[1.0, 3.0, 2.0, 0.0]], requires_grad=True)
    y, indices = interop.function("max_pool1d")(x, 2, return_indices=True)
    assert (y.requires_grad, indices.requires_grad, indices.dtype) == (True, False, torch.int64)
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0, 1.0, 0.0]]


def test_dtypes_of_pytorch_as_options():
    y = interop.function("softmax")(torch.ones(2, 3), -1, dtype=torch.float64)
    assert y.dtype is torch.float64


def test_what_is_returned_has_memory_of_its_own():
    first = interop.as_function(lambda x, y: (x, None), lambda grad_output, cache: (grad_output, grad_output))
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    z = first(x, y)
    z.detach().zero_()
    assert x.tolist() == [1.0, 1.0]
    ones = torch.ones(2)
    z.backward(ones)
    x.grad.zero_()
    assert (y.grad.tolist(), ones.tolist()) == ([1.0, 1.0], [1.0, 1.0])


def test_an_argument_written_to_before_backward_is_noticed():
    x = torch.ones(2, requires_grad=True)
    moved = x * 2
    y = interop.function("silu")(moved)
    moved.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_gradients_of_gradients_are_refused():
    x = torch.ones(2, requires_grad=True)
    (grad,) = torch.autograd.grad(interop.function("tanh")(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"^tanh: a gradient of its gradients was asked for, and backward has none$"):
        (grad.sum() + x.square().sum()).backward()


@pytest.mark.parametrize(
    ("tensor", "error", "message"),
    [
        (
            torch.ones(2, device="meta"),
            ValueError,
            r"^relu: input must be on the CPU, where NumPy computes, got a tensor ",
        ),
        (
            torch.ones(2, dtype=torch.bfloat16),
            TypeError,
            r"^relu: input must have a dtype that NumPy has too, got torch.b",
        ),
        (torch.ones(2).to_sparse(), ValueError, r"^relu: input must be a dense tensor, got layout torch.sparse_coo$"),
        (torch.ones(2, dtype=torch.int64), TypeError, r"^relu_forward: input must be a floating-point array"),
    ],
    ids=["device", "dtype", "layout", "integers"],
)
def test_tensors_that_are_refused(tensor, error, message):
    with pytest.raises(error, match=message):
        interop.function("relu")(tensor)


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"^function: name must be that of an op in refimpl.OPS, got 'reluu'$"):
        interop.function("reluu")
    with pytest.raises(TypeError, match=r"^relu: the arguments must fit relu_forward, got missing a required argument"):
        interop.function("relu")()
    weight = torch.ones(3, requires_grad=True)
    loss = interop.function("nll_loss")(torch.ones(2, 3), torch.tensor([0, 2]), weight)
    with pytest.raises(ValueError, match=r"^nll_loss: there is no gradient of weight, got one asked for$"):
        loss.backward()


# compare


class FusedCrossEntropy(torch.autograd.Function):
    """Softmax and loss in one, with gradients that are FACTOR times too large."""

    factor = 1.0

    @staticmethod
    def forward(ctx, scores, labels):
        if scores.ndim != 2 or labels.ndim != 1:
            raise NotImplementedError("batches of rows alone")
        p = torch.softmax(scores, 1)
        ctx.save_for_backward(p, labels)
        return -torch.log(p[torch.arange(len(labels)), labels]).mean()

    @staticmethod
    def backward(ctx, grad_output):
        p, labels = ctx.saved_tensors
        grad = p.clone()
        grad[torch.arange(len(labels)), labels] -= 1
        return FusedCrossEntropy.factor * grad_output * grad / len(labels), None


PLAIN = ["classes, unweighted, smoothing 0.0, mean"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_kernel_passes(dtype):
    report = interop.compare(FusedCrossEntropy.apply, "cross_entropy", dtype=dtype, cases=PLAIN)
    assert report.passed
    assert bool(report)
    assert [entry.array for entry in report.arrays] == ["output", "input"]
    assert all(entry.ulps < 100 for entry in report.arrays)
    assert str(report).startswith(f"FusedCrossEntropy beside cross_entropy in {dtype}: pass, at a tolerance of 1e-")


@pytest.mark.parametrize(("dtype", "eps"), [("float64", 2.0**-52), ("float32", 2.0**-23)])
def test_a_wrong_kernel_is_found_with_the_right_figures(monkeypatch, dtype, eps):
    monkeypatch.setattr(FusedCrossEntropy, "factor", 1 + 2.0**-10)
    report = interop.compare(FusedCrossEntropy.apply, "cross_entropy", dtype=dtype, cases=PLAIN)
    output, gradient = report.arrays
    assert (output.verdict, gradient.verdict) == ("pass", "fail")
    assert report.failures == (gradient,)
    assert not report.passed
    assert gradient.difference == pytest.approx(2.0**-10, rel=1e-3)
    assert 2.0**-10 / eps * 0.99 < gradient.ulps < 2 * 2.0**-10 / eps * 1.01  # an ulp is eps / 2 to eps of a number
    assert "fail  case 'classes, unweighted, smoothing 0.0, mean': input[" in str(report)
    assert interop.compare(FusedCrossEntropy.apply, "cross_entropy", cases=PLAIN, tolerance=1e-2).passed


def test_single_precision_is_held_against_double():
    """What is computed in float64 and rounded once is half an ulp off, or a little more where it was rounded twice."""
    gelu = interop.function("gelu")
    report = interop.compare(lambda input, **options: gelu(input.double(), **options).float(), "gelu", dtype="float32")
    assert report
    assert 0.4 < max(entry.ulps for entry in report.arrays) <= 0.5001


def test_what_raises_is_reported_and_what_does_not_fit_left_out():
    report = interop.compare(FusedCrossEntropy.apply, "cross_entropy")
    assert not report.passed
    assert any(entry.verdict == "pass" for entry in report.arrays)
    single = next(entry for entry in report.arrays if entry.case == "a single row without a batch")
    assert (single.verdict, single.array) == ("fail", "output")
    assert single.message == "raised NotImplementedError: batches of rows alone"
    assert "classes, weighted, smoothing 0.0, mean" in report.left_out
    assert len(report.left_out) + len({entry.case for entry in report.arrays}) == len(CASES["cross_entropy"])
    assert f"{len(report.left_out)} cases left out, with arguments that it does not take" in str(report)


def test_a_gradient_that_is_refused_alone_leaves_the_others_judged():
    report = interop.compare(F.cross_entropy, "cross_entropy", cases=["classes, weighted, smoothing 0.0, mean"])
    assert {entry.array: entry.verdict for entry in report.arrays} == {
        "output": "pass",
        "input": "pass",
        "weight": "fail",
    }
    assert "not differentiable with respect to argument 'weight'" in report.failures[0].message
    assert interop.compare(F.cross_entropy, "cross_entropy", dtype="float32", wrt=("input", "target")).passed


def test_another_slope_at_a_kink_is_no_failure():
    report = interop.compare(lambda input: torch.where(input >= 0, input, 0), "relu")
    conventions = [entry for entry in report.arrays if entry.verdict == "convention"]
    assert report.passed
    assert conventions
    assert all(c.at_kink for c in CASES["relu"] if c.name in {entry.case for entry in conventions})
    assert "at a kink" in conventions[0].message


def test_another_gradient_where_the_op_departs_is_no_failure(monkeypatch):
    departing = [c for c in CASES["ctc_loss"] if c.departs]
    derivative = interop.as_function(OPS["ctc_loss"].forward, lambda g, cache: {"log_probs": 0 * cache.log_probs})
    report = interop.compare(derivative, "ctc_loss", cases=[departing[0].name])
    assert {entry.verdict for entry in report.arrays if entry.array == "log_probs"} == {"convention"}


def test_structures_integers_and_functions_without_a_signature():
    assert interop.compare(interop.function("lstm"), "lstm")
    assert interop.compare(F.max_pool2d, "max_pool2d", dtype="float32")
    assert interop.compare(F.linear, "linear", dtype="float32", cases=[c.name for c in CASES["linear"]][:3])


def test_wrong_forms_are_failures():
    one = [CASES["relu"][0].name]
    for wrong, message in [
        (lambda input: input.sum(), "has shape ()"),
        (lambda input: (input, input), "another structure"),
        (lambda input: torch.relu(input).long(), "has dtype int64"),
        (lambda input: torch.relu(input) * torch.nan, "is nan, must be"),
        (lambda input: torch.relu(input.detach()), ""),
    ]:
        report = interop.compare(wrong, "relu", cases=one)
        assert not report.passed, message
        assert message in report.failures[0].message


def test_nothing_compared_is_not_passed():
    report = interop.compare(lambda a, b, c, d: a, "relu")
    assert not report.passed
    assert not report.arrays
    assert "there was nothing to compare" in str(report)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, r"^compare: dtype must be 'float64' or 'float32', got 'float16'$"),
        ({"wrt": "eps"}, r"^compare: wrt must name arguments that relu differentiates, got 'eps'$"),
        ({"cases": ["none"]}, r"^compare: cases must be names of cases of relu, got 'none'$"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=message):
        interop.compare(F.relu, "relu", **options)


SAMPLES = [name for name in OPS if not {"rng", "distance_function"} & set(OPS[name].constant)]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", SAMPLES[::4])
def test_ops_as_functions_pass_beside_themselves(name, dtype):
    report = interop.compare(interop.function(name), name, dtype=dtype)
    assert report, str(report)
