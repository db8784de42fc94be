"""What Adafactor promises."""

import numpy as np

from refimpl.optim import adafactor_init, adafactor_update


def test_the_state_of_a_matrix_is_a_number_per_row_and_per_column():
    p = {"stack": np.ones((5, 3, 4)), "vector": np.ones(4), "number": np.ones(())}
    moved, state = adafactor_update(p, p, adafactor_init(p))
    assert state.square["stack"].rows.shape == (5, 3, 1)
    assert state.square["stack"].columns.shape == (5, 1, 4)
    assert state.square["vector"].shape == (4,)
    assert state.square["number"].shape == ()
    assert {key: value.shape for key, value in moved.items()} == {key: value.shape for key, value in p.items()}


def test_a_stack_is_its_matrices_but_for_the_sizes_of_the_whole():
    """Where all matrices are of one size and their steps too, nothing tells them from matrices of their own."""
    rng = np.random.default_rng(0)
    p = np.ones((2, 3, 4))
    sides = rng.uniform(1, 2, (2, 3, 1)), rng.uniform(1, 2, (2, 1, 4))
    g = sides[0] * sides[1]  # squares that are products: every entry of the step is 1
    together, _ = adafactor_update(p, g, adafactor_init(p))
    for i in range(2):
        alone, _ = adafactor_update(p[i], g[i], adafactor_init(p[i]))
        np.testing.assert_allclose(together[i], alone, rtol=1e-14)


def test_each_array_has_the_least_size_of_its_own_dtype():
    """A gradient below it is divided by it, not by its own size."""
    p = {"single": np.ones(1, dtype=np.float32), "double": np.ones(1)}
    g = {"single": np.full(1, 2.0**-25, dtype=np.float32), "double": np.full(1, 2.0**-25)}
    moved, _ = adafactor_update(p, g, adafactor_init(p), lr=0.5)
    assert moved["single"] == 1 - 0.5 * 2.0**-25 / 2.0**-23
    assert moved["double"] == 1 - 0.5


def test_the_range_ends_where_that_of_the_squares_does():
    """The product of a row's and a column's mean square is a fourth power."""
    for dtype, large in (("float64", 1e150), ("float32", 1e15)):
        p, g = np.ones((3, 4), dtype=dtype), np.full((3, 4), large, dtype=dtype)
        moved, _ = adafactor_update(p, g, adafactor_init(p), lr=0.125)
        np.testing.assert_allclose(moved, 0.875, rtol=1e-6)


def test_a_step_is_a_part_of_the_parameter_whatever_its_size():
    for size in (1e-2, 1.0, 1e150):
        p = np.full((3, 4), size)
        moved, _ = adafactor_update(p, np.ones((3, 4)), adafactor_init(p), lr=0.125)
        np.testing.assert_allclose(moved, 0.875 * p, rtol=1e-14)
    moved, _ = adafactor_update(np.zeros(2), np.ones(2), adafactor_init(np.zeros(2)), lr=0.125, eps=(None, 0.5))
    np.testing.assert_allclose(moved, -0.125 * 0.5, rtol=1e-15)
