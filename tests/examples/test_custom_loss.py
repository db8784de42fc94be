"""A user's pairs: judged rightly, the same as refimpl's own, and worth their while in training."""

import re

import numpy as np
import pytest

import refimpl
from refimpl.examples import custom_loss as lesson


@pytest.mark.parametrize("seed", range(3))
def test_the_checker_passes_the_right_pairs_and_fails_the_careless_ones(seed):
    reports = [report for _, report in lesson.checks(seed)]
    assert [report.verdict for report in reports] == ["pass", "fail", "pass", "fail"]
    right, careless, *_ = reports
    assert [argument.name for argument in right.arguments] == ["input", "target", "weight"]
    assert [argument.verdict for argument in careless.arguments] == ["pass", "pass", "fail"]
    assert max(report.difference for report in reports[::2]) < 1e-9 < 1e-2 < min(r.difference for r in reports[1::2])


def test_they_are_refimpls_own_losses():
    rng = np.random.default_rng(3)
    boxes, others = lesson.overlapping(rng, 40)
    others[::4] += 2  # these do not overlap
    loss, cache = lesson.iou_loss_forward(boxes, others)
    expected, expected_cache = refimpl.box_iou_loss_forward(boxes, others, "mean", 0.0)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)
    gradient = lesson.iou_loss_backward(3.0, cache)["boxes"]
    np.testing.assert_allclose(
        gradient, refimpl.box_iou_loss_backward(3.0, expected_cache)["boxes1"], rtol=1e-10, atol=1e-14
    )
    assert not gradient[::4].any()
    x, t = rng.standard_normal((2, 4, 3))
    loss, cache = lesson.weighted_mse_forward(x, t, np.full(x.shape, 0.7))
    expected, expected_cache = refimpl.mse_loss_forward(x, t)
    np.testing.assert_allclose(loss, expected)
    np.testing.assert_allclose(
        lesson.weighted_mse_backward(1.0, cache)["input"], refimpl.mse_loss_backward(1.0, expected_cache)["input"]
    )


def test_weights_find_the_better_line():
    ratios = []
    for seed in range(12):
        found = lesson.compare_lines(seed, lambda _: None)
        x, y, noise = lesson.points(seed)
        design, scale = np.hstack([x, np.ones_like(x)]), 1 / noise
        best, *_ = np.linalg.lstsq(scale * design, scale * y, rcond=None)
        off = np.sqrt(((design @ best - (lesson.SLOPE * x + lesson.INTERCEPT)) ** 2).mean())
        np.testing.assert_allclose(found["weighted MSE"][-1], off, rtol=1e-6)
        ratios.append(found["MSE"][-1] / found["weighted MSE"][-1])
    assert np.median(ratios) > 5


def test_the_iou_loss_finds_the_small_boxes():
    """And pays for it: its corners are further off, where nobody minds."""
    found = lesson.compare_boxes(1, lambda _: None)
    by_mse, by_iou = (figures[-1] for figures in found.values())
    assert by_iou["all"] > by_mse["all"] + 0.1
    assert by_iou["small"] > by_mse["small"] + 0.3
    assert by_iou["error"] > 1.5 * by_mse["error"]


def test_what_is_printed_makes_the_point(printed):
    lines = [re.split(r"  +", line) for line in printed("custom_loss").splitlines()]
    verdicts, line, boxes = lines[1:5], lines[7:9], lines[11:13]
    assert [row[2] for row in verdicts] == ["pass", "fail", "pass", "fail"]
    assert [row[0] for row in line + boxes] == ["MSE", "weighted MSE", "MSE", "IoU loss"]
    assert float(line[1][1]) < float(line[0][1])
    assert float(boxes[1][3]) > 2 * float(boxes[0][3])
