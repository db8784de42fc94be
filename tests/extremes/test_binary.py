"""The losses of yes or no over the whole range: tails, neighbours of 0 and 1, huge scores; true values by mpmath."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from ulps import ulp_distance

from refimpl import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    binary_cross_entropy_with_logits_backward,
    binary_cross_entropy_with_logits_forward,
    sigmoid_focal_loss_backward,
    sigmoid_focal_loss_forward,
)

# Bounds in ulps: what numerics.md asks of an elementwise op.
FORWARD, BACKWARD = 4, 5
DIGITS = 80  # 1 - p is then known to more digits than p has, also for p = 1e-43

rng = np.random.default_rng(0)


def values(formula, *arrays):
    """formula(*numbers) in mpmath for each element."""
    with mpmath.workdps(DIGITS):
        return np.array([formula(*(mpf(float(v)) for v in row)) for row in zip(*arrays, strict=True)], dtype=object)


def paired(numbers, targets):
    """Each number with each target."""
    x, t = np.meshgrid(numbers, targets)
    return x.ravel(), t.ravel()


def pull(backward, forward, x, t, **options):
    loss, cache = forward(x, t, reduction="none", **options)
    return loss, *backward(np.ones_like(x), cache).values()


# Probabilities down to 1e-43, where forward begins to hold the logarithm fixed, and up to 1 - 2^-53.
PROBABILITIES = np.concatenate(
    [
        rng.uniform(0, 1, 60),
        10.0 ** rng.uniform(-43, 0, 60),
        1 - 10.0 ** rng.uniform(-15, 0, 60),
        0.5 + np.array([-1, 1, 4]) * 1e-16,
        0.25 + rng.uniform(-1e-3, 1e-3, 10),
        0.75 + rng.uniform(-1e-3, 1e-3, 10),
        [1 - 2.0**-53, 2.0**-53, 4e-44, 0.5],
    ]
)
# Scores of every size.
SCORES = np.concatenate(
    [
        rng.uniform(-5, 5, 60),
        rng.uniform(-40, 40, 60),
        rng.uniform(-755, 755, 60),
        rng.choice([-1, 1], 40) * 10.0 ** rng.uniform(-300, 300, 40),
        [0.0, 5e-324, -5e-324, 36.8, -36.8, -528.0, 659.0, 740.0, -740.0, 1.79e308, -1.79e308],
    ]
)


def assert_within(bound, computed, true, terms):
    """The error in units of the last place of the larger term, where the true value is a difference that may vanish."""
    inside = np.array([abs(v) < mpf(float(np.finfo(np.float64).max)) for v in true])
    assert np.isinf(computed[~inside]).all()
    units = np.array([max(mpf(2) ** -52 * term, mpf(5e-324)) for term in terms])
    assert (abs(computed - true)[inside] <= bound * units[inside]).all()


def log_ratio(p):
    return mpmath.log((1 - p) / p)


@pytest.mark.parametrize("target", [0.0, 1.0, 0.25, 1e-9, 0.7])
def test_binary_cross_entropy(target):
    p, t = paired(PROBABILITIES, [target])
    loss, grad_p, grad_t = pull(binary_cross_entropy_backward, binary_cross_entropy_forward, p, t)
    true = values(lambda p, t: -(t * mpmath.log(p) + (1 - t) * mpmath.log1p(-p)), p, t)
    assert ulp_distance(loss, true).max() <= FORWARD
    assert ulp_distance(grad_p, values(lambda p, t: (p - t) / p / (1 - p), p, t)).max() <= BACKWARD
    assert ulp_distance(grad_t, values(lambda p, t: log_ratio(p), p, t)).max() <= BACKWARD


def test_binary_cross_entropy_next_to_its_target():
    """p - t is exact where they are close, and a gradient of 1e-16 has all its digits."""
    t = rng.uniform(0.1, 0.9, 50)
    p = np.nextafter(t, 1)
    grad_p = pull(binary_cross_entropy_backward, binary_cross_entropy_forward, p, t)[1]
    assert ulp_distance(grad_p, values(lambda p, t: (p - t) / p / (1 - p), p, t)).max() <= BACKWARD


def test_probabilities_of_0_and_1_as_pytorch_has_them():
    """Forward clamps the logarithm at -100, the gradient of input is (p - t) / 1e-12, that of target infinite."""
    p = np.array([0, 0, 0, 1, 1, 1.0])
    t = np.array([0, 1, 0.25, 0, 1, 0.25])
    loss, grad_p, grad_t = pull(binary_cross_entropy_backward, binary_cross_entropy_forward, p, t)
    np.testing.assert_array_equal(loss, [0, 100, 25, 100, 0, 75])
    np.testing.assert_allclose(grad_p, [0, -1e12, -0.25e12, 1e12, 0, 0.75e12], rtol=1e-8)
    np.testing.assert_array_equal(grad_t, np.repeat([np.inf, -np.inf], 3))


def test_where_the_logarithm_is_held_only_its_own_term_is_not_the_derivative():
    """Below exp(-100): -t log p is flat and its gradient goes on at t / 1e-12, -(1 - t) log(1 - p) has slope 1 - t."""
    p, t = paired([1e-44, 1e-300, 5e-324], [1.0, 0.25, 0.0])
    loss, grad_p, grad_t = pull(binary_cross_entropy_backward, binary_cross_entropy_forward, p, t)
    np.testing.assert_allclose(loss, 100 * t + (1 - t) * p, rtol=1e-15)
    np.testing.assert_allclose(grad_p, np.where(t > 0, -1e12 * t, 1), rtol=1e-8)
    assert ulp_distance(grad_t, values(lambda p, t: log_ratio(p), p, t)).max() <= BACKWARD


def test_an_element_without_weight_counts_nothing_even_where_its_slope_is_infinite():
    _, cache = binary_cross_entropy_forward(np.array([0.0, 0.5]), np.array([1.0, 1.0]), np.array([0.0, 1.0]), "sum")
    grads = binary_cross_entropy_backward(1.0, cache)
    np.testing.assert_array_equal(grads["input"], [0, -2])
    np.testing.assert_array_equal(grads["target"], [0, 0])


def softplus(x):
    return mpmath.log1p(mpmath.exp(x))


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


@pytest.mark.parametrize("pos_weight", [None, 3.7, 1.2, 0.01])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_with_logits(target, pos_weight):
    x, t = paired(SCORES, [target])
    q = mpf(1 if pos_weight is None else pos_weight)
    given = {} if pos_weight is None else {"pos_weight": np.array(pos_weight)}
    loss, grad_x, grad_t = pull(
        binary_cross_entropy_with_logits_backward, binary_cross_entropy_with_logits_forward, x, t, **given
    )
    assert ulp_distance(loss, values(lambda x, t: q * t * softplus(-x) + (1 - t) * softplus(x), x, t)).max() <= FORWARD
    assert ulp_distance(grad_x, values(lambda x, t: (1 - t) * sigmoid(x) - q * t * sigmoid(-x), x, t)).max() <= BACKWARD
    terms = values(lambda x, t: max(q * softplus(-x), softplus(x)), x, t)
    assert_within(FORWARD, grad_t, values(lambda x, t: q * softplus(-x) - softplus(x), x, t), terms)


@pytest.mark.parametrize("pos_weight", [1.2, 0.9, 1 + 1e-12])
def test_the_slope_in_the_target_near_a_pos_weight_of_1(pos_weight):
    """(q - 1) log(1 + exp(-x)) - x: for q = 1 exactly -x, near it not the difference of two logarithms."""
    x, t = paired(SCORES, [0.3])
    q = np.array(pos_weight)
    grad_t = pull(
        binary_cross_entropy_with_logits_backward, binary_cross_entropy_with_logits_forward, x, t, pos_weight=q
    )[2]
    true = values(lambda x, t: mpf(pos_weight) * softplus(-x) - softplus(x), x, t)
    assert ulp_distance(grad_t, true).max() <= BACKWARD


@pytest.mark.parametrize("target", [0.25, 1e-9, 0.999])
def test_binary_cross_entropy_with_logits_at_soft_targets(target):
    """The gradient s(x) - t is a difference that vanishes at s(x) = t: its error is that of its larger term."""
    x, t = paired(SCORES, [target])
    loss, grad_x, grad_t = pull(
        binary_cross_entropy_with_logits_backward, binary_cross_entropy_with_logits_forward, x, t
    )
    assert ulp_distance(loss, values(lambda x, t: t * softplus(-x) + (1 - t) * softplus(x), x, t)).max() <= FORWARD
    np.testing.assert_array_equal(grad_t, -x)
    terms = values(lambda x, t: max((1 - t) * sigmoid(x), t * sigmoid(-x)), x, t)
    assert_within(FORWARD, grad_x, values(lambda x, t: (1 - t) * sigmoid(x) - t * sigmoid(-x), x, t), terms)


@pytest.mark.parametrize(("alpha", "gamma"), [(0.25, 2), (-1, 2), (0.6, 0.5), (0.25, 0), (0.75, 5), (-1, 1)])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_sigmoid_focal_loss(target, alpha, gamma):
    x, t = paired(SCORES, [target])
    loss, grad_x, grad_t = pull(sigmoid_focal_loss_backward, sigmoid_focal_loss_forward, x, t, alpha=alpha, gamma=gamma)
    a = mpf(1) if alpha == -1 else (alpha if target else 1 - mpf(alpha))
    slope_of_a = mpf(0) if alpha == -1 else 2 * mpf(alpha) - 1

    def focal(x, t):
        z = x if t else -x
        return a * sigmoid(-z) ** gamma * softplus(-z)

    def in_x(x, t):
        z, sign = (x, 1) if t else (-x, -1)
        return -sign * a * sigmoid(-z) ** gamma * (sigmoid(-z) + gamma * softplus(-z) * sigmoid(z))

    def terms_in_t(x, t):
        z = x if t else -x
        m, c = sigmoid(-z), softplus(-z)
        return m**gamma * slope_of_a * c, -a * m**gamma * x, -a * gamma * m**gamma * mpmath.tanh(x / 2) * c / m

    counted = 2 * max(0, gamma - 2)  # m is off by up to 2 ulp, and its error counts gamma times
    assert ulp_distance(loss, values(focal, x, t)).max() <= FORWARD + counted
    assert ulp_distance(grad_x, values(in_x, x, t)).max() <= BACKWARD + counted
    true = values(lambda x, t: mpmath.fsum(terms_in_t(x, t)), x, t)
    if slope_of_a:  # it vanishes somewhere
        kept = abs(x) < 1e307  # beyond, a term may overflow that another one would take back
        terms = values(lambda x, t: max(map(abs, terms_in_t(x, t))), x, t)
        assert_within(BACKWARD + counted, grad_t[kept], true[kept], terms[kept])
    else:
        assert ulp_distance(grad_t, true).max() <= BACKWARD + counted


def test_sigmoid_focal_loss_at_soft_targets():
    """Next to 0 and 1 and between them: m and c are sums of positive terms."""
    x, t = paired(SCORES, [0.25, 1e-9, 0.999])
    loss, grad_x, _ = pull(sigmoid_focal_loss_backward, sigmoid_focal_loss_forward, x, t, alpha=0.25, gamma=2)

    def parts(x, t):
        m = t * sigmoid(-x) + (1 - t) * sigmoid(x)
        c = t * softplus(-x) + (1 - t) * softplus(x)
        return 0.25 * t + 0.75 * (1 - t), m, c

    def terms_in_x(x, t):
        a, m, c = parts(x, t)
        bend = 2 * (1 - 2 * t) * sigmoid(x) * sigmoid(-x) * c / m
        return [a * m**2 * v for v in ((1 - t) * sigmoid(x), -t * sigmoid(-x), bend)]

    true = values(lambda x, t: parts(x, t)[0] * parts(x, t)[1] ** 2 * parts(x, t)[2], x, t)
    assert ulp_distance(loss, true).max() <= FORWARD + 2  # two more sums, of which one is squared
    terms = values(lambda x, t: max(map(abs, terms_in_x(x, t))), x, t)
    assert_within(BACKWARD, grad_x, values(lambda x, t: mpmath.fsum(terms_in_x(x, t)), x, t), terms)


def test_float32():
    """Computed in float32, the bounds of float32."""
    x, t = paired(np.float32([-100, -20, -1.5, 0, 0.3, 30, 88]), np.float32([0, 1]))
    loss, grad_x, _ = pull(binary_cross_entropy_with_logits_backward, binary_cross_entropy_with_logits_forward, x, t)
    assert loss.dtype == grad_x.dtype == np.float32
    assert ulp_distance(loss, values(lambda x, t: t * softplus(-x) + (1 - t) * softplus(x), x, t)).max() <= FORWARD
    assert ulp_distance(grad_x, values(lambda x, t: (1 - t) * sigmoid(x) - t * sigmoid(-x), x, t)).max() <= BACKWARD


def test_the_mean_survives_where_the_sum_overflows():
    x = np.array([1.5e308, 1.2e308])
    assert binary_cross_entropy_with_logits_forward(x, np.zeros(2))[0] == pytest.approx(1.35e308, rel=1e-15)
    assert sigmoid_focal_loss_forward(x, np.zeros(2), -1, reduction="mean")[0] == pytest.approx(1.35e308, rel=1e-15)
