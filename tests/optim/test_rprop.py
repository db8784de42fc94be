"""What Rprop promises."""

import numpy as np
import pytest

from refimpl.optim import rprop_init, rprop_update


def run(gradients, lr=0.5, dtype=float, **options):
    gradients = np.array(gradients, dtype)
    p = np.zeros(gradients.shape[1:], dtype)
    state, points = rprop_init(p, lr), []
    for g in gradients:
        p, state = rprop_update(p, g, state, **options)
        points.append(p)
    return np.array(points), state


@pytest.mark.parametrize(("dtype", "tiny"), [("float16", 1e-7), ("float32", 1e-40), ("float64", 1e-310)])
def test_the_tiniest_gradients_have_a_sign(dtype, tiny):
    """Their product is 0, which PyTorch takes for no agreement."""
    points, state = run([[tiny, tiny], [tiny, -tiny]], 0.5, dtype, etas=(0.25, 2.0))
    np.testing.assert_array_equal(points, [[-0.5, -0.5], [-1.5, -0.5]])
    np.testing.assert_array_equal(state.step_size, [1.0, 0.125])
    assert state.gradient[1] == 0


def test_every_pair_of_signs():
    signs = [-2.0, 0.0, 3.0]
    before, after = (grid.ravel() for grid in np.meshgrid(signs, signs))
    points, state = run([before, after], 0.5, etas=(0.25, 2.0))
    agreement = before * after
    expected = np.select([agreement > 0, agreement < 0], [1.0, 0.125], 0.5)
    np.testing.assert_array_equal(state.step_size, expected)
    kept = np.where(agreement < 0, 0, after)
    np.testing.assert_array_equal(state.gradient, kept)
    np.testing.assert_array_equal(points[1], points[0] - expected * np.sign(kept))


def test_a_nan_is_seen():
    points, state = run([[1.0, 1.0], [np.nan, 1.0], [1.0, 1.0]])
    assert np.isnan(points[1:, 0]).all()
    assert np.isnan(state.step_size[0])
    np.testing.assert_allclose(points[:, 1], [-0.5, -1.1, -1.82])


def test_the_size_of_a_gradient_does_not_matter():
    g = np.random.default_rng(0).standard_normal((30, 4))
    scale = 10.0 ** np.random.default_rng(1).integers(-100, 100, (30, 4))
    np.testing.assert_array_equal(run(g)[0], run(g * scale)[0])
