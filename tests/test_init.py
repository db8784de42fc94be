"""Initialisers: the distributions they promise, fans and gains, and what is refused. Seeds are fixed."""

import math

import numpy as np
import pytest
from golden_files import load
from optimisers import assert_refused
from scipy import stats

from refimpl import conv1d_forward, conv2d_forward, conv3d_forward, init, linear_forward

GOLDEN = load("initialisers")
UNLIKELY = 1e-3  # a p-value below this fails


@pytest.mark.parametrize(("nonlinearity", "param", "gain"), GOLDEN["gains"])
def test_gains_are_pytorchs(nonlinearity, param, gain):
    assert init.calculate_gain(nonlinearity, param) == gain


def test_gains_by_hand():
    assert init.calculate_gain("relu") ** 2 == pytest.approx(2, rel=1e-15)
    assert init.calculate_gain("leaky_relu", math.sqrt(7)) == 0.5
    assert {init.calculate_gain(name) for name in init.LAYERS} == {1.0}


@pytest.mark.parametrize(("shape", "fan_in", "fan_out"), GOLDEN["fans"])
def test_fans_are_pytorchs(shape, fan_in, fan_out):
    assert init.calculate_fan_in_and_fan_out(tuple(shape)) == (fan_in, fan_out)


def test_fans_by_hand():
    """From 6 channels to 4 with 3 x 5 positions: 6 x 15 inputs of one output, 4 x 15 outputs of one input."""
    assert init.calculate_fan_in_and_fan_out((4, 6, 3, 5)) == (90, 60)
    assert init.calculate_fan_in_and_fan_out([4, 6]) == (6, 4)


@pytest.mark.parametrize(("shape", "expected"), GOLDEN["eye"])
def test_eyes_are_pytorchs(shape, expected):
    np.testing.assert_array_equal(init.eye(shape), expected)


@pytest.mark.parametrize(("shape", "groups", "expected"), GOLDEN["dirac"])
def test_diracs_are_pytorchs(shape, groups, expected):
    np.testing.assert_array_equal(init.dirac(shape, groups), expected)


