"""A GPT chained by hand: its gradients, what it may look at, that it learns, and what it is given to read."""

import os

import numpy as np
import pytest
from command import on_a_terminal, screen
from slopes import check_slopes

from refimpl._structure import leaves, map_leaves
from refimpl.examples import tiny_gpt as lesson

TEXT = "the gradient of the loss is the loss of the gradient, and so on and so forth.\n" * 20


def tiny(seed=0, letters=5, context=6):
    """Weights in float64, far from those that training begins with: all gradients are of one size."""
    rng = np.random.default_rng(seed)
    weights = lesson.initial_weights(letters, rng, features=4, layers=2, context=context, dtype=np.float64)
    return map_leaves(lambda array: array + 0.5 * rng.standard_normal(array.shape), weights), rng


def loss_and_gradients(weights, tokens, following):
    scores, cache = lesson.gpt_forward(weights, tokens, heads=2)
    loss, loss_cache = lesson.loss_forward(scores, following)
    return loss, lesson.gpt_backward(lesson.loss_backward(1.0, loss_cache)["scores"], cache)["weights"]


@pytest.mark.parametrize("length", [6, 4])
def test_the_gradients_are_of_the_loss(length):
    weights, rng = tiny()
    tokens, following = rng.integers(0, 5, (2, 3, length))
    _, gradients = loss_and_gradients(weights, tokens, following)
    assert not gradients["positions"][length:].any()
    check_slopes(lambda moved: loss_and_gradients(moved, tokens, following)[0], weights, gradients)


def test_no_score_depends_on_what_follows():
    weights, rng = tiny(1)
    tokens = rng.integers(0, 5, (2, 6))
    scores, _ = lesson.gpt_forward(weights, tokens, heads=2)
    for at in range(1, 6):
        other = tokens.copy()
        other[:, at:] = (other[:, at:] + 1) % 5
        moved, _ = lesson.gpt_forward(weights, other, heads=2)
        np.testing.assert_array_equal(moved[:, :at], scores[:, :at])
        assert (moved[:, at:] != scores[:, at:]).any(axis=2).all()


def test_it_has_about_a_hundred_thousand_parameters():
    weights = lesson.initial_weights(96, np.random.default_rng(0))
    assert 90_000 < sum(array.size for _, array in leaves(weights)) < 120_000
    assert {array.dtype for _, array in leaves(weights)} == {np.dtype(np.float32)}
    rest = [float(array.std()) for name, array in leaves(weights["blocks"][0]) if name.endswith("c_proj.weight")]
    np.testing.assert_allclose(rest, 0.02 / np.sqrt(2 * lesson.LAYERS), rtol=0.05)


def test_it_learns_more_than_frequencies_tell():
    letters, text = lesson.encoded(TEXT)
    rng = np.random.default_rng(0)
    weights = lesson.initial_weights(len(letters), rng, features=32, layers=1, context=16)
    alone, after = lesson.frequency_losses(text, text, len(letters))
    found = list(lesson.train(weights, text, 120, rng, batch=8))
    losses, trained = [loss for _, loss, _ in found], found[-1][0]
    assert losses[0] == pytest.approx(np.log(len(letters)), rel=0.1)
    assert np.mean(losses[-10:]) < 0.6 * after < after < alone
    assert {array.dtype for _, array in leaves(trained)} == {np.dtype(np.float32)}
    pieces = []
    for model in (weights, trained):
        written = "".join(letters[i] for i in lesson.write(model, text[:1], 60, 0.5, np.random.default_rng(0)))
        pieces.append(sum(written[i : i + 4] in TEXT for i in range(57)))
    assert pieces[0] < 3
    assert pieces[1] > 30


