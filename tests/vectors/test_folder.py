"""A folder of vectors is of the form that its schema says, written whole or not at all, and believed only if whole."""

import json
import shutil

import numpy as np
import pytest
from vector_folders import contents, index_of, rewrite_index, write_results

from refimpl.catalog import OPS
from refimpl.vectors import VectorsError, _export, _results, _schema, export, verify

BROKEN = [
    (lambda index: index.update(author="me"), 'index has "author", which the schema has not'),
    (lambda index: index.pop("made_with"), "index lacks made_with"),
    (lambda index: index["made_with"].update(numpy=2), "index.made_with.numpy must be string, got 2"),
    (lambda index: index["ops"][0].update(kind="op"), "index.ops[0].kind must be one of 'layers', 'losses', got "),
    (lambda index: index["ops"][0].update(sha256="0"), "index.ops[0].sha256 must match ^[0-9a-f]{64}$, got \"0\""),
    (lambda index: index["ops"][0]["cases"][0].update(at_kink=0), "index.ops[0].cases[0].at_kink must be boolean"),
    (
        lambda index: index["ops"][0]["cases"][0]["float64"]["output"].update(shape=[-1]),
        'index.ops[0].cases[0].float64.output is of no form that the schema has, got {"$array": ',
    ),
    (lambda index: index.update(ops={}), "index.ops must be array, got {}"),
    (lambda index: index["ops"][0]["defaults"].update({"a b": 1}), "index.ops[0].defaults must match "),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BROKEN)
def test_what_breaks_the_schema_is_named(relu, change, message):
    rewrite_index(relu, change)
    assert _schema.violation(index_of(relu)).startswith(message)
    with pytest.raises(VectorsError, match=r"index\.json is damaged: index"):
        verify(relu)


def test_the_schema_is_one_to_others_as_well(few, relu):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads((few / "schema.json").read_text()))
    jsonschema.Draft202012Validator.check_schema(validator.schema)
    assert validator.is_valid(index_of(few))
    for change, _ in BROKEN:
        index = index_of(relu)
        change(index)
        assert not validator.is_valid(index)


# Whole or not at all


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def broken(input):
        raise RuntimeError("on the way")

    monkeypatch.setitem(OPS, "tanh", OPS["relu"].__class__("tanh", broken, broken, ("input",), (), "x.md#tanh"))
    with pytest.raises(RuntimeError, match="on the way"):
        export(tmp_path / "out", ["relu", "tanh"])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(relu, monkeypatch):
    before = contents(relu)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_export, "write_index", full)
    with pytest.raises(OSError, match="No space left"):
        export(relu, ["softmax"])
    assert contents(relu) == before
    assert [path.name for path in relu.parent.iterdir()] == ["relu"]


def test_an_earlier_export_is_replaced_and_its_results_stay(relu):
    write_results(relu)
    result = (relu / "results" / "relu.npz").read_bytes()
    export(relu, ["softmax"])
    assert sorted(path.name for path in relu.iterdir()) == ["index.json", "results", "schema.json", "softmax.npz"]
    assert (relu / "results" / "relu.npz").read_bytes() == result
    assert [path.name for path in relu.parent.iterdir()] == ["relu"]


def test_an_empty_folder_is_filled(tmp_path):
    export(tmp_path / "new", ["relu"])
    (tmp_path / "empty").mkdir()
    export(tmp_path / "empty", ["relu"])
    assert contents(tmp_path / "empty") == contents(tmp_path / "new")


def _with_a_file(folder):
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")


def _with_an_export_and_a_file(folder):
    export(folder, ["relu"])
    (folder / "notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_with_a_file, "is there already, is not empty and is no export that could be replaced"),
        (_with_an_export_and_a_file, "holds notes.txt, which no export wrote: move it away, or export elsewhere"),
        (lambda folder: folder.write_text("mine"), "is there already, and is no folder"),
    ],
)
def test_what_is_in_the_way_is_left_alone(tmp_path, make, message):
    make(tmp_path / "out")
    before = contents(tmp_path)
    with pytest.raises(VectorsError) as raised:
        export(tmp_path / "out", ["relu"])
    assert str(raised.value) == f"{tmp_path / 'out'} {message}"
    assert contents(tmp_path) == before


