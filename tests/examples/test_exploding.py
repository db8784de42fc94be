"""Gradients grow by the factor of the recurrent weights with each step back; clipped, they still teach the net."""

import math

import numpy as np
import pytest

import refimpl
from refimpl._structure import map_leaves
from refimpl.examples import exploding as lesson


def test_the_gradients_are_of_the_loss():
    """Each of them, against finite differences, away from where relu has its kink."""
    rng = np.random.default_rng(5)
    numbers, sums = rng.uniform(-1, 1, (4, 3, 1)), rng.uniform(-1, 1, (3, 1))
    parameters = lesson.initial_parameters(1.1, rng)
    parameters["rnn"]["bias_ih_l0"] = rng.uniform(-1, 1, lesson.HIDDEN)

    def forward(numbers, rnn, sum):
        loss, gradients, of_numbers = lesson.loss_and_gradients({"rnn": rnn, "sum": sum}, numbers, sums)
        return loss, {**gradients, "numbers": of_numbers}

    def backward(grad_output, gradients):
        return map_leaves(lambda gradient: grad_output * gradient, gradients)

    report = refimpl.gradcheck(forward, backward, numbers, **parameters)
    assert report.passed, str(report)


@pytest.mark.parametrize("factor", [1.0, 1.1, 1.2])
def test_the_gradient_grows_by_the_factor(factor):
    """Where every unit is on; those that were off at the beginning of the sequence make it grow less there."""
    for seed in range(3):
        norms = lesson.norms_back_in_time(factor, seed)
        assert len(norms) == lesson.LENGTH
        assert (norms[15] / norms[0]) ** (1 / 15) == pytest.approx(factor, rel=0.06)


@pytest.mark.parametrize("seed", range(1, 4))
def test_only_the_clipped_net_learns(seed):
    """Ten steps as the gradients come are enough to be lost; 300 clipped ones are enough to learn."""
    wild = [step for step, _ in zip(lesson.train(math.inf, seed), range(10), strict=False)]
    tame = list(lesson.train(lesson.MAX_NORM, seed))
    assert wild[0] == tame[0]
    assert tame[0].norm > 50
    assert not max(step.loss for step in wild[1:]) < 1e6  # or it is no number
    assert not wild[-1].loss < 1e3
    assert np.mean([step.loss for step in tame[-50:]]) < 0.03 < 0.1 * tame[0].loss


def test_it_ends_where_the_loss_is_no_number():
    run = list(lesson.train(math.inf, 1))
    assert len(run) < 10
    assert all(math.isfinite(step.loss) for step in run[:-1])
    assert not (math.isfinite(run[-1].loss) and math.isfinite(run[-1].norm))
    assert lesson._figures(run[5:6]) == ["-", "-"]


def test_what_is_printed_makes_the_point(printed):
    lines = [line.split() for line in printed("exploding").splitlines()]
    back = np.array([[float(figure) for figure in line] for line in lines[2:6]])
    assert back[:, 0].tolist() == list(lesson.FACTORS)
    assert (back[:, 5] / back[:, 1] > [0, 0, 3, 30]).all()
    assert (back[:2, 5] < back[:2, 1]).all()
    steps = {int(step): rest for step, *rest in lines[9:]}
    assert list(steps) == list(lesson.SHOWN)
    assert steps[0][:2] == steps[0][2:]
    assert float(steps[1][0]) > 1e6
    assert float(steps[299][2]) < 0.03
