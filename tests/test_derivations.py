"""Derivations: every op has its page and section, every block runs, every link and formula holds."""

import inspect
import re

import numpy as np
import pytest
from pages import ROOT, broken_links, code_blocks, headings, math_faults, run_blocks

from refimpl import OPS, optim
from refimpl.cases import CASES

FOLDER = ROOT / "derivations"
PAGES = [pytest.param(path, id=path.name) for path in sorted(FOLDER.glob("*.md"))]
LESSONS = [pytest.param(path, id=f"lessons/{path.name}") for path in sorted(FOLDER.glob("lessons/*.md"))]
LINKED = [*PAGES, *LESSONS, *(pytest.param(ROOT / name, id=f"../{name}") for name in ("README.md", "CONTRIBUTING.md"))]
MODULES = [pytest.param(p, id=str(p.relative_to(ROOT))) for p in sorted((ROOT / "refimpl").rglob("*.py"))]
ROWS = [pytest.param(op, id=op.name) for op in OPS.values()]

FREE = ("README.md", "notation.md", "performance.md", "compat_cs231n.md")  # the pages that derive nothing themselves
SHARED = "What the ops share"
PARTS = ["Statement", "To show", "Derivation", "Reading it", "By hand", "Numerics", "Conventions and sources"]
DERIVING = [page for page in PAGES if page.id not in FREE]


def subjects(text):
    """The name and the parts of everything that a page derives; the name is empty on a page about one thing."""
    found = headings(text)
    if "Statement" in [heading.title for heading in found if heading.level == 2]:
        return {"": [(h.title, h.body) for h in found if h.level == 2]}
    sections = [heading for heading in found if heading.level == 2 and heading.title != SHARED]
    return {s.title: [(h.title, h.body) for h in headings(s.body) if h.level == 3] for s in sections}


def parts(op):
    page, _, name = op.derivation.partition("#")
    return dict(subjects((FOLDER / page).read_text(encoding="utf-8"))[name])


def table(statement):
    """The rows of the table of symbols, as lists of cells."""
    head = re.search(r"^\| symbol \| code \| shape \| kept in (?:cache|state) \|\n[|-]+\n", statement, re.M)
    assert head, "there is no table of symbols"
    lines = statement[head.end() :].partition("\n\n")[0].strip().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def named(cells):
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("page", [*PAGES, *LESSONS])
def test_blocks_run(page):
    run_blocks(page.read_text(encoding="utf-8"), str(page))


@pytest.mark.parametrize("page", LINKED)
def test_links_resolve(page):
    assert broken_links(page.read_text(encoding="utf-8"), page) == []


