"""Recurrent nets over sequences against cells chained by hand, and what lengths, layers and dropout do."""

import numpy as np
import pytest

import refimpl
from refimpl import dropout_backward, dropout_forward
from refimpl._structure import leaves, map_leaves

rng = np.random.default_rng(0)
OPS = {"rnn": (1, "rnn_tanh_cell"), "gru": (3, "gru_cell"), "lstm": (4, "lstm_cell")}
T, N, F, H = 4, 3, 2, 3
LENGTHS = np.array([2, 4, 3])
CLOSE = {"rtol": 1e-12, "atol": 1e-14}


def pair(op):
    return getattr(refimpl, f"{op}_forward"), getattr(refimpl, f"{op}_backward")


def drawn_weights(op, inputs, *ends):
    rows = OPS[op][0] * H
    shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, H), "bias_ih": (rows,), "bias_hh": (rows,)}
    return {f"{part}_{end}": rng.standard_normal(shape) for end in ends for part, shape in shapes.items()}


def state(op, *shape):
    return (rng.standard_normal(shape), rng.standard_normal(shape)) if op == "lstm" else rng.standard_normal(shape)


def assert_same(actual, expected):
    found = dict(leaves(actual))
    assert list(found) == [path for path, _ in leaves(expected)]
    for path, value in leaves(expected):
        np.testing.assert_allclose(found[path], value, **CLOSE, err_msg=path)


def by_cells(op, x, weights, end, h, grad_y, grad_end):
    """One sequence (T, F), step by step: outputs, last state, and the gradients of x, of the weights and of h."""
    forward, backward = pair(OPS[op][1])
    names = {f"{part}_{end}": name for part, name in (
        ("weight_ih", "w_ih"), ("weight_hh", "w_hh"), ("bias_ih", "b_ih"), ("bias_hh", "b_hh")
    )}  # fmt: skip
    arguments = {name: weights[key] for key, name in names.items()}
    outputs, caches = [], []
    for x_t in x:
        h, cache = forward(x_t, h, **arguments)
        outputs.append(h[0] if op == "lstm" else h)
        caches.append(cache)
    g, grad_x, total = grad_end, [], dict.fromkeys(names, 0.0)
    for cache, g_t in zip(reversed(caches), reversed(grad_y), strict=True):
        g = (g[0] + g_t, g[1]) if op == "lstm" else g + g_t
        grads = backward(g, cache)
        g = grads["hx"]
        grad_x.insert(0, grads["input"])
        total = {key: total[key] + grads[name] for key, name in names.items()}
    return np.stack(outputs), h, np.stack(grad_x), total, g


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["all steps", "lengths"])
@pytest.mark.parametrize("op", OPS)
def test_a_net_is_its_cells_chained(op, lengths):
    """Each sequence alone, and in the reverse direction from its own last step."""
    forward, backward = pair(op)
    x, hx = rng.standard_normal((T, N, F)), state(op, 2, N, H)
    weights = drawn_weights(op, F, "l0", "l0_reverse")
    (y, h_n), cache = forward(x, weights, hx, lengths, bidirectional=True)
    grad_output = rng.standard_normal(y.shape), map_leaves(lambda h: rng.standard_normal(h.shape), h_n)
    grads = backward(grad_output, cache)

    expected = {"input": np.zeros(x.shape), "weights": dict.fromkeys(weights, 0.0)}
    expected["hx"] = map_leaves(np.zeros_like, hx)
    expected_y, expected_end = np.zeros(y.shape), map_leaves(np.zeros_like, h_n)
    for n, length in enumerate([T] * N if lengths is None else lengths):
        for d, end in enumerate(("l0", "l0_reverse")):
            order = slice(0, length) if d == 0 else slice(length - 1, None, -1)
            columns = slice(d * H, (d + 1) * H)
            one = [map_leaves(lambda a, d=d, n=n: a[d, n], s) for s in (hx, grad_output[1])]
            outputs, last, grad_x, grad_w, grad_h = by_cells(
                op, x[order, n], weights, end, one[0], grad_output[0][order, n, columns], one[1]
            )
            expected_y[order, n, columns] = outputs
            expected["input"][order, n] += grad_x
            for name, grad in grad_w.items():
                expected["weights"][name] = expected["weights"][name] + grad
            for whole, part in ((expected_end, last), (expected["hx"], grad_h)):
                map_leaves(lambda a, b, d=d, n=n: a.__setitem__((d, n), b), whole, part)
    assert_same(y, expected_y)
    assert_same(h_n, expected_end)
    assert_same({name: grads[name] for name in expected}, expected)


@pytest.mark.parametrize("op", OPS)
def test_padding_is_not_read(op):
    """NaN beyond a sequence's end, in the input and in grad_output, changes nothing; 0 comes out there."""
    forward, backward = pair(op)
    x, weights = rng.standard_normal((T, N, F)), drawn_weights(op, F, "l0", "l0_reverse")
    padding = np.arange(T)[:, None] >= LENGTHS
    options = {"lengths": LENGTHS, "bidirectional": True}
    (y, h_n), cache = forward(x, weights, **options)
    g = rng.standard_normal(y.shape)
    spoilt = np.where(padding[..., None], np.nan, x)
    (other_y, other_h_n), other_cache = forward(spoilt, weights, **options)
    assert_same((other_y, other_h_n), (y, h_n))
    assert not y[padding].any()
    grads = backward((g, None), cache)
    assert_same(backward((np.where(padding[..., None], np.nan, g), None), other_cache), grads)
    assert not grads["input"][padding].any()
    assert np.abs(grads["input"][~padding]).min() > 0


