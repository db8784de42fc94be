"""What an op is allowed to hold while it runs: peaks of traced allocations, which are the same in every run."""

import tracemalloc

import numpy as np
import pytest

from refimpl import conv2d_backward, conv2d_forward, unfold_forward


def peak(function, *arguments):
    """The most bytes that the call held at once beyond its arguments."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups", [1, 64])
def test_conv2d_takes_less_than_half_of_the_unfolded_input(dtype, groups):
    """Forward and backward, with the output and the gradients; the columns of all samples would be nine inputs."""
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((2, 16, 64, 32, 32)).astype(dtype)
    w = rng.standard_normal((64, 64 // groups, 3, 3)).astype(dtype)

    def both():
        _, cache = conv2d_forward(x, w, padding=1, groups=groups)
        return conv2d_backward(g, cache)

    unfolded = peak(unfold_forward, x, 3, 1, 1)
    assert unfolded >= 9 * x.nbytes
    assert peak(both) < unfolded / 2


def test_convolutions_keep_their_arguments_alone():
    x, w, b = np.ones((1, 2, 3, 3)), np.ones((2, 2, 2, 2)), np.ones(2)
    _, cache = conv2d_forward(x, w, b)
    assert cache.input is x
    assert cache.weight is w
    assert cache.bias is b
    assert sum(isinstance(field, np.ndarray) for field in cache) == 3


def test_unfold_keeps_no_array():
    _, cache = unfold_forward(np.ones((1, 2, 3, 3)), 2)
    assert not any(isinstance(field, np.ndarray) for field in cache)
