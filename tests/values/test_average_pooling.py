"""Average pooling against a loop over every window, and as a linear map."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import refimpl


def pair(axes):
    return getattr(refimpl, f"avg_pool{axes}d_forward"), getattr(refimpl, f"avg_pool{axes}d_backward")


@st.composite
def geometries(draw):
    axes = draw(st.integers(1, 3))

    def extents(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    kernel = extents(1, 4)
    options = {
        "kernel_size": kernel,
        "stride": extents(1, 3),
        "padding": tuple(draw(st.integers(0, k // 2)) for k in kernel),
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
    }
    if axes > 1:
        options["divisor_override"] = draw(st.sampled_from([None, 3, -2]))
    return (*draw(st.sampled_from([(2,), (1, 2), (0, 1)])), *extents(1, 6)), options


def output_extent(n, k, s, p, ceil_mode):
    count = (n + 2 * p - k) // s + 1
    return count + (ceil_mode and (n + 2 * p - k) % s > 0 and count * s < n + p)


def by_loop(x, options):
    """Every window, every position in it: a sum, and a count of what counts."""
    kernel, stride, padding = (options[name] for name in ("kernel_size", "stride", "padding"))
    axes = len(kernel)
    spatial = x.shape[-axes:]
    sizes = [
        output_extent(*numbers, options["ceil_mode"]) for numbers in zip(spatial, kernel, stride, padding, strict=True)
    ]
    output = np.zeros((*x.shape[:-axes], *sizes))
    for place in np.ndindex(output.shape):
        total, inside, on_padding = 0.0, 0, 0
        for k in itertools.product(*map(range, kernel)):
            i = tuple(o * s + b - p for o, b, s, p in zip(place[-axes:], k, stride, padding, strict=True))
            on_padding += all(-p <= a < n + p for a, n, p in zip(i, spatial, padding, strict=True))
            if all(0 <= a < n for a, n in zip(i, spatial, strict=True)):
                total, inside = total + x[place[:-axes] + i], inside + 1
        count = on_padding if options["count_include_pad"] else inside
        output[place] = total / (options.get("divisor_override") or count)
    return output


@settings(max_examples=300, deadline=None, derandomize=True)
@given(geometries(), st.integers(0, 2**32 - 1))
def test_every_window_and_the_adjoint(geometry, seed):
    """<A x, g> = <x, A* g>, with A as the loop has it."""
    shape, options = geometry
    axes = len(options["kernel_size"])
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    forward, backward = pair(axes)
    numbers = zip(shape[-axes:], options["kernel_size"], options["stride"], options["padding"], strict=True)
    if min(output_extent(*each, options["ceil_mode"]) for each in numbers) < 1:
        with pytest.raises(ValueError, match="must fit into the padded input"):
            forward(x, **options)
        return
    output, cache = forward(x, **options)
    np.testing.assert_allclose(output, by_loop(x, options), rtol=1e-13, atol=1e-14)
    g = rng.standard_normal(output.shape)
    grad_x = backward(g, cache)["input"]
    size = np.abs(g * output).sum() + np.abs(grad_x * x).sum()
    np.testing.assert_allclose(np.vdot(g, output), np.vdot(grad_x, x), rtol=0, atol=1e-14 * max(size, 1))


def test_infinity_and_nan_stay_in_their_windows():
    x = np.array([[1.0, 2, np.inf, 4, 5, 6, np.nan, 8, -np.inf, np.inf]])
    output, _ = refimpl.avg_pool1d_forward(x, 2)
    np.testing.assert_array_equal(output, [[1.5, np.inf, 5.5, np.nan, np.nan]])
    output, cache = refimpl.avg_pool1d_forward(np.ones((1, 6)), 2)
    grad_x = refimpl.avg_pool1d_backward([[2.0, np.inf, 4]], cache)["input"]
    np.testing.assert_array_equal(grad_x, [[1, 1, np.inf, np.inf, 2, 2]])