def test_identities_hand_on_their_input():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3))
    np.testing.assert_array_equal(linear_forward(x, init.eye((3, 3)))[0], x)
    np.testing.assert_array_equal(linear_forward(x, init.eye((2, 3)))[0], x[:, :2])
    for forward, dimensions in ((conv1d_forward, 1), (conv2d_forward, 2), (conv3d_forward, 3)):
        x = rng.standard_normal((2, 4, 5, 4, 3)[: dimensions + 2])
        weight = init.dirac((4, 2, 3, 3, 5)[: dimensions + 2], groups=2)
        padding = tuple(k // 2 for k in weight.shape[2:])
        np.testing.assert_array_equal(forward(x, weight, padding=padding, groups=2)[0], x)


# (shape, the call without shape and rng, standard deviation)
VARIANCES = {
    "uniform": ((300, 200), lambda s, **o: init.uniform(s, -1.0, 5.0, **o), 6 / math.sqrt(12)),
    "normal": ((300, 200), lambda s, **o: init.normal(s, 3.0, 0.7, **o), 0.7),
    # Glorot and Bengio: 2 / (fan_in + fan_out) = 2 / ((50 + 30) 12)
    "xavier_uniform": ((30, 50, 3, 4), init.xavier_uniform, math.sqrt(2 / 960)),
    "xavier_normal": ((30, 50, 3, 4), init.xavier_normal, math.sqrt(2 / 960)),
    "xavier_normal, tanh": ((300, 200), lambda s, **o: init.xavier_normal(s, 5 / 3, **o), 5 / 3 * math.sqrt(2 / 500)),
    "xavier_uniform, gain": ((300, 200), lambda s, **o: init.xavier_uniform(s, 3.0, **o), 3 * math.sqrt(2 / 500)),
    # He et al.: 2 / fan_in = 2 / 600, 2 / fan_out = 2 / 360; with a slope a 2 / (1 + a^2) in place of 2
    "kaiming_uniform": ((30, 50, 3, 4), init.kaiming_uniform, math.sqrt(2 / 600)),
    "kaiming_normal": ((30, 50, 3, 4), init.kaiming_normal, math.sqrt(2 / 600)),
    "kaiming_normal, out": (
        (30, 50, 3, 4),
        lambda s, **o: init.kaiming_normal(s, mode="fan_out", nonlinearity="relu", **o),
        math.sqrt(2 / 360),
    ),
    "kaiming_uniform, out": (
        (30, 50, 3, 4),
        lambda s, **o: init.kaiming_uniform(s, mode="fan_out", **o),
        math.sqrt(2 / 360),
    ),
    "kaiming_uniform, slope": ((300, 200), lambda s, **o: init.kaiming_uniform(s, 2.0, **o), math.sqrt(2 / 5 / 200)),
    "kaiming_normal, selu": (
        (300, 200),
        lambda s, **o: init.kaiming_normal(s, nonlinearity="selu", **o),
        0.75 / math.sqrt(200),
    ),
}


@pytest.mark.parametrize("name", VARIANCES)
def test_the_variance_is_the_promised_one(name):
    shape, call, std = VARIANCES[name]
    mean = {"uniform": 2.0, "normal": 3.0}.get(name, 0.0)
    drawn = call(shape, rng=7).ravel()
    # The standard error of the mean is std / sqrt(n), that of the variance std^2 sqrt((kurtosis - 1) / n), with the
    # kurtosis 9/5 of a uniform distribution and 3 of a normal one. Both within four of them.
    kurtosis = 9 / 5 if "uniform" in name else 3
    assert abs(drawn.mean() - mean) < 4 * std / math.sqrt(drawn.size)
    assert abs(drawn.var() - std**2) < 4 * std**2 * math.sqrt((kurtosis - 1) / drawn.size)
    width = std * math.sqrt(12)
    law = stats.uniform(mean - width / 2, width) if "uniform" in name else stats.norm(mean, std)
    assert stats.kstest(drawn, law.cdf).pvalue > UNLIKELY
    assert stats.pearsonr(drawn[:-1], drawn[1:]).pvalue > UNLIKELY


def test_kaiming_keeps_the_size_of_a_signal_through_relus():
    """The mean square after five layers over that before them is 1 in the mean of many networks; with half the variance
    it is 1 / 32.
    """
    rng, ratios = np.random.default_rng(1), []
    for _ in range(400):
        x = start = np.maximum(rng.standard_normal((4, 50)), 0)
        for _ in range(5):
            x = np.maximum(linear_forward(x, init.kaiming_normal((50, 50), nonlinearity="relu", rng=rng))[0], 0)
        ratios.append(np.mean(x**2) / np.mean(start**2))
    error = np.std(ratios) / math.sqrt(len(ratios))
    assert error < 0.05
    assert abs(np.mean(ratios) - 1) < 4 * error


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0, 1, -2, 2),
        (1, 0.5, -1, 1.2),
        (0, 1, 5, 6),
        (0, 1, -40, -38),
        (0, 2, 60, 200),
        (0.5, 1, -math.inf, 0.7),
        (0, 1, 0, math.inf),
        (0, 1, 0.01, 0.02),
    ],
)
def test_truncated_normals_have_their_distribution(mean, std, a, b):
    drawn = init.trunc_normal(20_000, mean, std, a, b, rng=3)
    assert a <= drawn.min() < drawn.max() <= b
    law = stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert stats.kstest(drawn, law.cdf).pvalue > UNLIKELY
    assert abs(drawn.mean() - law.mean()) < 4 * law.std() / math.sqrt(drawn.size)


@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (5, 5), (4, 3, 2, 2), (20, 3, 2, 2)])
def test_orthogonal_rows_or_columns(shape):
    weight = init.orthogonal(shape, 1.5, rng=2).reshape(shape[0], -1)
    rows, columns = weight.shape
    product = weight @ weight.T if rows <= columns else weight.T @ weight
    np.testing.assert_allclose(product, 1.5**2 * np.eye(min(rows, columns)), rtol=0, atol=1e-14)


