"""The benchmark's method, on a clock that the work itself moves: no test is timed."""

import itertools

import numpy as np
import pytest

from refimpl import OPS, bench


class Machine:
    """A clock, and work of known cost on it; `slower` multiplies the cost as time goes on."""

    def __init__(self, slower=lambda now: 1.0):
        self.now, self.slower, self.calls = 0.0, slower, []

    def work(self, name, cost):
        def run():
            self.calls.append(name)
            self.now += cost * self.slower(self.now)

        return run

    def times(self, repetitions=9, **costs):
        contenders = {name: self.work(name, cost) for name, cost in costs.items()}
        return bench.in_turn(contenders, repetitions, clock=lambda: self.now)


def test_costs_are_measured_per_call():
    times = Machine().times(long=0.25, short=0.0005)
    assert times["long"] == pytest.approx([0.25] * 9)
    assert times["short"] == pytest.approx([0.0005] * 9)


def test_short_work_is_repeated_until_it_can_be_measured():
    machine = Machine()
    machine.times(repetitions=1, short=0.0005)
    assert len(machine.calls) == 2 + 20  # one to warm up, one to count, and 0.01 seconds of calls


def test_contenders_take_turns():
    machine = Machine()
    machine.times(repetitions=3, a=1.0, b=1.0, c=1.0)
    assert machine.calls == ["a", "a", "b", "b", "c", "c", *"abcabcabc"]


def test_the_ratio_of_neighbours_is_right_on_a_machine_that_slows_down():
    """Ten times slower at the end than at the beginning: the medians of the times apart would not tell."""
    times = Machine(slower=lambda now: 1 + now / 10).times(repetitions=15, ours=0.3, other=0.1)
    assert times["ours"][-1] > 1.5 * times["ours"][0]
    assert bench.ratio(times["ours"], times["other"]).median == pytest.approx(3, rel=0.05)


def test_a_pause_in_one_measurement_does_not_move_the_median():
    ours, other = [3.0] * 9, [1.0] * 9
    ours[4], other[7] = 500.0, 200.0
    assert bench.ratio(ours, other) == (3, 3, 3)


def test_quartiles():
    assert bench.ratio([1.0, 2, 3, 4, 50], [1.0] * 5) == (2, 3, 4)
    assert bench.ratio([2.0], [4.0]) == (0.5, 0.5, 0.5)


def test_names_are_told_apart():
    names = [row.name for row in bench.ROWS]
    assert len(set(names)) == len(names)
    assert {row.op for row in bench.ROWS} <= set(OPS)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in bench.ROWS])
def test_rows_run(row, monkeypatch):
    """Each row with PyTorch, where there is one, and the bare work; smaller arrays would be other rows."""
    monkeypatch.setattr(bench, "LEAST", 0.0)
    result = bench.measure(row, repetitions=1)
    assert result.milliseconds > 0
    assert (result.to_bare is None) == (row.bare is None)


def test_the_bare_products_are_those_of_the_op():
    """A product per group of weights with columns: as many multiplications as the sums of the op have terms."""
    expected = {
        "conv2d_3x3": (1, 64, 9 * 64, 16 * 32 * 32),
        "conv2d_grouped": (4, 16, 9 * 16, 16 * 32 * 32),
        "conv2d_small_images": (1, 32, 9 * 16, 256 * 8 * 8),
        "conv_transpose2d": (1, 64, 16 * 32, 16 * 16 * 16),
    }
    rows = {row.name: row for row in bench.ROWS}
    for name, extents in expected.items():
        row = rows[name]
        x, w = (np.ones(row.shapes[name], np.float32) for name in ("input", "weight"))
        y, _ = OPS[row.op].forward(x, w, **row.options)
        assert bench.product_extents(row, x, w, y) == extents


def test_command(monkeypatch, capsys):
    results = itertools.repeat(bench.Result(12.5, bench.Ratio(1.0, 1.25, 1.5), None))
    monkeypatch.setattr(bench, "measure", lambda row, dtype, repetitions: next(results))
    bench.main(["conv3d", "conv2d_deep", "--dtype", "float64"])
    lines = capsys.readouterr().out.splitlines()
    assert "float64" in lines[0]
    assert [line.split() for line in lines[2:]] == [
        ["conv2d_deep", "12.50", "1.25", "[1.00,", "1.50]"],
        ["conv3d", "12.50", "1.25", "[1.00,", "1.50]"],
    ]


def test_a_name_that_no_row_has(capsys):
    with pytest.raises(SystemExit):
        bench.main(["conv9d"])
    assert "there is no row of conv9d; the rows are conv1d, conv2d_3x3," in capsys.readouterr().err
