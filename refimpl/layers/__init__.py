"""The mathematics of layers: one file per family."""

from .activations import *
from .adaptive_pooling import *
from .average_pooling import *
from .fractional_pooling import *
from .linear import *
from .lp_pooling import *
from .max_pooling import *
from .padding import *
from .softmax import *
from .unpooling import *
