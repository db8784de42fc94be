"""The table: one literal row per op, in one file per kind. Everything that lists ops is derived from it."""

from . import layers, losses
from ._op import Op

OPS: dict[str, Op] = {op.name: op for op in (*layers.ROWS, *losses.ROWS)}

__all__ = ["OPS", "Op"]
