"""The house keeps its order: imports go one way, the catalog is complete, and every list is derived from it."""

import ast
import inspect
import json
from pathlib import Path

import pytest

import refimpl
from refimpl import OPS
from refimpl.cases import CASES, REFUSALS

PACKAGE = Path(refimpl.__file__).parent
TORCH = {row["name"]: row for row in json.loads((Path(__file__).parent / "torch_functional.json").read_text())}
ROWS = [pytest.param(op, id=op.name) for op in OPS.values()]

# Each part of the package may import the parts named before it, and itself.
ORDER = (
    ("_validate", "_structure"),
    (
        "_precision",
        "_ulps",
        "_reduction",
        "_blocks",
        "_numerics",
        "_norms",
        "_segments",
        "_windows",
        "_correlation",
        "_sampling",
    ),
    ("losses", "layers", "optim", "init", "sequential", "graph", "checkpoint"),
    ("catalog", "cases"),
    ("gradcheck",),
    ("compat", "interop", "vectors", "userfile", "grade"),
    ("cli", "bench"),
    ("examples", "__main__", "__init__"),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
# What the mathematics of a training loop must not know: the ops it is used with.
APART = {"sequential": {"losses", "layers", "catalog"}, "optim": {"losses", "layers", "catalog"}}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(path):
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """The parts of the package that a module imports."""
    package = path.relative_to(PACKAGE.parent).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
            names = [[*base, alias.name] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module.split(".")]
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        else:
            continue
        yield from (name[1] for name in names if name[0] == "refimpl" and len(name) > 1 and name[1] in RANK)


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in MODULES])
def test_imports_go_one_way(path):
    part = part_of(path)
    assert part in RANK, f"{part} has no place in the order of imports"
    for imported in imports(path):
        assert RANK[imported] <= RANK[part], f"{path.name} imports {imported}"
        assert imported not in APART.get(part, ()), f"{path.name} imports {imported}"


@pytest.mark.parametrize("op", ROWS)
def test_every_argument_stands_in_the_row(op):
    parameters = list(inspect.signature(op.forward).parameters)
    assert sorted(op.differentiable + op.constant) == sorted(parameters)
    assert [name for name in parameters if name in op.differentiable] == list(op.differentiable)


@pytest.mark.parametrize("op", ROWS)
def test_names_and_files_agree(op):
    """NAME_forward in FAMILY.py, its cases in cases/FAMILY.py, its page derivations/FAMILY.md."""
    assert op.forward.__name__ == f"{op.name}_forward"
    assert op.backward.__name__ == f"{op.name}_backward"
    assert op.forward.__module__ == op.backward.__module__ == f"refimpl.{op.kind}.{op.family}"
    assert op.derivation == f"{op.family}.md#{op.name}"
    family = __import__(f"refimpl.cases.{op.family}", fromlist=["CASES"])
    assert op.name in family.CASES
    assert op.name in family.REFUSALS


@pytest.mark.parametrize("op", ROWS)
def test_every_op_has_cases_and_refusals(op):
    assert CASES[op.name]
    assert REFUSALS[op.name]
    for samples in (CASES[op.name], REFUSALS[op.name]):
        assert len({sample.name for sample in samples}) == len(samples)


def test_no_cases_of_unknown_ops():
    assert set(CASES) == set(REFUSALS) == set(OPS)


@pytest.mark.parametrize("op", ROWS)
def test_pair_is_importable_from_the_top(op):
    assert getattr(refimpl, f"{op.name}_forward") is op.forward
    assert getattr(refimpl, f"{op.name}_backward") is op.backward


def test_every_pair_is_in_the_catalog():
    pairs = {name.removesuffix("_forward") for name in dir(refimpl) if name.endswith("_forward")}
    assert pairs == set(OPS)


# Arguments that PyTorch's signature has and that change nothing in the mathematics of a pure function.
DROPPED = {"size_average", "reduce", "inplace", "out", "sparse", "options"}


@pytest.mark.parametrize("op", [parameter for parameter in ROWS if parameter.values[0].torch])
def test_signature_is_pytorchs(op):
    """The names, order and defaults of torch.nn.functional; beyond them only keyword-only arguments, such as rng."""
    name = op.torch.rpartition(".")[2]
    if not op.torch.startswith("torch.nn.functional."):
        return
    row = TORCH[name]
    assert op.name in (name, name.removesuffix("_forward"))
    definition = ast.parse(f"def {row['signature']}: ...").body[0]
    scope = {}
    exec(compile(ast.Module([definition], []), "signature", "exec"), scope)
    theirs = {k: p for k, p in inspect.signature(scope[name]).parameters.items() if k not in DROPPED}
    ours = inspect.signature(op.forward).parameters
    assert [k for k in ours if k in theirs] == list(theirs)
    for key, parameter in ours.items():
        if key in theirs:
            assert parameter.default == theirs[key].default, key
        else:
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, key
    assert set(row["differentiable"]) <= set(op.differentiable)


@pytest.mark.parametrize("op", ROWS)
def test_kinks_and_departures_are_declared_where_there_are_cases_of_them(op):
    assert bool(op.kinks) == any(case.at_kink for case in CASES[op.name])
    assert bool(op.departs) == any(case.departs for case in CASES[op.name])


@pytest.mark.parametrize("op", ROWS)
def test_docstring_has_its_parts_in_order(op):
    text = inspect.getdoc(op.forward)
    parts = ["Shapes:", "Raises:", "Extremes:", "Source:", f"Derived: derivations/{op.derivation}."]
    positions = [text.find(f"\n{part}") for part in parts]
    assert -1 not in positions, dict(zip(parts, positions, strict=True))
    assert positions == sorted(positions)
    assert inspect.getdoc(op.backward)


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in MODULES])
def test_files_stay_readable(path):
    assert len(path.read_text().splitlines()) <= 400
