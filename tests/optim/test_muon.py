"""What Muon promises, and what it alone refuses."""

from functools import partial

import numpy as np
import pytest
from optimisers import assert_refused

from refimpl.optim import muon_init, muon_update

MATRIX = {"layer": [np.ones((2, 3))]}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 4)])
def test_only_matrices(shape):
    other = {"layer": [np.ones((2, 3)), np.ones(shape)]}
    rule = f"parameters.layer[1] must have shape (rows, columns), got {shape}"
    assert_refused(partial(muon_init, other), ValueError, f"muon_init: {rule}")
    assert_refused(partial(muon_update, other, other, muon_init(MATRIX)), ValueError, f"muon_update: {rule}")


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (4, 4), (6, 3), (3, 6)])
@pytest.mark.parametrize(("adjust_lr_fn", "size"), [(None, None), ("original", None), ("match_rms_adamw", 0.2)])
def test_the_step_has_the_singular_vectors_of_the_mean_and_the_size_asked_for(shape, adjust_lr_fn, size):
    """With coefficients that converge, whose limit is the polar factor."""
    rng = np.random.default_rng(shape[0])
    p, g = rng.standard_normal((2, *shape))
    moved, _ = muon_update(
        p,
        g,
        muon_init(p),
        lr=0.5,
        weight_decay=0.25,
        ns_coefficients=(15 / 8, -10 / 8, 3 / 8),
        ns_steps=40,
        adjust_lr_fn=adjust_lr_fn,
    )
    u, _, vt = np.linalg.svd(g, full_matrices=False)
    step = (p * (1 - 0.5 * 0.25) - moved) / 0.5
    factor = size * np.sqrt(max(shape)) if size else np.sqrt(max(1, shape[0] / shape[1]))
    np.testing.assert_allclose(step, factor * (u @ vt), rtol=0, atol=1e-12)
    if size:
        np.testing.assert_allclose(np.sqrt(np.mean(step**2)), size, rtol=1e-12)


def test_float16_is_iterated_in_float32():
    """In float16 the squares of these entries would be 0, and the step with them."""
    g = np.full((2, 2), 1e-4, dtype=np.float16)
    g[0, 1] *= -1
    p = np.zeros((2, 2), dtype=np.float16)
    half, state = muon_update(p, g, muon_init(p), lr=1.0)
    single, _ = muon_update(p.astype("f4"), g.astype("f4"), muon_init(p.astype("f4")), lr=1.0)
    assert half.dtype == state.mean.dtype == np.float16
    np.testing.assert_allclose(half, single, rtol=2e-3)


def test_no_gradient_is_no_step():
    p = np.ones((2, 3))
    moved, _ = muon_update(p, np.zeros((2, 3)), muon_init(p), lr=0.5, weight_decay=0.5)
    np.testing.assert_array_equal(moved, 0.75 * p)
