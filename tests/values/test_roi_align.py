"""Means over regions against a loop over boxes, bins and points, the adjoint, and boxes of known mean."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refimpl import roi_align_backward, roi_align_forward
from refimpl.layers import roi_align


@st.composite
def geometries(draw):
    extents = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    count = draw(st.integers(0, 4))
    first, second = rng.uniform(-4, 9, (2, count, 2))
    ordered = draw(st.booleans())  # also boxes whose ends are exchanged
    corners = [np.minimum(first, second), np.maximum(first, second)] if ordered else [first, second]
    boxes = np.concatenate([rng.integers(0, 2, (count, 1)), *corners], axis=1)
    if draw(st.booleans()):
        boxes = np.round(2 * boxes) / 2
        boxes[:, 0] = np.floor(boxes[:, 0])
    options = {
        "output_size": (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "spatial_scale": draw(st.sampled_from([1.0, 0.5])),
        "sampling_ratio": draw(st.integers(-1, 3)),
        "aligned": draw(st.booleans()),
    }
    return extents, boxes, options


def at(x, q, p):
    """The picture x between its pixels; nothing from a pixel beyond them on."""
    height, width = x.shape
    if not (-1 <= q <= height and -1 <= p <= width):
        return 0.0
    q, p = min(max(q, 0), height - 1), min(max(p, 0), width - 1)
    i, j = math.floor(q), math.floor(p)
    below, right = min(i + 1, height - 1), min(j + 1, width - 1)
    a, b = q - i, p - j
    return (1 - a) * ((1 - b) * x[i, j] + b * x[i, right]) + a * ((1 - b) * x[below, j] + b * x[below, right])


def loop(x, boxes, output_size, spatial_scale, sampling_ratio, aligned):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for k, c, row, column in np.ndindex(y.shape):
        x1, y1, x2, y2 = boxes[k, 1:] * spatial_scale - (0.5 if aligned else 0)
        high, wide = (y2 - y1, x2 - x1) if aligned else (max(y2 - y1, 1), max(x2 - x1, 1))
        bin_h, bin_w = high / output_size[0], wide / output_size[1]
        rows = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_h)
        columns = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_w)
        for a in range(rows):
            for b in range(columns):
                q, p = y1 + (row + (a + 0.5) / rows) * bin_h, x1 + (column + (b + 0.5) / columns) * bin_w
                y[k, c, row, column] += at(x[int(boxes[k, 0]), c], q, p) / (rows * columns)
    return y


@settings(max_examples=300, deadline=None, derandomize=True)
@given(geometries())
def test_every_bin_is_the_mean_of_its_points(geometry):
    extents, boxes, options = geometry
    x = np.random.default_rng(0).standard_normal((2, 2, *extents))
    y, _ = roi_align_forward(x, boxes, **options)
    np.testing.assert_allclose(y, loop(x, boxes, **options), rtol=0, atol=1e-13)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(geometries(), st.sampled_from([1, 2**20]))
def test_backward_is_the_adjoint(geometry, entries):
    """However many boxes are taken at a time."""
    extents, boxes, options = geometry
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, *extents))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roi_align, "ENTRIES", entries)
        y, cache = roi_align_forward(x, boxes, **options)
        g = rng.standard_normal(y.shape)
        grad = roi_align_backward(g, cache)["input"]
    assert abs(np.vdot(y, g) - np.vdot(x, grad)) <= 1e-14 * np.linalg.norm(y) * np.linalg.norm(g) + 1e-300


def test_boxes_may_be_given_in_every_form():
    x = np.random.default_rng(0).standard_normal((2, 3, 6, 5))
    table = np.array([[0, 0, 1, 3, 4], [0, 1, 1, 5, 3], [1, 2, 0, 4, 6]])
    expected, _ = roi_align_forward(x, table.astype(float), 2)
    for boxes in (table, table.tolist(), [table[:2, 1:], table[2:, 1:]], (table[:2, 1:].tolist(), table[2:, 1:] * 1.0)):
        y, _ = roi_align_forward(x, boxes, 2)
        np.testing.assert_array_equal(y, expected)


def test_aligned_whole_boxes_of_pixels_give_back_the_pixels():
    x = np.random.default_rng(0).standard_normal((1, 2, 6, 5))
    y, cache = roi_align_forward(x, np.array([[0, 1, 2, 4, 5]]), 3, aligned=True)
    np.testing.assert_allclose(y[0], x[0, :, 2:5, 1:4], rtol=0, atol=1e-15)
    grad = roi_align_backward(np.ones_like(y), cache)["input"]
    np.testing.assert_allclose(grad[0, :, 2:5, 1:4], 1, rtol=1e-15)
    assert np.count_nonzero(np.abs(grad) > 1e-15) == 18


def test_ramps_have_the_mean_at_their_middle():
    """Without aligned the middle is half a pixel off: pixel i is read at i, where its edge begins."""
    x = np.broadcast_to(np.arange(20.0), (1, 1, 20, 20))
    box = np.array([[0, 4.0, 3.0, 11.0, 9.0]])
    for aligned, middle in ((True, 7.0), (False, 7.5)):
        for sampling_ratio in (-1, 1, 2, 3):
            y, _ = roi_align_forward(x, box, 1, 1.0, sampling_ratio, aligned)
            np.testing.assert_allclose(y.item(), middle, rtol=1e-14)
