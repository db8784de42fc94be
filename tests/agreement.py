"""When two computations of the same thing agree, and where PyTorch's own digits do not reach that far."""

from __future__ import annotations

import numpy as np

from refimpl._structure import leaves, map_leaves, mismatch

# How far two right answers may be apart, in roundings (the dtype's eps) of the array's largest entry.
ROUNDINGS = 32

# Where PyTorch itself loses digits: op, case ("*" for all) and array (an argument, or "output") to the roundings that
# it costs, and why.
_DIFFERENCE = (256, "p (g - sum of g p) is a small difference where one p is near 1, or the g are alike")
_TAIL = (3e4, "1 + erf and 1 + tanh are small differences in the lower tail")
LOST_BY_PYTORCH = {
    **{
        ("adaptive_log_softmax_with_loss", "confident rows", array): (512, "1 - p, where p is near 1")
        for array in ("input", "tail_weights")
    },
    ("gelu", "a tail of its own", "output"): _TAIL,
    ("gelu", "a tail of its own", "input"): _TAIL,
    ("gelu", "tanh, a tail of its own", "output"): _TAIL,
    ("gelu", "tanh, a tail of its own", "input"): _TAIL,
    ("gumbel_softmax", "*", "logits"): _DIFFERENCE,
    ("hardsigmoid", "*", "input"): (1.5e8, "1 / 6 is a float32 in backward, also for float64"),
    ("logsumexp", "a large offset", "input"): (512, "exp(x - y), with y rounded at the offset"),
    ("multi_head_attention", "*", "key"): _DIFFERENCE,
    ("multi_head_attention", "*", "query"): _DIFFERENCE,
    ("scaled_dot_product_attention", "confident rows", "key"): _DIFFERENCE,
    ("scaled_dot_product_attention", "confident rows", "query"): _DIFFERENCE,
    ("softmax", "*", "input"): _DIFFERENCE,
    ("softmin", "*", "input"): _DIFFERENCE,
    ("tanh", "tails", "input"): (256, "1 - tanh(x)^2"),
    ("tanhshrink", "next to zero", "input"): (256, "1 - (1 - tanh(x)^2)"),
    ("ctc_loss", "*", "log_probs"): (
        128,
        "what an alignment's share is computed from are logarithms of the size of the loss, and their roundings",
    ),
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
    **{
        (op, case, array): (4096, "the mean is rounded to the last place of the offset, and x - mean is off by that")
        for op, case in (
            ("batch_norm", "own, a large offset"),
            ("group_norm", "a large offset"),
            ("instance_norm", "own, a large offset"),
            ("layer_norm", "a large offset"),
        )
        for array in ("output", "input", "weight")
    },
    **{
        (op, case, array): (float("inf"), "the gradient is 0 in each row of one entry: PyTorch returns its rounding")
        for op, case, *arrays in (
            ("cosine_similarity", "one entry", "x1", "x2"),
            ("cosine_similarity", "single numbers", "x1", "x2"),
            ("group_norm", "groups of one value in two samples", "input"),
            ("layer_norm", "one feature", "input", "weight"),
            ("normalize", "a single number", "input"),
            ("normalize", "one entry", "input"),
            ("spectral_norm", "one number", "weight"),
            ("weight_norm", "a vector, entry by entry", "v"),
        )
        for array in arrays
    },
    **{
        ("cosine_similarity", case, array): (
            1024,
            "x2 / |x2| - y x1 / |x1| is a small difference where the rows are nearly parallel",
        )
        for case in ("a row with itself, nearly", "opposite rows, nearly")
        for array in ("x1", "x2")
    },
    ("group_norm", "a single position", "input"): (
        2**16,
        "of two values only the share of eps, here 1e-5 of the variance, is left of the gradient",
    ),
    ("group_norm", "no positions", "weight"): (float("inf"), "PyTorch has NaN where it sums nothing"),
    ("spectral_norm", "a kernel's last axis, counted from the end", "weight"): (
        256,
        "u^T M v is a sum of both signs, and so is what is taken from the gradient",
    ),
    **{
        ("embedding_bag", case, "weight"): (
            float("inf"),
            "PyTorch divides the i-th distinct index's gradient by the frequency of the i-th index in order",
        )
        for case in (
            "weighted, by frequency",
            "sum by frequency",
            "mean by frequency",
            "mean by frequency, with a padding",
        )
    },
}
# However many roundings PyTorch loses, this much of the largest entry must agree: a number above is no free pass.
LEAST = 0.05

# What PyTorch computes in float32, whatever it is given: compared as float32.
SINGLE_IN_PYTORCH = {"grouped_mm": "its kernel for the CPU takes no float64"}


def roundings_of(op, case, array):
    """How far PyTorch may be from refimpl in this array."""
    entry = LOST_BY_PYTORCH.get((op, case, array)) or LOST_BY_PYTORCH.get((op, "*", array))
    return entry[0] if entry else ROUNDINGS


def assert_pair_agrees(op, case, output, gradients, expected_output, expected_gradients):
    """refimpl's output and gradients on a case are PyTorch's, in every array that PyTorch gives."""
    if op in SINGLE_IN_PYTORCH:
        output, gradients, expected_output, expected_gradients = (
            map_leaves(lambda a: np.asarray(a, np.float32), structure)
            for structure in (output, gradients, expected_output, expected_gradients)
        )
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
        bound = min(bound, LEAST) if np.isfinite(bound) else bound
        difference = relative_difference(a, b)
        assert difference <= bound, f"{where} differs by {difference:.2g} of its largest entry: {a!r} is not {b!r}"