def test_orthogonal_matrices_are_all_equally_likely():
    """An entry of a random rotation of the plane is the cosine of an angle, all angles alike, and every other one is a
    reflection. QR alone has signs that lean to one side.
    """
    rng = np.random.default_rng(4)
    drawn = np.array([init.orthogonal((2, 2), rng=rng) for _ in range(4000)])
    for entry in (drawn[:, 0, 0], drawn[:, 1, 0], drawn[:, 1, 1]):
        assert stats.kstest(entry, stats.arcsine(-1, 2).cdf).pvalue > UNLIKELY
    determinants = np.linalg.det(drawn)
    assert abs(determinants.mean()) < 4 / math.sqrt(len(drawn))


@pytest.mark.parametrize(("rows", "sparsity", "zeros"), GOLDEN["zeros"])
def test_sparse_columns_have_pytorchs_number_of_zeros(rows, sparsity, zeros):
    weight = init.sparse((rows, 40), sparsity, rng=5)
    np.testing.assert_array_equal((weight == 0).sum(axis=0), zeros)


def test_sparse_zeros_are_anywhere_and_the_others_normal():
    weight = init.sparse((10, 6000), 0.3, 0.5, rng=6)
    assert stats.kstest(weight[weight != 0], stats.norm(0, 0.5).cdf).pvalue > UNLIKELY
    assert stats.chisquare((weight == 0).sum(axis=1)).pvalue > UNLIKELY


RANDOM = {
    "uniform": init.uniform,
    "normal": init.normal,
    "trunc_normal": init.trunc_normal,
    "xavier_uniform": init.xavier_uniform,
    "xavier_normal": init.xavier_normal,
    "kaiming_uniform": init.kaiming_uniform,
    "kaiming_normal": init.kaiming_normal,
    "orthogonal": init.orthogonal,
    "sparse": lambda shape, **options: init.sparse(shape, 0.3, **options),
}
CERTAIN = {
    "constant": lambda shape, **options: init.constant(shape, 0.1, **options),
    "ones": init.ones,
    "zeros": init.zeros,
    "eye": init.eye,
}


def test_every_initialiser_is_tested():
    assert {*RANDOM, *CERTAIN, "dirac", "calculate_gain", "calculate_fan_in_and_fan_out"} == set(init.__all__)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_numbers_in_every_dtype(name):
    draw = RANDOM[name]
    double = draw((4, 3), rng=8)
    assert double.dtype == np.float64
    np.testing.assert_array_equal(draw((4, 3), rng=np.random.default_rng(8)), double)
    assert np.any(draw((4, 3), rng=9) != double)
    for dtype in ("float16", "float32"):
        np.testing.assert_array_equal(draw((4, 3), rng=8, dtype=dtype), double.astype(dtype), strict=True)
    rng = np.random.default_rng(8)
    draw((4, 3), rng=rng)
    assert np.any(draw((4, 3), rng=rng) != double)


@pytest.mark.parametrize("name", [*RANDOM, *CERTAIN])
def test_shapes_without_entries(name):
    draw = {**RANDOM, **CERTAIN}[name]
    options = {"rng": 0} if name in RANDOM else {}
    for shape in ((0, 3), (3, 0), (0, 0)):
        assert draw(shape, **options).shape == shape
    assert init.dirac((0, 3, 3)).shape == (0, 3, 3)


@pytest.mark.parametrize("name", [*RANDOM, *CERTAIN])
def test_the_callers_handling_of_floating_errors_does_not_matter(name):
    draw = {**RANDOM, **CERTAIN}[name]
    options = {"rng": 0} if name in RANDOM else {}
    with np.errstate(all="raise"):
        for dtype in ("float16", "float32", "float64"):
            draw((4, 3), dtype=dtype, **options)
        assert np.isinf(init.constant(2, 1e6, dtype="float16")).all()
        assert (init.normal(50, std=1e-9, dtype="float16", rng=0) == 0).all()
        assert init.trunc_normal(50, a=38.0, b=39.0, rng=0).min() >= 38


