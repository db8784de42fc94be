"""What each loss finds of a class of one in fifty-one, beside what the best of all rules would find."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from refimpl.examples import imbalanced as lesson

CROSS_ENTROPY, WEIGHTED, FOCAL, WITHOUT_ALPHA = lesson.LOSSES


def best_scores(measured):
    """log (p / (1 - p)) for the true probability p that a case is rare."""
    common = multivariate_normal([0, 0], 1).pdf(measured)
    rare = sum(multivariate_normal(centre, 0.6**2).pdf(measured) for centre in ([2.6, 0], [0, 2.6])) / 2
    return np.log(rare / common / lesson.RATIO)[:, None]


@pytest.mark.parametrize("seed", range(2))
def test_each_loss_moves_the_threshold_of_the_best_rule(seed):
    _, found = lesson.compare(seed, lambda _: None)
    measured, rare = lesson.cases(np.random.default_rng([seed, 1]), lesson.TEST)
    scores = best_scores(measured)
    lowered = list(found)[-1]
    for name, odds in ((CROSS_ENTROPY, 1), (WITHOUT_ALPHA, 1), (FOCAL, 3), (WEIGHTED, 50), (lowered, 50)):
        expected = lesson.judge(scores, rare, -np.log(odds))
        assert abs(found[name].recall - expected.recall) < 0.06, name
        assert abs(found[name].precision - expected.precision) < 0.05, name
        assert abs(found[name].accuracy - expected.accuracy) < 0.03, name


def test_the_data_are_one_to_fifty():
    measured, rare = lesson.cases(np.random.default_rng(0), 40)
    assert measured.shape == (2040, 2)
    assert rare.shape == (2040, 1)
    assert rare.sum() == 40


def test_figures_by_hand():
    """Six cases, three of them rare: two reports, one right."""
    scores = np.array([2.0, 1.0, -1.0, -1.0, -2.0, -3.0])
    rare = np.array([1.0, 0, 1, 1, 0, 0])
    assert lesson.judge(scores, rare) == (1 / 3, 1 / 2, 3 / 6)
    assert lesson.judge(scores, rare, threshold=-1.5) == (1, 3 / 4, 5 / 6)
    assert lesson.judge(scores, rare, threshold=5) == (0, 1, 1 / 2)


def test_what_is_printed_makes_the_point(printed):
    rows = [line.split() for line in printed("imbalanced").splitlines()[2:]]
    recall, precision, accuracy = ([float(row[column].rstrip("%")) for row in rows] for column in (-3, -2, -1))
    plain, weighted, focal, without_alpha, lowered = recall
    assert plain < 50 < focal < 75 < weighted
    assert abs(plain - without_alpha) < 10
    assert abs(weighted - lowered) < 10
    assert sorted(precision) == [precision[i] for i in sorted(range(5), key=lambda i: -recall[i])]
    assert min(accuracy[0], accuracy[3]) > 98 > 93 > max(accuracy[1], accuracy[4])
