"""Finite differences of a whole model's loss: one random direction for each array of its weights."""

import numpy as np

from refimpl._structure import leaves, map_leaves

STEP = 1e-3


def check_slopes(loss, weights, gradients, rtol=1e-8):
    """Hold the gradients against differences of fourth order; every entry of an array has a part in its slope."""
    rng = np.random.default_rng(0)
    names, found = [path for path, _ in leaves(weights)], dict(leaves(gradients))
    assert list(found) == names
    slopes, expected = [], []
    for name, array in leaves(weights):
        direction = rng.standard_normal(array.shape)
        direction /= np.linalg.norm(direction)

        def moved(distance, name=name, direction=direction):
            paths = iter(names)
            return loss(map_leaves(lambda a: a + distance * direction if next(paths) == name else a, weights))

        near, far = (moved(h) - moved(-h) for h in (STEP, 2 * STEP))
        slopes.append((8 * near - far) / (12 * STEP))
        expected.append((found[name] * direction).sum())
    assert np.count_nonzero(expected) == len(expected)
    np.testing.assert_allclose(slopes, expected, rtol=0, atol=rtol * np.abs(expected).max())
