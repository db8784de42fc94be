"""An LSTM and a transformer learn a tag from far to the left; padding is neither read nor given a gradient."""

import numpy as np
import pytest
from slopes import check_slopes

from refimpl._structure import leaves
from refimpl.examples import sequence_labelling as lesson

NAMES = pytest.mark.parametrize("name", lesson.MODELS)


def drawn(seed, count=200):
    rng = np.random.default_rng(seed)
    table = lesson.language(rng)
    return table, lesson.sentences(table, count, rng)


@pytest.fixture
def tiny(monkeypatch):
    """Models small enough to be differentiated entry by entry, in float64."""
    sizes = {"FEATURES": 4, "HIDDEN": 3, "LAYERS": 2, "HEADS": 2, "SHORTEST": 3, "LONGEST": 7, "MARKER_SHARE": 0.3}
    for name, value in {**sizes, "DTYPE": np.float64}.items():
        monkeypatch.setattr(lesson, name, value)


def loss_and_gradients(name, weights, batch):
    model = lesson.MODELS[name]
    scores, cache = model.forward(weights, batch.tokens, batch.lengths)
    loss, loss_cache = lesson.loss_forward(scores, batch.tags)
    return loss, model.backward(lesson.loss_backward(1.0, loss_cache)["scores"], cache)


@pytest.mark.parametrize("seed", range(3))
def test_a_tag_is_of_the_word_and_the_last_marker(seed):
    table, found = drawn(seed)
    assert sorted(set(found.tokens.ravel())) == list(range(len(lesson.SIGNS)))
    assert {found.lengths.min(), found.lengths.max()} == {lesson.SHORTEST, lesson.LONGEST}
    for tokens, tags, length, distances in zip(*found, strict=True):
        marker = None
        for at, (token, tag) in enumerate(zip(tokens, tags, strict=True)):
            if at >= length:
                assert (token, tag) == (lesson.PADDING, lesson.UNTAGGED)
            elif token in lesson.MARKERS:
                marker, tag_of, seen = token, table[:, token - lesson.MARKERS[0]], at
                assert tag == lesson.UNTAGGED
            else:
                assert marker is not None
                assert (tag, distances[at]) == (tag_of[token - lesson.WORDS[0]], at - seen)


def test_without_context_no_tag_is_likelier():
    table, _ = drawn(0)
    np.testing.assert_array_equal(np.sort(table, axis=1), np.tile(np.arange(lesson.TAGS), (len(lesson.WORDS), 1)))


@NAMES
def test_the_gradients_are_of_the_loss(name, tiny):
    _, batch = drawn(0, count=3)
    assert lesson.PADDING in batch.tokens
    weights = lesson.MODELS[name].initial(np.random.default_rng(1))
    _, gradients = loss_and_gradients(name, weights, batch)
    check_slopes(lambda moved: loss_and_gradients(name, moved, batch)[0], weights, gradients)


@NAMES
def test_padding_counts_nowhere(name, tiny):
    """More of it, or words in its place, and the loss and every gradient stay."""
    _, batch = drawn(1, count=5)
    weights = lesson.MODELS[name].initial(np.random.default_rng(0))
    loss, gradients = loss_and_gradients(name, weights, batch)
    assert not gradients["embedding"][lesson.PADDING].any()

    wider = batch._replace(
        tokens=np.pad(batch.tokens, ((0, 0), (0, 3)), constant_values=lesson.WORDS[0]),
        tags=np.pad(batch.tags, ((0, 0), (0, 3)), constant_values=lesson.UNTAGGED),
    )
    wider.tokens[wider.tokens == lesson.PADDING] = lesson.MARKERS[0]
    other_loss, other_gradients = loss_and_gradients(name, weights, wider)
    np.testing.assert_allclose(other_loss, loss, rtol=1e-13)
    for (path, gradient), (_, other) in zip(leaves(gradients), leaves(other_gradients), strict=True):
        np.testing.assert_allclose(other, gradient, rtol=1e-10, atol=1e-14, err_msg=path)


def test_the_lstm_ends_where_the_sentence_does(tiny):
    _, batch = drawn(1, count=5)
    scores, _ = lesson.lstm_forward(lesson.lstm_weights(np.random.default_rng(0)), batch.tokens, batch.lengths)
    np.testing.assert_array_equal(scores.any(axis=2), batch.tokens != lesson.PADDING)


@pytest.mark.parametrize(("name", "steps", "reached"), [("LSTM", 60, 0.95), ("transformer", 120, 0.7)])
def test_it_learns_what_no_single_word_tells(name, steps, reached, monkeypatch):
    for constant, value in {"SHORTEST": 6, "LONGEST": 14, "MARKER_SHARE": 0.08}.items():
        monkeypatch.setattr(lesson, constant, value)
    rng = np.random.default_rng(0)
    table = lesson.language(rng)
    unseen = lesson.sentences(table, 200, rng)
    alone = lesson.accuracy(lesson.most_frequent(table, unseen.tokens, rng), unseen)
    assert 0.28 < alone < 0.38
    weights, losses = lesson.train(lesson.MODELS[name], table, 0, steps)
    tags = lesson.MODELS[name].forward(weights, unseen.tokens, unseen.lengths)[0].argmax(axis=2)
    assert lesson.accuracy(tags, unseen) > reached
    assert lesson.accuracy(tags, unseen, 6, 13) > reached
    assert losses[-1] < 0.5 < losses[0]
    assert {array.dtype for _, array in leaves(weights)} == {np.dtype(np.float32)}


def test_what_is_printed_can_be_read(printed):
    """After fewer steps than the lesson takes by itself, of which the transformer needs more."""
    lines = printed("sequence_labelling").splitlines()
    alone, lstm, transformer = ([float(figure[:-1]) for figure in line.split()[-5:]] for line in lines[2:5])
    assert all(25 < figure < 42 for figure in alone)
    assert lstm[0] > 50
    assert transformer[0] > alone[0] + 2
    sentence, *others = (line[20:] for line in lines[7:12])
    tags, *found = (line.ljust(len(sentence)) for line in others)
    assert len(found) == len(lesson.MODELS) + 1
    for sign, tag, *signs in zip(sentence, tags, *found, strict=True):
        assert (tag == " ") == (sign in "ABC")
        assert set(signs) <= ({" "} if tag == " " else {".", "0", "1", "2"} - {tag})
