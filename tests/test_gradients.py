"""Every gradient of the catalog, in every case, against SciPy's finite differences: one test id each."""

from functools import lru_cache

import pytest

from refimpl import OPS, gradcheck
from refimpl.cases import CASES
from refimpl.gradcheck import Facts, diagnose
from refimpl.gradcheck.catalog_check import given

# What every gradient must reach, relative to its largest entry. gradcheck asks no less, and more where it can.
TOLERANCE = 1e-8

GRADIENTS = [
    pytest.param(name, index, argument, id=f"{name}-{case.name}-{argument}")
    for name, op in OPS.items()
    for index, case in enumerate(CASES[name])
    if not case.departs
    for argument in given(op, case)
]
DEPARTURES = [
    pytest.param(name, index, id=f"{name}-{case.name}")
    for name in OPS
    for index, case in enumerate(CASES[name])
    if case.departs
]


@lru_cache(maxsize=2)
def report(name, index):
    op, case = OPS[name], CASES[name][index]
    return gradcheck(
        op.forward, op.backward, wrt=given(op, case), at_kink=case.at_kink, elementwise=op.elementwise, **case.arguments
    )


@pytest.mark.parametrize(("name", "index", "argument"), GRADIENTS)
def test_gradient_agrees_with_finite_differences(name, index, argument):
    found = report(name, index)
    checked = [entry for entry in found.arguments if entry.name.partition(".")[0].partition("[")[0] == argument]
    assert checked
    assert not found.problems, str(found)
    for entry in checked:
        assert entry.verdict == "pass", str(found)
        assert entry.difference <= TOLERANCE
        if not CASES[name][index].at_kink and entry.numeric is not None and not entry.note:
            assert diagnose(Facts(entry.name, entry.analytic, entry.numeric)) is None
    assert found.diagnosis == ()


@pytest.mark.parametrize(("name", "index"), DEPARTURES)
def test_marked_departure_is_one(name, index):
    """A case marked as departing from the derivative does depart: a mark that is not needed hides mistakes."""
    assert OPS[name].departs
    assert report(name, index).verdict == "fail"
