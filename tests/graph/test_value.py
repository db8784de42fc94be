"""The recorded graph: what is recorded, and what backward does to it."""

import contextlib
import gc
import weakref

import numpy as np
import pytest
from graph_values import leaf, op

import refimpl
from refimpl import Sequential
from refimpl.graph import Value, apply, data_of, gradients_of, no_grad, variables
from refimpl.graph.value import recorded
from refimpl.optim import sgd_init, sgd_update

rng = np.random.default_rng(0)


# Values by hand


def test_an_affine_map_is_a_product_and_an_addition():
    W, b, x = leaf([[1, 2], [3, 4]]), leaf([5, 6]), np.array([7.0, 8.0])
    y = W @ x + b
    assert [node.name for node in recorded(y)] == ["add", "matmul"]
    np.testing.assert_array_equal(y.data, [28, 59])
    y.backward([1.0, -2.0])
    np.testing.assert_array_equal(W.grad, [[7, 8], [-14, -16]])
    np.testing.assert_array_equal(b.grad, [1, -2])


@pytest.mark.parametrize(
    ("compute", "value", "slopes"),
    [
        (lambda a, b: a + b, 5, (1, 1)),
        (lambda a, b: a - b, -1, (1, -1)),
        (lambda a, b: a * b, 6, (3, 2)),
        (lambda a, b: a / b, 2 / 3, (1 / 3, -2 / 9)),
        (lambda a, b: 3 + a - 1 - b, 1, (1, -1)),
        (lambda a, b: 7 - a, 5, (-1, None)),
        (lambda a, b: 4 * a / 8, 1, (1 / 2, None)),
        (lambda a, b: 1 / a, 1 / 2, (-1 / 4, None)),
        (lambda a, b: -a, -2, (-1, None)),
        (lambda a, b: a**3, 8, (12, None)),
        (lambda a, b: a**-1, 1 / 2, (-1 / 4, None)),
        (lambda a, b: a**0, 1, (0, None)),
        (lambda a, b: a * a, 4, (4, None)),
        (lambda a, b: a * a + a * b + b, 13, (7, 3)),
        (lambda a, b: (a + b) * (a + b), 25, (10, 10)),
    ],
)
def test_operators_at_2_and_3(compute, value, slopes):
    a, b = leaf(2), leaf(3)
    y = compute(a, b)
    assert float(y) == value
    y.backward()
    for variable, slope in zip((a, b), slopes, strict=True):
        if slope is None:
            assert variable.grad is None
        else:
            np.testing.assert_allclose(variable.grad, slope, rtol=1e-15)


def test_arrays_may_stand_on_either_side():
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    for compute in (
        lambda v: array + v, lambda v: array - v, lambda v: array * v, lambda v: array / v, lambda v: array @ v,
        lambda v: np.float64(3) * v, lambda v: v + array, lambda v: v @ array, lambda v: v - np.float64(3),
    ):  # fmt: skip
        v = leaf([[2, 1], [1, 3]])
        y = compute(v)
        assert isinstance(y, Value)
        np.testing.assert_array_equal(y.data, compute(v.data))
        y.sum().backward()
        assert v.grad.shape == v.shape


def test_a_broadcast_is_undone_by_the_pair():
    a, b = leaf(np.ones((2, 1, 3))), leaf(np.full((4, 1), 2.0))
    (a * b).sum().backward()
    np.testing.assert_array_equal(a.grad, np.full((2, 1, 3), 8))
    np.testing.assert_array_equal(b.grad, np.full((4, 1), 6))


# What backward does


def test_uses_add_up():
    """x enters three times: x^2 + 3x has the slope 2x + 3."""
    x = leaf([1, -2])
    (x * x + 3 * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [5, -1])


def test_a_value_used_late_and_early_waits_for_both():
    """y has all of its gradient before it is undone, although one of its uses is the last op and one the first."""
    seen = []

    def watch_backward(grad_output, cache):
        seen.append(float(grad_output))
        return {"x": grad_output * 2}

    x = leaf(3)
    y = apply(lambda x: (2 * x, None), watch_backward, x)
    z = y * y
    for _ in range(5):
        z = z + 1
    (z * y).backward()  # (y^2 + 5) y: the slope in y is 3 y^2 + 5
    assert seen == [3 * 36 + 5]
    assert x.grad == 2 * (3 * 36 + 5)


def test_diamonds_are_walked_once():
    """Every value is used twice: 2^60 paths lead to the leaf, and 60 nodes."""
    x = leaf(1)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad == 2.0**60


def test_gradients_add_up_over_backwards_until_zeroed():
    x = leaf([1, 2])
    for count in (1, 2, 3):
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, count * 2 * x.data)
    x.zero_grad()
    assert x.grad is None
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * x.data)


