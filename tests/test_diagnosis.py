"""The diagnosis: faults of every kind are named rightly in several ops, and what is right gets none."""

import json

import numpy as np
import pytest
from planted_kinds import PLANTED

from refimpl import OPS, gradcheck
from refimpl.cases import CASES
from refimpl.gradcheck import KINDS, Facts, diagnose
from refimpl.gradcheck.catalog_check import given


@pytest.mark.parametrize(
    "planted", [pytest.param(p, id=f"{i}-{p.kind}-{p.op}-{p.argument or 'pair'}") for i, p in enumerate(PLANTED)]
)
def test_planted_fault_is_named(planted):
    report = gradcheck(*planted.pair, **planted.arguments)
    assert report.verdict == ("inconclusive" if planted.kind == "float32" else "fail")
    if planted.argument:
        (found,) = report.diagnosis
        assert found is report[planted.argument].diagnosis
        assert found.argument == planted.argument
    found = report.diagnosis[0]
    assert (found.kind, planted.words in found.message) == (planted.kind, True), str(report)
    assert f"    diagnosis: {found.kind}: {found.message}" in str(report).splitlines()
    assert json.loads(json.dumps(vars(found)))["kind"] == found.kind  # plain numbers, as --json needs them


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_planted_in_five_ops(kind):
    assert len({planted.op for planted in PLANTED if planted.kind == kind}) >= 5


AT_KINKS = [
    pytest.param(op, case, id=f"{op.name}-{case.name}")
    for op in OPS.values()
    for case in CASES[op.name]
    if case.at_kink and not case.departs
]


@pytest.mark.parametrize(("op", "case"), AT_KINKS)
def test_a_correct_pair_has_no_diagnosis_on_a_kink_that_is_not_declared(op, case):
    """There the finite differences see another number than backward returns, and it is not a mistake."""
    report = gradcheck(op.forward, op.backward, wrt=given(op, case), elementwise=op.elementwise, **case.arguments)
    assert report.verdict != "fail"
    assert report.diagnosis == ()
    for argument in report.arguments:
        assert not argument.wrong.any()
        if argument.note:  # zero to the precision of the output: there the numbers are noise
            continue
        settled = argument.numeric.copy()
        for element in argument.unsettled:
            settled[element.index] = np.nan
        assert diagnose(Facts(argument.name, argument.analytic, settled)) is None


def wrong_tanh(change):
    op = OPS["tanh"]
    return op.forward, lambda g, cache: {"input": change(op.backward(g, cache)["input"])}


def test_the_most_specific_kind_is_first_and_the_others_are_said():
    x = np.random.default_rng(0).standard_normal((3, 4))
    loss = OPS["mse_loss"]
    doubled = gradcheck(
        loss.forward,
        lambda g, cache: loss.backward(g, cache) | {"input": 2 * loss.backward(g, cache)["input"]},
        x,
        np.cos(x),
    )
    (found,) = doubled.diagnosis
    assert (found.kind, [fit.kind for fit in found.also]) == ("twice", ["factor"])
    assert found.evidence == {"factor": 2.0, "added": None, "elements": 12}
    assert "    also consistent with factor: 2 times the derivative: a factor 2 too much" in str(doubled)


def test_the_evidence_is_in_figures():
    x = np.random.default_rng(0).standard_normal((3, 4))
    (found,) = gradcheck(*wrong_tanh(lambda d: 3 * d), x).diagnosis
    assert found.evidence["factor"] == pytest.approx(3, rel=1e-9)
    assert found.evidence["equals"] == ["3 = the extent of axis 0 of input", "3 = the extent of axis 0 of output"]
    (found,) = gradcheck(*wrong_tanh(lambda d: d[::-1]), x).diagnosis
    assert (found.kind, found.evidence) == ("axis", {"change": "axis 0 reversed"})


def test_the_whole_of_both_gradients_is_in_the_report():
    x = np.random.default_rng(0).standard_normal((3, 4))
    for factor, wrong in ((1.0, False), (2.0, True)):
        found = gradcheck(*wrong_tanh(lambda d, factor=factor: factor * d), x)["input"]
        np.testing.assert_allclose(found.analytic, factor * found.numeric, rtol=1e-9)
        assert (found.wrong == wrong).all()


def test_a_large_array_is_judged_by_a_sample_and_says_so():
    x = np.random.default_rng(0).standard_normal((60, 50))
    (found,) = gradcheck(*wrong_tanh(lambda d: 60 * d), x).diagnosis
    assert (found.kind, found.evidence["equals"][0]) == ("factor", "60 = the extent of axis 0 of input")

    def one(d):
        d[41, 7] += 1
        return d

    report = gradcheck(*wrong_tanh(one), x)
    (found,) = report.diagnosis
    assert found.kind == "unknown"  # one of the elements looked at: the others are not known
    assert " sampled elements wrong" in found.message
    assert 64 < np.isfinite(report["input"].numeric).sum() < 250
    assert report["input"].worst[0].index == (41, 7)


def test_two_arrays_are_enough():
    numeric = np.random.default_rng(0).standard_normal((3, 4))
    assert diagnose(Facts("x", numeric, numeric)) is None
    assert diagnose(Facts("x", numeric * (1 + 1e-12), numeric)) is None
    assert diagnose(Facts("x", -numeric, numeric)).kind == "factor"
    assert diagnose(Facts("x", numeric.T, numeric)).kind == "transpose"


def test_one_number_alone_is_no_factor_without_a_name():
    assert diagnose(Facts("x", np.array(0.3), np.array(0.1234))).kind == "unknown"
    assert diagnose(Facts("x", np.array(-0.3), np.array(0.3))).kind == "factor"


def wrong_relu(change):
    op = OPS["relu"]
    return op.forward, lambda g, cache: {"input": change(op.backward(g, cache)["input"])}


def adding(*places):
    def change(d):
        d[list(places)] += 9
        return d

    return change


@pytest.mark.parametrize("at_kink", [False, True])
def test_right_elements_on_kinks_are_not_counted_as_wrong(at_kink):
    x = np.concatenate([np.zeros(20), np.arange(1.0, 21.0)])
    report = gradcheck(*wrong_relu(adding(30)), x, at_kink=at_kink)
    assert np.flatnonzero(report["input"].wrong).tolist() == [30]
    assert [found.kind for found in report.diagnosis] == ["element"]
    assert {element.index[0] for element in report["input"].unsettled} == set(range(20))


def test_wrong_on_a_kink_and_elsewhere_is_not_wrong_on_kinks_alone():
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, -1.0])
    (found,) = gradcheck(*wrong_relu(adding(0, 2, 3)), x).diagnosis
    assert "kink" not in {found.kind, *(fit.kind for fit in found.also)}
