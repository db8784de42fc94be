"""The mathematics of layers: one file per family."""

from .activations import *
from .grid_sampling import *
from .interpolation import *
from .linear import *
from .roi_align import *
from .shuffling import *
from .softmax import *
