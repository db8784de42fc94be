"""The mathematics of layers: one file per family."""

from .activations import *
from .convolution import *
from .exponential_units import *
from .folding import *
from .gates import *
from .hard_activations import *
from .linear import *
from .rectifiers import *
from .self_gated import *
from .softmax import *
from .sparsemax import *
from .transposed_convolution import *