def test_it_writes_from_the_end_of_what_it_wrote(monkeypatch):
    """A model that scores the letter after the last one highest, and the one after that a little lower."""
    seen = []

    def forward(weights, tokens):
        seen.append(tokens[0].tolist())
        return np.eye(5)[(tokens + 1) % 5] + 0.5 * np.eye(5)[(tokens + 2) % 5], None

    monkeypatch.setattr(lesson, "gpt_forward", forward)
    weights = {"positions": np.zeros((3, 4))}
    assert lesson.write(weights, [4, 0], 6, 1e-3, np.random.default_rng(0)) == [1, 2, 3, 4, 0, 1]
    assert seen == [[4, 0], [4, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0]]
    warm, same, other = (lesson.write(weights, [0], 50, 1.0, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert warm == same != other
    drawn = [lesson.write(weights, [0], 1, 0.5, np.random.default_rng(seed))[0] for seed in range(1000)]
    p = np.exp(2 * np.array([0, 1, 0.5, 0, 0]))
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 1000, p / p.sum(), atol=0.05)


def test_windows_are_pieces_and_what_follows_them():
    tokens, following = lesson.windows(np.arange(20), 100, 6, np.random.default_rng(0))
    np.testing.assert_array_equal(np.diff(tokens, axis=1), 1)
    np.testing.assert_array_equal(following, tokens + 1)
    assert (tokens.min(), following.max()) == (0, 19)


def test_the_rate_goes_up_and_then_down():
    rates = [lesson.learning_rate(step, 200) for step in range(200)]
    assert rates.index(max(rates)) == 20
    assert max(rates) == lesson.RATE
    assert rates[0] == pytest.approx(lesson.RATE / 20)
    assert rates[-1] == pytest.approx(lesson.RATE / 20, rel=0.01)
    assert [lesson.learning_rate(0, 1) > 0, lesson.learning_rate(1, 2) > 0] == [True, True]


def test_losses_of_frequencies_by_hand():
    """Of a, a, a, b each count is one more than it is: a has 4 of 6 alone, 3 of 5 after a, and 1 of 2 after b."""
    alone, after = lesson.frequency_losses(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 0]), 2)
    assert alone == pytest.approx(-(2 * np.log(4 / 6) + np.log(2 / 6)) / 3)
    assert after == pytest.approx(-(np.log(3 / 5) + np.log(2 / 5) + np.log(1 / 2)) / 3)


def test_it_reads_the_derivations_or_else_the_docstrings(tmp_path, monkeypatch):
    text = lesson.own_text()
    assert text.startswith("# ")
    assert text.isascii()
    assert "backpropagation through time" in text.lower()
    assert len(text) > 500_000
    package = tmp_path / "refimpl"
    package.mkdir()
    (package / "__init__.py").write_text(
        '"""The package."""\n\n\ndef f():\n    """A function, caf\u00e9."""\n', "utf-8"
    )
    monkeypatch.setattr(lesson.ri, "__file__", str(package / "__init__.py"))
    assert lesson.own_text() == "The package.\n\nA function, caf."


def test_it_reads_another_text(tmp_path, capsys):
    file = tmp_path / "text.txt"
    file.write_text("\u0430\u0431\u0432 \u0433\u0434\x1b\n" * 120, "utf-8")
    lesson.main(["--steps", "2", "--length", "30", "--text", str(file)])
    out = capsys.readouterr().out
    assert out.startswith("840 letters of text, 7 different ones; the last tenth is held out\n")
    assert set(out.partition("temperature 0.7\n")[2]) <= set("\u0430\u0431\u0432\u0433\u0434 \n")


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX terminals")
def test_its_rows_stand_above_the_progress(tmp_path, capsys):
    file = tmp_path / "text.txt"
    file.write_text(TEXT, "utf-8")
    arguments = ["--steps", "2", "--length", "30", "--text", str(file)]
    written = on_a_terminal(*arguments, module="refimpl.examples.tiny_gpt")
    assert "2/2" in written
    lesson.main(arguments)
    assert screen(written) == [line for line in capsys.readouterr().out.splitlines() if line]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--text", "short"], "argument --text: must hold at least 650 letters, got 649"),
        (["--text", "latin"], "argument --text: must be a file of text in UTF-8, got 'utf-8' codec can't decode byte"),
        (["--text", "absent"], "argument --text: must be a file of text in UTF-8, got [Errno 2]"),
        (["--temperature", "0"], "argument --temperature: must be a number of at least 0.01, got '0'"),
        (["--temperature", "inf"], "argument --temperature: must be a number of at least 0.01, got 'inf'"),
        (["--temperature", "nan"], "argument --temperature: must be a number of at least 0.01, got 'nan'"),
        (["--temperature", "warm"], "argument --temperature: must be a number of at least 0.01, got 'warm'"),
        (["--steps", "0"], "argument --steps: must be an integer of at least 1, got '0'"),
    ],
)
def test_what_it_cannot_take_is_refused(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short").write_text("a" * 649, "utf-8")
    (tmp_path / "latin").write_bytes(b"\xe9" * 1000)
    with pytest.raises(SystemExit) as ended:
        lesson.main(arguments)
    assert ended.value.code == 2
    assert f"error: {message}" in capsys.readouterr().err


def test_what_is_printed_can_be_read(printed):
    """After fewer steps than the lesson takes by itself."""
    lines = printed("tiny_gpt").splitlines()
    assert 90_000 < int(lines[1].split()[0]) < 120_000
    alone, after = (float(line.split()[-1]) for line in lines[2:4])
    assert 2 < after < alone < 4
    rows = [line.split(maxsplit=4) for line in lines[6 : lines.index("", 6)]]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert float(rows[0][3]) > float(rows[-1][3])
    assert 4 < float(rows[0][2]) < 5
    assert lines[lines.index("", 6) + 1] == "What it writes at temperature 0.7"
