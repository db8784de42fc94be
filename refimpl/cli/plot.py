"""`refimpl check --plot FILE`: the gradients that are wrong, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._validate import Array
from ..gradcheck.catalog_check import Finding
from .error_map import relative_error, slices_of

SUFFIXES = (".png", ".svg", ".pdf")
MOST = 8  # gradients in a picture, each a row


class CannotPlot(Exception):
    """A picture that cannot be drawn, or not there."""


def ready(file: str) -> Path:
    """The file that is to be written, if that can be done: said before any work."""
    path = Path(file)
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"--plot: the name must end in {', '.join(SUFFIXES)}, got {file}")
    if not path.parent.is_dir():
        raise CannotPlot(f"--plot: there is no folder {path.parent}")
    if path.is_dir():
        raise CannotPlot(f"--plot: {file} is a folder")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        raise CannotPlot("--plot needs matplotlib: pip install 'refimpl[plots]'") from None
    return path


def draw(path: Path, findings: Sequence[tuple[str, Finding]]) -> int:
    """For each finding, with its op's name, a row: backward's gradient, the finite differences, the error.

    Returns how many rows there are; without one, no file is written.
    """
    from matplotlib.figure import Figure

    rows = [(op, finding) for op, finding in findings if drawable(finding)][:MOST]
    if not rows:
        return 0
    figure = Figure(figsize=(9, 2.4 * len(rows)), layout="constrained")
    grid: Any = figure.subplots(len(rows), 3, squeeze=False)
    for axes, (op, finding) in zip(grid, rows, strict=True):
        _draw_row(axes, op, finding)
    figure.savefig(path, dpi=120)
    return len(rows)


def _draw_row(axes: Any, op: str, finding: Finding) -> None:
    """Both gradients in the same colours, white at 0, and the error; of many axes the worst slice."""
    report = finding.report
    assert report is not None
    index, error = slices_of(relative_error(report))[0]
    analytic, numeric = (_slice(array, index) for array in (report.analytic, report.numeric))
    both = np.abs(np.concatenate([analytic, numeric]))
    most = float(np.max(both, initial=0.0, where=np.isfinite(both))) or 1.0
    signed: dict[str, Any] = {"cmap": "RdBu", "vmin": -most, "vmax": most}
    kind = f": {finding.diagnosis.kind}" if finding.diagnosis else ""
    where = f"[{', '.join(map(str, index))}, :, :]" if index else ""
    titles = (
        f"{op}, case '{finding.case}'\n{report.name}{where}: backward",
        "finite differences",
        f"error, of the largest entry{kind}",
    )
    pictures = ((analytic, signed), (numeric, signed), (error, {"cmap": "magma", "vmin": 0.0}))
    for ax, title, (values, colours) in zip(axes, titles, pictures, strict=True):
        image = ax.imshow(np.ma.masked_invalid(values), aspect="auto", interpolation="nearest", **colours)
        ax.set_title(title, fontsize=8)
        ax.tick_params(labelsize=6)
        ax.locator_params(integer=True)
        ax.figure.colorbar(image, ax=ax).ax.tick_params(labelsize=6)


def drawable(finding: Finding) -> bool:
    """Whether it has two arrays of one shape, and elements that are wrong."""
    report = finding.report
    if report is None or report.analytic is None or report.numeric is None or report.wrong is None:
        return False
    return report.analytic.shape == report.shape and report.numeric.size > 0 and bool(report.wrong.any())


def _slice(array: Any, index: tuple[int, ...]) -> Array:
    part = np.asarray(array)[index]
    return part if part.ndim == 2 else part.reshape(1, -1)
