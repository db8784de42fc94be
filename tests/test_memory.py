"""What an op is allowed to hold while it runs: peaks of traced allocations, which are the same in every run."""

import tracemalloc

import numpy as np
import pytest

from refimpl import (
    blockwise_attention_backward,
    blockwise_attention_forward,
    conv2d_backward,
    conv2d_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    linear_backward,
    linear_cross_entropy_backward,
    linear_cross_entropy_forward,
    linear_forward,
    scaled_dot_product_attention_backward,
    scaled_dot_product_attention_forward,
    unfold_forward,
)


def peak(function, *arguments):
    """The most bytes that the call held at once beyond its arguments."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def at_once(x, w, labels):
    _, cache = linear_cross_entropy_forward(x, w, labels)
    return linear_cross_entropy_backward(x.dtype.type(1), cache)


def in_two_steps(x, w, labels):
    z, linear_cache = linear_forward(x, w)
    _, cache = cross_entropy_forward(z, labels)
    return linear_backward(cross_entropy_backward(x.dtype.type(1), cache)["input"], linear_cache)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_linear_cross_entropy_takes_less_than_a_quarter(dtype):
    """Forward and backward, against linear followed by cross_entropy. Its page has the figures at larger extents."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((768, 48)).astype(dtype), rng.standard_normal((6000, 48)).astype(dtype)
    labels = rng.integers(0, 6000, 768)
    scores = x.itemsize * 768 * 6000
    two_steps = peak(in_two_steps, x, w, labels)
    assert two_steps > 2 * scores  # the scores and their gradient
    assert peak(at_once, x, w, labels) < two_steps / 4


def test_linear_cross_entropy_keeps_its_arguments_alone():
    x, w = np.ones((6, 2)), np.ones((3, 2))
    _, cache = linear_cross_entropy_forward(x, w, np.zeros(6, dtype=int))
    assert cache.input is x
    assert cache.linear_weight is w
    assert sum(isinstance(field, np.ndarray) for field in cache) == 3  # and the target


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


def attention_at_once(q, k, v, g):
    output, cache = scaled_dot_product_attention_forward(q, k, v)
    return output, scaled_dot_product_attention_backward(g, cache)


def attention_in_blocks(q, k, v, g):
    output, cache = blockwise_attention_forward(q, k, v)
    return output, blockwise_attention_backward(g, cache)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blockwise_attention_is_linear_in_the_length(dtype):
    """Forward and backward at 512 and 1024 queries and keys; the page has the figures at 8192."""
    drawn = np.random.default_rng(0).standard_normal((4, 1024, 16)).astype(dtype)
    short, long = drawn[:, :512].copy(), drawn
    scores = long.itemsize * 1024**2
    dense, blockwise = (
        [peak(function, *rows) for rows in (short, long)] for function in (attention_at_once, attention_in_blocks)
    )
    assert dense[1] > 2 * scores
    assert dense[1] > 3 * dense[0]
    assert blockwise[1] < 2 * blockwise[0]
    assert blockwise[1] < scores / 4


def test_blockwise_attention_keeps_two_arrays_of_its_own():
    q, k, v = np.ones((2, 3, 4)), np.ones((2, 5, 4)), np.ones((2, 5, 6))
    output, cache = blockwise_attention_forward(q, k, v)
    assert cache.query is q
    assert cache.key is k
    assert cache.value is v
    assert cache.output is output
    assert cache.log_sum.shape == (2, 3)
    assert sum(isinstance(field, np.ndarray) for field in cache) == 5