def test_a_gradient_taken_out_does_not_change_later():
    x = leaf([1, 2])
    (x * x).sum().backward()
    first = x.grad
    (x * x).sum().backward()
    np.testing.assert_array_equal(first, [2, 4])


def test_gradients_do_not_alias_each_other_or_what_was_given():
    g = np.ones(2)
    a, b = leaf([1, 2]), leaf([3, 4])
    apply(lambda a, b: (a + b, None), lambda g, _: {"a": g, "b": g}, a, b).backward(g)
    a.grad *= 5
    np.testing.assert_array_equal(b.grad, [1, 1])
    np.testing.assert_array_equal(g, [1, 1])


def test_a_second_backward_needs_the_graph():
    x = leaf([1, 2])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * 2 * x.data)
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    assert str(caught.value) == (
        "Value.backward: the recorded graph must still be there, got sum without its cache, which an earlier backward "
        "freed; call that one with retain_graph=True, or compute the value anew"
    )
    np.testing.assert_array_equal(x.grad, 2 * 2 * x.data)


def test_what_two_values_share_is_freed_by_the_first():
    x = leaf(2)
    shared = x * x
    first, second = shared + 1, shared * 3
    first.backward()
    with pytest.raises(RuntimeError, match="got multiply without its cache"):
        second.backward()
    assert x.grad == 4


def test_caches_are_let_go_of():
    class Big(np.ndarray):
        """An array that can be referred to weakly."""

    def forward(x):
        cache = np.array(x).view(Big)
        caches.append(weakref.ref(cache))
        return x.sum(), cache

    caches = []
    x = leaf([1, 2])
    y = apply(forward, lambda g, cache: {"x": g * np.ones_like(cache)}, x)
    y.backward(retain_graph=True)
    assert caches[0]() is not None
    y.backward()
    gc.collect()
    assert caches[0]() is None


def test_the_graph_holds_no_array_but_its_caches():
    """A relu's cache is its input here; what it made is held by nothing once the value is gone."""
    made = weakref.WeakSet()

    def forward(x):
        output = np.array(x * 2).view(Tracked)
        made.add(output)
        return output, None

    class Tracked(np.ndarray):
        __hash__ = object.__hash__

    y = leaf([1, 2])
    for _ in range(3):
        y = apply(forward, lambda g, _: {"x": 2 * g}, y)
    gc.collect()
    assert len(made) == 1
    y.backward([1.0, 1.0])


def test_intermediate_values_get_no_grad():
    x = leaf(3)
    y = x * x
    (y * y).backward()
    assert y.grad is None
    assert not y.is_leaf
    assert x.is_leaf
    assert x.grad == 4 * 27


def test_a_leaf_is_its_own_gradient():
    x = leaf([1, 2])
    x.backward([3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [3, 4])


def test_python_shapes_the_graph_anew_each_time():
    def compute(x):
        y, steps = x, 0
        while float(y) < 100:
            y, steps = y * x, steps + 1
        return (y if steps % 2 else -y), steps

    for start, power in ((2.0, 7), (3.0, 5), (11.0, 2)):
        x = leaf(start)
        y, steps = compute(x)
        sign = 1 if steps % 2 else -1
        assert steps == power - 1
        assert float(y) == sign * start**power
        y.backward()
        assert x.grad == sign * power * start ** (power - 1)


def test_depth_is_not_limited_by_recursion():
    x = leaf(1)
    y = x
    for _ in range(10_000):
        y = y * 1.0
    y.backward()
    assert x.grad == 1
    del y
    gc.collect()


def test_no_grad_and_detach():
    x = leaf([1, 2])
    with no_grad():
        y = x * x
        assert not y.requires_grad
        with contextlib.suppress(ZeroDivisionError), no_grad():
            raise ZeroDivisionError
        assert not (x + 1).requires_grad
    assert (x * x).requires_grad

    @no_grad()
    def outside(v):
        return v * 2

    assert not outside(x).requires_grad
    (x * x.detach()).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 2])
    assert (x * x).detach().is_leaf


def test_only_what_requires_a_gradient_is_recorded():
    a, b = Value([1.0, 2.0]), leaf([3, 4])
    assert not (a * a).requires_grad
    y = a * b
    y.sum().backward()
    assert a.grad is None
    np.testing.assert_array_equal(b.grad, [1, 2])


# Any pair


def test_outputs_that_are_tuples():
    """Of two outputs one is used; nothing arrives at the other, and integer outputs stay arrays."""

    def forward(x, shift=0.0):
        return (x + shift, {"square": x * x, "order": np.argsort(x)}, None), x

    def backward(grad_output, x):
        of_shifted, of_dict, of_none = grad_output
        assert of_none is None
        assert of_dict["order"] is None
        return {"x": of_shifted + 2 * x * of_dict["square"]}

    x = leaf([3, 1, 2])
    shifted, others, nothing = apply(forward, backward, x, shift=5.0)
    assert nothing is None
    np.testing.assert_array_equal(others["order"], [1, 2, 0])
    others["square"].sum().backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad, [6, 2, 4])
    x.zero_grad()
    (shifted * others["square"]).sum().backward()  # (x + 5) x^2
    np.testing.assert_array_equal(x.grad, 3 * x.data**2 + 10 * x.data)