def test_there_must_be_a_place_for_the_folder(tmp_path):
    with pytest.raises(VectorsError, match=r"a is no folder to make b in$"):
        export(tmp_path / "a" / "b", ["relu"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", ".."])
def test_the_folder_that_one_works_in_is_not_replaced(tmp_path, monkeypatch, name):
    (tmp_path / "results").mkdir()
    monkeypatch.chdir(tmp_path / name.replace("..", "results"))
    with pytest.raises(VectorsError) as raised:
        export(name, ["relu"])
    assert str(raised.value) == f"{tmp_path} cannot be replaced while the command runs in it: name another"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


# Whole, or not believed


def _cut(path, count=10):
    path.write_bytes(path.read_bytes()[:-count])


DAMAGE = {
    "relu.npz is missing": lambda folder: (folder / "relu.npz").unlink(),
    "relu.npz is damaged: it is not the file that index.json was written with": lambda folder: _cut(
        folder / "relu.npz"
    ),
    "index.json is damaged: it is no JSON": lambda folder: _cut(folder / "index.json"),
    "it has no index.json": lambda folder: (folder / "index.json").unlink(),
    "is no folder: `refimpl export": shutil.rmtree,
    "index.json is no index of refimpl's vectors": lambda folder: (folder / "index.json").write_text("[]"),
    "index.json has version 2 of the form, and this refimpl reads version 1: export": lambda folder: rewrite_index(
        folder, lambda index: index.update(version=2)
    ),
    "relu.npz is damaged: it does not hold 9/float64/output as index.json has it": lambda folder: rewrite_index(
        folder, lambda index: index["ops"][0]["cases"][0]["float64"]["output"].update({"$array": "9/float64/output"})
    ),
    "relu.npz is damaged: it does not hold 0/float64/output": lambda folder: rewrite_index(
        folder, lambda index: index["ops"][0]["cases"][0]["float64"]["output"].update(shape=[12])
    ),
    "results is missing": lambda folder: shutil.rmtree(folder / "results"),
    "results/relu.npz is damaged: it is no .npz file of arrays": lambda folder: _cut(folder / "results" / "relu.npz"),
    "results/relv.npz belongs to no op": lambda folder: shutil.copy(
        folder / "results" / "relu.npz", folder / "results" / "relv.npz"
    ),
    "results/relu.npz and relu.json are both there": lambda folder: (folder / "results" / "relu.json").write_text("{}"),
}


@pytest.mark.parametrize("message", DAMAGE)
def test_damage_is_named(relu, message):
    write_results(relu)
    verify(relu)
    DAMAGE[message](relu)
    with pytest.raises(VectorsError) as raised:
        verify(relu)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_byte_raises_no_other_error_than_the_one_that_names_the_file(relu, save):
    write_results(relu)
    path, rng = relu / "results" / "relu.npz", np.random.default_rng(0)
    with np.load(path) as file:
        save(path, **{name: file[name] for name in list(file.files)[:3]})
    good, messages = path.read_bytes(), []
    for position in rng.integers(0, len(good), 150):
        bad = bytearray(good)
        bad[position] ^= 1 << rng.integers(0, 8)
        path.write_bytes(bad)
        try:
            _results.read_results(relu, ["relu"])
        except VectorsError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert all(message.startswith(f"{path} is damaged: it is no .npz file of arrays (") for message in messages)


def test_hidden_files_beside_the_results_do_not_matter(relu):
    write_results(relu)
    (relu / "results" / ".DS_Store").write_text("")
    assert verify(relu)[0].verdict == "pass"


def test_a_pickle_is_not_read(relu):
    (relu / "results").mkdir()
    np.savez(relu / "results" / "relu.npz", a=np.array([None]))
    with pytest.raises(VectorsError, match=r"is no \.npz file of arrays"):
        verify(relu)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged: it is no JSON"),
        ("[1]", "must be one object, arrays by their names, got a list"),
        ('{"a": [1, null]}', "a must be numbers, in a list or in nested ones, got null: 'NaN', 'Infinity'"),
        ('{"a": [[1, 2], [3]]}', "a must be numbers, in a list or in nested ones, got lists of unequal length"),
    ],
)  # fmt: skip
def test_json_that_holds_no_arrays_is_refused(relu, text, message):
    (relu / "results").mkdir()
    (relu / "results" / "relu.json").write_text(text)
    with pytest.raises(VectorsError, match=r"relu\.json") as raised:
        verify(relu)
    assert message in str(raised.value)
