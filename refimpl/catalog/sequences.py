"""The table's rows of layers on sequences: recurrent nets, attention, transformers."""

from __future__ import annotations

from ._op import Op

ROWS: tuple[Op, ...] = ()
