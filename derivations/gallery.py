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


def plain(x: Any, **options: Any) -> dict[str, Any]:
    """The arguments of an activation."""
    return {"input": x, **options}


def answered(x: Any) -> dict[str, Any]:
    """The arguments of a loss of yes or no where the answer is yes."""
    return unreduced(x, target=np.ones_like(x))


def scored(x: Any) -> dict[str, Any]:
    """The same by torchvision's names."""
    return {"inputs": x, "targets": np.ones_like(x)}


def two_scores(x: Any) -> dict[str, Any]:
    """The arguments of a loss of class scores: rows (x, 0) whose class is the first."""
    scores = np.stack([x, np.zeros_like(x)], axis=1)
    return {"input": scores, "target": np.zeros(len(x), dtype=np.int64), "reduction": "none"}


# One literal row per drawing, in the order of the catalog: families alphabetically, losses after activations.
ROWS = (
    # activations
    Row("logsigmoid", "activation", "x", (-4, 4), plain),
    Row("sigmoid", "activation", "x", (-6, 6), plain),
    Row("softplus", "activation", "x, at beta = 1", (-4, 4), plain),
    Row("softsign", "activation", "x", (-6, 6), plain),
    Row("squareplus", "activation", "x, at b = 4", (-4, 4), lambda x: {"x": x}, wrt="x"),
    Row("tanh", "activation", "x", (-4, 4), plain),
    Row("tanhshrink", "activation", "x", (-3, 3), plain),
    # exponential_units
    Row("celu", "activation", "x, at alpha = 2", (-6, 3), lambda x: plain(x, alpha=2.0)),
    Row("elu", "activation", "x, at alpha = 0.5", (-4, 3), lambda x: plain(x, alpha=0.5), kinks=(0.0,)),
    Row("selu", "activation", "x", (-4, 3), plain, kinks=(0.0,)),
    # hard_activations
    Row("hardshrink", "activation", "x, at lambd = 0.5", (-2, 2), plain, kinks=(-0.5, 0.5)),
    Row("hardsigmoid", "activation", "x", (-5, 5), plain, kinks=(-3.0, 3.0)),
    Row("hardswish", "activation", "x", (-5, 5), plain, kinks=(-3.0, 3.0)),
    Row("hardtanh", "activation", "x", (-3, 3), plain, kinks=(-1.0, 1.0)),
    Row("relu6", "activation", "x", (-2, 8), plain, kinks=(0.0, 6.0)),
    Row("softshrink", "activation", "x, at lambd = 0.5", (-2, 2), plain, kinks=(-0.5, 0.5)),
    # rectifiers
    Row(
        "leaky_relu", "activation", "x, at negative_slope = 0.1", (-3, 3),
        lambda x: plain(x, negative_slope=0.1), kinks=(0.0,),
    ),
    Row(
        "prelu", "activation", "x, at weight = 0.25", (-3, 3),
        lambda x: plain(x, weight=np.array([0.25])), kinks=(0.0,),
    ),
    Row("relu", "activation", "x", (-3, 3), plain, kinks=(0.0,)),
    Row("rrelu", "activation", "x, in evaluation", (-3, 3), plain, kinks=(0.0,)),
    Row("squared_relu", "activation", "x", (-2, 2), plain),
    Row(
        "threshold", "activation", "x, at threshold = 0.5, value = -0.5", (-2, 2),
        lambda x: plain(x, threshold=0.5, value=-0.5), kinks=(0.5,),
    ),
    # self_gated
    Row("gelu", "activation", "x", (-4, 3), plain),
    Row("mish", "activation", "x", (-6, 3), plain),
    Row("silu", "activation", "x", (-8, 4), plain),
    # softmax
    Row(
        "logsumexp", "activation", "x, of the row (x, 0)", (-4, 4),
        lambda x: {"input": np.stack([x, np.zeros_like(x)], axis=1), "dim": 1}, direction=[1.0, 0.0],
    ),
    # binary
    Row("binary_cross_entropy", "loss", "probability p, at t = 1", (0.08, 0.92), answered),
    Row("binary_cross_entropy_with_logits", "loss", "score x, at t = 1", (-5, 5), answered),
    Row("sigmoid_focal_loss", "loss", "score x, at t = 1, alpha = 0.25, gamma = 2", (-5, 5), scored, wrt="inputs"),
    # classification
    Row("cross_entropy", "loss", "margin x, of the row (x, 0) with class 0", (-5, 5), two_scores, direction=[1.0, 0.0]),
    # cross_entropy_variants
    Row("poly_loss", "loss", "margin x, of the row (x, 0) with class 0", (-5, 5), two_scores, direction=[1.0, 0.0]),
    Row(
        "z_loss", "loss", "x, of the row (x, 0)", (-4, 2),
        lambda x: {"input": np.stack([x, np.zeros_like(x)], axis=1), "reduction": "none"}, direction=[1.0, 0.0],
    ),
    # divergence
    Row(
        "kl_div", "loss", "log-probability x, at t = 0.5", (-3, 0),
        lambda x: unreduced(x, target=np.full_like(x, 0.5)),
    ),
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
        "multi_margin_loss", "loss", "margin x, of the row (x, 0) with class 0", (-2, 3),
        two_scores, direction=[1.0, 0.0], kinks=(1.0,),
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
