"""The benchmark: its method on a clock that the work itself moves, its table on tiny batches. No test is timed."""

import json

import numpy as np
import pytest

from refimpl import OPS
from refimpl._structure import leaves
from refimpl.bench import JUDGED, ROWS, Memory, Ratio, Result, geometric_mean, measure, memory, method
from refimpl.bench.forms import DIGITS, FORMS
from refimpl.bench.growth import GROWING, Growth, grow
from refimpl.bench.pytorch import compared
from refimpl.bench.row import product_extents
from refimpl.cli import bench as command

# To compare the gradient of its table takes longer than all others; embedding_bag's is alike.
EACH = [pytest.param(row, id=row.name) for row in ROWS if row.name != "embedding"]
EACH_GROWING = [pytest.param(row, id=row.name) for row in GROWING]
NAMED = {row.name: row for row in ROWS}
TINY = {"grouped_mm": 8}  # batches of others than two samples: one row to each of eight groups


# The method


class Machine:
    """A clock, and work of known cost on it; `slower` multiplies the cost as time goes on."""

    def __init__(self, slower=lambda now: 1.0):
        self.now, self.slower, self.calls = 0.0, slower, []

    def work(self, name, cost):
        def run():
            self.calls.append(name)
            self.now += cost * self.slower(self.now)

        return run

    def times(self, seconds=0.0, **costs):
        contenders = {name: self.work(name, cost) for name, cost in costs.items()}
        return method.in_turn(contenders, seconds, clock=lambda: self.now)


def test_costs_are_measured_per_call():
    times = Machine().times(long=0.25, short=0.0005)
    assert times["long"] == pytest.approx([0.25] * method.TURNS[0])
    assert times["short"] == pytest.approx([0.0005] * method.TURNS[0])


def test_short_work_is_repeated_until_it_can_be_measured():
    machine = Machine()
    machine.times(short=0.0005)
    assert len(machine.calls) == 2 + 20 * method.TURNS[0]  # one to warm up, one to count, and 0.01 seconds of calls


def test_contenders_take_turns():
    machine = Machine()
    machine.times(a=1.0, b=1.0, c=1.0)
    assert machine.calls == ["a", "a", "b", "b", "c", "c", *"abc" * method.TURNS[0]]


@pytest.mark.parametrize(("seconds", "turns"), [(0.0, 5), (7.9, 7), (1000.0, 25)])
def test_there_are_as_many_turns_as_the_time_allows(seconds, turns):
    assert len(Machine().times(seconds, a=0.75, b=0.25)["a"]) == turns


def test_work_that_costs_twice_as_much_has_ratio_two():
    times = Machine().times(ours=0.02, other=0.01)
    assert method.ratio(times["ours"], times["other"]) == pytest.approx((2, 2, 2))


def test_the_ratio_of_neighbours_is_right_on_a_machine_that_slows_down():
    """Several times slower at the end than at the beginning: the medians of the times apart would not tell."""
    times = Machine(slower=lambda now: 1 + now / 10).times(6.0, ours=0.3, other=0.1)
    assert times["ours"][-1] > 1.5 * times["ours"][0]
    assert method.ratio(times["ours"], times["other"]).median == pytest.approx(3, rel=0.05)


def test_a_pause_in_one_measurement_does_not_move_the_median():
    ours, other = [3.0] * 9, [1.0] * 9
    ours[4], other[7] = 500.0, 200.0
    assert method.ratio(ours, other) == (3, 3, 3)


def test_quartiles():
    assert method.ratio([1.0, 2, 3, 4, 50], [1.0] * 5) == (2, 3, 4)
    assert method.ratio([2.0], [4.0]) == (0.5, 0.5, 0.5)


def test_geometric_mean():
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4)
    assert geometric_mean([]) is None


def test_the_peak_is_of_what_is_held_at_once():
    def one_after_the_other():
        np.ones(10**6)
        np.ones(10**6)

    both = method.peak(lambda: (np.ones(10**6), np.ones(10**6)))
    assert both == pytest.approx(16e6, rel=1e-3)
    assert method.peak(one_after_the_other) == pytest.approx(8e6, rel=1e-3)


def test_what_is_made_once_is_not_of_the_peak():
    made = []
    assert method.peak(lambda: made or made.append(np.ones(10**6))) < 1e5


def test_what_is_kept_is_memory_of_its_own():
    x, y = np.ones(100), np.ones(100)
    part = np.ones((10, 10))[:, :1]  # keeps the whole alive
    cache = (x, x[::2], {"mask": np.ones(50, bool)}, part, None, 0.5, (y.reshape(10, 10),))
    assert method.kept(cache, {"input": x}, y) == 50 + 800
    assert method.kept((x, x[1:])) == 800


