"""The table: one literal row per op. Everything that lists ops is derived from it."""

from . import layers, losses, sequences, spatial
from ._op import Op

OPS: dict[str, Op] = {op.name: op for op in (*layers.ROWS, *spatial.ROWS, *sequences.ROWS, *losses.ROWS)}

__all__ = ["OPS", "Op"]
