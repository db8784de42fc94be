"""Checkpoints: what is loaded is what was saved, bit for bit; nothing is half loaded, and nothing half written."""

import os
import pickle
from functools import partial

import numpy as np
import pytest
from catalog_cases import assert_identical
from optimisers import OPTIMISERS, RUNS, assert_refused, gradients_at, loss_at, options_of, problem

from refimpl import Checkpoint, checkpoint, load_checkpoint, save_checkpoint
from refimpl.optim import (
    AdamState,
    adam_init,
    reduce_lr_on_plateau_init,
    reduce_lr_on_plateau_update,
    sgd_init,
)

PARAMETERS = {"hidden": {"weight": np.arange(6.0).reshape(2, 3), "bias": None}, "output": [np.ones(3), np.array(0.5)]}


@pytest.mark.parametrize(("name", "run"), RUNS)
def test_training_goes_on_bit_for_bit(tmp_path, name, run):
    """With gradients that draw on from the generator, in float64 and float32."""
    for_init, for_update = options_of(name, run)
    start = problem(OPTIMISERS[name].shapes)
    dtypes = {key: "float64" if i else "float32" for i, key in enumerate(start["parameters"])}
    parameters = {key: value.astype(dtypes[key]) for key, value in start["parameters"].items()}

    def tilted(slopes, parameters):
        loss = loss_at(start, parameters) + sum(np.sum(slopes[key] * value) for key, value in parameters.items())
        gradients = gradients_at(start, parameters)
        return float(loss), {key: np.asarray(g + slopes[key], dtype=dtypes[key]) for key, g in gradients.items()}

    def train(parameters, state, step, rng, last):
        while step < last:
            slopes = {key: 0.1 * rng.standard_normal(value.shape) for key, value in parameters.items()}
            closure = partial(tilted, slopes)
            towards = closure if OPTIMISERS[name].by_closure else closure(parameters)[1]
            parameters, state = OPTIMISERS[name].update(parameters, towards, state, **for_update)
            step += 1
        return parameters, state, step

    rng = np.random.default_rng(3)
    halfway = train(parameters, OPTIMISERS[name].init(parameters, **for_init), 0, rng, 3)
    save_checkpoint(tmp_path / "run.npz", *halfway, rng=rng)
    through = train(*halfway, rng, 6)
    loaded = load_checkpoint(tmp_path / "run.npz")
    assert loaded.step == 3
    assert_identical((loaded.parameters, loaded.state), halfway[:2])
    resumed = train(*loaded, 6)
    assert_identical(resumed, through)
    assert type(resumed[1]) is type(through[1])
    assert {key: value.dtype for key, value in resumed[0].items()} == dtypes


def bits(array):
    return array.dtype.str, array.shape, np.asarray(array, order="C").tobytes()


def test_every_bit_of_an_array_is_kept(tmp_path):
    payload = np.array([0x7FF8000000000123, 0xFFF0000000000001], dtype="uint64").view("float64")
    arrays = [
        payload,
        np.array([-0.0, 5e-324, np.inf, -np.inf]),
        np.array([1.5, -6e-8], dtype="float16"),
        np.arange(12, dtype="float32").reshape(3, 4).T[::2],
        np.array(2.5),
        np.zeros((0, 3)),
        np.array([True, False]),
        np.array([2**63 - 1, -(2**63)]),
        np.array([1.0, 2.0], dtype=">f8"),
        np.array(["a", "bc"]),
        np.array([1 + 2j]),
    ]
    save_checkpoint(tmp_path / "c.npz", arrays)
    for loaded, saved in zip(load_checkpoint(tmp_path / "c.npz").parameters, arrays, strict=True):
        assert bits(loaded) == bits(saved)
        assert isinstance(loaded, np.ndarray)


def test_every_structure_is_kept(tmp_path):
    plateau = reduce_lr_on_plateau_update(np.float64(0.5), reduce_lr_on_plateau_init(0.1))
    state = {
        "adam": adam_init(PARAMETERS),
        "sgd": sgd_init(PARAMETERS),
        "plateau": plateau,
        "numbers": [1, -(2**200), 0.1, float("inf"), -0.0, 5e-324, True, None, "text é", ""],
        "empty": [{}, [], ()],
        "nested": ((1, (2,)), [[3]]),
        3: {"$array": "not an array", ("a", 1): 2, True: "yes", None: "none", 1.5: "half"},
        "a.b": {"c[0]": 1},
        "": 0,
    }
    save_checkpoint(tmp_path / "c.npz", PARAMETERS, state, np.int64(17))
    loaded = load_checkpoint(tmp_path / "c.npz")
    assert type(loaded) is Checkpoint
    assert loaded.step == 17
    assert loaded.rng is None
    assert_identical(loaded.parameters, PARAMETERS)
    assert type(loaded.state["adam"]) is AdamState
    assert_identical(loaded.state["adam"], state["adam"])
    assert list(loaded.state) == list(state)
    same = [key for key in state if key != "adam"]
    assert [repr(loaded.state[key]) for key in same] == [repr(state[key]) for key in same]


