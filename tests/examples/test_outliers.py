"""Outliers pull the line of the squared error with them, and those of L1 and Huber's loss but little."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import huber

from refimpl.examples import outliers as lesson


def loss_of(loss, x, y, slope, intercept):
    d = slope * x + intercept - y
    return np.mean({"MSE": d**2, "L1": np.abs(d), "Huber": huber(lesson.NOISE, d)}[loss])


def best(loss, x, y):
    """The least that a line can reach: a least-squares problem, a line through two of the points, a smooth minimum."""
    if loss == "MSE":
        return loss_of(loss, x, y, *np.polyfit(x[:, 0], y[:, 0], 1))
    if loss == "L1":
        slopes = [((y[i] - y[j]) / (x[i] - x[j])).item() for i, j in combinations(range(len(x)), 2)]
        intercepts = [
            (y[i] - s * x[i]).item() for s, (i, _) in zip(slopes, combinations(range(len(x)), 2), strict=True)
        ]
        return min(loss_of(loss, x, y, s, c) for s, c in zip(slopes, intercepts, strict=True))
    return minimize(lambda p: loss_of(loss, x, y, *p), [2.0, -1.0], tol=1e-10, method="Nelder-Mead").fun


@pytest.mark.parametrize("loss", lesson.LOSSES)
def test_training_ends_at_the_least_loss(loss):
    x, y, _ = lesson.points(1, 0.2)
    reached = loss_of(loss, x, y, *lesson.fit(loss, x, y))
    expected = best(loss, x, y)
    assert expected * (1 - 1e-9) <= reached <= expected * (1 + 1e-5)


def test_the_share_is_what_was_asked_for():
    for share in lesson.SHARES:
        x, y, wrong = lesson.points(0, share)
        assert x.shape == y.shape == wrong.shape == (lesson.POINTS, 1)
        assert wrong.sum() == round(share * lesson.POINTS)
        assert (y - lesson.SLOPE * x - lesson.INTERCEPT)[wrong].min(initial=np.inf) > 3


def test_how_far_outliers_are_matters_to_the_squared_error_alone():
    x, y, wrong = lesson.points(2, 0.1)
    further = np.where(wrong, y + 50, y)
    assert lesson.fit("L1", x, y) == lesson.fit("L1", x, further)
    assert lesson.fit("Huber", x, y) == lesson.fit("Huber", x, further)
    assert lesson.off(*lesson.fit("MSE", x, further)) > 4 * lesson.off(*lesson.fit("MSE", x, y))


@pytest.mark.parametrize("seed", range(3))
def test_the_robust_lines_stay_near_the_truth(seed):
    x, y, _ = lesson.points(seed, 0.2)
    off = {loss: lesson.off(*lesson.fit(loss, x, y)) for loss in lesson.LOSSES}
    assert off["MSE"] > 1.5
    assert max(off["L1"], off["Huber"]) < 0.2


def test_what_is_printed_makes_the_point(printed):
    lines = [line.split() for line in printed("outliers").splitlines()]
    assert [row[0] for row in lines[3:6]] == [row[0] for row in lines[9:12]] == list(lesson.LOSSES)
    figures = {name: [float(figure) for figure in rest] for name, *rest in lines[9:12]}
    assert max(row[0] for row in figures.values()) < 0.1
    assert figures["MSE"] == sorted(figures["MSE"])
    for loss in ("L1", "Huber"):
        assert all(mine < squared / 5 for mine, squared in zip(figures[loss][1:], figures["MSE"][1:], strict=True))
