"""The checker itself: it must find planted faults, say what and where, and not cry wolf."""

import re

import numpy as np
import pytest
from planted import FAULTS, LABELS, PROMISES, SCORES, THOUSAND, WEIGHTS, B, W, X, nudged, scaled

import refimpl
from refimpl import OPS, assert_gradients, gradcheck
from refimpl.cases import CASES

rng = np.random.default_rng(1)


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(fault):
    (forward, backward), arguments, wrong = FAULTS[fault]
    report = gradcheck(forward, backward, **arguments)
    assert report.verdict == "fail"
    assert not report
    assert report[wrong].verdict == "fail"
    assert [entry.name for entry in report.arguments if entry.verdict != "pass"] == [wrong]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_pair_without_the_fault_passes(fault):
    (forward, _), arguments, _ = FAULTS[fault]
    name = forward.__name__.removesuffix("_forward")
    if name in OPS:
        assert gradcheck(forward, OPS[name].backward, **arguments).passed


@pytest.mark.parametrize("promise", PROMISES)
def test_broken_promise_is_named(promise):
    (forward, backward), problem = PROMISES[promise]
    report = gradcheck(forward, backward, input=X)
    assert report.verdict == "fail"
    assert problem in report.problems
    assert f"problem: {problem}" in str(report)


def test_the_wrong_element_is_named_with_both_values():
    forward, backward = nudged("sigmoid", "input", 617, 1e-6)
    worst = gradcheck(forward, backward, input=THOUSAND)["input"].worst[0]
    assert worst.index == (617,)
    assert worst.verdict == "fail"
    assert worst.analytic - worst.numeric == pytest.approx(1e-6, rel=1e-4)
    assert 0 <= worst.error < 1e-9


@pytest.mark.parametrize(("off", "verdict"), [(5e-9, "fail"), (1e-10, "pass")])
def test_less_than_the_tolerance_is_too_much_where_scipy_knows_better(off, verdict):
    """As shares of 0.25, the steepest slope; what is within a tenth of the tighter bound is not looked at again."""
    forward, backward = nudged("sigmoid", "input", 617, off * 0.25)
    assert gradcheck(forward, backward, input=THOUSAND, seed=3).verdict == verdict


def test_report_reads_well():
    forward, backward = nudged("linear", "weight", (3, 2), -1.0)
    lines = str(gradcheck(forward, backward, X, W, B)).splitlines()
    assert lines[0] == "gradcheck of linear_forward: fail"
    assert lines[1] == "  argument  difference  verdict"
    rows = [line for line in lines[2:] if not line.startswith("    ")]
    assert sorted(line.split()[0] for line in rows) == ["bias", "input", "weight"]
    assert sorted(line.split()[2] for line in rows) == ["fail", "pass", "pass"]
    below = lines[lines.index(next(row for row in rows if row.split()[0] == "weight")) + 1]
    assert re.fullmatch(r"    weight\[3, 2\] analytic -?\d\.\d+, numeric -?\d\.\d+ \+- \de-\d\d", below)


def test_a_large_array_is_checked_along_directions_and_the_element_found():
    x = rng.standard_normal((60, 70))
    op = OPS["tanh"]
    good = gradcheck(op.forward, op.backward, x)
    assert good.passed
    assert good["input"].method == "directions"
    assert good.difference < 1e-9
    forward, backward = nudged("tanh", "input", (41, 7), 1e-4)
    bad = gradcheck(forward, backward, x)["input"]
    assert bad.verdict == "fail"
    assert bad.worst[0].index == (41, 7)


def test_a_large_array_all_wrong_fails_too():
    forward, backward = scaled("tanh", "input", 1 + 1e-7)
    assert gradcheck(forward, backward, rng.standard_normal((60, 70))).verdict == "fail"


def test_elementwise_look_is_the_same_verdict():
    op = OPS["tanh"]
    assert gradcheck(op.forward, op.backward, THOUSAND, elementwise=True).passed
    forward, backward = nudged("tanh", "input", 5, 1e-7)
    assert gradcheck(forward, backward, THOUSAND, elementwise=True)["input"].worst[0].index == (5,)


