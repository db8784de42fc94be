"""Vectors to port with: what is exported is what the pairs compute, whole, the same every time, and judged rightly."""

import json
import math
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import vector_folders
from catalog_cases import assert_identical, is_floating
from vector_folders import arrays_of, contents, decoded, index_of, rewrite_index, write_results

from refimpl._structure import map_leaves
from refimpl.cases import CASES, case
from refimpl.catalog import OPS
from refimpl.vectors import VectorsError, _export, _folder, _results, _schema, export, verify
from refimpl.vectors._draws import RecordingGenerator
from refimpl.vectors._encoding import Encoder, references
from refimpl.vectors._results import Flat
from refimpl.vectors._verify import compare

RANDOM = ["dropout", "dropout2d", "feature_alpha_dropout", "fractional_max_pool2d", "gumbel_softmax", "rrelu"]
FEW = ["relu", "softmax", "max_pool1d", "concatenate", "triplet_margin_with_distance_loss", "cross_entropy", *RANDOM]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """An export of a few ops, only to be read."""
    folder = tmp_path_factory.mktemp("vectors") / "few"
    export(folder, FEW)
    return folder


@pytest.fixture
def relu(tmp_path):
    export(tmp_path / "relu", ["relu"])
    return tmp_path / "relu"


# What is written


def test_the_whole_catalog_is_exported(tmp_path):
    """Every case of every op, in the form of the schema, and each array in its file and in the index once."""
    done = []
    written = export(tmp_path / "all", on_case=lambda op, case: done.append((op, case)))
    index = index_of(tmp_path / "all")
    assert [op["name"] for op in index["ops"]] == list(OPS)
    assert done == [(name, case.name) for name in OPS for case in CASES[name]]
    assert _schema.violation(index) is None
    arrays = 0
    for op in index["ops"]:
        assert [entry["name"] for entry in op["cases"]] == [case.name for case in CASES[op["name"]]]
        with zipfile.ZipFile(tmp_path / "all" / op["file"]) as file:
            named = [f"{reference.name}.npy" for reference in references(op["cases"])]
            assert sorted(file.namelist()) == sorted(named)
            arrays += len(named)
    size = sum(path.stat().st_size for path in (tmp_path / "all").iterdir())
    assert vars(written) == {"ops": len(OPS), "cases": len(done), "arrays": arrays, "bytes": size}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", FEW)
def test_the_pair_gives_what_is_stored_from_what_is_stored(few, name, dtype):
    """Bit for bit, and random numbers from the stored draws alone."""
    (op,) = (op for op in index_of(few)["ops"] if op["name"] == name)
    arrays = arrays_of(few, op)
    for entry, given in zip(op["cases"], CASES[name], strict=True):
        call = decoded(entry[dtype], arrays)
        assert list(call["arguments"]) == list(given.arguments)
        for argument in op["differentiable"]:
            if is_floating(given.arguments.get(argument)):
                assert_identical(call["arguments"][argument], given.arguments[argument].astype(dtype))
        output, cache = OPS[name].forward(**call["arguments"])
        assert_identical(output, call["output"])
        assert_identical(OPS[name].backward(call["grad_output"], cache), call["gradients"])


def test_random_cases_tell_their_seed_and_their_draws(few):
    (dropout,) = (op for op in index_of(few)["ops"] if op["name"] == "dropout")
    first, evaluation = (decoded(dropout["cases"][i]["float64"]["arguments"], arrays_of(few, dropout)) for i in (0, 3))
    assert dropout["cases"][0]["float64"]["arguments"]["rng"]["$rng"] == CASES["dropout"][0].arguments["rng"]
    ((method, values),) = first["rng"].draws
    assert (method, values.dtype, values.size) == ("random", np.float32, first["input"].size)
    assert evaluation["rng"].draws == []


