"""The promises that hold for every pair: purity, layout, dtype, keys, shapes, linearity."""

import inspect

import numpy as np
import pytest
from catalog_cases import ALL, assert_identical, converted, is_floating, random_like

from refimpl._structure import leaves, map_leaves
from refimpl.gradcheck.catalog_check import given

# float32 against float64: single roundings of every intermediate, over rows of a few elements.
SINGLE_TOLERANCE = 2e-5
HALF_TOLERANCE = 4e-3


def copied(arguments):
    return converted(arguments, np.copy)


def closest(a, b, tolerance, least=1e-6):
    """a and b agree relative to the largest entry of b, which counts as `least` where it is smaller."""
    for (path, x), (_, y) in zip(leaves(a), leaves(b), strict=True):
        y = np.asarray(y, dtype=np.float64)
        finite = np.isfinite(y)
        size = np.max(np.abs(y), initial=0.0, where=finite)
        np.testing.assert_allclose(x, y, rtol=0, atol=tolerance * max(size, least), err_msg=path)


@pytest.mark.parametrize(("op", "case"), ALL)
def test_pure_and_repeatable(op, case):
    """Neither half writes to what it is given; both answer the same a second time, from the same cache."""
    arguments = copied(case.arguments)
    output, cache = op.forward(**arguments)
    assert_identical(arguments, case.arguments)
    grad_output = random_like(output)
    before = map_leaves(np.copy, grad_output)
    first = map_leaves(np.copy, op.backward(grad_output, cache))
    assert_identical(arguments, case.arguments)
    assert_identical(grad_output, before)
    assert_identical(op.backward(grad_output, cache), first)
    assert_identical(op.forward(**arguments)[0], output)


@pytest.mark.parametrize(("op", "case"), ALL)
def test_keys_shapes_and_dtypes(op, case):
    output, cache = op.forward(**case.arguments)
    for _, y in leaves(output):
        assert isinstance(y, np.ndarray)
    gradients = op.backward(random_like(output), cache)
    assert set(gradients) == set(given(op, case))
    for name, gradient in gradients.items():
        argument = dict(leaves(case.arguments[name], name))
        for path, g in leaves(gradient, name):
            assert isinstance(g, np.ndarray), path
            assert g.shape == argument[path].shape, path
            assert g.dtype == argument[path].dtype, path


def _read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def _reversed(a):
    """The same numbers, held back to front in memory."""
    return np.flip(np.flip(a, -1).copy(), -1) if a.ndim else a


LAYOUTS = {
    "Fortran order": lambda a: np.array(a, order="F"),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "reversed": _reversed,
    "read-only": _read_only,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("op", "case"), ALL)
def test_layout_does_not_matter(op, case, layout):
    output, cache = op.forward(**case.arguments)
    grad_output = random_like(output)
    expected = op.backward(grad_output, cache)

    convert = LAYOUTS[layout]
    other_output, other_cache = op.forward(**converted(case.arguments, convert))
    gradients = op.backward(map_leaves(convert, grad_output), other_cache)
    # A matrix product may sum in another order for another layout: equal to rounding, not to the bit.
    closest(other_output, output, 1e-13)
    closest(gradients, expected, 1e-13)


@pytest.mark.parametrize(("op", "case"), ALL)
def test_broadcast_views_are_read_only_inputs_like_any_other(op, case):
    """An array repeated with stride 0, as np.broadcast_to makes it, gives what its copy gives."""

    def view(a):
        return np.broadcast_to(a.flat[0], a.shape) if is_floating(a) and a.size else a

    if case.at_kink:
        return
    views = converted(case.arguments, view)
    try:
        output, cache = op.forward(**converted(views, np.array))
    except ValueError:  # equal entries are no valid input of some ops, and are refused however they are stored
        with pytest.raises(ValueError, match=r"_forward: "):
            op.forward(**views)
        return
    other_output, other_cache = op.forward(**views)
    closest(other_output, output, 1e-13)
    grad_output = random_like(output)
    # Among equal entries many a gradient is 0, and only the rounding is left of it.
    closest(op.backward(grad_output, other_cache), op.backward(grad_output, cache), 1e-13, least=0.01)


@pytest.mark.parametrize(("op", "case"), ALL)
def test_linear_in_grad_output(op, case):
    """backward(2 g + h) = 2 backward(g) + backward(h), and backward(0) = 0 but where a gradient is NaN for every g."""
    output, cache = op.forward(**case.arguments)
    g, h = random_like(output, 1), random_like(output, 2)
    both = op.backward(map_leaves(lambda g, h: 2 * g + h, g, h), cache)

    def combined(a, b, both):  # infinite slopes of both signs have no sum
        finite = np.isfinite(a) & np.isfinite(b)
        return np.where(finite, 2 * np.where(finite, a, 0) + np.where(finite, b, 0), both)

    closest(both, map_leaves(combined, op.backward(g, cache), op.backward(h, cache), both), 1e-12)
    zero = op.backward(map_leaves(np.zeros_like, g), cache)
    for (path, at_zero), (_, at_g) in zip(leaves(zero), leaves(op.backward(g, cache)), strict=True):
        assert not at_zero[~np.isnan(at_g)].any(), path


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", SINGLE_TOLERANCE), ("float16", HALF_TOLERANCE)])
@pytest.mark.parametrize(("op", "case"), ALL)
def test_narrow_floats_in_give_narrow_floats_out(op, case, dtype, tolerance):
    if "dtype" in case.arguments:
        return
    narrow = converted(case.arguments, lambda a: a.astype(dtype) if is_floating(a) else a)
    wide = converted(narrow, lambda a: a.astype(np.float64) if is_floating(a) else a)
    output, cache = op.forward(**narrow)
    expected, wide_cache = op.forward(**wide)
    for path, y in leaves(output):
        assert y.dtype == dtype or y.dtype.kind != "f", path
    closest(output, expected, tolerance)
    grad_output = random_like(output)
    gradients = op.backward(grad_output, cache)
    for path, g in leaves(gradients):
        assert g.dtype == dtype, path
    wide_grad = map_leaves(lambda g: g.astype(np.float64), grad_output)

    def in_range(g):  # what the narrow dtype cannot hold is infinite in it
        return np.where(np.abs(g) > np.finfo(dtype).max, np.copysign(np.inf, g), g)

    closest(gradients, map_leaves(in_range, op.backward(wide_grad, wide_cache)), tolerance)


@pytest.mark.parametrize(("op", "case"), ALL)
def test_array_likes_are_accepted(op, case):
    """Nested lists in place of floating arrays."""
    lists = {
        name: value.tolist() if is_floating(value) and value.size else value for name, value in case.arguments.items()
    }
    assert_identical(op.forward(**lists)[0], op.forward(**case.arguments)[0])


@pytest.mark.parametrize(("op", "case"), ALL)
def test_strict_floating_point_settings_of_the_caller_do_not_matter(op, case):
    """Overflow and underflow on the way are the op's own business, also where the caller has NumPy raise on them."""
    with np.errstate(all="raise"):
        output, cache = op.forward(**case.arguments)
        op.backward(random_like(output), cache)


def test_caches_are_small_named_tuples():
    for op, case in (parameters.values for parameters in ALL):
        cache = op.forward(**case.arguments)[1]
        assert isinstance(cache, tuple)
        assert type(cache).__name__.endswith("Cache")
        assert cache._fields


def test_no_star_arguments():
    for op, _ in (parameters.values for parameters in ALL):
        kinds = {parameter.kind for parameter in inspect.signature(op.forward).parameters.values()}
        assert not kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
        assert list(inspect.signature(op.backward).parameters) == ["grad_output", "cache"]
