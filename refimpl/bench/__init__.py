"""How fast the pairs are and what they hold, as ratios measured side by side. The command is `refimpl bench`.

A row of the table is an op at one size. Its contenders take turns in one process, by the processor's clock: our pair,
forward and backward; PyTorch's op, where it is installed; and the bare work that the op cannot avoid, matrix products
or the traffic of its bytes. What counts is the median of the ratios of neighbours, with its quartiles: a machine that
slows down for a while slows all of them. No test is timed, and nothing here decides whether one passes.
"""

from .measure import Memory, Result, geometric_mean, measure, memory
from .method import Ratio
from .row import Row
from .sizes import JUDGED, ROWS

__all__ = ["JUDGED", "ROWS", "Memory", "Ratio", "Result", "Row", "geometric_mean", "measure", "memory"]