@pytest.mark.parametrize("page", LINKED)
def test_formulas_are_shown(page):
    assert math_faults(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", DERIVING)
def test_every_subject_has_the_parts(page):
    text = page.read_text(encoding="utf-8")
    for name, found in subjects(text).items():
        assert [title for title, _ in found] == PARTS, name or page.name
        for title, body in found:
            assert body.strip(), f"{name}: {title} is empty"
            if title in ("Reading it", "By hand"):
                assert "assert" in "".join(code for _, _, code in code_blocks(body)), f"{name}: {title} runs nothing"
    first = [heading.title for heading in headings(text) if heading.level == 2]
    assert SHARED not in first[1:]


@pytest.mark.parametrize("page", [*PAGES, *LESSONS])
def test_code_is_run_or_text(page):
    assert {language for language, _, _ in code_blocks(page.read_text(encoding="utf-8"))} <= {"python", "text"}


@pytest.mark.parametrize("page", [page for page in PAGES if page.id != "README.md"])
def test_page_is_in_the_index(page):
    assert f"| [{page.name}]({page.name}) |" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("op", ROWS)
def test_op_has_its_section(op):
    page, _, anchor = op.derivation.partition("#")
    text = (FOLDER / page).read_text(encoding="utf-8")
    assert (2, op.name, anchor) in [(h.level, h.title, h.anchor) for h in headings(text)]
    assert f"]({op.derivation})" in (FOLDER / "README.md").read_text(encoding="utf-8")
    code = "".join(code for _, body in subjects(text)[op.name] for _, _, code in code_blocks(body))
    assert f"{op.name}_forward(" in code
    assert f"{op.name}_backward(" in code


@pytest.mark.parametrize("page", DERIVING)
def test_sections_are_of_ops(page):
    names = {op.name for op in OPS.values() if op.derivation.partition("#")[0] == page.name}
    assert set(subjects(page.read_text(encoding="utf-8"))) == (names or {""})


@pytest.mark.parametrize("op", ROWS)
def test_table_tells_the_arguments_and_the_cache(op):
    rows = table(parts(op)["Statement"])
    assert named(row[1] for row in rows) == {*inspect.signature(op.forward).parameters, "output", "grad_output"}
    _, cache = op.forward(**CASES[op.name][0].arguments)
    assert named(row[3] for row in rows) == set(cache._fields)


@pytest.mark.parametrize("op", ROWS)
def test_every_gradient_is_shown(op):
    shown = re.findall(r"^- `(\w+)`", parts(op)["To show"], re.M)
    assert shown == list(op.differentiable)


@pytest.mark.parametrize("name", [name for name in vars(optim) if name.endswith("_init")])
def test_table_tells_the_state(name):
    rows = table(
        dict(subjects((FOLDER / f"{name.removesuffix('_init')}.md").read_text(encoding="utf-8"))[""])["Statement"]
    )
    state = getattr(optim, name)(0.1 if name == "reduce_lr_on_plateau_init" else {"weight": np.zeros((2, 2))})
    assert named(row[3] for row in rows) == set(state._fields)


@pytest.mark.parametrize("path", MODULES)
def test_pages_named_in_the_code_exist(path):
    links = re.findall(r"\bderivations/([\w/]+\.md(?:#[\w-]+)?)", path.read_text(encoding="utf-8"))
    assert broken_links("".join(f"[page]({link})\n" for link in links), FOLDER / "README.md") == []


# That these checks find what they are there for.

FORMULAS = (
    ("a display is not a paragraph of its own", "so that\n$$a = b$$"),
    ("an odd number of $", "the slope $a and the rest"),
    ("an odd number of $", "| $a$ | $b | c$ |"),
    ("text touches a formula", "the $n$-th entry"),
    ("a line break or a space", "so $a =\nb$ holds"),
    ("a backslash before punctuation", r"$a \, b$"),
    ("a character of HTML or Markdown", "$a < b$"),
    ("a link", "$[a](b)$"),
    ("an underscore after punctuation", r"$\bar{x}_i$"),
    ("a line that begins like a list", "$$a\n- b$$"),
    ("braces do not balance", r"$\frac{a}{b$"),
    ("braces do not balance", "$a}{b$"),
    ("left and right do not balance", r"$\left( a )$"),
    ("begin and end do not match", r"$$\begin{bmatrix} a \end{matrix}$$"),
    ("an unknown command lamda", r"$\lamda$"),
)


@pytest.mark.parametrize(("fault", "text"), FORMULAS)
def test_a_formula_that_breaks_is_found(fault, text):
    assert any(found.startswith(fault) for found in math_faults(text))


@pytest.mark.parametrize(
    "target",
    ["nowhere.md", "linear.md#nowhere", "#nowhere", "../refimpl/nowhere.py", "notation.md#sum-1", "../../etc"],
)
def test_a_link_that_breaks_is_found(target):
    text = f"A [good](linear.md#linear) one, `[code]({target})`, a [foreign](https://example.org/#x) one"
    assert broken_links(text, FOLDER / "activations.md") == []
    assert broken_links(f"{text} and a [bad]({target}) one", FOLDER / "activations.md") == [target]


def test_a_number_that_is_wrong_is_found():
    page = (FOLDER / "linear.md").read_text(encoding="utf-8")
    changed = page.replace("17 / 4", "15 / 4")
    assert changed != page
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        run_blocks(changed, "linear.md")


def test_titles_that_repeat_get_numbered_anchors():
    text = "# A `b_c` title\n```python\n# no heading\n```\n## To show\n## To show\n# Nesterov's [look](x.md)-ahead, 2nd"
    anchors = [heading.anchor for heading in headings(text)]
    assert anchors == ["a-b_c-title", "to-show", "to-show-1", "nesterovs-look-ahead-2nd"]