def test_arguments_that_are_structures():
    a, b = leaf([1, 2]), leaf([3])
    y = op("concatenate", [a, b, np.array([5.0]), a])
    y.backward([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    np.testing.assert_array_equal(a.grad, [6, 8])
    np.testing.assert_array_equal(b.grad, [3])


def test_a_whole_model_is_a_node():
    model = Sequential(
        {
            "hidden": (refimpl.linear_forward, refimpl.linear_backward),
            "act": (refimpl.tanh_forward, refimpl.tanh_backward),
        }
    )
    x, weights = rng.standard_normal((4, 3)), rng.standard_normal((2, 3))
    parameters = {"hidden": {"weight": Value(weights, requires_grad=True), "bias": np.zeros(2)}}
    y = apply(model.forward, model.backward, x, parameters)
    assert [node.name for node in recorded(y)] == ["forward"]
    y.sum().backward()
    _, cache = model.forward(x, {"hidden": {"weight": weights, "bias": np.zeros(2)}})
    expected = model.backward(np.ones((4, 2)), cache)["parameters"]["hidden"]["weight"]
    np.testing.assert_array_equal(parameters["hidden"]["weight"].grad, expected)


def test_options_and_integers_pass_through():
    scores = leaf(rng.standard_normal((3, 4)))
    loss = op("cross_entropy", scores, np.array([0, 3, 1]), reduction="sum", label_smoothing=0.1)
    loss.backward()
    output, cache = refimpl.cross_entropy_forward(
        scores.data, np.array([0, 3, 1]), reduction="sum", label_smoothing=0.1
    )
    assert float(loss) == output
    np.testing.assert_array_equal(scores.grad, refimpl.cross_entropy_backward(1.0, cache)["input"])


def test_training_with_the_optimisers():
    """A step of the optimiser takes arrays and makes arrays; the values are made anew around them."""
    x, target = rng.standard_normal((20, 3)), rng.standard_normal((20, 1))
    parameters = variables({"weight": np.zeros((3, 1)), "bias": np.zeros(1)})
    assert parameters["weight"].name == "weight"
    state, losses = sgd_init(data_of(parameters)), []
    for _ in range(120):
        loss = op("mse_loss", x @ parameters["weight"] + parameters["bias"], target)
        loss.backward()
        losses.append(float(loss))
        arrays, state = sgd_update(data_of(parameters), gradients_of(parameters), state, lr=0.3)
        parameters = variables(arrays)
    design = np.hstack([x, np.ones((20, 1))])
    best, *_ = np.linalg.lstsq(design, target, rcond=None)
    np.testing.assert_allclose(np.vstack([parameters["weight"].data, parameters["bias"].data]), best, atol=1e-8)
    assert losses[-1] < losses[0]


# dtypes and data


def test_numbers_take_the_values_dtype_and_arrays_keep_theirs():
    x = Value(np.ones(2, np.float32), requires_grad=True)
    for y in (2 * x, x / 3, 1 - x, x**2, -x, x.mean()):
        assert y.dtype == np.float32
    wide = x * np.ones(2)
    assert wide.dtype == np.float64
    wide.sum().backward()
    assert x.grad.dtype == np.float32
    x.zero_grad()
    apply(lambda x: (2 * x, None), lambda g, _: {"x": np.full(2, 2.0)}, x).backward([1.0, 1.0])
    assert x.grad.dtype == np.float32


def test_data_is_read_only_and_replaced_by_assignment():
    x = leaf([1, 2])
    y = x * x
    with pytest.raises(ValueError, match="read-only"):
        x.data *= 2
    x.data = x.data * 3
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])  # of what was recorded
    np.testing.assert_array_equal(x.data, [3, 6])


def test_sums_that_overflow_raise_nothing():
    x = leaf(1e308)
    with np.errstate(all="raise"):
        y = x * 1e300
        (x * 1.5e308 + x * 1.5e308).backward()
    assert x.grad == np.inf
    assert float(y) == np.inf


def test_conversions():
    assert float(leaf(2)) == 2
    assert bool(leaf(2))
    assert not Value(0.0)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(leaf([1, 2]))
    assert repr(Value([1.0])) == "Value(array([1.]))"
    assert repr(leaf(1)) == "Value(array(1.), requires_grad=True)"
    assert repr(leaf([1, 2]) * 2) == "Value(array([2., 4.]), made by multiply)"
