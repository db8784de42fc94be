"""Distances and directions: against SciPy's, over blocks, and of nothing."""

import numpy as np
import pytest
from scipy.spatial import distance

from refimpl import (
    cdist_backward,
    cdist_forward,
    cosine_similarity_backward,
    cosine_similarity_forward,
    normalize_backward,
    normalize_forward,
    pairwise_distance_forward,
    pdist_backward,
    pdist_forward,
)

rng = np.random.default_rng(0)
NAMES = {1.0: "cityblock", 2.0: "euclidean", np.inf: "chebyshev"}


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, 0.5, np.inf])
def test_scipys_distances(p):
    a, b = rng.standard_normal((6, 4)), rng.standard_normal((3, 4))
    options = {"metric": NAMES[p]} if p in NAMES else {"metric": "minkowski", "p": p}
    np.testing.assert_allclose(cdist_forward(a, b, p)[0], distance.cdist(a, b, **options), rtol=1e-14)
    np.testing.assert_allclose(pdist_forward(a, p)[0], distance.pdist(a, **options), rtol=1e-14)
    np.testing.assert_allclose(
        pairwise_distance_forward(a[:3], b, p, eps=0)[0], np.diag(distance.cdist(a[:3], b, **options)), rtol=1e-14
    )


def test_blocks_of_rows():
    """90 rows of 20 with 60 others: two blocks, with the same answers as row by row."""
    a, b, g = rng.standard_normal((90, 20)), rng.standard_normal((60, 20)), rng.standard_normal((90, 60))
    y, cache = cdist_forward(a, b, 3.0)
    grads = cdist_backward(g, cache)
    second = np.zeros_like(b)
    for i in range(90):
        one, one_cache = cdist_forward(a[i : i + 1], b, 3.0)
        one_grads = cdist_backward(g[i : i + 1], one_cache)
        np.testing.assert_array_equal(one[0], y[i])
        np.testing.assert_array_equal(one_grads["x1"][0], grads["x1"][i])
        second += one_grads["x2"]
    np.testing.assert_allclose(grads["x2"], second, rtol=0, atol=1e-12)


def test_no_rows():
    """PyTorch's backward ends the process here."""
    y, cache = pdist_forward(np.zeros((0, 2)))
    assert y.shape == (0,)
    assert pdist_backward(np.zeros(0), cache)["input"].shape == (0, 2)


def test_a_row_against_a_single_number():
    """An entry of one array that meets a whole row of the other: the cosine with (1, ..., 1) or its opposite."""
    a = rng.standard_normal((3, 4))
    y, cache = cosine_similarity_forward(a, [[2.0], [-0.5], [3.0]])
    expected = np.array([1, -1, 1]) * a.sum(axis=1) / np.linalg.norm(a, axis=1) / 2
    np.testing.assert_allclose(y, expected, rtol=1e-14)
    gradients = cosine_similarity_backward(np.ones(3), cache)
    assert gradients["x2"].shape == (3, 1)
    np.testing.assert_allclose(gradients["x2"], 0, atol=1e-15)  # its size is no direction
    assert cosine_similarity_forward(a[0], a, dim=0)[0].shape == (4,)


def test_a_zero_to_a_small_power_has_no_slope():
    """p below 1 has an infinite slope at 0, where PyTorch and refimpl say 0."""
    y, cache = normalize_forward([[0.0, 4.0]], p=0.5)
    np.testing.assert_array_equal(y, [[0, 1]])
    np.testing.assert_array_equal(normalize_backward([[1.0, 1.0]], cache)["input"], [[0.25, 0]])


def test_float32_answers_in_float32():
    a = rng.standard_normal((3, 4)).astype(np.float32)
    for y, cache, backward in (
        (*normalize_forward(a), normalize_backward),
        (*cosine_similarity_forward(a, a[::-1]), cosine_similarity_backward),
        (*cdist_forward(a, a[:2]), cdist_backward),
        (*pdist_forward(a, 3), pdist_backward),
    ):
        assert y.dtype == np.float32
        assert {g.dtype.name for g in backward(np.float64(1) * y, cache).values()} == {"float32"}