def test_the_index_tells_the_call(few):
    (op,) = (op for op in index_of(few)["ops"] if op["name"] == "softmax")
    assert op["arguments"] == ["input", "dim", "dtype"]
    assert op["defaults"] == {"dim": None, "dtype": None}
    assert (op["differentiable"], op["torch"]) == (["input"], "torch.nn.functional.softmax")
    converted = op["cases"][-1]
    assert converted["float32"]["arguments"]["dtype"] == {"$dtype": "float64"}
    assert converted["float32"]["output"]["dtype"] == "float64"
    assert converted["float32"]["gradients"]["input"]["dtype"] == "float32"


def test_functions_are_told_by_name_place_and_what_they_say(few):
    (op,) = (op for op in index_of(few)["ops"] if op["name"] == "triplet_margin_with_distance_loss")
    given = [case["float64"]["arguments"].get("distance_function") for case in op["cases"]]
    forwards = [pair["$tuple"][0] for pair in given if pair]
    assert forwards[0] == {
        "$function": "squared_distance_forward",
        "module": "refimpl.cases.metric",
        "says": "A distance as triplet_margin_with_distance_loss takes it: |x - y|^2 along the last axis.",
    }


def test_kinks_and_departures_are_marked(few):
    (op,) = (op for op in index_of(few)["ops"] if op["name"] == "relu")
    assert [entry["at_kink"] for entry in op["cases"]] == [given.at_kink for given in CASES["relu"]]
    assert any(entry["at_kink"] for entry in op["cases"])


def test_both_dtypes_have_the_same_grad_output(few):
    for op in index_of(few)["ops"]:
        arrays = arrays_of(few, op)
        for i, _ in enumerate(op["cases"]):
            wide, narrow = (arrays.get(f"{i}/{dtype}/grad_output") for dtype in ("float64", "float32"))
            if wide is not None:
                np.testing.assert_array_equal(wide, narrow, strict=False)


def test_grad_output_is_like_output():
    """Random in each of output's floating arrays and in its dtype, 0 where that is not finite, None at integers."""
    y = np.array([[1.0, math.inf, math.nan, -2.0]] * 50, dtype=np.float32)
    g, (wide, none) = _export._random_like((y, [y.astype(np.float64), y.view(np.int32)]), 0)
    assert (g.dtype, wide.dtype, none) == (np.float32, np.float64, None)
    assert g.shape == y.shape
    assert not g[:, 1:3].any()
    assert np.unique(np.concatenate([g[:, [0, 3]], wide[:, [0, 3]]])).size == 200


def test_the_same_is_written_every_time(few, tmp_path):
    export(tmp_path / "again", FEW)
    assert contents(tmp_path / "again") == contents(few)


def test_the_bytes_do_not_tell_the_time_or_the_system(few):
    for path in few.glob("*.npz"):
        with zipfile.ZipFile(path) as file:
            for member in file.infolist():
                assert member.date_time == (1980, 1, 1, 0, 0, 0)
                assert (member.compress_type, member.create_system) == (zipfile.ZIP_STORED, 3)
                assert member.filename.isascii()


def test_an_array_is_little_endian_and_in_C_order_whatever_it_was(tmp_path):
    transposed = np.arange(6.0).reshape(2, 3).T.astype(">f8")
    encoder = Encoder()
    encoder.encode(transposed, "x")
    _folder.write_arrays(tmp_path / "x.npz", encoder.arrays)
    content = (tmp_path / "x.npz").read_bytes()
    assert b"'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)" in content
    np.testing.assert_array_equal(_folder.read_arrays(tmp_path / "x.npz")["x"], transposed)


# Structures


