"""When two computations of the same thing agree, and where PyTorch's own digits do not reach that far."""

from __future__ import annotations

import numpy as np

from refimpl._structure import leaves, mismatch

# How far two right answers may be apart, in roundings (the dtype's eps) of the array's largest entry.
ROUNDINGS = 32

# Where PyTorch itself loses digits: op, case ("*" for all) and array (an argument, or "output") to the roundings that
# it costs, and why.
LOST_BY_PYTORCH = {
    **{
        ("cosine_embedding_loss", "*", array): (2**14, "its code adds 1e-12 to each squared norm of a row")
        for array in ("output", "input1", "input2")
    },
    **{
        ("cosine_embedding_loss", "one feature", array): (float("inf"), "the gradient is 0 but for what its code adds")
        for array in ("input1", "input2")
    },
    **{
        ("interpolate", case, "input"): (
            float("inf"),
            "where an extent stays or doubles, one of its passes resamples by the factor and the other copies",
        )
        for case in (
            "nearest, an extent that a factor leaves",
            "nearest, doubled by a factor above 2",
            "bicubic, an extent that a factor leaves",
            "bilinear antialiased, an extent that a factor leaves",
            "bicubic antialiased, an extent that a factor leaves",
            "lanczos antialiased, an extent that a factor leaves",
        )
    },
    **{
        (op, case, "weight"): (
            float("inf"),
            "l - L is the difference of equal numbers, and 0: PyTorch returns its rounding",
        )
        for op in ("l1_loss", "mse_loss")
        for case in ("a single number, weighted", "equal residuals, weighted")
    },
    **{
        ("poisson_nll_loss", case, "target"): (
            float("inf"),
            "0 log 0 under full is masked only after it is computed: NaN where the target is 0",
        )
        for case in ("counts, some of them 0", "counts, some of them 0, of a rate")
    },
    ("softmax", "*", "input"): (
        256,
        "p (g - sum of g p) is a small difference where one p is near 1, or the g are alike",
    ),
}


def roundings_of(op, case, array):
    """How far PyTorch may be from refimpl in this array."""
    entry = LOST_BY_PYTORCH.get((op, case, array)) or LOST_BY_PYTORCH.get((op, "*", array))
    return entry[0] if entry else ROUNDINGS


def assert_pair_agrees(op, case, output, gradients, expected_output, expected_gradients):
    """refimpl's output and gradients on a case are PyTorch's, in every array that PyTorch gives."""
    assert_agree(output, expected_output, roundings_of(op, case, "output"))
    for name, expected in expected_gradients.items():
        assert_agree({name: gradients[name]}, {name: expected}, roundings_of(op, case, name))


def relative_difference(actual, expected):
    """The largest |actual - expected| over the largest finite |expected|; inf where NaN or infinities are elsewhere."""
    a, b = np.asarray(actual), np.asarray(expected)
    if a.shape != b.shape:
        return np.inf
    finite = np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True) or not np.isfinite(a[finite]).all():
        return np.inf
    difference = np.max(np.abs(a[finite] - b[finite]), initial=0.0)
    size = np.max(np.abs(b[finite]), initial=0.0)
    return float(difference / size) if size else float(np.inf if difference else 0.0)


def assert_agree(actual, expected, roundings=ROUNDINGS):
    """The same structure, with arrays of the same shape, dtype and, but for rounding, entries."""
    problem = mismatch(expected, actual)
    assert problem is None, problem
    found = dict(leaves(actual))
    for path, b in leaves(expected):
        a, b = np.asarray(found[path]), np.asarray(b)
        where = path or "the array"
        assert (a.dtype, a.shape) == (b.dtype, b.shape), where
        if b.dtype.kind != "f":
            np.testing.assert_array_equal(a, b, err_msg=where)
            continue
        bound = roundings * float(np.finfo(b.dtype).eps)
        difference = relative_difference(a, b)
        assert difference <= bound, f"{where} differs by {difference:.2g} of its largest entry: {a!r} is not {b!r}"