def test_numbers_of_numpy_stay_numbers_of_numpy(tmp_path):
    numbers = [np.float32(0.1), np.int64(3), np.bool_(True), np.float64("nan")]
    save_checkpoint(tmp_path / "c.npz", None, numbers)
    for loaded, saved in zip(load_checkpoint(tmp_path / "c.npz").state, numbers, strict=True):
        assert type(loaded) is type(saved)
        assert bits(np.asarray(loaded)) == bits(np.asarray(saved))


@pytest.mark.parametrize("kind", checkpoint.GENERATORS)
def test_a_generator_goes_on_where_it_stood(tmp_path, kind):
    rng = np.random.Generator(getattr(np.random, kind)(5))
    rng.integers(10, size=3, dtype="int32")  # leaves half of a 64-bit number behind
    save_checkpoint(tmp_path / "c.npz", None, rng=rng)
    loaded = load_checkpoint(tmp_path / "c.npz").rng
    assert type(loaded.bit_generator) is type(rng.bit_generator)
    for draw in ("random", "standard_normal"):
        np.testing.assert_array_equal(getattr(loaded, draw)(50), getattr(rng, draw)(50))
    np.testing.assert_array_equal(loaded.integers(9, size=5, dtype="int32"), rng.integers(9, size=5, dtype="int32"))


def assert_no_checkpoint(path, reason=""):
    with pytest.raises(ValueError, match="must be a whole file that save_checkpoint wrote, got ") as caught:
        load_checkpoint(path)
    assert str(caught.value).startswith(f"load_checkpoint: {path} must be ")
    assert reason in str(caught.value)


def test_a_file_that_is_cut_short_is_refused(tmp_path):
    save_checkpoint(tmp_path / "whole.npz", PARAMETERS, adam_init(PARAMETERS), 3)
    whole = (tmp_path / "whole.npz").read_bytes()
    for length in (*range(0, len(whole), 50), *range(len(whole) - 30, len(whole))):
        (tmp_path / "short.npz").write_bytes(whole[:length])
        assert_no_checkpoint(tmp_path / "short.npz", "no archive, or one that is cut short")


def test_a_damaged_file_is_refused_or_unharmed(tmp_path):
    """Every third byte in turn. What is under no sum (times, versions, padding) holds nothing."""
    parameters = {"w": np.array([1.5, 2.5])}
    save_checkpoint(tmp_path / "whole.npz", parameters, None, 3)
    whole, refused, unharmed = (tmp_path / "whole.npz").read_bytes(), 0, 0
    tried = range(0, len(whole), 3)
    for i in tried:
        damaged = bytearray(whole)
        damaged[i] ^= 0x10
        (tmp_path / "damaged.npz").write_bytes(damaged)
        try:
            loaded = load_checkpoint(tmp_path / "damaged.npz")
        except ValueError as error:
            refused += str(error).startswith(f"load_checkpoint: {tmp_path / 'damaged.npz'} must be a whole file")
        else:
            assert_identical(tuple(loaded), (parameters, None, 3, None))
            unharmed += 1
    assert refused + unharmed == len(tried)
    assert refused > 0.7 * len(tried)


def test_a_damaged_shape_is_refused(tmp_path):
    """Fewer numbers than there are would be read without coming to the end, where NumPy would meet the sum."""
    path = tmp_path / "run.npz"
    save_checkpoint(path, {"w": np.array([1.5, 2.5])})
    whole = path.read_bytes()
    assert whole.count(b"'shape': (2,)") == 1
    path.write_bytes(whole.replace(b"'shape': (2,)", b"'shape': (1,)"))
    assert_no_checkpoint(path, "a damaged member array_0.npy")