def test_a_kink_that_is_not_declared_is_inconclusive():
    relu = OPS["relu"]
    x = np.array([-1.0, 0.0, 2.0])
    report = gradcheck(relu.forward, relu.backward, x)
    assert report.verdict == "inconclusive"
    assert not report.passed
    assert report["input"].worst[0].index == (1,)
    assert "a kink: slopes" in report["input"].worst[0].note
    assert gradcheck(relu.forward, relu.backward, x, at_kink=True).passed


@pytest.mark.parametrize("at_kink", [False, True])
def test_a_gradient_outside_the_slopes_of_a_kink_fails(at_kink):
    forward, backward = nudged("relu", "input", 1, 5.0)
    report = gradcheck(forward, backward, np.array([-1.0, 0.0, 2.0]), at_kink=at_kink)
    assert report.verdict == "fail"
    assert "not between them" in report["input"].worst[0].note


def test_a_fault_away_from_the_kink_is_found_among_kinks():
    forward, backward = nudged("relu", "input", 20, 1e-6)
    x = np.zeros(40)
    x[20:] = 1.0
    report = gradcheck(forward, backward, x, at_kink=True)
    assert report.verdict == "fail"
    assert report["input"].worst[0].index == (20,)


def test_a_kink_close_by_does_not_confuse():
    relu = OPS["relu"]
    assert gradcheck(relu.forward, relu.backward, np.array([3e-4, -2e-5, 1.0])).passed


def test_the_edge_of_a_domain_is_approached_in_smaller_steps():
    def forward(input):
        with np.errstate(all="ignore"):
            return np.log(input), input

    assert gradcheck(forward, lambda g, x: {"input": g / x}, np.array([5e-4, 0.3, 2.0])).passed


def on_the_unit_interval(input):
    if not (np.min(input) >= 0 and np.max(input) <= 1):
        raise ValueError("on_the_unit_interval: input must be from 0 to 1")
    return SCALE * np.exp(input) * input, input


SCALE = np.array([1e-3, 1.0, 1.0, 1.0])  # a small slope at an edge is lost first


@pytest.mark.parametrize("factor", [1.0, 1.0001, -1.0])
def test_at_the_edge_of_a_domain_the_one_side_that_there_is_counts(factor):
    """forward refuses what lies beyond 0 and 1, and the slopes there are one-sided."""

    def backward(g, x):
        return {"input": g * SCALE * np.exp(x) * (1 + x) * np.where((x == 0) | (x == 1), factor, 1)}

    report = gradcheck(on_the_unit_interval, backward, np.array([0.0, 0.4, 1.0, 0.9995]))
    assert report.verdict == ("pass" if factor == 1 else "fail")


def test_a_domain_without_an_inside_is_inconclusive():
    def forward(input):
        if input.any():
            raise ValueError("forward: input must be 0")
        return input + 0, input

    report = gradcheck(forward, lambda g, x: {"input": g}, np.zeros(3))
    assert report.verdict == "inconclusive"
    assert "leaves the domain" in report["input"].worst[0].note


def test_a_jump_is_not_passed():
    report = gradcheck(lambda input: (np.floor(input), input), lambda g, x: {"input": 0 * g}, np.array([1.0, 2.5]))
    assert report.verdict != "pass"


def test_noise_is_inconclusive_not_wrong():
    """An output rounded to seven digits: the finite differences cannot tell, and say so."""

    def forward(input):
        return np.sin(input).astype(np.float32).astype(np.float64), input

    report = gradcheck(forward, lambda g, x: {"input": g * np.cos(x)}, X)
    assert report.verdict == "inconclusive"
    assert "within the error of the finite differences" in str(report)


def test_a_gradient_that_is_truly_zero_passes_and_a_false_one_does_not():
    x = np.array([1.5, 2.5])
    assert gradcheck(lambda input: (0 * input + 3.0, None), lambda g, c: {"input": 0 * g}, x).passed
    assert gradcheck(lambda input: (0 * input + 3.0, None), lambda g, c: {"input": 1e-6 * g}, x).verdict == "fail"


