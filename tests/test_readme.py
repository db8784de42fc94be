"""The README and CONTRIBUTING: their blocks run as printed, and the tables are the catalog's and the lessons'."""

import re

import pytest
import readme_table

TEXT = readme_table.README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)


def test_tables_are_those_of_today():
    assert readme_table.written(TEXT) == TEXT, "write them anew with: python tests/readme_table.py"


def test_blocks_run_as_printed(capsys, monkeypatch, tmp_path):
    """In one namespace, from top to bottom; a text block behind a python block is what that one prints."""
    monkeypatch.chdir(tmp_path)
    scope, printed = {}, ""
    for language, code in BLOCKS:
        if language == "python":
            exec(compile(code, "README.md", "exec"), scope)
            printed = capsys.readouterr().out
        elif language == "text":
            assert _rounded(printed) == _rounded(code)
    assert float(scope["loss"]) > 0
    assert scope["first"]["weight"].shape == (5, 4)
    assert float(scope["loss"]) < 0.5  # of the training; guessing has 1.1
    assert scope["state"].step == scope["step"] == 100


def _rounded(text):
    """Differences to finite differences are rounding noise: of them only the order of magnitude is compared."""
    return re.sub(r"(?P<digits>\d\.\d)e-1[1-4]", "tiny", text)


def test_thirty_lines():
    section = TEXT.partition("\n## In thirty lines\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    lines = [line for code in blocks for line in code.splitlines() if line.strip()]
    assert len(blocks) == 2
    assert len(lines) <= 30


def test_contributing_runs_as_printed():
    text = (readme_table.README.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    scope = {"__name__": "contributing"}
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(code, "CONTRIBUTING.md", "exec"), scope)
    with pytest.raises(ValueError, match=r"^snake_forward: a must be above 0, got 0$"):
        scope["snake_forward"]([1.0], a=0)


@pytest.mark.parametrize("section", ["Two commands", "Training", "What is guaranteed", "The lessons", "The ops"])
def test_sections(section):
    assert f"\n## {section}\n" in TEXT