def test_structures_keep_their_form(tmp_path, monkeypatch):
    arguments = vector_folders.cell_arguments()
    vector_folders.plant_cell(monkeypatch, (case("nested", **arguments),))
    export(tmp_path / "cell", ["cell"])
    (op,) = index_of(tmp_path / "cell")["ops"]
    assert _schema.violation(index_of(tmp_path / "cell")) is None
    assert op["defaults"] == {
        "scales": {"$tuple": [1.0, {"$number": "Infinity"}]}, "dtype": {"$dtype": "float64"}, "rng": None,
    }  # fmt: skip
    for dtype in ("float64", "float32"):
        call = decoded(op["cases"][0][dtype], arrays_of(tmp_path / "cell", op))
        given = call["arguments"]
        assert isinstance(given["states"], tuple)
        assert given["states"][1] is None
        assert_identical(given["weights"], map_leaves(np.dtype(dtype).type, arguments["weights"]))
        y, inner = call["output"]
        assert (y.dtype, inner["order"].dtype.kind) == (dtype, "i")
        assert call["grad_output"][1]["order"] is None
        assert vector_folders.paths(call["gradients"]) == ["input", "states[0]", "weights.a", "weights.b[0]"]
        output, cache = vector_folders.cell_forward(**given)
        assert_identical(output, call["output"])
        assert_identical(vector_folders.cell_backward(call["grad_output"], cache), call["gradients"])


def test_structures_are_judged_leaf_by_leaf(tmp_path, monkeypatch):
    vector_folders.plant_cell(monkeypatch, (case("nested", **vector_folders.cell_arguments()),))
    export(tmp_path / "cell", ["cell"])
    write_results(tmp_path / "cell")
    assert verify(tmp_path / "cell")[0].verdict == "pass"

    def wrong(_, answers):
        answers["0/float64/gradients/weights.b[0]"][2] += 1
        answers["0/float32/output[1].order"][0] += 1
        del answers["0/float32/gradients/states[0]"]

    write_results(tmp_path / "cell", wrong)
    (verdict,) = verify(tmp_path / "cell")
    assert [(f.dtype, f.verdict, f.array) for f in verdict.findings] == [
        ("float64", "fail", "0/float64/gradients/weights.b[0]"),
        ("float32", "fail", "0/float32/output[1].order"),
        ("float32", "missing", "0/float32/gradients/states[0]"),
    ]


def test_a_generator_of_a_case_stays_as_it_is(tmp_path, monkeypatch):
    given = vector_folders.cell_arguments()
    before = given["rng"].bit_generator.state
    vector_folders.plant_cell(monkeypatch, (case("nested", **given),))
    export(tmp_path / "cell", ["cell"])
    assert given["rng"].bit_generator.state == before
    rng = index_of(tmp_path / "cell")["ops"][0]["cases"][0]["float64"]["arguments"]["rng"]
    assert rng["$rng"] is None
    assert [draw["method"] for draw in rng["draws"]] == ["standard_normal"]


