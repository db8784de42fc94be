"""The mathematics of layers: one file per family."""

from .activations import *
from .linear import *
from .softmax import *
