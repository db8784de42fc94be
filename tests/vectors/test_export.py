"""Vectors to port with: what is exported is what the pairs compute, the same every time, in its own form."""

import math
import zipfile

import numpy as np
import pytest
import vector_folders
from catalog_cases import assert_identical, is_floating
from vector_folders import FEW, arrays_of, contents, decoded, index_of

from refimpl._structure import map_leaves
from refimpl.cases import CASES, case
from refimpl.catalog import OPS
from refimpl.vectors import _export, _folder, _schema, export
from refimpl.vectors._draws import RecordingGenerator
from refimpl.vectors._encoding import Encoder, references


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