class Trap:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_foreign_files_are_refused(tmp_path):
    path, sprung = tmp_path / "foreign.npz", tmp_path / "sprung"
    for content in (b"", b"PK", b"no archive at all\n" * 50, pickle.dumps({"w": 1}), pickle.dumps(Trap(sprung))):
        path.write_bytes(content)
        assert_no_checkpoint(path, "no archive, or one that is cut short")
    np.savez(path, weight=np.ones(3))
    assert_no_checkpoint(path, "no 'structure'")
    np.savez(path, structure=np.ones(3))
    assert_no_checkpoint(path)
    np.savez(path, structure=np.frombuffer(b'{"format": "another"}', dtype="uint8"))
    assert_no_checkpoint(path, "the format 'another'")
    np.savez(path, structure=np.array([Trap(sprung)], dtype=object))
    assert_no_checkpoint(path, "allow_pickle=False")
    assert not sprung.exists()
    with open(path, "wb") as file:
        np.save(file, np.ones(3))
    assert_no_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('"version":1', '"version":2'), "version 2 where 1 is known"),
        (('"AdamState"', '"EveState"'), "a state EveState, which refimpl.optim does not have"),
        (('"AdamState"', '"adam_init"'), "a state adam_init, which refimpl.optim does not have"),
        (
            ('"square":', '"cube":'),
            "a state AdamState of step, mean, cube, largest_square where this version has step,",
        ),
        (('"array_0"', '"array_99"'), "no 'array_99'"),
        (('"$array"', '"$code"'), "an entry $code"),
    ],
)
def test_what_a_later_version_may_hold_is_refused(tmp_path, change, reason):
    path = tmp_path / "later.npz"
    save_checkpoint(path, {"w": np.ones(2)}, adam_init({"w": np.ones(2)}))
    with np.load(path) as file:
        members = dict(file)
    text = members["structure"].tobytes().decode()
    assert change[0] in text
    members["structure"] = np.frombuffer(text.replace(*change).encode(), dtype="uint8")
    np.savez(path, **members)
    assert_no_checkpoint(path, reason)


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz"):
        load_checkpoint(tmp_path / "nothing.npz")


def out_of_space(*args, **kwargs):
    raise OSError(28, "No space left on device")


def half_a_file(file, **members):
    file.write(b"PK\x03\x04 half of it")
    out_of_space()


@pytest.mark.parametrize(
    ("module", "name", "failing"),
    [(np, "savez", half_a_file), (os, "fsync", out_of_space), (os, "replace", out_of_space)],
)
def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch, module, name, failing):
    path = tmp_path / "run.npz"
    save_checkpoint(path, PARAMETERS, None, 1)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(path, {"other": np.zeros(1000)}, None, 2)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["run.npz"]
    save_checkpoint(path, {"other": np.zeros(1000)}, None, 2)
    assert load_checkpoint(path).step == 2
    assert os.listdir(tmp_path) == ["run.npz"]


def test_the_old_file_is_there_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path, seen = tmp_path / "run.npz", []
    save_checkpoint(path, PARAMETERS, None, 1)
    replace = os.replace

    def watching(source, target):
        seen.append((load_checkpoint(source).step, load_checkpoint(target).step, os.path.dirname(source)))
        replace(source, target)

    monkeypatch.setattr(os, "replace", watching)
    save_checkpoint(path, PARAMETERS, None, 2)
    assert seen == [(2, 1, str(tmp_path))]


def test_the_target_of_a_link_is_replaced(tmp_path):
    (tmp_path / "runs").mkdir()
    try:
        (tmp_path / "latest").symlink_to(tmp_path / "runs" / "1.npz")
    except OSError:
        pytest.skip("links cannot be made here")
    save_checkpoint(tmp_path / "latest", PARAMETERS, None, 4)
    assert (tmp_path / "latest").is_symlink()
    assert load_checkpoint(tmp_path / "runs" / "1.npz").step == 4


def test_any_name_is_kept(tmp_path):
    save_checkpoint(str(tmp_path / "epoch 3.ckpt"), PARAMETERS)
    assert os.listdir(tmp_path) == ["epoch 3.ckpt"]


def test_nothing_is_written_of_what_cannot_be_saved(tmp_path):
    path = tmp_path / "run.npz"
    Pair = type("Pair", (tuple,), {"_fields": ()})
    refused = {
        "an object": (
            lambda: save_checkpoint(path, {"a": [1, object()]}),
            TypeError,
            "save_checkpoint: parameters.a[1] must be a structure of arrays, numbers, strings and None, got object",
        ),
        "an array of objects": (
            lambda: save_checkpoint(path, {"a": np.array([None])}),
            TypeError,
            "save_checkpoint: parameters.a must be a plain array of numbers, got dtype object",
        ),
        "a masked array": (
            lambda: save_checkpoint(path, {"a": np.ma.masked_equal([1.0, 2.0], 1)}),
            TypeError,
            "save_checkpoint: parameters.a must be a plain array of numbers, got a masked array",
        ),
        "a foreign named tuple": (
            lambda: save_checkpoint(path, None, {"s": Pair()}),
            TypeError,
            "save_checkpoint: state.s must be a state of refimpl.optim or a plain tuple, got Pair",
        ),
        "a negative step": (
            lambda: save_checkpoint(path, None, step=-1),
            ValueError,
            "save_checkpoint: step must be at least 0, got -1",
        ),
        "a seed for a generator": (
            lambda: save_checkpoint(path, None, rng=3),
            TypeError,
            "save_checkpoint: rng must be a numpy.random.Generator, got int",
        ),
    }
    for call, error, message in refused.values():
        assert_refused(call, error, message)
        assert os.listdir(tmp_path) == []
