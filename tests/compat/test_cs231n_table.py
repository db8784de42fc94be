"""The table FUNCTIONS tells the truth: what is returned and which gradients, on every sample; nothing is missing."""

import copy
import importlib

import numpy as np
import pytest

from refimpl import gradcheck
from refimpl.compat import cs231n
from refimpl.compat.cs231n import FUNCTIONS

SAMPLES = [
    pytest.param(function, sample, id=f"{function.name}-{sample}")
    for function in FUNCTIONS.values()
    for sample in function.cases()
]
GRADIENTS = [
    pytest.param(function, sample, backward, name, id=f"{backward or function.name}-{sample}-{name}")
    for function in FUNCTIONS.values()
    for sample in function.cases()
    for backward in (function.backward or ("",))
    for name in function.gradients
]
MODULES = ("layers", "layer_utils", "optim", "rnn_layers", "classifiers.linear_svm", "classifiers.softmax")


def names(function):
    return list(function.samples[0].arguments)


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def same(one, other):
    """Equal to the last bit, through dicts."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return np.array_equal(one, other)


@pytest.mark.parametrize(("function", "sample", "backward", "name"), GRADIENTS)
def test_gradients(function, sample, backward, name):
    arguments, position = function.cases()[sample], names(function).index(name)

    def forward(value):
        given = list(copy.deepcopy(arguments))
        given[position] = value
        returned = getattr(cs231n, function.name)(*given)
        if function.kind == "loss":
            return returned
        return returned[0] if function.outputs == 1 else returned[:-1], returned[-1]

    def back(grad_output, cache):
        if function.kind == "loss":
            return {"value": grad_output * cache}
        gradients = as_tuple(getattr(cs231n, backward)(*as_tuple(grad_output), cache))
        return {"value": gradients[function.gradients.index(name)]}

    report = gradcheck(forward, back, arguments[position])
    assert report.passed, str(report)


@pytest.mark.parametrize(("function", "sample"), SAMPLES)
def test_what_is_returned(function, sample):
    arguments = function.cases()[sample]
    returned = getattr(cs231n, function.name)(*arguments)
    by_name = dict(zip(names(function), arguments, strict=True))
    if function.kind == "pair":
        assert len(returned) == function.outputs + 1
        for backward in function.backward:
            gradients = getattr(cs231n, backward)(*(np.ones_like(out) for out in returned[:-1]), returned[-1])
            assert isinstance(gradients, tuple) == (len(function.gradients) > 1)
            for name, gradient in zip(function.gradients, as_tuple(gradients), strict=True):
                assert (gradient.shape, gradient.dtype) == (by_name[name].shape, by_name[name].dtype)
    elif function.kind == "loss":
        loss, gradient = returned
        assert np.ndim(loss) == 0
        assert isinstance(loss, np.floating)
        assert gradient.shape == by_name[function.gradients[0]].shape
    else:
        next_w, config = returned
        assert next_w.shape == by_name["w"].shape
        assert config is by_name["config"]


@pytest.mark.parametrize(("function", "sample"), SAMPLES)
def test_nothing_but_the_updated_dict_is_written_to(function, sample):
    before, arguments = function.cases()[sample], function.cases()[sample]
    for value in arguments:
        for array in value.values() if isinstance(value, dict) else (value,):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
    with np.errstate(all="raise"):
        returned = getattr(cs231n, function.name)(*arguments)
        for backward in function.backward:
            getattr(cs231n, backward)(*(np.ones_like(out) for out in returned[:-1]), returned[-1])
    for name, old, new in zip(names(function), before, arguments, strict=True):
        assert same(old, new) or name == function.updated, name


@pytest.mark.parametrize("function", [f for f in FUNCTIONS.values() if f.updated], ids=lambda f: f.name)
def test_the_updated_dict_is_updated(function):
    changed = []
    for arguments in function.cases().values():
        given = arguments[names(function).index(function.updated)]
        old = copy.deepcopy(given)
        getattr(cs231n, function.name)(*arguments)
        changed.append(not same(given, old))
    assert any(changed)


@pytest.mark.parametrize(("function", "sample"), SAMPLES)
def test_single_precision_stays_single(function, sample):
    def single(value):
        if isinstance(value, dict):
            return {key: single(entry) for key, entry in value.items()}
        floating = isinstance(value, np.ndarray) and value.dtype == np.float64
        return value.astype(np.float32) if floating else value

    double = getattr(cs231n, function.name)(*function.cases()[sample])[0]
    found = getattr(cs231n, function.name)(*map(single, function.cases()[sample]))[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, double, rtol=1e-4, atol=1e-4)


def test_samples_are_fresh():
    function = FUNCTIONS["sgd_momentum"]
    function.cases()["the first update"][2]["velocity"] = 0
    assert "velocity" not in function.cases()["the first update"][2]


def test_the_table_is_complete():
    told = set(FUNCTIONS) | {name for function in FUNCTIONS.values() for name in function.backward}
    assert told == set(cs231n.__all__) - {"FUNCTIONS", "Function"}
    assert len(cs231n.__all__) == len(set(cs231n.__all__))


def test_modules_are_split_as_the_courses():
    split = {
        name: getattr(module, name)
        for module in (importlib.import_module(f"refimpl.compat.cs231n.{path}") for path in MODULES)
        for name in module.__all__
    }
    assert split == {name: getattr(cs231n, name) for name in cs231n.__all__ if name not in ("FUNCTIONS", "Function")}
