"""The lessons: the modules of refimpl/examples, and what their docstrings and pages say."""

import ast
from pathlib import Path

import refimpl

FOLDER = Path(refimpl.__file__).parent / "examples"
PAGES = FOLDER.parent.parent / "derivations" / "lessons"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))

QUICK = {  # with what the tests run the lessons that train for longer than a few seconds
    "sequence_labelling": ["--steps", "50"],
    "tiny_gpt": ["--steps", "6", "--length", "40"],
}


def summary(name):
    """The first line of the docstring, which says what the lesson shows; the lesson is not imported."""
    text = ast.get_docstring(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8")))
    return text.splitlines()[0].removesuffix(".")
