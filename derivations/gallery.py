"""Draws the gallery: each scalar loss and each activation with its gradient, as derivations/gallery/NAME.svg.

    python derivations/gallery.py [NAME ...]

Needs refimpl and matplotlib (the `plots` extra). The files are the same bytes on every run with the same matplotlib. To
add a drawing, add a row to ROWS, run the script for it, and show the file in the op's section of its derivation page:
`![NAME](gallery/NAME.svg)`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from refimpl import OPS

FOLDER = Path(__file__).parent / "gallery"
POINTS = 241  # along the horizontal axis; odd, so that the middle is one of them


class Row(NamedTuple):
    """One drawing: `call` maps the points x (n,) to forward's arguments, for an output of n independent numbers."""

    op: str
    kind: str  # "loss" or "activation": what the value is called
    axis: str  # what stands on the horizontal axis, and at which options
    span: tuple[float, float]
    call: Callable[[Any], dict[str, Any]]
    wrt: str = "input"  # the argument that x moves
    direction: Any = 1.0  # d wrt / d x: [1.0, 0.0] where x is the first of two scores in a row
    kinks: tuple[float, ...] = ()  # where the gradient jumps; a dot shows the value that backward gives there


def unreduced(x: Any, **others: Any) -> dict[str, Any]:
    """The arguments of a loss at target 0, element by element; `others` adds options or replaces the target."""
    return {"input": x, "target": np.zeros_like(x), "reduction": "none", **others}


# One literal row per drawing, in the order of the catalog: families alphabetically, losses after activations.
ROWS = (
    # likelihood
    Row(
        "gaussian_nll_loss", "loss", "var, at residual x - t = 1", (0.4, 6),
        lambda v: unreduced(np.ones_like(v), var=v), wrt="var",
    ),
    Row(
        "poisson_nll_loss", "loss", "log rate x, at target t = 2", (-3, 2),
        lambda x: unreduced(x, target=np.full_like(x, 2)),
    ),
    # margin
    Row(
        "hinge_embedding_loss", "loss", "distance x, target -1, margin 1", (-1, 3),
        lambda x: unreduced(x, target=-np.ones_like(x)), kinks=(1.0,),
    ),
    Row(
        "margin_ranking_loss", "loss", "difference of scores a - b, target 1, margin 1", (-3, 3),
        lambda x: {
            "input1": x, "input2": np.zeros_like(x), "target": np.ones_like(x), "margin": 1.0, "reduction": "none",
        },
        wrt="input1", kinks=(1.0,),
    ),
    Row(
        "soft_margin_loss", "loss", "score x, target 1", (-4, 4), lambda x: unreduced(x, target=np.ones_like(x)),
    ),
    # preference
    Row(
        "bradley_terry_loss", "loss", "reward a of the chosen answer, the other's at 0", (-4, 4),
        lambda x: {"rewards_chosen": x, "rewards_rejected": np.zeros_like(x), "reduction": "none"},
        wrt="rewards_chosen",
    ),
    # regression
    Row("huber_loss", "loss", "residual x - t, at delta = 1", (-3, 3), unreduced),
    Row("l1_loss", "loss", "residual x - t", (-3, 3), unreduced, kinks=(0.0,)),
    Row("log_cosh_loss", "loss", "residual x - t", (-3, 3), unreduced),
    Row("mse_loss", "loss", "residual x - t", (-3, 3), unreduced),
    Row(
        "quantile_loss", "loss", "residual x - t, at quantile = 0.8", (-3, 3),
        lambda x: unreduced(x, quantile=0.8), kinks=(0.0,),
    ),
    Row(
        "smooth_l1_loss", "loss", "residual x - t, at beta = 0.5", (-3, 3),
        lambda x: unreduced(x, beta=0.5),
    ),
)  # fmt: skip


def find(op: str) -> Row:
    """The row of an op."""
    return next(row for row in ROWS if row.op == op)


def evaluate(row: Row, x: Any) -> tuple[Any, Any]:
    """The op's value at the points x, and its derivative along them, both from the pair itself."""
    x = np.asarray(x, dtype=np.float64)
    op = OPS[row.op]
    value, cache = op.forward(**row.call(x))
    along = op.backward(np.ones_like(value), cache)[row.wrt] * np.asarray(row.direction)
    return value, along.reshape(len(x), -1).sum(axis=1)


def curve(op: str) -> tuple[Any, Any, Any]:
    """What is drawn of an op: x, value, gradient; a kink has both its sides, and NaN between them breaks the line."""
    row = find(op)
    x = np.linspace(*row.span, POINTS)
    x = x[~np.isin(x, row.kinks)]
    sides = [side for kink in row.kinks for side in (np.nextafter(kink, -np.inf), kink, np.nextafter(kink, np.inf))]
    x = np.sort(np.concatenate([x, sides]))
    value, gradient = evaluate(row, x)
    return x, value, np.where(np.isin(x, row.kinks), np.nan, gradient)


def draw(op: str, path: Path) -> None:
    """Write the drawing of an op to `path`."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    row = find(op)
    settings = {"svg.hashsalt": "refimpl", "svg.fonttype": "none", "path.simplify": False, "font.size": 9}
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **settings}):
        figure, axes = pyplot.subplots(figsize=(4.8, 3.0))
        figure.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.97)
        axes.axhline(0, color="#999999", linewidth=0.8)
        x, value, gradient = curve(op)
        axes.plot(x, value, color="#1f4e9c", linewidth=1.8, label=row.kind, gid="value")
        axes.plot(x, gradient, color="#c2410c", linewidth=1.5, dashes=(5, 2), label="gradient", gid="gradient")
        if row.kinks:
            axes.plot(row.kinks, evaluate(row, row.kinks)[1], "o", color="#c2410c", markersize=4, gid="kinks")
        axes.set_xlim(row.span)
        axes.set_xlabel(row.axis)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="best", frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in names or [row.op for row in ROWS]:
        draw(name, FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main(sys.argv[1:])