@pytest.mark.parametrize("present", [True, False])
def test_without_threadpoolctl_the_environment_holds_the_threads(monkeypatch, present):
    monkeypatch.setattr(method, "module", lambda name: object() if present else None)
    for name in method.VARIABLES:
        monkeypatch.setenv(name, "1")
    assert method.environment(1) == {}
    assert method.environment(2) == ({} if present else dict.fromkeys(method.VARIABLES, "2"))


# The table


def test_every_op_has_a_row():
    assert {row.op for row in ROWS} == set(OPS)


def test_every_family_has_a_row_that_grows():
    assert [row.pair().family for row in GROWING] == list(dict.fromkeys(row.pair().family for row in GROWING))
    assert {row.pair().family for row in GROWING} == {op.family for op in OPS.values()}


def test_names_are_told_apart():
    assert len(NAMED) == len(ROWS)
    assert len(JUDGED) == 39
    assert command.EVERY_JUDGED not in NAMED


@pytest.mark.parametrize("row", EACH)
def test_rows_are_pytorchs_in_pytorch(row):
    """On two samples: the op runs, the bare work is ready, and PyTorch computes the same gradients."""
    called = row.called("float64", TINY.get(row.name, 2))
    assert called.gradients
    if row not in JUDGED:  # whose bare work has the size of the row
        row.bare(called)()
    pytest.importorskip("torch")
    with method.pinned(1) as torch:
        theirs = compared(torch, row, called)
        if theirs is None:
            assert row.torch is False or row.pair().torch is None
            return
        assert theirs.kept() >= 0
        gradients = theirs.work()
    ours = [leaf for _, leaf in leaves(called.gradients)]
    assert len(gradients) == len(ours)
    if "rng" not in called.arguments:  # PyTorch draws other numbers
        for gradient, leaf in zip(gradients, ours, strict=True):
            np.testing.assert_allclose(0 if gradient is None else gradient.numpy(), leaf, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("row", EACH_GROWING)
def test_growing_rows_run(row):
    assert row.called("float32").gradients


def test_a_row_measured(monkeypatch):
    monkeypatch.setattr(method, "LEAST", 0.0)
    row = NAMED["softmax"]._replace(batch=8)
    result = measure(row, seconds=0.0)
    assert result.seconds > 0
    assert result.to_bare.low <= result.to_bare.median <= result.to_bare.high
    assert result.memory[:2] == memory(row)[:2]
    assert result.memory.peak == pytest.approx(memory(row).peak, rel=0.01)
    assert result.memory.kept == 0  # but for the output
    assert result.memory.peak >= 2 * 4 * 8 * 1024  # the output and the gradient


def test_what_pytorch_keeps():
    torch = pytest.importorskip("torch")
    called = NAMED["rms_norm"].called("float32", 2)
    assert compared(torch, NAMED["rms_norm"], called).kept() >= called.arguments["input"].nbytes
    called = NAMED["relu"].called("float32", 2)
    assert compared(torch, NAMED["relu"], called).kept() == 0


def test_growth(monkeypatch):
    monkeypatch.setattr(method, "LEAST", 0.0)
    row = next(row for row in GROWING if row.op == "mse_loss")
    growth = grow(row, factors=(1, 2, 4))
    assert growth.batches == (4, 8, 16)
    assert len(growth.seconds) == len(growth.peaks) == 3
    assert growth.peaks[2] > 1.5 * growth.peaks[1]


def test_exponents_tell_linear_from_quadratic():
    growth = Growth((1, 30, 1000), (1.0, 3.0, 100.0), (5, 900, 1000000))
    assert growth.time_exponent == pytest.approx(1)
    assert growth.memory_exponent == pytest.approx(2)


def test_the_bare_products_are_those_of_the_op():
    """A product per group of weights with columns: as many multiplications as the sums of the op have terms."""
    expected = {
        "conv2d_3x3": (1, 64, 9 * 64, 2 * 32 * 32),
        "conv2d_grouped": (4, 16, 9 * 16, 2 * 32 * 32),
        "conv2d_small_images": (1, 32, 9 * 16, 2 * 8 * 8),
        "conv_transpose2d": (1, 64, 16 * 32, 2 * 16 * 16),
    }
    for name, extents in expected.items():
        called = NAMED[name].called("float32", 2)
        assert product_extents(NAMED[name].op, called, called.arguments) == extents


# The command

RESULT = Result(0.0125, Ratio(1.0, 1.25, 1.5), Ratio(3.0, 4.0, 5.0), Memory(0, 2 * 10**6, 3 * 10**6))
ALONE = Result(0.0125, None, Ratio(9.0, 9.0, 9.0), Memory(10**6, None, 3 * 10**6))


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command with results given in turn in place of measurements: exit status, stdout, stderr."""
    from refimpl.cli import main

    def call(*arguments, results=()):
        left = iter(results)

        def measured(row, *settings):
            result = next(left)
            if result is None:
                raise KeyboardInterrupt
            return result

        for name in ("measure", "memory", "grow"):
            monkeypatch.setattr(command, name, measured)
        monkeypatch.setattr(command, "environment", lambda threads: {})
        return main(["bench", *arguments]), *capsys.readouterr()

    return call


def test_command(run):
    status, out, _ = run("conv3d", "conv2d_1*", "--dtype", "float64", results=[RESULT, ALONE])
    lines = [line.split() for line in out.splitlines()]
    assert status == 0
    assert lines[1:3] == [
        ["conv2d_1x1", "12.5", "1.25", "[1.00,", "1.50]", "4.00", "[3.00,", "5.00]", "0.00", "2.00", "3.00"],
        ["conv3d", "12.5", "-", "9.00", "[9.00,", "9.00]", "1.00", "-", "3.00"],
    ]
    assert out.splitlines()[3:] == [
        "geometric mean of judged 1: 1.25 to PyTorch, 4.00 to the bare work",
        "geometric mean of all 2: 1.25 to PyTorch, 6.00 to the bare work",
    ]


def test_command_in_json(run):
    status, out, _ = run("relu", "geglu", "--json", results=[RESULT, ALONE])
    found = json.loads(out)
    assert status == 0
    assert (found["dtype"], found["threads"]) == ("float32", 1)
    assert [row["name"] for row in found["rows"]] == ["relu", "geglu"]
    assert found["rows"][0]["to_torch"] == {"low": 1.0, "median": 1.25, "high": 1.5}
    assert found["rows"][0]["memory"] == {"kept": 0, "torch_kept": 2 * 10**6, "peak": 3 * 10**6}
    assert found["rows"][1]["to_torch"] is None
    assert found["geometric_means"]["judged"] == {"to_torch": 1.25, "to_bare": 4.0}


def test_memory_alone(run):
    out = run("relu", "--memory", results=[RESULT.memory])[1]
    assert out.splitlines()[1:] == ["relu     0.00       2.00     3.00"]
    found = json.loads(run("relu", "--memory", "--json", results=[RESULT.memory])[1])
    assert found["rows"][0]["kept"] == 0


def test_command_for_growth(run):
    growth = Growth((4, 120, 4000), (0.001, 0.003, 0.1), (10**6, 3 * 10**6, 10**8))
    out = run("--growth", "softmax", results=[growth])[1]
    assert out.splitlines()[1].split() == [
        "softmax", "4,", "120,", "4000", "1", "3", "100", "1.00", "1", "3", "100", "1.00",
    ]  # fmt: skip
    found = json.loads(run("--growth", "softmax", "--json", results=[growth])[1])
    assert found["rows"][0]["time_exponent"] == pytest.approx(1)


def test_an_interrupt_prints_what_there_is(run):
    status, out, err = run("relu", "sigmoid", results=[RESULT, None])
    assert (status, err) == (130, "refimpl: interrupted\n")
    assert out.splitlines()[-1] == "geometric mean of all 1: 1.25 to PyTorch, 4.00 to the bare work"
    status, out, _ = run("relu", "sigmoid", "--json", results=[RESULT, None])
    assert status == 130
    assert [row["name"] for row in json.loads(out)["rows"]] == ["relu"]


def test_the_judged_sizes_have_a_name(run):
    out = run("judged", results=[RESULT] * 39)[1]
    assert "geometric mean of judged 39: 1.25" in out


def test_a_name_that_no_row_has(run):
    status, _, err = run("conv9d")
    assert (status, err[:50]) == (2, "refimpl: no row matches 'conv9d'; nearest: conv3d,")


@pytest.mark.parametrize("threads", ["0", "-1", "two"])
def test_threads_must_be_a_number_from_1_on(run, capsys, threads):
    with pytest.raises(SystemExit):
        run("relu", f"--threads={threads}")
    assert f"argument --threads: must be a number from 1 on, got '{threads}'" in capsys.readouterr().err


def test_without_threadpoolctl_another_process_measures(monkeypatch, run):
    started = []
    run("relu", results=[RESULT])
    monkeypatch.setattr(command, "environment", lambda threads: {"OMP_NUM_THREADS": str(threads)})
    monkeypatch.setattr(command.subprocess, "call", lambda line, env: started.append((line[2:], env)) or 0)
    from refimpl.cli import main

    assert main(["bench", "relu", "--threads", "2", "--json"]) == 0
    line, env = started[0]
    assert line == [
        "refimpl", "bench", "--json", "--dtype=float32", "--threads=2", f"--seconds={method.SECONDS}", "--", "relu",
    ]  # fmt: skip
    assert env["OMP_NUM_THREADS"] == "2"


# The forms


@pytest.mark.parametrize("form", [pytest.param(form, id=form.name) for form in (*FORMS, *DIGITS)])
def test_both_forms_compute_the_same(form):
    works = form.contenders(16)
    np.testing.assert_allclose(works["used"](), works["plain"](), rtol=1e-4, atol=1e-5)
