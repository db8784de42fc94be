"""Losses of boxes at every magnitude, nearly equal, thin and far apart; the true values are mpmath's."""

import mpmath
import numpy as np
import pytest
from ulps import ulp_distance

import refimpl

FORWARD, BACKWARD = 4, 8  # ulps of a row
NAMES = ("box_iou_loss", "generalized_box_iou_loss", "distance_box_iou_loss", "complete_box_iou_loss")


def loss(name, first, second, eps):
    """The textbook formulas, of eight mpmath numbers."""
    (x1, y1, x2, y2), (a1, b1, a2, b2) = first, second
    zero = mpmath.mpf(0)
    inner = max(zero, min(x2, a2) - max(x1, a1)) * max(zero, min(y2, b2) - max(y1, b1))
    union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - inner
    iou = inner / (union + eps)
    wide, high = max(x2, a2) - min(x1, a1), max(y2, b2) - min(y1, b1)
    if name == "box_iou_loss":
        return 1 - iou
    if name == "generalized_box_iou_loss":
        return 1 - iou + (wide * high - union) / (wide * high + eps)
    apart = ((x1 + x2 - a1 - a2) / 2) ** 2 + ((y1 + y2 - b1 - b2) / 2) ** 2
    distance = 1 - iou + apart / (wide**2 + high**2 + eps)
    if name == "distance_box_iou_loss":
        return distance
    angle = mpmath.atan((a2 - a1) / (b2 - b1)) - mpmath.atan((x2 - x1) / (y2 - y1))
    v = (2 / mpmath.pi * angle) ** 2
    return distance + (v * v / (1 - iou + v + eps) if v else v)


def shapes_differ_by(name, first, second):
    """How many ulps the rounding of the sides costs the complete loss: two over the angle between the diagonals."""
    if name != "complete_box_iou_loss":
        return 0
    x1, y1, x2, y2 = first
    a1, b1, a2, b2 = second
    angle = mpmath.atan((a2 - a1) / (b2 - b1)) - mpmath.atan((x2 - x1) / (y2 - y1))
    return min(2 / abs(angle), 300)


def slopes(name, first, second, eps, step):
    """Central differences at 200 digits: right to the square of the step beside the lengths."""
    numbers, found = [*first, *second], []
    for k in range(8):
        ends = []
        for sign in (1, -1):
            moved = list(numbers)
            moved[k] += sign * step
            ends.append(loss(name, moved[:4], moved[4:], eps))
        found.append((ends[0] - ends[1]) / (2 * step))
    return found


def boxes(kind, magnitude, count=12):
    rng = np.random.default_rng(0)
    low, sides = rng.uniform(-1, 1, (count, 2)), rng.uniform(0.5, 2, (count, 2))
    if kind == "thin":
        sides = sides * [1, 1e-9]
    first = np.concatenate([low, low + sides], axis=1)
    shift = {"askew": 0.3, "thin": 0.3, "nearly equal": 1e-9, "apart": 5.0}[kind]
    moved = rng.uniform(-1, 1, (count, 4)) * shift * np.tile(sides, (1, 2)) * (0.01 if kind == "apart" else 1)
    if kind == "apart":
        moved += rng.choice([-7.0, 7.0], (count, 1))
    return magnitude * first, magnitude * (first + moved)


SAMPLES = [
    pytest.param(kind, magnitude, eps, id=f"{kind}-{magnitude:g}-{eps:g}")
    for kind in ("askew", "thin", "nearly equal", "apart")
    for magnitude, eps in ((1.0, 1e-7), (1e3, 1e-7), (1e-200, 0.0), (1e200, 1e-7), (1e-30, 1e-7), (1e300, 1e-7))
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("kind", "magnitude", "eps"), SAMPLES)
def test_a_row_keeps_its_digits(name, kind, magnitude, eps):
    """Values in their own ulps; gradients in ulps of a row's largest entry, of which the others may be differences."""
    forward, backward = getattr(refimpl, f"{name}_forward"), getattr(refimpl, f"{name}_backward")
    options = {"constant_alpha": False} if name == "complete_box_iou_loss" else {}
    first, second = boxes(kind, magnitude)
    kept = ((first[:, 2:] > first[:, :2]) & (second[:, 2:] > second[:, :2])).all(axis=1)
    first, second = first[kept], second[kept]
    assert len(first) > 3
    value, cache = forward(first, second, eps=eps, **options)
    gradient = backward(np.ones(len(first)), cache)
    with mpmath.workdps(1500):
        for k in range(len(first)):
            a, b = ([mpmath.mpf(float(v)) for v in box[k]] for box in (first, second))
            exact_eps = mpmath.mpf(eps)
            assert ulp_distance(value[k], [loss(name, a, b, exact_eps)]).max() <= FORWARD
            step = mpmath.mpf(magnitude) * mpmath.mpf(10) ** -60
            true = slopes(name, a, b, exact_eps, step)
            computed = np.concatenate([gradient["boxes1"][k], gradient["boxes2"][k]])
            unit = mpmath.mpf(float(np.spacing(float(max(abs(v) for v in true)))))
            worst = max(abs(mpmath.mpf(float(c)) - v) for c, v in zip(computed, true, strict=True))
            assert worst <= (BACKWARD + shapes_differ_by(name, a, b)) * unit


@pytest.mark.parametrize("name", NAMES[:3])
def test_the_same_box_twice_costs_eps_over_its_area(name):
    box = np.array([[1.0, 2.0, 4.0, 6.0]])
    value, _ = getattr(refimpl, f"{name}_forward")(box, box)
    assert value == pytest.approx(1e-7 / (12 + 1e-7), rel=1e-15)
    assert getattr(refimpl, f"{name}_forward")(box, box, eps=0.0)[0] == 0


@pytest.mark.parametrize("name", NAMES[:3])
def test_boxes_without_area(name):
    """A line and a point: nothing is covered by both, the loss is a number, and so is its gradient."""
    first, second = np.array([[0.0, 0, 0, 2], [1, 1, 1, 1]]), np.array([[0.0, 0, 3, 2], [1, 1, 1, 1]])
    value, cache = getattr(refimpl, f"{name}_forward")(first, second)
    gradient = getattr(refimpl, f"{name}_backward")(np.ones(2), cache)
    assert np.isfinite(value).all()
    assert np.isfinite(gradient["boxes1"]).all()
    assert np.isfinite(gradient["boxes2"]).all()
    assert value[1] == 1
