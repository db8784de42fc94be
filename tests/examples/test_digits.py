"""Both nets read more than 97 of 100 digits that they have not seen."""

import re

import numpy as np
import pytest

from refimpl.examples import _lesson
from refimpl.examples import digits as lesson


def test_the_split_holds_a_fifth_out():
    """Every digit is in one of the two, and none in both; another seed holds out others."""
    bundle = pytest.importorskip("sklearn.datasets").load_digits()
    digits, held_out = lesson.load(0)
    assert digits.images.shape == (1437, 1, 8, 8)
    assert held_out.images.shape == (360, 1, 8, 8)
    assert digits.images.dtype == np.float32
    rows = np.concatenate([digits.images, held_out.images]).reshape(1797, 64)
    labelled = np.column_stack([16 * rows, np.concatenate([digits.labels, held_out.labels])])
    expected = np.column_stack([bundle.data, bundle.target])
    np.testing.assert_array_equal(*(array[np.lexsort(array.T)] for array in (labelled, expected)))
    assert (lesson.load(1)[1].images != held_out.images).any()


@pytest.mark.parametrize("name", lesson.NETS)
def test_over_97_percent_with_another_seed(name):
    pytest.importorskip("sklearn")
    digits, held_out = lesson.load(1)
    *_, (_, parameters) = lesson.train(lesson.NETS[name], digits, 1)
    assert (lesson.read(lesson.NETS[name], parameters, held_out.images) == held_out.labels).mean() > 0.97


def test_the_curve_is_of_what_was_held_out():
    """One epoch of the MLP on the first 320 digits."""
    pytest.importorskip("sklearn")
    digits, held_out = lesson.load(2)
    some = lesson.Digits(digits.images[:320], digits.labels[:320])
    net = lesson.NETS["MLP"]._replace(epochs=2)
    labels = []
    trained = lesson.learn(net, some, held_out, 2, labels.append)
    ((_, first), (loss, last)) = lesson.train(net, some, 2)
    for accuracy, parameters in zip(trained.curve, (first, last), strict=True):
        assert accuracy == (lesson.read(net, parameters, held_out.images) == held_out.labels).mean()
    assert trained.training == (lesson.read(net, last, some.images) == some.labels).mean()
    np.testing.assert_array_equal(trained.answers, lesson.read(net, last, held_out.images))
    assert labels[-1] == f"loss {loss:.3f}, held out {trained.curve[-1]:.1%}"


def test_misreadings_by_hand():
    labels, answers = np.array([3, 3, 1, 3, 3, 0]), np.array([8, 5, 1, 8, 3, 6])
    assert lesson.misreadings(labels, answers) == {0: "6", 3: "8 (2 times), 5"}
    assert lesson.misreadings(labels, labels) == {}


def test_without_scikit_learn_the_extra_is_named(capsys, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_lesson.importlib, "import_module", missing)
    with pytest.raises(SystemExit) as ended:
        lesson.main([])
    assert ended.value.code == "scikit-learn is needed, which the extra `examples` brings: pip install '.[examples]'"
    assert capsys.readouterr() == ("", "")


def test_what_is_printed_makes_the_point(printed):
    lines = printed("digits").splitlines()
    assert lines[0] == "1437 digits to train on, 360 held out"
    nets = [re.split("  +", line) for line in lines[3:5]]
    assert [row[0] for row in nets] == list(lesson.NETS)
    confused = [re.split("  +", line) for line in lines[7:]]
    for column, (_, _, _, held_out, misread) in enumerate(nets, 1):
        assert float(held_out.rstrip("%")) > 97
        assert held_out == f"{1 - int(misread) / 360:.1%}"
        read = [answer for row in confused if row[column] != "-" for answer in row[column].split(", ")]
        counts = [re.search(r"\((\d+) times\)", answer) for answer in read]
        assert sum(int(count[1]) if count else 1 for count in counts) == int(misread)