def test_constants():
    np.testing.assert_array_equal(init.constant(3, 0.1, dtype="float32"), np.full(3, np.float32(0.1)), strict=True)
    np.testing.assert_array_equal(init.ones(()), np.array(1.0), strict=True)
    np.testing.assert_array_equal(init.zeros((2, 1), dtype="float16"), np.zeros((2, 1), "float16"), strict=True)
    assert init.uniform((), rng=0).shape == ()


REFUSED = {
    "no rng": (
        lambda: init.kaiming_normal((3, 4)),
        ValueError,
        "kaiming_normal: rng must be an integer seed or a numpy.random.Generator, got None",
    ),
    "a vector where a fan is needed": (
        lambda: init.xavier_uniform(7, rng=0),
        ValueError,
        "xavier_uniform: shape must have 2 or more dimensions, got (7,)",
    ),
    "a negative extent": (
        lambda: init.zeros((3, -1)),
        ValueError,
        "zeros: shape must hold numbers of at least 0, got (3, -1)",
    ),
    "half an extent": (
        lambda: init.ones((3, 1.5)),
        TypeError,
        "ones: shape[1] must be an integer, got 1.5",
    ),
    "an integer dtype": (
        lambda: init.ones(3, dtype=int),
        TypeError,
        "ones: dtype must be float16, float32 or float64, got int64",
    ),
    "a dtype that there is not": (
        lambda: init.ones(3, dtype="float23"),
        TypeError,
        "ones: dtype must be float16, float32 or float64, got 'float23'",
    ),
    "bounds the wrong way round": (
        lambda: init.uniform(3, 2.0, 1.0, rng=0),
        ValueError,
        "uniform: a must be at most b = 1, got 2",
    ),
    "no room between the bounds": (
        lambda: init.trunc_normal(3, a=1.0, b=1.0, rng=0),
        ValueError,
        "trunc_normal: a must be below b = 1, got 1",
    ),
    "a negative deviation": (
        lambda: init.normal(3, std=-1.0, rng=0),
        ValueError,
        "normal: std must be at least 0 and below inf, got -1",
    ),
    "an unknown mode": (
        lambda: init.kaiming_uniform((3, 4), mode="fan_avg", rng=0),
        ValueError,
        "kaiming_uniform: mode must be one of 'fan_in', 'fan_out', got 'fan_avg'",
    ),
    "an unknown nonlinearity": (
        lambda: init.calculate_gain("gelu"),
        ValueError,
        "calculate_gain: nonlinearity must be one of 'linear', 'conv1d', 'conv2d', 'conv3d', 'conv_transpose1d', "
        "'conv_transpose2d', 'conv_transpose3d', 'sigmoid', 'tanh', 'relu', 'leaky_relu', 'selu', got 'gelu'",
    ),
    "a three-dimensional identity": (
        lambda: init.eye((3, 3, 3)),
        ValueError,
        "eye: shape must have 2 dimensions, got (3, 3, 3)",
    ),
    "a flat convolution": (
        lambda: init.dirac((3, 3)),
        ValueError,
        "dirac: shape must have 3 to 5 dimensions, got (3, 3)",
    ),
    "groups that leave a rest": (
        lambda: init.dirac((4, 3, 3), groups=3),
        ValueError,
        "dirac: groups must divide shape[0] = 4, got 3",
    ),
    "a sparsity above 1": (
        lambda: init.sparse((3, 3), 1.5, rng=0),
        ValueError,
        "sparse: sparsity must be at least 0 and at most 1, got 1.5",
    ),
}


@pytest.mark.parametrize("refusal", REFUSED)
def test_refused_with_the_whole_message(refusal):
    assert_refused(*REFUSED[refusal])
