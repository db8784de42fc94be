"""The mathematics of layers: one file per family."""

from .activations import *
from .convolution import *
from .folding import *
from .linear import *
from .softmax import *
from .transposed_convolution import *