def test_structures_are_checked_array_by_array():
    def forward(input, parameters):
        return input @ parameters["layers"][0] + parameters["bias"], (input, parameters)

    def backward(grad_output, cache):
        x, parameters = cache
        return {
            "parameters": {"bias": grad_output.sum(axis=0), "layers": [1.001 * (x.T @ grad_output)]},
            "input": grad_output @ parameters["layers"][0].T,
        }

    report = gradcheck(forward, backward, X, {"layers": [W.T], "bias": B})
    assert {entry.name: entry.verdict for entry in report.arguments} == {
        "parameters.layers[0]": "fail",
        "parameters.bias": "pass",
        "input": "pass",
    }


def test_outputs_may_be_tuples_with_integers():
    def forward(input):
        order = np.argsort(input)
        return (input[order], order), order

    def backward(grad_output, order):
        assert grad_output[1] is None
        grad = np.empty_like(grad_output[0])
        grad[order] = grad_output[0]
        return {"input": grad}

    assert gradcheck(forward, backward, rng.standard_normal(6)).passed


def test_float32_arguments_are_checked_in_float64():
    op = OPS["tanh"]
    assert gradcheck(op.forward, op.backward, X.astype(np.float32)).difference < 1e-9


def test_lists_are_array_likes():
    op = OPS["linear"]
    assert gradcheck(op.forward, op.backward, [[1.0, 2.0]], [[0.5, -1.0]]).passed


def test_wrt_chooses_and_missing_gradients_are_said():
    op = OPS["nll_loss"]
    report = gradcheck(op.forward, op.backward, SCORES, LABELS, weight=WEIGHTS)
    assert [entry.name for entry in report.arguments] == ["input"]
    assert report.unchecked == ("weight",)
    assert "not checked, backward gives no gradient: weight" in str(report)
    linear = OPS["linear"]
    report = gradcheck(linear.forward, linear.backward, X, W, B, wrt=("bias", "input"))
    assert [entry.name for entry in report.arguments] == ["bias", "input"]
    assert [e.name for e in gradcheck(linear.forward, linear.backward, X, W, wrt="weight").arguments] == ["weight"]


def test_the_seed_chooses_grad_output():
    forward, backward = scaled("tanh", "input", 1.1)
    reports = [gradcheck(forward, backward, X, seed=seed) for seed in (0, 0, 1)]
    assert reports[0]["input"].worst == reports[1]["input"].worst != reports[2]["input"].worst


def test_nothing_is_printed(capsys):
    gradcheck(*scaled("tanh", "input", 1.1), X)
    assert capsys.readouterr() == ("", "")


def test_assert_gradients():
    op = OPS["tanh"]
    assert_gradients(op.forward, op.backward, X)
    with pytest.raises(AssertionError, match=r"gradcheck of tanh_forward: fail\n.*\n  input .*fail\n    input\["):
        assert_gradients(*scaled("tanh", "input", 1.1), X)


def pair(forward=lambda input: (2 * input, None), backward=lambda g, cache: {"input": 2 * g}):
    forward.__name__, backward.__name__ = "f_forward", "f_backward"
    return forward, backward


