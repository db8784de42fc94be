"""refimpl: the reference implementation of backpropagation.

Every loss and every layer is a pair of pure functions, NAME_forward and NAME_backward, in vectorised NumPy.
"""

from .catalog import OPS, Op
from .gradcheck import assert_gradients, gradcheck
from .layers import *
from .losses import *
