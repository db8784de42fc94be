"""Normalizations of a weight: the power iteration, and weights of nothing."""

import numpy as np
import pytest

from refimpl import (
    spectral_norm_forward,
    spectral_norm_power_iteration,
    weight_norm_backward,
    weight_norm_forward,
)

rng = np.random.default_rng(0)
weight = rng.standard_normal((3, 4, 2))
u, v = np.ones(3), np.ones(8)


def test_power_iteration_returns_new_vectors():
    before = u.copy(), v.copy()
    left, right = spectral_norm_power_iteration(weight, u, v)
    np.testing.assert_array_equal(u, before[0])
    np.testing.assert_array_equal(v, before[1])
    matrix = weight.reshape(3, 8)
    np.testing.assert_allclose(left, matrix @ v / np.linalg.norm(matrix @ v), rtol=1e-14)
    np.testing.assert_allclose(right, matrix.T @ left / np.linalg.norm(matrix.T @ left), rtol=1e-14)
    same = spectral_norm_power_iteration(weight, u, v, n_power_iterations=0)
    np.testing.assert_array_equal(same[0], u)
    assert not np.shares_memory(same[0], u)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_power_iteration_comes_to_the_singular_vectors(dim):
    matrix = np.moveaxis(weight, dim, 0).reshape(weight.shape[dim], -1)
    left, right = spectral_norm_power_iteration(
        weight, np.ones(matrix.shape[0]), np.ones(matrix.shape[1]), n_power_iterations=200, dim=dim
    )
    y, _ = spectral_norm_forward(weight, left, right, dim)
    np.testing.assert_allclose(np.linalg.norm(np.moveaxis(y, dim, 0).reshape(matrix.shape), 2), 1, rtol=1e-9)


def test_power_iteration_of_a_tiny_weight_is_held_by_eps():
    left, _ = spectral_norm_power_iteration(1e-20 * weight, u, v)
    np.testing.assert_allclose(left, 1e-20 * weight.reshape(3, 8) @ v / 1e-12, rtol=1e-14)
    left, _ = spectral_norm_power_iteration(1e-200 * weight, u, v, eps=0)
    np.testing.assert_allclose(np.linalg.norm(left), 1, rtol=1e-14)


def test_power_iteration_refuses():
    for arguments, message in (
        ({"n_power_iterations": -1}, "n_power_iterations must be at least 0, got -1"),
        ({"eps": -1.0}, "eps must be at least 0, got -1"),
        ({"dim": 3}, "dim must be from -3 to 2 for 3 dimensions, got 3"),
    ):
        with pytest.raises(ValueError, match=f"^spectral_norm_power_iteration: {message}$"):
            spectral_norm_power_iteration(weight, u, v, **arguments)


def test_no_vectors():
    """PyTorch ends the process here."""
    w, cache = weight_norm_forward(np.zeros((0, 4)), np.zeros((0, 1)))
    assert w.shape == (0, 4)
    grads = weight_norm_backward(np.zeros((0, 4)), cache)
    assert (grads["v"].shape, grads["g"].shape) == ((0, 4), (0, 1))


def test_a_vector_of_zeros_has_no_direction():
    w, _ = weight_norm_forward([[0.0, 0.0], [3.0, 4.0]], [[1.0], [5.0]])
    assert np.isnan(w[0]).all()
    np.testing.assert_allclose(w[1], [3, 4], rtol=1e-15)