def test_a_recording_generator_draws_what_any_other_draws():
    recording, plain = RecordingGenerator(3), np.random.default_rng(3)
    buffer, deck, other_deck = np.empty(4, dtype=np.float32), np.arange(5), np.arange(5)
    drawn = [recording.random(dtype=np.float32, out=buffer), recording.permutation(6), recording.uniform(1, 2)]
    recording.shuffle(deck)
    expected = [plain.random(4, dtype=np.float32), plain.permutation(6), plain.uniform(1, 2)]
    plain.shuffle(other_deck)
    assert_identical(drawn, expected)
    buffer[:] = 0  # which must not change what was remembered
    assert [method for method, _ in recording.draws] == ["random", "permutation", "uniform", "shuffle"]
    assert_identical([values for _, values in recording.draws], [*expected, other_deck])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "vectors hold arrays, numbers, strings and structures of them, got <object "),
        ({"$array": 1}, r"vectors hold dicts whose keys are names, got \['\$array'\] at x"),
        ({1: 2}, r"vectors hold dicts whose keys are names, got \[1\] at x"),
        ([np.array([1j])], r"vectors hold arrays of numbers, got dtype complex128 at x\[0\]"),
        (np.array([None]), "vectors hold arrays of numbers, got dtype object at x"),
    ],
)
def test_what_cannot_be_written_is_refused(value, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        Encoder().encode(value, "x")


def test_two_arrays_never_share_a_name():
    with pytest.raises(ValueError, match=r"got two at x\.a\.b$"):
        Encoder().encode({"a": {"b": np.ones(1)}, "a.b": np.ones(1)}, "x")


# The schema

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


# Judging


def test_long_integers_in_json_are_floating_numbers():
    """JavaScript writes 1e20 in digits."""
    text = '{"a": [0.5, 100000000000000000000], "b": [1' + 400 * "0" + '], "c": [9007199254740993, -1]}'
    arrays = _results.arrays_in(Path("results/mse_loss.json"), text)
    np.testing.assert_array_equal(arrays["a"], [0.5, 1e20])
    np.testing.assert_array_equal(arrays["b"], [math.inf])
    assert (arrays["c"].dtype, arrays["c"].tolist()) == (np.int64, [9007199254740993, -1])


def as_json(folder, nested):
    """The results as JSON, in lists that are nested or flat."""
    path = folder / "results" / "relu.npz"
    with np.load(path) as file:
        arrays = {name: (file[name] if nested else file[name].reshape(-1)).tolist() for name in file.files}
    path.unlink()
    path.with_suffix(".json").write_text(json.dumps(arrays))


@pytest.mark.parametrize("form", ["npz", "nested", "flat"])
def test_the_expected_answers_pass(relu, form):
    write_results(relu)
    if form != "npz":
        as_json(relu, form == "nested")
    (verdict,) = verify(relu)
    assert (verdict.verdict, verdict.findings) == ("pass", ())
    assert [(row.dtype, row.cases, row.missing, row.ulp, row.difference) for row in verdict.precisions] == [
        (dtype, len(CASES["relu"]), 0, 0.0, 0.0) for dtype in ("float64", "float32")
    ]


def test_an_answer_within_the_tolerance_passes_with_its_distance(relu):
    def off(_, answers):
        name = "0/float64/output"
        answers[name] = answers[name] * (1 + 2.0**-40)

    write_results(relu, off)
    wide, narrow = verify(relu)[0].precisions
    assert wide.verdict == "pass"
    assert 2**12 <= wide.ulp <= 2**13
    assert wide.difference == pytest.approx(2.0**-40, rel=1e-3)
    assert (narrow.ulp, narrow.difference) == (0, 0)


def test_a_missing_array_is_counted_by_case_and_does_not_pass(relu):
    def lacking(_, answers):
        for name in ("1/float64/output", "1/float64/gradients/input", "2/float64/output"):
            del answers[name]

    write_results(relu, lacking)
    (verdict,) = verify(relu)
    assert [(row.missing, row.verdict) for row in verdict.precisions] == [(2, "missing"), (0, "pass")]
    assert verdict.verdict == "missing"
    assert len(verdict.findings) == 3
    assert verify(relu, dtypes=["float32"])[0].verdict == "pass"


def test_an_op_without_results_is_missing(tmp_path):
    export(tmp_path / "two", ["relu", "tanh"])
    write_results(tmp_path / "two")
    (tmp_path / "two" / "results" / "tanh.npz").unlink()
    relu, tanh = verify(tmp_path / "two")
    assert (relu.verdict, tanh.verdict, tanh.answered) == ("pass", "missing", False)
    assert [row.missing for row in tanh.precisions] == [len(CASES["tanh"])] * 2
    assert [verdict.name for verdict in verify(tmp_path / "two", ["relu"])] == ["relu"]
    with pytest.raises(VectorsError, match=r"has no vectors of softmax$"):
        verify(tmp_path / "two", ["softmax"])


def test_an_op_without_cases_does_not_pass(tmp_path, monkeypatch):
    monkeypatch.setitem(CASES, "relu", ())
    export(tmp_path / "none", ["relu"])
    (tmp_path / "none" / "results").mkdir()
    (tmp_path / "none" / "results" / "relu.json").write_text("{}")
    assert verify(tmp_path / "none")[0].verdict == "missing"


def test_a_name_that_is_not_asked_for_is_a_failure(relu):
    write_results(relu, lambda _, answers: answers.update({"0/float64/gradient/input": np.ones(3)}))
    (verdict,) = verify(relu)
    assert verdict.verdict == "fail"
    assert [finding.message for finding in verdict.findings] == [
        "0/float64/gradient/input is the name of no output and no gradient in the index"
    ]


ONE = np.array([1.0, 2.0, -4.0])


@pytest.mark.parametrize(
    ("found", "expected", "message"),
    [
        (ONE[:2], ONE, " must have shape (3,), got shape (2,)"),
        (ONE[:2].view(Flat), ONE, " must have shape (3,), got 2 numbers"),
        (ONE[None].view(Flat), ONE.reshape(3, 1), ""),
        (np.ones((2, 3)), np.ones((3, 2)), " must have shape (3, 2), got shape (2, 3)"),
        (ONE.astype(np.float32), ONE, " must have dtype float64, got float32"),
        (ONE.astype(np.int8), ONE, ""),
        (ONE, ONE.astype(np.float32), ""),
        (np.array(["a", "b", "c"]), ONE, " must hold real numbers, got dtype <U1"),
        (np.array([1.0, math.nan, -4.0]), ONE, "[1] is nan, must be 2.0"),
        (ONE, np.array([1.0, math.nan, -4.0]), "[1] is 2.0, must be nan"),
        (np.array([math.nan, 1.0]), np.array([math.nan, 1.0]), ""),
        (np.array([math.inf, 1.0]), np.array([-math.inf, 1.0]), "[0] is inf, must be -inf"),
        (np.array([1e300, 1.0]), np.array([math.inf, 1.0]), "[0] is 1e+300, must be inf"),
        (np.array(3.0), np.array(2.0), " is 3.0, must be 2.0: off by 5.0e-01 of the largest entry"),
        (ONE * [1, 1, 1.5], ONE, "[2] is -6.0, must be -4.0: off by 5.0e-01 of the largest entry"),
        (np.array([[1, 2]]), np.array([[1, 3]]), "[0, 1] is 2, must be 3"),
        (np.array([1.0, 3.0]), np.array([1, 3]), ""),
        (np.array([1.0, math.nan]), np.array([1, 3]), "[1] is nan, must be 3"),
        (np.full(2, 1e-17), np.zeros(2), ""),
        (np.full(2, 1e-9), np.zeros(2), "[0] is 1e-09, must be 0.0: off by 1.0e-09"),
        (np.zeros(2), np.array([0.0, 8.7e-27]), "[1] is 0.0, must be 8.7e-27: off by 1.0e+00 of the largest entry"),
        (np.array([1e308, 1.0]), np.array([-1e308, 1.0]), "[0] is 1e+308, must be -1e+308: off by "),
        (np.zeros((0, 3)), np.zeros((0, 3)), ""),
        (np.zeros(0).view(Flat), np.zeros((0, 3)), ""),
    ],
)  # fmt: skip
def test_what_passes_and_what_is_said_of_what_does_not(found, expected, message):
    said = compare(found, expected, 1e-10).message
    assert said.startswith(message) if message.endswith("off by ") else said == message


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_ulps_are_of_the_expected_number(dtype):
    expected = np.array([1.0, 1024.0, 0.0, math.nan], dtype=dtype)
    found = expected.copy()
    found[0] += 3 * np.finfo(dtype).eps
    found[1] += 2 * 1024 * np.finfo(dtype).eps
    distance = compare(found, expected, 1.0)
    assert distance.ulp == 3
    assert distance.difference == 2 * np.finfo(dtype).eps