REFUSED = {
    "no floating argument": (
        pair(),
        (np.arange(3),),
        {},
        TypeError,
        "gradcheck: f_forward must be given a floating array to differentiate, got none",
    ),
    "an unknown key": (
        pair(backward=lambda g, cache: {"inputs": 2 * g}),
        (X,),
        {},
        ValueError,
        "gradcheck: f_backward must use forward's argument names (input) as keys, got inputs",
    ),
    "integer gradients": (
        pair(backward=lambda g, cache: {"input": np.ones(g.shape, dtype=np.int64)}),
        (X,),
        {},
        TypeError,
        "gradcheck: f_backward must return floating gradients, got dtype int64 for input",
    ),
    "more gradients than arguments": (
        pair(backward=lambda g, cache: (2 * g, g)),
        (X,),
        {},
        ValueError,
        "gradcheck: f_backward must return one gradient for each floating argument (input), got 2",
    ),
    "a gradient of no known form": (
        pair(backward=lambda g, cache: "2 g"),
        (X,),
        {},
        TypeError,
        "gradcheck: f_backward must return gradients as a dict, a tuple or an array, got str",
    ),
    "no cache": (
        pair(forward=lambda input: 2 * input),
        (X,),
        {},
        TypeError,
        "gradcheck: f_forward must return (output, cache), got ndarray",
    ),
    "arguments that do not fit": (
        pair(),
        (X, X),
        {},
        TypeError,
        "gradcheck: the arguments must fit f_forward, got too many positional arguments",
    ),
    "a name in wrt without gradient": (
        pair(),
        (X,),
        {"wrt": "weight"},
        ValueError,
        "gradcheck: backward must return a gradient of every argument in wrt, got none of weight (keys: input)",
    ),
    "no gradients": (
        pair(backward=lambda g, cache: {}),
        (X,),
        {},
        ValueError,
        "gradcheck: backward must return at least one gradient, got an empty dict",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_what_cannot_be_checked_is_refused(refusal):
    (forward, backward), args, options, error, message = REFUSED[refusal]
    with pytest.raises(error) as caught:
        gradcheck(forward, backward, *args, **options)
    assert str(caught.value) == message


def test_a_wrong_shape_is_a_failure_and_the_other_gradients_are_judged():
    def backward(g, cache):
        return {"input": g.sum(axis=0), "other": g}

    report = gradcheck(lambda input, other: (2 * input + other, None), backward, X, X)
    assert [(entry.name, entry.verdict, entry.difference > 1) for entry in report.arguments] == [
        ("input", "fail", True),
        ("other", "pass", False),
    ]
    assert report["input"].note == "shape (3,), and it must be (5, 3)"
    assert "  input            inf  fail (shape (3,), and it must be (5, 3))" in str(report).splitlines()


def test_a_forward_that_is_not_deterministic_fails():
    noise = np.random.default_rng(1)
    report = gradcheck(*pair(forward=lambda input: (input * noise.random(), None)), X)
    assert (report.verdict, report.arguments) == ("fail", ())
    assert str(report).splitlines()[:2] == [
        "gradcheck of f_forward: fail",
        "  problem: forward is not deterministic: two outputs from the same arguments; "
        "a random op needs an integer seed, not a generator that moves on",
    ]
    assert report.diagnosis[0].evidence == {"changed": {"output": 1.0}}


def product_forward(input, labels, other):
    return input * other, (input, other)


LABEL = np.arange(3)
STYLES = {
    "a dict": lambda g, c: {"other": g * c[0], "input": g * c[1]},
    "a tuple": lambda g, c: (g * c[1], g * c[0]),
    "a list": lambda g, c: [g * c[1], g * c[0]],
    "None for the integers": lambda g, c: (g * c[1], None, g * c[0]),
    "a gradient left out": lambda g, c: (None, g * c[0]),
    "the first ones": lambda g, c: (g * c[1],),
    "a bare array": lambda g, c: g * c[1],
}
CHECKED = {"a gradient left out": ["other"], "the first ones": ["input"], "a bare array": ["input"]}


@pytest.mark.parametrize("style", STYLES)
def test_backward_in_every_style(style):
    report = gradcheck(product_forward, STYLES[style], X, LABEL, 2 * X)
    assert report.passed, str(report)
    assert sorted(entry.name for entry in report.arguments) == CHECKED.get(style, ["input", "other"])
    assert set(report.unchecked) == {"input", "other"} - {entry.name for entry in report.arguments}


def test_the_gradients_of_a_list_of_arrays_may_be_a_list():
    def forward(arrays):
        return arrays[0] * arrays[1], arrays

    report = gradcheck(forward, lambda g, c: [g * c[1], g * c[0]], [X, 2 * X])
    assert [(entry.name, entry.verdict) for entry in report.arguments] == [("arrays[0]", "pass"), ("arrays[1]", "pass")]


def test_a_gradient_of_an_integer_argument_is_refused():
    def backward(g, cache):
        return {"input": 2 * g, "labels": g}

    forward, backward = pair(lambda input, labels: (2 * input, None), backward)
    with pytest.raises(ValueError, match="must give gradients of floating arguments only, got one of labels"):
        gradcheck(forward, backward, X, np.arange(3))


def test_no_argument_is_changed_by_checking():
    x = X.copy()
    gradcheck(OPS["tanh"].forward, OPS["tanh"].backward, x)
    np.testing.assert_array_equal(x, X)


def test_every_correct_pair_passes_with_other_seeds():
    for name in ("cross_entropy", "linear", "softmax"):
        op = OPS[name]
        for case in CASES[name][:4]:
            assert refimpl.gradcheck(op.forward, op.backward, seed=7, **case.arguments).passed
