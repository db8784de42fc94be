"""The gallery: every drawing is committed, shown by its page, and drawn from the pair."""

import importlib.util
import re

import numpy as np
import pytest
from pages import ROOT, headings

from refimpl import OPS

DERIVATIONS = ROOT / "derivations"


def load():
    spec = importlib.util.spec_from_file_location("gallery", DERIVATIONS / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gallery = load()
ROWS = [pytest.param(row, id=row.op) for row in gallery.ROWS]


def drawn(path):
    """The lines of a drawing by name, each an array of points; what stands beside them depends on fonts."""
    found = {}
    for name, group in re.findall(r'<g id="(value|gradient)">(.*?)</g>', path.read_text(), re.DOTALL):
        found[name] = np.array(re.findall(r"[ML] (\S+) (\S+)", group), dtype=float)
    return found


def test_rows_are_of_the_catalog_and_each_once():
    names = [row.op for row in gallery.ROWS]
    assert len(set(names)) == len(names)
    assert set(names) <= set(OPS)


def test_no_drawing_without_a_row():
    assert {path.stem for path in gallery.FOLDER.glob("*")} == {row.op for row in gallery.ROWS}


@pytest.mark.parametrize("row", ROWS)
def test_shown_by_its_page(row):
    op = OPS[row.op]
    page = (DERIVATIONS / f"{op.family}.md").read_text(encoding="utf-8")
    section = next(h.body for h in headings(page) if (h.level, h.title) == (2, row.op))
    assert f"\n![{row.op}](gallery/{row.op}.svg)\n" in section


@pytest.mark.parametrize("row", ROWS)
def test_gradient_is_the_slope_of_the_value(row):
    """Central differences between the kinks; where two formulas join smoothly they are off by h times the bend."""
    x, value, gradient = gallery.curve(row.op)
    assert np.array_equal(gallery.evaluate(row, x)[0], value)
    h = 1e-6
    inside = np.array([all(abs(point - kink) > h for kink in row.kinks) for point in x])
    inside &= (x - h >= row.span[0]) & (x + h <= row.span[1])
    assert inside.sum() > 0.9 * gallery.POINTS
    slope = (gallery.evaluate(row, x + h)[0] - gallery.evaluate(row, x - h)[0]) / (2 * h)
    np.testing.assert_allclose(gradient[inside], slope[inside], rtol=0, atol=1e-5)


@pytest.mark.parametrize("row", ROWS)
def test_kinks_are_where_the_gradient_jumps(row):
    for kink in row.kinks:
        left, at, right = gallery.evaluate(row, [np.nextafter(kink, -np.inf), kink, np.nextafter(kink, np.inf)])[1]
        assert abs(right - left) > 0.01
        assert min(left, right) <= at <= max(left, right)


@pytest.mark.parametrize("row", ROWS)
def test_drawing_is_that_of_today_and_the_same_every_time(row, tmp_path):
    """Its lines to a hundredth of a point, in whatever version of matplotlib; its bytes within one version."""
    pytest.importorskip("matplotlib")
    for name in ("first", "second"):
        gallery.draw(row.op, tmp_path / f"{name}.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    fresh, committed = drawn(tmp_path / "first.svg"), drawn(gallery.FOLDER / f"{row.op}.svg")
    assert set(fresh) == set(committed) == {"value", "gradient"}
    for line, points in fresh.items():
        np.testing.assert_allclose(committed[line], points, atol=0.01)
