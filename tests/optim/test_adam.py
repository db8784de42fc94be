"""What Adam promises."""

import numpy as np

from refimpl.optim import adam_init, adam_update


def test_the_first_step_of_adam_has_length_lr_whatever_the_gradient():
    for size in (1e-3, 1.0, 1e6):
        start = {"w": np.zeros(3)}
        moved, _ = adam_update(start, {"w": size * np.array([1.0, -2.0, 3.0])}, adam_init(start), lr=0.1, eps=0)
        np.testing.assert_allclose(moved["w"], [-0.1, 0.1, -0.1], rtol=1e-15)
