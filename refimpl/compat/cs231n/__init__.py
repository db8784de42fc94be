"""The functions of Stanford CS231n's three assignments, under the course's names and in its conventions.

    out, cache = affine_forward(x, w, b)
    dx, dw, db = affine_backward(dout, cache)

Each adapts refimpl's own pair: weights are (D, M), gradients a tuple in the order of the arguments, dropout's p is the
probability to keep, an LSTM's gates stand in the order i, f, o, g, and config and bn_param are updated in place. All
can be imported from here, or from modules named as the course names them: layers, layer_utils, optim, rnn_layers and
classifiers. What each is called with, and what it returns, stands in the table FUNCTIONS.

Described: derivations/compat_cs231n.md.
"""

from . import classifiers, layer_utils, layers, optim, rnn_layers
from .cases import FUNCTIONS, Function
from .classifiers import *
from .layer_utils import *
from .layers import *
from .optim import *
from .rnn_layers import *

__all__ = ["FUNCTIONS", "Function"]
__all__ += classifiers.__all__ + layer_utils.__all__ + layers.__all__ + optim.__all__ + rnn_layers.__all__
