"""Pairs as functions of JAX, and functions of JAX held against the catalog."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

from catalog_cases import assert_identical, is_floating, random_like  # noqa: E402

import refimpl.interop.jax as interop  # noqa: E402
from refimpl import OPS  # noqa: E402
from refimpl._structure import leaves, map_leaves  # noqa: E402
from refimpl.cases import CASES  # noqa: E402
from refimpl.gradcheck.catalog_check import given  # noqa: E402

jnp = jax.numpy
RNG = np.random.default_rng(0)
SCORES, LABELS = RNG.standard_normal((4, 3)), np.array([0, 1, 2, 1])
SPREAD = [
    *(
        "batch_norm",
        "bilinear",
        "concatenate",
        "conv2d",
        "cross_entropy",
        "dropout",
        "einsum",
        "embedding",
        "gelu",
        "gru",
    ),
    *("interpolate", "kl_div", "layer_norm", "lstm", "lstm_cell", "max_pool2d", "pad", "scaled_dot_product_attention"),
    *("softmax", "triplet_margin_loss", "unfold"),
]


@pytest.fixture(autouse=True)
def double():
    """Each test in float64, unless it says otherwise."""
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def bound(op, case):
    """The op at the case as a function of the arrays that it differentiates, those arrays, and its own answers."""
    wanted = given(op, case)
    arrays = [leaf for name in wanted for _, leaf in leaves(case.arguments[name]) if is_floating(leaf)]

    def call(*traced):
        flat = iter(traced)
        arguments = {
            name: map_leaves(lambda x: next(flat) if is_floating(x) else x, value) if name in wanted else value
            for name, value in case.arguments.items()
        }
        return interop.function(op.name)(**arguments)

    output, cache = op.forward(**case.arguments)
    grad_output = random_like(output)
    gradients = op.backward(grad_output, cache)
    expected = [g for name in wanted for _, g in leaves(gradients[name])]
    cotangents = dict(leaves(grad_output))
    flat = iter([cotangents.get(path, np.zeros(y.shape, jax.dtypes.float0)) for path, y in leaves(output)])
    return call, arrays, output, map_leaves(lambda _: next(flat), output), expected


@pytest.mark.parametrize("compiled", [False, True], ids=["", "jit"])
@pytest.mark.parametrize("name", SPREAD)
def test_ops_give_their_own_numbers(name, compiled):
    op = OPS[name]
    case = next(c for c in reversed(CASES[name]) if given(op, c))
    call, arrays, output, grad_output, expected = bound(op, case)
    found, pull = jax.vjp(jax.jit(call) if compiled else call, *arrays)
    assert_identical(map_leaves(np.asarray, found), output)
    assert_identical([np.asarray(g) for g in pull(grad_output)], expected)


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_its_forms_under_jit(name):
    """All arrays unknown: the shapes and dtypes are told from theirs."""
    case = CASES[name][0]
    arrays = [leaf for value in case.arguments.values() for _, leaf in leaves(value) if isinstance(leaf, np.ndarray)]

    def call(*traced):
        flat = iter(traced)
        arguments = {
            key: map_leaves(lambda x: next(flat) if isinstance(x, np.ndarray) else x, value)
            for key, value in case.arguments.items()
        }
        return interop.function(name)(**arguments)

    forms = map_leaves(lambda y: (str(y.shape), str(y.dtype)), jax.eval_shape(call, *arrays))
    output, _ = OPS[name].forward(**case.arguments)
    assert forms == map_leaves(lambda y: (str(y.shape), str(y.dtype)), output)


def test_inside_a_function_of_jax():
    linear, tanh, cross_entropy = (interop.function(name) for name in ("linear", "tanh", "cross_entropy"))
    parameters = {"hidden": RNG.standard_normal((5, 3)), "out": RNG.standard_normal((3, 5))}

    def ours(p):
        return 2 * cross_entropy(linear(jnp.sin(tanh(linear(jnp.asarray(SCORES), p["hidden"]))), p["out"]), LABELS)

    def theirs(p):
        scores = jnp.sin(jnp.tanh(SCORES @ p["hidden"].T)) @ p["out"].T
        return -2 * jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(4), LABELS])

    expected = jax.value_and_grad(theirs)(parameters)
    for value_and_grad in (jax.value_and_grad(ours), jax.jit(jax.value_and_grad(ours))):
        value, gradients = value_and_grad(parameters)
        np.testing.assert_allclose(value, expected[0], rtol=1e-13)
        for name, gradient in gradients.items():
            np.testing.assert_allclose(gradient, expected[1][name], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("compiled", [False, True], ids=["", "jit"])
def test_vmap_is_each_entry_by_itself(compiled):
    cross_entropy = interop.function("cross_entropy")
    batched = jax.vmap(jax.value_and_grad(cross_entropy))
    values, gradients = (jax.jit(batched) if compiled else batched)(SCORES, LABELS)
    for i in range(len(SCORES)):
        value, gradient = jax.value_and_grad(cross_entropy)(SCORES[i], LABELS[i])
        np.testing.assert_array_equal(values[i], value)
        np.testing.assert_array_equal(gradients[i], gradient)


def cube_forward(x, y):
    return {"z": x**3 * y, "a": x}, (x, y)


def cube_backward(grad_output, cache):
    x, y = cache
    return grad_output["z"] * 3 * x**2 * y + grad_output["a"], grad_output["z"] * x**3


@pytest.mark.parametrize("compiled", [False, True], ids=["", "jit"])
def test_a_pair_of_ones_own(compiled):
    cube = interop.as_function(cube_forward, cube_backward)

    def loss(x, y):
        output = cube(x, y)
        return (output["z"] + 2 * output["a"]).sum()

    grad = jax.grad(loss, argnums=(0, 1))
    x, y = np.array([1.0, -2.0]), np.array([3.0, 0.5])
    for_x, for_y = (jax.jit(grad) if compiled else grad)(x, y)
    np.testing.assert_array_equal(for_x, 3 * x**2 * y + 2)
    np.testing.assert_array_equal(for_y, x**3)
    only_y = (jax.jit if compiled else lambda f: f)(jax.grad(loss, argnums=1))(x, y)
    np.testing.assert_array_equal(only_y, x**3)


def test_arguments_without_a_gradient_may_be_unknown_too():
    weight = np.array([1.0, 2.0, 0.5])
    found = jax.jit(jax.grad(interop.function("nll_loss")))(SCORES, LABELS, weight)
    _, cache = OPS["nll_loss"].forward(SCORES, LABELS, weight)
    np.testing.assert_array_equal(found, OPS["nll_loss"].backward(1.0, cache)["input"])


def test_dtypes_are_those_of_jax():
    softmax = interop.function("softmax")
    assert softmax(SCORES, -1).dtype == np.float64
    assert softmax(SCORES.astype(np.float16), -1).dtype == np.float16
    jax.config.update("jax_enable_x64", False)
    assert softmax(SCORES, -1).dtype == np.float32
    assert jax.jit(lambda x: softmax(x, -1, dtype=np.float64))(SCORES).dtype == np.float32
    assert jax.grad(lambda x: interop.function("cross_entropy")(x, LABELS))(SCORES).dtype == np.float32
    assert interop.compare(interop.function("softmax"), "softmax", dtype="float32")
    with pytest.raises(
        ValueError, match=r"^compare: dtype 'float64' must be enabled in JAX.*got jax_enable_x64 = False$"
    ):
        interop.compare(jax.nn.relu, "relu")


def test_large_arrays_under_jit():
    x = np.linspace(-3, 3, 2_000_000)
    total, grad = jax.jit(jax.value_and_grad(lambda x: interop.function("tanh")(x).sum()))(x)
    assert abs(total) < 1e-6
    np.testing.assert_allclose(grad, 1 - np.tanh(x) ** 2, rtol=1e-9)


def test_random_ops_take_a_seed():
    dropout = interop.function("dropout")
    x = np.ones(50)
    y, pull = jax.vjp(jax.jit(lambda x: dropout(x, rng=3)), x)
    np.testing.assert_array_equal(y, pull(x)[0])  # one mask for both
    np.testing.assert_array_equal(y, OPS["dropout"].forward(x, rng=3)[0])
    with pytest.raises(
        TypeError, match=r"^dropout: rng must be an integer seed, since the gradient draws again, got a "
    ):
        dropout(x, rng=np.random.default_rng(0))


def test_misuse_is_refused():
    with pytest.raises(ValueError, match=r"^function: name must be that of an op in refimpl.OPS, got 'reluu'$"):
        interop.function("reluu")
    with pytest.raises(TypeError, match=r"^relu: the arguments must fit relu_forward, got missing a required argument"):
        interop.function("relu")()
    with pytest.raises(TypeError, match=r"^relu: input must have dtype float16, float32 or float64, got bfloat16$"):
        interop.function("relu")(jnp.ones(2, jnp.bfloat16))
    with pytest.raises(TypeError, match=r"^relu_forward: input must be a floating-point array"):
        jax.jit(interop.function("relu"))(LABELS)
    with pytest.raises(ValueError, match=r"(?m)^nll_loss: there is no gradient of weight, got one asked for$"):
        jax.grad(lambda w: interop.function("nll_loss")(SCORES, LABELS, w))(np.ones(3))


@pytest.mark.parametrize("compiled", [False, True], ids=["", "jit"])
def test_gradients_of_gradients_are_refused(compiled):
    first = jax.grad(lambda x: interop.function("tanh")(x).sum())
    with pytest.raises(
        TypeError, match=r"(?m)^tanh: a gradient of its gradients was asked for, and backward has none$"
    ):
        jax.grad(lambda x: (jax.jit(first) if compiled else first)(x).sum())(SCORES)


def test_a_shape_that_cannot_be_told_is_refused():
    case = next(c for c in CASES["ctc_loss"] if c.name == "concatenated targets")
    arguments = dict(case.arguments)
    lengths = arguments.pop("target_lengths")
    with pytest.raises(
        ValueError, match=r"^ctc_loss: the output's shape must be known .* got none for these; pass int"
    ):
        jax.jit(lambda lengths: interop.function("ctc_loss")(target_lengths=lengths, **arguments))(lengths)


# compare


def fused(scores, labels):
    return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(len(labels)), labels])


def planted(factor):
    """A fused softmax and loss, with gradients that are this many times too large."""
    kernel = jax.custom_vjp(fused)

    def backward(kept, grad_output):
        scores, labels = kept
        grad = jax.nn.softmax(scores) - jax.nn.one_hot(labels, scores.shape[1], dtype=scores.dtype)
        return factor * grad_output * grad / len(labels), None

    kernel.defvjp(lambda scores, labels: (fused(scores, labels), (scores, labels)), backward)
    return kernel


PLAIN = ["classes, unweighted, smoothing 0.0, mean"]


@pytest.mark.parametrize(("dtype", "eps"), [("float64", 2.0**-52), ("float32", 2.0**-23)])
def test_a_wrong_kernel_is_found_with_the_right_figures(dtype, eps):
    assert interop.compare(planted(1.0), "cross_entropy", dtype=dtype, cases=PLAIN).passed
    report = interop.compare(planted(1 + 2.0**-10), "cross_entropy", dtype=dtype, cases=PLAIN)
    output, gradient = report.arrays
    assert (output.verdict, gradient.verdict) == ("pass", "fail")
    assert not report
    assert gradient.difference == pytest.approx(2.0**-10, rel=1e-3)
    assert 2.0**-10 / eps * 0.99 < gradient.ulps < 2 * 2.0**-10 / eps * 1.01


def test_functions_of_jax_beside_the_ops():
    assert interop.compare(jax.nn.silu, "silu", dtype="float32")
    assert interop.compare(lambda input: jnp.maximum(input, 0), "relu")  # its slope at 0 is 1/2
    assert interop.compare(interop.function("lstm"), "lstm", cases=[c.name for c in CASES["lstm"]][:2])
    assert interop.compare(interop.function("max_pool1d"), "max_pool1d", dtype="float32")


def test_what_raises_is_reported():
    left_out, single = "classes, weighted, smoothing 0.0, mean", "a single row without a batch"
    report = interop.compare(planted(1.0), "cross_entropy", cases=[*PLAIN, left_out, single])
    assert [(entry.case, entry.verdict) for entry in report.failures] == [(single, "fail")]
    assert report.failures[0].message.startswith("raised TypeError: ")
    assert report.left_out == (left_out,)
    assert not report.passed
