"""The README and CONTRIBUTING: their blocks run as printed, and the tables are the catalog's and the lessons'."""

import re
import shlex

import pytest
import readme_table

from refimpl.cli import main

TEXT = readme_table.README.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
FILES = re.findall(r"^```python (\S+\.py)\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)
SESSIONS = re.findall(r"^```console\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


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


def test_commands_print_what_is_printed(tmp_path, monkeypatch, capsys):
    """In a folder that holds the files shown: after `$ refimpl ...` comes what that prints."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES:
        (tmp_path / name).write_text(text)
    commands = [part.partition("\n") for session in SESSIONS for part in session.split("$ ")[1:]]
    assert commands
    for command, _, shown in commands:
        program, *arguments = shlex.split(command)
        assert program == "refimpl"
        main(arguments)
        assert _without_noise(capsys.readouterr().out) == _without_noise(shown)


def _without_noise(text):
    """The last digits of the finite differences, their error estimates and the seconds vary with the machine."""
    return re.sub(r"(?<=numeric \d\.\d{8})\d+ \+- \S+|(?<=in )\d+\.\d(?= s)", "", text)


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


SECTIONS = [
    "Two commands",
    "Your own pair, judged",
    "A port in another language",
    "Training",
    "What is guaranteed",
    "The lessons",
    "The ops",
]


@pytest.mark.parametrize("section", SECTIONS)
def test_sections(section):
    assert f"\n## {section}\n" in TEXT
