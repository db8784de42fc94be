"""Folders of vectors read back and answered, without the package's own reader."""

from __future__ import annotations

import hashlib
import importlib
import json
import math

import numpy as np

import refimpl
from refimpl._structure import leaves
from refimpl.catalog import OPS, Op

# Plain, with a tuple of outputs, with lists, with functions, with integers, and random.
FEW = ["relu", "softmax", "max_pool1d", "concatenate", "triplet_margin_with_distance_loss", "cross_entropy"]
FEW += ["dropout", "dropout2d", "feature_alpha_dropout", "fractional_max_pool2d", "gumbel_softmax", "rrelu"]
NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Replay(np.random.Generator):
    """Gives what was drawn, whatever it is asked for, and draws nothing."""

    def __init__(self, draws):
        super().__init__(np.random.PCG64(0))
        self.draws = [(draw["method"], draw["values"]) for draw in draws]


def _replayed(name):
    def draw(self, *_, **options):
        method, values = self.draws.pop(0)
        assert method == name
        out = options.get("out")
        if out is None:
            return values
        out[...] = values
        return out

    return draw


for _name in ("random", "uniform", "gumbel", "standard_normal", "normal", "integers", "permutation"):
    setattr(Replay, _name, _replayed(_name))


def index_of(folder):
    return json.loads((folder / "index.json").read_text())


def arrays_of(folder, op):
    with np.load(folder / op["file"], allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def decoded(value, arrays):
    """An encoded value with its arrays in place."""
    if isinstance(value, list):
        return [decoded(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    special = {
        "$array": lambda: arrays[value["$array"]],
        "$tuple": lambda: tuple(decoded(value["$tuple"], arrays)),
        "$number": lambda: NUMBERS[value["$number"]],
        "$dtype": lambda: np.dtype(value["$dtype"]).type,
        "$function": lambda: getattr(importlib.import_module(value["module"]), value["$function"]),
        "$rng": lambda: Replay(decoded(value["draws"], arrays)),
    }
    kind = next((key for key in special if key in value), None)
    return special[kind]() if kind else {key: decoded(entry, arrays) for key, entry in value.items()}


def write_results(folder, change=lambda name, answers: None):
    """Answers every op with what is expected, after change(op's name, {array's name: array})."""
    (folder / "results").mkdir(exist_ok=True)
    for op in index_of(folder)["ops"]:
        answers = {
            name: array
            for name, array in arrays_of(folder, op).items()
            if name.split("/")[2].startswith(("output", "gradients"))
        }
        change(op["name"], answers)
        np.savez(folder / "results" / f"{op['name']}.npz", **answers)


def rewrite_index(folder, change):
    """index.json after change(index), with the files as they are."""
    index = index_of(folder)
    change(index)
    (folder / "index.json").write_text(json.dumps(index))


def contents(folder):
    """Every file below the folder and its digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


# An op whose arguments, output and gradients are structures.


def cell_forward(input, states, weights, scales=(1.0, math.inf), dtype=np.float64, *, rng=None):
    """y = x a + h b_0 + noise, of states (h, None) and weights {"a": a, "b": [b_0]}."""
    noise = rng.standard_normal(input.shape).astype(input.dtype)
    y = input * weights["a"] + states[0] * weights["b"][0] + noise
    return (y, {"order": np.argsort(y), "doubled": 2 * y}), (input, states, weights)


def cell_backward(grad_output, cache):
    (grad_y, inner), (x, states, weights) = grad_output, cache
    g = grad_y + 2 * inner["doubled"]
    assert inner["order"] is None
    grad_weights = {"a": g * x, "b": [g * states[0]]}
    return {"input": g * weights["a"], "states": (g * weights["b"][0], None), "weights": grad_weights}


def cell_arguments():
    rng = np.random.default_rng(0)
    x, h, a, b = (rng.standard_normal(4) for _ in range(4))
    weights = {"a": a, "b": [b]}
    return {"input": x, "states": (h, None), "weights": weights, "dtype": np.float32, "rng": np.random.default_rng(5)}


def plant_cell(monkeypatch, cases):
    """The op in the catalog for the time of a test."""
    monkeypatch.setattr(cell_forward, "__module__", "refimpl.layers.cells")
    op = Op(
        "cell", cell_forward, cell_backward,
        differentiable=("input", "states", "weights"), constant=("scales", "dtype", "rng"), derivation="cells.md#cell",
    )  # fmt: skip
    monkeypatch.setitem(OPS, "cell", op)
    monkeypatch.setitem(refimpl.cases.CASES, "cell", cases)


def paths(structure):
    return [path for path, _ in leaves(structure)]
