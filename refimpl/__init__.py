"""refimpl: the reference implementation of backpropagation.

Every loss and every layer is a pair of pure functions, NAME_forward and NAME_backward, in vectorised NumPy:

    output, cache = linear_forward(input, weight, bias)
    gradients = linear_backward(grad_output, cache)        # {"input": ..., "weight": ..., "bias": ...}

OPS is the table of all of them, gradcheck compares a pair with SciPy's finite differences, Sequential chains pairs,
refimpl.graph records and differentiates any code that calls them, refimpl.optim holds the optimisers, refimpl.init the
initialisers, and save_checkpoint keeps what they come to.
"""

from . import graph, init, optim
from .catalog import OPS, Op
from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .gradcheck import GradientReport, assert_gradients, gradcheck
from .layers import *
from .losses import *
from .sequential import Sequential

__version__ = "0.1.0"