@pytest.mark.parametrize("op", OPS)
def test_full_lengths_are_no_lengths(op):
    forward, backward = pair(op)
    x, weights = rng.standard_normal((T, N, F)), drawn_weights(op, F, "l0")
    output, cache = forward(x, weights)
    other, other_cache = forward(x, weights, lengths=[T] * N)
    assert_same(other, output)
    g = map_leaves(lambda a: rng.standard_normal(a.shape), output)
    assert_same(backward(g, other_cache), backward(g, cache))


@pytest.mark.parametrize("op", OPS)
def test_dropout_stands_between_the_layers(op):
    """Two layers are two nets with the pair of dropout between them, of the same generator; the last is left whole."""
    forward, backward = pair(op)
    x = rng.standard_normal((T, N, F))
    first, second = drawn_weights(op, F, "l0"), drawn_weights(op, H, "l0")
    weights = {**first, **{name.replace("l0", "l1"): weight for name, weight in second.items()}}
    (y, _), cache = forward(x, weights, num_layers=2, dropout=0.3, rng=5)
    g = rng.standard_normal(y.shape)
    grads = backward((g, None), cache)

    (middle, _), first_cache = forward(x, first)
    dropped, dropout_cache = dropout_forward(middle.reshape(T * N, H), 0.3, rng=5)
    assert 0 < np.count_nonzero(dropped == 0) < dropped.size
    (expected, _), second_cache = forward(dropped.reshape(T, N, H), second)
    upper = backward((g, None), second_cache)
    passed_on = dropout_backward(upper["input"].reshape(T * N, H), dropout_cache)["input"]
    lower = backward((passed_on.reshape(T, N, H), None), first_cache)
    assert_same(y, expected)
    assert_same(grads["input"], lower["input"])
    for name in first:
        assert_same(grads["weights"][name], lower["weights"][name])
        assert_same(grads["weights"][name.replace("l0", "l1")], upper["weights"][name])


@pytest.mark.parametrize("op", OPS)
def test_each_gap_between_layers_has_a_mask_of_its_own(op):
    forward, _ = pair(op)
    weights = {**drawn_weights(op, H, "l0", "l1", "l2")}
    _, cache = forward(
        rng.standard_normal((20, 5, H)), weights, num_layers=3, dropout=0.5, rng=np.random.default_rng(3)
    )
    masks = [dropout.keep for dropout in cache.dropouts]
    assert len(masks) == 2
    assert 0.3 < np.mean(masks[0] == masks[1]) < 0.7


@pytest.mark.parametrize("op", OPS)
def test_a_part_without_a_gradient_counts_as_zero(op):
    forward, backward = pair(op)
    weights, hx = drawn_weights(op, F, "l0"), state(op, 1, N, H)
    (y, h_n), cache = forward(rng.standard_normal((T, N, F)), weights, hx)
    zeros = map_leaves(np.zeros_like, h_n)
    assert_same(backward((y, None), cache), backward((y, zeros), cache))
    assert_same(backward((None, h_n), cache), backward((np.zeros_like(y), h_n), cache))
    if op == "lstm":
        assert_same(backward((y, (None, h_n[1])), cache), backward((y, (zeros[0], h_n[1])), cache))


@pytest.mark.parametrize(("op", "parts"), [("rnn", "h_n"), ("gru", "h_n"), ("lstm", "(h_n, c_n)")])
def test_a_gradient_in_another_form_is_refused(op, parts):
    forward, backward = pair(op)
    (y, _), cache = forward(rng.standard_normal((T, N, F)), drawn_weights(op, F, "l0"))
    with pytest.raises(TypeError) as caught:
        backward(y, cache)
    assert str(caught.value) == f"{op}_backward: grad_output must be a pair (output, {parts}), got ndarray"
    if op == "lstm":
        with pytest.raises(TypeError) as caught:
            backward((y, y[-1:]), cache)
        assert str(caught.value) == "lstm_backward: grad_output[1] must be a pair (h_n, c_n), got ndarray"


def test_states_and_gradients_may_be_lists():
    weights, (h, c) = drawn_weights("lstm", F, "l0"), state("lstm", 1, N, H)
    x = rng.standard_normal((T, N, F))
    (y, h_n), cache = refimpl.lstm_forward(x, weights, [h, c])
    assert_same(refimpl.lstm_backward([y, list(h_n)], cache), refimpl.lstm_backward((y, h_n), cache))


@pytest.mark.parametrize("op", OPS)
def test_only_activations_are_kept(op):
    """Beyond the arguments: for each row four numbers per unit (one in a plain net), and none for padding."""
    x = rng.standard_normal((T, N, F))
    _, cache = pair(op)[0](x, drawn_weights(op, F, "l0", "l0_reverse"), lengths=LENGTHS, bidirectional=True)
    assert cache.input is x
    assert [a.shape for a in cache.activations] == [(LENGTHS.sum(), H if op == "rnn" else 4 * H)] * 2
    assert cache.dropouts == ()


@pytest.mark.parametrize("op", OPS)
def test_mixed_dtypes(op):
    weights = drawn_weights(op, F, "l0")
    weights["bias_hh_l0"] = weights["bias_hh_l0"].astype(np.float32)
    (y, _), cache = pair(op)[0](rng.standard_normal((T, N, F)), weights)
    assert y.dtype == np.float64
    grads = pair(op)[1]((y, None), cache)["weights"]
    assert [name for name, grad in grads.items() if grad.dtype == np.float32] == ["bias_hh_l0"]
